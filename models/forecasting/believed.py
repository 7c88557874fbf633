"""What is believed of a car that is plugged in, from its kin and from what its meter shows by now."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from models.arrays import frozen
from models.forecasting.forecaster import EnergyNeed, PluggedIn
from models.forecasting.kin import Arrival, Kin
from models.sessions import ChargingSession, Departure
from models.units import SECONDS_PER_HOUR

LEVELS = frozen(np.linspace(0.025, 0.975, 20))
"""Quantiles that are believed: close enough for the mean of a site's load."""

LINGER_H = 0.5
"""A car that stays longer than all of its kin is believed to stay as much longer, at every level [h]."""

MORE_KWH = 0.5
"""And one that has taken more, to take as much more [kWh]."""

_STOPPED_KW = 0.05


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a session has come.

    Parameters
    ----------
    now : datetime
    delivered_kwh : float
        Metered so far [kWh].
    power_kw : float or None
        What the car draws while nobody holds it back [kW]; None where it is held back, or nobody knows.
    """

    now: datetime
    delivered_kwh: float = 0.0
    power_kw: float | None = None

    @property
    def has_stopped(self) -> bool:
        """Whether the car has charged, and draws nothing although it could."""
        return self.power_kw is not None and self.power_kw < _STOPPED_KW and self.delivered_kwh > 0.0


def believed(series_id: str, arrival: Arrival, kin: Kin, progress: Progress) -> PluggedIn:
    """Return departure, remaining energy and power of a car, given that it is still here and has taken what it has.

    A car that has stopped by itself needs nothing more. The median of the energy is the session's target.
    """
    elapsed_h = (progress.now - arrival.time).total_seconds() / SECONDS_PER_HOUR
    stays_h = kin.stay_h.quantiles(LEVELS, max(elapsed_h, 0.0), LINGER_H)
    times = tuple(arrival.time + timedelta(hours=hours) for hours in stays_h.tolist())
    need = EnergyNeed.exactly(0.0)
    if not progress.has_stopped:
        energies_kwh = kin.energy_kwh.quantiles(LEVELS, progress.delivered_kwh, MORE_KWH)
        need = EnergyNeed(tuple(LEVELS.tolist()), tuple((energies_kwh - progress.delivered_kwh).tolist()))
    session = ChargingSession(
        session_id=f"{arrival.evse} {arrival.time.isoformat()}",
        evse_id=arrival.evse,
        arrival=arrival.time,
        departure=Departure(tuple(LEVELS.tolist()), times),
        target_kwh=progress.delivered_kwh + need.kwh[len(need.kwh) // 2],
        delivered_kwh=progress.delivered_kwh,
    )
    power_kw = kin.power_kw if progress.has_stopped or not progress.power_kw else progress.power_kw
    return PluggedIn(series_id, session, power_kw, need)
