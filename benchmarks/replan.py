"""Planning a site again and again: stated anew at every tick, against kept alive and moved."""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Environment

if TYPE_CHECKING:
    from models.arrays import FloatArray
    from optimizer.problem import Problem

N_SLOTS: Final = 96
SIZES: Final = (20, 100, 300, 1000)
N_TICKS: Final = 60
RIVAL_TICKS: Final = 10
LARGE: Final = 500
DEADLINE_S: Final = 120.0
MS: Final = 1e3

COLUMNS: Final = (
    "EVSEs",
    "(a) Pyomo, its HiGHS interface [ms]",
    "(b) highspy cold [ms]",
    "(c) ours cold [ms]",
    "(d) ours warm [ms]",
    "(d) p95 [ms]",
    "a / d",
    "d / its HiGHS run",
    "objective, (d) against (a)",
    "rebuilds",
    "MB a live site",
)


@dataclass(slots=True)
class _Times:
    """Seconds of every method at the ticks at which it ran, and how far the objectives lie apart."""

    stated: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    cold: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    overhead: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)


def measure_replan(context: BenchmarkContext) -> BenchmarkReport:
    """Run every size; all methods see the same states of one moving day, in one process and one thread."""
    sizes, n_ticks = ((20,), 6) if context.smoke else (SIZES, N_TICKS)
    rows = []
    for n_evses in sizes:
        context.say(f"{n_evses} EVSEs x {N_SLOTS} slots, {n_ticks} ticks")
        every = 1 if context.smoke else n_ticks // (2 if n_evses >= LARGE else RIVAL_TICKS)
        rows.append(_measured(n_evses, n_ticks, every, context.seed))
    return BenchmarkReport(
        title="Re-planning one site, 96 slots of 15 min, medians unless said otherwise",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            "a moving day: 60 ticks of one slot, cars plug in and leave, what was planned is delivered.",
            "(a), (b) and (c) run at every 6th tick (at 1,000 EVSEs at every 30th); (d) at every tick but the first.",
            "(a) and (b) hold only cells in which a car is plugged in.",
            "(b) is given finished arrays and is not charged for making them.",
            "(d) is from the site's state to planned power: arrays, moved numbers, HiGHS, and reading back.",
        ),
        environment=Environment.here(context.seed),
    )


def _measured(n_evses: int, n_ticks: int, every: int, seed: int) -> tuple[int | float, ...]:
    from benchmarks.moving_day import MovingDay
    from optimizer.options import PlanOptions
    from optimizer.problem import problem_of
    from optimizer.scheduling.scheduler import Scheduler
    from optimizer.topology import Topology

    options = PlanOptions(deadline_s=DEADLINE_S)
    day = MovingDay.drawn(n_evses, N_SLOTS, n_ticks, seed)
    topology = Topology.of(day.site)
    before_mb = _resident_mb()
    scheduler, times, site_mb = Scheduler(options), _Times(), 0.0
    for tick in range(n_ticks):
        state = day.state(tick)
        started = time.perf_counter()
        problem = problem_of(state, topology, options)
        solved = scheduler.solve(problem)
        warm_s = time.perf_counter() - started
        if tick:
            times.warm.append(warm_s)
            times.overhead.append(warm_s / solved.solution.run_s)
        else:
            site_mb = _resident_mb() - before_mb
        if tick % every == 0:
            _measure_rivals(problem, solved.solution.objective, scheduler.epoch_s, times)
        day.deliver(_delivered(problem, solved.planned.power_kw))
    return _row(n_evses, times, scheduler.n_rebuilds, site_mb)


def _delivered(problem: "Problem", power_kw: "FloatArray") -> dict[str, float]:
    """Return what the first slot gives to every session [kWh]."""
    given = power_kw[:, 0] * problem.connected_h[:, 0, 0]
    ids = (seats[0] for seats in problem.session_ids)
    return {name: float(kwh) for name, kwh in zip(ids, given, strict=True) if name is not None}


def _measure_rivals(problem: "Problem", objective: float, epoch_s: float, times: _Times) -> None:
    import pyomo.environ as pyo

    from optimizer.options import PlanOptions
    from optimizer.scheduling.objective import Weights
    from optimizer.scheduling.parts.part import Moment
    from optimizer.scheduling.program import Structure, state_program
    from optimizer.scheduling.scheduler import Scheduler
    from optimizer.solver.compiled import compile_program
    from optimizer.solver.live import LiveProgram

    options = PlanOptions(deadline_s=DEADLINE_S)
    weights, structure = Weights.of(problem, options), Structure.of(problem)
    started = time.perf_counter()
    model = state_program(problem, structure, Moment(weights, epoch_s, has_bill=False))
    pyo.SolverFactory("appsi_highs").solve(model)
    times.stated.append(time.perf_counter() - started)
    times.apart.append(abs(objective - pyo.value(model.cost)) / max(abs(objective), 1.0))

    arrays = compile_program(model)
    started = time.perf_counter()
    LiveProgram(arrays).solve_as_is(DEADLINE_S)
    times.raw.append(time.perf_counter() - started)

    started = time.perf_counter()
    Scheduler(options).solve(problem)
    times.cold.append(time.perf_counter() - started)


def _row(n_evses: int, times: _Times, n_rebuilds: int, site_mb: float) -> tuple[int | float, ...]:
    stated_ms, warm_ms = MS * float(np.median(times.stated)), MS * float(np.median(times.warm))
    return (
        n_evses,
        stated_ms,
        MS * float(np.median(times.raw)),
        MS * float(np.median(times.cold)),
        warm_ms,
        MS * float(np.percentile(times.warm, 95)),
        stated_ms / warm_ms,
        float(np.median(times.overhead)),
        max(times.apart),
        n_rebuilds,
        site_mb,
    )


def _resident_mb() -> float:
    """Return the memory that this process holds [MB]; NaN where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return float("nan")
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


BENCHMARK: Final = BenchmarkSpec(
    name="replan",
    summary="Time to plan a site again: stated in Pyomo at every tick, cold, and kept alive.",
    needs_data=False,
    run=measure_replan,
)
