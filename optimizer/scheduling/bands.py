"""Shortfall in bands: what a session stays short of, cut into parts that cost more and more.

The cheapest band fills first, and for all sessions alike: so shortfall is spread, by the width of the bands. Of
each session there are bands of the target, the last of which may be the floor, and bands of the minimum, the last of
which may be a promise.
"""

import numpy as np

from models.arrays import FloatArray, frozen
from optimizer.deadlines import Deadlines, Tier
from optimizer.options import Fairness
from optimizer.problem import Problem
from optimizer.scheduling.objective import Weights

N_BANDS = 4
"""Bands that each kind of shortfall is cut into; rising prices spread it in proportion to what is wanted.

More bands spread finer: the shares of equal cars differ by at most 1 / N_BANDS of what they want.
"""

FAIR_PER_KWH = 5e-3
"""Rise of the shortfall price from band to band [currency/kWh]: above the early preference, below any
difference of energy prices that is worth moving a car for."""


def band_widths_kwh(problem: Problem, weights: Weights) -> FloatArray:
    """Return the width of every shortfall band, shape (E, S, 2 x N_BANDS) [kWh].

    The first half is short of the target, the second half of the minimum. The last one is unbounded, so that
    the program always has an answer.
    """
    minimum = np.minimum(problem.minimum_kwh, problem.need_kwh)
    promised = np.minimum(problem.promised_kwh, minimum)
    floor = np.clip(problem.floor_kwh, minimum, problem.need_kwh) - minimum
    target = problem.need_kwh - minimum - floor
    widths = [
        *_cut(target, problem, weights, n_bands=N_BANDS - bool(weights.floor_per_kwh)),
        *([floor] if weights.floor_per_kwh else []),
        *_cut(minimum - promised, problem, weights, n_bands=N_BANDS - bool(weights.promise_per_kwh)),
        *([promised] if weights.promise_per_kwh else []),
    ]
    widths[-1] = np.full(minimum.shape, np.inf)
    return frozen(np.stack(widths, axis=2))


def shortfall_per_kwh(problem: Problem, weights: Weights) -> FloatArray:
    """Return the price of every shortfall band, shape (E, S, 2 x N_BANDS) [currency/kWh]."""
    tier = np.repeat([weights.target_per_kwh, weights.minimum_per_kwh], N_BANDS)
    rise = FAIR_PER_KWH * np.tile(np.arange(N_BANDS), 2)
    per_kwh = problem.priority[:, :, None] * (tier + rise)
    if weights.floor_per_kwh:
        per_kwh[:, :, N_BANDS - 1] = weights.floor_per_kwh
    if weights.promise_per_kwh:
        per_kwh[:, :, -1] = weights.promise_per_kwh
    return frozen(per_kwh)


def late_widths_kwh(deadlines: Deadlines) -> FloatArray:
    """Return the width of every band of late energy, shape (E, K, N_BANDS) [kWh]; the last one takes any more."""
    return frozen(np.repeat(deadlines.need_kwh[:, :, None] / N_BANDS, N_BANDS, axis=2))


def late_per_kwh(deadlines: Deadlines, weights: Weights) -> FloatArray:
    """Return the price of every band of late energy, shape (E, K, N_BANDS) [currency/kWh]."""
    tier = np.zeros(len(Tier))
    tier[Tier.HEDGE], tier[Tier.PROMISE] = weights.target_per_kwh, weights.promise_per_kwh
    tier[[Tier.MINIMUM, Tier.MILESTONE]] = weights.minimum_per_kwh
    rise = FAIR_PER_KWH * np.arange(N_BANDS)
    return frozen(deadlines.weight[:, :, None] * (tier[deadlines.tier][:, :, None] + rise))


def _cut(energy_kwh: FloatArray, problem: Problem, weights: Weights, *, n_bands: int) -> list[FloatArray]:
    """Return energy (E, S) cut into bands: equal parts of it, or equal times at full power."""
    if weights.fairness is Fairness.PROPORTIONAL:
        return [energy_kwh / n_bands] * n_bands
    full_kw = (problem.max_kw[:, None, :] * (problem.connected_h > 0)).max(axis=2)
    hours = np.divide(energy_kwh, full_kw, out=np.zeros_like(full_kw), where=full_kw > 0)
    band_kwh = np.where(full_kw > 0, full_kw * (hours.max(initial=0.0) / n_bands), energy_kwh / n_bands)
    return [np.clip(energy_kwh - band * band_kwh, 0.0, band_kwh) for band in range(n_bands)]


def short_by_band_kwh(problem: Problem, weights: Weights, session_kwh: FloatArray) -> FloatArray:
    """Return what every session lacks, shape (E, S, 2 x N_BANDS) [kWh]: the cheapest bands fill first.

    Sessions that cannot charge within the horizon lack nothing: a later plan serves them.
    """
    here = problem.connected_h.any(axis=2)
    short_kwh = np.where(here, np.maximum(problem.need_kwh - session_kwh, 0.0), 0.0)
    return filled_kwh(short_kwh, band_widths_kwh(problem, weights))


def filled_kwh(amount_kwh: FloatArray, widths_kwh: FloatArray) -> FloatArray:
    """Return how an amount fills bands one after the other; only the last may be without end [kWh]."""
    before_kwh = np.cumsum(widths_kwh[..., :-1], axis=-1)
    before_kwh = np.concatenate([np.zeros((*amount_kwh.shape, 1)), before_kwh], axis=-1)
    return frozen(np.clip(amount_kwh[..., None] - before_kwh, 0.0, widths_kwh))
