"""What it costs to plan cars that give back: the same moving day with and without them."""

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.moving_day import DEMAND_PER_KW
from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell, Environment
from models.arrays import frozen

if TYPE_CHECKING:
    from models.grid.site import Site
    from models.sessions import ChargingSession, DischargeOffer
    from models.state import SiteState
    from optimizer.plan import Plan

N_EVSES: Final = 100
N_SLOTS: Final = 96
N_TICKS: Final = 96
SHARES: Final = (0.0, 0.2, 0.5, 1.0)
"""Parts of the cars that give back."""

EARNS_PER_KWH: Final = 0.28
"""What a kWh fed in earns [currency/kWh]: between the night's price of 0.20 and the day's of 0.30."""

BACK_A: Final = 32.0
BACK_KW: Final = 7.36
CAPACITY_KWH: Final = 60.0
AT_ONCE_KW: Final = 1e-4
DEADLINE_S: Final = 60.0
DAYS: Final = 30
MS: Final = 1e3
COLUMNS: Final = (
    "EVSEs both ways",
    "cold [ms]",
    "warm [ms]",
    "warm p95 [ms]",
    "HiGHS warm [ms]",
    "warm, times that without",
    "whole step [ms]",
    "given back [kWh]",
    "cost of energy",
    "peak [kW]",
    "saved [%]",
    "short [kWh]",
    "charged and given at once [slots]",
    "rebuilds",
)


@dataclass(slots=True)
class _Seen:
    """What was measured: ticks that found their program alive, and what the first slots of all ticks came to."""

    warm_s: list[float] = field(default_factory=list)
    run_s: list[float] = field(default_factory=list)
    step_s: list[float] = field(default_factory=list)
    cold_s: float = 0.0
    back_kwh: float = 0.0
    cost: float = 0.0
    peak_kw: float = 0.0
    n_both: int = 0
    n_rebuilds: int = 0

    @property
    def bill(self) -> float:
        """Energy, and the part of a month's demand charge that falls to a day [currency]."""
        return self.cost + DEMAND_PER_KW * self.peak_kw / DAYS

    def note(self, state: "SiteState", plan: "Plan", step_s: float) -> None:
        """Add a plan: what it took, what is given back in its first slot, and what that costs."""
        report, schedule = plan.report, plan.schedule
        lp_s = report.update_s + report.run_s
        if report.rebuild is None:
            self.warm_s.append(lp_s)
            self.run_s.append(report.run_s)
            self.step_s.append(step_s)
        self.cold_s, self.n_rebuilds = self.cold_s or lp_s, report.n_rebuilds
        back_kw, hours = schedule.back_kw(), state.grid.step_h
        net_kwh = hours * float(plan.load_kw[0] - back_kw[:, 0].sum()) + float(
            schedule.energy_kwh[:, 0].sum()
        )
        per_kwh = state.tariff.import_per_kwh[0] if net_kwh > 0 else EARNS_PER_KWH
        self.back_kwh += float(back_kw[:, 0].sum()) * hours
        self.cost += net_kwh * float(per_kwh)
        self.peak_kw = max(self.peak_kw, state.billing_peak_kw, net_kwh / hours)
        self.n_both += int((np.minimum(schedule.pilot_a, back_kw) > AT_ONCE_KW).sum())


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Plan a moving day for each share of cars that give back."""
    n_evses, n_ticks = (20, 4) if context.smoke else (N_EVSES, N_TICKS)
    rows: list[tuple[Cell, ...]] = []
    plain: _Seen | None = None
    for share in SHARES:
        context.say(f"{share:.0%} of {n_evses} EVSEs take power back")
        seen, short_kwh = _planned_day(n_evses, n_ticks, share, context.seed)
        plain = plain or seen
        rows.append(_row(share, seen, short_kwh, plain))
    return BenchmarkReport(
        title=f"Cars that give back: {n_evses} EVSEs x {N_SLOTS} slots of 15 min, medians of {n_ticks} ticks",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=(
            f"the site of the moving day: panels, phases, a demand charge; a kWh fed in earns {EARNS_PER_KWH:g}",
            "every car at such an EVSE offers a battery of 60 kWh, 50 to 75 % full, of which 30 % are its reserve",
            "it is 95 % efficient each way, and a kWh given back costs 0.02 in wear, which is not counted here",
            "cold and warm: to state or to move the program, and to solve it; warm from its last basis",
            "energy and its cost, less what feeding in earns, are of the first slot of every tick, in real steps",
            "saved: of energy and a thirtieth of the month's demand charge on the peak that was reached",
            "short: what cars that left lack of what they wanted",
        ),
        environment=Environment.here(context.seed),
    )


@dataclass(slots=True)
class _Fleet:
    """The batteries of the cars that give back, by session; what they hold changes with what is planned."""

    offers: "dict[str, DischargeOffer]"

    @classmethod
    def drawn(cls, sessions: "list[ChargingSession]", both_ways: set[str], seed: int) -> "_Fleet":
        """Draw how full the battery of each car is that comes to one of these EVSEs."""
        from models.sessions import DischargeOffer

        rng = np.random.default_rng(seed)
        offers = {}
        for session in sessions:
            filled = rng.random()
            if session.evse_id in both_ways:
                offers[session.session_id] = DischargeOffer(
                    max_kw=BACK_KW,
                    stored_kwh=CAPACITY_KWH * (0.5 + 0.25 * filled),
                    reserve_kwh=0.3 * CAPACITY_KWH,
                    capacity_kwh=CAPACITY_KWH,
                    wear_per_kwh=0.02,
                )
        return cls(offers)

    def offered(self, state: "SiteState") -> "SiteState":
        """Return a state in which the cars offer what they hold, and the site may export."""
        earns = np.full(state.grid.n_slots, EARNS_PER_KWH)
        sessions = tuple(replace(s, discharge=self.offers.get(s.session_id)) for s in state.sessions)
        return replace(state, sessions=sessions, tariff=replace(state.tariff, export_per_kwh=frozen(earns)))

    def follow(self, state: "SiteState", plan: "Plan") -> dict[str, float]:
        """Take the first slot as done; returns what each session got, net of what must be charged again [kWh]."""
        schedule, moved = plan.schedule, {}
        back_kwh = schedule.back_kw()[:, 0] * state.grid.step_h
        for session in state.sessions:
            row, offer = schedule.row(session.evse_id), self.offers.get(session.session_id)
            net_kwh = float(schedule.energy_kwh[row, 0])
            if offer is not None:
                net_kwh -= float(back_kwh[row]) / (offer.charge_efficiency * offer.discharge_efficiency)
                holds_kwh = offer.stored_kwh + offer.charge_efficiency * net_kwh
                self.offers[session.session_id] = replace(offer, stored_kwh=holds_kwh)
            moved[session.session_id] = net_kwh
        return moved


def _planned_day(n_evses: int, n_ticks: int, share: float, seed: int) -> tuple[_Seen, float]:
    """Return what was seen of a day, and what cars that left lack of their energy [kWh]."""
    from benchmarks.moving_day import MovingDay
    from optimizer.mpc import Controller
    from optimizer.options import PlanOptions

    day = MovingDay.drawn(n_evses, N_SLOTS, n_ticks, seed)
    both_ways = set(day.site.evse_ids[: round(share * n_evses)])
    day.site, fleet = _both_ways(day.site, both_ways), _Fleet.drawn(day.sessions, both_ways, seed)
    controller, seen = Controller(day.site, PlanOptions(deadline_s=DEADLINE_S)), _Seen()
    for tick in range(n_ticks):
        state = fleet.offered(day.state(tick))
        state = replace(state, billing_peak_kw=max(state.billing_peak_kw, seen.peak_kw))
        started = time.perf_counter()
        plan = controller.step(state)
        seen.note(state, plan, time.perf_counter() - started)
        day.deliver(fleet.follow(state, plan))
    gone = [one for one in day.sessions if one.departure.times[0] <= state.now]
    return seen, sum(one.remaining_kwh for one in gone)


def _both_ways(site: "Site", evse_ids: set[str]) -> "Site":
    stations = tuple(
        replace(
            station,
            evses=tuple(
                replace(evse, max_discharge_a=BACK_A * (evse.evse_id in evse_ids)) for evse in station.evses
            ),
        )
        for station in site.stations
    )
    return replace(site, stations=stations)


def _row(share: float, seen: _Seen, short_kwh: float, plain: _Seen) -> tuple[Cell, ...]:
    warm_ms = MS * float(np.median(seen.warm_s))
    return (
        f"{share:.0%}",
        MS * seen.cold_s,
        warm_ms,
        MS * float(np.percentile(seen.warm_s, 95)),
        MS * float(np.median(seen.run_s)),
        warm_ms / (MS * float(np.median(plain.warm_s))),
        MS * float(np.median(seen.step_s)),
        seen.back_kwh,
        seen.cost,
        seen.peak_kw,
        100.0 * (1.0 - seen.bill / plain.bill),
        short_kwh,
        seen.n_both,
        seen.n_rebuilds,
    )


BENCHMARK: Final = BenchmarkSpec(
    name="v2g",
    summary="Time to plan a site again with cars that give back, beside the same site without.",
    needs_data=False,
    run=measure,
)
