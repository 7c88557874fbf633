"""Energy given: what a session got in the plan so far, as a chain; for laws that depend on how full a battery is."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import numpy as np
import pyomo.environ as pyo

from models.arrays import frozen
from optimizer.car_batteries import CarBatteries
from optimizer.problem import Problem
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.chain import Links, from_now, link
from optimizer.scheduling.parts.entries import Entries, back_columns
from optimizer.scheduling.parts.part import NOTHING, Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def given_bounds(m: Model, e: int, t: int) -> tuple[float | None, float | None]:
    """A battery is kept between its reserve and its capacity: ``least_kwh <= given_kwh <= most_kwh``."""
    least, most = float(m.car_batteries.least_kwh[e, t]), float(m.car_batteries.most_kwh[e, t])
    return (least if np.isfinite(least) else None, most if np.isfinite(most) else None)


def energy_given(m: Model, e: int, t: int) -> Relation:
    """What a session has been given follows from what it had, and from what it gets in the slot.

    ``given_kwh[e, t] - given_kwh[e, t - 1] - hours[e, t] (power_kw[e, t] - per_back[e, t] back_kw[e, t]) == 0``;
    without ``t - 1`` where a car comes, and in the first slot.
    """
    cars = m.car_batteries
    terms = link(m.given_kwh, e, t, len(m.slots), goes_on=bool(cars.goes_on[e, t]))
    if m.is_open[e][t]:
        terms.append((-float(cars.hours[e, t]), m.power_kw[e, t]))
    if (e, t) in m.backs:
        terms.append((float(cars.hours[e, t] * cars.per_back[e, t]), m.backs[e, t]))
    return summed(terms) == 0.0


class EnergyGiven(Part):
    """The chain of every EVSE at which the state of a car's battery matters."""

    name = "energy given"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return these EVSEs."""
        tapers = np.nonzero(problem.batteries.tapers.any(axis=1))[0].tolist()
        return frozenset(tapers) | both_ways(problem)

    @staticmethod
    def widen(problem: Problem, members: Members) -> Problem:
        """Return the problem with a car at these EVSEs whose battery tapers, in every slot."""
        shape = (problem.topology.n_evses, problem.grid.n_slots)
        evse = evses_of(members)
        accepted_kw = np.full(shape, np.inf)
        accepted_kw[evse] = 1.0
        wide = CarBatteries(
            hours=frozen(np.full(shape, problem.grid.step_h)),
            goes_on=from_now(*shape),
            slope_per_h=frozen(np.ones(shape)),
            accepted_kw=frozen(accepted_kw),
            least_kwh=frozen(np.full(shape, -np.inf)),
            most_kwh=frozen(np.full(shape, np.inf)),
            back_kw=problem.batteries.back_kw,
            per_back=problem.batteries.per_back,
            wear_per_kwh=frozen(np.zeros(shape)),
        )
        return replace(problem, batteries=wide)

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - costs nothing
        """State the chain in all slots."""
        m.chained = evses_of(members)
        m.given_kwh = pyo.Var(m.chained, m.slots, bounds=given_bounds)
        m.energy_given = pyo.Constraint(m.chained, m.slots, rule=energy_given)

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._evse = np.array(evses_of(members), dtype=np.int64)
        cars, rows = stated.batteries, self.rows["energy_given"][self._evse]
        self._links = Links(rows, self.columns["given_kwh"][self._evse], cars.goes_on[self._evse])
        self._hours = Entries(rows, self.columns["power_kw"][self._evse], -cars.hours[self._evse])
        back_h = np.where(cars.gives, cars.hours * cars.per_back, 0.0)[self._evse]
        self._back_h = Entries(rows, back_columns(self.columns, cars.hours.shape)[self._evse], back_h)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - no money
        """Write what batteries are kept between."""
        given = self.columns["given_kwh"][self._evse][:, problem.grid.ring]
        sheet.col_lower[given] = problem.batteries.least_kwh[self._evse]
        sheet.col_upper[given] = problem.batteries.most_kwh[self._evse]

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield links that were cut or joined, and hours that changed."""
        ring, cars = problem.grid.ring, problem.batteries
        yield from self._links.move(ring, cars.goes_on[self._evse])
        is_open = problem.slot_h[self._evse] > 0
        yield from self._hours.move(ring, frozen(-cars.hours[self._evse]), is_open)
        back_h = frozen((cars.hours * cars.per_back)[self._evse])
        yield from self._back_h.move(ring, back_h, cars.gives[self._evse])

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """A chain costs nothing."""
        return ()


def both_ways(problem: Problem) -> Members:
    """Return the EVSEs that take power back, wherever a car gives some: cars come and go, and the program stays."""
    if not problem.batteries.gives.any():
        return NOTHING
    return frozenset(np.nonzero(problem.topology.most_back_a > 0)[0].tolist())


def evses_of(members: Members) -> list[int]:
    """Return members that are EVSEs, in order."""
    return sorted(cast("frozenset[int]", members))
