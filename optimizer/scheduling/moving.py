"""How a problem's numbers find their places in a compiled program whose horizon is a ring."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.delivery import AssetPower, shared_cells
from optimizer.scheduling.parts.arrivals import Arrivals
from optimizer.scheduling.parts.battery import Batteries
from optimizer.scheduling.parts.charging import Charging
from optimizer.scheduling.parts.discharge import GivingBack
from optimizer.scheduling.parts.entries import back_columns
from optimizer.scheduling.parts.exchange import Exchange
from optimizer.scheduling.parts.limits import Limits, RowPrices
from optimizer.scheduling.parts.milestones import Milestones
from optimizer.scheduling.parts.part import Added, Moment, Part, Sheet
from optimizer.scheduling.parts.sources import Sources
from optimizer.scheduling.program import PARTS, Structure
from optimizer.solver.compiled import NOWHERE, Compiled
from optimizer.solver.live import Coefficients, Numbers, Solution
from optimizer.solver.outcome import ObjectiveTerm, named


class Mover:
    """Turns problems of one structure into numbers for one compiled program.

    Slot ``t`` of a problem lives in place ``step mod n_slots``: when time moves on by one slot, one place
    changes its meaning and all others keep theirs, and the basis with them.
    """

    def __init__(self, compiled: Compiled, structure: Structure, stated: Problem) -> None:
        self._compiled = compiled
        self._parts: dict[str, Part] = {
            part.name: part(compiled, structure.members[part.name], stated)
            for part in PARTS
            if part.name in structure.members
        }

    def numbers(self, problem: Problem, moment: Moment) -> Numbers:
        """Return every cost and bound that ``problem`` gives the program."""
        sheet = Sheet.of(self._compiled)
        for part in self._parts.values():
            part.move(problem, moment, sheet)
        return Numbers(
            cost=frozen(sheet.cost),
            col_lower=frozen(sheet.col_lower),
            col_upper=frozen(sheet.col_upper),
            row_lower=frozen(sheet.row_lower),
            row_upper=frozen(sheet.row_upper),
            constant=sheet.constant,
        )

    def holding(
        self, problem: Problem, numbers: Numbers, power_kw: FloatArray, back_kw: FloatArray
    ) -> Numbers:
        """Return numbers in which cars draw and give back what is said, (E, T) [kW]: what is left are assets."""
        ring, columns, free = problem.grid.ring, self._compiled.columns, shared_cells(problem)
        lower, upper = np.array(numbers.col_lower), np.array(numbers.col_upper)
        power, back = columns["power_kw"], back_columns(columns, columns["power_kw"].shape)
        for column, wanted_kw in ((power[:, ring], power_kw), (back[:, ring], back_kw)):
            there = (column != NOWHERE) & ~free
            held = column[there]
            lower[held] = upper[held] = np.minimum(wanted_kw[there], upper[held])
        return replace(numbers, col_lower=frozen(lower), col_upper=frozen(upper))

    def coefficients(self, problem: Problem) -> Coefficients:
        """Return the coefficients that differ from the last problem's, and remember these."""
        blocks = [block for part in self._parts.values() for block in part.coefficients(problem)]
        nothing = np.empty(0, dtype=np.int64)
        return Coefficients(
            np.concatenate([nothing, *(block.row for block in blocks)]),
            np.concatenate([nothing, *(block.column for block in blocks)]),
            frozen(np.concatenate([np.empty(0), *(block.value for block in blocks)])),
        )

    def exclusive(self, problem: Problem) -> tuple[tuple[IntArray, IntArray], ...]:
        """Return pairs of columns of which at most one may be above 0."""
        return tuple(pair for part in self._parts.values() for pair in part.exclusive(problem))

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return the named parts of the objective; parts of one name are added up."""
        parts = self._parts.values()
        return named(term for part in parts for term in part.terms(problem, moment, solution))

    def adds(self, problem: Problem, row_duals: FloatArray) -> tuple[Added, ...]:
        """Return what laws of the whole site add to the price of its power."""
        return tuple(added for part in self._parts.values() for added in part.adds(problem, row_duals))

    def energy_per_kwh(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what a kWh costs the site at the margin, shape (T,) [currency/kWh]."""
        part = self._parts.get(Exchange.name)
        if not isinstance(part, Exchange):
            return problem.import_per_kwh
        return part.energy_per_kwh(problem, row_duals)

    def asset_kw(self, problem: Problem, values: FloatArray) -> AssetPower:
        """Return what each asset of the problem draws, (T,) [kW] by its name."""
        found: dict[str, FloatArray] = {}
        for part in self._parts.values():
            if isinstance(part, Batteries | Sources):
                found |= part.drawn_kw(problem, values)
        return MappingProxyType(found)

    def coming_kw(self, problem: Problem, values: FloatArray) -> FloatArray | None:
        """Return what is kept for cars to come, shape (T,) [kW]; None where nobody is expected."""
        part = self._parts.get(Arrivals.name)
        is_anybody = isinstance(part, Arrivals) and problem.coming.is_anybody
        return part.coming_kw(problem, values) if isinstance(part, Arrivals) and is_anybody else None

    @property
    def charging(self) -> Charging:
        """The part that every program has."""
        part = self._parts[Charging.name]
        if not isinstance(part, Charging):  # pragma: no cover - its name is its own
            raise TypeError(type(part))
        return part

    def back_kw(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return what cars give back, shape (E, T) [kW]."""
        part = self._parts.get(GivingBack.name)
        if isinstance(part, GivingBack):
            return part.back_kw(problem, values)
        return frozen(np.zeros(problem.max_a.shape))

    def in_time_per_kwh(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what one kWh more by each deadline is worth, shape (E, K) [currency/kWh]."""
        part = self._parts.get(Milestones.name)
        if isinstance(part, Milestones):
            return part.worth_per_kwh(problem, row_duals)
        return frozen(np.zeros(problem.deadlines.need_kwh.shape))

    def row_prices(self, problem: Problem, row_duals: FloatArray) -> RowPrices:
        """Return the shadow prices of all limits."""
        part = self._parts.get(Limits.name)
        if not isinstance(part, Limits):
            return RowPrices.none(problem)
        return part.prices(problem, row_duals)

    def site_cap_kw(self, problem: Problem, values: FloatArray) -> FloatArray | None:
        """Return the power of the site that keeps to what is planned to be billed, shape (T,) [kW], if any."""
        caps = [part.site_cap_kw(problem, values) for part in self._parts.values()]
        stated = [cap_kw for cap_kw in caps if cap_kw is not None]
        return frozen(np.min(stated, axis=0)) if stated else None
