"""The day that the demonstration plays: a site, its visits, a building and the prices, all from one seed."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import cycle
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, frozen
from models.demand.arrivals import FILL, ArrivalModel
from models.grid.site import ALL_PHASES, CircuitNode, Evse, Phase, Site, Station
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.simulation import Car
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR, W_PER_KW, power_kw

DEFAULT_SEED: Final = 11
ZONE: Final = "Europe/Berlin"
DATE: Final = date(2026, 3, 17)
"""A Tuesday; workdays of the generator are busiest."""

LIMIT_SHARE: Final = 0.5
"""Import limit over the connected power of all EVSEs."""

PANEL_SHARE: Final = 0.65
"""Current that a panel's fuses carry over that of its EVSEs, each phase."""

BUILDING_SHARE: Final = 0.17
"""Greatest load of the building over the connected power of all EVSEs."""

BUILDING_PHASES: Final = (0.36, 0.33, 0.31)
LOAD_LEVELS: Final = (0.5, 0.9)

ENERGY_PER_KWH: Final = (
    *(0.095, 0.091, 0.088, 0.087, 0.089, 0.102),
    *(0.131, 0.158, 0.164, 0.141, 0.112, 0.086),
    *(0.068, 0.061, 0.064, 0.079, 0.104, 0.142),
    *(0.186, 0.194, 0.171, 0.139, 0.118, 0.104),
)
"""Price of energy by local hour [EUR/kWh]; invented after the shape of a sunny workday in spring."""

NETWORK_PER_KWH: Final = 0.06
DEMAND_PER_KW: Final = 9.0
"""Demand charge [EUR/kW and month], and the share of the limit that this month's peak has reached so far."""

PEAK_SO_FAR: Final = 0.6

_BUILDING_BY_HOUR: Final = (
    *(0.30, 0.29, 0.28, 0.28, 0.30, 0.38),
    *(0.55, 0.75, 0.90, 0.97, 1.00, 1.00),
    *(0.98, 0.96, 0.97, 0.95, 0.90, 0.80),
    *(0.65, 0.52, 0.45, 0.40, 0.36, 0.33),
)
_EDGE: Final = timedelta(minutes=5)
_SAYS_EVERY: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Panel:
    """A kind of panel: its EVSEs by number of 20, what they give, and how many phases they have."""

    name: str
    share: float
    max_current_a: float
    n_phases: int


PANELS: Final = (Panel("garage", 0.40, 16.0, 3), Panel("yard", 0.35, 16.0, 3), Panel("annex", 0.25, 32.0, 1))


@dataclass(frozen=True, slots=True)
class Building:
    """Load at the root that nobody controls.

    Parameters
    ----------
    high_kw : (24,) float64
        Never exceeded in that local hour [kW]: what the building is booked with, and what is planned with.
    share : (1440,) float64
        What it really draws by local minute, as part of ``high_kw``.
    """

    high_kw: FloatArray
    share: FloatArray

    def at(self, moment: datetime) -> float:
        """Return the load at a moment [kW]; near the turn of an hour it is within both hours."""
        local = moment.astimezone(ZoneInfo(ZONE))
        bound_kw = min(self.high_kw[(local - _EDGE).hour], self.high_kw[(local + _EDGE).hour])
        return float(bound_kw * self.share[local.hour * 60 + local.minute])


@dataclass(frozen=True, slots=True)
class DemoDay:
    """All that happens, whoever controls the cars.

    Parameters
    ----------
    seed : int
    site : Site
    sessions : tuple of ChargingSession
        By arrival; departure and target are the truth.
    building : Building
    start, end : datetime
        From the hour of the first arrival to the end of the hour of the last departure.
    """

    seed: int
    site: Site
    sessions: tuple[ChargingSession, ...]
    building: Building
    start: datetime
    end: datetime

    @property
    def need_kwh(self) -> float:
        """Energy that all cars together need [kWh]."""
        return sum(session.target_kwh for session in self.sessions)

    @property
    def connected_kw(self) -> float:
        """Power of all EVSEs together [kW]."""
        return sum(power_kw(evse.max_current_a, len(evse.phases)) for evse in self.site.evses)

    @property
    def limit_kw(self) -> float:
        """Import limit [kW]."""
        return self.site.root.limit_kw or np.inf

    def load(self, grid: TimeGrid) -> LoadForecast:
        """Return what is known of the building in advance."""
        high_kw = np.array([self.building.high_kw[start.hour] for start in grid.local_starts(ZONE)])
        rows = frozen([0.85 * high_kw, high_kw])
        return LoadForecast(self.site.root.node_id, frozen(LOAD_LEVELS), rows, frozen(BUILDING_PHASES))

    def tariff(self, grid: TimeGrid) -> EnergyTariff:
        """Return the prices of a horizon."""
        energy = [ENERGY_PER_KWH[start.hour] for start in grid.local_starts(ZONE)]
        network = np.full(grid.n_slots, NETWORK_PER_KWH)
        return EnergyTariff(frozen(energy), frozen(network), DEMAND_PER_KW, "EUR")


def day_of(seed: int = DEFAULT_SEED, n_evses: int = 20, hours: tuple[int, int] | None = None) -> DemoDay:
    """Draw the day of a seed.

    Parameters
    ----------
    seed : int
    n_evses : int
        EVSEs of the site, at least 3.
    hours : (int, int) or None
        Local hours from which to which the day is cut out; all of it where None.
    """
    site = site_of(n_evses)
    drawn = ArrivalModel.workplace().sample_day(site, DATE, seed)
    midnight = datetime(DATE.year, DATE.month, DATE.day, tzinfo=ZoneInfo(ZONE))
    first_h, last_h = hours or (0, 24)
    window = midnight + timedelta(hours=first_h), midnight + timedelta(hours=last_h)
    sessions = tuple(_within(session, site, window) for session in drawn if _overlaps(session, window))
    if hours is None and sessions:
        start = min(s.arrival for s in sessions).replace(minute=0, second=0)
        end = max(s.departure.median for s in sessions)
        window = start, end.replace(minute=0, second=0) + timedelta(hours=1)
    return DemoDay(seed, site, sessions, _building(site, seed), *window)


def site_of(n_evses: int) -> Site:
    """Return a site of three panels, one of them single-phase, behind half of its connected power."""
    counts = [max(round(panel.share * n_evses), 1) for panel in PANELS[1:]]
    counts.insert(0, n_evses - sum(counts))
    stations: list[Station] = []
    nodes: list[CircuitNode] = []
    for panel, count in zip(PANELS, counts, strict=True):
        turns = cycle(Phase)
        here = tuple(
            Station(f"{panel.name}-{number}", panel.name, (_evse(panel, number, next(turns)),))
            for number in range(1, count + 1)
        )
        nodes.append(CircuitNode(panel.name, "grid", limit_a=_fuses(panel, here)))
        stations += here
    evses = [evse for station in stations for evse in station.evses]
    connected_kw = sum(power_kw(evse.max_current_a, len(evse.phases)) for evse in evses)
    root = CircuitNode("grid", limit_kw=round(LIMIT_SHARE * connected_kw))
    return Site("demo", ZONE, (root, *nodes), tuple(stations))


def car_of(session: ChargingSession) -> Car:
    """Return the car of a session, with ramps and taper as they are."""
    return Car(session.target_kwh, session.max_current_a or 32.0, n_phases=session.n_phases or 3)


def stated_departure(session: ChargingSession) -> datetime:
    """Return the departure as its driver says it: the last quarter of an hour before, if they stay that long."""
    leaves = session.departure.median
    quarter = leaves - timedelta(seconds=leaves.timestamp() % _SAYS_EVERY.total_seconds())
    return quarter if quarter > session.arrival + _SAYS_EVERY else leaves


def _evse(panel: Panel, number: int, first: Phase) -> Evse:
    """Return an EVSE whose L1 is ``first``: neighbours are turned, so that single-phase cars spread."""
    turned = tuple(Phase((first + step) % len(ALL_PHASES)) for step in range(panel.n_phases))
    return Evse(f"{panel.name}-{number}", turned, max_current_a=panel.max_current_a)


def _fuses(panel: Panel, stations: tuple[Station, ...]) -> tuple[float, float, float]:
    """Return the current of each phase that a panel carries: more than any one of its EVSEs takes."""
    by_phase = np.zeros(len(ALL_PHASES))
    for station in stations:
        for evse in station.evses:
            by_phase[list(evse.phases)] += evse.max_current_a
    l1, l2, l3 = np.maximum(np.round(PANEL_SHARE * by_phase), panel.max_current_a)
    return float(l1), float(l2), float(l3)


def _building(site: Site, seed: int) -> Building:
    """Draw a load that wanders slowly between 60 and 100 % of what is booked."""
    connected_kw = (site.root.limit_kw or 0.0) / LIMIT_SHARE
    rng = np.random.default_rng([seed, DATE.toordinal(), 1])
    minutes = np.arange(24 * 60)
    waves = sum(
        np.sin(2 * np.pi * minutes / period + rng.uniform(0, 2 * np.pi)) for period in (17.0, 53.0, 190.0)
    )
    share = np.clip(0.85 + 0.07 * waves + rng.normal(0.0, 0.01, minutes.size), 0.6, 1.0)
    return Building(frozen(BUILDING_SHARE * connected_kw * np.array(_BUILDING_BY_HOUR)), frozen(share))


def _overlaps(session: ChargingSession, window: tuple[datetime, datetime]) -> bool:
    start, end = window
    return session.arrival < end - _SAYS_EVERY and session.departure.median > start + _SAYS_EVERY


def _within(session: ChargingSession, site: Site, window: tuple[datetime, datetime]) -> ChargingSession:
    """Return the session as far as it lies in the window, with an energy that fits."""
    start, end = window
    arrival, leaves = max(session.arrival, start + timedelta(minutes=2)), min(session.departure.median, end)
    evse = next(evse for evse in site.evses if evse.evse_id == session.evse_id)
    amperes = min(session.max_current_a or evse.max_current_a, evse.max_current_a)
    most_kw = amperes * min(session.n_phases or 3, len(evse.phases)) * site.voltage_v / W_PER_KW
    most_kwh = FILL * most_kw * (leaves - arrival).total_seconds() / SECONDS_PER_HOUR
    target_kwh = min(session.target_kwh, round(most_kwh, 3))
    return replace(session, arrival=arrival, departure=Departure.at(leaves), target_kwh=target_kwh)
