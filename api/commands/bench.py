"""``gridpilot bench``: figures that can be measured again."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from api.commands.files import faults_told, write_text
from api.settings import Settings
from models.errors import IssueList


def list_all() -> None:
    """Show every benchmark."""
    from benchmarks.registry import find_all

    table = Table("name", "what it measures", "needs data")
    for spec in find_all():
        table.add_row(spec.name, spec.summary, "yes" if spec.needs_data else "")
    Console().print(table)


def options(name: str) -> None:
    """Show what one benchmark can be asked to do differently."""
    from benchmarks.registry import find

    with faults_told("benchmark"):
        table = Table("option", "what it does", "unless given")
        for option in find(name).options:
            table.add_row(f"--{option.name}", option.summary, " ".join(option.default))
        Console().print(table)


def run(name: str, words: Sequence[str], json: Path | None, *, smoke: bool) -> None:
    """Run one benchmark with its own options, show its table, and write it where asked."""
    from benchmarks.registry import BenchmarkContext, find

    with faults_told("benchmark"):
        spec = find(name)
        console = Console(stderr=True)
        settings, given = Settings.from_environment(), options_in(words)
        context = BenchmarkContext(
            settings.data, smoke=smoke, say=console.print, peers_dir=settings.peers, options=given
        )
        report = spec.measure(context)
        Console().print(report)
        if json is not None:
            write_text(json, report.as_json() + "\n")


def options_in(words: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the values of every ``--name VALUE ...``; a name that comes again adds to its values.

    Raises
    ------
    InvalidInputError
        A value stands before the first name, or a name has no value.
    """
    found: dict[str, tuple[str, ...]] = {}
    issues, name = IssueList(), ""
    for word in words:
        if word.startswith("--"):
            name, _, value = word.removeprefix("--").partition("=")
            found[name] = found.get(name, ()) + ((value,) if value else ())
        elif name:
            found[name] += (word,)
        else:
            issues.add(word, "is the value of no option")
    for option, values in found.items():
        issues.require(bool(values), f"--{option}", "has no value")
    issues.raise_if_any()
    return found
