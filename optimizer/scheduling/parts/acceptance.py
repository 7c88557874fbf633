"""Acceptance: the power that a battery takes falls as it fills."""

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.entries import Entries
from optimizer.scheduling.parts.given import evses_of
from optimizer.scheduling.parts.part import Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def accepted_power(m: Model, e: int, t: int) -> Relation:
    """A battery takes what its falling line accepts halfway through the slot.

    ``power_kw[e, t] + s (given_kwh[e, t] - hours[e, t] power_kw[e, t] / 2) <= P + s (knee - delivered)`` with
    ``given_kwh`` at the end of the slot, ``P`` the full power and ``s`` the slope beyond the knee. A car that
    gives back in the slot is not charged in it.
    """
    cars = m.car_batteries
    if not (m.is_open[e][t] and np.isfinite(cars.accepted_kw[e, t])):
        return pyo.Constraint.Skip
    slope = float(cars.slope_per_h[e, t])
    return summed(
        [(float(_share(cars.slope_per_h, cars.hours)[e, t]), m.power_kw[e, t]), (slope, m.given_kwh[e, t])]
    ) <= float(cars.accepted_kw[e, t])


class AcceptedPower(Part):
    """The falling line of every EVSE whose car would be charged past its knee."""

    name = "acceptance"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return these EVSEs."""
        return frozenset(np.nonzero(problem.batteries.tapers.any(axis=1))[0].tolist())

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - costs nothing
        """State the line in every slot."""
        m.accepted_power = pyo.Constraint(evses_of(members), m.slots, rule=accepted_power)

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._evse = np.array(evses_of(members), dtype=np.int64)
        cars, self._row = stated.batteries, self.rows["accepted_power"][self._evse]
        slope, hours = cars.slope_per_h[self._evse], cars.hours[self._evse]
        self._power = Entries(self._row, self.columns["power_kw"][self._evse], _share(slope, hours))
        self._given = Entries(self._row, self.columns["given_kwh"][self._evse], slope)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - no money
        """Write the height of the lines; where there is none the row is free."""
        sheet.row_upper[self._row[:, problem.grid.ring]] = problem.batteries.accepted_kw[self._evse]

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield slopes and hours that changed."""
        cars, ring = problem.batteries, problem.grid.ring
        slope, hours = cars.slope_per_h[self._evse], cars.hours[self._evse]
        matters = cars.tapers[self._evse]
        yield from self._power.move(ring, _share(slope, hours), matters)
        yield from self._given.move(ring, slope, matters)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """A battery's line costs nothing."""
        return ()


def _share(slope_per_h: FloatArray, hours: FloatArray) -> FloatArray:
    """Return what the power of a slot weighs: its own energy lowers the line by half."""
    return frozen(1.0 - slope_per_h * hours / 2.0)
