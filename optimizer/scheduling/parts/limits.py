"""The limits: no row carries more than it may, facet by facet."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyomo.environ as pyo

from models.arrays import ComplexArray, FloatArray, IntArray, frozen
from optimizer.facets import BACK, DIRECTIONS, N_FACETS, SMALL, Facet
from optimizer.problem import Problem
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.part import Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import NOWHERE, Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def limit(m: Model, r: int, f: int, t: int) -> Relation:
    """No row carries more than its limit, in the direction of a facet.

    ``sum_e Re(d_f weight[e, r]) pilot_a[e, t] + sum_e max(-Re(d_f weight[e, r]), 0) back_a[e, t] + assets
    <= limit[r, t] - Re(d_f offset[r, t])`` with ``d_f = exp(-j pi f / 12)``, ``pilot_a = power_kw / kw_per_a`` and
    ``back_a = back_kw / kw_per_a``. What a car gives back may fail to come, as it unplugs or faults: it counts
    where it adds to a row, and never where it helps.
    """
    terms = [(per_kw[t], m.power_kw[e, t]) for e, per_kw in m.loading[r, f] if m.is_open[e][t] and per_kw[t]]
    sign = DIRECTIONS[f].real
    terms += [(sign * weight, variable) for weight, variable in m.flows.on_row.get((r, t), [])]
    if sign > 0.0:
        terms += [(sign * weight, variable) for weight, variable in m.flows.kept_on.get((r, t), [])]
    terms += m.flows.back_on_row.get((r, f, t), [])
    if not terms:
        return pyo.Constraint.Skip
    return summed(terms) <= float(m.facet_room[r, f][t])


class Limits(Part):
    """Every row that can bind, facet by facet."""

    name = "limits"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the facets that some pilots could exceed, and those that power back could."""
        top, limits = problem.topology, problem.limits
        straight = top.reach.most[:, 0] + problem.tapped
        spare = (limits.limit - limits.offset.real).min(axis=1, initial=np.inf)
        cars = top.back_reach if problem.batteries.gives.any() else np.zeros(top.back_reach.shape)
        found = {Facet(int(row), 0) for row in np.nonzero((straight > spare) & (straight > 0))[0]}
        for row, facets in enumerate(top.reach.facets):
            is_pushed = bool(problem.pushed[row] > 0 or cars[row].any())
            if len(facets) > 1:
                tried: Iterable[int] = range(N_FACETS) if is_pushed else facets
                found |= {Facet(row, f) for f in tried if _can_exceed(problem, Facet(row, f), cars)}
            elif is_pushed and _can_exceed(problem, Facet(row, BACK), cars):
                found.add(Facet(row, BACK))
        return frozenset(found)

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - no money
        """State a limit for every facet and slot."""
        facets = sorted(Facet(*member) for member in members)  # type: ignore[misc] # members are facets
        pairs = Pairs.of(problem, facets)
        m.loading = {facet: [] for facet in facets}
        for place, evse, per_kw in zip(*pairs.listed(problem), strict=True):
            m.loading[facets[place]].append((evse, per_kw))
        m.facet_room = dict(zip(facets, _rooms(problem, facets), strict=True))
        m.limit = pyo.Constraint(facets, m.slots, rule=limit)

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._facets = sorted(Facet(*member) for member in members)  # type: ignore[misc] # as above
        self._pairs = Pairs.of(stated, self._facets)
        self._per_kw, self._n_lines = self._pairs.table(stated), np.array(stated.n_lines)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - limits are no money
        """Write what each row has left beside its load."""
        if self._facets:
            rows = self._places(problem)
            room = _rooms(problem, self._facets)
            sheet.row_upper[rows[rows != NOWHERE]] = room[rows != NOWHERE]

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield the rows above EVSEs whose car uses other phases than the last one."""
        ring, n_lines = problem.grid.ring, np.array(self._n_lines)
        n_lines[:, ring] = np.where(problem.slot_h > 0, problem.n_lines, n_lines[:, ring])
        of_evse = (n_lines != self._n_lines).any(axis=1)
        pairs = np.nonzero(of_evse[self._pairs.evse])[0]
        if pairs.size:
            evse, facet = self._pairs.evse[pairs], np.array(self._facets)[self._pairs.facet[pairs]]
            old, new = (self._per_kw[number[evse], pairs[:, None]] for number in (self._n_lines, n_lines))
            rows, columns = self.rows["limit"][facet[:, 0], facet[:, 1]], self.columns["power_kw"][evse]
            changed = (old != new) & (rows != NOWHERE)
            yield Block(rows[changed], columns[changed], frozen(new[changed]))
        self._n_lines = n_lines

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Limits cost nothing."""
        return ()

    def prices(self, problem: Problem, row_duals: FloatArray) -> "RowPrices":
        """Return what one more kW or A through each row is worth, for the length of a slot."""
        n_rows, n_slots = problem.limits.limit.shape
        by_facet = np.zeros((len(self._facets), n_slots))
        if self._facets:
            rows = self._places(problem)
            by_facet = np.where(rows == NOWHERE, 0.0, np.maximum(-row_duals[rows], 0.0))
        per_unit = np.zeros((n_rows, n_slots))
        for place, facet in enumerate(self._facets):
            per_unit[facet.row] += by_facet[place]
        pairs = self._pairs
        row = np.array([facet.row for facet in self._facets], dtype=np.int64)
        per_kw = pairs.per_kw(problem)
        return RowPrices(frozen(per_unit), frozen(by_facet), row, pairs.facet, pairs.evse, per_kw)

    def _places(self, problem: Problem) -> IntArray:
        facets = np.array(self._facets)
        places: IntArray = self.rows["limit"][facets[:, 0], facets[:, 1]][:, problem.grid.ring]
        return places


class Pairs(NamedTuple):
    """Every (facet, EVSE) whose coefficient can be other than 0, all (P,).

    ``place`` is where the facet's row stands among the rows above the EVSE.
    """

    facet: IntArray
    evse: IntArray
    place: IntArray
    direction: ComplexArray

    @classmethod
    def of(cls, problem: Problem, facets: list[Facet]) -> "Pairs":
        """Return the pairs of some facets, for every phase that a car could use."""
        rows = problem.topology.rows
        loads = (np.abs(rows.weight) > SMALL).any(axis=0)
        evse, place = np.nonzero((rows.of_evse >= 0) & loads)
        row = rows.of_evse[evse, place]
        order = np.argsort(row, kind="stable")
        first, last = np.searchsorted(row[order], [[f.row, f.row + 1] for f in facets]).reshape(-1, 2).T
        taken = [order[begin:end] for begin, end in zip(first, last, strict=True)]
        number = np.repeat(np.arange(len(facets)), [part.size for part in taken])
        chosen = np.concatenate([*taken, np.empty(0, dtype=np.int64)]).astype(np.int64)
        direction = DIRECTIONS[np.array([f.facet for f in facets], dtype=np.int64)[number]]
        return cls(number, evse[chosen], place[chosen], direction)

    def table(self, problem: Problem) -> FloatArray:
        """Return the coefficients of every pair by the number of phases in use, shape (4, P), per kW."""
        rows = problem.topology.rows
        weight = rows.weight[:, self.evse, self.place]
        return frozen((weight * self.direction).real / rows.kw_per_a[:, self.evse])

    def per_kw(self, problem: Problem) -> FloatArray:
        """Return the coefficient of every pair in each slot of a problem, shape (P, T), per kW."""
        pairs = np.arange(self.evse.size)[:, None]
        return frozen(self.table(problem)[problem.n_lines[self.evse], pairs])

    def listed(self, problem: Problem) -> tuple[list[int], list[int], list[list[float]]]:
        """Return facet, EVSE and coefficients by slot of the pairs as lists."""
        return self.facet.tolist(), self.evse.tolist(), self.per_kw(problem).tolist()


class RowPrices(NamedTuple):
    """Shadow prices of the limits, and the way from a row to the EVSEs that load it.

    ``per_unit`` (R, T) is by row [currency/kW or A], ``by_facet`` (F, T) by facet of ``row`` (F,);
    pair ``i`` says that a kW at ``evse[i]`` loads facet ``facet[i]`` by ``per_kw[i]``, (P, T).
    """

    per_unit: FloatArray
    by_facet: FloatArray
    row: IntArray
    facet: IntArray
    evse: IntArray
    per_kw: FloatArray

    @classmethod
    def none(cls, problem: Problem) -> "RowPrices":
        """Return the prices of a program without limits: nothing."""
        nobody = np.empty(0, dtype=np.int64)
        shape = problem.limits.limit.shape
        return cls(
            frozen(np.zeros(shape)),
            frozen(np.zeros((0, shape[1]))),
            nobody,
            nobody,
            nobody,
            frozen(np.zeros((0, shape[1]))),
        )

    def of_evses(self, n_evses: int, least: float = 0.0) -> FloatArray:
        """Return what the limits add to a kW at each EVSE, shape (E, T) [currency/kW].

        Facets whose price is not above ``least`` are left out.
        """
        out = np.zeros((n_evses, self.by_facet.shape[1]))
        counted = np.where(self.by_facet > least, self.by_facet, 0.0)
        np.add.at(out, self.evse, self.per_kw * counted[self.facet])
        return frozen(out)


def _can_exceed(problem: Problem, facet: Facet, cars: FloatArray) -> bool:
    """Return whether the greatest pilots, assets and cars that give back can push a row over a facet."""
    cosine = DIRECTIONS[facet.facet].real
    by_assets = max(cosine * problem.tapped[facet.row], -cosine * problem.pushed[facet.row])
    by_cars = cars[facet.row, facet.facet]
    most = problem.topology.reach.most[facet.row, facet.facet] + by_assets + by_cars
    return bool(most > 0 and (most > _rooms(problem, [facet])).any())


def _rooms(problem: Problem, facets: list[Facet]) -> FloatArray:
    """Return the right-hand side of facets by slot, shape (F, T)."""
    limits = problem.limits
    row, number = np.array(facets, dtype=np.int64).reshape(-1, 2).T
    direction = DIRECTIONS[number][:, None]
    offset = limits.offset[row]
    sunny = np.maximum(-direction.real, 0.0) * limits.sunny[row]
    room = limits.limit[row] - (direction * offset).real
    room = np.where(sunny > 0, np.maximum(room - sunny, 0.0), room)
    is_back = (problem.topology.rows.is_power[row] & (number == BACK))[:, None]
    return frozen(np.where(is_back, np.maximum(offset.real - limits.floor[row] - sunny, 0.0), room))
