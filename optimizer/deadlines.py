"""Deadlines: energy that must be in a car before it leaves, or before it may leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, FloatBySlot, IntArray, frozen, read_only
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.seats import Seats, overlap_h, ready_by


class Tier(IntEnum):
    """What late energy is priced like."""

    HEDGE = 0
    """The target, wanted early as the car may leave early: a part of the target's price."""
    MINIMUM = 1
    """The minimum of a car that may leave early."""
    MILESTONE = 2
    """What was asked for by a time of its own: priced like the minimum."""
    PROMISE = 3
    """What a driver was shown as guaranteed."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines that are still to come; E EVSEs, at most K of them at one EVSE, T slots.

    Parameters
    ----------
    until_h : (E, K, T) float64
        How long the session can charge in the slot before the deadline [h].
    need_kwh : (E, K) float64
        Energy still to deliver by then [kWh]; 0 where there is no such deadline.
    weight : (E, K) float64
        Weight of what is late within its tier.
    by_s : (E, K) float64
        When it is [s since the Unix epoch].
    tier : (E, K) int64
        A :class:`Tier`.
    seat : (E, K) int64
        Whose it is: the session's place in the queue at its EVSE.
    """

    until_h: FloatBySlot
    need_kwh: FloatArray
    weight: FloatArray
    by_s: FloatArray
    tier: IntArray
    seat: IntArray

    @classmethod
    def of(cls, seats: Seats, state: SiteState, options: PlanOptions) -> "Deadlines":
        """Return the deadlines of seated sessions that are still to come, in the order of sessions at each EVSE."""
        order = sorted(range(len(seats.sessions)), key=lambda place: seats.begins[place])
        found = [due for place in order for due in _dues(seats, place, state, options)]
        evse = [int(seats.row[due.place]) for due in found]
        rank = [evse[:number].count(one) for number, one in enumerate(evse)]
        shape = (seats.shape[0], max(rank, default=-1) + 1)
        until_h, numbers = np.zeros((*shape, state.grid.n_slots)), np.zeros((*shape, 5))
        begins, ends = [seats.begins[due.place] for due in found], [due.by for due in found]
        until_h[evse, rank] = overlap_h(state.grid, begins, ends)
        for due, e, k in zip(found, evse, rank, strict=True):
            numbers[e, k] = (due.need_kwh, due.weight, due.by.timestamp(), due.tier, seats.seat[due.place])
        need_kwh, weight, by_s, tier, seat = np.moveaxis(numbers, 2, 0)
        return cls(
            until_h=frozen(until_h),
            need_kwh=frozen(need_kwh),
            weight=frozen(weight),
            by_s=frozen(by_s),
            tier=read_only(tier.astype(np.int64)),
            seat=read_only(seat.astype(np.int64)),
        )


class _Due(NamedTuple):
    """One deadline: which of the seated sessions, until when, what is still to deliver [kWh], and what it is worth."""

    place: int
    by: datetime
    need_kwh: float
    weight: float
    tier: Tier


def _dues(seats: Seats, place: int, state: SiteState, options: PlanOptions) -> Iterator[_Due]:
    """Yield the deadlines of a session that are still to come."""
    session, begins, leaves = seats.sessions[place], seats.begins[place], seats.leaves[place]
    if not session.milestones and len(session.departure.times) == 1:
        return
    left_kwh, priority = session.remaining_kwh, session.priority
    wanted = [
        (milestone.by, min(milestone.energy_kwh - session.delivered_kwh, left_kwh), priority, Tier.MILESTONE)
        for milestone in session.milestones
    ]
    if len(session.departure.times) > 1:
        by = ready_by(session, begins, state, options.promise_quantile, options)
        wanted += [(by, session.remaining_promised_kwh, 1.0, Tier.PROMISE)] if by < leaves else []
        for level in options.hedge_quantiles:
            by = ready_by(session, begins, state, level, options)
            if by < leaves:
                wanted.append((by, session.remaining_minimum_kwh, priority, Tier.MINIMUM))
                wanted.append((by, left_kwh, priority * options.hedge_weight, Tier.HEDGE))
    for by, need_kwh, weight, tier in wanted:
        if need_kwh > 0.0 and weight > 0.0 and by > begins:
            yield _Due(place, min(by, leaves), need_kwh, weight, tier)
