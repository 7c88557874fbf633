"""A station that arrives is sent what it must hold beneath all plans."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.commands import CommandOutcome, StationCommands
from api.ocpp.registry import Clock, Registry
from api.planning.profiles import StationProfile, station_fallback
from api.stations.delivery import Delivery
from api.stations.site_map import SiteMap
from api.stations.states import capabilities_at

_log = logging.getLogger(__name__)


class FallbackQueue(Protocol):
    """Takes what a station must hold beneath all plans."""

    @property
    def has_told(self) -> Callable[[str], bool]:
        """Whether a fall-back was ever queued for a station."""

    @property
    def store_fallback(self) -> Callable[[Iterable[StationProfile]], None]:
        """Queues the fall-back of a station."""


class Arrivals:
    """Queues the fall-back of stations that come, and clears what another system has left at them.

    Parameters
    ----------
    sites : SiteMap
    registry : Registry
    queue : FallbackQueue
    delivery : Delivery
    clock : callable
    """

    def __init__(
        self, sites: SiteMap, registry: Registry, queue: FallbackQueue, delivery: Delivery, clock: Clock
    ) -> None:
        self._sites, self._registry = sites, registry
        self._queue, self._delivery = queue, delivery
        self._clock = clock
        self._commands = StationCommands(registry)
        self._tasks: set[asyncio.Task[None]] = set()
        self._guests: list[Callable[[str], None]] = []

    def follow(self, arrived: Callable[[str], None]) -> None:
        """Call this with every station that has arrived."""
        self._guests.append(arrived)

    def welcome(self, station_id: str) -> None:
        """Let a station that is there already arrive; whoever stores its site does not wait for it."""
        task = asyncio.create_task(self.arrived(station_id), name=f"welcome {station_id}")
        self._tasks.add(task)
        task.add_done_callback(self._welcomed)

    async def stop(self) -> None:
        """Stop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def arrived(self, station_id: str) -> None:
        """Queue the fall-back of a station that is there, beneath all plans."""
        for guest in self._guests:
            guest(station_id)
        site, station = self._sites.site_of(station_id), self._sites.station(station_id)
        if site is None or station is None:
            _log.warning("station %s belongs to no site; it gets no plan", station_id)
            return
        if not await asyncio.to_thread(self._queue.has_told, station_id):
            await self._take_over(station_id)
        self._delivery.doubt(station_id)
        capabilities = capabilities_at(site, station_id, self._registry)
        profiles = station_fallback(site, station, capabilities, self._clock())
        await asyncio.to_thread(self._queue.store_fallback, profiles)
        self._delivery.wake()

    async def _take_over(self, station_id: str) -> None:
        """Clear what another system left at a station: above our fall-back it would let cars charge unplanned."""
        for purpose in (ProfilePurpose.TX, ProfilePurpose.TX_DEFAULT):
            outcome = await self._commands.clear_profiles(station_id, ProfileSelection(purpose=purpose))
            if outcome is not CommandOutcome.ACCEPTED:
                _log.warning("%s may hold profiles of another system: %s", station_id, outcome.value)
                return

    def _welcomed(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("%s: failed", task.get_name(), exc_info=task.exception())
