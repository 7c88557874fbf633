"""Naive twins of the kernels in ``models/forecasting/kernels.py``: no compiled loop, another formula."""

import numpy as np


def neighbours(target, past, readable, shape):
    """Weight of every past slot for every target slot, shape (n_targets, n_past); 0 where it is no neighbour."""
    slots_per_day, width, window, recency, other_weekday, other_type = shape
    angle = (past[0][None] - target[0][:, None]) % slots_per_day
    near = np.minimum(angle, slots_per_day - angle) <= width
    age = target[1][:, None] - past[1][None]
    same_type = past[3][None] == target[3][:, None]
    same_weekday = past[2][None] == target[2][:, None]
    likeness = np.where(same_type, np.where(same_weekday, 1.0, other_weekday), other_type)
    return np.where(near & (age <= window) & (readable == 1)[None], likeness * recency**age, 0.0)


def weighted_quantiles(value, weight, levels):
    """Quantiles by interpolation between the middles of the weight steps."""
    if len(value) == 0:
        return np.full(len(levels), np.nan)
    order = np.argsort(value, kind="stable")
    value, weight = np.asarray(value)[order], np.asarray(weight)[order]
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    return np.interp(levels, middle, value)


def neighbour_quantiles(past, weights, levels):
    """Quantiles of every series for dense weights (n_targets, n_past), shape (n_series, n_levels, n_targets)."""
    rows = []
    for series in past:
        columns = []
        for weight in weights:
            use = (weight > 0) & ~np.isnan(series)
            columns.append(weighted_quantiles(series[use], weight[use], levels))
        rows.append(np.stack(columns, axis=1))
    return np.stack(rows)


def shuffle(marginal, template, tie_break):
    """Ranks by sorting tuples (past value, tie break)."""
    out = np.empty_like(marginal)
    n_series, n_paths, n_slots = marginal.shape
    for s in range(n_series):
        for t in range(n_slots):
            keys = [(0.0 if np.isnan(v) else v, tie_break[i]) for i, v in enumerate(template[s, :, t])]
            for rank, path in enumerate(sorted(range(n_paths), key=keys.__getitem__)):
                out[s, path, t] = marginal[s, rank, t]
    return out


def superpose(path, begin_slot, end_slot, power_kw, shape):
    """Load from the overlap of every block with every slot at once."""
    edges = np.arange(shape[1] + 1)
    inside = np.minimum(edges[1:], end_slot[:, None]) - np.maximum(edges[:-1], begin_slot[:, None])
    blocks = np.maximum(inside, 0.0) * power_kw[:, None]
    return np.stack([blocks[path == p].sum(axis=0) for p in range(shape[0])])
