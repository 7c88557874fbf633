"""Our gateway in a process of its own: alone with a listener that counts, or the whole service on SQLite.

``python -m benchmarks.crowd.ours alone|service PORT DATABASE``
"""

import asyncio
import gc
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from api.ocpp.capabilities import OcppVersion
from api.ocpp.commands import CommandOutcome, StationCommands
from api.ocpp.events import (
    AuthorizationStatus,
    BootDecision,
    TransactionDecision,
)
from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation
from api.ocpp.notice_listener import HarmlessNotices
from api.ocpp.profiles import PilotRow, profile_from_pilots
from api.ocpp.registry import Registry
from benchmarks.crowd.figures import used
from benchmarks.crowd.messages import N_PERIODS
from benchmarks.crowd.pipes import Record, obey, raise_file_limit

HEARTBEAT_S: Final = 3_600
SLOT_S: Final = 900
AT_ONCE: Final = 16
"""Profiles that are on their way at the same time."""

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - several loopback addresses of this machine


class Counting:
    """A listener that counts, and answers at once."""

    def __init__(self) -> None:
        self.notices = HarmlessNotices()
        self.n_metered = 0

    async def connected(self, station_id: str) -> None:
        """Nothing is to be sent."""

    async def disconnected(self, station_id: str) -> None:
        """Nothing is to be noted."""

    async def booted(self, _station_id: str, _event: object) -> BootDecision:
        """Accept."""
        return BootDecision(interval_s=HEARTBEAT_S)

    async def status_changed(self, station_id: str, event: object) -> None:
        """Nothing is to be noted."""

    async def authorize(self, _station_id: str, _id_token: str) -> AuthorizationStatus:
        """Accept."""
        return AuthorizationStatus.ACCEPTED

    async def transaction_started(self, _station_id: str, _event: object) -> TransactionDecision:
        """Give a number."""
        return TransactionDecision("1")

    async def transaction_updated(self, station_id: str, event: object) -> None:
        """Nothing is to be noted."""

    def meter_values(self, _station_id: str, _event: object) -> None:
        """Count."""
        self.n_metered += 1

    async def transaction_ended(self, station_id: str, event: object) -> None:
        """Nothing is to be noted."""


class Served:
    """Does what is asked of a gateway.

    Parameters
    ----------
    registry : Registry
    n_metered : callable
        Returns how many meter values were taken.
    """

    def __init__(self, registry: Registry, n_metered: Callable[[], int | None]) -> None:
        self._registry = registry
        self._n_metered = n_metered

    async def do(self, order: str, details: Record) -> Record:
        """Do what is asked."""
        if order == "profiles":
            return await self.profiles(**details)
        return used() | {"n_connected": len(self._registry.station_ids()), "n_metered": self._n_metered()}

    async def profiles(self, n: int) -> Record:
        """Send a profile of 24 periods to ``n`` stations, and wait for every answer."""
        commands, began, before = StationCommands(self._registry), time.monotonic(), used()
        now = datetime.now(UTC).replace(microsecond=0)
        queue = iter(self._registry.station_ids()[-n:])
        rng = np.random.default_rng(0)
        outcomes: list[CommandOutcome] = []

        async def send() -> None:
            for station_id in queue:
                pilots_a = np.array([6.0 + (k % 20) + rng.random() for k in range(N_PERIODS)])
                row = PilotRow(now, SLOT_S, pilots_a)
                capabilities = self._registry.capabilities(station_id)
                profile = profile_from_pilots(row, capabilities, now, "1")
                outcomes.append(await commands.send_profile(station_id, profile))

        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
        return {
            "cpu_s": used()["cpu_s"] - before["cpu_s"],
            "seconds": time.monotonic() - began,
            "n_accepted": outcomes.count(CommandOutcome.ACCEPTED),
        }


@asynccontextmanager
async def alone(settings: GatewaySettings) -> AsyncIterator[Served]:
    """Serve a gateway whose listener counts."""
    listener, registry = Counting(), Registry()
    async with Gateway(listener, AcceptEveryStation(), registry, settings):
        yield Served(registry, lambda: listener.n_metered)


@asynccontextmanager
async def service(settings: GatewaySettings, url: str) -> AsyncIterator[Served]:
    """Serve the whole network: what stations tell is stored before they are answered."""
    from api.planning.planner import Planner
    from api.stations.network import ChargingNetwork, NetworkSettings
    from api.storage.engine import Database

    database = Database(url)
    database.migrate()
    planner = Planner()
    try:
        async with ChargingNetwork(
            database, planner, NetworkSettings(settings), AcceptEveryStation()
        ) as network:
            yield Served(network.registry, lambda: None)
    finally:
        planner.close()
        database.close()


async def serve(kind: str, port: int, url: str) -> None:
    """Serve until the end."""
    settings = GatewaySettings(EVERYWHERE, port)
    serving: Any = alone(settings) if kind == "alone" else service(settings, url)
    async with serving as served:
        gc.collect()
        gc.freeze()
        await obey(
            served.do, {"ready": True, "versions": [version.value for version in OcppVersion]} | used()
        )


def main() -> None:
    """Serve as the service does: on uvloop."""
    import uvloop

    raise_file_limit()
    logging.basicConfig(level=logging.ERROR)  # ten thousand stations of no site are no news here
    kind, port, url = sys.argv[1:]
    uvloop.run(serve(kind, int(port), url))


if __name__ == "__main__":
    main()
