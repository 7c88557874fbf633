"""The best reply of one EVSE, its cheapest pilots while all others stay as they are, and of a few together.

Everything here is numba; arrays of records are changed in place where that is said. (Whoever changes kernels of
``runs.py`` or ``pilots.py`` while working on the engine clears the cache of these: on disk it does not see a change
in another file.)
"""

from typing import NamedTuple

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.jit import kernel
from optimizer.discrete.runs import (
    NOISE_COST,
    NOISE_KWH,
    Due,
    Switching,
    Taper,
    Want,
    Window,
    cost_kernel,
    timely_kernel,
)
from optimizer.scheduling.pilots import Room, Wires, grant_kernel, level_kernel, room_kernel


class Dues(NamedTuple):
    """What cars are to have by K deadlines at each of E EVSEs.

    ``until_h`` (E, K, T) before each, ``need_kwh`` by then (0: no deadline), of the session in which ``seat``, both
    (E, K); what is late is priced in bands, (E, K, B); ``worth_per_kwh`` (E, K) of being in time in the plan.
    """

    until_h: FloatArray
    need_kwh: FloatArray
    seat: IntArray
    width_kwh: FloatArray
    late_per_kwh: FloatArray
    worth_per_kwh: FloatArray


class Cars(NamedTuple):
    """What cars need, and what it costs.

    ``max_a`` and ``price_per_kwh`` are (E, T), as are ``slope_per_h`` and ``accepted_kw`` of tapering batteries;
    ``connected_h`` is (E, S, T). ``need_kwh`` is where a car is full and ``worth_per_kwh`` what a kWh more is worth in
    the plan, both (E, S); what lacks is priced in bands, (E, S, B). What is to be in them before they leave are
    ``dues``.
    """

    max_a: FloatArray
    connected_h: FloatArray
    need_kwh: FloatArray
    worth_per_kwh: FloatArray
    width_kwh: FloatArray
    short_per_kwh: FloatArray
    price_per_kwh: FloatArray
    slope_per_h: FloatArray
    accepted_kw: FloatArray
    dues: Dues


class Contactors(NamedTuple):
    """How EVSEs may switch, all (E,); see :class:`optimizer.discrete.runs.Switching`.

    ``charging`` marks those that charge the car that is there now.
    """

    cost: FloatArray
    least_run: IntArray
    least_pause: IntArray
    charging: BoolArray
    still: IntArray


class Grid(NamedTuple):
    """The limits: what pilots load, what rows carry, ``total`` (T, R, 2), and what they may, ``limit`` (T, R).

    ``n_lines`` (T, E) is how many phases cars use.
    """

    wires: Wires
    total: FloatArray
    limit: FloatArray
    n_lines: IntArray


class Told(NamedTuple):
    """What EVSEs are told, ``pilot_a`` (E, T) [A], and what it costs, ``cost`` (E,) [currency]."""

    pilot_a: FloatArray
    cost: FloatArray


@kernel
def put_kernel(evse: int, sign: float, grid: Grid, told: Told) -> None:
    """Put the pilots of an EVSE on the rows above it (1), or take them off (-1)."""
    for t in range(told.pilot_a.shape[1]):
        if told.pilot_a[evse, t] > 0.0:
            room = Room(grid.total[t], grid.limit[t], grid.n_lines[t])
            grant_kernel(evse, sign * told.pilot_a[evse, t], grid.wires, room)


@kernel
def carry_kernel(order: IntArray, pilot_a: FloatArray, grid: Grid, told: Told) -> None:
    """Tell EVSEs pilots (E, T) [A] as far as there is room, one after the other; in place."""
    for evse in order:
        for t in range(pilot_a.shape[1]):
            if pilot_a[evse, t] > 0.0:
                room = Room(grid.total[t], grid.limit[t], grid.n_lines[t])
                most_a = min(pilot_a[evse, t], room_kernel(evse, grid.wires, room))
                told.pilot_a[evse, t] = level_kernel(grid.wires.levels_a[evse], most_a)
                grant_kernel(evse, told.pilot_a[evse, t], grid.wires, room)


@kernel
def switching_kernel(evse: int, is_here: bool, contactors: Contactors) -> Switching:  # noqa: FBT001 - data
    """How an EVSE may switch for a session that is here now, or for a later one."""
    return Switching(
        contactors.cost[evse],
        contactors.least_run[evse],
        contactors.least_pause[evse],
        contactors.charging[evse] and is_here,
        contactors.still[evse] if is_here else 0,
    )


@kernel
def window_kernel(evse: int, seat: int, begins: int, cars: Cars, grid: Grid) -> Window:
    """Slots from ``begins`` on in which a session can charge, with the pilots that all others leave room for."""
    slot = np.nonzero(cars.connected_h[evse, seat] > 0.0)[0]
    slot = slot[slot >= begins]
    n = slot.size
    taper = Taper(
        cars.connected_h[evse, seat][slot], cars.slope_per_h[evse][slot], cars.accepted_kw[evse][slot]
    )
    window = Window(slot, np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n), taper)
    levels_a = grid.wires.levels_a[evse]
    for k in range(n):
        t = slot[k]
        useful_a = cars.max_a[evse, t]
        window.price[k] = cars.price_per_kwh[evse, t]
        window.useful_a[k] = useful_a
        window.kwh_per_a[k] = grid.wires.kw_per_a[evse, t] * cars.connected_h[evse, seat, t]
        if useful_a <= 0.0:
            continue
        above = np.searchsorted(levels_a, useful_a - 1e-9)
        most_a = levels_a[above] if above < levels_a.size else np.inf
        most_a = most_a if most_a < np.inf else useful_a
        room_a = room_kernel(evse, grid.wires, Room(grid.total[t], grid.limit[t], grid.n_lines[t]))
        high_a = level_kernel(levels_a, min(most_a, room_a))
        if high_a > 0.0:
            window.low_a[k], window.high_a[k] = levels_a[0], high_a
    return window


@kernel
def due_kernel(evse: int, seat: int, slot: IntArray, cars: Cars) -> Due:
    """What a session is to have by its deadlines, with what of the slots of its window is in time."""
    dues = cars.dues
    mine = np.nonzero((dues.need_kwh[evse] > 0.0) & (dues.seat[evse] == seat))[0]
    share = np.zeros((mine.size, slot.size))
    early_per_kwh = np.zeros(slot.size)
    for place in range(mine.size):
        for k in range(slot.size):
            until_h = dues.until_h[evse, mine[place], slot[k]]
            share[place, k] = min(until_h / cars.connected_h[evse, seat, slot[k]], 1.0)
            early_per_kwh[k] += share[place, k] * dues.worth_per_kwh[evse, mine[place]]
    return Due(
        share,
        dues.need_kwh[evse][mine],
        dues.width_kwh[evse][mine],
        dues.late_per_kwh[evse][mine],
        early_per_kwh,
    )


@kernel
def sought_kernel(
    evse: int, seat: int, begins: int, cars: Cars, contactors: Contactors, grid: Grid
) -> tuple[Window, Switching, Want]:
    """What one session can be given from slot ``begins`` on, how its EVSE may switch, and what it wants."""
    window = window_kernel(evse, seat, begins, cars, grid)
    is_here = begins == 0 and window.slot.size > 0 and window.slot[0] == 0
    switching = switching_kernel(evse, is_here, contactors)
    want = Want(
        cars.need_kwh[evse, seat],
        cars.worth_per_kwh[evse, seat],
        cars.width_kwh[evse, seat],
        cars.short_per_kwh[evse, seat],
        due_kernel(evse, seat, window.slot, cars),
    )
    return window, switching, want


@kernel
def price_kernel(evse: int, cars: Cars, contactors: Contactors, grid: Grid, told: Told) -> None:
    """Work out what the pilots of an EVSE cost; changes ``told.cost`` in place.

    A slot that two sessions share is the first one's.
    """
    told.cost[evse] = 0.0
    begins = 0
    for seat in range(cars.need_kwh.shape[1]):
        if cars.need_kwh[evse, seat] > NOISE_KWH:
            window, switching, want = sought_kernel(evse, seat, begins, cars, contactors, grid)
            if window.slot.size > 0:
                told.cost[evse] += cost_kernel(told.pilot_a[evse][window.slot], window, want, switching)
                begins = window.slot[-1] + 1


@kernel
def reply_kernel(evse: int, cars: Cars, contactors: Contactors, grid: Grid, told: Told) -> None:
    """Give an EVSE its cheapest pilots while all others keep theirs; work out what they cost.

    Changes ``grid.total`` and ``told`` in place. Sessions that follow each other choose in their order.
    """
    put_kernel(evse, -1.0, grid, told)
    told.cost[evse] = 0.0
    begins = 0
    for seat in range(cars.need_kwh.shape[1]):
        if cars.need_kwh[evse, seat] <= NOISE_KWH:
            continue
        window, switching, want = sought_kernel(evse, seat, begins, cars, contactors, grid)
        if window.slot.size == 0:
            continue
        if not switching.is_on:
            window.high_a[: switching.still] = 0.0
        cost = cost_kernel(told.pilot_a[evse][window.slot], window, want, switching)
        new_a = timely_kernel(want, window, switching, grid.wires.levels_a[evse])
        new_cost = cost_kernel(new_a, window, want, switching)
        if new_cost < cost - NOISE_COST:
            cost = new_cost
            for k in range(window.slot.size):
                told.pilot_a[evse, window.slot[k]] = new_a[k]
        told.cost[evse] += cost
        begins = window.slot[-1] + 1
    put_kernel(evse, 1.0, grid, told)


@kernel
def prices_kernel(evses: IntArray, cars: Cars, contactors: Contactors, grid: Grid, told: Told) -> None:
    """Work out what the pilots of EVSEs cost."""
    for evse in evses:
        price_kernel(evse, cars, contactors, grid, told)


@kernel
def replies_kernel(order: IntArray, cars: Cars, contactors: Contactors, grid: Grid, told: Told) -> None:
    """Let one EVSE after the other reply."""
    for evse in order:
        reply_kernel(evse, cars, contactors, grid, told)


@kernel
def rechoice_kernel(group: IntArray, cars: Cars, contactors: Contactors, grid: Grid, told: Told) -> bool:
    """Take a group of EVSEs out and let them in again in this order; in place, and only where it saves.

    Where each alone is content, two or three together may still do better. Returns whether they did.
    """
    old_a = told.pilot_a[group].copy()
    old_cost = told.cost[group].copy()
    for evse in group:
        put_kernel(evse, -1.0, grid, told)
        told.pilot_a[evse] = 0.0
    replies_kernel(group, cars, contactors, grid, told)
    if told.cost[group].sum() < old_cost.sum() - NOISE_COST:
        return True
    for place in range(group.size):
        put_kernel(group[place], -1.0, grid, told)
        told.pilot_a[group[place]] = old_a[place]
        told.cost[group[place]] = old_cost[place]
        put_kernel(group[place], 1.0, grid, told)
    return False
