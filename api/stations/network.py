"""The running network: gateway, storage, planner and delivery in one process."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from sqlalchemy.orm import Session

from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation, Authenticator
from api.ocpp.metering import MeterReading
from api.ocpp.registry import Clock, Registry, utc_now
from api.planning.planner import Planner
from api.planning.repository import newest_plan
from api.planning.service import Decision, replan
from api.stations import repository
from api.stations.arrivals import Arrivals
from api.stations.between import BetweenPlans
from api.stations.certificates import CertificateSigner
from api.stations.connectivity import Connectivity, ConnectivitySettings
from api.stations.delivery import RAMP_S, Delivery
from api.stations.queue import PlanQueue
from api.stations.queued import DRAIN_S
from api.stations.replanner import Replanner
from api.stations.requests import AnsweredNotices, NoticeHooks
from api.stations.schemas import DeclarationWire, StandingWire
from api.stations.seen import SiteSigns
from api.stations.service import StationService, Told
from api.stations.site_map import SiteMap
from api.stations.states import StoredStates, request_of, standing_in
from api.storage.engine import Database
from api.storage.tables import DeclarationRow
from models.grid.site import Site
from models.state import Conduct, StationCondition
from models.validate import validate_state

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

Observer: TypeAlias = Callable[[Decision], None]
"""Is shown every plan that was stored; called on a thread of the planner."""


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
    drain_s : float
        Time that a station is left to tell the rest of what it has queued while it was away [s].
    connectivity : ConnectivitySettings
        What is kept of what stations say.
    signer : CertificateSigner or None
        Signs the certificates that stations ask for; None refuses.
    """

    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    replan_every_s: float = 300.0
    ramp_s: float = RAMP_S
    look_every_s: float = 5.0
    drain_s: float = DRAIN_S
    connectivity: ConnectivitySettings = field(default_factory=ConnectivitySettings)
    signer: CertificateSigner | None = None


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
        self.connectivity = Connectivity(database, self.registry, settings.connectivity, clock)
        self._queue = _ObservedQueue(PlanQueue(database), observer)
        self._replanner = Replanner(self._replan, settings.replan_every_s)
        self._delivery = Delivery(database, self.registry, clock=clock, ramp_s=settings.ramp_s)
        self._sites = SiteMap()
        self._arrivals = Arrivals(self._sites, self.registry, self._queue, self._delivery, clock)
        self._arrivals.follow(self.connectivity.commands.runner.arrived)
        self.connectivity.commands.follow(self._doubted)
        self._between = BetweenPlans(
            self._queue, self._delivery.held, self.registry, clock, self.connectivity.conducted
        )
        self._looking = None
        if math.isfinite(settings.look_every_s):
            self._looking = Replanner(self._look, settings.look_every_s)
        self._states = StoredStates(database, self.registry, self._signs)
        hooks = NoticeHooks(
            self._changed, self._delivery.asked, self._sites.has_evse, self.connectivity.spawn
        )
        notices = AnsweredNotices(self.connectivity.writer, self.registry, hooks, clock, settings.signer)
        self.service = StationService(
            self.connectivity.writer,
            self.registry,
            self._whom_to_tell(),
            clock,
            settings.connectivity.process,
            notices=notices,
        )
        self.gateway = Gateway(
            self.service,
            authenticator or AcceptEveryStation(),
            self.registry,
            settings.gateway,
            clock,
            self.connectivity.traffic,
            self.connectivity.alarms,
        )
        self._running: asyncio.Task[None] | None = None
        self._drain_s = settings.drain_s
        self._late: set[asyncio.Task[None]] = set()

    def _whom_to_tell(self) -> Told:
        """Return whom the service tells what has happened."""
        return Told(
            self._changed,
            self._changed_late,
            self._arrivals.arrived,
            self._delivery.began,
            self._metered,
            self._sites.most_kw,
        )

    async def __aenter__(self) -> Self:
        await self.connectivity.start()
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
        for task in self._late:
            task.cancel()
        await self._arrivals.stop()
        await self._replanner.stop()
        if self._looking is not None:
            await self._looking.stop()
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
        await self.connectivity.stop()

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
        self._sites.put(site)
        for station in site.stations:
            if self.registry.link(station.station_id) is not None:
                self._arrivals.welcome(station.station_id)
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
    def now(self) -> datetime:
        """The time of plans and stations."""
        return self._clock()

    def site_id_of(self, station_id: str) -> str | None:
        """Return the site that a station belongs to."""
        site = self._sites.site_of(station_id)
        return None if site is None else site.site_id

    def stations_of(self, site_id: str) -> tuple[str, ...]:
        """Return the stations of a site; none of one that nobody knows."""
        return self._sites.stations_of(site_id)

    def read(self, work: Callable[[Session], Result]) -> Result:
        """Read from the database; for a thread."""
        with self._database.read() as session:
            return work(session)

    @property
    def is_quiet(self) -> bool:
        """Whether every station that is there has confirmed what it was to be told."""
        return self._delivery.is_quiet

    async def plan_now(self, site_id: str) -> None:
        """Plan a site and queue what its stations must be told, now."""
        await self._replan(site_id)

    async def _replan(self, site_id: str) -> None:
        now = self._clock()
        loop = asyncio.get_running_loop()
        began, status = loop.time(), "failed"
        try:
            await self._planner.run(lambda: replan(site_id, now, self._states, self._planner, self._queue))
            status = self._queue.newest[site_id].plan.report.status.value
        finally:
            self.connectivity.figures.planned(status, loop.time() - began)
        if self._looking is not None and site_id in self._queue.newest:
            self._between.follow(self._queue.newest[site_id])
            self._looking.trigger(site_id)
        self._delivery.wake()

    def _metered(self, station_id: str, evse_number: int, readings: tuple[MeterReading, ...]) -> None:
        """Keep meter values for the next look between plans."""
        site = self._sites.site_of(station_id)
        if site is not None and self._looking is not None:
            self._between.meter(site.site_id, station_id, evse_number, readings)

    async def _look(self, site_id: str) -> None:
        if await self._between.look(site_id):
            self._delivery.wake()

    def _changed_late(self, station_id: str) -> None:
        """Plan the site of a station when what it has queued was told: a start may be followed by its end (C4)."""

        async def wait() -> None:
            await asyncio.sleep(self._drain_s)
            self._changed(station_id)

        task = asyncio.create_task(wait(), name=f"late {station_id}")
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    def _changed(self, station_id: str) -> None:
        site = self._sites.site_of(station_id)
        if site is not None:
            self._replanner.trigger(site.site_id)

    def _signs(self, site_id: str) -> SiteSigns:
        """Return what meters showed, and who did not follow before this process began and was not judged since."""
        signs = self._between.signs(site_id)
        known = {one.station_id for one in signs.conditions}
        before = [one for one in self.connectivity.facts.not_following if one not in known]
        deaf = tuple(StationCondition(one, Conduct.NOT_FOLLOWING) for one in before)
        return replace(signs, conditions=(*signs.conditions, *deaf))

    def _doubted(self, station_id: str) -> None:
        """Send a station its own profiles again: somebody has changed them."""
        self._delivery.doubt(station_id)
        self._changed(station_id)

    async def _load_sites(self) -> None:
        def load() -> list[Site]:
            with self._database.read() as session:
                return [standing_in(doc).site.to_domain() for doc in repository.all_standing(session)]

        self._sites.replace_all(await asyncio.to_thread(load))


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
