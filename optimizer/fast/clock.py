"""The fast clock: pilots between plans, from what meters just showed, within milliseconds and without a solver.

A plan says what everybody is due for minutes; a car that is full, tapers or starts late leaves some of it
unused within seconds, a limit falls, a station does not obey. :class:`FastClock` follows: it takes back what
is not used, hands it to whom the plan leaves short or who can wait least, follows limits at once, and counts
what it cannot control. It knows no clock, network or database; whoever owns it says what happened and when.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from models.grid.site import Site
from models.metering import MeterSamples
from models.sessions import ChargingSession
from models.state import SiteState, StationCondition
from models.timegrid import TimeGrid
from optimizer.fast.decision import Change, FastDecision
from optimizer.fast.envelope import Envelope, urgency_of
from optimizer.fast.room import AssetLoad, Ceilings, LoadMeters, car_wires
from optimizer.fast.sharing import Claims, climb_kernel, hold_kernel, share_kernel
from optimizer.fast.watch import Watch, conditions_of
from optimizer.options import PlanOptions
from optimizer.scheduling.pilots import Room
from optimizer.topology import Topology

STICKY: Final = 1.25
"""How much more urgent a car is that charges already: contactors and cars are not to be switched for nothing."""

RESTART_PAUSE_S: Final = 20.0
"""How long a car that does not start is paused before it is tried once more [s]."""

RETRY_S: Final = 900.0
TRY_S: Final = 60.0
"""A car that takes nothing is offered its least pilot for a minute, as if it were due, after this time again [s]."""

FALL_BACK_S: Final = 60.0
"""How long a station that lost its connection is taken to go on as it was told, unless somebody knows better [s]."""


@dataclass(slots=True)
class _Holds:
    """What keeps EVSEs from being told something, all (E,): a pause that must last, restarts so far, lost stations."""

    paused_until_s: FloatArray
    n_restarts: FloatArray
    lost_s: FloatArray


class FastClock:
    """Decides on pilots of one site between its plans. Not thread-safe.

    Parameters
    ----------
    site : Site
        A valid site; rows of all arrays are ``site.evses``.
    options : PlanOptions, optional
        Of the plans between which it decides: how careful they are with loads.
    fall_back_s : float
        After so long without a connection a station is taken to give its safe share, until then what it was
        told [s].
    """

    def __init__(
        self, site: Site, options: PlanOptions | None = None, fall_back_s: float = FALL_BACK_S
    ) -> None:
        self.site = site
        self._options = options or PlanOptions()
        self._fall_back_s = fall_back_s
        self.watch = Watch(site)
        self._topology = Topology.of(site)
        self._wires = car_wires(self._topology)
        self._loads = LoadMeters(self._topology)
        self._ids = site.evse_ids
        self._row_of = {evse_id: row for row, evse_id in enumerate(self._ids)}
        owners = [station for station in site.stations for _ in station.evses]
        numbers = [number for number, station in enumerate(site.stations) for _ in station.evses]
        self._station_of = np.array(numbers, dtype=np.int64)
        self._min_run_s = np.array([evse.min_run_s for evse in site.evses])
        self._min_pause_s = np.array([evse.min_pause_s for evse in site.evses])
        self._offline_a = np.array([station.offline_a for station in owners])
        self._most_a, self._least_a = self._topology.max_a, self._topology.min_a
        n_evses = len(owners)
        self._holds = _Holds(np.full(n_evses, -np.inf), np.zeros(n_evses), np.full(n_evses, np.inf))
        grid, rated = TimeGrid(datetime.fromtimestamp(0, UTC), 900, 1), self._topology.rows.rated
        self._ceilings = Ceilings(grid, rated[:, None], np.zeros((rated.size, 1, 2)))
        self._assets = AssetLoad(grid, np.zeros((rated.size, 1)))
        nobody = np.zeros(n_evses, dtype=np.bool_)
        self._envelope = Envelope(grid, np.zeros((n_evses, 1)), np.zeros(n_evses), nobody)
        self._samples: list[MeterSamples] = []

    # --- what happens -------------------------------------------------------------------------------

    def follow(self, envelope: Envelope, state: SiteState) -> None:
        """Take a new plan, and the state with whose limits and loads it was made."""
        self._envelope = envelope
        self._assets = AssetLoad.of(envelope.grid, envelope.assets, state, self._topology)
        self.limit(state)

    def limit(self, state: SiteState) -> None:
        """Take limits or loads that have changed between plans."""
        self._ceilings = Ceilings.of(state, self._topology, self._options)

    def plugged(self, session: ChargingSession, now_s: float) -> None:
        """Note a new car; until a plan counts it, it may use what is free.

        Raises
        ------
        KeyError
            No such EVSE.
        """
        row = self._row_of[session.evse_id]
        self.watch.plugged(row, now_s, session.start_delay_s)
        self._holds.n_restarts[row] = 0.0
        self._holds.paused_until_s[row] = -np.inf
        now = datetime.fromtimestamp(now_s, UTC)
        urgency = urgency_of(session, self.site.evses[row], self.site.voltage_v, now)
        self._replace(row, urgency, may_take=session.remaining_kwh > 0.0)

    def unplugged(self, evse_id: str, now_s: float) -> None:
        """Note that a car has left.

        Raises
        ------
        KeyError
            No such EVSE.
        """
        row = self._row_of[evse_id]
        self.watch.unplugged(row, now_s)
        self._replace(row, 0.0, may_take=False)

    def connected(self, is_there: BoolArray, now_s: float) -> None:
        """Note which EVSEs' stations are connected, shape (E,)."""
        lost_s = self._holds.lost_s
        lost_s[:] = np.where(is_there, np.inf, np.minimum(lost_s, now_s))

    def meter(self, samples: MeterSamples) -> None:
        """Take samples, in any order; they count from the next decision on."""
        self._samples.append(samples)

    def meter_load(self, node_id: str, drawn_a: FloatArray, at_s: float) -> None:
        """Take what is drawn at a node beside EVSEs, on each phase, shape (3,) [A]; it replaces what was planned.

        Raises
        ------
        KeyError
            There is no such node.
        """
        self._loads.read(node_id, drawn_a, at_s)

    def learn(self) -> None:
        """Learn from all samples that were taken since the last time."""
        if self._samples:
            self.watch.read(MeterSamples.joined(self._samples))
            self._samples.clear()

    # --- what to do about it ------------------------------------------------------------------------

    def decide(self, now_s: float) -> FastDecision:
        """Return the pilots from now on; they count as told."""
        self.learn()
        restarted = self._restart(now_s)
        told_a = self.watch.book.pilot_a.copy()
        is_open = self.watch.is_there & ~self._is_load
        claims = self._claims(is_open, now_s)
        pilot_a = self._pilots(claims, is_open, now_s)
        pilot_a = np.where(self._is_lost, told_a, pilot_a)
        self.watch.told(pilot_a, now_s)
        forced = (claims.must_a > 0.0) & (pilot_a <= 0.0)
        return FastDecision(
            pilot_a=frozen(pilot_a),
            changes=self._changes(told_a, pilot_a),
            conditions=self.conditions,
            restarted=self._names(restarted),
            asleep=self._names(self.watch.book.idle & ~self.watch.book.drew & (self._holds.n_restarts > 0)),
            forced=self._names(forced),
        )

    def _restart(self, now_s: float) -> BoolArray:
        """Pause every car that does not start, once; returns which."""
        book, holds = self.watch.book, self._holds
        did_not_start = book.idle & ~book.drew & (book.pilot_a > 0.0) & (book.idle_s > book.on_s)
        stuck: BoolArray = did_not_start & (holds.n_restarts == 0.0) & ~self._is_lost
        if stuck.any():
            pause_s = np.maximum(self._min_pause_s, RESTART_PAUSE_S)
            holds.paused_until_s[stuck] = now_s + pause_s[stuck]
            holds.n_restarts[stuck] = 1.0
            book.idle[stuck] = False
        return stuck

    def _claims(self, is_open: BoolArray, now_s: float) -> Claims:
        book, envelope = self.watch.book, self._envelope
        is_on = book.pilot_a > 0.0
        is_held = now_s < self._holds.paused_until_s
        is_held |= ~is_on & (now_s < book.off_s + self._min_pause_s)
        free = is_open & ~is_held
        works = free & ~book.idle
        cap_a = np.minimum(book.cap_a, self._most_a)
        due_a = np.minimum(envelope.pilot_a[:, self._slot(now_s)], cap_a)
        idle_s = np.where(book.idle, now_s - book.idle_s, 0.0)
        is_tried = free & (idle_s >= RETRY_S) & (np.mod(idle_s, RETRY_S) < TRY_S)
        must = works & is_on & (now_s < book.on_s + self._min_run_s)
        return Claims(
            must_a=np.where(must, self._least_a, 0.0),
            base_a=np.where(works, due_a, np.where(is_tried, self._least_a, 0.0)),
            extra_a=np.where(works & envelope.may_take, cap_a, 0.0),
            try_a=np.where(free & book.idle, self._least_a, 0.0),
            urgency=envelope.urgency * np.where(is_on, STICKY, 1.0),
        )

    def _pilots(self, claims: Claims, is_open: BoolArray, now_s: float) -> FloatArray:
        wires, room = self._wires, self._room(now_s)
        tight = np.full(room.limit.size, np.inf)
        tight[self._topology.root_row] = self._envelope.peak_kw
        on_the_way = Room(room.total.copy(), room.limit.copy(), room.n_lines)
        goal_a = share_kernel(claims, wires, room, tight)
        told_a = np.where(is_open, self.watch.book.pilot_a, 0.0)
        may_draw_a = np.where(self._is_load, 0.0, self.watch.may_draw_a(now_s))
        return climb_kernel(goal_a, told_a, may_draw_a, claims.urgency, wires, on_the_way)

    def _room(self, now_s: float) -> Room:
        """Return the room beside the load, and beside what is drawn by EVSEs that cannot be told."""
        room = self._ceilings.room(now_s, self.watch.n_lines)
        room.total[:, 0] += self._assets.at(now_s)
        self._loads.correct(room, self._ceilings, now_s)
        was_just_lost = now_s < self._holds.lost_s + self._fall_back_s
        told_a = np.where(was_just_lost, self.watch.book.pilot_a, 0.0)
        drawn_a = np.where(self._is_lost, np.maximum(self._offline_a, told_a), self.watch.excess_a(now_s))
        drawn_a = np.where(self._is_defiant, self._most_a, drawn_a)
        held = np.zeros_like(room.limit)
        for row in np.nonzero(drawn_a > 0.0)[0].tolist():
            hold_kernel(row, float(drawn_a[row]), self._wires, room, held)
        return Room(room.total, np.maximum(room.limit - held, 0.0), room.n_lines)

    @property
    def _is_load(self) -> BoolArray:
        """Whether an EVSE cannot be told what to do, and counts as load."""
        return np.logical_or(self._is_defiant, self._is_lost)

    @property
    def _is_defiant(self) -> BoolArray:
        """Whether an EVSE's station does not follow: where one of its EVSEs does not, none is believed to."""
        counts = np.bincount(self._station_of, self.watch.book.defiant, len(self.site.stations))
        return np.greater(counts[self._station_of], 0.0)

    @property
    def _is_lost(self) -> BoolArray:
        return np.isfinite(self._holds.lost_s)

    def _slot(self, now_s: float) -> int:
        grid = self._envelope.grid
        slot = int((now_s - grid.start.timestamp()) // grid.step_s)
        return min(max(slot, 0), grid.n_slots - 1)

    def _replace(self, row: int, urgency: float, *, may_take: bool) -> None:
        """Let the plan say nothing of an EVSE any more."""
        old = self._envelope
        pilot_a, urgencies, takes = old.pilot_a.copy(), old.urgency.copy(), old.may_take.copy()
        pilot_a[row], urgencies[row], takes[row] = 0.0, urgency, may_take
        self._envelope = Envelope(old.grid, pilot_a, urgencies, takes, old.peak_kw, old.assets)

    def _changes(self, told_a: FloatArray, pilot_a: FloatArray) -> tuple[Change, ...]:
        rise_a = pilot_a - told_a
        rows = np.nonzero(rise_a)[0]
        return tuple(
            Change(self._ids[row], float(told_a[row]), float(pilot_a[row]))
            for row in rows[np.argsort(rise_a[rows], kind="stable")]
        )

    @property
    def conditions(self) -> tuple[StationCondition, ...]:
        """Stations that count as load: offline, or seen not to follow; a plan must count them too."""
        return conditions_of(self.site, self.watch.book.defiant, self._is_lost)

    def _names(self, chosen: BoolArray) -> tuple[str, ...]:
        return tuple(self._ids[row] for row in np.nonzero(chosen)[0])
