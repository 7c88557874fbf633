"""Giving back: cars that feed their site or the grid (V2H, V2G)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, IntArray, frozen, read_only
from optimizer.facets import N_FACETS, added_by_back
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model
from optimizer.scheduling.parts.entries import Entries
from optimizer.scheduling.parts.given import both_ways, evses_of
from optimizer.scheduling.parts.part import Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import NOWHERE, Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

WEAR = "wear of cars that give back"


def back_bounds(m: Model, e: int, t: int) -> tuple[float, float]:
    """A car gives at most what it offers and its EVSE takes: ``0 <= back_kw <= most_back_kw``."""
    return (0.0, float(m.car_batteries.back_kw[e, t]))


class GivingBack(Part):
    """What the car at each EVSE gives back; a member is an EVSE."""

    name = "giving back"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the EVSEs that take power back, wherever a car gives some."""
        return both_ways(problem)

    @staticmethod
    def widen(problem: Problem, members: Members) -> Problem:
        """Return the problem with a car at these EVSEs that gives back in every slot."""
        cars = problem.batteries
        back_kw = np.zeros(cars.back_kw.shape)
        back_kw[evses_of(members)] = 1.0
        # Nothing here may depend on the slots that the problem has: the program is stated with fewer of them.
        per_back = frozen(np.ones(back_kw.shape))
        return replace(problem, batteries=replace(cars, back_kw=frozen(back_kw), per_back=per_back))

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:
        """State what is given back, and count it where it adds to a row above."""
        cars = problem.batteries
        cells = [(e, t) for e in evses_of(members) for t in m.slots if cars.gives[e, t]]
        m.giving = pyo.Set(initialize=cells, dimen=2)
        m.back_kw = pyo.Var(m.giving, bounds=back_bounds)
        cost = cost_per_kw(problem, moment)
        added = {e: _added(problem, e) for e in evses_of(members)}
        for e, t in cells:
            m.backs[e, t] = m.back_kw[e, t]
            m.flows.draw(t, -1.0, m.back_kw[e, t])
            for row, facet, per_kw in _loads(problem.topology.rows.of_evse[e], added[e][:, t]):
                m.flows.back_on_row.setdefault((row, facet, t), []).append((per_kw, m.back_kw[e, t]))
            m.flows.cost.append((float(cost[e, t]), m.back_kw[e, t]))

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._evse = np.array(evses_of(members), dtype=np.int64)
        self._back = self.columns["back_kw"][self._evse]
        self._above = self._facets(stated)
        rows = [self.rows["limit"][row, facet] for _, _, row, facet in self._above]
        columns = [self.columns["back_kw"][evse] for evse, _, _, _ in self._above]
        shape = (len(self._above), stated.grid.n_slots)
        self._loads = Entries(
            np.array(rows, dtype=np.int64).reshape(shape),
            np.array(columns, dtype=np.int64).reshape(shape),
            self._on_rows(stated),
        )

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write the greatest power back and what it costs."""
        back = self._back[:, problem.grid.ring]
        sheet.col_upper[back] = problem.batteries.back_kw[self._evse]
        sheet.cost[back] = cost_per_kw(problem, moment)[self._evse]

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield the rows above EVSEs whose car uses other phases than the last one."""
        gives = problem.batteries.gives[[evse for evse, _, _, _ in self._above]]
        yield from self._loads.move(problem.grid.ring, self._on_rows(problem), gives)

    def exclusive(self, problem: Problem) -> tuple[tuple[IntArray, IntArray], ...]:  # noqa: ARG002 - always the same
        """A car is charged or gives back, never both."""
        return ((self.columns["power_kw"][self._evse].reshape(-1), self._back.reshape(-1)),)

    def back_kw(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return what each EVSE's car gives back, in the order of time, shape (E, T) [kW]."""
        out = np.zeros(problem.max_a.shape)
        out[self._evse] = np.maximum(values[self._back[:, problem.grid.ring]], 0.0)
        return frozen(np.minimum(out, problem.batteries.back_kw))

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
        """Return wear, and what the bill counts too much of cars that are there for a part of a slot."""
        return _terms(problem, moment, delivery.back_kw)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - as above
        """Return the price of what is given back, without its sign."""
        per_kwh = np.maximum(np.abs(problem.import_per_kwh), np.abs(problem.export_per_kwh))
        return float((delivery.back_kw * problem.batteries.hours @ per_kwh).sum())

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return wear, and what the bill counts too much of cars that are there for a part of a slot."""
        return _terms(problem, moment, self.back_kw(problem, solution.values))

    def _facets(self, stated: Problem) -> tuple[tuple[int, int, int, int], ...]:
        """Return (EVSE, place of the row above it, row, facet) of every limit above an EVSE that gives back."""
        table = self.rows.get("limit")
        if table is None:
            return ()
        found = []
        above, facets_of = stated.topology.rows.of_evse, stated.topology.reach.facets
        for evse in self._evse.tolist():
            for place, row in enumerate(above[evse].tolist()):
                if 0 <= row < table.shape[0]:
                    facets = np.nonzero((table[row] != NOWHERE).any(axis=1))[0].tolist()
                    is_line = len(facets_of[row]) == 1  # giving back only ever points backwards
                    found += [(evse, place, row, facet) for facet in facets if facet or not is_line]
        return tuple(found)

    def _on_rows(self, problem: Problem) -> FloatArray:
        """Return what a kW back adds along every facet above, shape (n_above, T)."""
        table = np.array(self._above, dtype=np.int64).reshape(-1, 4)
        evse, place, facet = table[:, 0], table[:, 1], table[:, 3]
        return frozen(added_by_back(problem.weight(evse, place), facet[:, None]) / problem.kw_per_a[evse])


def _added(problem: Problem, evse: int) -> FloatArray:
    """Return what a kW back adds along every facet of the rows above an EVSE, shape (K, T, N_FACETS)."""
    places = np.arange(problem.topology.rows.of_evse.shape[1])
    weight = problem.weight(np.full(places.size, evse), places)
    added = added_by_back(read_only(weight[:, :, None]), np.arange(N_FACETS))
    return frozen(added / problem.kw_per_a[evse][None, :, None])


def _loads(rows: IntArray, added: FloatArray) -> list[tuple[int, int, float]]:
    """Return (row, facet, what a kW back adds to it) of an EVSE's rows (K,) from what it adds along facets, (K, F)."""
    places, facets = np.nonzero((rows >= 0)[:, None] & (added > 0.0))
    return list(zip(rows[places].tolist(), facets.tolist(), added[places, facets].tolist(), strict=True))


def cost_per_kw(problem: Problem, moment: Moment) -> FloatArray:
    """Return what a kW back costs for its part of a slot, shape (E, T) [currency/kW]: wear.

    The site's exchange is billed for the whole slot: of a car that is there for a part of it the rest is not given.
    """
    cars = problem.batteries
    # Where nobody gives, the cost is without effect: that of a whole slot keeps it as it is when a car comes.
    hours = np.where(cars.gives, cars.hours, problem.grid.step_h)
    wear = np.where(cars.gives, cars.wear_per_kwh, cars.wear_per_kwh.max(axis=1, initial=0.0, keepdims=True))
    return frozen(wear * hours + problem.import_per_kwh * _billed_h(problem, moment, hours))


def _billed_h(problem: Problem, moment: Moment, hours: FloatArray) -> FloatArray:
    """Return for how long the site's bill counts what is not given, shape (E, T) [h]; below 0 without such a bill."""
    whole_h = problem.open_h if moment.has_bill else np.zeros(problem.grid.n_slots)
    return frozen(whole_h - hours)


def _terms(problem: Problem, moment: Moment, back_kw: FloatArray) -> tuple[ObjectiveTerm, ...]:
    """Return what power back (E, T) [kW] costs beside the site's bill."""
    cars = problem.batteries
    wear = float((cars.wear_per_kwh * cars.hours * back_kw).sum())
    not_given = float((problem.import_per_kwh * _billed_h(problem, moment, cars.hours) * back_kw).sum())
    return ObjectiveTerm("energy", not_given), ObjectiveTerm(WEAR, wear)
