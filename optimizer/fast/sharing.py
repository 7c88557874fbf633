"""The kernels that share what a site's limits leave: first what is due, then what is free, then how to get there.

Room is taken through two kernels, :func:`most_kernel` and :func:`take_kernel`: every limit is a row
``|load + sum_e weight_e pilot_e| <= limit`` whose sum is one of phasors; for power it is real.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.arrays import FloatArray, IntArray
from models.jit import kernel

ComplexArray: TypeAlias = NDArray[np.complex128]


class Room(NamedTuple):
    """Limits with what is on them; R rows, at most K of them above an EVSE.

    ``of_evse`` (E, K) are the rows above each EVSE, padded with -1, ``weight`` (E, K) what 1 A of its pilot puts on
    them, ``limit`` (R,) and ``load`` (R,), which is changed in place.
    """

    of_evse: IntArray
    weight: ComplexArray
    limit: FloatArray
    load: ComplexArray


class Claims(NamedTuple):
    """What every EVSE should be told, all (E,) [A].

    ``must_a`` comes before all else: a car that was just switched on runs on. ``base_a`` is its due by the plan,
    ``extra_a`` what it could use of what is free, ``try_a`` what shows whether a car that takes nothing wants
    again. Of each kind the greatest ``urgency`` is served first.
    """

    must_a: FloatArray
    base_a: FloatArray
    extra_a: FloatArray
    try_a: FloatArray
    urgency: FloatArray


@kernel
def most_kernel(evse: int, room: Room) -> float:
    """Greatest current that the rows above an EVSE still carry [A]; 0 where one is overloaded.

    The positive root of ``|load + weight a|^2 = limit^2``.
    """
    most_a = np.inf
    for place in range(room.of_evse.shape[1]):
        row = room.of_evse[evse, place]
        weight = room.weight[evse, place]
        if row < 0 or np.isinf(room.limit[row]) or weight == 0.0:
            continue
        load, limit = room.load[row], max(room.limit[row], 0.0)
        left = limit * limit - (load.real * load.real + load.imag * load.imag)
        if left < 0.0:
            return 0.0
        square = weight.real * weight.real + weight.imag * weight.imag
        along = load.real * weight.real + load.imag * weight.imag
        most_a = min(most_a, (np.sqrt(along * along + square * left) - along) / square)
    return most_a


@kernel
def take_kernel(evse: int, current_a: float, room: Room) -> None:
    """Put so many amperes of an EVSE on the rows above it."""
    for place in range(room.of_evse.shape[1]):
        row = room.of_evse[evse, place]
        if row >= 0:
            room.load[row] += current_a * room.weight[evse, place]


@kernel
def rung_kernel(levels_a: FloatArray, most_a: float) -> float:
    """Greatest pilot at or below ``most_a`` [A]; 0 where even the least is above it."""
    above = np.searchsorted(levels_a, most_a + 1e-7)
    return levels_a[above - 1] if above > 0 else 0.0


@kernel
def serve_kernel(
    order: IntArray, goal_a: FloatArray, pilot_a: FloatArray, levels_a: FloatArray, room: Room
) -> None:
    """Raise pilots towards their goals, one after the other, as far as there is room; changes them in place."""
    for evse in order:
        if goal_a[evse] > pilot_a[evse]:
            most_a = pilot_a[evse] + most_kernel(evse, room)
            raised_a = rung_kernel(levels_a[evse], min(goal_a[evse], most_a))
            if raised_a > pilot_a[evse]:
                take_kernel(evse, raised_a - pilot_a[evse], room)
                pilot_a[evse] = raised_a


@kernel
def share_kernel(claims: Claims, levels_a: FloatArray, room: Room, tight: FloatArray) -> FloatArray:
    """Pilots that everybody should have, shape (E,) [A].

    What is free beside what is due is shared within ``tight`` (R,), which may be less than the limits: power that
    costs more than it is worth is not free.
    """
    order = np.argsort(-claims.urgency, kind="mergesort")
    pilot_a = np.zeros_like(claims.base_a)
    serve_kernel(order, claims.must_a, pilot_a, levels_a, room)
    serve_kernel(order, claims.base_a, pilot_a, levels_a, room)
    room.limit[:] = np.minimum(room.limit, tight)
    serve_kernel(order, claims.extra_a, pilot_a, levels_a, room)
    serve_kernel(order, claims.try_a, pilot_a, levels_a, room)
    return pilot_a


@kernel
def step_kernel(
    goal_a: FloatArray,
    held_a: tuple[FloatArray, FloatArray],
    urgency: FloatArray,
    levels_a: FloatArray,
    room: Room,
) -> FloatArray:
    """Pilots that may be told now on the way to ``goal_a``, shape (E,) [A].

    ``held_a`` is what every EVSE is told and what it may still draw. Whoever goes down goes down; whoever goes up
    gets only what nobody may still draw.
    """
    told_a, still_a = held_a
    pilot_a = np.minimum(goal_a, told_a)
    for evse in range(goal_a.size):
        take_kernel(evse, max(pilot_a[evse], still_a[evse]), room)
    for evse in np.argsort(-urgency, kind="mergesort"):
        if goal_a[evse] > pilot_a[evse]:
            own_a = max(pilot_a[evse], still_a[evse])
            most_a = own_a + most_kernel(evse, room)
            raised_a = rung_kernel(levels_a[evse], min(goal_a[evse], most_a))
            if raised_a > pilot_a[evse]:
                take_kernel(evse, max(raised_a - own_a, 0.0), room)
                pilot_a[evse] = raised_a
    return pilot_a
