"""Delivery of the outbox: each station in turn gets what it must be told, until it has confirmed it."""

import asyncio
import logging
from collections import defaultdict
from functools import partial

from api.ocpp.commands import CommandOutcome, StationCommands
from api.ocpp.registry import Clock, Registry, utc_now
from api.ocpp.session_state import OurProtocolError
from api.stations.documents import profile_in
from api.storage import outbox
from api.storage.engine import Database
from api.storage.outbox import Claimed
from models.errors import InvalidInputError

_log = logging.getLogger(__name__)


class Delivery:
    """Sends what is due in the outbox to the stations that are there.

    Parameters
    ----------
    database : Database
    registry : Registry
    wall_clock : callable
        Time in which messages are retried.
    poll_s : float
        Longest time between two looks at the outbox [s]; :meth:`wake` looks at once.
    """

    def __init__(
        self, database: Database, registry: Registry, wall_clock: Clock = utc_now, poll_s: float = 1.0
    ) -> None:
        self._database = database
        self._registry = registry
        self._commands = StationCommands(registry)
        self._wall_clock = wall_clock
        self._poll_s = poll_s
        self._news = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Look at the outbox now."""
        self._news.set()

    async def run(self) -> None:
        """Deliver until cancelled; what is on the way then is left to its station's task."""
        try:
            while True:
                self._news.clear()
                await self._begin_due()
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
        """Deliver all that is due now, and wait until it is settled."""
        await self._begin_due()
        await asyncio.gather(*self._busy.values())

    async def _begin_due(self) -> None:
        """Give every free station its messages; a slow one does not hold up the others."""
        free = [station_id for station_id in self._registry.station_ids() if station_id not in self._busy]
        if not free:
            return
        for station_id, messages in (await asyncio.to_thread(self._claim, free)).items():
            task = asyncio.create_task(self._send_all(station_id, messages), name=f"deliver {station_id}")
            self._busy[station_id] = task
            task.add_done_callback(partial(self._freed, station_id))

    def _freed(self, station_id: str, task: "asyncio.Task[None]") -> None:
        self._busy.pop(station_id, None)
        self._news.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("delivery to %s failed", station_id, exc_info=task.exception())

    def _claim(self, station_ids: list[str]) -> dict[str, list[Claimed]]:
        now = self._wall_clock()
        with self._database.write() as session:
            claimed = outbox.claim(session, now, station_ids)
        by_station: dict[str, list[Claimed]] = defaultdict(list)
        for message in claimed:
            by_station[message.message.station_id].append(message)
        return by_station

    async def _send_all(self, station_id: str, messages: list[Claimed]) -> None:
        for claimed in messages:
            outcome = await self._send(station_id, claimed)
            await asyncio.to_thread(self._settle, claimed, outcome)

    async def _send(self, station_id: str, claimed: Claimed) -> CommandOutcome:
        try:
            return await self._commands.send_profile(station_id, profile_in(claimed.message.profile))
        except (InvalidInputError, OurProtocolError):
            _log.exception("%s cannot be told %s", station_id, claimed.message.key)
            return CommandOutcome.NOT_SUPPORTED

    def _settle(self, claimed: Claimed, outcome: CommandOutcome) -> None:
        now = self._wall_clock()
        with self._database.write() as session:
            if outcome is CommandOutcome.ACCEPTED:
                outbox.mark_sent(session, claimed.outbox_id, now)
            elif outcome.should_be_sent_again:
                outbox.mark_failed(session, claimed.outbox_id, now, outcome.value)
            else:
                outbox.mark_refused(session, claimed.outbox_id, now, outcome.value)
