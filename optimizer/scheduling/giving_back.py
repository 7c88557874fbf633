"""What cars are told to give back: the plan's power in the EVSE's steps, where all holds with it and without it.

Nothing leans on it. A car may unplug or fault, so pilots are made as if nobody gave back. For what is given back the
other end is counted: every car gives what it is told, nobody charges, the load is small and the sun shines. Then no
node feeds back more than it may export or its own power limit carries, and no phase more than its fuse. Where the
phasors of a row do not all point one way (unbalance, wiring between lines, power factors), any of the cars may fail
to give; there the size of what is given back takes room in full, whatever its direction, beside the pilots too.

A car gives nothing in the end that the plan leaves short, and nothing that takes it below its reserve, or that real
pilots do not charge again in time: its need, its milestones and what its driver was promised come first.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen, read_only
from models.schedule import BackSchedule
from models.units import TOLERANCE_KW
from optimizer.deadlines import Tier
from optimizer.facets import SMALL
from optimizer.lateness import late_kwh
from optimizer.problem import Problem
from optimizer.scheduling.dispatch import PRESSED_KWH, Dispatched
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.pilots import LOST_KWH
from optimizer.scheduling.taken import as_accepted

ROUNDS: Final = 6
"""How often pilots are made again with less given back, before nobody gives."""

RESERVE_KWH: Final = 1e-6
"""Energy that a car may be below its reserve [kWh]: float noise."""

LEVEL_A: Final = 1e-9
"""Current that a level may be above what is wanted [A]: float noise."""

Make: TypeAlias = Callable[[Problem, PlannedPower], Dispatched]
"""Makes pilots that follow a plan, in a problem in which nobody gives back."""

Costs: TypeAlias = Callable[[Problem, Dispatched], float]
"""Says what a schedule costs [currency]."""


def dispatch_both_ways(problem: Problem, planned: PlannedPower, make: Make, costs: Costs) -> Dispatched:
    """Return pilots that follow a plan, and what cars are told to give back beside them where it pays in real steps."""
    back_a = granted_a(problem, wanted_a(problem, planned))
    if not back_a.any():
        return make(problem, planned)
    without = as_accepted(problem, make(problem, planned))
    for _ in range(ROUNDS):
        sent = _beside(problem, planned, back_a, make)
        kept_a = _kept_a(problem, planned, back_a, sent)
        if (kept_a == back_a).all():
            return sent if costs(problem, sent) < costs(problem, without) else without
        back_a = kept_a
    return without


def wanted_a(problem: Problem, planned: PlannedPower) -> FloatArray:
    """Return what the plan gives back at each EVSE, shape (E, T) [A]; nothing of cars that it leaves short."""
    is_short = planned.short_kwh.sum(axis=2) > PRESSED_KWH
    serves = problem.batteries.gives & (planned.power_kw <= TOLERANCE_KW)
    serves &= ~(is_short[:, :, None] & (problem.connected_h > 0)).any(axis=1)
    most_kw = np.minimum(planned.back_kw, problem.batteries.back_kw)
    return frozen(np.where(serves, most_kw, 0.0) / problem.kw_per_a)


def granted_a(problem: Problem, wanted: FloatArray) -> FloatArray:
    """Return the greatest currents of the EVSEs' own within what is wanted that all rows carry back, (E, T) [A]."""
    rows, out = problem.topology.rows, np.zeros(wanted.shape)
    room = _room(problem, one_way_rows(problem))
    for evse in np.nonzero(wanted.any(axis=1))[0].tolist():
        places = np.nonzero(rows.of_evse[evse] >= 0)[0]
        above, weight = rows.of_evse[evse, places], np.abs(problem.weight(np.full(places.size, evse), places))
        most_a = np.divide(room[above], weight, out=np.full(weight.shape, np.inf), where=weight > SMALL)
        most_a = most_a.min(axis=0, initial=np.inf)
        out[evse] = _level_a(problem.topology.back_levels_a[evse], np.minimum(wanted[evse], most_a))
        room[above] -= weight * out[evse]
    return frozen(out)


def one_way_rows(problem: Problem) -> BoolArray:
    """Return the rows on which all phasors point the same way, or of which only the real part counts, shape (R,)."""
    rows, limits = problem.topology.rows, problem.limits
    turned = np.maximum(np.abs(limits.offset.imag), np.abs(limits.least.imag))
    out = np.array(turned.max(axis=1, initial=0.0) <= SMALL)
    evse, place = np.nonzero(rows.of_evse >= 0)
    weight = problem.weight(evse, place)
    turns = ((np.abs(weight.imag) > SMALL) | (weight.real < -SMALL)).any(axis=1)
    out[rows.of_evse[evse, place][turns]] = False
    return read_only(out | rows.is_power)


def kept_free(problem: Problem, back_a: FloatArray) -> FloatArray:
    """Return what pilots leave free on rows whose phasors point different ways, shape (R, T)."""
    rows, out = problem.topology.rows, np.zeros(problem.limits.limit.shape)
    is_mixed = np.array(~one_way_rows(problem), dtype=np.bool_)
    evse, place = np.nonzero((rows.of_evse >= 0) & (back_a.max(axis=1, initial=0.0) > 0)[:, None])
    row = rows.of_evse[evse, place]
    size = np.abs(problem.weight(evse, place)) * back_a[evse]
    np.add.at(out, row[is_mixed[row]], size[is_mixed[row]])
    return frozen(out)


def _room(problem: Problem, is_one_way: BoolArray) -> FloatArray:
    """Return what cars may give back on every row, shape (R, T)."""
    rows, limits = problem.topology.rows, problem.limits
    lowest = np.maximum(rows.floor, -rows.rated)[:, None]
    back = np.where(rows.is_power[:, None], -lowest, limits.set_limit) + limits.least.real
    size = np.maximum(np.abs(limits.offset), np.abs(limits.least))
    return np.maximum(np.where(is_one_way[:, None], back, limits.set_limit - size), 0.0)


def _level_a(levels_a: FloatArray, most_a: FloatArray) -> FloatArray:
    """Return the greatest level at or below each of some currents, 0 where even the least is above it."""
    n_below = (levels_a[:, None] <= most_a + LEVEL_A).sum(axis=0)
    return frozen(np.append(0.0, levels_a)[n_below])


def _beside(problem: Problem, planned: PlannedPower, back_a: FloatArray, make: Make) -> Dispatched:
    """Return pilots that are made while cars give back, and charge it again."""
    gives, back_kw = back_a > 0, frozen(back_a * problem.kw_per_a)
    again_kwh = problem.batteries.again_kwh(back_kw)[:, None, :] * (problem.connected_h > 0)
    limits = problem.limits
    rest = replace(
        problem,
        need_kwh=frozen(problem.need_kwh + again_kwh.sum(axis=2)),
        connected_h=frozen(np.where(gives[:, None, :], 0.0, problem.connected_h)),
        max_a=frozen(np.where(gives, 0.0, problem.max_a)),
        limits=replace(limits, limit=frozen(limits.limit - kept_free(problem, back_a))),
    )
    sent = make(rest, planned)
    schedule = replace(sent.schedule, back=_told(problem, back_a, back_kw))
    session_kwh = frozen(sent.session_kwh - again_kwh.sum(axis=2))
    return as_accepted(problem, Dispatched(schedule, session_kwh))


def _told(problem: Problem, back_a: FloatArray, back_kw: FloatArray) -> tuple[BackSchedule, ...]:
    back_kwh = back_kw * problem.batteries.hours
    return tuple(
        BackSchedule(problem.topology.evse_ids[evse], back_a[evse], back_kw[evse], frozen(back_kwh[evse]))
        for evse in np.nonzero(back_a.any(axis=1))[0].tolist()
    )


def _kept_a(problem: Problem, planned: PlannedPower, back_a: FloatArray, sent: Dispatched) -> FloatArray:
    """Return what may still be given back: nothing below a reserve, and not what real pilots do not charge again."""
    fails = _below_reserve(problem, sent) | _not_charged_again(problem, planned, sent)
    return frozen(np.where(fails, 0.0, back_a))


def _below_reserve(problem: Problem, sent: Dispatched) -> BoolArray:
    """Return where cars would be below their reserve, shape (E, T)."""
    cars, schedule = problem.batteries, sent.schedule
    shared_h = np.where(problem.slot_h > 0, problem.slot_h, np.inf)
    net_kwh = schedule.energy_kwh * (cars.hours / shared_h) - cars.again_kwh(schedule.back_kw())
    out, given_kwh = np.zeros(net_kwh.shape, dtype=np.bool_), np.zeros(net_kwh.shape[0])
    for t in range(net_kwh.shape[1]):
        given_kwh = np.where(cars.goes_on[:, t], given_kwh, 0.0) + net_kwh[:, t]
        out[:, t] = given_kwh < cars.least_kwh[:, t] - RESERVE_KWH
    return read_only(out)


def _not_charged_again(problem: Problem, planned: PlannedPower, sent: Dispatched) -> BoolArray:
    """Return what is too much, (E, T): the last that a car gives, as far as it lacks energy; all where it is late."""
    lost_kwh = problem.need_kwh - planned.short_kwh.sum(axis=2) - sent.session_kwh
    lost_kwh = np.where(lost_kwh > LOST_KWH, lost_kwh, 0.0)
    due = problem.deadlines
    is_late = (late_kwh(problem, sent.schedule) > LOST_KWH) & (due.tier >= Tier.MINIMUM)
    evse, number = np.nonzero(is_late)
    lost_kwh[evse, due.seat[evse, number]] = np.inf
    again_kwh = problem.batteries.again_kwh(sent.schedule.back_kw())[:, None, :] * (problem.connected_h > 0)
    after_kwh = np.cumsum(again_kwh[:, :, ::-1], axis=2)[:, :, ::-1] - again_kwh
    too_much = (again_kwh > 0) & (after_kwh < lost_kwh[:, :, None])
    return read_only(np.array(too_much.any(axis=1), dtype=np.bool_))
