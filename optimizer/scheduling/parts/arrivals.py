"""Cars to come: what the site keeps free for them at its root, so that who is here does not count on it.

They are one virtual consumer, never sent as a pilot and no part of what any car is delivered. What they lack costs
more than any saving of money, and less than what anybody lacks who is here; only in a slot that a car is there for
a small part of may they take what it would have got in that part.
"""

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from optimizer.coming import missed_kwh
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.objective import LEAST_PRIORITY, TIER_FACTOR, Weights
from optimizer.scheduling.parts.chain import Links, from_now, link
from optimizer.scheduling.parts.part import NOTHING, Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def coming_bounds(m: Model, t: int) -> tuple[float, float]:
    """Cars to come take at most their power, and nothing in the first slot: ``0 <= coming_kw <= most_coming_kw``."""
    return (0.0, float(m.coming.most_kw[t]))


def waiting_bounds(m: Model, _: int, t: int) -> tuple[float, float]:
    """What waits after a slot arrived within the length of a stay: ``0 <= waiting_kwh <= stays_kwh``."""
    return (0.0, float(m.coming.stays_kwh[t]))


def missed_bounds(m: Model, t: int) -> tuple[float, float]:
    """No more is missed in a slot than could be given in it: ``0 <= missed_kwh <= here_kwh``."""
    return (0.0, float(m.coming.here_kwh[t]))


def arrivals(m: Model, c: int, t: int) -> Relation:
    """What waits follows from what did, from what arrives, and from what is given or missed.

    ``waiting_kwh[t] - waiting_kwh[t - 1] + h[t] coming_kw[t] + missed_kwh[t] == arriving_kwh[t]``; in the first
    slot without ``t - 1``. Who comes first leaves first, so a bound on what waits keeps every deadline.
    """
    terms = link(m.waiting_kwh, c, t, len(m.slots), goes_on=t > 0)
    terms += [(float(m.open_h[t]), m.coming_kw[t]), (1.0, m.missed_kwh[t])]
    return summed(terms) == float(m.coming.arriving_kwh[t])


def missed_per_kwh(problem: Problem, weights: Weights) -> float:
    """Return what a kWh costs that cars to come do not get [currency/kWh].

    Above :func:`optimizer.scheduling.objective.money_span`, and a tenth of what the car of the least priority pays.
    """
    asked = problem.priority[problem.need_kwh > 0]
    least = max(float(asked.min(initial=1.0)), LEAST_PRIORITY)
    return weights.target_per_kwh * least / TIER_FACTOR


class Arrivals(Part):
    """Power that is kept for cars to come, and their energy that waits or is missed, by slot."""

    name = "arrivals"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return one member where somebody is expected."""
        return frozenset({"cars to come"}) if problem.coming.is_anybody else NOTHING

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - one consumer
        """State what cars to come take at the site's root, what of it is paid for, and what they miss."""
        m.coming, m.open_h = problem.coming, problem.open_h
        m.coming_kw = pyo.Var(m.slots, bounds=coming_bounds)
        m.waiting_kwh = pyo.Var(range(1), m.slots, bounds=waiting_bounds)
        m.missed_kwh = pyo.Var(m.slots, bounds=missed_bounds)
        m.arrivals = pyo.Constraint(range(1), m.slots, rule=arrivals)
        rows, per_kw = problem.topology.rows.tap(problem.topology.root, problem.topology.voltage_v)
        per_missed, cost = missed_per_kwh(problem, moment.weights), _cost_per_kw(problem, moment)
        for t in m.slots:
            m.flows.draw(t, 1.0, m.coming_kw[t])
            m.flows.keep(rows, per_kw, t, m.coming_kw[t])
            m.flows.cost += [(float(cost[t]), m.coming_kw[t]), (per_missed, m.missed_kwh[t])]

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        goes_on = from_now(1, stated.grid.n_slots)
        self._links = Links(self.rows["arrivals"], self.columns["waiting_kwh"], goes_on)
        self._open_h = np.array(stated.open_h)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write prices, bounds and what arrives."""
        ring, coming = problem.grid.ring, problem.coming
        flow, missed = self.columns["coming_kw"][ring], self.columns["missed_kwh"][ring]
        waiting, rows = self.columns["waiting_kwh"][0, ring], self.rows["arrivals"][0, ring]
        sheet.cost[flow] = _cost_per_kw(problem, moment)
        sheet.cost[missed] = missed_per_kwh(problem, moment.weights)
        sheet.col_upper[flow], sheet.col_upper[missed] = coming.most_kw, coming.here_kwh
        sheet.col_upper[waiting] = coming.stays_kwh
        sheet.row_lower[rows] = sheet.row_upper[rows] = coming.arriving_kwh

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield links that were cut or joined, and slots of which another part is left."""
        ring = problem.grid.ring
        yield from self._links.move(ring, from_now(1, ring.size))
        changed = np.nonzero(problem.open_h != self._open_h[ring])[0]
        if changed.size:
            place = ring[changed]
            self._open_h[place] = problem.open_h[changed]
            row, column = self.rows["arrivals"][0, place], self.columns["coming_kw"][place]
            yield Block(row, column, frozen(problem.open_h[changed]))

    def coming_kw(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return what is kept for cars to come, shape (T,) [kW]."""
        return frozen(np.maximum(values[self.columns["coming_kw"][problem.grid.ring]], 0.0))

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
        """Return what cars to come miss beside a schedule, and what their energy costs."""
        idle = np.zeros(problem.grid.n_slots)
        given_kw = idle if delivery.coming_kw is None else delivery.coming_kw
        lost_kwh = missed_kwh(problem.coming, problem.open_h, frozen(given_kw))
        return _terms(problem, moment, frozen(given_kw), lost_kwh)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return what cars to come miss, and what their energy costs."""
        lost_kwh = float(solution.values[self.columns["missed_kwh"]].sum())
        return _terms(problem, moment, self.coming_kw(problem, solution.values), lost_kwh)


def _terms(
    problem: Problem, moment: Moment, given_kw: FloatArray, lost_kwh: float
) -> tuple[ObjectiveTerm, ...]:
    per_missed = missed_per_kwh(problem, moment.weights)
    return (
        ObjectiveTerm("cars to come that find no room", per_missed * lost_kwh),
        ObjectiveTerm("energy of cars to come", float(given_kw @ _cost_per_kw(problem, moment))),
    )


def _cost_per_kw(problem: Problem, moment: Moment) -> FloatArray:
    """Return what a kW costs in every slot [currency/kW]; nothing where the site's exchange is billed."""
    return frozen(
        np.zeros(problem.grid.n_slots) if moment.has_bill else problem.import_per_kwh * problem.open_h
    )
