"""Sends queued commands when their stations are there: at least once, in order, until they expire."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from api.ocpp.registry import Clock, Registry, utc_now
from api.ocpp.wire import Command
from api.stations import happenings
from api.stations.commands import queue
from api.stations.commands.desk import CommandDesk
from api.stations.commands.errors import NoAnswerError, StationAwayError
from api.stations.commands.queue import CommandState
from api.stations.happenings import Event, Happening
from api.stations.meter_book import Metered
from api.storage.station_tables import CommandRow
from api.storage.writer import GroupWriter
from models.errors import ChargingError

_log = logging.getLogger(__name__)

_POLL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Claimed:
    command_id: str
    station_id: str
    command: Command


class CommandRunner:
    """Looks after queued commands; one at a time for each station.

    Parameters
    ----------
    registry : Registry
    desk : CommandDesk
    writer : GroupWriter
    wall_clock : callable
        Time in which commands are tried again, and expire.
    """

    def __init__(
        self,
        registry: Registry,
        desk: CommandDesk,
        writer: GroupWriter[Metered],
        wall_clock: Clock = utc_now,
    ) -> None:
        self._registry, self._desk, self._writer = registry, desk, writer
        self._clock = wall_clock
        self._news = asyncio.Event()
        self._back: set[str] = set()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look after the queue."""
        self._running = asyncio.create_task(self._run(), name="queued commands")

    async def stop(self) -> None:
        """Stop; what is on its way is sent again by the next process."""
        tasks = [task for task in (self._running, *self._busy.values()) if task is not None]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)

    def wake(self) -> None:
        """Look at the queue now."""
        self._news.set()

    def arrived(self, station_id: str) -> None:
        """Send what waits for a station that is back."""
        self._back.add(station_id)
        self._news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            try:
                await self._begin_due()
            except Exception:  # noqa: BLE001 - without this loop no queued command would ever be sent again
                _log.exception("the queue of commands could not be looked at; it is tried again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._news.wait()

    async def _begin_due(self) -> None:
        back, self._back = self._back, set()
        for claimed in await self._writer.write(partial(self._claim, back, frozenset(self._busy))):
            task = asyncio.create_task(self._send(claimed), name=f"command for {claimed.station_id}")
            self._busy[claimed.station_id] = task
            task.add_done_callback(partial(self._freed, claimed.station_id))

    def _freed(self, station_id: str, task: "asyncio.Task[None]") -> None:
        self._busy.pop(station_id, None)
        self._news.set()
        if not task.cancelled() and task.exception() is not None:
            _log.error("%s: failed", task.get_name(), exc_info=task.exception())

    def _claim(self, back: set[str], busy: frozenset[str], session: Session) -> list[_Claimed]:
        now = self._clock()
        back_now = back - busy
        for station_id in back_now & queue.stations_with_open(session) if back_now else ():
            queue.release(session, station_id, now)
        for expired in queue.expire(session, now):
            happenings.note(session, self._event(Happening.COMMAND_FAILED, expired, reason="expired"))
        claimed = []
        for station_id in queue.waiting_stations(session, now):
            if station_id in busy or self._registry.link(station_id) is None:
                continue
            row = queue.claim(session, station_id, now)
            if row is not None:
                claimed.append(_Claimed(row.command_id, station_id, Command(row.action, dict(row.payload))))
        return claimed

    async def _send(self, claimed: _Claimed) -> None:
        try:
            answered = await self._desk.send(claimed.station_id, claimed.command)
        except (StationAwayError, NoAnswerError) as error:
            await self._writer.write(partial(self._put_back, claimed, str(error)))
        except ChargingError as error:
            state = CommandState.REFUSED
            _log.warning("%s refuses a queued command: %s", claimed.station_id, error)
            await self._writer.write(partial(self._settle, claimed, state, None, str(error)))
        else:
            await self._writer.write(
                partial(self._settle, claimed, CommandState.ANSWERED, answered.answer, None)
            )

    def _put_back(self, claimed: _Claimed, error: str, session: Session) -> None:
        queue.put_back(session, claimed.command_id, self._clock(), error)

    def _settle(
        self,
        claimed: _Claimed,
        state: CommandState,
        answer: dict[str, Any] | None,
        error: str | None,
        session: Session,
    ) -> None:
        queue.settle(session, claimed.command_id, state, self._clock(), answer=answer, error=error)
        if state is CommandState.REFUSED:
            row = queue.find(session, claimed.command_id)
            happenings.note(session, self._event(Happening.COMMAND_FAILED, row, reason=error))

    def _event(self, kind: Happening, row: CommandRow, reason: str | None) -> Event:
        data = {"command_id": row.command_id, "action": row.action, "reason": reason}
        return Event(kind, self._clock(), row.station_id, data=data)
