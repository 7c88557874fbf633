"""Charging sessions: who is plugged in where, until when, and what they need."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from models.timegrid import aware_utc


@dataclass(frozen=True, slots=True)
class Departure:
    """When a car leaves: quantiles of the departure time, or one time that is believed.

    Parameters
    ----------
    levels : tuple of float
        Probabilities that the car has left, ascending, in (0, 1).
    times : tuple of datetime
        Departure at these levels, aware, not decreasing.
    """

    levels: tuple[float, ...]
    times: tuple[datetime, ...]

    @classmethod
    def at(cls, time: datetime) -> "Departure":
        """Return a departure that is taken as certain."""
        return cls((0.5,), (time,))

    def quantile(self, level: float) -> datetime:
        """Return the time by which the car has left with probability ``level``, interpolated, in UTC."""
        seconds = np.interp(level, self.levels, [aware_utc(time).timestamp() for time in self.times])
        return datetime.fromtimestamp(float(seconds), UTC)

    def quantile_after(self, level: float, now: datetime) -> datetime:
        """Return :meth:`quantile` of the departure given that the car is still there at ``now``.

        With ``u`` the probability that it had left by now, the level becomes ``u + (1 - u) level``.
        """
        seconds = [aware_utc(time).timestamp() for time in self.times]
        left = np.interp(aware_utc(now).timestamp(), seconds, self.levels, left=0.0)
        return self.quantile(float(left + (1.0 - left) * level))

    @property
    def median(self) -> datetime:
        """Time by which the car has left with even odds."""
        return self.quantile(0.5)


@dataclass(frozen=True, slots=True)
class ChargingSession:
    """A car that is plugged in, or expected.

    Parameters
    ----------
    session_id, evse_id : str
    arrival : datetime
        Plug-in time, aware; later than now for a car that is expected.
    departure : Departure
    target_kwh : float
        Energy wanted over the whole session [kWh].
    minimum_kwh : float
        Part of it that was promised; short of it weighs far more than short of the target [kWh].
    delivered_kwh : float
        Energy metered so far [kWh].
    max_current_a, max_power_kw : float or None
        Vehicle limits: current per phase [A] and total power [kW]; None where unknown.
    n_phases : int or None
        Phases that the car really uses (1, 2 or 3); None for all that the EVSE has.
    priority : float
        Weight of this session's shortfall against others; 1 is normal.
    """

    session_id: str
    evse_id: str
    arrival: datetime
    departure: Departure
    target_kwh: float
    minimum_kwh: float = 0.0
    delivered_kwh: float = 0.0
    max_current_a: float | None = None
    max_power_kw: float | None = None
    n_phases: int | None = None
    priority: float = 1.0

    @property
    def remaining_kwh(self) -> float:
        """Energy still to deliver to the target [kWh], never negative."""
        return max(self.target_kwh - self.delivered_kwh, 0.0)

    @property
    def remaining_minimum_kwh(self) -> float:
        """Energy still to deliver to the promised minimum [kWh], never negative."""
        return max(min(self.minimum_kwh, self.target_kwh) - self.delivered_kwh, 0.0)
