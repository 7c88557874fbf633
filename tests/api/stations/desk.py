"""The listener for what stations tell beyond transactions, on a real database, with a station that takes all."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.dialects import DIALECTS
from api.ocpp.registry import Registry
from api.ocpp.session_events import CallAnswered, Oddity
from api.ocpp.wire import Command
from api.stations import meter_book
from api.stations.requests import AnsweredNotices, NoticeHooks
from api.storage.writer import GroupWriter

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)


class Link:
    """A connection to a station that takes every command."""

    def __init__(self, version):
        self.dialect = DIALECTS[version]
        self.sent: list[Command] = []
        self.oddities: Counter[Oddity] = Counter()

    async def call(self, command):
        self.sent.append(command)
        return CallAnswered("1", command.action, {"status": "Accepted"})


class Signer:
    async def sign(self, station_id, request):
        return f"{station_id} signed {request.csr}"


class Desk:
    """The listener, and what it has asked for."""

    def __init__(self, writer, signer=None, version=OcppVersion.V21):
        self.changed: list[str] = []
        self.asked: list[tuple[str, int]] = []
        self.spawned: list[Coroutine[Any, Any, None]] = []
        self.registry = Registry(lambda: NOW)
        self.link = Link(version)
        self.registry.attach("north", self.link, StationCapabilities(version))
        hooks = NoticeHooks(
            self.changed.append,
            lambda station, evse: self.asked.append((station, evse)),
            lambda station, evse: (station, evse) == ("north", 1),
            self.spawned.append,
        )
        self.notices = AnsweredNotices(writer, self.registry, hooks, lambda: NOW, signer)


def at_desk(database, scenario, **options):
    async def run():
        async with GroupWriter(database, meter_book.save) as writer:
            await scenario(Desk(writer, **options))

    asyncio.run(run())
