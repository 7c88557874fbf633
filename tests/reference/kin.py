"""Naive twins of the kernels in ``models/forecasting/kin_kernels.py``: whole arrays, sorting, no running sums."""

import numpy as np


def words(past, car, scales):
    """Distances of what drivers stated, each with all its parts at once."""
    silent = np.isnan(past[8]) | np.isnan(past[9])
    if np.isnan(car[8]):
        return scales[6] * ~np.isnan(past[8])
    apart_h, apart_kwh = np.abs(past[8] - car[8]), np.abs(past[9] - car[9])
    said = apart_h / scales[7] + scales[8] * (apart_h > 9e-3)
    said += apart_kwh / scales[9] + scales[10] * (apart_kwh > 5e-3)
    return np.where(silent, scales[6], said)


def distances(past, car, scales):
    """Distances of all sessions, every part of it an array of its own."""
    turn = (past[1] - car[1] + 12.0) % 24.0 - 12.0
    parts = [(car[0] - past[0]) / scales[0], (turn / scales[1]) ** 2]
    same_kind = past[3] == car[3]
    parts.append(np.select([~same_kind, past[2] != car[2]], [scales[2], scales[3]], 0.0))
    parts += [scales[4] * (past[4] != car[4]), scales[5] * (past[5] != car[5])]
    parts.append(words(past, car, scales))
    parts += [
        np.nan_to_num(np.abs(past[t] - car[t]) * scales[s])
        for t, s in [(7, 11), (10, 12), (11, 13), (12, 14)]
    ]
    return np.sum(parts, axis=0)


def reach(distance, own, span=12.0, most_others=300, n_parts=96):
    """The nearest of the others, and the end of the part in which the last that counts lies, by sorting."""
    rank = np.sort(distance[~own])
    if not rank.size:
        return 0.0, 0.0
    last = rank[most_others - 1] - rank[0] if rank.size >= most_others else np.inf
    parts = min(np.floor(last * n_parts / span) + 1, n_parts)
    return rank[0], rank[0] + parts * span / n_parts


def kin(past, car, scales, span=12.0, most_others=300):
    """Weight of every session, 0 for those that are not looked at, shape (n_past,)."""
    far = distances(past, car, scales)
    own = (past[6] == car[6]) & (car[6] >= 0)
    nearest, limit = reach(far, own, span, most_others)
    mine = np.where(own & (far <= span), np.exp(-far / 2), 0.0)
    theirs = np.where(~own & (far <= limit), np.exp(-(far - nearest) / 2), 0.0)
    wanted = scales[15] if car[6] >= 0 else 1.0
    return mine + (wanted * theirs / theirs.sum() if theirs.any() else 0.0)


def spread(levels, lower, upper):
    """Distances of levels from the nearer end, scaled on their side of the median."""
    end = np.where(levels < 0.5, 0.0, 1.0)
    tail = np.minimum(
        np.abs(levels - end) * np.select([levels < 0.5, levels > 0.5], [lower, upper], 1.0), 0.5
    )
    return np.abs(end - tail)


def survivors(value, weight, levels, beyond, least_more):
    """Inverse of the weighted distribution of what lies above, by search."""
    above = np.asarray(value) > beyond
    if not above.any():
        return np.full(len(levels), beyond + least_more)
    value, weight = np.asarray(value)[above], np.asarray(weight)[above]
    reached = np.cumsum(weight)[None, :] >= np.asarray(levels)[:, None] * weight.sum()
    return np.array([value[np.argmax(row)] if row.any() else value[-1] for row in reached])
