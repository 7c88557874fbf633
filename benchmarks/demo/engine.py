"""The engine as an operator runs it, in this process: SQLite, gateway, planner, delivery, and its stations."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from api.ocpp.gateway import GatewaySettings
from api.planning.planner import Planner
from api.planning.schemas import HorizonWire, OptionsWire
from api.planning.service import Decision
from api.sites.schemas import SiteWire
from api.stations.delivery import RAMP_S
from api.stations.network import ChargingNetwork, NetworkSettings
from api.stations.schemas import DeclarationWire, StandingLoad, StandingTariff, StandingWire
from api.storage.engine import Database
from benchmarks.demo.day import (
    BUILDING_PHASES,
    DEMAND_PER_KW,
    ENERGY_PER_KWH,
    NETWORK_PER_KWH,
    PEAK_SO_FAR,
    DemoDay,
    stated_departure,
)
from benchmarks.station_profiles import Purpose
from benchmarks.station_v16 import Words16
from benchmarks.station_v21 import Words21
from benchmarks.station_v201 import Words201
from benchmarks.station_words import Words
from benchmarks.stations import StationSettings, VirtualStation
from models.sessions import ChargingSession
from models.state import SiteState
from models.units import power_kw
from optimizer.options import PlanOptions
from optimizer.plan import Plan

METER_EVERY: Final = timedelta(minutes=5)
_READY_WITHIN_S: Final = 60.0
_LOOK_EVERY_S: Final = 0.02


class SteppedClock:
    """A clock that stands until it is moved; it moves much faster than the wall's."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """Return the simulated time."""
        return self._now

    def move_to(self, now: datetime) -> None:
        """Go on."""
        self._now = now


@dataclass(slots=True)
class PlanLog:
    """What is noted about plans: how long each took from state to schedule [s], and the newest one."""

    took_s: list[float] = field(default_factory=list)
    newest: Decision | None = None


class TimedPlanner(Planner):
    """A planner that notes what each plan took."""

    def __init__(self, log: PlanLog) -> None:
        super().__init__(n_threads=1)
        self._log = log

    def plan(self, state: SiteState, options: PlanOptions) -> Plan:
        """Return the plan for ``state``, and note its time."""
        began = time.perf_counter()
        plan = super().plan(state, options)
        self._log.took_s.append(time.perf_counter() - began)
        return plan


@dataclass(frozen=True, slots=True)
class Engine:
    """The running engine with the stations of the day connected to it, in the order of the site's EVSEs."""

    network: ChargingNetwork
    stations: tuple[VirtualStation, ...]
    log: PlanLog

    @property
    def n_messages(self) -> int:
        """OCPP requests in both directions so far."""
        return sum(station.traffic.sent + station.traffic.received for station in self.stations)

    @property
    def planned_at(self) -> datetime:
        """Time of the state that the newest plan was made from."""
        newest = self.log.newest
        return datetime.min.replace(tzinfo=UTC) if newest is None else newest.plan.made_at

    @property
    def n_unsaid(self) -> int:
        """Messages of stations that wait for their answer."""
        return sum(station.n_unsaid for station in self.stations)

    async def declare(self, token: str, session: ChargingSession) -> None:
        """Say for a driver what the car needs and until when, as an app would."""
        n_phases = session.n_phases or 3
        said = DeclarationWire(
            departure=stated_departure(session),
            target_kwh=session.target_kwh,
            max_power_kw=power_kw(session.max_current_a or 32.0, n_phases),
            n_phases=n_phases,
        )
        await self.network.declare(token, said)


@asynccontextmanager
async def running_engine(day: DemoDay, clock: SteppedClock, speed: float) -> AsyncIterator[Engine]:
    """Start the engine and connect its stations; ready when every one of them holds its fall-back.

    Parameters
    ----------
    day : DemoDay
    clock : SteppedClock
    speed : float
        How much faster than the wall's the clock runs; times that cars need pass so much faster too.
    """
    log = PlanLog()
    planner = TimedPlanner(log)
    settings = NetworkSettings(
        GatewaySettings(port=0), replan_every_s=3600.0, ramp_s=RAMP_S / speed, look_every_s=math.inf
    )
    with TemporaryDirectory(prefix="gridpilot-demo-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'demo.sqlite'}")
        database.migrate()

        def note(decision: Decision) -> None:
            log.newest = decision

        try:
            async with ChargingNetwork(database, planner, settings, clock=clock, observer=note) as network:
                await network.put_site(standing_of(day))
                stations = await _connected(day, clock, f"ws://127.0.0.1:{network.gateway.port}/ocpp")
                await asyncio.to_thread(warm_up, planner, day)
                log.took_s.clear()
                try:
                    yield Engine(network, stations, log)
                finally:
                    await asyncio.gather(*(station.close() for station in stations))
        finally:
            planner.close()
            database.close()


def standing_of(day: DemoDay) -> StandingWire:
    """Return the site as its operator describes it."""
    shares = BUILDING_PHASES
    building = StandingLoad(
        node_id=day.site.root.node_id,
        power_kw=tuple(0.85 * day.building.high_kw),
        high_kw=tuple(day.building.high_kw),
        phase_share=shares,
    )
    return StandingWire(
        site=SiteWire.from_domain(day.site),
        tariff=StandingTariff(
            energy_per_kwh=ENERGY_PER_KWH,
            network_per_kwh=NETWORK_PER_KWH,
            demand_charge_per_kw=DEMAND_PER_KW,
        ),
        horizon=HorizonWire(step_minutes=15, slots=96),
        loads=(building,),
        billing_peak_kw=PEAK_SO_FAR * day.limit_kw,
        options=OptionsWire(ready_before_minutes=60.0),
    )


def warm_up(planner: Planner, day: DemoDay) -> None:
    """Make a plan with every car of the day before the clock starts: imports and kernels take their seconds."""
    from api.stations.states import standing_in
    from models.timegrid import TimeGrid

    standing = standing_in(standing_of(day).model_dump(mode="json"))
    site = standing.site.to_domain()
    grid = TimeGrid.around(day.start, 900, 96)
    first: dict[str, ChargingSession] = {}
    for session in day.sessions:
        first.setdefault(session.evse_id, session)
    state = SiteState(
        site,
        day.start,
        grid,
        tuple(first.values()),
        day.tariff(grid),
        (day.load(grid),),
        billing_peak_kw=standing.billing_peak_kw,
    )
    planner.plan(state, standing.options.to_domain())


async def _connected(day: DemoDay, clock: SteppedClock, url: str) -> tuple[VirtualStation, ...]:
    """Connect every station, a third of them in each version, and wait until they are safe without a plan."""
    versions: cycle[type[Words]] = cycle((Words16, Words201, Words21))
    settings = StationSettings(METER_EVERY)
    stations = tuple(
        VirtualStation(station.station_id, station.evses, next(versions)(), clock, settings)
        for station in day.site.stations
    )
    await asyncio.gather(*(station.connect(url) for station in stations))
    async with asyncio.timeout(_READY_WITHIN_S):
        while not all(map(_is_safe, stations)):  # noqa: ASYNC110 - a station's memory raises no event
            await asyncio.sleep(_LOOK_EVERY_S)
    return stations


def _is_safe(station: VirtualStation) -> bool:
    """Tell whether a car that plugs in would be held at the fall-back."""
    return any(profile.purpose is Purpose.TX_DEFAULT for profile in station.memory.held)
