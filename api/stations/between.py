"""Between plans: what meters show is acted upon at once, and told as a change of the plan.

The fast clock of a site (:class:`optimizer.fast.FastClock`) knows what its stations surely hold. What it
decides differently is queued as part of the plan, for the rest of the present slot: so it goes out in the
order of every plan, first what lowers a station, and the next slot is the plan's own. A station whose
profile is not confirmed is told nothing new, and counts with all that it may hold.
"""

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias

import numpy as np

from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.metering import MeterReading
from api.ocpp.profiles import limits_from_profile
from api.ocpp.registry import Clock, Registry
from api.planning.profiles import StationProfile, profiles_of, with_borders_apart
from api.planning.service import Decision
from api.stations.documents import tx_slot
from api.stations.order import Place
from api.stations.seen import SiteSigns
from models.arrays import BoolArray, FloatArray
from models.grid.site import CurrentType, Site
from models.metering import MeterSamples
from models.state import Conduct, SiteState
from optimizer.fast import Envelope, FastClock, FastDecision
from optimizer.fast.signs import N_OBEYED
from optimizer.scheduling.check import breaches

_log = logging.getLogger(__name__)

Held: TypeAlias = Callable[[Place, str | None], tuple[ChargingProfile, ...] | None]
"""Gives the profiles of which a station holds one for a transaction, None where nobody knows."""

Conducted: TypeAlias = Callable[[str, Conduct | None], None]
"""Is told how a station behaves; None where it follows again."""

SAME_A: Final = 0.2
"""A limit in watt is rounded down to tenths: within this it is the pilot that it was made of [A]."""


SENDING: Final = timedelta(seconds=10)
"""A plan is left in peace for so long: its own profiles are on their way."""


class Amendments(Protocol):
    """Takes changes of plans."""

    def amend(self, decision: Decision, profiles: tuple[StationProfile, ...]) -> bool:
        """Queue profiles as part of a plan; tell whether it is still the newest."""
        ...


class SiteDesk:
    """The fast clock of one site, between its plans and what its stations hold.

    Parameters
    ----------
    site : Site
    held : callable
    registry : Registry
    conducted : callable
        Is told when a station begins to ignore its limit, or to follow it again.
    """

    def __init__(
        self, site: Site, held: Held, registry: Registry, conducted: Conducted = lambda *_: None
    ) -> None:
        self.site = site
        self._conducted = conducted
        self._held, self._registry = held, registry
        self._clock = FastClock(site, fall_back_s=math.inf)  # who is lost keeps to what it holds
        self._places: tuple[Place, ...] = tuple(
            (station.station_id, tx_slot(number))
            for station in site.stations
            for number, _ in enumerate(station.evses, start=1)
        )
        self._row_of = {place: row for row, place in enumerate(self._places)}
        self._levels_a = [np.array((0.0, *evse.levels_a)) for evse in site.evses]
        self._transactions: dict[str, str] = {}
        self._samples: list[MeterSamples] = []
        self.decision: Decision | None = None
        self._followed_at: datetime | None = None
        self._deaf: set[str] = set()
        self._judged: set[str] = set()
        self._asleep: set[str] = set()

    def follow(self, decision: Decision, now: datetime) -> None:
        """Take a new plan, with the cars that it counts."""
        state, running = decision.request.state, decision.request.transactions
        sessions = {one.evse_id: one for one in state.sessions if one.arrival <= state.now}
        for evse_id in self.site.evse_ids:
            if self._transactions.get(evse_id) == running.get(evse_id):
                continue
            self._clock.unplugged(evse_id, now.timestamp())
            if evse_id in sessions and evse_id in running:
                self._clock.plugged(sessions[evse_id], now.timestamp())
        self._transactions = {one: running[one] for one in running if one in sessions}
        self._clock.follow(Envelope.of_plan(state, decision.plan), state)
        self.decision, self._followed_at = decision, now

    def meter(
        self, station_id: str, evse_number: int, readings: tuple[MeterReading, ...], now: datetime
    ) -> None:
        """Take readings of an EVSE; the station's clock may be ahead."""
        row = self._row_of.get((station_id, tx_slot(evse_number)))
        if row is None or not readings:
            return
        is_dc = self.site.evses[row].current_type is CurrentType.DC  # its meter shows the car's side
        nothing = (None, None, None)
        lines = [nothing if is_dc else reading.current_a for reading in readings]
        self._samples.append(
            MeterSamples(
                np.full(len(readings), row, dtype=np.int64),
                np.array([min(reading.at, now).timestamp() for reading in readings]),
                np.array([[math.nan if a is None else a for a in line] for line in lines]),
                np.array([math.nan if r.power_kw is None else r.power_kw for r in readings]),
            )
        )

    def decide(self, now: datetime) -> tuple[StationProfile, ...]:
        """Return the profiles that change the plan now; none where all is as it should be."""
        plan = self.decision
        if plan is None or not self._is_time(plan, now):
            return ()
        told_a, is_settled = self._holding(now)
        now_s = now.timestamp()
        self._clock.watch.told(told_a, now_s)
        self._clock.connected(is_settled, now_s)
        samples = MeterSamples.joined(self._samples)
        self._samples.clear()
        believed = samples.only(np.nonzero(is_settled[samples.evse])[0])
        self._clock.meter(believed)
        decision = self._clock.decide(now_s)
        self._say(decision, {int(row) for row in believed.evse})
        changed = is_settled & (np.abs(decision.pilot_a - told_a) > SAME_A)
        rises = changed & (decision.pilot_a > told_a)
        if rises.any() and not self._is_allowed(plan, decision, now):
            changed &= ~rises
        return self._profiles(plan, decision.pilot_a, changed, now) if changed.any() else ()

    @property
    def signs(self) -> SiteSigns:
        """What the meters showed, for the next plan."""
        if self.decision is None:
            return SiteSigns()
        rows = {evse_id: row for row, evse_id in enumerate(self.site.evse_ids)}
        sessions = [one for one in self.decision.request.state.sessions if one.evse_id in self._transactions]
        deaf = [one for one in self._clock.conditions if one.conduct is Conduct.NOT_FOLLOWING]
        return SiteSigns(
            {one.session_id: self._clock.watch.sign(rows[one.evse_id]) for one in sessions}, tuple(deaf)
        )

    def _say(self, decision: FastDecision, metered_rows: set[int]) -> None:
        """Tell the operator, once each, of stations that do not follow and of cars that do not start."""
        deaf = {one.station_id for one in decision.conditions if one.conduct is Conduct.NOT_FOLLOWING}
        for station_id in deaf - self._deaf:
            _log.warning("station %s draws more than it was told; it counts at full power", station_id)
            self._conducted(station_id, Conduct.NOT_FOLLOWING)
        n_obeyed = self._clock.watch.book.n_obeyed
        obeying = {
            self.site.station_of(self.site.evses[row].evse_id).station_id
            for row in metered_rows
            if n_obeyed[row] >= N_OBEYED
        }
        for station_id in (self._deaf | (obeying - self._judged)) - deaf:
            self._conducted(station_id, None)
        self._judged |= obeying | deaf
        for evse_id in set(decision.asleep) - self._asleep:
            _log.warning("the car at %s did not start, nor after a pause: it is full, or asleep", evse_id)
        self._deaf, self._asleep = deaf, set(decision.asleep)

    def _is_time(self, plan: Decision, now: datetime) -> bool:
        """Whether the plan was sent by now, and still speaks of the present."""
        grid, followed_at = plan.plan.schedule.grid, self._followed_at or now
        return now >= followed_at + SENDING and 0 <= grid.slot_at(now) < grid.n_slots

    def _holding(self, now: datetime) -> tuple[FloatArray, BoolArray]:
        """Return the greatest pilot that each station may hold now, and whether it surely holds it."""
        told_a = np.zeros(len(self._places))
        is_settled = np.ones(len(self._places), dtype=np.bool_)
        for row, (place, evse) in enumerate(zip(self._places, self.site.evses, strict=True)):
            transaction_id = self._transactions.get(evse.evse_id)
            if transaction_id is None:
                continue
            held = self._held(place, transaction_id)
            is_there = self._registry.link(place[0]) is not None
            is_settled[row] = held is not None and len(held) <= 1 and is_there
            limits_a = (
                [self._levels_a[row][-1]] if held is None else [self._allowed_a(one, now) for one in held]
            )
            told_a[row] = self._pilot_at(row, max(limits_a, default=0.0))
        return told_a, is_settled

    def _allowed_a(self, profile: ChargingProfile, now: datetime) -> float:
        """Return what a profile allows now [A]: nothing where it says nothing, as beneath it the fall-back does."""
        limit_a = float(limits_from_profile(profile, [now], self.site.voltage_v)[0])
        return limit_a if math.isfinite(limit_a) else 0.0

    def _pilot_at(self, row: int, limit_a: float) -> float:
        """Return the greatest pilot of an EVSE within a limit."""
        levels_a = self._levels_a[row]
        return float(levels_a[np.searchsorted(levels_a, limit_a + SAME_A, side="right") - 1])

    def _is_allowed(self, plan: Decision, decision: FastDecision, now: datetime) -> bool:
        """Whether the pilots of this moment pass the check that plans pass."""
        schedule = plan.plan.schedule
        pilot_a = np.zeros_like(schedule.pilot_a)
        pilot_a[:, schedule.grid.slot_at(now)] = decision.pilot_a
        told = replace(schedule, pilot_a=pilot_a)
        return not breaches(self._as_seen(plan.request.state), told, plan.request.options.load_quantile)

    def _as_seen(self, state: SiteState) -> SiteState:
        """Return the state with the phases that cars use, and the stations that do not follow."""
        signs = self.signs
        sessions = [
            replace(one, n_phases=signs.of_session[one.session_id].n_phases or one.n_phases)
            if one.session_id in signs.of_session
            else one
            for one in state.sessions
        ]
        return replace(state, sessions=tuple(sessions), conditions=signs.conditions)

    def _profiles(
        self, plan: Decision, pilot_a: FloatArray, changed: BoolArray, now: datetime
    ) -> tuple[StationProfile, ...]:
        schedule, request = plan.plan.schedule, plan.request
        told_a = schedule.pilot_a.copy()
        told_a[changed, schedule.grid.slot_at(now)] = pilot_a[changed]
        ids = {evse_id for evse_id, is_changed in zip(self.site.evse_ids, changed, strict=True) if is_changed}
        stations = {self.site.station_of(evse_id).station_id for evse_id in ids}
        asked = replace(
            request,
            state=replace(request.state, now=now),
            capabilities={one: can for one, can in request.capabilities.items() if one in stations},
        )
        profiles = profiles_of(replace(schedule, pilot_a=told_a), asked)
        return with_borders_apart(tuple(one for one in profiles if one.evse_id in ids))


class BetweenPlans:
    """The desks of all sites. It lives on the event loop; what it queues is written on a thread.

    Parameters
    ----------
    queue : Amendments
    held : callable
    registry : Registry
    clock : callable
    conducted : callable
        As that of a desk.
    """

    def __init__(
        self,
        queue: Amendments,
        held: Held,
        registry: Registry,
        clock: Clock,
        conducted: Conducted = lambda *_: None,
    ) -> None:
        self._queue, self._held, self._registry, self._clock = queue, held, registry, clock
        self._conducted = conducted
        self._desks: dict[str, SiteDesk] = {}

    def follow(self, decision: Decision) -> None:
        """Take the plan of a site."""
        site = decision.request.state.site
        desk = self._desks.get(site.site_id)
        if desk is None or desk.site != site:
            desk = self._desks[site.site_id] = SiteDesk(site, self._held, self._registry, self._conducted)
        desk.follow(decision, self._clock())

    def meter(
        self, site_id: str, station_id: str, evse_number: int, readings: tuple[MeterReading, ...]
    ) -> None:
        """Take readings of an EVSE of a site."""
        desk = self._desks.get(site_id)
        if desk is not None:
            desk.meter(station_id, evse_number, readings, self._clock())

    def signs(self, site_id: str) -> SiteSigns:
        """Return what the meters of a site showed; nothing before its first plan."""
        desk = self._desks.get(site_id)
        return SiteSigns() if desk is None else desk.signs

    async def look(self, site_id: str) -> bool:
        """Act on what has come since the last time; tell whether there is something to send."""
        desk = self._desks.get(site_id)
        if desk is None or desk.decision is None:
            return False
        profiles = desk.decide(self._clock())
        return bool(profiles) and await asyncio.to_thread(self._queue.amend, desk.decision, profiles)
