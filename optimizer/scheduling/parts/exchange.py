"""The exchange with the grid: what the site imports, what it exports, and what it pays for both.

Only a site that can export, or whose import is billed in other ways, needs it. All others pay for energy where
it is drawn, which is the same.
"""

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, IntArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.part import NOTHING, Members, Moment, Part, Sheet
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


def import_bounds(m: Model, t: int) -> tuple[float, float]:
    """The site imports no more than it can draw: ``0 <= import_kw[t] <= most_import_kw[t]``."""
    return (0.0, float(m.most_import_kw[t]))


def export_bounds(m: Model, t: int) -> tuple[float, float]:
    """The site exports no more than it can give: ``0 <= export_kw[t] <= most_export_kw[t]``."""
    return (0.0, float(m.most_export_kw[t]))


def balance(m: Model, t: int) -> Relation:
    """What is imported, less what is exported, is the load and all that the site draws beside it.

    ``import_kw[t] - export_kw[t] - sum_i sign[i] flow_kw[i, t] == load_kw[t]``
    """
    flows = [(-sign, variable) for sign, variable in m.flows.at_site.get(t, [])]
    return summed([(1.0, m.import_kw[t]), (-1.0, m.export_kw[t]), *flows]) == float(m.load_kw[t])


class Exchange(Part):
    """Import and export of the site by slot, of which at most one is above 0."""

    name = "exchange"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return one member where the site may export, or where more than energy is billed on its import."""
        assets, tariff = problem.assets, problem.tariff
        there = bool(assets.batteries or assets.solar or assets.generators or problem.batteries.gives.any())
        can_export = there or bool((problem.pushed > 0).any() or (problem.load_kw < 0).any())
        is_billed = bool(tariff.peaks or tariff.subscription or problem.flexibility.calls)
        return frozenset({"grid"}) if can_export or is_billed else NOTHING

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - prices are the site's
        """State the balance of every slot, after all that draws and gives."""
        m.load_kw = problem.load_kw
        m.most_import_kw, m.most_export_kw = most_import_kw(problem), most_export_kw(problem)
        m.import_kw = pyo.Var(m.slots, bounds=import_bounds)
        m.export_kw = pyo.Var(m.slots, bounds=export_bounds)
        m.balance = pyo.Constraint(m.slots, rule=balance)
        pays, earns = problem.import_per_kwh * problem.open_h, problem.export_per_kwh * problem.open_h
        m.flows.cost += [(pays[t], m.import_kw[t]) for t in m.slots]
        m.flows.cost += [(-earns[t], m.export_kw[t]) for t in m.slots]
        m.flows.constant -= load_cost(problem)
        m.flows.bill = [m.import_kw[t] for t in m.slots]
        m.flows.sold = [m.export_kw[t] for t in m.slots]

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - as above
        """Write prices, bounds and the load."""
        ring = problem.grid.ring
        imports, exports = self.columns["import_kw"][ring], self.columns["export_kw"][ring]
        sheet.cost[imports] = problem.import_per_kwh * problem.open_h
        sheet.cost[exports] = -problem.export_per_kwh * problem.open_h
        sheet.col_upper[imports] = most_import_kw(problem)
        sheet.col_upper[exports] = most_export_kw(problem)
        rows = self.rows["balance"][ring]
        sheet.row_lower[rows] = problem.load_kw
        sheet.row_upper[rows] = problem.load_kw
        sheet.constant -= load_cost(problem)

    def exclusive(self, problem: Problem) -> tuple[tuple[IntArray, IntArray], ...]:  # noqa: ARG002 - always the same
        """A meter counts one way at a time."""
        return ((self.columns["import_kw"], self.columns["export_kw"]),)

    def energy_per_kwh(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what a kWh costs at the margin, shape (T,) [currency/kWh]: between what it earns and what it costs."""
        per_kw = row_duals[self.rows["balance"][problem.grid.ring]]
        hours = np.where(problem.open_h > 0, problem.open_h, np.inf)
        earns, pays = problem.export_per_kwh, problem.import_per_kwh
        return frozen(np.clip(per_kw / hours, np.minimum(earns, pays), np.maximum(earns, pays)))

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return what the site pays beyond what its load alone would."""
        pays = bill(problem, delivery.site_kw(problem)) - load_cost(problem)
        return (ObjectiveTerm("energy", pays),)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - as above
        """Return the price of every kWh that assets move, without its sign."""
        per_kwh = np.maximum(np.abs(problem.import_per_kwh), np.abs(problem.export_per_kwh))
        moved_kw = sum((np.abs(power_kw) for power_kw in delivery.asset_kw.values()), np.zeros(per_kwh.size))
        return float(moved_kw @ (per_kwh * problem.open_h))

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what the site pays beyond what its load alone would."""
        ring = problem.grid.ring
        import_kw = solution.values[self.columns["import_kw"][ring]]
        export_kw = solution.values[self.columns["export_kw"][ring]]
        pays = float(import_kw @ (problem.import_per_kwh * problem.open_h))
        earns = float(export_kw @ (problem.export_per_kwh * problem.open_h))
        return (ObjectiveTerm("energy", pays - earns - load_cost(problem)),)


def bill(problem: Problem, net_kw: FloatArray) -> float:
    """Return what energy costs a site that draws ``net_kw`` (T,) [currency]: imports less exports."""
    pays = np.maximum(net_kw, 0.0) * problem.import_per_kwh
    earns = np.maximum(-net_kw, 0.0) * problem.export_per_kwh
    return float((pays - earns) @ problem.open_h)


def load_cost(problem: Problem) -> float:
    """Return what the load alone would pay [currency]."""
    return bill(problem, problem.load_kw)


def most_import_kw(problem: Problem) -> FloatArray:
    """Return the greatest import that the site can need and its limit allows, shape (T,) [kW]."""
    root = problem.topology.root_row
    most = problem.load_kw + problem.max_kw.sum(axis=0) + problem.tapped[root]
    return frozen(np.maximum(np.minimum(most, problem.limits.limit[root]), 0.0))


def most_export_kw(problem: Problem) -> FloatArray:
    """Return the greatest export that the site is able to and its limit allows, shape (T,) [kW]."""
    root = problem.topology.root_row
    most = problem.pushed[root] + problem.batteries.back_kw.sum(axis=0) - problem.load_kw
    return frozen(np.maximum(np.minimum(most, -problem.limits.floor[root]), 0.0))
