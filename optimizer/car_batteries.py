"""What is known of the batteries of cars, by EVSE and slot: the power that they accept, and what they may give back."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, BoolBySlot, FloatArray, FloatBySlot, frozen, read_only
from models.sessions import ChargingSession
from optimizer.seats import Seats

NOBODY = -1

SHARED_H = 1e-9
"""Time that another car has in a slot from which on it is shared [h]."""

NO_CAR = (0.0, np.inf, -np.inf, np.inf, 0.0, 1.0, 0.0)
"""What is known of the battery where there is no car, in the order of :func:`_facts`."""


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
    least_kwh, most_kwh : (E, T) float64
        Energy that it is kept between after the slot [kWh]: what may be given back, and what there is room for.
    back_kw : (E, T) float64
        Greatest power that it gives back [kW]; 0 where it gives nothing, and where cars share a slot.
    per_back : (E, T) float64
        Energy that must be charged again for one kWh given back.
    wear_per_kwh : (E, T) float64
        What a kWh given back costs the battery [currency/kWh].
    """

    hours: FloatBySlot
    goes_on: BoolBySlot
    slope_per_h: FloatBySlot
    accepted_kw: FloatBySlot
    least_kwh: FloatBySlot
    most_kwh: FloatBySlot
    back_kw: FloatBySlot
    per_back: FloatBySlot
    wear_per_kwh: FloatBySlot

    @property
    def tapers(self) -> BoolArray:
        """Where the falling line of a battery holds, shape (E, T)."""
        return read_only(np.isfinite(self.accepted_kw) & (self.hours > 0))

    @property
    def gives(self) -> BoolArray:
        """Where a car may give back, shape (E, T)."""
        return read_only(self.back_kw > 0)

    def again_kwh(self, back_kw: FloatArray) -> FloatArray:
        """Return the energy that must be charged again for power back (E, T) [kW], shape (E, T) [kWh]."""
        return frozen(self.per_back * back_kw * self.hours)

    @classmethod
    def of(cls, seats: Seats, most_back_kw: FloatArray) -> "CarBatteries":
        """Return what seated sessions tell of their cars' batteries.

        Parameters
        ----------
        seats : Seats
        most_back_kw : (E, T) float64
            Greatest power that each EVSE takes from a car [kW].
        """
        here = _here(seats)
        cars = np.where(here != NOBODY)
        facts = np.array([_facts(session) for session in seats.sessions]).reshape(-1, len(NO_CAR))
        table = np.broadcast_to(np.array(NO_CAR), (*here.shape, len(NO_CAR))).copy()
        table[cars] = facts[here[cars]]
        slope, accepted, least, most, back, per_back, wear = np.moveaxis(table, 2, 0)
        hours = np.zeros(here.shape)
        hours[cars] = seats.connected_h[here[cars], cars[1]]
        alone = hours > 0
        alone &= hours >= seats.spread(seats.connected_h).sum(axis=1) - SHARED_H
        return cls(
            hours=frozen(hours),
            goes_on=read_only(_goes_on(here)),
            slope_per_h=frozen(slope),
            accepted_kw=frozen(accepted),
            least_kwh=frozen(least),
            most_kwh=frozen(most),
            back_kw=frozen(np.where(alone, np.minimum(back, most_back_kw), 0.0)),
            per_back=frozen(per_back),
            wear_per_kwh=frozen(wear),
        )


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


def _facts(session: ChargingSession) -> tuple[float, ...]:
    """Return slope, height, least, most, power back, energy for a kWh back, and wear of a session's car."""
    return (*_line(session), *_store(session))


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


def _store(session: ChargingSession) -> tuple[float, float, float, float, float]:
    """Return what a session's battery is kept between, its power back, what that takes, and wear.

    A car below its reserve gives nothing: it is charged first, and a later plan may use it.
    """
    offer = session.discharge
    if offer is None or offer.stored_kwh <= offer.reserve_kwh or offer.max_kw <= 0.0:
        return NO_CAR[2], NO_CAR[3], NO_CAR[4], NO_CAR[5], NO_CAR[6]
    least = (offer.reserve_kwh - offer.stored_kwh) / offer.charge_efficiency
    most = max(offer.capacity_kwh - offer.stored_kwh, 0.0) / offer.charge_efficiency
    per_back = 1.0 / (offer.charge_efficiency * offer.discharge_efficiency)
    return least, most, offer.max_kw, per_back, offer.wear_per_kwh
