"""What cars take of pilots: never more than they need, and than their batteries accept."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from models.arrays import FloatArray, frozen
from models.schedule import Schedule
from optimizer.problem import Problem
from optimizer.scheduling.dispatch import Dispatched


def as_accepted(problem: Problem, sent: Dispatched) -> Dispatched:
    """Return the same pilots with the energy that batteries take of them whose power falls, or that give back."""
    back_kw = sent.schedule.back_kw()
    tapering = problem.batteries.tapers.any(axis=1, keepdims=True) | back_kw.any(axis=1, keepdims=True)
    if not tapering.any():
        return sent
    kwh, again_kwh = taken_kwh(problem, sent.schedule.pilot_a, back_kw), _again_kwh(problem, back_kw)
    energy_kwh = np.where(tapering, kwh.sum(axis=1), sent.schedule.energy_kwh)
    session_kwh = np.where(tapering, (kwh - again_kwh).sum(axis=2), sent.session_kwh)
    return Dispatched(replace(sent.schedule, energy_kwh=frozen(energy_kwh)), frozen(session_kwh))


def energy_by_session(problem: Problem, sent: Dispatched) -> Mapping[str, float]:
    """Return the energy of each session [kWh]."""
    kwh = sent.session_kwh.tolist()
    return MappingProxyType(
        {
            name: kwh[evse][seat]
            for evse, seats in enumerate(problem.session_ids)
            for seat, name in enumerate(seats)
            if name is not None
        }
    )


def paused_in(problem: Problem, sent: Dispatched, slots: Iterable[int]) -> Dispatched:
    """Return a schedule in which everybody pauses in some slots, which no limit forbids, and nobody gives back."""
    pilot_a = np.array(sent.schedule.pilot_a)
    pilot_a[:, list(slots)] = 0.0
    return sent_as(problem, frozen(pilot_a))


def sent_as(problem: Problem, pilot_a: FloatArray) -> Dispatched:
    """Return pilots (E, T) [A] with what cars will take of them; nobody gives back."""
    kwh = taken_kwh(problem, pilot_a, frozen(np.zeros(pilot_a.shape)))
    schedule = Schedule(
        grid=problem.grid,
        evse_ids=problem.topology.evse_ids,
        pilot_a=pilot_a,
        power_kw=frozen(pilot_a * problem.kw_per_a),
        energy_kwh=frozen(kwh.sum(axis=1)),
    )
    return Dispatched(schedule, frozen(kwh.sum(axis=2)))


def taken_kwh(problem: Problem, pilot_a: FloatArray, back_kw: FloatArray) -> FloatArray:
    """Return the energy that each session takes of pilots (E, T) [A] beside what it gives back, (E, S, T) [kWh].

    The law of :func:`optimizer.scheduling.parts.acceptance.accepted_power`, solved for the power of a slot:
    ``power_kw <= (accepted_kw - s given_kwh) / (1 + s hours / 2)`` with what was given before the slot.
    A car that gives back takes what it needs and that again, and no more than there is room for in its battery.
    """
    cars = problem.batteries
    drawn_kw = np.minimum(pilot_a, problem.max_a) * problem.kw_per_a
    again_kwh = _again_kwh(problem, back_kw)
    left_kwh = problem.need_kwh + again_kwh.sum(axis=2)
    taken = np.zeros(problem.connected_h.shape)
    given_kwh = np.zeros(left_kwh.shape[0])
    for t in range(pilot_a.shape[1]):
        given_kwh = np.where(cars.goes_on[:, t], given_kwh, 0.0)
        slope, hours = cars.slope_per_h[:, t], cars.hours[:, t]
        most_kw = np.maximum(cars.accepted_kw[:, t] - slope * given_kwh, 0.0) / (1.0 + slope * hours / 2.0)
        power_kw = np.where(cars.tapers[:, t], np.minimum(drawn_kw[:, t], most_kw), drawn_kw[:, t])
        room_kwh = np.maximum(cars.most_kwh[:, t] - given_kwh, 0.0)
        fits_kw = np.divide(room_kwh, hours, out=np.full(hours.shape, np.inf), where=hours > 0)
        power_kw = np.minimum(power_kw, fits_kw)
        taken[:, :, t] = np.minimum(power_kw[:, None] * problem.connected_h[:, :, t], left_kwh)
        left_kwh -= taken[:, :, t]
        given_kwh = given_kwh + power_kw * hours - again_kwh[:, :, t].sum(axis=1)
    return frozen(taken)


def offered_kwh(problem: Problem, pilot_a: FloatArray) -> FloatArray:
    """Return what pilots (E, T) [A] offer each session that a car would take of them, shape (E, S, T) [kWh].

    Nobody gives back. A car whose power does not fall is offered more than it needs.
    """
    if problem.batteries.tapers.any():
        return taken_kwh(problem, pilot_a, frozen(np.zeros(pilot_a.shape)))
    drawn_kw = np.minimum(pilot_a, problem.max_a) * problem.kw_per_a
    return frozen(drawn_kw[:, None, :] * problem.connected_h)


def _again_kwh(problem: Problem, back_kw: FloatArray) -> FloatArray:
    """Return what each session must be given again for power back (E, T) [kW], shape (E, S, T) [kWh]."""
    return frozen(problem.batteries.again_kwh(back_kw)[:, None, :] * (problem.connected_h > 0))
