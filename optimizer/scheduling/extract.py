"""What a solution says in the words of the site: planned power, shortfall, shadow prices, objective terms."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.grid.site import N_PHASES
from models.units import W_PER_KW
from optimizer.problem import Problem
from optimizer.scheduling.moving import Mover
from optimizer.scheduling.objective import N_BANDS, Weights, eagerness, hour_of_slots, shortfall_per_kwh
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


@dataclass(frozen=True, slots=True)
class PlannedPower:
    """The optimum before rounding.

    Parameters
    ----------
    power_kw : (E, T) float64
    short_kwh : (E, S, 2 x N_BANDS) float64
        First half short of the target, second half of the minimum [kWh].
    peak_kw : float or None
        Billing peak that the plan reaches [kW].
    node_per_kw, phase_per_a : (N, T) and (N, 3, T) float64
        Shadow prices of the limits [currency/kW] and [currency/A], for the length of a slot.
    terms : tuple of ObjectiveTerm
        They sum to the objective, up to the fixed moment that earliness counts from.
    """

    power_kw: FloatArray
    short_kwh: FloatArray
    peak_kw: float | None
    node_per_kw: FloatArray
    phase_per_a: FloatArray
    terms: tuple[ObjectiveTerm, ...]


def planned_power(
    solution: Solution, mover: Mover, problem: Problem, weights: Weights, epoch_s: float
) -> PlannedPower:
    """Read a solution back into the order of time."""
    power_kw = mover.power_kw(problem, solution.values)
    short_kwh = mover.short_kwh(problem, solution.values)
    peak_kw = mover.peak_kw(solution.values)
    energy_kwh = power_kw * problem.slot_h
    short_cost = (shortfall_per_kwh(problem, weights) * short_kwh).sum(axis=(0, 1))
    early = weights.early_per_kwh_h * float(
        eagerness(problem) @ (energy_kwh @ hour_of_slots(problem, epoch_s))
    )
    demand = 0.0 if peak_kw is None else problem.demand_charge_per_kw * peak_kw
    return PlannedPower(
        power_kw=power_kw,
        short_kwh=short_kwh,
        peak_kw=peak_kw,
        node_per_kw=mover.node_duals(problem, solution.row_duals),
        phase_per_a=mover.phase_duals(problem, solution.row_duals),
        terms=(
            ObjectiveTerm("shortfall of promised energy", float(short_cost[N_BANDS:].sum())),
            ObjectiveTerm("shortfall of target energy", float(short_cost[:N_BANDS].sum())),
            ObjectiveTerm("energy", float((energy_kwh @ problem.import_per_kwh).sum())),
            ObjectiveTerm("demand charge", demand),
            ObjectiveTerm("early over late", early),
        ),
    )


def marginal_per_kwh(planned: PlannedPower, problem: Problem) -> FloatArray:
    """Return what one more kWh at the site's root is worth in each slot, shape (T,) [currency/kWh].

    The energy price plus the shadow prices of the root's limits: a kW through a balanced three-phase
    connection needs a third of its current on each phase.
    """
    top = problem.topology
    a_per_kw = W_PER_KW / (N_PHASES * top.voltage_v)
    per_kw = planned.node_per_kw[top.root] + a_per_kw * planned.phase_per_a[top.root].sum(axis=0)
    return frozen(problem.import_per_kwh + np.asarray(per_kw) / problem.grid.step_h)
