"""Keeping promises where rounding would break one: cars get the pilots of the plan that the promise was made from.

That plan's schedule was checked, and while no limit falls and no load rises it still holds. What it leaves free goes to
everybody else, as always.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.arrays import BoolArray, ComplexArray, FloatArray, frozen, read_only
from models.schedule import Schedule
from optimizer.problem import Problem
from optimizer.scheduling.dispatch import Dispatched, dispatch
from optimizer.scheduling.extract import PlannedPower


@dataclass(frozen=True, slots=True)
class Told:
    """What a plan told the stations: its schedule, and the session of each (EVSE, seat)."""

    schedule: Schedule
    session_ids: tuple[tuple[str | None, ...], ...]


def promised_pilots_a(problem: Problem, told: Told) -> FloatArray:
    """Return the pilots of an earlier plan for sessions of which something promised is open, shape (E, T) [A]."""
    out = np.zeros(problem.max_a.shape)
    before = told.schedule.grid
    if before.step_s != problem.grid.step_s:
        return frozen(out)
    slot = problem.grid.steps - before.first_step
    was_there = (slot >= 0) & (slot < before.n_slots)
    for evse, seat in np.argwhere(problem.promised_kwh > 0).tolist():
        if problem.session_ids[evse][seat] in told.session_ids[evse]:
            here = was_there & (problem.connected_h[evse, seat] > 0)
            out[evse, here] = told.schedule.pilot_a[evse, slot[here]]
    return frozen(np.where(problem.max_a > 0, out, 0.0))


def dispatch_keeping(problem: Problem, planned: PlannedPower, charging: BoolArray, told: Told) -> Dispatched:
    """Return real pilots: those that were told where something promised is open, and the plan beside them."""
    held_a = promised_pilots_a(problem, told)
    held_kwh = _energy_kwh(problem, held_a)
    is_held = held_a > 0
    rest = replace(
        problem,
        need_kwh=frozen(problem.need_kwh - held_kwh.sum(axis=2)),
        connected_h=frozen(np.where(is_held[:, None, :], 0.0, problem.connected_h)),
        max_a=frozen(np.where(is_held, 0.0, problem.max_a)),
        limits=replace(problem.limits, offset=read_only(problem.limits.offset + on_rows(problem, held_a))),
    )
    beside = dispatch(
        rest, replace(planned, power_kw=frozen(np.where(is_held, 0.0, planned.power_kw))), charging
    )
    pilot_a = held_a + beside.schedule.pilot_a
    schedule = Schedule(
        grid=problem.grid,
        evse_ids=problem.topology.evse_ids,
        pilot_a=frozen(pilot_a),
        power_kw=frozen(pilot_a * problem.kw_per_a),
        energy_kwh=frozen(held_kwh.sum(axis=1) + beside.schedule.energy_kwh),
    )
    return Dispatched(schedule, frozen(held_kwh.sum(axis=2) + beside.session_kwh))


def _energy_kwh(problem: Problem, pilot_a: FloatArray) -> FloatArray:
    """Return the energy that pilots deliver, shape (E, S, T) [kWh]: never more than is needed."""
    drawn_kw = np.minimum(pilot_a, problem.max_a) * problem.kw_per_a
    offered_kwh = np.cumsum(drawn_kw[:, None, :] * problem.connected_h, axis=2)
    taken_kwh = np.minimum(offered_kwh, problem.need_kwh[:, :, None])
    return frozen(np.diff(taken_kwh, axis=2, prepend=0.0))


def on_rows(problem: Problem, pilot_a: FloatArray) -> ComplexArray:
    """Return what pilots put on every row, shape (R, T)."""
    rows = problem.topology.rows
    out = np.zeros(problem.limits.offset.shape, dtype=np.complex128)
    evse, place = np.nonzero(rows.of_evse >= 0)
    np.add.at(out, rows.of_evse[evse, place], problem.weight(evse, place) * pilot_a[evse])
    return read_only(out)
