"""What sessions most alike did: a car's departure and energy from the past, its driver's words as features.

Drivers declare badly but in their own way: who typed 44.85 kWh and 9 h 28 min at the same charger last week is
most likely the same person. Past sessions are weighed by how alike they are, an exact repetition counting much more
than a close value, and by how recent they are; those that are over by now or took less than this car already did
are left out, and quantiles of the rest are believed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.beliefs import LEAST_MORE_KWH, LINGER, MORE_KWH
from models.arrays import FloatArray
from models.demand.arrivals import Visit
from models.sessions import ChargingSession, Departure
from models.units import SECONDS_PER_HOUR
from optimizer.closed_loop import Seen

LEVELS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
"""Quantiles of the departure that are believed."""

N_KIN: Final = 300
"""So many past sessions are looked at, the most alike."""

SATURDAY: Final = 5
SECONDS_PER_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """How far sessions are apart; what a distance of 2 is worth e times less.

    Found on July to August 2019 at JPL by random search; on the weeks after it the mean pinball loss of the
    stay was 0.444 h, against 0.466 h of the 60 sessions nearest in hour, stay and energy.

    Parameters
    ----------
    hour_h : float
        Difference in the hour of arrival that counts as one, squared [h].
    stay_h, energy_kwh : float
        Differences in what was declared that count as one.
    other_day_off, other_weekday, other_energy, other_stay, other_station, one_silent : float
        What counts beside them where days, weekdays, exact words or stations differ, or one of two said nothing.
    age_days : float
        Age that counts as one [d].
    floor_share : float
        Part of all weight that is spread evenly: nobody is alike in everything.
    """

    hour_h: float = 0.66
    stay_h: float = 0.29
    energy_kwh: float = 5.1
    other_day_off: float = 11.8
    other_weekday: float = 3.4
    other_energy: float = 2.6
    other_stay: float = 3.5
    other_station: float = 1.0
    one_silent: float = 2.7
    age_days: float = 44.0
    floor_share: float = 0.05


class _Traits(NamedTuple):
    """Features of sessions, one array each; declared values are NaN where nothing was said."""

    hour: FloatArray
    weekday: FloatArray
    stay_h: FloatArray
    energy_kwh: FloatArray
    day: FloatArray


class _Kin(NamedTuple):
    """Stays [h], energies [kWh] and weights of the past sessions that are like one car's."""

    stay_h: FloatArray
    energy_kwh: FloatArray
    weight: FloatArray


class Kindred:
    """Believes what similar sessions did, weighed by likeness.

    Parameters
    ----------
    past : iterable of Visit
        All of them over before the first question is asked.
    zone : str
        Time zone in which hours are alike.
    energy_level : float
        Quantile of the energies that is planned for.
    likeness : Likeness
    """

    def __init__(
        self, past: Iterable[Visit], zone: str, energy_level: float = 0.5, likeness: Likeness | None = None
    ) -> None:
        visits = list(past)
        self._zone = ZoneInfo(zone)
        self._energy_level = energy_level
        self._likeness = likeness or Likeness()
        self._traits = _Traits(*np.array([self._traits_of(visit) for visit in visits]).reshape(-1, 5).T)
        self._station = np.array([visit.session.evse_id for visit in visits], dtype=object)
        self._stay_h = np.array([_hours(v.session.departure.median - v.session.arrival) for v in visits])
        self._energy_kwh = np.array([visit.session.target_kwh for visit in visits])
        self._kin: dict[str, _Kin] = {}

    def __call__(self, seen: Seen, now: datetime) -> ChargingSession:
        """Return the session as its kin see it."""
        kin = self._kin_of(seen)
        alive = kin.stay_h > _hours(now - seen.arrival)
        alive &= kin.energy_kwh > seen.delivered_kwh + LEAST_MORE_KWH
        target_kwh, departure = seen.delivered_kwh + MORE_KWH, Departure.at(now + LINGER)
        if alive.any():
            weight = kin.weight[alive]
            stays_h = _quantiles(kin.stay_h[alive], weight, LEVELS)
            target_kwh = float(_quantiles(kin.energy_kwh[alive], weight, (self._energy_level,))[0])
            departure = Departure(LEVELS, tuple(seen.arrival + timedelta(hours=float(h)) for h in stays_h))
        return ChargingSession(
            session_id=seen.session_id,
            evse_id=seen.evse_id,
            arrival=seen.arrival,
            departure=departure,
            target_kwh=seen.delivered_kwh if seen.is_full else target_kwh,
            delivered_kwh=seen.delivered_kwh,
            max_current_a=seen.usable_a,
        )

    def _kin_of(self, seen: Seen) -> _Kin:
        """Return the kin of a car; likeness does not change while it stays."""
        if seen.session_id not in self._kin:
            distance = self._distance(seen)
            weight = np.exp(-0.5 * (distance - distance.min(initial=np.inf)))
            weight /= max(float(weight.sum()), 1e-300)
            weight += self._likeness.floor_share / max(weight.size, 1)
            first = np.argsort(-weight, kind="stable")[:N_KIN]
            kin = _Kin(self._stay_h[first], self._energy_kwh[first], weight[first])
            self._kin[seen.session_id] = kin
        return self._kin[seen.session_id]

    def _distance(self, seen: Seen) -> FloatArray:
        like, theirs = self._likeness, self._traits
        here = _Traits(*np.array(self._traits_seen(seen)))
        silent = np.isnan(theirs.energy_kwh) != np.isnan(here.energy_kwh)
        silent |= np.isnan(theirs.stay_h) != np.isnan(here.stay_h)
        energy_kwh = np.abs(np.nan_to_num(theirs.energy_kwh - here.energy_kwh))
        stay_h = np.abs(np.nan_to_num(theirs.stay_h - here.stay_h))
        day_off = (theirs.weekday >= SATURDAY) != (here.weekday >= SATURDAY)
        # Words are the same to 5 Wh and to half a minute.
        distance = ((theirs.hour - here.hour) / like.hour_h) ** 2
        distance += like.other_day_off * day_off + like.other_weekday * (theirs.weekday != here.weekday)
        distance += energy_kwh / like.energy_kwh + like.other_energy * ((energy_kwh > 5e-3) | silent)  # noqa: PLR2004
        distance += stay_h / like.stay_h + like.other_stay * ((stay_h > 9e-3) | silent)  # noqa: PLR2004
        distance += like.one_silent * silent + like.other_station * (self._station != seen.evse_id)
        distance += (here.day - theirs.day) / like.age_days
        return np.asarray(distance, dtype=np.float64)

    def _traits_of(self, visit: Visit) -> tuple[float, float, float, float, float]:
        return self._numbers(visit.session.arrival, visit.stated_departure, visit.stated_energy_kwh)

    def _traits_seen(self, seen: Seen) -> tuple[float, float, float, float, float]:
        return self._numbers(seen.arrival, seen.stated_departure, seen.stated_energy_kwh)

    def _numbers(
        self, arrival: datetime, departure: datetime | None, energy_kwh: float | None
    ) -> tuple[float, float, float, float, float]:
        local = arrival.astimezone(self._zone)
        return (
            local.hour + local.minute / 60.0,
            float(local.weekday()),
            np.nan if departure is None else _hours(departure - arrival),
            np.nan if energy_kwh is None else energy_kwh,
            arrival.timestamp() / SECONDS_PER_DAY,
        )


def _quantiles(values: FloatArray, weight: FloatArray, levels: tuple[float, ...]) -> FloatArray:
    """Return weighted quantiles, each one of the values."""
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weight[order])
    place = np.searchsorted(mass, np.array(levels) * mass[-1])
    return np.asarray(values[order][np.minimum(place, values.size - 1)], dtype=np.float64)


def _hours(span: timedelta) -> float:
    return span.total_seconds() / SECONDS_PER_HOUR
