"""Benchmarks as small registered files, and the reports that they give.

A benchmark is a module directly in this package with a module-level constant of this very form::

    BENCHMARK: Final = BenchmarkSpec(name="replan", summary="...", needs_data=False, run=measure_replan)

It is found by that line, and imported only then; heavy imports belong inside the function that measures.
"""

import importlib
import json
import math
import os
import pkgutil
import platform
import types
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import benchmarks
from models.errors import ChargingError, InvalidInputError, Issue

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from benchmarks.terminal import Column

MARK: Final = "BENCHMARK: Final ="
REPORTED_PACKAGES: Final = ("numpy", "scipy", "numba", "pyomo", "highspy")
WHOLE_NUMBERS_FROM: Final = 1000.0
DEFAULT_SEED: Final = 2025

Cell: TypeAlias = str | int | float | None


class UnknownBenchmarkError(ChargingError):
    """No benchmark has this name; carries the names that there are."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"no benchmark is called {name!r}; there are: {', '.join(known) or 'none'}")
        self.name = name
        self.known = known


class MissingDataError(ChargingError):
    """A benchmark needs the recorded data, and the folder is not there."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(f"{name} reads recorded data, and {folder} is no folder; set GRIDPILOT_DATA")
        self.name = name
        self.folder = folder


def _silent(_line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class BenchmarkOption:
    """What a benchmark can be asked to do differently: ``--name VALUE``, again for more.

    Parameters
    ----------
    name : str
        As a user types it, without the dashes.
    summary : str
        What it does, and the form of its values.
    default : tuple of str
        Values where none is given, in the form in which they are typed.
    names_data : bool
        Its values name the data: with it the folder of recorded data is not needed.
    """

    name: str
    summary: str
    default: tuple[str, ...] = ()
    names_data: bool = False


@dataclass(frozen=True, slots=True)
class BenchmarkContext:
    """What a run is given.

    Parameters
    ----------
    data_dir : pathlib.Path
        Folder of recorded data; exists when the benchmark says that it needs it.
    smoke : bool
        Small sizes: shows in seconds that the benchmark works, its figures mean nothing.
    seed : int
        Seed of everything that is drawn.
    say : callable
        Takes one line of progress.
    peers_dir : pathlib.Path
        Folder with the Python environments of rival packages; need not exist.
    options : mapping of str to tuple of str
        Values of the benchmark's options by name, those of :meth:`BenchmarkSpec.measure` complete.
    """

    data_dir: Path
    smoke: bool = False
    seed: int = DEFAULT_SEED
    say: Callable[[str], None] = _silent
    peers_dir: Path = Path("~/.cache/gridpilot/peers")
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where figures were measured: without it they cannot be compared.

    Parameters
    ----------
    python : str
        Version of the interpreter.
    packages : tuple of (str, str)
        Name and version of the packages that the figures depend on.
    machine : str
        Operating system and processor architecture.
    cpu_count : int
        Logical processors of the machine.
    seed : int
        Seed of everything that was drawn.
    """

    python: str
    packages: tuple[tuple[str, str], ...]
    machine: str
    cpu_count: int
    seed: int

    @classmethod
    def here(cls, seed: int = DEFAULT_SEED) -> "Environment":
        """Return the environment of this process."""
        return cls(
            python=platform.python_version(),
            packages=tuple((name, _version_of(name)) for name in REPORTED_PACKAGES),
            machine=f"{platform.system()} {platform.machine()}",
            cpu_count=os.cpu_count() or 1,
            seed=seed,
        )

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {number}" for name, number in self.packages)
        return f"Python {self.python}, {packages}; {self.machine}, {self.cpu_count} CPUs; seed {self.seed}"


@dataclass(frozen=True, slots=True)
class BenchmarkReport:
    """One table of figures, with what a reader must know beside it.

    Parameters
    ----------
    title : str
        What was measured.
    columns : tuple of str
        Headings, with units: ``"p95 [ms]"``.
    rows : tuple of tuple of (str, int, float or None)
        One cell for each column; None where there is no figure.
    notes : tuple of str
        How it was measured, what to beware of.
    environment : Environment
        Where it was measured.

    Raises
    ------
    InvalidInputError
        A row has more or fewer cells than there are columns.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    environment: Environment = field(default_factory=Environment.here)

    def __post_init__(self) -> None:
        wide = len(self.columns)
        issues = tuple(
            Issue(f"rows[{i}]", f"has {len(row)} cells for {wide} columns")
            for i, row in enumerate(self.rows)
            if len(row) != wide
        )
        if issues:
            raise InvalidInputError(issues)

    def __rich_console__(self, _console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Title, figures as wide as the terminal, notes and environment: ``console.print(report)``."""
        from rich.text import Text

        from benchmarks.terminal import tables_within

        yield Text(self.title, style="bold")
        yield ""
        for table in tables_within(self._as_text(), options.max_width):
            yield table
            yield ""
        for line in (*self.notes, str(self.environment)):
            yield Text(line)

    def as_markdown(self) -> str:
        """Return the report as a markdown table with its notes below."""
        rule = [":--" if self._is_text(index) else "--:" for index in range(len(self.columns))]
        body = [[text_of(cell) for cell in row] for row in self.rows]
        lines = ["| " + " | ".join(_escaped(row)) + " |" for row in (list(self.columns), rule, *body)]
        notes = [f"- {note}" for note in (*self.notes, str(self.environment))]
        return "\n".join((f"### {self.title}", "", *lines, "", *notes, ""))

    def as_json(self) -> str:
        """Return the report as JSON; a figure that is not finite becomes null."""
        record = asdict(self)
        record["rows"] = [[_finite(cell) for cell in row] for row in self.rows]
        record["environment"]["packages"] = dict(self.environment.packages)
        return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)

    def _as_text(self) -> "tuple[Column, ...]":
        from benchmarks.terminal import Column

        cells = [tuple(text_of(row[index]) for row in self.rows) for index in range(len(self.columns))]
        return tuple(
            Column(heading, cells[index], self._is_text(index)) for index, heading in enumerate(self.columns)
        )

    def _is_text(self, index: int) -> bool:
        """Whether a column holds words; words stand left, figures right."""
        return any(isinstance(row[index], str) for row in self.rows)


@dataclass(frozen=True, slots=True)
class BenchmarkSpec:
    """A registered benchmark.

    Parameters
    ----------
    name : str
        What a user types after ``gridpilot bench run``.
    summary : str
        One line for ``gridpilot bench list``.
    needs_data : bool
        Whether it reads the folder of recorded data.
    run : callable
        Measures, and returns the report.
    options : tuple of BenchmarkOption
        What it can be asked to do differently.
    """

    name: str
    summary: str
    needs_data: bool
    run: Callable[[BenchmarkContext], BenchmarkReport]
    options: tuple[BenchmarkOption, ...] = ()

    def measure(self, context: BenchmarkContext) -> BenchmarkReport:
        """Run the benchmark after a look whether its data are there.

        Raises
        ------
        InvalidInputError
            An option that it does not have was given.
        MissingDataError
            It needs the recorded data, and the folder is not there.
        """
        faults = self._strange(context.options)
        if faults:
            raise InvalidInputError(faults)
        named = any(option.names_data and option.name in context.options for option in self.options)
        if self.needs_data and not named and not context.data_dir.is_dir():
            raise MissingDataError(self.name, context.data_dir)
        defaults = {option.name: option.default for option in self.options}
        return self.run(replace(context, options={**defaults, **context.options}))

    def _strange(self, given: Mapping[str, tuple[str, ...]]) -> tuple[Issue, ...]:
        known = [option.name for option in self.options]
        there = ", ".join(f"--{name}" for name in known) or "none"
        return tuple(
            Issue(f"--{name}", f"{self.name} has no such option; there are: {there}")
            for name in given
            if name not in known
        )


def find_all(package: types.ModuleType = benchmarks) -> tuple[BenchmarkSpec, ...]:
    """Return every registered benchmark, by name.

    Raises
    ------
    InvalidInputError
        Two benchmarks have one name, or a module's ``BENCHMARK`` is no ``BenchmarkSpec``.
    """
    issues: list[Issue] = []
    specs: dict[str, BenchmarkSpec] = {}
    for module_name in _marked_modules(package):
        spec = getattr(importlib.import_module(module_name), "BENCHMARK", None)
        if not isinstance(spec, BenchmarkSpec):
            issues.append(Issue(module_name, "BENCHMARK is no BenchmarkSpec"))
        elif spec.name in specs:
            issues.append(Issue(module_name, f"the name {spec.name!r} is taken"))
        else:
            specs[spec.name] = spec
    if issues:
        raise InvalidInputError(tuple(issues))
    return tuple(specs[name] for name in sorted(specs))


def find(name: str, package: types.ModuleType = benchmarks) -> BenchmarkSpec:
    """Return the benchmark with this name.

    Raises
    ------
    UnknownBenchmarkError
        There is none; the message names those that there are.
    """
    specs = find_all(package)
    for spec in specs:
        if spec.name == name:
            return spec
    raise UnknownBenchmarkError(name, tuple(spec.name for spec in specs))


def text_of(cell: Cell) -> str:
    """Return a cell as a reader wants it: four digits that count, thousands apart, a dash for nothing."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return "–"
        return f"{cell:,.0f}" if abs(cell) >= WHOLE_NUMBERS_FROM else f"{cell:.4g}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _marked_modules(package: types.ModuleType) -> list[str]:
    """Names of the modules that register a benchmark, told from their text: importing all would be slow."""
    marked = []
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        spec = found.module_finder.find_spec(found.name, None)
        source = getattr(spec and spec.loader, "get_source", None)
        lines = (source(found.name) or "").splitlines() if source else ()
        if any(line.startswith(MARK) for line in lines):
            marked.append(found.name)
    return marked


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _escaped(cells: list[str]) -> list[str]:
    return [cell.replace("|", "\\|") for cell in cells]


def _finite(cell: Cell) -> Cell:
    return None if isinstance(cell, float) and not math.isfinite(cell) else cell
