"""The demand charge: the greatest mean import of a slot in the billing period."""

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.part import NOTHING, Added, Members, Moment, Part, Sheet
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def peak_bounds(m: Model) -> tuple[float, None]:
    """The billing peak never falls: ``peak_kw >= billing_peak_kw``."""
    return (m.billing_peak_kw, None)


def demand_peak(m: Model, t: int) -> Relation:
    """The billing peak covers every slot: ``sum of all drawn in t - peak_kw <= -load_kw[t]``.

    Where the site can export it covers the import: ``import_kw[t] - peak_kw <= 0``.
    """
    if m.flows.bill is not None:
        return summed([(1.0, m.flows.bill[t]), (-1.0, m.peak_kw)]) <= 0.0
    return summed([*m.flows.at_site.get(t, []), (-1.0, m.peak_kw)]) <= -float(m.load_kw[t])


def reached_kw(problem: Problem, delivery: Delivery) -> float:
    """Return the billing peak that a delivery reaches, uncontrolled load and the peak so far included [kW]."""
    return max(float(delivery.site_kw(problem).max()), problem.billing_peak_kw)


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

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write price, peak so far and load."""
        peak = self.columns["peak_kw"]
        sheet.cost[peak] = problem.demand_charge_per_kw
        sheet.col_lower[peak] = problem.billing_peak_kw
        rows = self.rows["demand_peak"][problem.grid.ring]
        sheet.row_upper[rows] = 0.0 if moment.has_bill else -problem.load_kw

    def peak_kw(self, values: FloatArray) -> float:
        """Return the planned billing peak [kW]."""
        return float(values[self.columns["peak_kw"]])

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:
        """Yield what a kW costs in slots that make the peak."""
        rows = self.rows["demand_peak"][problem.grid.ring]
        yield Added(self.name, frozen(np.maximum(-row_duals[rows], 0.0)))

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return what the peak costs that a delivery reaches."""
        return (ObjectiveTerm("demand charge", problem.demand_charge_per_kw * reached_kw(problem, delivery)),)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - one price
        """Return the charge on what exceeds the peak so far, and that of the load alone."""
        least_kw = max(problem.billing_peak_kw, float(problem.load_kw.max()))
        return problem.demand_charge_per_kw * (reached_kw(problem, delivery) - least_kw)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what the peak costs."""
        cost = problem.demand_charge_per_kw * self.peak_kw(solution.values)
        return (ObjectiveTerm("demand charge", cost),)
