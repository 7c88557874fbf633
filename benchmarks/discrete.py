"""Real pilots beside the bound of the linear program: rounded, and searched for; for plain cars and for others."""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from statistics import fmean, median
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeAlias

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell, Environment

if TYPE_CHECKING:
    from models.sessions import ChargingSession
    from models.state import SiteState
    from optimizer.plan import Plan

Size: TypeAlias = tuple[int, int, int]
"""EVSEs, slots, seconds of a slot."""

SIZES: Final[tuple[Size, ...]] = ((54, 144, 300), (100, 96, 900), (1000, 96, 900))
SMOKE_SIZES: Final[tuple[Size, ...]] = ((12, 24, 900),)
N_DRAWS: Final = 2
CHANGED_SHARE: Final = 0.01
PATIENT_S: Final = 60.0
PERCENT: Final = 100.0
CAR_KW: Final = 7.36
COLUMNS: Final = (
    "EVSEs x slots",
    "cars",
    "pilots",
    "price of a switch",
    "over the LP bound [%]",
    "gap of the whole objective [%]",
    "energy lost [kWh]",
    "switches per session",
    "step cold p50 [s]",
    "step warm p50 [s]",
    "of it after the solver [s]",
)


class Cars(StrEnum):
    """What is wanted of all cars of a site."""

    PLAIN = "due at departure"
    EARLY = "may leave early"
    MILESTONE = "half by a milestone"
    TAPERING = "tapering"


@dataclass(frozen=True, slots=True)
class Kind:
    """How pilots are made, and for whom.

    ``search_s`` is how long they are searched for [s], None as by default; ``calm_per_switch`` what a switch costs.
    """

    label: str
    search_s: float | None
    calm_per_switch: float | None
    cars: Cars = Cars.PLAIN


KINDS: Final = (
    Kind("rounded", 0.0, None),
    Kind("searched", None, 0.0),
    Kind("searched", None, None),
    Kind("searched, 10 s", 10.0, None),
    *(
        Kind(label, search_s, None, cars)
        for cars in (Cars.EARLY, Cars.MILESTONE, Cars.TAPERING)
        for label, search_s in (("rounded", 0.0), ("searched", None))
    ),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of one draw."""

    over_bound: float
    gap: float
    lost_kwh: float
    n_switches: float
    cold_s: float
    warm_s: float
    after_s: float


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Plan every size with every kind of pilots: cold, then again after new needs of 1 % of the cars."""
    load = os.getloadavg()[0]
    _run((4, 8, 900), KINDS[1], context.seed)  # loads the kernels, as a service does when it starts
    rows = [row for size in (SMOKE_SIZES if context.smoke else SIZES) for row in _rows(size, context)]
    return BenchmarkReport(
        title="Real pilots of 0 or 6 to 32 A in whole amperes, and the bound of the linear program",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            f"the site of `rivals` with limits on every phase; means of {N_DRAWS} draws, medians of times.",
            "cost and energy of the warm step's schedule, against the optimum of the same linear program.",
            "gap: what lacks and what is late counts as well, against all that a plan decides about.",
            "may leave early: at 70 % of their stay in one of ten cases, which is hedged, at 90 % in half of them.",
            "milestone: half of the energy by 60 % of the stay; tapering: from 60 % of the energy on, to a tenth.",
            "energy lost: what a session gets less than in that optimum, summed; every need fits.",
            "switches: on or off while a car wants energy, the first start included.",
            "after the solver: rounding, search and checks; the search ends after 0.5 s unless said otherwise.",
            f"load average of the machine when it began: {load:.1f}.",
        ),
        environment=Environment.here(context.seed),
    )


def _rows(size: Size, context: BenchmarkContext) -> Iterator[tuple[Cell, ...]]:
    from optimizer.options import PlanOptions

    n_draws = 1 if context.smoke else N_DRAWS
    for kind in KINDS:
        context.say(f"{size[0]} x {size[1]}: {kind.cars}, {kind.label}, {kind.calm_per_switch}")
        found = [_run(size, kind, context.seed + draw) for draw in range(n_draws)]
        calm = PlanOptions().calm_per_switch if kind.calm_per_switch is None else kind.calm_per_switch
        yield (
            f"{size[0]} x {size[1]}",
            kind.cars.value,
            kind.label,
            calm,
            PERCENT * fmean(one.over_bound for one in found),
            PERCENT * fmean(one.gap for one in found),
            fmean(one.lost_kwh for one in found),
            fmean(one.n_switches for one in found),
            median(one.cold_s for one in found),
            median(one.warm_s for one in found),
            median(one.after_s for one in found),
        )


def _run(size: Size, kind: Kind, seed: int) -> Figures:
    """Plan one draw with one kind of pilots."""
    from benchmarks.moving_day import panel_site
    from benchmarks.peers.case import drawn_case
    from benchmarks.peers.with_gridpilot import state_of
    from optimizer.mpc import Controller
    from optimizer.options import PlanOptions

    usual = PlanOptions()
    options = PlanOptions(
        deadline_s=PATIENT_S,
        search_s=usual.search_s if kind.search_s is None else kind.search_s,
        calm_per_switch=usual.calm_per_switch if kind.calm_per_switch is None else kind.calm_per_switch,
        hedge_quantiles=(0.1,) if kind.cars is Cars.EARLY else (),
    )
    case, site = drawn_case(*size, seed), panel_site(size[0])
    changed = case.with_changed_needs(CHANGED_SHARE, seed + 1)
    states = [_with(kind.cars, state_of(one, site)) for one in (case, changed)]
    controller = Controller(site, options)
    times, plans = [], []
    for state in states:
        started = perf_counter()
        plans.append(controller.step(state))
        times.append(perf_counter() - started)
    over_bound, lost_kwh, n_switches = _judged(plans[1])
    report = plans[1].report
    gap = math.nan if report.gap is None else report.gap
    return Figures(over_bound, gap, lost_kwh, n_switches, times[0], times[1], report.dispatch_s)


def _with(cars: Cars, state: "SiteState") -> "SiteState":
    """Return a state in which that is wanted of all cars."""
    return replace(state, sessions=tuple(_wanting(cars, state.now, one) for one in state.sessions))


def _wanting(cars: Cars, now: datetime, session: "ChargingSession") -> "ChargingSession":
    from models.sessions import Acceptance, Departure, Milestone

    begins, leaves, kwh = max(session.arrival, now), session.departure.times[-1], session.target_kwh
    times = {share: begins + share * (leaves - begins) for share in (0.6, 0.7, 0.9)}
    match cars:
        case Cars.PLAIN:
            return session
        case Cars.EARLY:
            departure = Departure((0.1, 0.5, 0.9), (times[0.7], times[0.9], leaves))
            return replace(session, departure=departure, minimum_kwh=0.3 * kwh)
        case Cars.MILESTONE:
            return replace(session, milestones=(Milestone(times[0.6], 0.5 * kwh),))
        case Cars.TAPERING:
            return replace(session, acceptance=Acceptance(0.6 * kwh, 1.05 * kwh, CAR_KW))


def _judged(plan: "Plan") -> tuple[float, float, float]:
    """Return cost over the bound, energy that sessions lose [kWh], and switches per session."""
    import numpy as np

    from optimizer.scheduling.switching import n_restarts

    if plan.basis is None:  # pragma: no cover - there is time for an optimum
        return np.nan, np.nan, np.nan
    problem, optimum = plan.basis.problem, plan.basis.planned
    cost = plan.schedule.energy_kwh.sum(axis=0) @ problem.import_per_kwh
    least = (optimum.power_kw * problem.slot_h).sum(axis=0) @ problem.import_per_kwh
    planned_kwh = np.einsum("eqt,et->eq", problem.connected_h, optimum.power_kw)
    got_kwh = np.array(
        [[plan.session_kwh.get(name or "", 0.0) for name in seats] for seats in problem.session_ids]
    )
    nobody = np.zeros(problem.topology.n_evses, dtype=np.bool_)
    restarts = int(n_restarts(problem, plan.schedule.pilot_a, nobody).sum())
    n_sessions = int((problem.need_kwh > 0).sum())
    lost_kwh = float(np.maximum(planned_kwh - got_kwh, 0.0).sum())
    return float(cost / least) - 1.0, lost_kwh, 1.0 + 2.0 * restarts / n_sessions


BENCHMARK: Final = BenchmarkSpec(
    name="discrete",
    summary="Real pilots beside the bound, for several kinds of cars: cost, lost energy, switches, time of a step.",
    needs_data=False,
    run=measure,
)
