"""What is kept of what stations say: one writer, the message log, facts, and who may be told of it."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.ocpp.alarms import Alarms
from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.catalogue import Catalogue
from api.ocpp.registry import Clock, Registry
from api.ocpp.safeguards import CommandPolicy
from api.stations import happenings, installed_profiles, meter_book, repository
from api.stations.alarm_book import AlarmBook
from api.stations.commands.approvals import Approvers
from api.stations.commands.service import CommandService
from api.stations.events.feed import EventFeed
from api.stations.facts import FactsBook
from api.stations.figures import Figures, Sources
from api.stations.happenings import Event, Happening
from api.stations.log.store import PER_STATION, MessageLog
from api.stations.log.traffic import LogScope, TrafficBook
from api.stations.meter_book import Metered
from api.stations.state.kept.schemas import capabilities_in
from api.stations.watch import DIGEST_EVERY_S, StationWatch
from api.storage.engine import Database
from api.storage.station_tables import StationFactsRow
from api.storage.writer import GroupWriter
from models.state import Conduct

_log = logging.getLogger(__name__)

FOLLOWS: Final = "follows"
"""The conduct of a station that has come back to its limit."""


@dataclass(frozen=True, slots=True)
class ConnectivitySettings:
    """What is kept, and by whom.

    Parameters
    ----------
    process : str
        Name of this process among those that stations connect to; it has the same one when it starts again.
    log_scope : LogScope
    log_per_station : int
        Messages that are kept of each station.
    policy : CommandPolicy
        Where stations may be sent, and where their files may come from.
    approver_keys : tuple of str
        Keys of those who may approve together what one alone may not.
    log_every_s : float
        Messages are logged so often, and facts stored every fourth time [s].
    """

    process: str = "gridpilot"
    log_scope: LogScope = LogScope.ALL
    log_per_station: int = PER_STATION
    policy: CommandPolicy = field(default_factory=CommandPolicy)
    approver_keys: tuple[str, ...] = ()
    log_every_s: float = DIGEST_EVERY_S


class Connectivity:
    """Everything that is known of stations and survives this process.

    Parameters
    ----------
    database : Database
    registry : Registry
    settings : ConnectivitySettings
    clock : callable
        Time of plans and stations.
    """

    def __init__(
        self, database: Database, registry: Registry, settings: ConnectivitySettings, clock: Clock
    ) -> None:
        self.writer: GroupWriter[Metered] = GroupWriter(database, meter_book.save)
        self.traffic = TrafficBook(Catalogue.read().actions, settings.log_scope, clock)
        self.facts = FactsBook(registry, self.traffic)
        self.alarms = Alarms(clock)
        self._database, self._registry = database, registry
        self._settings, self._clock = settings, clock
        log = MessageLog(settings.log_per_station)
        self.feed = EventFeed(database, self.writer)
        self.figures = Figures(
            Sources(
                database,
                registry,
                self.traffic,
                self.facts,
                self.writer.figures,
                lambda: self.writer.n_waiting,
                lambda: self.feed.n_streams,
                self.alarms.totals,
            )
        )
        self._watch = StationWatch(
            self.traffic, log, self.facts, self.figures, self.writer, settings.log_every_s
        )
        self.commands = CommandService(
            database, registry, self.writer, settings.policy, Approvers(settings.approver_keys), clock
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm_book = AlarmBook(self.writer, self.spawn, clock)
        self.alarms.subscribe(self._alarm_book.hear)

    async def start(self) -> None:
        """Take up what was known when the last process ended, or was killed."""
        await self.writer.__aenter__()
        await asyncio.to_thread(self._recall)
        now = self._clock()
        await self.writer.write(
            lambda session: repository.note_all_lost(session, self._settings.process, now)
        )
        self._watch.start()
        self.commands.runner.start()

    async def stop(self) -> None:
        """Store what is left."""
        await self.commands.stop()
        self._alarm_book.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._watch.stop()
        await self.writer.__aexit__(None, None, None)

    def conducted(self, station_id: str, conduct: Conduct | None) -> None:
        """Note that a station ignores its limit, or follows it; tell where that is a change."""
        now = self._clock()
        was_deaf = station_id in self.facts.not_following
        self.facts.conducted(station_id, FOLLOWS if conduct is None else conduct.value, now)
        if (conduct is None) is not was_deaf:
            return  # of a station that follows from the start nobody needs to hear
        kind = Happening.STATION_FOLLOWS if conduct is None else Happening.STATION_NOT_FOLLOWING
        event = Event(kind, now, station_id)
        self.spawn(self.writer.write(lambda session: happenings.note(session, event)))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something beside what stations say; its failure is logged, and its end waited for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("something about stations was not stored", exc_info=task.exception())

    def _recall(self) -> None:
        with self._database.read() as session:
            self.facts.recall(session)
            installed = installed_profiles.load(session)
            for station_id, can in _capabilities(session).items():
                self._registry.expect(station_id, can, installed.get(station_id, ()))


def _capabilities(session: Session) -> dict[str, StationCapabilities]:
    """Return what every station that was ever here can do, cautious where it was not read, or for another version."""
    told = {
        row.station_id: row.capabilities
        for row in session.execute(select(StationFactsRow.station_id, StationFactsRow.capabilities))
    }
    found = {}
    for station_id, version in repository.versions(session).items():
        cautious = StationCapabilities(OcppVersion(version))
        try:
            can = capabilities_in(told.get(station_id) or {"version": version})
        except ValueError:
            _log.warning("the capabilities of %s cannot be read any more; they are read anew", station_id)
            can = cautious
        found[station_id] = can if can.version is cautious.version else cautious
    return found
