"""Our scheduler and others on one synthetic site: time, memory and cost of the same program in one table."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

import benchmarks
from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell, Environment
from models.errors import ChargingError

if TYPE_CHECKING:
    from benchmarks.peers.case import Case, Verdict
    from benchmarks.peers.child import Report

Size: TypeAlias = tuple[int, int, int]
"""EVSEs, slots, seconds of a slot."""
Pythons: TypeAlias = dict[str | None, Path | ChargingError]
"""Interpreter by the name of its environment (None: this one), or why there is none."""

SIZES: Final[tuple[Size, ...]] = ((54, 144, 300), (100, 96, 900), (1000, 96, 900))
SMOKE_SIZES: Final[tuple[Size, ...]] = ((12, 24, 900),)
CHANGED_SHARE: Final = 0.01
N_RUNS: Final = 5
BUDGET_S: Final = 20.0
TIMEOUT_S: Final = 900.0
PERCENT: Final = 100.0
NOISE: Final = 1e-6
"""Smaller energies, powers and percentages are the solvers' tolerance, shown as 0."""
COLUMNS: Final = (
    "EVSEs x slots",
    "scheduler",
    "time [s]",
    "CPU [s]",
    "runs",
    "peak memory [MB]",
    "energy cost",
    "over the LP bound [%]",
    "short [kWh]",
    "over a limit [kW]",
    "cells below 6 A",
    "it says",
)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A scheduler of ``benchmarks/peers``.

    Parameters
    ----------
    label : str
        What the table calls it.
    module, name : str
        File, and its name there.
    environment : str or None
        Environment that it runs in; None for this one.
    most_evses : int
        Larger sites are not tried: hours, and nothing to learn.
    """

    label: str
    module: str
    name: str
    environment: str | None = None
    most_evses: int = 1000


BOUND: Final = Contestant("LP by hand, highspy: simplex", "with_highspy", "simplex")
WARM_BOUND: Final = Contestant(
    "LP by hand, highspy: warm after 1 % of needs change", "with_highspy", "warm_simplex"
)
CONTESTANTS: Final = (
    Contestant("Gridpilot, LP: cold", "with_gridpilot", "cold"),
    Contestant("Gridpilot, LP: warm after 1 % of needs change", "with_gridpilot", "warm"),
    Contestant("Gridpilot, whole step with real pilots: cold", "with_gridpilot", "step_cold"),
    Contestant("Gridpilot, whole step with real pilots: warm", "with_gridpilot", "step_warm"),
    BOUND,
    Contestant("LP by hand, highspy: interior point", "with_highspy", "interior_point"),
    WARM_BOUND,
    Contestant("LP in cvxpy: HiGHS", "with_cvxpy", "with_highs", "cvxpy"),
    Contestant("LP in cvxpy: Clarabel", "with_cvxpy", "with_clarabel", "cvxpy"),
    Contestant("FlexMeasures, LP: direct highspy", "with_flexmeasures", "direct", "flexmeasures"),
    Contestant("FlexMeasures, LP: Pyomo, appsi_highs", "with_flexmeasures", "through_pyomo", "flexmeasures"),
    Contestant("0 or 6 A, MILP by hand of all cells, HiGHS", "with_highspy", "integer"),
    Contestant("0 or 6 A, LP, then a MILP of cars below 6 A", "with_highspy", "repaired"),
    Contestant("0 or 6 A, FlexMeasures with power bands", "with_flexmeasures", "banded", "flexmeasures", 100),
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What came of one contestant: its report and what its answer is worth, or why there is none."""

    contestant: Contestant
    report: "Report | None" = None
    verdict: "Verdict | None" = None
    why_not: str = ""


def measure_rivals(context: BenchmarkContext) -> BenchmarkReport:
    """Give every size to every scheduler, each in a process of its own."""
    rows: list[tuple[Cell, ...]] = []
    packages: dict[str, str] = {}
    load, pythons = os.getloadavg()[0], _pythons(context)
    for size in SMOKE_SIZES if context.smoke else SIZES:
        outcomes = list(_outcomes(size, context, pythons))
        rows += _rows(size, outcomes)
        for outcome in outcomes:
            if outcome.report and outcome.contestant.environment:
                named = ", ".join(f"{name} {number}" for name, number in outcome.report.packages.items())
                packages[outcome.contestant.environment] = named
    return BenchmarkReport(
        title="One program, many schedulers: least cost of energy behind a site limit and panels, every need feasible",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            f"time: median of at most {N_RUNS} runs in one process, none begun after {BUDGET_S:.0f} s.",
            "a run goes from arrays (ours: the site's state; FlexMeasures: its data frames) to powers.",
            "CPU: of all threads; on a machine that others use too it says more than the clock.",
            "memory: the greatest of the whole process, imports included.",
            "cost, short and limits are computed from the powers that came back, not from what was said of them.",
            "warm: after new needs for 1 % of the cars; measured against the bound of that case.",
            "integer programs are stopped after 120 s; the gap is the solver's own, its tolerance 0.01 %.",
            f"load average of the machine when it began: {load:.1f}.",
            *(f"environment {name}: {named}" for name, named in packages.items()),
        ),
        environment=Environment.here(context.seed),
    )


def _pythons(context: BenchmarkContext) -> Pythons:
    """Return the interpreter of every environment, or why there is none: asked, and made, once in a run."""
    from benchmarks.peers.environments import NoEnvironmentError, python_of

    pythons: Pythons = {None: Path(sys.executable)}
    for name in dict.fromkeys(one.environment for one in CONTESTANTS if one.environment):
        try:
            pythons[name] = python_of(name, context.peers_dir, make=not context.smoke, say=context.say)
        except NoEnvironmentError as error:
            pythons[name] = error
    return pythons


def _outcomes(size: Size, context: BenchmarkContext, pythons: Pythons) -> Iterator[_Outcome]:
    """Run the contestants on one size, one after the other."""
    from benchmarks.peers.case import drawn_case
    from benchmarks.peers.child import BASE_FILE, CHANGED_FILE

    base = drawn_case(*size, context.seed)
    cases = (base, base.with_changed_needs(CHANGED_SHARE, context.seed + 1))
    with tempfile.TemporaryDirectory(prefix="gridpilot-") as name:
        folder = Path(name)
        for case, file in zip(cases, (BASE_FILE, CHANGED_FILE), strict=True):
            case.write(folder / file)
        for contestant in CONTESTANTS:
            if contestant.most_evses < size[0]:
                continue
            context.say(f"{size[0]} x {size[1]}: {contestant.label}")
            try:
                report, verdict = _measured(
                    contestant, cases, folder, pythons, 1 if context.smoke else N_RUNS
                )
                yield _Outcome(contestant, report, verdict)
            except ChargingError as error:
                yield _Outcome(contestant, why_not=str(error))


def _measured(
    contestant: Contestant, cases: tuple["Case", "Case"], folder: Path, pythons: Pythons, n_runs: int
) -> tuple["Report", "Verdict"]:
    """Run one contestant in a process of its own, and judge its answer.

    Raises
    ------
    ChargingError
        It has no environment here, or gave no answer.
    """
    from benchmarks.peers.case import judged
    from benchmarks.peers.child import ANSWER_FILE, REPORT_FILE, Report
    from benchmarks.peers.environments import answer, write_sources

    python, home = pythons[contestant.environment], Path(benchmarks.__file__).parents[1]
    if isinstance(python, ChargingError):
        raise python
    if contestant.environment is not None:
        home = folder / "sources"
        write_sources(home)
    command = [str(python), "-m", f"benchmarks.peers.{contestant.module}", contestant.name, str(folder)]
    answer([*command, "--runs", str(n_runs), "--budget-s", str(BUDGET_S)], home, TIMEOUT_S)
    report = Report(**json.loads((folder / REPORT_FILE).read_text(encoding="utf-8")))
    with np.load(folder / ANSWER_FILE) as said:
        verdict = judged(cases[report.changed], said["power_kw"], said["energy_kwh"])
    return report, verdict


def _rows(size: Size, outcomes: list[_Outcome]) -> list[tuple[Cell, ...]]:
    """Return the table's rows of one size; costs are compared with the optimum of the same linear program."""
    costs = {o.contestant: o.verdict.cost for o in outcomes if o.verdict is not None}
    bounds = (costs.get(BOUND), costs.get(WARM_BOUND))
    return [_row(f"{size[0]} x {size[1]}", outcome, bounds) for outcome in outcomes]


def _row(size: str, outcome: _Outcome, bounds: tuple[float | None, float | None]) -> tuple[Cell, ...]:
    report, verdict = outcome.report, outcome.verdict
    if report is None or verdict is None:
        empty: tuple[Cell, ...] = (None,) * (len(COLUMNS) - 3)
        return (size, outcome.contestant.label, *empty, outcome.why_not)
    bound = bounds[report.changed]
    gap = "" if report.gap is None else f", gap {PERCENT * report.gap:.2g} %"
    return (
        size,
        outcome.contestant.label,
        float(np.median(report.times_s)),
        float(np.median(report.cpu_s)),
        len(report.times_s),
        report.peak_mb,
        verdict.cost,
        None if bound is None else _without_noise(PERCENT * (verdict.cost / bound - 1.0)),
        _without_noise(verdict.short_kwh),
        _without_noise(verdict.over_kw),
        verdict.n_between,
        report.said + gap,
    )


def _without_noise(value: float) -> float:
    return 0.0 if abs(value) < NOISE else value


BENCHMARK: Final = BenchmarkSpec(
    name="rivals",
    summary="Our scheduler beside FlexMeasures, cvxpy and programs by hand: time, memory and cost.",
    needs_data=False,
    run=measure_rivals,
)
