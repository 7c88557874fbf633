"""A typical site, planned at every tick: circuit tree with phases, battery, sun, and a charge on peaks."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Environment

if TYPE_CHECKING:
    from models.arrays import FloatArray
    from models.assets import Battery, SiteAssets
    from models.state import SiteState
    from optimizer.problem import Problem

N_SLOTS: Final = 96
N_EVSES: Final = 100
N_TICKS: Final = 48
PYOMO_EVERY: Final = 8
DEADLINE_S: Final = 120.0
MS: Final = 1e3
SUN_HOURS: Final = (6.0, 20.0)
SUN_KW: Final = 60.0
SELLS_AT: Final = 0.3
"""Part of the import price that exports earn."""

COLUMNS: Final = (
    "EVSEs",
    "Pyomo each tick [ms]",
    "ours cold [ms]",
    "ours warm [ms]",
    "p95 [ms]",
    "iterations",
    "objective apart",
    "rebuilds",
)


def measure_typical(context: BenchmarkContext) -> BenchmarkReport:
    """Plan a moving day of a typical site, ours at every tick and through Pyomo at some."""
    n_evses, n_ticks = (20, 6) if context.smoke else (N_EVSES, N_TICKS)
    every = 2 if context.smoke else PYOMO_EVERY
    return BenchmarkReport(
        title="A typical site: phases, battery, sun, export and a charge on peaks; 96 slots of 15 min, medians",
        columns=COLUMNS,
        rows=(_measured(n_evses, n_ticks, every, context.seed),),
        notes=(
            "a moving day: ticks of one slot, cars plug in and leave, what was planned is delivered and stored.",
            "from the site's state to planned power: arrays, moved numbers, HiGHS, and reading back.",
            "processor time of one thread, so that a busy machine hardly shows in it.",
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
    topology, scheduler = Topology.of(day.site), Scheduler(options)
    warm_s, stated_s, steps, apart, cold_s, stored_kwh = [], [], [], [0.0], 0.0, 60.0
    for tick in range(n_ticks):
        state = equipped(day.state(tick), stored_kwh)
        started = time.thread_time()
        problem = problem_of(state, topology, options)
        solved = scheduler.solve(problem)
        took_s = time.thread_time() - started
        if tick:
            warm_s.append(took_s)
            steps.append(solved.solution.n_iterations)
        else:
            cold_s = took_s
        if tick % every == 0:
            seconds, objective = _through_pyomo(problem, scheduler.epoch_s)
            stated_s.append(seconds)
            apart.append(abs(objective - solved.relaxed) / max(abs(objective), 1.0))
        given = solved.planned.power_kw[:, 0] * problem.connected_h[:, 0, 0]
        ids = (seats[0] for seats in problem.session_ids)
        day.deliver({name: float(kwh) for name, kwh in zip(ids, given, strict=True) if name is not None})
        stored_kwh = stored_after(state.assets.batteries[0], float(solved.planned.asset_kw["battery"][0]))
    return (
        n_evses,
        MS * float(np.median(stated_s)),
        MS * cold_s,
        MS * float(np.median(warm_s)),
        MS * float(np.percentile(warm_s, 95)),
        int(np.median(steps)),
        max(apart),
        scheduler.n_rebuilds,
    )


def equipped(state: "SiteState", stored_kwh: float) -> "SiteState":
    """Return a state with a battery, a solar plant and a price for what is fed in."""
    from models.arrays import frozen

    hours = (state.grid.steps * state.grid.step_h) % 24.0
    rise, sets = SUN_HOURS
    sun_kw = SUN_KW * np.maximum(np.sin(np.pi * (hours - rise) / (sets - rise)), 0.0)
    sun_kw = np.where((hours > rise) & (hours < sets), sun_kw, 0.0)
    tariff = replace(state.tariff, export_per_kwh=frozen(SELLS_AT * state.tariff.import_per_kwh))
    return replace(state, tariff=tariff, assets=_assets(frozen(sun_kw), stored_kwh))


def _assets(sun_kw: "FloatArray", stored_kwh: float) -> "SiteAssets":
    from models.arrays import frozen
    from models.assets import Battery, SiteAssets, SolarPlant

    battery = Battery("battery", "grid", 10.0, 120.0, stored_kwh, 50.0, 50.0)
    return SiteAssets((battery,), (SolarPlant("roof", "grid", frozen([0.5]), frozen(sun_kw[None, :])),))


def stored_after(battery: "Battery", drawn_kw: float) -> float:
    """Return what a battery holds after a slot of 15 min [kWh]."""
    into = drawn_kw > 0.0
    gained_kw = drawn_kw * battery.charge_efficiency if into else drawn_kw / battery.discharge_efficiency
    return battery.stored_kwh + gained_kw / 4.0


def _through_pyomo(problem: "Problem", epoch_s: float) -> tuple[float, float]:
    """Return what stating the problem and solving it through Pyomo takes [s], and its objective."""
    import pyomo.environ as pyo

    from optimizer.options import PlanOptions
    from optimizer.scheduling.objective import Weights
    from optimizer.scheduling.parts.part import Moment
    from optimizer.scheduling.program import Structure, state_program

    structure = Structure.of(problem)
    moment = Moment(Weights.of(problem, PlanOptions()), epoch_s, structure.has_bill)
    started = time.thread_time()
    model = state_program(problem, structure, moment)
    pyo.SolverFactory("appsi_highs").solve(model)
    return time.thread_time() - started, float(pyo.value(model.cost))


BENCHMARK: Final = BenchmarkSpec(
    name="typical",
    summary="A typical site with battery, sun and peaks at every tick, beside Pyomo each time.",
    needs_data=False,
    run=measure_typical,
)
