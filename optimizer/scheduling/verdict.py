"""What can honestly be said of the schedule that is sent: its objective, its bound, its gap and its status."""

from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, frozen
from models.units import TOLERANCE_A
from optimizer.coming import missed_kwh, served_kw
from optimizer.problem import Problem
from optimizer.scheduling.asset_orders import Yard, asset_power
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.dispatch import Dispatched
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.keeping import on_rows
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.scheduler import Solved
from optimizer.scheduling.worth import at_stake, gap_of, judged, total_of, worth
from optimizer.solver.outcome import PROVED_GAP, ObjectiveTerm, SolveStatus

WAITING_KWH = 0.05
"""Energy from which a car that gets none counts as waiting [kWh]: less than the least pilot gives in a slot."""


NOISE = 1e-6
"""Float noise of an objective, as a part of the sizes of its terms."""

SAME_KWH = 1e-6
"""Difference of two energies that is none [kWh]."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Facts about a schedule; see :class:`optimizer.solver.outcome.SolveReport` for each."""

    status: SolveStatus
    terms: tuple[ObjectiveTerm, ...]
    bound: float | None
    gap: float | None

    @property
    def objective(self) -> float:
        """The sum of the terms [currency]."""
        return total_of(self.terms)


def verdict_of(
    problem: Problem, moment: Moment, sent: Dispatched, solved: Solved | None, *, follows: bool
) -> Verdict:
    """Return what is known of a schedule.

    Parameters
    ----------
    problem : Problem
    moment : Moment
    sent : Dispatched
    solved : Solved or None
        What the program says of the same problem; None where it was not solved.
    follows : bool
        Whether the schedule was made from it.
    """
    terms = worth(problem, moment, delivery_of(problem, sent, None if solved is None else solved.planned))
    bound = solved.bound if solved is not None and is_within_program(problem, sent) else None
    gap = None
    if solved is not None and bound is not None:
        planned = solved.planned
        delivery = Delivery.of_power(problem, planned.power_kw, planned.back_kw, planned.asset_kw)
        delivery = replace(delivery, coming_kw=planned.coming_kw)
        stake = at_stake(problem, moment, delivery)
        gap = gap_of(total_of(judged(terms)), bound, stake)
    if is_curtailed(problem, sent):
        status = SolveStatus.CURTAILED
    elif not follows or solved is None:
        status = SolveStatus.DISPATCHED
    elif solved.solution.is_optimal and gap is not None and _is_proved(judged(terms), bound, gap):
        status = SolveStatus.PROVED
    else:
        status = SolveStatus.FEASIBLE
    return Verdict(status, terms, bound, gap)


def _is_proved(terms: tuple[ObjectiveTerm, ...], bound: float | None, gap: float) -> bool:
    """Return whether a gap proves a schedule: none that seems better than the bound, which no schedule can be."""
    noise = NOISE * max(1.0, sum(abs(term.value) for term in terms))
    return bound is not None and gap <= PROVED_GAP and total_of(terms) >= bound - noise


def is_within_program(problem: Problem, sent: Dispatched) -> bool:
    """Return whether a schedule keeps every row as the program counts it.

    The program counts an EVSE for all phases that any of its cars uses, the check for those of the car that is there.
    Pilots that keep a promise only have to pass the check: what the program proves need not hold for them.
    """
    return bool((_size_on_rows(problem, sent) <= problem.limits.limit + TOLERANCE_A).all())


def nothing_to_plan(problem: Problem, moment: Moment, sent: Dispatched) -> Verdict:
    """Return the verdict on a site without EVSEs: nothing can be better."""
    terms = worth(problem, moment, delivery_of(problem, sent))
    return Verdict(SolveStatus.PROVED, terms, total_of(terms), 0.0)


def delivery_of(problem: Problem, sent: Dispatched, planned: PlannedPower | None = None) -> Delivery:
    """Return what a schedule of real pilots delivers, and what it leaves for cars to come, if it can as planned.

    Whatever they can be given beside it keeps the program's rows: what it is worth is no less than the bound.
    """
    schedule = sent.schedule
    cars = Delivery.of_pilots(problem, schedule.pilot_a, schedule.energy_kwh, sent.session_kwh)
    cars = replace(cars, back_kw=schedule.back_kw(), asset_kw=asset_power(schedule))
    if not problem.coming.is_anybody:
        return cars
    left_kw = left_at_root_kw(problem, sent)
    return replace(cars, coming_kw=_served_kw(problem, cars.site_kw(problem), left_kw, planned))


def _served_kw(
    problem: Problem, site_kw: FloatArray, left_kw: FloatArray, planned: PlannedPower | None
) -> FloatArray:
    """Return what cars to come are given beside a site's power, (T,) [kW]: within the planned bill if that does."""
    coming, open_h = problem.coming, problem.open_h
    if planned is None:
        return served_kw(coming, open_h, left_kw)
    most_kw = served_kw(coming, open_h, left_kw, planned.coming_kw)
    if planned.site_cap_kw is None:
        return most_kw
    billed_kw = frozen(np.minimum(left_kw, planned.site_cap_kw - site_kw))
    within_kw = served_kw(coming, open_h, billed_kw, planned.coming_kw)
    is_enough = missed_kwh(coming, open_h, within_kw) <= missed_kwh(coming, open_h, most_kw) + SAME_KWH
    return within_kw if is_enough else most_kw


def left_at_root_kw(problem: Problem, sent: Dispatched) -> FloatArray:
    """Return the balanced power that a schedule leaves at the site's root, shape (T,) [kW]."""
    top = problem.topology
    rows, per_kw = top.rows.tap(top.root, top.voltage_v)
    loaded = per_kw > 0
    left = (problem.limits.limit - _size_on_rows(problem, sent))[rows[loaded]]
    return frozen(np.maximum((left / per_kw[loaded, None]).min(axis=0), 0.0))


def _size_on_rows(problem: Problem, sent: Dispatched) -> FloatArray:
    """Return what a schedule puts on every row, load included, as limits count it, shape (R, T)."""
    yard, schedule = Yard.of(problem), sent.schedule
    total = problem.limits.offset + on_rows(problem, schedule.pilot_a)
    total += yard.weight.T @ yard.power_kw(asset_power(schedule), problem.grid.n_slots)
    return frozen(np.where(problem.topology.rows.is_power[:, None], total.real, np.abs(total)))


def is_curtailed(problem: Problem, sent: Dispatched) -> bool:
    """Return whether a limit left no choice.

    Either cars wait for energy and not one of them may charge at any time, or what nobody controls is above
    a limit by itself and a car below it that could charge then has to pause.
    """
    pilot_a = sent.schedule.pilot_a
    can_charge = (problem.max_a > 0) & (problem.slot_h > 0)
    waits = problem.need_kwh - sent.session_kwh > WAITING_KWH
    if not pilot_a.any() and bool((waits.any(axis=1) & can_charge.any(axis=1)).any()):
        return True
    above = problem.topology.rows.of_evse
    for overload in problem.limits.overloads:
        below = ((above == overload.row) & (problem.topology.rows.weight != 0).any(axis=0)).any(axis=1)
        slots = list(overload.slots)
        if (can_charge & (pilot_a == 0))[below][:, slots].any():
            return True
    return False
