"""The kernels that share what a site's limits leave: first what is due, then what is free, then how to get there.

Limits are the rows of dispatch, and room is found and taken by its kernels. (Whoever changes those while working
on the engine clears the cache of these: on disk it does not see a change in another file.)
"""

from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel
from optimizer.scheduling.pilots import Room, Wires, grant_kernel, level_kernel, room_kernel

N_ROUNDS = 3
"""How often everybody is asked again for what is due: some limits give room to one only when another has risen."""


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
def hold_kernel(evse: int, current_a: float, wires: Wires, room: Room, held: FloatArray) -> None:
    """Keep room on every row above an EVSE for any current up to ``current_a``; changes ``held`` (R,) in place.

    What may flow or not cannot be added to what flows: on a row that is a difference it would make room.
    """
    for place in range(wires.rows.shape[1]):
        row = wires.rows[evse, place]
        if row < 0:
            break
        along, across = wires.weight[room.n_lines[evse], evse, place]
        most = max(along, 0.0) if wires.is_power[row] else np.hypot(along, across)
        held[row] += current_a * most


@kernel
def serve_kernel(order: IntArray, goal_a: FloatArray, pilot_a: FloatArray, wires: Wires, room: Room) -> bool:
    """Raise pilots towards their goals in an order, as far as there is room; tells whether one was raised."""
    is_raised = False
    for evse in order:
        if goal_a[evse] > pilot_a[evse]:
            most_a = pilot_a[evse] + room_kernel(evse, wires, room)
            raised_a = level_kernel(wires.levels_a[evse], min(goal_a[evse], most_a))
            if raised_a > pilot_a[evse]:
                grant_kernel(evse, raised_a - pilot_a[evse], wires, room)
                pilot_a[evse] = raised_a
                is_raised = True
    return is_raised


@kernel
def share_kernel(claims: Claims, wires: Wires, room: Room, tight: FloatArray) -> FloatArray:
    """Pilots that everybody should have, shape (E,) [A].

    What is free beside what is due is shared within ``tight`` (R,), which may be less than the limits: power that
    costs more than it is worth is not free.
    """
    order = np.argsort(-claims.urgency, kind="mergesort")
    pilot_a = np.zeros_like(claims.base_a)
    serve_kernel(order, claims.must_a, pilot_a, wires, room)
    for _ in range(N_ROUNDS):
        if not serve_kernel(order, claims.base_a, pilot_a, wires, room):
            break
    room.limit[:] = np.minimum(room.limit, tight)
    serve_kernel(order, claims.extra_a, pilot_a, wires, room)
    serve_kernel(order, claims.try_a, pilot_a, wires, room)
    return pilot_a


@kernel
def climb_kernel(
    goal_a: FloatArray,
    told_a: FloatArray,
    may_draw_a: FloatArray,
    urgency: FloatArray,
    wires: Wires,
    room: Room,
) -> FloatArray:
    """Pilots that may be told now on the way from ``told_a`` to ``goal_a``, shape (E,) [A].

    Whoever goes down goes down at once; whoever goes up gets only what nobody may still draw. What is told keeps
    every row: between two states that are balanced there may be one that is not.
    """
    order = np.argsort(-urgency, kind="mergesort")
    pilot_a = np.zeros_like(goal_a)
    least_a = np.minimum(goal_a, told_a)
    for _ in range(N_ROUNDS):
        if not serve_kernel(order, least_a, pilot_a, wires, room):
            break
    limit, held = room.limit.copy(), np.zeros_like(room.limit)
    for evse in range(goal_a.size):
        hold_kernel(evse, max(may_draw_a[evse] - pilot_a[evse], 0.0), wires, room, held)
    for evse in order:
        if goal_a[evse] > pilot_a[evse]:
            hold_kernel(evse, -max(may_draw_a[evse] - pilot_a[evse], 0.0), wires, room, held)
            room.limit[:] = np.maximum(limit - held, 0.0)
            most_a = pilot_a[evse] + room_kernel(evse, wires, room)
            raised_a = level_kernel(wires.levels_a[evse], min(goal_a[evse], most_a))
            if raised_a > pilot_a[evse]:
                grant_kernel(evse, raised_a - pilot_a[evse], wires, room)
                pilot_a[evse] = raised_a
            hold_kernel(evse, max(may_draw_a[evse] - pilot_a[evse], 0.0), wires, room, held)
    return pilot_a
