"""Compiled loops over finished sessions; the naive twin of each is in ``tests/reference/kin.py``."""

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.jit import kernel

N_TRAITS = 13
"""Rows of a memory: day, hour, weekday, day off, site, EVSE, user, log power, stated stay [h], stated energy [kWh],
log of hours since the user left last, log of the energy and of the stay of the session before."""

N_SCALES = 17
"""Scales of a likeness, in the order of the fields of ``models.forecasting.kin.Likeness``."""

SAME_STAY_H = 9e-3  # half a minute: stated times are told in whole minutes
SAME_KWH = 5e-3

REACH = 12.0
"""Distances beyond the nearest that are still looked at: what lies farther weighs less than 0.25 %."""

MOST_OTHERS = 300
"""About so many sessions of others are looked at, the nearest."""

MEDIAN = 0.5

N_PARTS = 96
"""Parts of the reach in which others are counted."""


@kernel
def words_kernel(past: FloatArray, car: FloatArray, scales: FloatArray, distance: FloatArray) -> None:
    """Add to distances how far apart what drivers stated is, in place; shapes as in :func:`distances_kernel`."""
    n = distance.size
    if np.isnan(car[8]):
        for i in range(n):
            distance[i] += 0.0 if np.isnan(past[8, i]) else scales[6]
        return
    for i in range(n):
        apart_h, apart_kwh = abs(past[8, i] - car[8]), abs(past[9, i] - car[9])
        words = apart_h / scales[7] + apart_kwh / scales[9]
        words += scales[8] if apart_h > SAME_STAY_H else 0.0
        words += scales[10] if apart_kwh > SAME_KWH else 0.0
        distance[i] += scales[6] if np.isnan(words) else words


@kernel
def distances_kernel(past: FloatArray, car: FloatArray, scales: FloatArray, distance: FloatArray) -> None:
    """Distances of finished sessions from a car; trait by trait, so that the loops become vector instructions.

    Parameters
    ----------
    past : (N_TRAITS, n_past) float64
        NaN where nothing is known; negative where no user is.
    car : (N_TRAITS,) float64
    scales : (N_SCALES,) float64
    distance : (n_past,) float64
        Changed.
    """
    n = distance.size
    for i in range(n):
        hours = abs(past[1, i] - car[1])
        hours = min(hours, 24.0 - hours) / scales[1]
        distance[i] = (car[0] - past[0, i]) / scales[0] + hours * hours
    for i in range(n):
        weekday = scales[3] if past[2, i] != car[2] else 0.0
        distance[i] += scales[2] if past[3, i] != car[3] else weekday
        distance[i] += scales[4] if past[4, i] != car[4] else 0.0
        distance[i] += scales[5] if past[5, i] != car[5] else 0.0
    words_kernel(past, car, scales, distance)
    for trait, scale in ((7, 11), (10, 12), (11, 13), (12, 14)):
        if not np.isnan(car[trait]):
            for i in range(n):
                apart = abs(past[trait, i] - car[trait]) * scales[scale]
                distance[i] += 0.0 if np.isnan(apart) else apart


@kernel
def reach_kernel(distance: FloatArray, own: BoolArray) -> tuple[float, float]:
    """Return the distance of the nearest session of others, and the one up to which others are looked at.

    That is at most ``REACH`` farther, and no farther than the part of it (of ``N_PARTS``) in which the
    ``MOST_OTHERS``-th lies: counting is cheaper than sorting. Both shapes are (n_past,); without a session of
    others the answer is (0, 0).
    """
    nearest = np.inf
    for i in range(distance.size):
        if not own[i] and distance[i] < nearest:
            nearest = distance[i]
    if nearest == np.inf:
        return 0.0, 0.0
    counts = np.zeros(N_PARTS, dtype=np.int64)
    for i in range(distance.size):
        part = (distance[i] - nearest) * (N_PARTS / REACH)
        if not own[i] and part < N_PARTS:
            counts[int(part)] += 1
    seen = 0
    for part in range(N_PARTS):
        seen += counts[part]
        if seen >= MOST_OTHERS:
            return nearest, nearest + (part + 1) * REACH / N_PARTS
    return nearest, nearest + REACH


@kernel
def kin_kernel(
    past: FloatArray, car: FloatArray, scales: FloatArray, places: IntArray, weights: FloatArray
) -> int:
    """Find the finished sessions that are like a car's, and their weights; return how many.

    A session at distance ``d`` weighs ``exp(-d / 2)``. The user's own sessions count as they are; all others
    together, the population, count as much as ``scales[15]`` sessions at distance 0, or as 1 for a car without a
    user.

    Parameters
    ----------
    past : (N_TRAITS, n_past) float64
    car : (N_TRAITS,) float64
    scales : (N_SCALES,) float64
    places : (n_past,) int64
        Sessions that were found, from the left; changed.
    weights : (n_past,) float64
        Their weights; changed.
    """
    n = past.shape[1]
    distance, own = np.empty(n), np.zeros(n, dtype=np.bool_)
    distances_kernel(past, car, scales, distance)
    if car[6] >= 0.0:
        for i in range(n):
            own[i] = past[6, i] == car[6]
    nearest, farthest = reach_kernel(distance, own)
    n_kin, population = 0, 0.0
    for i in range(n):
        if distance[i] <= (REACH if own[i] else farthest):
            places[n_kin] = i
            weights[n_kin] = np.exp(-0.5 * (distance[i] if own[i] else distance[i] - nearest))
            population += 0.0 if own[i] else weights[n_kin]
            n_kin += 1
    share = (scales[15] if car[6] >= 0.0 else 1.0) / max(population, 1e-300)
    for j in range(n_kin):
        weights[j] *= 1.0 if own[places[j]] else share
    return n_kin


@kernel
def spread_kernel(levels: FloatArray, lower: float, upper: float) -> FloatArray:
    """Multiply the probability of the tail below or above each level by a factor, up to one half.

    Parameters
    ----------
    levels : (n_levels,) float64
        In (0, 1).
    lower, upper : float
        Factors of tails below and above the median, which stays.

    Returns
    -------
    (n_levels,) float64
    """
    out = np.empty(levels.size)
    for i in range(levels.size):
        out[i] = levels[i]
        if levels[i] < MEDIAN:
            out[i] = min(levels[i] * lower, MEDIAN)
        elif levels[i] > MEDIAN:
            out[i] = 1.0 - min((1.0 - levels[i]) * upper, MEDIAN)
    return out


@kernel
def survivors_kernel(
    value: FloatArray, weight: FloatArray, levels: FloatArray, beyond: float, least_more: float
) -> FloatArray:
    """Weighted quantiles of the values above ``beyond``, each one of the values.

    Parameters
    ----------
    value : (n,) float64
        Ascending.
    weight : (n,) float64
        Positive.
    levels : (n_levels,) float64
        Ascending.
    beyond : float
    least_more : float
        So much above ``beyond`` is every quantile where no value is.

    Returns
    -------
    (n_levels,) float64
    """
    first = np.searchsorted(value, beyond, side="right")
    if first == value.size:
        return np.full(levels.size, beyond + least_more)
    out = np.full(levels.size, value[-1])
    total = 0.0
    for i in range(first, value.size):
        total += weight[i]
    cumulated, k = 0.0, 0
    for i in range(first, value.size):
        cumulated += weight[i]
        while k < levels.size and cumulated >= levels[k] * total:
            out[k] = value[i]
            k += 1
        if k == levels.size:
            break
    return out
