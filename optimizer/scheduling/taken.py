"""What cars take of pilots: never more than they need, and than their batteries accept."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from models.arrays import FloatArray, frozen
from models.schedule import Schedule
from optimizer.problem import Problem
from optimizer.scheduling.dispatch import Dispatched


def as_accepted(problem: Problem, sent: Dispatched) -> Dispatched:
    """Return the same pilots with the energy that batteries whose power falls will take of them."""
    tapering = problem.batteries.tapers.any(axis=1, keepdims=True)
    if not tapering.any():
        return sent
    kwh = taken_kwh(problem, sent.schedule.pilot_a)
    energy_kwh = np.where(tapering, kwh.sum(axis=1), sent.schedule.energy_kwh)
    session_kwh = np.where(tapering, kwh.sum(axis=2), sent.session_kwh)
    return Dispatched(replace(sent.schedule, energy_kwh=frozen(energy_kwh)), frozen(session_kwh))


def paused_in(problem: Problem, sent: Dispatched, slots: Iterable[int]) -> Dispatched:
    """Return a schedule in which everybody pauses in some slots, which no limit forbids."""
    pilot_a = np.array(sent.schedule.pilot_a)
    pilot_a[:, list(slots)] = 0.0
    kwh = taken_kwh(problem, frozen(pilot_a))
    schedule = Schedule(
        grid=problem.grid,
        evse_ids=sent.schedule.evse_ids,
        pilot_a=frozen(pilot_a),
        power_kw=frozen(pilot_a * problem.kw_per_a),
        energy_kwh=frozen(kwh.sum(axis=1)),
    )
    return Dispatched(schedule, frozen(kwh.sum(axis=2)))


def taken_kwh(problem: Problem, pilot_a: FloatArray) -> FloatArray:
    """Return the energy that each session takes of pilots (E, T) [A], shape (E, S, T) [kWh].

    The law of :func:`optimizer.scheduling.parts.acceptance.accepted_power`, solved for the power of a slot:
    ``power_kw <= (accepted_kw - s given_kwh) / (1 + s hours / 2)`` with what was given before the slot.
    """
    cars = problem.batteries
    drawn_kw = np.minimum(pilot_a, problem.max_a) * problem.kw_per_a
    left_kwh = np.array(problem.need_kwh)
    taken = np.zeros(problem.connected_h.shape)
    given_kwh = np.zeros(left_kwh.shape[0])
    for t in range(pilot_a.shape[1]):
        given_kwh = np.where(cars.goes_on[:, t], given_kwh, 0.0)
        slope, hours = cars.slope_per_h[:, t], cars.hours[:, t]
        most_kw = np.maximum(cars.accepted_kw[:, t] - slope * given_kwh, 0.0) / (1.0 + slope * hours / 2.0)
        power_kw = np.where(cars.tapers[:, t], np.minimum(drawn_kw[:, t], most_kw), drawn_kw[:, t])
        taken[:, :, t] = np.minimum(power_kw[:, None] * problem.connected_h[:, :, t], left_kwh)
        left_kwh -= taken[:, :, t]
        given_kwh = given_kwh + power_kw * hours
    return frozen(taken)
