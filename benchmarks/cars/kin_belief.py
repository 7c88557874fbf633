"""What is believed of a car in the closed loop when its kin are asked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from models.arrays import frozen
from models.demand.arrivals import Visit
from models.forecasting.features import SiteCalendar
from models.forecasting.kin import Arrival, Kin
from models.forecasting.session_memory import Ended, SessionMemory
from models.sessions import Departure
from models.units import SECONDS_PER_HOUR
from optimizer.closed_loop import Seen

STAY_LEVELS: Final = (0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9)
"""Quantiles of the departure that are believed."""

ENERGY_LEVEL: Final = 0.5
LINGER_H: Final = 0.5
MORE_KWH: Final = 2.0
UNKNOWN_KW: Final = 7.0
"""The recorded sessions were held back: their power tells nothing of cars."""


class KinBelief:
    """Believes what kin did; a session ends at its most likely departure with its most likely energy.

    Parameters
    ----------
    past : iterable of Visit
        All of them over before the first question is asked.
    zone : str
        Time zone in which hours are alike.
    """

    def __init__(self, past: Iterable[Visit], zone: str) -> None:
        self._memory = SessionMemory.of_drivers_who_state(SiteCalendar(zone))
        for visit in sorted(past, key=lambda one: one.session.departure.median):
            session = visit.session
            arrival = _arrival(
                session.arrival, session.evse_id, visit.stated_departure, visit.stated_energy_kwh
            )
            self._memory.learn(arrival, Ended(session.departure.median, session.target_kwh, UNKNOWN_KW))
        self._kin: dict[str, Kin] = {}

    def expects(self, seen: Seen, now: datetime) -> tuple[Departure, float]:
        """Return quantiles of a car's departure, and the energy of its session [kWh], given how far it has come."""
        if not len(self._memory):
            return Departure.at(now + timedelta(hours=LINGER_H)), seen.delivered_kwh + MORE_KWH
        if seen.session_id not in self._kin:
            arrival = _arrival(seen.arrival, seen.evse_id, seen.stated_departure, seen.stated_energy_kwh)
            self._kin[seen.session_id] = self._memory.kin(arrival)
        kin, here_h = self._kin[seen.session_id], _hours(now - seen.arrival)
        stays_h = kin.stay_h.quantiles(frozen(STAY_LEVELS), here_h, LINGER_H)
        energy_kwh = kin.energy_kwh.quantiles(np.array([ENERGY_LEVEL]), seen.delivered_kwh, MORE_KWH)
        times = tuple(seen.arrival + timedelta(hours=hours) for hours in stays_h.tolist())
        return Departure(STAY_LEVELS, times), float(energy_kwh[0])


def _arrival(time: datetime, evse_id: str, departure: datetime | None, energy_kwh: float | None) -> Arrival:
    """Return a car as it plugged in; who stated only one of two stated nothing."""
    stay_h = None if departure is None or energy_kwh is None else _hours(departure - time)
    return Arrival(time, "", evse_id, stated_stay_h=stay_h, stated_kwh=energy_kwh)


def _hours(span: timedelta) -> float:
    return span.total_seconds() / SECONDS_PER_HOUR
