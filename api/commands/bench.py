"""``gridpilot bench``: figures that can be measured again."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.commands.files import faults_told, write_text
from api.settings import Settings


def list_all() -> None:
    """Show every benchmark."""
    from benchmarks.registry import find_all

    table = Table("name", "what it measures", "needs data")
    for spec in find_all():
        table.add_row(spec.name, spec.summary, "yes" if spec.needs_data else "")
    Console().print(table)


def run(name: str, json: Path | None, *, smoke: bool) -> None:
    """Run one benchmark, show its table, and write it where asked."""
    from benchmarks.registry import BenchmarkContext, find

    with faults_told("benchmark"):
        spec = find(name)
        console = Console(stderr=True)
        settings = Settings.from_environment()
        report = spec.measure(
            BenchmarkContext(settings.data, smoke=smoke, say=console.print, peers_dir=settings.peers)
        )
        Console().print(report)
        if json is not None:
            write_text(json, report.as_json() + "\n")
