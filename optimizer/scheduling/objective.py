"""The objective as tiers: shortfall far above money, money far above preferences."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.units import SECONDS_PER_HOUR
from optimizer.options import Fairness, PlanOptions
from optimizer.problem import Problem

TIER_FACTOR = 10.0
"""Ratio between neighbouring tiers."""

LEAST_PRIORITY = 0.01
"""Priorities from this to its inverse keep the tiers in order; beyond, prices would outgrow the solver's tolerance."""

HOURS_PER_DAY = 24.0
MINUTES_PER_HOUR = 60.0

N_EAGER = 2
"""Levels of eagerness."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Prices of the objective that are not money.

    Parameters
    ----------
    target_per_kwh, minimum_per_kwh : float
        Price of a kWh short of the target and of the minimum at priority 1 [currency/kWh].
    floor_per_kwh, promise_per_kwh : float
        Price of a kWh short of the share that no priority takes away, and of what a driver was promised, whatever
        the priority [currency/kWh]; 0 where nobody has such a share or promise.
    early_per_kwh_h : float
        Price of delivering a kWh one hour later [currency/(kWh h)].
    fairness : Fairness
    calm_per_switch : float
        Price of switching a car off or on again, beside what the tariff says of it [currency].
    """

    target_per_kwh: float
    minimum_per_kwh: float
    early_per_kwh_h: float
    floor_per_kwh: float = 0.0
    promise_per_kwh: float = 0.0
    fairness: Fairness = Fairness.PROPORTIONAL
    calm_per_switch: float = 0.0

    @classmethod
    def of(cls, problem: Problem, options: PlanOptions) -> "Weights":
        """Return weights under which no saving of money buys a shortfall, and no tier one above it.

        A kWh costs at most :func:`money_span`; the target tier is the next power of ten above ten times that,
        so that it moves rarely.
        Priorities order sessions within a tier: the tiers keep apart those of the least and the greatest. Above
        the target stands the floor, then the minimum, then what was promised; floor and promise are the same
        for every priority.
        """
        span = money_span(problem)
        asked = problem.priority[problem.need_kwh > 0]
        least = max(float(asked.min(initial=1.0)), LEAST_PRIORITY)
        most = min(float(asked.max(initial=1.0)), 1.0 / LEAST_PRIORITY)
        target = TIER_FACTOR * _next_tier(max(span, 0.1) / least)
        floor = target * TIER_FACTOR * most if problem.floor_kwh.any() else 0.0
        tiers_below = TIER_FACTOR * _next_tier(most / least) * (TIER_FACTOR if floor else 1.0)
        minimum = target * tiers_below
        promise = minimum * TIER_FACTOR * most if problem.promised_kwh.any() else 0.0
        early = options.early_per_kwh / HOURS_PER_DAY
        calm = options.calm_per_switch
        return cls(target, minimum, early, floor, promise, options.fairness, calm)


def money_span(problem: Problem) -> float:
    """Return more than moving a kWh can ever save [currency/kWh].

    The span of all prices, plus the charges on peaks of the power that delivers it in one slot, plus what
    flexibility pays for it, plus a restart for it.
    """
    tariff, flexible = problem.tariff, problem.flexibility
    prices = (problem.import_per_kwh, problem.export_per_kwh)
    span = 2.0 * max(float(np.abs(values).max()) for values in prices)
    span += sum(one.cost_per_kwh for one in problem.assets.generators)
    per_kw = problem.demand_charge_per_kw + sum(peak.per_kw for peak in tariff.peaks)
    per_kwh = 0.0 if tariff.subscription is None else tariff.subscription.excess_per_kwh
    per_kwh += sum(reserve.pays_per_kw_h for reserve in flexible.reserves)
    per_kwh += sum(call.pays_per_kwh + call.penalty_per_kwh for call in flexible.calls)
    return span + per_kw / problem.grid.step_h + per_kwh + 2.0 * tariff.switch_cost


def _next_tier(value: float) -> float:
    """Return the power of ten at or above a value."""
    return float(TIER_FACTOR ** np.ceil(np.log10(value)))


def hour_of_slots(problem: Problem, epoch_s: float) -> FloatArray:
    """Return the start of every slot after a fixed moment, shape (T,) [h].

    Counted from a fixed moment, the early preference of a slot does not change when the horizon moves.
    """
    return frozen(problem.grid.steps * (problem.grid.step_s / SECONDS_PER_HOUR) - epoch_s / SECONDS_PER_HOUR)


def eagerness(problem: Problem) -> FloatArray:
    """Return the early preference of each EVSE against others, in [1, 2), shape (E,).

    Between cars for which a slot costs the same, the program would cut their energy into pieces at will; where
    one is more eager, it charges in one go before the other. The minute of a car's arrival decides, which
    is fair, and constant while it stays. Two levels do: the workplace example switches half as often, and a warm
    solve takes 1.4 times as long as with one; a level for every car took twice as long and was no calmer.
    """
    minutes = np.floor(problem.arrival_h * MINUTES_PER_HOUR)
    return frozen(1.0 + minutes % N_EAGER / N_EAGER)


def early_per_kwh(problem: Problem, weights: Weights, epoch_s: float) -> FloatArray:
    """Return the preference for early slots, shape (E, T) [currency/kWh]."""
    early = np.multiply.outer(eagerness(problem), hour_of_slots(problem, epoch_s))
    return frozen(weights.early_per_kwh_h * early)


def energy_per_kwh(problem: Problem, weights: Weights, epoch_s: float) -> FloatArray:
    """Return what a kWh costs where it is not billed at the site's root, shape (E, T) [currency/kWh]."""
    return frozen(problem.import_per_kwh + early_per_kwh(problem, weights, epoch_s))
