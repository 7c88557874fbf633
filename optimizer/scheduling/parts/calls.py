"""Reductions that were called: what the site draws less than its baseline is paid, what is missing costs."""

from collections.abc import Iterator
from typing import cast

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from models.flexibility import CalledReduction
from optimizer.problem import Problem
from optimizer.reasons import ReasonKind
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.part import Added, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def missing_reduction(m: Model, k: int, t: int) -> Relation:
    """Above what was agreed, reduction is missing.

    ``import_kw[t] - export_kw[t] - missing_kw[k, t] <= baseline_kw[k, t] - called_kw[k, t]`` where something is
    called. What the site draws above its baseline is missing too: a rule without this would pay for drawing more.
    """
    net = [(1.0, m.flows.bill[t]), (-1.0, m.flows.sold[t])]
    return summed([*net, (-1.0, m.missing_kw[k, t])]) <= float(m.agreed_kw[k][t])


class Calls(Part):
    """What is missing of every called reduction, by slot."""

    name = "calls"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the products that are called in the horizon, and that pay or cost anything."""
        calls = problem.flexibility.calls
        return frozenset(call.product_id for call in calls if _per_kwh(call) > 0 and call.called_kw.any())

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - their own prices
        """State what is missing of every call."""
        calls = _held(problem, _ordered(members))
        m.agreed_kw = [_agreed_kw(call) for call in calls]
        m.missing_kw = pyo.Var(range(len(calls)), m.slots, bounds=(0.0, None))
        m.missing_reduction = pyo.Constraint(range(len(calls)), m.slots, rule=missing_reduction)
        for k, call in enumerate(calls):
            per_kw = _per_kwh(call) * problem.open_h
            m.flows.cost += [(per_kw[t], m.missing_kw[k, t]) for t in m.slots]
            m.flows.constant -= _most_paid(problem, call)

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._ids = _ordered(members)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - as above
        """Write what was agreed, and what less of it costs."""
        ring = problem.grid.ring
        for k, call in enumerate(_held(problem, self._ids)):
            sheet.cost[self.columns["missing_kw"][k, ring]] = _per_kwh(call) * problem.open_h
            sheet.row_upper[self.rows["missing_reduction"][k, ring]] = _agreed_kw(call)
            sheet.constant -= _most_paid(problem, call)

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:
        """Yield what a kW costs in slots with a call."""
        for k, product_id in enumerate(self._ids):
            per_kw = np.maximum(-row_duals[self.rows["missing_reduction"][k, problem.grid.ring]], 0.0)
            yield Added(product_id, frozen(per_kw), ReasonKind.FLEXIBILITY)

    def site_cap_kw(self, problem: Problem, values: FloatArray) -> FloatArray | None:
        """Return what was agreed, or what is planned above it, shape (T,) [kW]."""
        if not self.members(problem):
            return None
        ring = problem.grid.ring
        net_kw = values[self.columns["import_kw"][ring]] - values[self.columns["export_kw"][ring]]
        agreed_kw = np.min([_agreed_kw(call) for call in _held(problem, self._ids)], axis=0)
        return frozen(np.maximum(agreed_kw, net_kw))

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return what calls pay for a delivery, as a cost below 0."""
        site_kw = delivery.site_kw(problem)
        calls = _held(problem, _ordered(Calls.members(problem)))
        missing = [np.maximum(site_kw - _agreed_kw(call), 0.0) for call in calls]
        return _terms(problem, calls, missing)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - as above
        """Return all that the calls could pay."""
        return sum(_most_paid(problem, call) for call in problem.flexibility.calls)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what calls pay, as a cost below 0."""
        missing = solution.values[self.columns["missing_kw"][:, problem.grid.ring]]
        return _terms(problem, _held(problem, self._ids), list(missing))


def _terms(
    problem: Problem, calls: tuple[CalledReduction, ...], missing_kw: list[FloatArray]
) -> tuple[ObjectiveTerm, ...]:
    costs = [_per_kwh(call) * float(kw @ problem.open_h) for call, kw in zip(calls, missing_kw, strict=True)]
    paid = [_most_paid(problem, call) for call in calls]
    return (ObjectiveTerm("called reductions", sum(costs) - sum(paid)),)


def _per_kwh(call: CalledReduction) -> float:
    """Return what a missing kWh costs: the payment that is lost, and the penalty [currency/kWh]."""
    return call.pays_per_kwh + call.penalty_per_kwh


def _agreed_kw(call: CalledReduction) -> FloatArray:
    """Return the power down to which the site is asked, shape (T,) [kW]; inf where nothing is called."""
    return frozen(np.where(call.called_kw > 0, call.baseline_kw - call.called_kw, np.inf))


def _most_paid(problem: Problem, call: CalledReduction) -> float:
    return call.pays_per_kwh * float(call.called_kw @ problem.open_h)


def _held(problem: Problem, ids: tuple[str, ...]) -> tuple[CalledReduction, ...]:
    """Return the calls of a program; those that a problem does not have ask for nothing."""
    known = {call.product_id: call for call in problem.flexibility.calls}
    nothing = frozen(np.zeros(problem.grid.n_slots))
    return tuple(known.get(name) or CalledReduction(name, nothing, nothing, 0.0) for name in ids)


def _ordered(members: Members) -> tuple[str, ...]:
    return tuple(sorted(cast("frozenset[str]", members)))
