"""Milestones: energy that is in a car by a deadline, or is late."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, cast

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, IntArray, frozen, read_only
from optimizer.deadlines import Deadlines, Tier
from optimizer.problem import Problem
from optimizer.scheduling.bands import N_BANDS, filled_kwh, late_per_kwh, late_widths_kwh
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.charging import back_terms
from optimizer.scheduling.parts.entries import Entries, back_columns
from optimizer.scheduling.parts.part import Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

TERM_OF_TIER: Final[Mapping[Tier, str]] = MappingProxyType(
    {
        Tier.HEDGE: "target energy late for an early departure",
        Tier.MINIMUM: "minimum energy late for an early departure",
        Tier.MILESTONE: "energy late for a milestone",
        Tier.PROMISE: "promised energy late for an early departure",
    }
)


def late_bounds(m: Model, e: int, k: int, b: int) -> tuple[float, float | None]:
    """A band of late energy holds at most its width, the last one any: ``0 <= late_kwh <= late_width_kwh``."""
    return (0.0, None if b == N_BANDS - 1 else float(m.late_width_kwh[e, k, b]))


def milestone(m: Model, e: int, k: int) -> Relation:
    """What is delivered by a deadline, and what is late, make up what is due then.

    ``sum_t until_h[e, k, t] (power_kw[e, t] - per_back[e, t] back_kw[e, t]) + sum_b late_kwh[e, k, b]
    >= due_kwh[e, k]``
    """
    slots = [t for t in np.nonzero(m.until_h[e, k] > 0)[0].tolist() if m.is_open[e][t]]
    late_kwh = [m.late_kwh[e, k, b] for b in m.late_bands]
    terms = [
        (hours, m.power_kw[e, t]) for hours, t in zip(m.until_h[e, k, slots].tolist(), slots, strict=True)
    ]
    terms += [*back_terms(m, e, m.until_h[e, k]), *((1.0, variable) for variable in late_kwh)]
    return summed(terms) >= float(m.due_kwh[e, k])


class Milestones(Part):
    """Every deadline before a departure; a member is (EVSE, number): the number-th at that EVSE."""

    name = "milestones"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return every deadline."""
        return frozenset((int(e), int(k)) for e, k in np.argwhere(problem.deadlines.need_kwh > 0))

    @staticmethod
    def widen(problem: Problem, members: Members) -> Problem:
        """Return the problem with all of these deadlines, and every slot before them."""
        evse, number = _places(members)
        shape = (problem.topology.n_evses, int(number.max()) + 1)
        need_kwh = np.zeros(shape)
        need_kwh[evse, number] = 1.0
        wide = Deadlines(
            until_h=frozen(np.full((*shape, problem.grid.n_slots), problem.grid.step_h)),
            need_kwh=frozen(need_kwh),
            weight=frozen(np.ones(shape)),
            by_s=frozen(np.zeros(shape)),
            tier=read_only(np.zeros(shape, dtype=np.int64)),
            seat=read_only(np.zeros(shape, dtype=np.int64)),
        )
        return replace(problem, deadlines=wide)

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:
        """State every deadline, and what is late in bands."""
        due = problem.deadlines
        m.until_h, m.due_kwh, m.late_width_kwh = due.until_h, due.need_kwh, late_widths_kwh(due)
        m.late_bands = range(N_BANDS)
        m.deadlines = pyo.Set(initialize=_pairs(members), dimen=2)
        m.late_kwh = pyo.Var(m.deadlines, m.late_bands, bounds=late_bounds)
        m.milestone = pyo.Constraint(m.deadlines, rule=milestone)
        per_kwh = late_per_kwh(due, moment.weights)
        m.flows.cost += [
            (float(per_kwh[e, k, b]), m.late_kwh[e, k, b]) for e, k in m.deadlines for b in m.late_bands
        ]

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._evse, self._number = _places(members)
        until_h = stated.deadlines.until_h[self._evse, self._number]
        self._row = self.rows["milestone"][self._evse, self._number]
        self._late = self.columns["late_kwh"][self._evse, self._number]
        columns, rows = self.columns["power_kw"][self._evse], self._row[:, None]
        self._until_h = Entries(rows, columns, until_h)
        cars, back = stated.batteries, back_columns(self.columns, stated.max_a.shape)[self._evse]
        back_h = np.where(cars.gives, -cars.per_back, 0.0)[self._evse] * until_h
        self._back_h = Entries(rows, back, back_h)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write what is due, and widths and prices of what is late."""
        due = problem.deadlines
        widths_kwh = np.array(late_widths_kwh(due))
        widths_kwh[:, :, -1] = np.inf
        sheet.row_lower[self._row] = self._of_members(due.need_kwh)
        sheet.col_upper[self._late] = self._of_members(widths_kwh)
        sheet.cost[self._late] = self._of_members(late_per_kwh(due, moment.weights))

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield the hours before deadlines that changed."""
        until_h, cars = self._of_members(problem.deadlines.until_h), problem.batteries
        is_open = problem.slot_h[self._evse] > 0
        yield from self._until_h.move(problem.grid.ring, until_h, is_open)
        back_h = frozen(-cars.per_back[self._evse] * until_h)
        yield from self._back_h.move(problem.grid.ring, back_h, cars.gives[self._evse])

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
        """Return what late energy costs, by tier."""
        return _by_tier(problem, late_cost(problem, moment, _net_kw(problem, delivery)))

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:
        """Return what late energy costs that is not late for want of time."""
        least = float(late_cost(problem, moment, problem.max_kw).sum())
        return max(float(late_cost(problem, moment, _net_kw(problem, delivery)).sum()) - least, 0.0)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return what late energy costs, by tier."""
        late_kwh = self._of_deadlines(problem, solution.values[self._late])
        cost = late_per_kwh(problem.deadlines, moment.weights) * late_kwh
        return _by_tier(problem, frozen(cost.sum(axis=2)))

    def worth_per_kwh(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what one kWh more by each deadline is worth, shape (E, K) [currency/kWh]."""
        worth = self._of_deadlines(problem, row_duals[self._row])
        return frozen(np.where(problem.deadlines.need_kwh > 0, worth, 0.0))

    def _of_deadlines(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return values of the members, (n_members, ...), at their places (E, K, ...) of a problem."""
        shape = (*problem.deadlines.need_kwh.shape, *values.shape[1:])
        out: FloatArray = np.zeros(shape)
        there = self._number < shape[1]
        out[self._evse[there], self._number[there]] = values[there]
        return out

    def _of_members(self, values: FloatArray) -> FloatArray:
        """Return the values of the members, 0 where a problem has no such deadline any more."""
        out = np.zeros((self._evse.size, *values.shape[2:]))
        there = self._number < values.shape[1]
        out[there] = values[self._evse[there], self._number[there]]
        return out


def _by_tier(problem: Problem, cost: FloatArray) -> tuple[ObjectiveTerm, ...]:
    """Return what is late at each deadline, (E, K), as terms; only of tiers that there are."""
    due = problem.deadlines
    return tuple(
        ObjectiveTerm(TERM_OF_TIER[tier], float(cost[due.tier == tier].sum()))
        for tier in Tier
        if (due.need_kwh[due.tier == tier] > 0).any()
    )


def _net_kw(problem: Problem, delivery: Delivery) -> FloatArray:
    """Return what cars get, less what they must be given again for what they give back, shape (E, T) [kW]."""
    return frozen(delivery.power_kw - problem.batteries.per_back * delivery.back_kw)


def late_cost(problem: Problem, moment: Moment, power_kw: FloatArray) -> FloatArray:
    """Return what late energy costs at each deadline, shape (E, K)."""
    due = problem.deadlines
    in_time_kwh = np.einsum("et,ekt->ek", power_kw, due.until_h)
    widths_kwh = np.array(late_widths_kwh(due))
    widths_kwh[:, :, -1] = np.inf
    late_kwh = filled_kwh(frozen(np.maximum(due.need_kwh - in_time_kwh, 0.0)), frozen(widths_kwh))
    return frozen((late_per_kwh(due, moment.weights) * late_kwh).sum(axis=2))


def _pairs(members: Members) -> list[tuple[int, int]]:
    return sorted(cast("tuple[int, int]", member) for member in members)


def _places(members: Members) -> tuple[IntArray, IntArray]:
    """Return EVSE and number of every member, in order."""
    table = np.array(_pairs(members), dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]
