"""A month of recorded sessions at the Caltech garage, every policy on the same days.

September 2019 of ACN-Data: 828 sessions on 46 of the 54 EVSEs, by the summer prices of the local tariff; the
sessions from May to August are the past that the forecast belief learns from.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell
from benchmarks.sites import site_named

if TYPE_CHECKING:
    from benchmarks.beliefs import Belief
    from models.demand.arrivals import Visit
    from optimizer.closed_loop import Believe, LoopResult, World

SESSIONS_FILE: Final = "forecasting/sessions_acn.parquet"
ZONE: Final = ZoneInfo("America/Los_Angeles")
START: Final = datetime(2019, 9, 1, tzinfo=ZONE)
END: Final = datetime(2019, 10, 1, tzinfo=ZONE)
SMOKE_START: Final = datetime(2019, 9, 4, tzinfo=ZONE)
SMOKE_DAYS: Final = 2
CAPS_KW: Final = (30.0, 50.0, 80.0, 150.0)
SMOKE_CAPS_KW: Final = (30.0,)
BELIEF_CAPS_KW: Final = (30.0, 80.0)
"""Limits at which what drivers declare is compared with the truth and with the forecast [kW]."""

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


@dataclass(frozen=True, slots=True)
class _Garage:
    """The garage behind one limit, with all recorded visits and the peak that the month before leads to."""

    cap_kw: float
    visits: "tuple[Visit, ...]"
    span: tuple[datetime, datetime]
    peak_kw: float

    def world(self, belief: "Belief") -> "tuple[World, Believe]":
        """Return what happens and what is believed of it."""
        from benchmarks.replay import ReplayOptions, world_of

        options = ReplayOptions(*self.span, belief, expected_peak_kw=self.peak_kw)
        return world_of(self.visits, site_named("caltech", self.cap_kw), options)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Replay the month under every policy and limit, and under every belief at the tightest limit."""
    from benchmarks.beliefs import Belief
    from benchmarks.replay import read_sessions, visits_of

    frame = read_sessions(context.data_dir / SESSIONS_FILE, "caltech")
    visits = visits_of(frame, site_named("caltech"))
    rows: list[tuple[Cell, ...]] = []
    for cap_kw in SMOKE_CAPS_KW if context.smoke else CAPS_KW:
        garage = _garage(cap_kw, visits, context)
        rows.append(_bound_row(garage))
        beliefs = tuple(Belief) if cap_kw in BELIEF_CAPS_KW else (Belief.ACTUAL,)
        rows += [row for belief in beliefs for row in _policy_rows(garage, belief, context)]
    return BenchmarkReport("A month at the Caltech garage (ACN-Data)", COLUMNS, tuple(rows), _notes(context))


def _garage(cap_kw: float, visits: "tuple[Visit, ...]", context: BenchmarkContext) -> _Garage:
    from benchmarks.replay import expected_peak_kw

    span = _span(context)
    past = tuple(visit for visit in visits if visit.session.departure.median < span[0])
    peak_kw = expected_peak_kw(past, site_named("caltech", cap_kw), span[0])
    return _Garage(cap_kw, visits, span, peak_kw)


def _policy_rows(garage: _Garage, belief: "Belief", context: BenchmarkContext) -> list[tuple[Cell, ...]]:
    """Return one row for each policy; what drivers say does not matter to the uncontrolled one."""
    from benchmarks.beliefs import Belief
    from benchmarks.policies import PolicyName, policy_named
    from optimizer.closed_loop import run

    rows = []
    for name in PolicyName:
        if name is PolicyName.UNCONTROLLED and belief is not Belief.ACTUAL:
            continue
        world, believe = garage.world(belief)
        started = perf_counter()
        result = run(policy_named(name, world.site), world, believe)
        run_s = perf_counter() - started
        said = f"{garage.cap_kw:g} kW, {belief}, {name}"
        context.say(f"{said}: {100 * result.met_share:.1f} % met in {run_s:.0f} s")
        rows.append((garage.cap_kw, str(belief), str(name), *_figures(result), run_s))
    return rows


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


def _bound_row(garage: _Garage) -> tuple[Cell, ...]:
    from benchmarks.beliefs import Belief
    from benchmarks.bound import most_energy_kwh

    world, _ = garage.world(Belief.ACTUAL)
    started = perf_counter()
    met = most_energy_kwh(world) / sum(visit.session.target_kwh for visit in world.visits)
    nothing = (None,) * (len(COLUMNS) - 5)
    share = round(100 * met, 2)
    return (garage.cap_kw, "everything", "upper bound", share, *nothing, perf_counter() - started)


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
        "ours is told that the least peak that served the month before will be billed anyway",
        "upper bound: a linear program over the true sessions, currents from 0, ideal batteries",
    )


BENCHMARK: Final = BenchmarkSpec(
    name="month",
    summary="A month of recorded sessions at a 54-EVSE garage: every policy side by side, and the offline optimum.",
    needs_data=True,
    run=measure,
)
