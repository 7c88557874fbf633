"""``gridpilot demo``: the engine with virtual stations, a day in a minute."""

from pathlib import Path

from typer import Exit

from api.commands.files import faults_told


def demo(seed: int, seconds: float, evses: int, out: Path) -> None:
    """Play the day; the process fails where a meter has shown more than a limit."""
    from benchmarks.demo import main

    with faults_told("demo"):
        code = main(seed, seconds, evses, out)
    raise Exit(code)
