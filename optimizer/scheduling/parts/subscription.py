"""Subscribed power: what a site imports above it is billed by energy."""

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from models.prices import Subscription
from optimizer.problem import Problem
from optimizer.reasons import ReasonKind
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.part import NOTHING, Added, Members, Moment, Part, Sheet
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

TERM = "above the subscribed power"
FREE = Subscription(0.0, 0.0)
"""What a site without a subscription pays."""


def excess_import(m: Model, t: int) -> Relation:
    """What exceeds the subscribed power is excess: ``import_kw[t] - excess_kw[t] <= subscribed_kw``."""
    return summed([(1.0, m.flows.bill[t]), (-1.0, m.excess_kw[t])]) <= m.subscribed_kw


class SubscribedPower(Part):
    """The import of every slot beyond what is subscribed; means of slots, as they are billed."""

    name = "subscription"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return one member where excess costs anything."""
        held = problem.tariff.subscription
        return frozenset({"excess"}) if held is not None and held.excess_per_kwh > 0 else NOTHING

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - one member
        """State the excess of every slot."""
        held = _subscription(problem)
        m.subscribed_kw = held.subscribed_kw
        m.excess_kw = pyo.Var(m.slots, bounds=(0.0, None))
        m.excess_import = pyo.Constraint(m.slots, rule=excess_import)
        m.flows.cost += [(held.excess_per_kwh * problem.open_h[t], m.excess_kw[t]) for t in m.slots]

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - the tariff's prices
        """Write the subscribed power and the price of more."""
        ring, held = problem.grid.ring, _subscription(problem)
        sheet.cost[self.columns["excess_kw"][ring]] = held.excess_per_kwh * problem.open_h
        sheet.row_upper[self.rows["excess_import"]] = held.subscribed_kw

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:
        """Yield what a kW costs in slots that are at the subscribed power or above it."""
        per_kw = np.maximum(-row_duals[self.rows["excess_import"][problem.grid.ring]], 0.0)
        yield Added("subscribed power", frozen(per_kw), ReasonKind.PEAK)

    def site_cap_kw(self, problem: Problem, values: FloatArray) -> FloatArray | None:
        """Return the subscribed power, or what is planned above it, shape (T,) [kW]."""
        if not self.members(problem):
            return None
        import_kw = values[self.columns["import_kw"][problem.grid.ring]]
        return frozen(np.maximum(import_kw, _subscription(problem).subscribed_kw))

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return what the excess of a delivery costs."""
        return (ObjectiveTerm(TERM, _excess_cost(problem, delivery.site_kw(problem))),)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - as above
        """Return what it costs beyond the excess of the load alone."""
        more = _excess_cost(problem, delivery.site_kw(problem)) - _excess_cost(problem, problem.load_kw)
        return max(more, 0.0)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what the excess costs."""
        excess_kwh = float(solution.values[self.columns["excess_kw"][problem.grid.ring]] @ problem.open_h)
        return (ObjectiveTerm(TERM, _subscription(problem).excess_per_kwh * excess_kwh),)


def _subscription(problem: Problem) -> Subscription:
    return problem.tariff.subscription or FREE


def _excess_cost(problem: Problem, site_kw: FloatArray) -> float:
    """Return what the excess of a site costs that draws ``site_kw``, shape (T,) [currency]."""
    held = _subscription(problem)
    excess_kw = np.maximum(site_kw - held.subscribed_kw, 0.0)
    return float(excess_kw @ problem.open_h) * held.excess_per_kwh
