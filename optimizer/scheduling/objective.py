"""The objective as tiers: shortfall far above money, money far above preferences."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.units import SECONDS_PER_HOUR
from optimizer.deadlines import Deadlines
from optimizer.options import PlanOptions
from optimizer.problem import Problem

N_BANDS = 4
"""Bands that each kind of shortfall is cut into; rising prices spread it in proportion to what is wanted.

More bands spread finer: the shares of equal cars differ by at most 1 / N_BANDS of what they want.
"""

FAIR_PER_KWH = 5e-3
"""Rise of the shortfall price from band to band [currency/kWh]: above the early preference, below any
difference of energy prices that is worth moving a car for."""

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
        Price of a kWh short of the target and of the promised minimum at priority 1 [currency/kWh].
    early_per_kwh_h : float
        Price of delivering a kWh one hour later [currency/(kWh h)].
    """

    target_per_kwh: float
    minimum_per_kwh: float
    early_per_kwh_h: float

    @classmethod
    def of(cls, problem: Problem, options: PlanOptions) -> "Weights":
        """Return weights under which no saving of money buys a shortfall, and no target a promised minimum.

        A kWh costs at most the span of the prices plus the demand charge of the power that delivers it in
        one slot; the target tier is the next power of ten above ten times that, so that it moves rarely.
        Priorities order sessions within a tier: the tiers keep apart those of the least and the greatest.
        """
        prices = problem.import_per_kwh
        span = float(np.abs(prices).max()) * 2.0 + problem.demand_charge_per_kw / problem.grid.step_h
        asked = problem.priority[problem.need_kwh > 0]
        least = max(float(asked.min(initial=1.0)), LEAST_PRIORITY)
        spread = min(float(asked.max(initial=1.0)), 1.0 / LEAST_PRIORITY) / least
        target = TIER_FACTOR * _next_tier(max(span, 0.1) / least)
        return cls(target, target * TIER_FACTOR * _next_tier(spread), options.early_per_kwh / HOURS_PER_DAY)


def _next_tier(value: float) -> float:
    """Return the power of ten at or above a value."""
    return float(TIER_FACTOR ** np.ceil(np.log10(value)))


def band_widths_kwh(problem: Problem) -> FloatArray:
    """Return the width of every shortfall band, shape (E, S, 2 x N_BANDS) [kWh].

    The first half is short of the target, the second half of the minimum; each in equal parts. The last
    one is unbounded, so that the program always has an answer.
    """
    minimum = np.minimum(problem.minimum_kwh, problem.need_kwh)
    target = (problem.need_kwh - minimum)[:, :, None] / N_BANDS
    widths = np.concatenate(
        [np.repeat(target, N_BANDS, axis=2), np.repeat(minimum[:, :, None] / N_BANDS, N_BANDS, axis=2)],
        axis=2,
    )
    widths[:, :, -1] = np.inf
    return frozen(widths)


def shortfall_per_kwh(problem: Problem, weights: Weights) -> FloatArray:
    """Return the price of every shortfall band, shape (E, S, 2 x N_BANDS) [currency/kWh]."""
    tier = np.repeat([weights.target_per_kwh, weights.minimum_per_kwh], N_BANDS)
    rise = FAIR_PER_KWH * np.tile(np.arange(N_BANDS), 2)
    return frozen(problem.priority[:, :, None] * (tier + rise))


def late_widths_kwh(deadlines: Deadlines) -> FloatArray:
    """Return the width of every band of late energy, shape (E, K, N_BANDS) [kWh]; the last one takes any more."""
    return frozen(np.repeat(deadlines.need_kwh[:, :, None] / N_BANDS, N_BANDS, axis=2))


def late_per_kwh(deadlines: Deadlines, weights: Weights) -> FloatArray:
    """Return the price of every band of late energy, shape (E, K, N_BANDS) [currency/kWh]: that of the promised."""
    rise = FAIR_PER_KWH * np.arange(N_BANDS)
    return frozen(deadlines.priority[:, :, None] * (weights.minimum_per_kwh + rise))


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
