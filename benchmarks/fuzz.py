"""Ten thousand unkind sites: answered in time, within every limit, and nothing over-claimed."""

import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.fuzzed.states import Trouble, drawn_state, moved_on
from benchmarks.registry import (
    BenchmarkContext,
    BenchmarkOption,
    BenchmarkReport,
    BenchmarkSpec,
    Cell,
    Environment,
)

if TYPE_CHECKING:
    from models.state import SiteState
    from optimizer.plan import Plan

N_SMOKE: Final = 66
CHUNK: Final = 100
MS: Final = 1e3
NOISE: Final = 1e-6
"""Float noise: amperes, and parts of the sizes of an objective's terms."""

STATUSES: Final = ("proved", "feasible", "dispatched", "curtailed")
DEADLINE_S: Final = 0.25
COLUMNS: Final = (
    "sites about",
    "steps",
    "answered [%]",
    "p50 [ms]",
    "p99 [ms]",
    "late [%]",
    "processor p50 [ms]",
    "p99 of it [ms]",
    "max of it [ms]",
    "late by it [%]",
    *STATUSES,
    "without a bound",
    "worst excess [A]",
    "faults",
)


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one step: ``fault`` says what was wrong, empty when nothing was; ``has_bound``: one is claimed."""

    trouble: Trouble
    number: int
    status: str
    took_s: float
    cpu_s: float
    excess_a: float
    fault: str
    has_bound: bool = False


def measure_fuzz(context: BenchmarkContext) -> BenchmarkReport:
    """Plan every fuzzed site, and again a little later; judge what comes of it."""
    n_sites = N_SMOKE if context.smoke else int(context.options["sites"][0])
    deadline_s = float(context.options["deadline"][0])
    n_processes = 1 if context.smoke else int(context.options["processes"][0])
    chunks = [range(first, min(first + CHUNK, n_sites)) for first in range(0, n_sites, CHUNK)]
    started = time.perf_counter()
    steps: list[Step] = []
    for done in _all_steps(context.seed, chunks, deadline_s, n_processes):
        steps += done
        context.say(f"{len(steps)} steps after {time.perf_counter() - started:.0f} s")
    rows = [
        _row(trouble.value, [step for step in steps if step.trouble is trouble], deadline_s)
        for trouble in Trouble
    ]
    faults = [step for step in steps if step.fault]
    return BenchmarkReport(
        title=f"{n_sites:,} fuzzed sites, two steps each, deadline {deadline_s:g} s",
        columns=COLUMNS,
        rows=(*rows, _row("all", steps, deadline_s)),
        notes=(
            "a site is drawn, planned cold, and planned again a little later with other prices.",
            "late: answered after the deadline, by the clock and by the processor's time of the step alone;",
            "the clock also counts what others did on the machine meanwhile.",
            "excess: on the exact phasor sum of all pilots, by code that shares nothing with the engine.",
            "without a bound: nothing is proved for what is sent, so no bound is claimed and none is judged.",
            "faults: exceptions, impossible pilots, excesses, objectives below their bound, claims that do not hold.",
            f"processor time of all steps {sum(step.cpu_s for step in steps):.0f} s in {n_processes} process(es).",
            f"all together {time.perf_counter() - started:.0f} s, judge and drawing included.",
            *(f"site {step.number}: {step.fault}" for step in faults[:20]),
        ),
        environment=Environment.here(context.seed),
    )


def _all_steps(seed: int, chunks: list[range], deadline_s: float, n_processes: int) -> Iterator[list[Step]]:
    if n_processes == 1:
        for chunk in chunks:
            yield steps_of(seed, chunk, deadline_s)
        return
    with ProcessPoolExecutor(n_processes) as pool:
        n = len(chunks)
        yield from pool.map(steps_of, [seed] * n, chunks, [deadline_s] * n)


def steps_of(seed: int, numbers: range, deadline_s: float) -> list[Step]:
    """Return what came of the steps of some sites."""
    _warm_up(seed, deadline_s)
    return [step for number in numbers for step in _steps(seed, number, deadline_s)]


def _warm_up(seed: int, deadline_s: float) -> None:
    """Load the kernels and the solver: a service does so before it takes calls."""
    _steps(seed, 0, max(deadline_s, 10.0))


def _steps(seed: int, number: int, deadline_s: float) -> list[Step]:
    from optimizer.mpc import Controller
    from optimizer.options import PlanOptions

    trouble, state = drawn_state(seed, number)
    options = PlanOptions(deadline_s=deadline_s)
    controller = Controller(state.site, options)
    found = []
    for one in (state, moved_on(state, seed, number)):
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            plan = controller.step(one)
        except Exception as error:  # noqa: BLE001 - to find whatever it may be is what this is for
            found.append(Step(trouble, number, "", 0.0, 0.0, 0.0, f"{type(error).__name__}: {error}"))
            continue
        took_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
        excess_a, fault = _judged(one, plan, options.load_quantile)
        status, has_bound = plan.report.status.value, plan.report.bound is not None
        found.append(Step(trouble, number, status, took_s, cpu_s, excess_a, fault, has_bound))
    return found


def _judged(state: "SiteState", plan: "Plan", load_quantile: float) -> tuple[float, str]:
    """Return the worst excess [A], and what is wrong with a plan."""
    from benchmarks.fuzzed.judge import worst_excess_a, wrong_pilots
    from optimizer.solver.outcome import PROVED_GAP, SolveStatus

    report = plan.report
    excess_a = worst_excess_a(state, plan.schedule, load_quantile)
    size = max(1.0, sum(abs(term.value) for term in report.terms))
    if wrong_pilots(state, plan.schedule):
        return excess_a, "a pilot that the EVSE cannot give"
    if excess_a > NOISE:
        return excess_a, f"{excess_a:.3g} A over a limit"
    if report.bound is not None and report.objective < report.bound - NOISE * size:
        return excess_a, f"objective {report.objective:.9g} below its bound {report.bound:.9g}"
    if report.status is SolveStatus.PROVED and (report.gap is None or report.gap > PROVED_GAP):
        return excess_a, f"proved with a gap of {report.gap}"
    if not np.isfinite(report.objective):
        return excess_a, "an objective that is no number"
    return excess_a, ""


def _row(name: str, steps: list[Step], deadline_s: float) -> tuple[Cell, ...]:
    answered = [step for step in steps if step.status]
    clock_ms = np.array([step.took_s for step in answered] or [np.nan]) * MS
    cpu_ms = np.array([step.cpu_s for step in answered] or [np.nan]) * MS
    by_status = [sum(step.status == status for step in steps) for status in STATUSES]
    return (
        name,
        len(steps),
        100.0 * len(answered) / max(len(steps), 1),
        *(float(np.percentile(clock_ms, share)) for share in (50, 99)),
        100.0 * float((clock_ms > MS * deadline_s).mean()),
        *(float(np.percentile(cpu_ms, share)) for share in (50, 99, 100)),
        100.0 * float((cpu_ms > MS * deadline_s).mean()),
        *by_status,
        sum(not step.has_bound for step in answered),
        max((max(step.excess_a, 0.0) for step in answered), default=0.0),
        sum(bool(step.fault) for step in steps),
    )


BENCHMARK: Final = BenchmarkSpec(
    name="fuzz",
    summary="Unkind sites by the thousand: answered, in time, within every limit, nothing over-claimed.",
    needs_data=False,
    run=measure_fuzz,
    options=(
        BenchmarkOption("sites", "how many", ("10000",)),
        BenchmarkOption("deadline", "of every step [s]", (f"{DEADLINE_S:g}",)),
        BenchmarkOption("processes", "that share the work", ("2",)),
    ),
)
