"""A month of recorded sessions at the Caltech garage, every policy on the same days.

September 2019 of ACN-Data: 828 sessions on 46 of the 54 EVSEs, by the summer prices of the local tariff; the
sessions from May to August are the past that the forecast belief learns from.
"""

from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from benchmarks.beliefs import Belief
    from benchmarks.policies import PolicyName
    from models.demand.arrivals import Visit
    from optimizer.closed_loop import LoopResult

SESSIONS_FILE: Final = "forecasting/sessions_acn.parquet"
ZONE: Final = ZoneInfo("America/Los_Angeles")
START: Final = datetime(2019, 9, 1, tzinfo=ZONE)
END: Final = datetime(2019, 10, 1, tzinfo=ZONE)
SMOKE_START: Final = datetime(2019, 9, 4, tzinfo=ZONE)
SMOKE_DAYS: Final = 2
CAPS_KW: Final = (30.0, 50.0, 80.0, 150.0)
SMOKE_CAPS_KW: Final = (30.0,)
BELIEF_CAP_KW: Final = 30.0
"""Limit at which what drivers declare is compared with the truth and with the forecast [kW]."""

COLUMNS: Final = (
    "limit [kW]",
    "belief",
    "policy",
    "energy met [%]",
    "sessions met [%]",
    "peak [kW]",
    "energy cost [USD]",
    "energy cost [USD/MWh]",
    "demand cost [USD]",
    "over a limit [min]",
    "switches per session",
    "decision p50 [ms]",
    "decision p95 [ms]",
    "run [s]",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Replay the month under every policy and limit, and under every belief at the tightest limit."""
    from benchmarks.beliefs import Belief
    from benchmarks.replay import read_sessions, visits_of
    from benchmarks.sites import site_named

    frame = read_sessions(context.data_dir / SESSIONS_FILE, "caltech")
    visits = visits_of(frame, site_named("caltech"))
    rows: list[tuple[Cell, ...]] = []
    for cap_kw in SMOKE_CAPS_KW if context.smoke else CAPS_KW:
        rows.append(_bound_row(visits, cap_kw, context))
        beliefs = tuple(Belief) if cap_kw == BELIEF_CAP_KW else (Belief.ACTUAL,)
        rows += [row for belief in beliefs for row in _policy_rows(visits, cap_kw, belief, context)]
    return BenchmarkReport("A month at the Caltech garage (ACN-Data)", COLUMNS, tuple(rows), _notes(context))


def _policy_rows(
    visits: "tuple[Visit, ...]", cap_kw: float, belief: "Belief", context: BenchmarkContext
) -> list[tuple[Cell, ...]]:
    """Return one row for each policy; what drivers say does not matter to the uncontrolled one."""
    from benchmarks.beliefs import Belief
    from benchmarks.policies import PolicyName

    rows = []
    for policy in PolicyName:
        if policy is PolicyName.UNCONTROLLED and belief is not Belief.ACTUAL:
            continue
        started = perf_counter()
        result = _result(visits, cap_kw, (belief, policy), context)
        run_s = perf_counter() - started
        context.say(f"{cap_kw:g} kW, {belief}, {policy}: {100 * result.met_share:.1f} % met in {run_s:.0f} s")
        rows.append((cap_kw, str(belief), str(policy), *_figures(result), run_s))
    return rows


def _result(
    visits: "tuple[Visit, ...]",
    cap_kw: float,
    who: "tuple[Belief, PolicyName]",
    context: BenchmarkContext,
) -> "LoopResult":
    from benchmarks.policies import policy_named
    from benchmarks.replay import ReplayOptions, world_of
    from benchmarks.sites import site_named
    from optimizer.closed_loop import run

    belief, policy = who
    start, end = _span(context)
    site = site_named("caltech", cap_kw)
    world, believe = world_of(visits, site, ReplayOptions(start, end, belief))
    return run(policy_named(policy, site), world, believe)


def _figures(result: "LoopResult") -> tuple[Cell, ...]:
    over_s = max((found.seconds for found in result.exceedances), default=0.0)
    return (
        round(100 * result.met_share, 2),
        round(100 * result.fully_met_share, 1),
        result.peak_kw,
        result.energy_cost,
        1e3 * result.energy_cost / result.delivered_kwh,
        result.demand_cost,
        over_s / 60,
        result.switches_per_session,
        result.decision_ms(0.5),
        result.decision_ms(0.95),
    )


def _bound_row(visits: "tuple[Visit, ...]", cap_kw: float, context: BenchmarkContext) -> tuple[Cell, ...]:
    from benchmarks.bound import most_energy_kwh
    from benchmarks.replay import ReplayOptions, world_of
    from benchmarks.sites import site_named

    start, end = _span(context)
    world, _ = world_of(visits, site_named("caltech", cap_kw), ReplayOptions(start, end))
    started = perf_counter()
    met = most_energy_kwh(world) / sum(visit.session.target_kwh for visit in world.visits)
    nothing = (None,) * (len(COLUMNS) - 5)
    return (cap_kw, "everything", "upper bound", round(100 * met, 2), *nothing, perf_counter() - started)


def _span(context: BenchmarkContext) -> tuple[datetime, datetime]:
    if context.smoke:
        return SMOKE_START, SMOKE_START + timedelta(days=SMOKE_DAYS)
    return START, END


def _notes(context: BenchmarkContext) -> tuple[str, ...]:
    start, end = _span(context)
    return (
        f"arrivals from {start:%Y-%m-%d} until {end:%Y-%m-%d}, local time; a decision every 5 minutes and at each plug",
        "real pilots: 0, 6 to 32 A whole; in one pod 0, 8, 16, 24, 32 A",
        "cars ramp, start 5 s late and taper over the last 3 kWh (an assumption)",
        "every policy is told what meters show a car not to use",
        "a session is met from 99 % of its need on; over a limit: the longest of all limits, by meters of 60 s at most",
        "belief: actual = the truth, stated = what drivers declared, median = of the 60 most similar past sessions",
        "upper bound: a linear program over the true sessions, currents from 0, ideal batteries",
    )


BENCHMARK: Final = BenchmarkSpec(
    name="month",
    summary="A month of recorded sessions at a 54-EVSE garage: every policy side by side, and the offline optimum.",
    needs_data=True,
    run=measure,
)
