"""What is known of the batteries of cars, by EVSE and slot: the power that they accept, and what they may give back."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, BoolBySlot, FloatBySlot, frozen, read_only
from models.sessions import ChargingSession
from optimizer.seats import Seats

NOBODY = -1


@dataclass(frozen=True, slots=True)
class CarBatteries:
    """Batteries of the cars at E EVSEs in T slots; S seats.

    Where two cars share a slot the later one counts. What a session was given so far in the plan, net of what
    it gave back, is its energy in this record.

    Parameters
    ----------
    hours : (E, T) float64
        How long that car can charge in the slot [h].
    goes_on : (E, T) bool
        Whether it is the car of the slot before; not in the first slot.
    slope_per_h : (E, T) float64
        Accepted power that is lost with every kWh [kW/kWh]; 0 where a battery does not taper.
    accepted_kw : (E, T) float64
        Power that the falling line would accept with nothing given yet [kW]; inf where there is no such line.
    """

    hours: FloatBySlot
    goes_on: BoolBySlot
    slope_per_h: FloatBySlot
    accepted_kw: FloatBySlot

    @property
    def tapers(self) -> BoolArray:
        """Where the falling line of a battery holds, shape (E, T)."""
        return read_only(np.isfinite(self.accepted_kw) & (self.hours > 0))

    @property
    def matters(self) -> BoolArray:
        """Where a law depends on how full the battery is, shape (E, T)."""
        return self.tapers

    @classmethod
    def of(cls, seats: Seats) -> "CarBatteries":
        """Return what seated sessions tell of their cars' batteries."""
        here = _here(seats)
        cars = np.where(here >= 0)
        slope, accepted = np.zeros(here.shape), np.full(here.shape, np.inf)
        lines = [_line(session) for session in seats.sessions]
        of_cell = here[cars]
        slope[cars] = np.array([line[0] for line in lines])[of_cell]
        accepted[cars] = np.array([line[1] for line in lines])[of_cell]
        hours = np.zeros(here.shape)
        hours[cars] = seats.connected_h[of_cell, cars[1]]
        return cls(frozen(hours), read_only(_goes_on(here)), frozen(slope), frozen(accepted))


def _here(seats: Seats) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """Return the number of the session that counts in each (EVSE, slot); -1 where nobody is there."""
    out = np.full((seats.shape[0], seats.connected_h.shape[1]), NOBODY, dtype=np.int64)
    for number in np.argsort(seats.seat, kind="stable").tolist():
        there = seats.connected_h[number] > 0
        out[seats.row[number], there] = number
    return out


def _goes_on(here: "np.ndarray[tuple[int, int], np.dtype[np.int64]]") -> BoolArray:
    """Return where the car of a slot is that of the slot before; slots without a car belong to the last one."""
    slots = np.where(here != NOBODY, np.arange(here.shape[1]), 0)
    last = np.take_along_axis(here, np.maximum.accumulate(slots, axis=1), axis=1)
    out = np.zeros(here.shape, dtype=np.bool_)
    out[:, 1:] = (here[:, 1:] == NOBODY) | (here[:, 1:] == last[:, :-1])
    return out


def _line(session: ChargingSession) -> tuple[float, float]:
    """Return slope and height of the falling line of a session; none where its need ends before the knee."""
    curve = session.acceptance
    if curve is None:
        return 0.0, np.inf
    left_kwh = session.remaining_kwh
    if left_kwh <= 0.0 or session.delivered_kwh + left_kwh <= curve.knee_kwh:
        return 0.0, np.inf
    slope = curve.slope_per_h
    return slope, curve.full_power_kw + slope * (curve.knee_kwh - session.delivered_kwh)
