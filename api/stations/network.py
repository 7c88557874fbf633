"""The running network: gateway, storage, planner and delivery in one process."""

import asyncio
import contextlib
import hmac
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeAlias

from api.ocpp.capabilities import OcppVersion, StationCapabilities
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.commands import CommandOutcome, StationCommands
from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation, Authenticator
from api.ocpp.metering import MeterReading
from api.ocpp.registry import Clock, Registry, utc_now
from api.planning.planner import Planner
from api.planning.profiles import station_fallback
from api.planning.repository import newest_plan
from api.planning.service import Decision, replan
from api.stations import repository
from api.stations.between import BetweenPlans
from api.stations.delivery import RAMP_S, Delivery
from api.stations.queue import PlanQueue
from api.stations.replanner import Replanner
from api.stations.schemas import DeclarationWire, StandingWire
from api.stations.service import StationService, Told
from api.stations.states import StoredStates, capabilities_at, request_of, standing_in
from api.storage.engine import Database
from api.storage.tables import DeclarationRow
from models.grid.site import Site
from models.validate import validate_state

_log = logging.getLogger(__name__)

Observer: TypeAlias = Callable[[Decision], None]
"""Is shown every plan that was stored; called on a thread of the planner."""


class SharedKey:
    """Lets in every station that shows one common password.

    Parameters
    ----------
    key : str
        Compared in constant time.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    async def authenticate(self, station_id: str, password: bytes | None) -> bool:
        """Tell whether the password is the key."""
        del station_id
        return hmac.compare_digest(password or b"", self._key)


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How a network runs.

    Parameters
    ----------
    gateway : GatewaySettings
    replan_every_s : float
        A site is planned again after this time even when nothing happened [s].
    ramp_s : float
        Time that cars have to follow lower pilots before others rise [s].
    look_every_s : float
        It is looked so often whether meters or the time ask for something between plans [s]; inf where plans
        alone are told.
    """

    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    replan_every_s: float = 300.0
    ramp_s: float = RAMP_S
    look_every_s: float = 5.0


class ChargingNetwork:
    """Runs sites: stations connect to its gateway and are sent their plans.

    Use it as an asynchronous context manager. The database must be migrated.

    Parameters
    ----------
    database : Database
    planner : Planner
    settings : NetworkSettings
    authenticator : Authenticator
    clock : callable
        Time of plans and stations; a demonstration lets it run faster than the wall's.
    observer : callable, optional
    """

    def __init__(
        self,
        database: Database,
        planner: Planner,
        settings: NetworkSettings | None = None,
        authenticator: Authenticator | None = None,
        clock: Clock = utc_now,
        observer: Observer | None = None,
    ) -> None:
        settings = settings or NetworkSettings()
        self.registry = Registry(clock)
        self._database = database
        self._planner = planner
        self._clock = clock
        self._queue = _ObservedQueue(PlanQueue(database), observer)
        self._replanner = Replanner(self._replan, settings.replan_every_s)
        self._commands = StationCommands(self.registry)
        self._delivery = Delivery(database, self.registry, clock=clock, ramp_s=settings.ramp_s)
        self._sites: dict[str, Site] = {}
        self._between = BetweenPlans(self._queue, self._delivery.held, self.registry, clock)
        self._looking = None
        if math.isfinite(settings.look_every_s):
            self._looking = Replanner(self._look, settings.look_every_s)
        self._states = StoredStates(database, self.registry, self._between.signs)
        told = Told(self._changed, self._arrived, self._delivery.began, self._metered)
        self.service = StationService(database, self.registry, told, clock)
        self.gateway = Gateway(
            self.service, authenticator or AcceptEveryStation(), self.registry, settings.gateway, clock
        )
        self._running: asyncio.Task[None] | None = None
        self._welcomes: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._load_sites()
        await self._delivery.recall()
        self._running = asyncio.create_task(self._delivery.run(), name="delivery")
        await self.gateway.start()
        for site_id in self._sites:
            self._replanner.trigger(site_id)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.gateway.stop()
        for task in self._welcomes:
            task.cancel()
        await asyncio.gather(*self._welcomes, return_exceptions=True)
        await self._replanner.stop()
        if self._looking is not None:
            await self._looking.stop()
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running

    async def put_site(self, standing: StandingWire) -> None:
        """Store a site, or replace it, and plan it from now on.

        Raises
        ------
        InvalidInputError
            It cannot be planned; names every fault.
        """
        now = self._clock()
        validate_state(request_of(standing, [], now, self.registry).state)
        document = standing.model_dump(mode="json")
        site = standing.site.to_domain()

        def save() -> None:
            with self._database.write() as session:
                repository.save_site(session, site.site_id, document, now)

        await asyncio.to_thread(save)
        self._sites[site.site_id] = site
        for station in site.stations:
            if self.registry.link(station.station_id) is not None:
                self._welcome(station.station_id)
        self._replanner.trigger(site.site_id)

    async def declare(self, id_token: str, said: DeclarationWire) -> None:
        """Take what a driver says about the session under their token, and plan with it."""
        now = self._clock()
        row = DeclarationRow(id_token=id_token, said_at=now, **said.model_dump())

        def save() -> None:
            with self._database.write() as session:
                repository.declare(session, row)

        await asyncio.to_thread(save)
        for site_id in self._sites:
            self._replanner.trigger(site_id)

    async def newest_plan(self, site_id: str) -> dict[str, Any] | None:
        """Return the newest plan of a site as the API answers it."""

        def load() -> dict[str, Any] | None:
            with self._database.read() as session:
                return newest_plan(session, site_id)

        return await asyncio.to_thread(load)

    def trigger(self, site_id: str) -> None:
        """Plan a site soon: a limit, a price or a measurement has changed."""
        self._replanner.trigger(site_id)

    @property
    def is_quiet(self) -> bool:
        """Whether every station that is there has confirmed what it was to be told."""
        return self._delivery.is_quiet

    async def plan_now(self, site_id: str) -> None:
        """Plan a site and queue what its stations must be told, now."""
        await self._replan(site_id)

    async def _replan(self, site_id: str) -> None:
        now = self._clock()
        await self._planner.run(lambda: replan(site_id, now, self._states, self._planner, self._queue))
        if self._looking is not None and site_id in self._queue.newest:
            self._between.follow(self._queue.newest[site_id])
            self._looking.trigger(site_id)
        self._delivery.wake()

    def _metered(self, station_id: str, evse_number: int, readings: tuple[MeterReading, ...]) -> None:
        """Keep meter values for the next look between plans."""
        site = self._site_of(station_id)
        if site is not None and self._looking is not None:
            self._between.meter(site.site_id, station_id, evse_number, readings)

    async def _look(self, site_id: str) -> None:
        if await self._between.look(site_id):
            self._delivery.wake()

    def _changed(self, station_id: str) -> None:
        site = self._site_of(station_id)
        if site is not None:
            self._replanner.trigger(site.site_id)

    def _welcome(self, station_id: str) -> None:
        """Let a station that is there already arrive; whoever stores its site does not wait for it."""
        task = asyncio.create_task(self._arrived(station_id), name=f"welcome {station_id}")
        self._welcomes.add(task)
        task.add_done_callback(self._welcomed)

    def _welcomed(self, task: asyncio.Task[None]) -> None:
        self._welcomes.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("%s: failed", task.get_name(), exc_info=task.exception())

    async def _arrived(self, station_id: str) -> None:
        """Queue the fall-back of a station that is there, beneath all plans."""
        site = self._site_of(station_id)
        if site is None:
            _log.warning("station %s belongs to no site; it gets no plan", station_id)
            return
        if not await asyncio.to_thread(self._queue.has_told, station_id):
            await self._take_over(station_id)
        self._delivery.doubt(station_id)
        station = next(station for station in site.stations if station.station_id == station_id)
        now: datetime = self._clock()
        profiles = station_fallback(site, station, capabilities_at(site, station_id, self.registry), now)
        await asyncio.to_thread(self._queue.store_fallback, profiles)
        self._delivery.wake()

    async def _take_over(self, station_id: str) -> None:
        """Clear what another system left at a station: above our fall-back it would let cars charge unplanned."""
        for purpose in (ProfilePurpose.TX, ProfilePurpose.TX_DEFAULT):
            outcome = await self._commands.clear_profiles(station_id, ProfileSelection(purpose=purpose))
            if outcome is not CommandOutcome.ACCEPTED:
                _log.warning("%s may hold profiles of another system: %s", station_id, outcome.value)
                return

    def _site_of(self, station_id: str) -> Site | None:
        for site in self._sites.values():
            if any(station.station_id == station_id for station in site.stations):
                return site
        return None

    async def _load_sites(self) -> None:
        def load() -> tuple[list[Site], dict[str, str]]:
            with self._database.read() as session:
                sites = [standing_in(doc).site.to_domain() for doc in repository.all_standing(session)]
                return sites, repository.versions(session)

        sites, versions = await asyncio.to_thread(load)
        self._sites = {site.site_id: site for site in sites}
        for station_id, version in versions.items():
            self.registry.expect(station_id, StationCapabilities(OcppVersion(version)))


class _ObservedQueue:
    """A queue that shows every stored plan to an observer, and remembers each site's newest."""

    def __init__(self, queue: PlanQueue, observer: Observer | None) -> None:
        self._queue = queue
        self._observer = observer
        self.newest: dict[str, Decision] = {}
        self.amend = queue.amend
        self.store_fallback = queue.store_fallback
        self.has_told = queue.has_told

    def store(self, decision: Decision) -> None:
        """Store, then show."""
        self._queue.store(decision)
        self.newest[decision.plan.site_id] = decision
        if self._observer is not None:
            self._observer(decision)
