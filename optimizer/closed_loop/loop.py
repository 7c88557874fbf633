"""The loop itself: somebody decides, simulated cars and stations follow as they do, meters are read."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from models.arrays import FloatArray, frozen
from models.demand.arrivals import Visit
from models.metering import MeterSamples
from models.simulation import DelayedMeters, SimulatedSite, SimulatedStations
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.closed_loop.meters import Meters
from optimizer.closed_loop.result import LoopResult, SessionOutcome
from optimizer.closed_loop.signals import signals_at
from optimizer.closed_loop.steering import OneClock, Steering, TwoClocks
from optimizer.closed_loop.world import Believe, LoopOptions, Planner, Policy, Seen, World, validate_world
from optimizer.fast import Sign


def run(policy: Policy, world: World, believe: Believe, options: LoopOptions | None = None) -> LoopResult:
    """Return what comes of a policy in a world.

    Raises
    ------
    InvalidInputError
        A visit does not fit the site, or two visits share an EVSE at a time; names every fault.
    """
    validate_world(world)
    chosen = options or LoopOptions()
    steering = OneClock(policy, world.site, chosen.settle_s)
    return _Loop(steering, world, believe, chosen).run(policy.name)


def run_two_clocks(
    planner: Planner, world: World, believe: Believe, options: LoopOptions | None = None
) -> LoopResult:
    """Return what comes of plans with the fast clock between them.

    Raises
    ------
    InvalidInputError
        A visit does not fit the site, or two visits share an EVSE at a time; names every fault.
    """
    validate_world(world)
    chosen = options or LoopOptions()
    steering = TwoClocks(planner, world.site, chosen.fast_s)
    return _Loop(steering, world, believe, chosen).run(planner.name)


@dataclass(slots=True)
class _Present:
    """A car at the plug, with what its meter counted."""

    visit: Visit
    row: int
    delivered_kwh: float = 0.0
    n_switches: int = 0
    leaves_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.leaves_s = self.visit.session.departure.median.timestamp()

    def seen(self, sign: Sign) -> Seen:
        """Return what an operator knows of it."""
        session = self.visit.session
        return Seen(
            session_id=session.session_id,
            evse_id=session.evse_id,
            arrival=session.arrival,
            stated_departure=self.visit.stated_departure,
            stated_energy_kwh=self.visit.stated_energy_kwh,
            delivered_kwh=self.delivered_kwh,
            usable_a=sign.usable_a,
            is_full=sign.is_full,
            n_phases=sign.n_phases,
        )


class _Loop:
    """The moving parts of one run."""

    def __init__(self, steering: Steering, world: World, believe: Believe, options: LoopOptions) -> None:
        self._steering, self._world, self._believe, self._options = steering, world, believe, options
        self._cars = SimulatedSite(world.site)
        self._stations = SimulatedStations(world.site, world.faults)
        self._late = None if options.delay is None else DelayedMeters(options.delay, options.seed)
        self._coming = sorted(world.visits, key=lambda visit: visit.session.arrival, reverse=True)
        self._here: dict[int, _Present] = {}
        self._rows = {evse_id: row for row, evse_id in enumerate(world.site.evse_ids)}
        self._grid = _whole_grid(world, options)
        self._meters = Meters(world.site, self._grid, world.signals)
        self._done: list[SessionOutcome] = []
        self._sent_a: FloatArray = np.zeros(len(self._rows))
        self._n_told = 0

    def run(self, name: str) -> LoopResult:
        """Turn until the last car has left."""
        now_s = 0.0
        while self._coming or self._here:
            if not self._here:
                now_s = self._coming[-1].session.arrival.timestamp()
            left, came = self._unplug(now_s), self._plug(now_s)
            self._decide(now_s, came=came)
            if left:
                self._options.progress(len(self._done) / len(self._world.visits))
            if self._here:
                now_s = self._advance(now_s)
        return LoopResult(
            policy=name,
            sessions=tuple(self._done),
            grid=self._grid,
            power_kw=frozen(self._meters.energy_kwh / self._grid.step_h),
            tariff=self._world.tariff(self._grid),
            exceedances=self._meters.exceedances,
            decision_s=frozen(self._steering.decision_s),
            fast_s=frozen(self._steering.fast_s),
            n_told=self._n_told,
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
            self._steering.unplugged(session.evse_id, now_s)
            self._sent_a[present.row] = 0.0
            del self._here[present.row]
        return bool(gone)

    def _plug(self, now_s: float) -> bool:
        came = False
        while self._coming and self._coming[-1].session.arrival.timestamp() <= now_s:
            visit = self._coming.pop()
            row = self._rows[visit.session.evse_id]
            self._cars.plug(visit.session.evse_id, self._world.car_of(visit))
            present = self._here[row] = _Present(visit, row)
            seen = present.seen(Sign(None, is_full=False, n_phases=None))
            self._steering.plugged(self._believe(seen, datetime.fromtimestamp(now_s, UTC)), now_s)
            came = True
        return came

    def _decide(self, now_s: float, *, came: bool) -> None:
        """Let whoever steers decide anew after a plug or a changed limit and at every control step, else go on."""
        has_limit = any(now_s in (signal.begin_s, signal.end_s) for signal in self._world.signals)
        if not self._here:
            return
        if came or has_limit or now_s % self._options.control_s == 0:
            state = self._state(now_s)
            if has_limit:
                self._steering.limited(state, now_s)
                self._note_sent()
            self._steering.decide(state, now_s)
        else:
            self._steering.tick(now_s)
        self._note_sent()

    def _note_sent(self) -> None:
        """Count what was sent, and who was switched on or off while wanting energy."""
        sent_a = self._steering.sent_a
        self._n_told += int(np.count_nonzero(sent_a != self._sent_a))
        for row in np.nonzero((sent_a > 0.0) != (self._sent_a > 0.0))[0].tolist():
            self._here[row].n_switches += int(not self._steering.watch.sign(row).is_full)
        self._sent_a = sent_a.copy()

    def _state(self, now_s: float) -> SiteState:
        now = datetime.fromtimestamp(now_s, UTC)
        grid = TimeGrid.around(now, self._options.step_s, self._options.n_slots)
        passed = max(self._grid.slot_at(now), 0)
        peak_kwh = float(self._meters.energy_kwh[:passed].max(initial=0.0))
        signs = {row: self._steering.watch.sign(row) for row in self._here}
        return SiteState(
            site=self._world.site,
            now=now,
            grid=grid,
            sessions=tuple(self._believe(here.seen(signs[row]), now) for row, here in self._here.items()),
            tariff=self._world.tariff(grid),
            limits=tuple(signal.on(grid) for signal in signals_at(self._world.signals, now_s)),
            billing_peak_kw=max(peak_kwh / self._grid.step_h, self._world.expected_peak_kw),
            conditions=self._steering.conditions,
            expected=self._world.expect(grid, now),
        )

    def _advance(self, now_s: float) -> float:
        """Let time pass to the next event, and let whoever steers see what has come; returns when that is."""
        next_s = self._next_event_s(now_s)
        given_a = self._stations.given_a(self._steering.sent_a, now_s)
        metered = self._cars.advance(given_a, next_s - now_s)
        self._meters.read(metered, now_s)
        for row, present in self._here.items():
            present.delivered_kwh += float(metered.energy_kwh[row])
        self._steering.connected(self._stations.connected(next_s), next_s)
        self._steering.read(self._samples(next_s))
        return next_s

    def _samples(self, now_s: float) -> MeterSamples:
        """Return the samples that arrive now."""
        fresh = MeterSamples.none()
        if now_s % self._options.meter_s == 0:
            rows = np.nonzero(self._cars.plugged & self._stations.connected(now_s))[0]
            at_s = frozen(np.full(rows.size, now_s))
            fresh = MeterSamples(rows, at_s, self._cars.lines_a[rows], self._cars.power_kw[rows])
        if self._late is None:
            return fresh
        self._late.sent(fresh)
        return self._late.arrived(now_s)

    def _next_event_s(self, now_s: float) -> float:
        events = [
            _next_multiple(now_s, self._options.meter_s),
            _next_multiple(now_s, self._options.control_s),
        ]
        events += [present.leaves_s for present in self._here.values()]
        events += [
            at_s for signal in self._world.signals for at_s in (signal.begin_s, signal.end_s) if at_s > now_s
        ]
        events += [self._stations.changes_after_s(now_s), self._steering.next_s(now_s)]
        if self._coming:
            events.append(self._coming[-1].session.arrival.timestamp())
        return min(events)


def _next_multiple(now_s: float, period_s: float) -> float:
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
