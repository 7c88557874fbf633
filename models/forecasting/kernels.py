"""Compiled loops of the forecasters; the naive twin of each is in ``tests/reference/forecasting.py``."""

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel


@kernel
def neighbours_kernel(
    target: IntArray, past: IntArray, readable: IntArray, shape: FloatArray
) -> tuple[IntArray, FloatArray, IntArray]:
    """Find the past slots that resemble each target slot, and their weights.

    Parameters
    ----------
    target, past : (4, n) int64
        Local slot, local day, weekday and day type of the target slots and of the past ones.
    readable : (n_past,) int64
        1 where a past slot may be read.
    shape : (6,) float64
        Slots per day, width [slots], window [days], factor per day of age, factor for another weekday of the
        same day type, factor for another day type.

    Returns
    -------
    places : (n_targets, n_most) int64
        Past slots, from the left; the rest of a row is not used.
    weights : (n_targets, n_most) float64
    n_found : (n_targets,) int64
    """
    slots_per_day, width, window = int(shape[0]), int(shape[1]), int(shape[2])
    n_targets, n_past = target.shape[1], past.shape[1]
    n_most = min(n_past, (window + 1) * (2 * width + 1) * 2)
    places = np.zeros((n_targets, n_most), dtype=np.int64)
    weights = np.zeros((n_targets, n_most))
    n_found = np.zeros(n_targets, dtype=np.int64)
    for t in range(n_targets):
        found = 0
        for p in range(n_past):
            apart = abs(past[0, p] - target[0, t])
            apart = min(apart, slots_per_day - apart)
            age = target[1, t] - past[1, p]
            if readable[p] == 0 or apart > width or age > window or found == n_most:
                continue
            weight = shape[3] ** age
            if past[3, p] != target[3, t]:
                weight *= shape[5]
            elif past[2, p] != target[2, t]:
                weight *= shape[4]
            if weight > 0.0:
                places[t, found] = p
                weights[t, found] = weight
                found += 1
        n_found[t] = found
    return places, weights, n_found


@kernel
def weighted_quantiles_kernel(value: FloatArray, weight: FloatArray, levels: FloatArray) -> FloatArray:
    """Quantiles of a weighted sample, linear between the middles of its steps; NaN where it is empty.

    Parameters
    ----------
    value, weight : (n,) float64
        Weights are positive.
    levels : (n_levels,) float64

    Returns
    -------
    (n_levels,) float64
    """
    out = np.full(levels.size, np.nan)
    if value.size == 0:
        return out
    order = np.argsort(value, kind="mergesort")  # stable: among equal values the first found stays first
    total = weight.sum()
    k = 0
    below = 0.0  # weight of all samples before the k-th
    previous_middle = 0.0
    middle = 0.5 * weight[order[0]] / total
    for i in range(levels.size):
        while middle < levels[i] and k < value.size - 1:
            below += weight[order[k]]
            k += 1
            previous_middle = middle
            middle = (below + 0.5 * weight[order[k]]) / total
        if k == 0 or middle <= levels[i]:
            out[i] = value[order[k]]
        else:
            part = (levels[i] - previous_middle) / (middle - previous_middle)
            low = value[order[k - 1]]
            out[i] = low + part * (value[order[k]] - low)
    return out


@kernel
def neighbour_quantiles_kernel(
    past: FloatArray, places: IntArray, weights: FloatArray, n_found: IntArray, levels: FloatArray
) -> FloatArray:
    """Weighted quantiles of each series over the neighbours of each target slot; NaN where there are none.

    Parameters
    ----------
    past : (n_series, n_past) float64
        Samples; NaN is left out.
    places, weights, n_found
        As :func:`neighbours_kernel` returns them.
    levels : (n_levels,) float64

    Returns
    -------
    (n_series, n_levels, n_targets) float64
    """
    n_series, n_targets = past.shape[0], places.shape[0]
    out = np.empty((n_series, levels.size, n_targets))
    value = np.empty(places.shape[1])
    weight = np.empty(places.shape[1])
    for s in range(n_series):
        for t in range(n_targets):
            n = 0
            for j in range(n_found[t]):
                sample = past[s, places[t, j]]
                if not np.isnan(sample):
                    value[n] = sample
                    weight[n] = weights[t, j]
                    n += 1
            out[s, :, t] = weighted_quantiles_kernel(value[:n], weight[:n], levels)
    return out


@kernel
def shuffle_kernel(marginal: FloatArray, template: FloatArray, tie_break: FloatArray) -> FloatArray:
    """Order the members of each slot's marginal as the templates are ordered (Schaake shuffle).

    Parameters
    ----------
    marginal : (n_series, n_paths, n_slots) float64
        Ascending along the paths.
    template : (n_series, n_paths, n_slots) float64
        Past trajectories; NaN counts as a tie.
    tie_break : (n_paths,) float64
        Orders equal values of a slot; the same for all slots and series, so that it keeps paths together.

    Returns
    -------
    (n_series, n_paths, n_slots) float64

    References
    ----------
    .. [1] M. Clark et al., "The Schaake shuffle: A method for reconstructing space-time variability in forecasted
           precipitation and temperature fields," J. Hydrometeorology, vol. 5, 2004,
           doi:10.1175/1525-7541(2004)005<0243:TSSAMF>2.0.CO;2.
    """
    n_series, n_paths, n_slots = marginal.shape
    out = np.empty_like(marginal)
    by_tie = np.argsort(tie_break)
    tied = np.empty(n_paths)
    for s in range(n_series):
        for t in range(n_slots):
            for i in range(n_paths):
                past = template[s, by_tie[i], t]
                tied[i] = 0.0 if np.isnan(past) else past
            order = np.argsort(tied, kind="mergesort")  # stable: ties keep the order of tie_break
            for rank in range(n_paths):
                out[s, by_tie[order[rank]], t] = marginal[s, rank, t]
    return out


@kernel
def superpose_kernel(
    path: IntArray, begin_slot: FloatArray, end_slot: FloatArray, power_kw: FloatArray, load_kw: FloatArray
) -> None:
    """Add charging blocks of constant power to the load of their paths, in place.

    Parameters
    ----------
    path : (n_blocks,) int64
    begin_slot, end_slot : (n_blocks,) float64
        In slots since the start of the horizon; what lies outside it is cut.
    power_kw : (n_blocks,) float64
    load_kw : (n_paths, n_slots) float64
        Mean power of each slot [kW]; changed.
    """
    n_slots = load_kw.shape[1]
    for b in range(path.size):
        begin, end = max(begin_slot[b], 0.0), min(end_slot[b], float(n_slots))
        t = int(begin)
        while t < end:
            inside = min(end, t + 1.0) - max(begin, float(t))
            load_kw[path[b], t] += power_kw[b] * max(inside, 0.0)
            t += 1
