"""What a policy is told about a car: the truth, what its driver declared, or what cars like it did before.

Whatever is believed, the meters correct it: a car that stopped by itself wants nothing more, and a car that
draws less than its pilot is told no more than it can use. A car that is still here, and still charging, after
all that was believed is believed to stay :data:`LINGER` longer and to want :data:`MORE_KWH` more.

Drivers declare badly: in the recorded sessions departures are off by hours and energies twice what is taken.
:class:`Analogues` uses both declared values as nothing but features: it looks up the most similar sessions
before a given time, keeps those that stayed at least as long and took at least as much as this car already
did, and believes quantiles of their departures and the median of their energies. :class:`Kinship` does so with the
memory of sessions that the engine's own forecast has.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from benchmarks.cars.kin_belief import KinBelief
from models.arrays import IntArray
from models.demand.arrivals import Visit
from models.sessions import ChargingSession, Departure
from models.units import SECONDS_PER_HOUR
from optimizer.closed_loop import Believe, Seen

LINGER: Final = timedelta(minutes=30)
MORE_KWH: Final = 2.0
UNKNOWN_STAY: Final = timedelta(hours=8)
UNKNOWN_KWH: Final = 15.0


STAY_LEVELS: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
LEAST_MORE_KWH: Final = 0.1
ENERGY_LEVEL: Final = 0.5
"""Quantiles of similar sessions that are believed."""


class Belief(StrEnum):
    """Where a policy's picture of a car comes from."""

    ACTUAL = "actual"
    STATED = "stated"
    MEDIAN = "median"
    KIN = "kin"


def actual(visits: Iterable[Visit]) -> Believe:
    """Believe the truth: departure and need are known at the plug, the taper of the battery is not."""
    truth = {visit.session.session_id: visit.session for visit in visits}

    def believe(seen: Seen, now: datetime) -> ChargingSession:
        session = truth[seen.session_id]
        return _session(seen, now, session.departure, session.target_kwh)

    return believe


def stated(seen: Seen, now: datetime) -> ChargingSession:
    """Believe what the driver declared; who declared nothing stays 8 h and wants 15 kWh."""
    departure = seen.stated_departure or seen.arrival + UNKNOWN_STAY
    energy_kwh = UNKNOWN_KWH if seen.stated_energy_kwh is None else seen.stated_energy_kwh
    return _session(seen, now, Departure.at(departure), energy_kwh)


SCALE: Final = (1.5, 0.5, 2.0, 10.0)
"""Distance that counts as one, by feature: hours, weekend, hours, kWh."""

N_NEAREST: Final = 60
"""So many similar sessions are looked at."""


class Analogues:
    """Believes what similar sessions of the past did.

    Sessions are alike by local hour of arrival, weekend or not, declared stay and declared energy; where one of
    two declared nothing they are one unit apart.

    Parameters
    ----------
    past : iterable of Visit
        All of them over before the first question is asked.
    zone : str
        Time zone in which hours are alike.
    """

    def __init__(self, past: Iterable[Visit], zone: str) -> None:
        visits = list(past)
        rows = [_features(v.session.arrival, v.stated_departure, v.stated_energy_kwh, zone) for v in visits]
        self._zone = zone
        self._features = np.array(rows, dtype=np.float64).reshape(-1, len(SCALE))
        self._stay_h = np.array([_hours(v.session.departure.median - v.session.arrival) for v in visits])
        self._energy_kwh = np.array([v.session.target_kwh for v in visits])
        self._ranked: dict[str, IntArray] = {}

    def __call__(self, seen: Seen, now: datetime) -> ChargingSession:
        """Return the session as its analogues see it."""
        ranked = self._ranking(seen)
        alive = self._stay_h[ranked] > _hours(now - seen.arrival)
        alive &= self._energy_kwh[ranked] > seen.delivered_kwh + LEAST_MORE_KWH
        nearest = ranked[alive][:N_NEAREST]
        if not nearest.size:
            return _session(seen, now, Departure.at(now), seen.delivered_kwh)
        stays_h = np.quantile(self._stay_h[nearest], STAY_LEVELS)
        energy_kwh = float(np.quantile(self._energy_kwh[nearest], ENERGY_LEVEL))
        departure = Departure(STAY_LEVELS, tuple(seen.arrival + timedelta(hours=float(h)) for h in stays_h))
        return _session(seen, now, departure, energy_kwh)

    def _ranking(self, seen: Seen) -> IntArray:
        """Return the past sessions, the most similar first; what was declared does not change while it lasts."""
        if seen.session_id not in self._ranked:
            here = _features(seen.arrival, seen.stated_departure, seen.stated_energy_kwh, self._zone)
            gap = (self._features - np.array(here)) / np.array(SCALE)
            one_is_missing = np.isnan(self._features) != np.isnan(here)
            distance = (np.where(one_is_missing, 1.0, np.nan_to_num(gap)) ** 2).sum(axis=1)
            self._ranked[seen.session_id] = np.argsort(distance, kind="stable")
        return self._ranked[seen.session_id]


class Kinship:
    """Believes what the kin of a car did, see :class:`benchmarks.cars.kin_belief.KinBelief`."""

    def __init__(self, past: Iterable[Visit], zone: str) -> None:
        self._belief = KinBelief(past, zone)

    def __call__(self, seen: Seen, now: datetime) -> ChargingSession:
        """Return the session as its kin see it."""
        return _session(seen, now, *self._belief.expects(seen, now))


def _session(seen: Seen, now: datetime, departure: Departure, energy_kwh: float) -> ChargingSession:
    """Return what is believed, corrected by what the meters showed."""
    target_kwh = energy_kwh if energy_kwh > seen.delivered_kwh else seen.delivered_kwh + MORE_KWH
    return ChargingSession(
        session_id=seen.session_id,
        evse_id=seen.evse_id,
        arrival=seen.arrival,
        departure=departure if departure.times[0] > now else Departure.at(now + LINGER),
        target_kwh=seen.delivered_kwh if seen.is_full else target_kwh,
        delivered_kwh=seen.delivered_kwh,
        max_current_a=seen.usable_a,
        n_phases=seen.n_phases,
    )


def _features(
    arrival: datetime, departure: datetime | None, energy_kwh: float | None, zone: str
) -> tuple[float, float, float, float]:
    local = arrival.astimezone(ZoneInfo(zone))
    return (
        local.hour + local.minute / 60.0,
        float(local.weekday() >= 5),  # noqa: PLR2004 - Saturday and Sunday
        np.nan if departure is None else _hours(departure - arrival),
        np.nan if energy_kwh is None else energy_kwh,
    )


def _hours(span: timedelta) -> float:
    return span.total_seconds() / SECONDS_PER_HOUR
