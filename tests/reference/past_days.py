"""Naive twins of the kernels in ``models/forecasting/day_kernels.py``: no compiled loop, another formula."""

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


def busy(values, places, share):
    """Share of load among what is known."""
    past = values[:, places[places >= 0]]
    return (((past != 0) & ~np.isnan(past)).sum(axis=1) > share * (~np.isnan(past)).sum(axis=1)).astype(int)


def ascending(value):
    """Stable order."""
    return np.argsort(value, kind="stable")


def step_quantiles(value, weight, order, levels):
    """Interpolation between the middles of the weight steps."""
    ordered = weight[order]
    middle = (np.cumsum(ordered) - ordered / 2) / ordered.sum()
    return np.interp(levels, middle, value[order])


def slopes(value, weight, day, state, penalty):
    """Ridge as least squares on rows of weights, the penalty as rows of its own."""
    root = np.sqrt(weight / weight.sum())[:, None]
    x, y = state[day], value[:, None]
    x, y = x - np.average(x, axis=0, weights=weight), y - np.average(value, weights=weight)
    rows = np.concatenate([root * x, np.sqrt(penalty) * np.eye(state.shape[1])])
    right = np.concatenate([root * y, np.zeros((state.shape[1], 1))])
    return np.linalg.lstsq(rows, right, rcond=None)[0][:, 0]


def solved(matrix, right):
    """Solution by LAPACK."""
    return np.linalg.solve(matrix, right)


def gathered(sample, found, target, likeness):
    """Known neighbours, their weights and days."""
    use = (found.places[target] >= 0) & ~np.isnan(sample[found.places[target]])
    weights = found.weights[:, target, use] * likeness[found.day[use]]
    return np.vstack([sample[found.places[target, use]], weights]), found.day[use]


def moved(value, day, state, slope):
    """Samples plus slope times difference of states, zeros left alone."""
    return np.where(value == 0.0, 0.0, value + (state[0] - state[day]) @ slope)


def apart(state):
    """Squared distances from the first."""
    return np.square(state - state[0]).sum(axis=1)


def likeness(apart, fade):
    """Falls with the distance, never to nothing."""
    return np.exp(-fade * apart) + 1e-6


def memories(values, found, states, regressed, penalty, levels):
    """The three memories, slot by slot, from the twins above."""
    out = np.full((values.shape[0], 3, len(levels), len(found.places)), np.nan)
    for s, sample in enumerate(values):
        for t in range(len(found.places)):
            alike = likeness(apart(states[s]), found.fade[t])
            (value, slow, fast), day = gathered(sample, found, t, alike)
            if value.size == 0:
                continue
            moved_value = value
            if regressed[s]:
                moved_value = moved(value, day, states[s], slopes(value, slow, day, states[s], penalty))
            for m, (y, w) in enumerate(((value, slow), (value, fast), (moved_value, slow))):
                out[s, m, :, t] = step_quantiles(y, w, ascending(y), levels)
    return out
