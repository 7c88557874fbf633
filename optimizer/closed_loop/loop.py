"""The loop itself: a policy decides, simulated cars obey, meters are read."""

import math
import time
from datetime import UTC, datetime

import numpy as np

from models.arrays import frozen
from models.simulation import SimulatedSite
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.closed_loop.result import LoopResult, SessionOutcome
from optimizer.closed_loop.watching import Meters, Present
from optimizer.closed_loop.world import Believe, LoopOptions, Policy, World, validate_world


def run(policy: Policy, world: World, believe: Believe, options: LoopOptions | None = None) -> LoopResult:
    """Return what comes of a policy in a world.

    Raises
    ------
    InvalidInputError
        A visit does not fit the site, or two visits share an EVSE at a time; names every fault.
    """
    validate_world(world)
    return _Loop(policy, world, believe, options or LoopOptions()).run()


class _Loop:
    """The moving parts of one run."""

    def __init__(self, policy: Policy, world: World, believe: Believe, options: LoopOptions) -> None:
        self._policy, self._world, self._believe, self._options = policy, world, believe, options
        self._cars = SimulatedSite(world.site)
        self._coming = sorted(world.visits, key=lambda visit: visit.session.arrival, reverse=True)
        self._here: dict[int, Present] = {}
        self._rows = {evse_id: row for row, evse_id in enumerate(world.site.evse_ids)}
        self._levels_a = [evse.levels_a for evse in world.site.evses]
        self._told_a = np.zeros(len(self._rows))
        self._sent_a = np.zeros(len(self._rows))
        self._settled_s = 0.0
        self._grid = _whole_grid(world, options)
        self._meters = Meters(world.site, self._grid)
        self._decision_s: list[float] = []
        self._done: list[SessionOutcome] = []

    def run(self) -> LoopResult:
        """Turn until the last car has left."""
        now_s = 0.0
        while self._coming or self._here:
            if not self._here:
                now_s = self._coming[-1].session.arrival.timestamp()
            left, came = self._unplug(now_s), self._plug(now_s)
            if self._here and (came or now_s % self._options.control_s == 0):
                self._decide(now_s)
            if left:
                self._options.progress(len(self._done) / len(self._world.visits))
            if self._here:
                now_s = self._advance(now_s)
        return LoopResult(
            policy=self._policy.name,
            sessions=tuple(self._done),
            grid=self._grid,
            power_kw=frozen(self._meters.energy_kwh / self._grid.step_h),
            tariff=self._world.tariff(self._grid),
            exceedances=self._meters.exceedances,
            decision_s=frozen(self._decision_s),
        )

    def _unplug(self, now_s: float) -> bool:
        gone = [p for p in self._here.values() if p.leaves_s <= now_s]
        for present in sorted(gone, key=lambda p: p.visit.session.session_id):
            session = present.visit.session
            self._done.append(
                SessionOutcome(
                    session_id=session.session_id,
                    evse_id=session.evse_id,
                    arrival=session.arrival,
                    departure=session.departure.median,
                    need_kwh=session.target_kwh,
                    delivered_kwh=self._cars.unplug(session.evse_id),
                    n_switches=present.n_switches,
                )
            )
            self._told_a[present.row] = self._sent_a[present.row] = 0.0
            del self._here[present.row]
        return bool(gone)

    def _plug(self, now_s: float) -> bool:
        came = False
        while self._coming and self._coming[-1].session.arrival.timestamp() <= now_s:
            visit = self._coming.pop()
            row = self._rows[visit.session.evse_id]
            self._cars.plug(visit.session.evse_id, self._world.car_of(visit))
            self._here[row] = Present(visit, row, self._levels_a[row])
            came = True
        return came

    def _decide(self, now_s: float) -> None:
        state = self._state(now_s)
        started = time.perf_counter()
        pilot_a = np.array(self._policy.pilots(state), dtype=np.float64)
        self._decision_s.append(time.perf_counter() - started)
        empty = np.ones(pilot_a.size, dtype=np.bool_)
        empty[list(self._here)] = False
        pilot_a[empty] = 0.0
        for row, present in self._here.items():
            switched = (pilot_a[row] > 0) != (self._told_a[row] > 0)
            present.n_switches += int(switched and not present.is_full)
        self._told_a = pilot_a
        self._sent_a = np.minimum(self._sent_a, pilot_a)
        self._settled_s = now_s + self._options.settle_s

    def _state(self, now_s: float) -> SiteState:
        now = datetime.fromtimestamp(now_s, UTC)
        grid = TimeGrid.around(now, self._options.step_s, self._options.n_slots)
        passed = max(self._grid.slot_at(now), 0)
        peak_kwh = float(self._meters.energy_kwh[:passed].max(initial=0.0))
        return SiteState(
            site=self._world.site,
            now=now,
            grid=grid,
            sessions=tuple(self._believe(present.seen(), now) for present in self._here.values()),
            tariff=self._world.tariff(grid),
            billing_peak_kw=max(peak_kwh / self._grid.step_h, self._world.expected_peak_kw),
        )

    def _advance(self, now_s: float) -> float:
        """Let time pass to the next event; returns when that is."""
        if now_s >= self._settled_s:
            self._sent_a = self._told_a.copy()
        next_s = self._next_event_s(now_s)
        metered = self._cars.advance(self._sent_a, next_s - now_s)
        self._meters.read(metered, now_s)
        drawn_a = metered.current_a.max(axis=1)
        for row, present in self._here.items():
            present.watch(self._sent_a[row], drawn_a[row], metered.energy_kwh[row], metered.seconds)
        return next_s

    def _next_event_s(self, now_s: float) -> float:
        events = [now_s + self._options.meter_s, _next_multiple(now_s, self._options.control_s)]
        events += [present.leaves_s for present in self._here.values()]
        if self._coming:
            events.append(self._coming[-1].session.arrival.timestamp())
        if self._settled_s > now_s:
            events.append(self._settled_s)
        return min(events)


def _next_multiple(now_s: float, period_s: int) -> float:
    return (math.floor(now_s / period_s) + 1.0) * period_s


def _whole_grid(world: World, options: LoopOptions) -> TimeGrid:
    """Return the slots from the first arrival to the last departure; one slot where nobody comes."""
    if not world.visits:
        return TimeGrid(datetime.fromtimestamp(0, UTC), options.step_s, 1)
    start = min(visit.session.arrival for visit in world.visits)
    end_s = max(visit.session.departure.median.timestamp() for visit in world.visits)
    first = TimeGrid.around(start, options.step_s, 1)
    n_slots = math.ceil((end_s - first.start.timestamp()) / options.step_s)
    return TimeGrid(first.start, options.step_s, max(n_slots, 1))
