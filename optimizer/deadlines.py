"""Deadlines: energy that must be in a car before it leaves."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.arrays import FloatArray, FloatBySlot, IntArray, frozen, read_only
from models.sessions import ChargingSession
from models.timegrid import TimeGrid
from optimizer.seats import Seats, overlap_h


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The milestones that are still to come; E EVSEs, at most K of them at one EVSE, T slots.

    Parameters
    ----------
    until_h : (E, K, T) float64
        How long the session can charge in the slot before the deadline [h].
    need_kwh : (E, K) float64
        Energy still to deliver by then [kWh]; 0 where there is no such milestone.
    priority : (E, K) float64
        Weight of what is late.
    seat : (E, K) int64
        Whose it is: the session's place in the queue at its EVSE.
    by_s : (E, K) float64
        When it is [s since the Unix epoch].
    """

    until_h: FloatBySlot
    need_kwh: FloatArray
    priority: FloatArray
    seat: IntArray
    by_s: FloatArray

    @classmethod
    def of(cls, seats: Seats, grid: TimeGrid) -> "Deadlines":
        """Return the milestones of seated sessions that are still to come, in their order at each EVSE."""
        found = [
            _Due(place, by, kwh)
            for place in sorted(range(len(seats.sessions)), key=lambda place: seats.begins[place])
            for by, kwh in _open(seats.sessions[place], seats.begins[place])
        ]
        evse = [int(seats.row[due.place]) for due in found]
        rank = [evse[:number].count(one) for number, one in enumerate(evse)]
        shape = (seats.shape[0], max(rank, default=-1) + 1)
        until_h, need_kwh = np.zeros((*shape, grid.n_slots)), np.zeros(shape)
        priority, seat, by_s = np.ones(shape), np.zeros(shape, dtype=np.int64), np.zeros(shape)
        ends = [min(due.by, seats.leaves[due.place]) for due in found]
        until_h[evse, rank] = overlap_h(grid, [seats.begins[due.place] for due in found], ends)
        need_kwh[evse, rank] = [due.need_kwh for due in found]
        priority[evse, rank] = [seats.sessions[due.place].priority for due in found]
        seat[evse, rank] = [seats.seat[due.place] for due in found]
        by_s[evse, rank] = [due.by.timestamp() for due in found]
        return cls(frozen(until_h), frozen(need_kwh), frozen(priority), read_only(seat), frozen(by_s))


@dataclass(frozen=True, slots=True)
class _Due:
    """One milestone: which of the seated sessions, until when, and what is still to deliver [kWh]."""

    place: int
    by: datetime
    need_kwh: float


def _open(session: ChargingSession, begins: datetime) -> list[tuple[datetime, float]]:
    """Return the milestones of a session that are still to come, with the energy still to deliver [kWh]."""
    left = [
        (milestone.by, min(milestone.energy_kwh - session.delivered_kwh, session.remaining_kwh))
        for milestone in session.milestones
    ]
    return [(by, kwh) for by, kwh in left if by > begins and kwh > 0.0]
