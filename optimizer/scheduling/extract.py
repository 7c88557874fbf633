"""What a solution says in the words of the site: planned power, shortfall, shadow prices, objective terms."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.grid.site import N_PHASES
from models.units import W_PER_KW
from optimizer.problem import Problem
from optimizer.rows import PHASE_NAMES
from optimizer.scheduling.delivery import AssetPower
from optimizer.scheduling.moving import Mover
from optimizer.scheduling.parts.limits import RowPrices
from optimizer.scheduling.parts.part import Added, Moment
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


@dataclass(frozen=True, slots=True)
class PlannedPower:
    """The optimum before rounding.

    Parameters
    ----------
    power_kw, back_kw : (E, T) float64
        What cars are given, and what they give back [kW].
    short_kwh : (E, S, 2 x N_BANDS) float64
        First half short of the target, second half of the minimum [kWh].
    worth_per_kwh : (E, S) float64
        What one more kWh would be worth to each session [currency/kWh].
    in_time_per_kwh : (E, K) float64
        What one more kWh by each deadline would be worth [currency/kWh].
    site_cap_kw : (T,) float64 or None
        Power of the site that keeps to what is planned to be billed [kW]; None where more costs no more.
    prices : RowPrices
        Shadow prices of the limits [currency/kW] and [currency/A], for the length of a slot.
    added : tuple of Added
        What laws of the whole site (peaks, subscription, calls) add to the price of power.
    energy_per_kwh : (T,) float64
        What a kWh costs the site at the margin: imported, or not exported [currency/kWh].
    asset_kw : mapping of str to (T,) float64
        What each asset draws [kW]; below 0 where it gives.
    coming_kw : (T,) float64 or None
        What is kept for cars to come [kW]; None where nobody is expected.
    terms : tuple of ObjectiveTerm
        They sum to the objective, up to the fixed moment that earliness counts from.
    """

    power_kw: FloatArray
    back_kw: FloatArray
    short_kwh: FloatArray
    worth_per_kwh: FloatArray
    in_time_per_kwh: FloatArray
    site_cap_kw: FloatArray | None
    prices: RowPrices
    added: tuple[Added, ...]
    energy_per_kwh: FloatArray
    asset_kw: AssetPower
    coming_kw: FloatArray | None
    terms: tuple[ObjectiveTerm, ...]


def planned_power(solution: Solution, mover: Mover, problem: Problem, moment: Moment) -> PlannedPower:
    """Read a solution back into the order of time."""
    return PlannedPower(
        power_kw=mover.charging.power_kw(problem, solution.values),
        back_kw=mover.back_kw(problem, solution.values),
        short_kwh=mover.charging.short_kwh(problem, solution.values),
        worth_per_kwh=mover.charging.worth_per_kwh(problem, solution.row_duals),
        in_time_per_kwh=mover.in_time_per_kwh(problem, solution.row_duals),
        site_cap_kw=mover.site_cap_kw(problem, solution.values),
        prices=mover.row_prices(problem, solution.row_duals),
        added=mover.adds(problem, solution.row_duals),
        energy_per_kwh=mover.energy_per_kwh(problem, solution.row_duals),
        asset_kw=mover.asset_kw(problem, solution.values),
        coming_kw=mover.coming_kw(problem, solution.values),
        terms=mover.terms(problem, moment, solution),
    )


def marginal_per_kwh(planned: PlannedPower, problem: Problem) -> FloatArray:
    """Return what one more kWh at the site's root is worth in each slot, shape (T,) [currency/kWh].

    The energy price plus the shadow prices of the root's limits: a kW through a balanced three-phase
    connection needs a third of its current on each phase.
    """
    top = problem.topology
    a_per_kw = W_PER_KW / (N_PHASES * top.voltage_v)
    phases = [top.rows.place(top.node_ids[top.root], name) for name in PHASE_NAMES]
    per_unit = planned.prices.per_unit
    per_kw = per_unit[top.root_row] + a_per_kw * per_unit[phases].sum(axis=0)
    return frozen(planned.energy_per_kwh + np.asarray(per_kw) / problem.grid.step_h)
