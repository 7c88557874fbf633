"""Delivery of the outbox: each station in turn gets what it must be told, until it has confirmed it.

Profiles of a plan go out in the order of :mod:`api.stations.order`: first what lowers a station, and only when
that is confirmed and cars had the time to follow, what raises one.
"""

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Final

from sqlalchemy.orm import Session

from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.commands import CommandOutcome, StationCommands
from api.ocpp.registry import Clock, Registry, utc_now
from api.ocpp.session_state import OurProtocolError
from api.stations import happenings, installed_profiles
from api.stations.documents import profile_in, tx_slot
from api.stations.happenings import Event, Happening
from api.stations.order import HeldProfiles, Place, is_raised, is_same, lowering
from api.storage import outbox
from api.storage.engine import Database
from api.storage.outbox import Claimed, Message, Unconfirmed
from models.errors import InvalidInputError

_log = logging.getLogger(__name__)

RAMP_S: Final = 10.0
"""Time between the last lowering and the first raise [s]: a car follows its pilot within 5 s (IEC 61851-1)."""


@dataclass(frozen=True, slots=True)
class _Task:
    """What is sent for a claimed message; more of it remains to be sent where ``is_first``."""

    claimed: Claimed
    profile: ChargingProfile
    lowers_site: str | None = None
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class _Order:
    """A plan's site, and whether all that the plan lowers is confirmed and followed."""

    site_id: str
    may_rise: bool


class Delivery:
    """Sends what is due in the outbox to the stations that are there.

    Parameters
    ----------
    database : Database
    registry : Registry
    clock, wall_clock : callable
        Time that profiles speak of, and time in which messages are retried.
    ramp_s : float
        Time that is left to cars to follow a lower pilot before others rise [s of the wall].
    poll_s : float
        Longest time between two looks at the outbox [s]; :meth:`wake` looks at once.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        *,
        clock: Clock = utc_now,
        wall_clock: Clock = utc_now,
        ramp_s: float = RAMP_S,
        poll_s: float = 1.0,
    ) -> None:
        self._database = database
        self._registry = registry
        self._commands = StationCommands(registry)
        self._clock = clock
        self._wall_clock = wall_clock
        self._ramp_s = ramp_s
        self._poll_s = poll_s
        self._news = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._held = HeldProfiles()
        self._is_holding_back = False
        self._lowered_at: dict[str, float] = {}

    def wake(self) -> None:
        """Look at the outbox now."""
        self._news.set()

    def began(self, station_id: str, evse_number: int) -> None:
        """Take it that the new transaction on an EVSE has no profile yet."""
        self._held.began((station_id, tx_slot(evse_number)))

    def asked(self, station_id: str, evse_number: int) -> None:
        """Send an EVSE its next profile even if it says the same as the last one (K15.FR.03)."""
        self._held.asked((station_id, tx_slot(evse_number)))

    def doubt(self, station_id: str) -> None:
        """Take it that a station that has come back may have lost its profiles."""
        self._held.doubt(station_id)

    def held(self, place: Place, transaction_id: str | None) -> tuple[ChargingProfile, ...] | None:
        """Return the profiles of which a station holds one for a running transaction; None where nobody knows."""
        return self._held.at(place, transaction_id)

    async def recall(self) -> None:
        """Take it that stations hold what they were told before this process began."""
        for message in await asyncio.to_thread(self._last_told):
            self._held.recalled(_place(message), profile_in(message.profile))

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is on its way, and nothing waits for its turn."""
        return not (self._busy or self._is_holding_back or self._news.is_set())

    async def run(self) -> None:
        """Deliver until cancelled; what is on the way then is left to its station's task."""
        try:
            while True:
                self._news.clear()
                try:
                    await self._begin_due()
                except Exception:  # noqa: BLE001 - without this loop no station would ever be told anything again
                    _log.exception("the outbox could not be looked at; it is tried again")
                try:
                    async with asyncio.timeout(self._poll_s):
                        await self._news.wait()
                except TimeoutError:
                    pass  # time to look for what is due again
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def deliver(self) -> None:
        """Deliver all that is due now and may be sent now, and wait until it is settled."""
        await self._begin_due()
        await asyncio.gather(*self._busy.values())

    async def _begin_due(self) -> None:
        """Give every free station its messages; a slow one does not hold up what lowers the others."""
        free = [station_id for station_id in self._registry.station_ids() if station_id not in self._busy]
        if not free:
            return
        claimed, unconfirmed = await asyncio.to_thread(self._claim, free)
        order = await self._order_of(unconfirmed)
        tasks: dict[str, list[_Task]] = defaultdict(list)
        waiting: list[Claimed] = []
        known: list[Claimed] = []
        for message in claimed:
            await asyncio.sleep(0)  # a thousand messages take seconds, and stations wait for answers
            task = self._task(message, order)
            if self._is_known(message):
                known.append(message)
            elif task is None:
                waiting.append(message)
            else:
                tasks[message.message.station_id].append(task)
        self._is_holding_back = bool(waiting)
        if waiting or known:
            await asyncio.to_thread(self._put_away, waiting, known)
        # Noted before anything else is decided: what waits its turn at a slow station may yet arrive.
        for task in chain.from_iterable(tasks.values()):
            self._held.sending(_place(task.claimed.message), task.profile)
        for station_id, to_send in tasks.items():
            running = asyncio.create_task(self._send_all(to_send), name=f"deliver {station_id}")
            self._busy[station_id] = running
            running.add_done_callback(partial(self._freed, station_id))

    def _freed(self, station_id: str, task: "asyncio.Task[None]") -> None:
        self._busy.pop(station_id, None)
        self._news.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("delivery to %s failed", station_id, exc_info=task.exception())

    # --- the order --------------------------------------------------------------------------------

    async def _order_of(self, unconfirmed: Sequence[Unconfirmed]) -> dict[int | None, _Order]:
        """Return for every plan its site, and whether its stations may rise.

        Others have their turn in between; what they confirm meanwhile makes nobody hold more than was counted.
        """
        sites = {one.message.plan_id: one.site_id for one in unconfirmed}
        lowering_plans = set()
        for one in unconfirmed:
            if self._must_confirm(one):
                lowering_plans.add(one.message.plan_id)
            await asyncio.sleep(0)
        return {
            plan_id: _Order(site_id, plan_id not in lowering_plans and self._has_followed(site_id))
            for plan_id, site_id in sites.items()
        }

    def _must_confirm(self, one: Unconfirmed) -> bool:
        """Tell whether nobody may rise before this message is confirmed.

        A station that refuses and was never told anything holds up nobody: no order of messages can make
        its plan true.
        """
        wanted = profile_in(one.message.profile)
        if wanted.purpose is not ProfilePurpose.TX:
            return False
        is_known = self._held.at(_place(one.message), wanted.transaction_id) is not None
        return (is_known or not one.is_refused) and self._lowering(one.message, wanted) is not None

    def _has_followed(self, site_id: str) -> bool:
        """Tell whether the cars of a site had the time to follow; if not, look again when they had."""
        loop = asyncio.get_running_loop()
        rest_s = self._lowered_at.get(site_id, -math.inf) + self._ramp_s - loop.time()
        if rest_s > 0:
            loop.call_later(rest_s, self.wake)
        return rest_s <= 0

    def _task(self, claimed: Claimed, order: Mapping[int | None, _Order]) -> _Task | None:
        """Return what to send of a message now; None where it must wait for others."""
        wanted = profile_in(claimed.message.profile)
        plan = order.get(claimed.message.plan_id)
        if wanted.purpose is not ProfilePurpose.TX or plan is None:
            return _Task(claimed, wanted)
        first = self._lowering(claimed.message, wanted)
        if first is not None:
            return _Task(claimed, first, plan.site_id, is_first=first is not wanted)
        held = self._held.at(_place(claimed.message), wanted.transaction_id) or ()
        return _Task(claimed, wanted) if plan.may_rise or not is_raised(held, wanted, self._clock()) else None

    def _is_known(self, claimed: Claimed) -> bool:
        """Tell whether a station was told the same before; it is spared the message."""
        wanted = profile_in(claimed.message.profile)
        if wanted.purpose is not ProfilePurpose.TX:
            return False
        return is_same(self._held.at(_place(claimed.message), wanted.transaction_id), wanted, self._clock())

    def _lowering(self, message: Message, wanted: ChargingProfile) -> ChargingProfile | None:
        held = self._held.at(_place(message), wanted.transaction_id)
        max_periods = self._registry.capabilities(message.station_id).max_periods
        return lowering(held, wanted, self._clock(), max_periods)

    # --- sending ----------------------------------------------------------------------------------

    async def _send_all(self, tasks: list[_Task]) -> None:
        for task in tasks:
            place = _place(task.claimed.message)
            if await asyncio.to_thread(self._is_outdated, task):
                self._held.refused(place, task.profile)
                await asyncio.to_thread(self._put_away, [task.claimed], [])
                continue
            outcome = await self._send(task)
            if outcome is CommandOutcome.ACCEPTED:
                self._held.confirmed(place, task.profile)
                if task.profile.purpose is ProfilePurpose.TX_DEFAULT:
                    self._held.caught(place[0])
                if task.lowers_site is not None:
                    self._lowered_at[task.lowers_site] = asyncio.get_running_loop().time()
            elif not outcome.should_be_sent_again:
                self._held.refused(place, task.profile)
            await asyncio.to_thread(self._settle, task, outcome)

    async def _send(self, task: _Task) -> CommandOutcome:
        message = task.claimed.message
        try:
            return await self._commands.send_profile(message.station_id, task.profile)
        except (InvalidInputError, OurProtocolError):
            _log.exception("%s cannot be told %s", message.station_id, message.key)
            return CommandOutcome.NOT_SUPPORTED

    # --- the outbox, on a thread ------------------------------------------------------------------

    def _claim(self, station_ids: list[str]) -> tuple[list[Claimed], list[Unconfirmed]]:
        """Take all that is due: messages that must wait would otherwise keep out those that they wait for."""
        with self._database.write() as session:
            now = self._wall_clock()
            claimed: list[Claimed] = []
            while more := outbox.claim(session, now, station_ids):
                claimed += more
            plans = {one.message.plan_id for one in claimed if one.message.plan_id is not None}
            return claimed, outbox.unconfirmed(session, plans)

    def _last_told(self) -> list[Message]:
        with self._database.read() as session:
            return outbox.last_told(session, ProfilePurpose.TX.value)

    def _is_outdated(self, task: _Task) -> bool:
        with self._database.read() as session:
            return outbox.is_outdated(session, task.claimed.outbox_id)

    def _put_away(self, waiting: list[Claimed], known: list[Claimed]) -> None:
        now = self._wall_clock()
        with self._database.write() as session:
            for claimed in waiting:
                outbox.put_back(session, claimed.outbox_id, now)
            for claimed in known:
                outbox.mark_sent(session, claimed.outbox_id, now)

    def _settle(self, task: _Task, outcome: CommandOutcome) -> None:
        now, outbox_id = self._wall_clock(), task.claimed.outbox_id
        station_id = task.claimed.message.station_id
        with self._database.write() as session:
            self._remember(session, station_id, task, outcome)
            if outcome is CommandOutcome.ACCEPTED and task.is_first:
                outbox.put_back(session, outbox_id, now)
            elif outcome is CommandOutcome.ACCEPTED:
                outbox.mark_sent(session, outbox_id, now)
            elif outcome.should_be_sent_again:
                outbox.mark_failed(session, outbox_id, now, outcome.value)
            else:
                outbox.mark_refused(session, outbox_id, now, outcome.value)

    def _remember(self, session: Session, station_id: str, task: _Task, outcome: CommandOutcome) -> None:
        """Store what the station holds now, and tell, in the transaction that notes that it was confirmed."""
        is_accepted = outcome is CommandOutcome.ACCEPTED
        record = self._registry.record(station_id)
        if is_accepted and record is not None:
            installed_profiles.save(session, station_id, record.installed, self._clock())
        if is_accepted or not outcome.should_be_sent_again:
            kind = Happening.PROFILE_ACCEPTED if is_accepted else Happening.PROFILE_REFUSED
            reason = None if is_accepted or record is None else record.last_refusal
            data = {"slot": task.claimed.message.slot, "plan_id": task.claimed.message.plan_id}
            event = Event(kind, self._clock(), station_id, data=data | {"reason": reason})
            happenings.note(session, event)


def _place(message: Message) -> Place:
    return message.station_id, message.slot
