"""Commands as the API takes them: sent at once or queued, and what follows from an answer."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from api.ocpp.catalogue import Catalogue
from api.ocpp.orders.encode import OrderAnswer, answer_of, commands_of
from api.ocpp.orders.records import Order
from api.ocpp.registry import Clock, Registry, utc_now
from api.ocpp.safeguards import CommandPolicy
from api.ocpp.wire import Command
from api.stations import happenings, installed_profiles
from api.stations.commands import queue
from api.stations.commands.approvals import Approvers
from api.stations.commands.desk import Answered, CommandDesk
from api.stations.commands.effects import note_effects
from api.stations.commands.queue import Wanted
from api.stations.commands.runner import CommandRunner
from api.stations.happenings import Event, Happening
from api.stations.meter_book import Metered
from api.storage.engine import Database
from api.storage.station_tables import CommandRow
from api.storage.writer import GroupWriter

Result = TypeVar("Result")

_MOST_START_ID = 2**31 - 1


class CommandService:
    """What the API does with commands.

    Parameters
    ----------
    database : Database
    registry : Registry
    writer : GroupWriter
    policy : CommandPolicy
    approvers : Approvers
    clock : callable
        Time of events.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        writer: GroupWriter[Metered],
        policy: CommandPolicy,
        approvers: Approvers,
        clock: Clock = utc_now,
    ) -> None:
        self.desk = CommandDesk(registry, Catalogue.read(), policy, self._followed)
        self.runner = CommandRunner(registry, self.desk, writer)
        self._database, self._registry, self._writer = database, registry, writer
        self._approvers, self._clock = approvers, clock
        self._doubted: list[Callable[[str], None]] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    def follow(self, doubted: Callable[[str], None]) -> None:
        """Call this with a station whose profiles somebody else has changed."""
        self._doubted.append(doubted)

    async def stop(self) -> None:
        """Stop sending, and store what was answered."""
        await self.runner.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def send(self, station_id: str, command: Command, approvals: tuple[str, ...]) -> Answered:
        """Check a command, send it now, and return the answer."""
        self.desk.check(station_id, command, self._approvers.who(approvals))
        return await self.desk.send(station_id, command)

    async def order(
        self, station_id: str, order: Order, approvals: tuple[str, ...]
    ) -> tuple[OrderAnswer, tuple[Answered, ...]]:
        """Carry out an order in the words that the station speaks."""
        commands = commands_of(order, self.desk.version(station_id))
        for command in commands:  # all of them, before the first is sent
            self.desk.check(station_id, command, self._approvers.who(approvals))
        answers = [await self.desk.send(station_id, command) for command in commands]
        return answer_of(order, tuple(one.answer for one in answers)), tuple(answers)

    async def enqueue(
        self, station_id: str, command: Command, approvals: tuple[str, ...], key: str, lasts: timedelta
    ) -> tuple[CommandRow, bool]:
        """Check a command and queue it; tell whether it is new."""
        self.desk.check(station_id, command, self._approvers.who(approvals))
        now = utc_now()
        wanted = Wanted(station_id, command.action, command.payload, key, now + lasts)
        row, is_new = await self._writer.write(lambda session: queue.put(session, wanted, now))
        self.runner.wake()
        return row, is_new

    async def cancel(self, command_id: str) -> bool:
        """Give up a queued command; False if it may have been sent."""
        return await self._writer.write(lambda session: queue.cancel(session, command_id, utc_now()))

    async def read(self, work: Callable[[Session], Result]) -> Result:
        """Read from the database on a thread."""

        def run() -> Result:
            with self._database.read() as session:
                return work(session)

        return await asyncio.to_thread(run)

    @staticmethod
    def new_start_id() -> int:
        """Return a number that a remote start has not had: a guess of one would be believed to be ours."""
        return secrets.randbelow(_MOST_START_ID)

    def _followed(self, answered: Answered) -> None:
        """Note what an answer means for what the station holds, and tell."""
        if note_effects(self._registry, answered):
            for doubted in self._doubted:
                doubted(answered.station_id)
        self._spawn(self._writer.write(partial(self._note, answered)))

    def _note(self, answered: Answered, session: Session) -> None:
        now = self._clock()
        record = self._registry.record(answered.station_id)
        if record is not None and answered.command.action.endswith("ChargingProfile"):
            installed_profiles.save(session, answered.station_id, record.installed, now)
        data = {"action": answered.command.action, "status": answered.answer.get("status")}
        happenings.note(session, Event(Happening.COMMAND_ANSWERED, now, answered.station_id, data=data))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
