"""How pilots are chosen, and a problem in the words of the kernels that choose them."""

import math
from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen, read_only
from optimizer.discrete.reply import Cars, Contactors, Dues
from optimizer.discrete.standing import Standing
from optimizer.problem import Problem
from optimizer.scheduling.bands import band_widths_kwh, late_per_kwh, late_widths_kwh, shortfall_per_kwh
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.keeping import Told
from optimizer.scheduling.objective import early_per_kwh
from optimizer.scheduling.parts.milestones import late_cost
from optimizer.scheduling.parts.part import Moment

START_KWH = 0.02
"""Energy that is lost by a restart [kWh]: some 10 s at 7 kW, until others have given back and the car draws."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How pilots are chosen.

    Parameters
    ----------
    moment : Moment
        What the objective depends on beside the problem.
    standing : Standing
        How contactors stand now.
    now_s : float
        The moment of that [s since the Unix epoch].
    before : Told or None
        What EVSEs were told last.
    until_s : float
        When it must have ended, by ``time.perf_counter`` [s].
    """

    moment: Moment
    standing: Standing
    now_s: float
    before: Told | None = None
    until_s: float = math.inf


def before_a(problem: Problem, before: Told) -> FloatArray:
    """Return pilots of an earlier plan in the slots of a problem, shape (E, T) [A]: 0 for cars that have come since."""
    out = np.zeros(problem.max_a.shape)
    earlier = before.schedule.grid
    if earlier.step_s != problem.grid.step_s:
        return frozen(out)
    slot = problem.grid.steps - earlier.first_step
    known = (slot >= 0) & (slot < earlier.n_slots)
    out[:, known] = before.schedule.pilot_a[:, slot[known]]
    here = zip(problem.session_ids, before.session_ids, strict=True)
    stays = np.array([now[:1] == then[:1] for now, then in here])
    return frozen(np.where(stays[:, None] & (problem.max_a > 0), out, 0.0))


def only_takes(back_kw: FloatArray) -> BoolArray:
    """Return whose cars give nothing back of ``back_kw`` (E, T) [kW], shape (E,)."""
    return read_only(np.array(~back_kw.any(axis=1), dtype=np.bool_))


def cars_of(problem: Problem, planned: PlannedPower, moment: Moment) -> Cars:
    """Return what cars need and its price: energy at the site's margin, what lacks as in the objective."""
    early = early_per_kwh(problem, moment.weights, moment.epoch_s)
    is_shared = (problem.connected_h > 0).sum(axis=1) > 1  # what falls there is the power of the later car
    return Cars(
        max_a=problem.max_a,
        connected_h=problem.connected_h,
        need_kwh=problem.need_kwh,
        worth_per_kwh=planned.worth_per_kwh,
        width_kwh=band_widths_kwh(problem, moment.weights),
        short_per_kwh=shortfall_per_kwh(problem, moment.weights),
        price_per_kwh=frozen(early + planned.energy_per_kwh),
        slope_per_h=frozen(np.where(is_shared, 0.0, problem.batteries.slope_per_h)),
        accepted_kw=problem.batteries.accepted_kw,
        dues=_dues_of(problem, planned, moment),
    )


def _dues_of(problem: Problem, planned: PlannedPower, moment: Moment) -> Dues:
    due = problem.deadlines
    width_kwh = np.array(late_widths_kwh(due))
    width_kwh[:, :, -1] = np.inf
    return Dues(
        until_h=due.until_h,
        need_kwh=due.need_kwh,
        seat=due.seat,
        width_kwh=frozen(width_kwh),
        late_per_kwh=late_per_kwh(due, moment.weights),
        worth_per_kwh=planned.in_time_per_kwh,
    )


def planned_cost(problem: Problem, planned: PlannedPower, moment: Moment, cars: Cars) -> FloatArray:
    """Return what the cars of each EVSE cost in the optimum at the prices that a search sees, shape (E,) [currency]."""
    energy = (planned.power_kw * problem.slot_h * cars.price_per_kwh).sum(axis=1)
    short = (planned.short_kwh * cars.short_per_kwh).sum(axis=(1, 2))
    return frozen(energy + short + late_cost(problem, moment, planned.power_kw).sum(axis=1))


def rent_per_kwh(problem: Problem, planned: PlannedPower) -> FloatArray:
    """Return what limits and peaks add to the price of a kWh at each EVSE, shape (E, T) [currency/kWh]."""
    per_kw = planned.prices.of_evses(problem.topology.n_evses)
    of_site = sum((added.per_kw for added in planned.added), np.zeros(problem.grid.n_slots))
    return frozen((per_kw + of_site) / problem.grid.step_h)


def contactors_of(problem: Problem, rent: FloatArray, manner: Manner) -> Contactors:
    """Return how EVSEs may switch; times are rounded up to slots.

    Where room is short (``rent`` (E, T) [currency/kWh]), a restart also costs what is lost of it meanwhile.
    """
    top, step_s, standing = problem.topology, problem.grid.step_s, manner.standing
    charging = standing.charging_of(problem)
    least_s = np.where(charging, top.least_run_s, top.least_pause_s)
    left_s = np.maximum(least_s - (manner.now_s - standing.since_s), 0.0)
    is_held = charging | (standing.since_s >= problem.arrival_h * 3600.0)
    still = np.where(is_held, _slots(left_s, step_s), 0)
    per_restart = manner.moment.per_restart(problem)
    return Contactors(
        cost=per_restart + START_KWH * rent.max(axis=1, initial=0.0),
        least_run=np.maximum(_slots(top.least_run_s, step_s), np.where(charging, still + 1, 1)),
        least_pause=np.maximum(_slots(top.least_pause_s, step_s), 1),
        charging=charging,
        still=still,
    )


def _slots(seconds: FloatArray, step_s: int) -> IntArray:
    return np.ceil(seconds / step_s - 1e-9).astype(np.int64)
