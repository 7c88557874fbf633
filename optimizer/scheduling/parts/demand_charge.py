"""The demand charge: the greatest mean import of a slot in the billing period."""

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.part import NOTHING, Added, Members, Moment, Part, Sheet
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def peak_bounds(m: Model) -> tuple[float, None]:
    """The billing peak never falls: ``peak_kw >= billing_peak_kw``."""
    return (m.billing_peak_kw, None)


def demand_peak(m: Model, t: int) -> Relation:
    """The billing peak covers every slot: ``sum of all drawn in t - peak_kw <= -load_kw[t]``."""
    return summed([*m.flows.at_site.get(t, []), (-1.0, m.peak_kw)]) <= -float(m.load_kw[t])


class DemandCharge(Part):
    """One peak that covers every slot."""

    name = "demand charge"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return one member where a peak is billed."""
        return frozenset({"peak"}) if problem.demand_charge_per_kw > 0 else NOTHING

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - one price
        """State the peak above every slot."""
        m.billing_peak_kw, m.load_kw = problem.billing_peak_kw, problem.load_kw
        m.peak_kw = pyo.Var(bounds=peak_bounds)
        m.demand_peak = pyo.Constraint(m.slots, rule=demand_peak)
        m.flows.cost.append((problem.demand_charge_per_kw, m.peak_kw))

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - the same price for all
        """Write price, peak so far and load."""
        peak = self.columns["peak_kw"]
        sheet.cost[peak] = problem.demand_charge_per_kw
        sheet.col_lower[peak] = problem.billing_peak_kw
        sheet.row_upper[self.rows["demand_peak"][problem.grid.ring]] = -problem.load_kw

    def peak_kw(self, values: FloatArray) -> float:
        """Return the planned billing peak [kW]."""
        return float(values[self.columns["peak_kw"]])

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:
        """Yield what a kW costs in slots that make the peak."""
        rows = self.rows["demand_peak"][problem.grid.ring]
        yield Added(self.name, frozen(np.maximum(-row_duals[rows], 0.0)))

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what the peak costs."""
        cost = problem.demand_charge_per_kw * self.peak_kw(solution.values)
        return (ObjectiveTerm("demand charge", cost),)
