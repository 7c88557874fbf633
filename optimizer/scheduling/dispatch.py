"""Dispatch: planned power becomes pilots that stations can execute and every node can carry.

An AC EVSE gives 0 or at least 6 A in whole steps (IEC 61851-1); the program knows neither. Slot by slot
the kernel gives each EVSE the largest pilot at or below what it should have by now, most urgent first, and
then hands out what rounding left over. What a slot gives too little is wanted in the next. Alone, with
everybody wanting their maximum, it is least-laxity-first with real pilots: the answer when there is no plan.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from models.jit import kernel
from models.schedule import Schedule
from optimizer.problem import Problem
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.pilots import (
    Demand,
    Ledger,
    Room,
    Wires,
    grant_kernel,
    level_kernel,
    pilots_kernel,
    room_kernel,
    settle_kernel,
    wants_kernel,
)

LOST_KWH = 0.05
"""Planned energy that rounding may lose in a session before a higher peak is accepted [kWh]."""

PRESSED_KWH = 0.01
"""Shortfall from which a session counts as left short [kWh]; below it is the solver's noise."""


class Granted(NamedTuple):
    """What has been handed out: ``pilot_a`` (E, T) [A] and the energy expected of it (E, S, T) [kWh].

    ``lost_kwh`` (E, S) is what rounding lost: the need, less the shortfall that was planned, less that energy.
    """

    pilot_a: FloatArray
    energy_kwh: FloatArray
    lost_kwh: FloatArray


@kernel
def top_up_kernel(t: int, least_a: float, demand: Demand, wires: Wires, room: Room, granted: Granted) -> None:
    """Raise pilots of slot ``t`` for sessions that rounding left short; changes ``granted`` in place.

    Only pilots of at least ``least_a`` are raised; ``room`` is what all nodes have left beside them.
    """
    n_evses, n_seats, _ = granted.energy_kwh.shape
    for e in range(n_evses):
        for q in range(n_seats):
            hours = demand.connected_h[e, q, t]
            lost_kwh = granted.lost_kwh[e, q]
            pilot_a = granted.pilot_a[e, t]
            if hours <= 0.0 or lost_kwh <= LOST_KWH or pilot_a < least_a:
                continue
            goal_a = min(pilot_a + lost_kwh / hours / wires.kw_per_a[e], demand.max_a[e, t])
            levels_a = wires.levels_a[e]
            above = np.searchsorted(levels_a, goal_a - 1e-9)
            goal_a = levels_a[above] if above < levels_a.size else goal_a
            raised_a = level_kernel(levels_a, min(goal_a, pilot_a + room_kernel(e, wires, room)))
            if raised_a > pilot_a:
                grant_kernel(e, raised_a - pilot_a, wires, room)
                more_a = min(raised_a, demand.max_a[e, t]) - min(pilot_a, demand.max_a[e, t])
                more_kwh = min(more_a * wires.kw_per_a[e] * hours, lost_kwh)
                granted.energy_kwh[e, q, t] += more_kwh
                granted.lost_kwh[e, q] -= more_kwh
                granted.pilot_a[e, t] = raised_a


@kernel
def dispatch_kernel(
    demand: Demand, wires: Wires, room_kw: FloatArray, room_a: FloatArray, step_h: float
) -> tuple[FloatArray, FloatArray]:
    """Pilots (E, T) [A] and the energy expected of them (E, S, T) [kWh], slot by slot.

    ``room_kw`` (T, N) and ``room_a`` (T, N, 3) are what nodes can carry; what is granted is taken off in place.
    """
    n_evses, n_seats, n_slots = demand.connected_h.shape
    pilot_a = np.zeros((n_evses, n_slots))
    energy_kwh = np.zeros((n_evses, n_seats, n_slots))
    ledger = Ledger(
        demand.need_kwh.copy(), demand.connected_h.sum(axis=2), np.zeros(n_evses), demand.charging.copy()
    )
    for t in range(n_slots):
        wants = wants_kernel(t, demand, wires, ledger, step_h)
        pilot_a[:, t] = pilots_kernel(wants, wires, Room(room_kw[t], room_a[t]))
        energy_kwh[:, :, t] = settle_kernel(t, pilot_a[:, t], demand, wires, ledger)
    # What rounding lost goes first to slots in which the car charges anyway, then to the latest: the next plan
    # may do better there, and nobody is switched on now for a little.
    granted = Granted(pilot_a, energy_kwh, ledger.left_kwh - demand.short_kwh)
    for t in range(n_slots):
        top_up_kernel(t, 1e-6, demand, wires, Room(room_kw[t], room_a[t]), granted)
    for t in range(n_slots - 1, -1, -1):
        top_up_kernel(t, 0.0, demand, wires, Room(room_kw[t], room_a[t]), granted)
    return pilot_a, energy_kwh


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A schedule of real pilots, and the energy of each (EVSE, seat) in it, shape (E, S) [kWh]."""

    schedule: Schedule
    session_kwh: FloatArray


def dispatch(problem: Problem, planned: PlannedPower, charging: BoolArray) -> Dispatched:
    """Return real pilots that follow a plan.

    Where a billing peak is planned it is kept like a limit, so that a rounded pilot does not buy a new peak;
    only where energy would be lost to that is it raised, by one least pilot at most, then given up: energy
    comes before money.
    """
    short_kwh = planned.short_kwh.sum(axis=2)
    dispatched = paused(problem)
    for peak_kw in _peaks(problem, planned):
        headroom_kw = np.array(problem.headroom_kw)
        root = problem.topology.root
        headroom_kw[root] = np.minimum(headroom_kw[root], np.maximum(peak_kw - problem.load_kw, 0.0))
        dispatched = _dispatched(problem, planned.power_kw, short_kwh, headroom_kw, charging)
        if (problem.need_kwh - short_kwh - dispatched.session_kwh <= LOST_KWH).all():
            break
    return dispatched


def _peaks(problem: Problem, planned: PlannedPower) -> tuple[float, ...]:
    """Return the site powers to keep to, one after the other [kW]."""
    if planned.peak_kw is None:
        return (np.inf,)
    least_kw = float((problem.topology.min_a * problem.kw_per_a).max(initial=0.0))
    return (planned.peak_kw, planned.peak_kw + least_kw, np.inf)


def dispatch_alone(problem: Problem, charging: BoolArray) -> Dispatched:
    """Return real pilots without a plan: everybody wants their maximum, least laxity first."""
    return _dispatched(problem, problem.max_kw, problem.need_kwh, np.array(problem.headroom_kw), charging)


def _dispatched(
    problem: Problem,
    target_kw: FloatArray,
    short_kwh: FloatArray,
    headroom_kw: FloatArray,
    charging: BoolArray,
) -> Dispatched:
    top = problem.topology
    demand = Demand(
        np.ascontiguousarray(target_kw),
        problem.max_a,
        problem.connected_h,
        problem.need_kwh,
        problem.priority,
        short_kwh,
        short_kwh > PRESSED_KWH,
        charging,
    )
    wires = Wires(top.levels_a, top.ancestors, problem.a_per_kw > 0, problem.kw_per_a)
    room_kw = headroom_kw.T.copy(order="C")
    room_a = problem.headroom_a.transpose(2, 0, 1).copy(order="C")
    pilot_a, energy_kwh = dispatch_kernel(demand, wires, room_kw, room_a, problem.grid.step_h)
    schedule = Schedule(
        grid=problem.grid,
        evse_ids=top.evse_ids,
        pilot_a=frozen(pilot_a),
        power_kw=frozen(pilot_a * problem.kw_per_a[:, None]),
        energy_kwh=frozen(energy_kwh.sum(axis=1)),
    )
    return Dispatched(schedule, frozen(energy_kwh.sum(axis=2)))


def paused(problem: Problem) -> Dispatched:
    """Return the schedule in which nobody charges."""
    zeros = frozen(np.zeros((problem.topology.n_evses, problem.grid.n_slots)))
    schedule = Schedule(problem.grid, problem.topology.evse_ids, zeros, zeros, zeros)
    return Dispatched(schedule, frozen(np.zeros(problem.need_kwh.shape)))
