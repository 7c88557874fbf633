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
class Milestone:
    """Energy of the whole session that must be in the car by a deadline before its departure [kWh]."""

    by: datetime
    energy_kwh: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The power that a battery accepts as it fills: from a knee on it falls linearly.

    Parameters
    ----------
    knee_kwh : float
        Energy of the session from which on the accepted power falls [kWh].
    full_kwh : float
        Energy of the session at which the battery is full [kWh].
    full_power_kw : float
        Accepted power up to the knee [kW].
    end_share : float
        Part of it that is left when full, in [0, 1).
    """

    knee_kwh: float
    full_kwh: float
    full_power_kw: float
    end_share: float = 0.1

    @property
    def slope_per_h(self) -> float:
        """Power that is lost with every kWh from the knee on [kW/kWh]."""
        return self.full_power_kw * (1.0 - self.end_share) / (self.full_kwh - self.knee_kwh)

    def power_kw(self, energy_kwh: float) -> float:
        """Return the accepted power once the session has that energy [kW]; 0 for a full battery."""
        if energy_kwh >= self.full_kwh:
            return 0.0
        return min(self.full_power_kw, self.full_power_kw - self.slope_per_h * (energy_kwh - self.knee_kwh))


@dataclass(frozen=True, slots=True)
class DischargeOffer:
    """What a car may give back to its site or the grid (V2G, V2H).

    Parameters
    ----------
    max_kw : float
        Greatest power back [kW].
    stored_kwh : float
        Energy in the battery now [kWh].
    reserve_kwh, capacity_kwh : float
        Energy that the battery is kept between while plugged in [kWh].
    charge_efficiency, discharge_efficiency : float
        Part of the energy that arrives, each way, in (0, 1].
    wear_per_kwh : float
        What a kWh given back costs the battery [currency/kWh].
    """

    max_kw: float
    stored_kwh: float
    reserve_kwh: float
    capacity_kwh: float
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.95
    wear_per_kwh: float = 0.05


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
        Energy metered so far, less what must be charged again for what the car gave back: for every kWh of that
        ``1 / (charge_efficiency x discharge_efficiency)`` [kWh]; may be below 0 for such a car.
    max_current_a, max_power_kw : float or None
        Vehicle limits: current per phase [A] and total power [kW]; None where unknown.
    n_phases : int or None
        Phases that the car really uses (1, 2 or 3); None for all that the EVSE has.
    priority : float
        Weight of this session's shortfall against others; 1 is normal.
    promised_kwh : float
        Energy of the whole session that the driver was shown as guaranteed by an earlier plan [kWh]; kept
        unless a limit leaves no other choice.
    milestones : tuple of Milestone
        Energy that must be in the car by earlier deadlines.
    acceptance : Acceptance or None
        How the car's power falls towards a full battery; None: it does not.
    discharge : DischargeOffer or None
        What the car may give back; None: nothing.
    start_delay_s : float
        Time from a pilot that comes back from 0 to the first current [s].
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
    promised_kwh: float = 0.0
    milestones: tuple[Milestone, ...] = ()
    acceptance: Acceptance | None = None
    discharge: DischargeOffer | None = None
    start_delay_s: float = 0.0

    @property
    def room_kwh(self) -> float:
        """Energy that its battery still has room for, as far as is known [kWh]."""
        room_kwh = float("inf")
        if self.acceptance is not None:
            room_kwh = self.acceptance.full_kwh - self.delivered_kwh
        if self.discharge is not None:
            space_kwh = self.discharge.capacity_kwh - self.discharge.stored_kwh
            room_kwh = min(room_kwh, space_kwh / self.discharge.charge_efficiency)
        return max(room_kwh, 0.0)

    @property
    def remaining_kwh(self) -> float:
        """Energy still to deliver to the target, or until the battery is full [kWh], never negative."""
        return min(max(self.target_kwh - self.delivered_kwh, 0.0), self.room_kwh)

    @property
    def remaining_minimum_kwh(self) -> float:
        """Energy still to deliver to what was promised, or is the least [kWh], never negative."""
        floor_kwh = max(self.minimum_kwh, self.promised_kwh)
        return min(max(floor_kwh - self.delivered_kwh, 0.0), self.remaining_kwh)

    @property
    def remaining_promised_kwh(self) -> float:
        """Energy still to deliver to what the driver was promised [kWh], never negative."""
        return min(max(self.promised_kwh - self.delivered_kwh, 0.0), self.remaining_kwh)
