"""Dispatch: planned power becomes pilots that stations can execute and every node can carry.

An AC EVSE gives 0 or at least 6 A in whole steps (IEC 61851-1); the program knows neither. Slot by slot
the kernel gives each EVSE the largest pilot at or below what it should have by now, most urgent first, and
then hands out what rounding left over. What a slot gives too little is wanted in the next. Alone, with
everybody wanting their maximum, it is least-laxity-first with real pilots: the answer when there is no plan.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from models.schedule import Schedule
from optimizer.problem import Problem
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.pilots import LOST_KWH, Demand, Wires, dispatch_kernel

PRESSED_KWH = 0.01
"""Shortfall from which a session counts as left short [kWh]; below it is the solver's noise."""

PROMISED_FIRST = 100.0
"""How much more urgent a car is that lacks some of what its driver was promised."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """A schedule of real pilots, and the energy of each (EVSE, seat) in it, shape (E, S) [kWh]."""

    schedule: Schedule
    session_kwh: FloatArray


def dispatch(problem: Problem, planned: PlannedPower, charging: BoolArray) -> Dispatched:
    """Return real pilots that follow a plan.

    Where a billing peak is planned it is kept like a limit, so that a rounded pilot does not buy a new peak;
    only where energy is won by it is it raised, by one least pilot at most, then given up: energy comes before
    money.
    """
    short_kwh = planned.short_kwh.sum(axis=2)
    best, least_kwh = paused(problem), np.inf
    for cap_kw in _caps(problem, planned):
        limit = np.array(problem.limits.limit)
        root = problem.topology.root_row
        limit[root] = np.minimum(limit[root], np.maximum(cap_kw, problem.load_kw))
        dispatched = _dispatched(problem, planned.power_kw, short_kwh, limit, charging)
        lost_kwh = np.maximum(problem.need_kwh - short_kwh - dispatched.session_kwh, 0.0)
        if lost_kwh.sum() < least_kwh - LOST_KWH:
            best, least_kwh = dispatched, float(lost_kwh.sum())
        if (lost_kwh <= LOST_KWH).all():
            break
    return best


def _caps(problem: Problem, planned: PlannedPower) -> tuple[FloatArray, ...]:
    """Return the site powers to keep to, one after the other, shape (T,) each [kW]."""
    free_kw = frozen(np.full(problem.grid.n_slots, np.inf))
    if planned.site_cap_kw is None:
        return (free_kw,)
    least_kw = float((problem.topology.min_a[:, None] * problem.kw_per_a).max(initial=0.0))
    return (planned.site_cap_kw, frozen(planned.site_cap_kw + least_kw), free_kw)


def dispatch_alone(problem: Problem, charging: BoolArray) -> Dispatched:
    """Return real pilots without a plan: everybody wants their maximum, least laxity first."""
    return _dispatched(problem, problem.max_kw, problem.need_kwh, np.array(problem.limits.limit), charging)


def _dispatched(
    problem: Problem,
    target_kw: FloatArray,
    short_kwh: FloatArray,
    limit: FloatArray,
    charging: BoolArray,
) -> Dispatched:
    top = problem.topology
    demand = Demand(
        np.ascontiguousarray(target_kw),
        problem.max_a,
        problem.connected_h,
        problem.need_kwh,
        np.where(problem.promised_kwh > 0, PROMISED_FIRST, 1.0) * problem.priority,
        short_kwh,
        short_kwh > PRESSED_KWH,
        charging,
    )
    wires = wires_of(problem)
    total = unloaded(problem)
    pilot_a, energy_kwh = dispatch_kernel(
        demand, wires, problem.n_lines.T.copy(order="C"), total, limit.T.copy(order="C"), problem.grid.step_h
    )
    schedule = Schedule(
        grid=problem.grid,
        evse_ids=top.evse_ids,
        pilot_a=frozen(pilot_a),
        power_kw=frozen(pilot_a * problem.kw_per_a),
        energy_kwh=frozen(energy_kwh.sum(axis=1)),
    )
    return Dispatched(schedule, frozen(energy_kwh.sum(axis=2)))


def unloaded(problem: Problem) -> FloatArray:
    """Return what rows carry with everybody paused, as kernels take it and change it: a new array (T, R, 2)."""
    offset = problem.limits.offset.T
    return np.ascontiguousarray(np.stack([offset.real, offset.imag], axis=-1))


def wires_of(problem: Problem) -> Wires:
    """Return what a pilot of each EVSE loads, as kernels take it."""
    rows = problem.topology.rows
    weight = np.stack([rows.weight.real, rows.weight.imag], axis=-1)
    return Wires(problem.topology.levels_a, rows.of_evse, weight, rows.is_power, problem.kw_per_a)


def paused(problem: Problem) -> Dispatched:
    """Return the schedule in which nobody charges."""
    zeros = frozen(np.zeros((problem.topology.n_evses, problem.grid.n_slots)))
    schedule = Schedule(problem.grid, problem.topology.evse_ids, zeros, zeros, zeros)
    return Dispatched(schedule, frozen(np.zeros(problem.need_kwh.shape)))
