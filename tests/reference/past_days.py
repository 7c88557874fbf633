"""Naive twins of ``models/forecasting/day_kernels.py`` and ``memory_kernels.py``: no loop, another formula."""

import numpy as np


def day_states(values, places, per_day, lengths):
    """Means over slices of the slots before every day's clock, standardised."""
    past = np.where(places >= 0, values[:, places], np.nan)
    n_days = (places.size - max(lengths)) // per_day
    out = np.empty((values.shape[0], n_days + 1, len(lengths)))
    for s, row in enumerate(past):
        instead = np.zeros(n_days + 1)
        for f, length in reversed(list(enumerate(lengths))):
            ends = [places.size - d * per_day for d in range(n_days + 1)]
            parts = [row[end - length : end] for end in ends]
            means = [np.nan if np.isnan(part).all() else np.nanmean(part) for part in parts]
            out[s, :, f] = instead = standardise(np.array(means), instead)
    return out


def standardise(state, instead):
    """(value - mean) / spread of what is known, zero where all are the same; else what stands instead."""
    known = state[~np.isnan(state)]
    if known.size == 0 or np.std(known) <= 1e-9 * abs(np.mean(known)):
        return np.where(np.isnan(state), instead, 0.0)
    return np.where(np.isnan(state), instead, (state - np.mean(known)) / np.std(known))


def days(values, places, per_day):
    """Slices of whole days, the latest first: means, least and greatest; and the share of load in what is known."""
    past = np.where(places >= 0, values[:, places], np.nan)[:, len(places) % per_day :]
    by_day = past.reshape(len(values), -1, per_day)[:, ::-1]
    n = (~np.isnan(by_day)).sum(axis=2)
    means = np.where(n >= 0.75 * per_day, np.nansum(by_day, axis=2) / np.maximum(n, 1), np.nan)
    least = np.where(np.isnan(by_day), np.inf, by_day).min(axis=2)
    most = np.where(np.isnan(by_day), -np.inf, by_day).max(axis=2)
    extremes = np.where(n > 0, np.stack([least, most]), np.nan)
    loaded, known = ((by_day != 0) & ~np.isnan(by_day)).sum(axis=(1, 2)), n.sum(axis=1)
    return np.concatenate([means[np.newaxis], extremes]), np.where(
        known > 0, loaded / np.maximum(known, 1), 1.0
    )


def ascending(value):
    """Stable order."""
    return np.argsort(value, kind="stable")


def step_quantiles(value, middle, levels):
    """Interpolation between the middles of the weight steps, over their sum."""
    return np.interp(levels * middle[-1], middle[:-1], value)


def slopes(by_day, weight, state, penalty):
    """Ridge as least squares on a row for each day, the penalty as rows of its own."""
    (count, total), known = by_day, by_day[0] > 0
    mass = (weight * count)[known]
    root, x = np.sqrt(mass / mass.sum())[:, None], state[1:][known]
    y = total[known] / count[known]
    x, y = x - np.average(x, axis=0, weights=mass), y - np.average(y, weights=mass)
    rows = np.concatenate([root * x, np.sqrt(penalty) * np.eye(x.shape[1])])
    right = np.concatenate([root * y[:, None], np.zeros((x.shape[1], 1))])
    return np.linalg.lstsq(rows, right, rcond=None)[0][:, 0]


def solved(matrix, right):
    """Solution by LAPACK."""
    return np.linalg.solve(matrix, right)


def gathered(sample, places):
    """Known samples of the columns, with column and day; and by day their number and sum above column means."""
    past = np.where(places >= 0, sample[places], np.nan)
    column, day = np.nonzero(~np.isnan(past))
    number = (~np.isnan(past)).sum(axis=1, keepdims=True)
    above = past - np.nansum(past, axis=1, keepdims=True) / np.maximum(number, 1)
    by_day = np.stack([(~np.isnan(past)).sum(axis=0), np.nansum(above, axis=0)])
    return past[column, day], column, day, by_day


def moved(value, day, state, slope):
    """Samples plus slope times difference of states, zeros left alone."""
    return np.where(value == 0.0, 0.0, value + ((state[0] - state[1:]) @ slope)[day])


def picked(value, column, day, columns, weights):
    """Values of some columns, and the weight below the middle of each, the sum of all behind them."""
    inside = (column >= columns[0]) & (column < columns[1])
    own = weights[:, day[inside]]
    middles = np.cumsum(own, axis=1) - own / 2
    return value[inside], np.hstack([middles, own.sum(axis=1, keepdims=True)])


def likened(weights, row, state, fade):
    """Weights times what falls with the squared distance of states from the first, never to nothing."""
    apart = np.square(state[1:] - state[0]).sum(axis=1)
    return weights[:, row] * (np.exp(-fade[row] * apart) + 1e-6)


def told(values, column, day, window, weights, levels):
    """Quantiles of one slot by the slow, the fast and the moved memory."""
    out = np.full((3, len(levels)), np.nan)
    for m, (value, row) in enumerate(zip(values, (0, 1, 0), strict=True)):
        order = ascending(value)
        ordered, middles = picked(value[order], column[order], day[order], window, weights)
        if ordered.size:
            out[m] = step_quantiles(ordered, middles[row], levels)
    return out


def memories(values, found, states, regressed, penalty, levels):
    """The three memories, slot by slot, from the twins above."""
    out = np.full((values.shape[0], 3, len(found.windows), len(levels)), np.nan)
    for s, sample in enumerate(values):
        for b, (first, behind, target, last) in enumerate(found.blocks):
            value, column, day, by_day = gathered(sample, found.places[first:behind])
            if value.size == 0:
                continue
            alike = likened(found.weights, len(found.windows) + b, states[s], found.fade)
            slope = slopes(by_day, alike[0], states[s], penalty)
            other = moved(value, day, states[s], slope) if regressed[s] else value
            for t in range(target, last):
                weights = likened(found.weights, t, states[s], found.fade)
                out[s, :, t] = told((value, value, other), column, day, found.windows[t], weights, levels)
    return out


def mixture(own, lent, factor, part, share, levels):
    """Quantiles of all parts together, slot by slot."""
    out = np.full((len(own), len(levels), own.shape[2]), np.nan)
    for s, t in np.ndindex(len(own), own.shape[2]):
        value = np.append((lent[t] * factor[s, :, None]).ravel(), own[s, :, t])
        weight = np.append(np.repeat(part[s], own.shape[1]), np.full(own.shape[1], share[s]))
        value, weight = value[(weight > 0) & ~np.isnan(value)], weight[(weight > 0) & ~np.isnan(value)]
        if value.size:
            order = ascending(value)
            ordered = weight[order]
            out[s, :, t] = np.interp(levels, (np.cumsum(ordered) - ordered / 2) / ordered.sum(), value[order])
    return out
