"""States of days and the regression on them, compiled; naive twins in ``tests/reference/past_days.py``."""

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel

DAY_BITS = 16
DAY_MASK = (1 << DAY_BITS) - 1
"""Low bits of a mark: the day that a sample comes from; its column above."""


@kernel
def day_states_kernel(values: FloatArray, places: IntArray, per_day: int, lengths: IntArray) -> FloatArray:
    """Mean of the last slots before an origin and before the same clock of every day before it, standardised.

    Parameters
    ----------
    values : (n_series, n_places) float64
        Samples by place of a ring; NaN is left out.
    places : (n_back,) int64
        Places of the slots before the origin, oldest first; negative where a slot may not be read.
    per_day : int
        Slots of a day.
    lengths : (n_states,) int64
        Slots that each state looks back over, ascending.

    Returns
    -------
    (n_series, 1 + n_days, n_states) float64
        The first is the origin's own. Less its mean over the days and over its spread; where nothing is known
        the next longer state, and zero where there is none.
    """
    n_series, n_back, n_states = values.shape[0], places.size, lengths.size
    n_days = (n_back - lengths[n_states - 1]) // per_day
    out = np.empty((n_series, n_days + 1, n_states))
    total, number = np.empty(n_back + 1), np.empty(n_back + 1)
    total[0], number[0] = 0.0, 0.0
    for s in range(n_series):
        for i in range(n_back):
            known = places[i] >= 0 and not np.isnan(values[s, places[i]])
            total[i + 1] = total[i] + (values[s, places[i]] if known else 0.0)
            number[i + 1] = number[i] + (1.0 if known else 0.0)
        for f in range(n_states - 1, -1, -1):
            for d in range(n_days + 1):
                last = n_back - d * per_day
                n = number[last] - number[last - lengths[f]]
                sum_kw = total[last] - total[last - lengths[f]]
                out[s, d, f] = sum_kw / n if n > 0.0 else np.nan
            _standardise_kernel(out[s, :, f], out[s, :, f + 1 if f + 1 < n_states else f])
    return out


@kernel
def _standardise_kernel(state: FloatArray, instead: FloatArray) -> None:
    """Take the mean away and divide by the spread, in place; what is not known is taken from ``instead``."""
    n, total = 0, 0.0
    for value in state:
        if not np.isnan(value):
            n += 1
            total += value
    n = n if n > 0 else 1
    mean, squares = total / n, 0.0
    for value in state:
        if not np.isnan(value):
            squares += (value - mean) ** 2
    spread = np.sqrt(squares / n)
    flat = spread <= 1e-9 * abs(mean) or spread == 0.0
    for d in range(state.size):
        if not np.isnan(state[d]):
            state[d] = 0.0 if flat else (state[d] - mean) / spread
        else:
            state[d] = 0.0 if np.isnan(instead[d]) else instead[d]


@kernel
def days_kernel(values: FloatArray, places: IntArray, per_day: int) -> tuple[FloatArray, FloatArray]:
    """Mean, least and greatest load of each day before an origin, and the share of known slots with load.

    Parameters
    ----------
    values : (n_series, n_places) float64
    places : (n_back,) int64
        Places of the slots before the origin, oldest first; negative where a slot may not be read.
    per_day : int
        Slots of a day.

    Returns
    -------
    days : (3, n_series, n_back // per_day) float64
        The latest day first; NaN where nothing is known, means where less than three quarters of a day are.
    loaded : (n_series,) float64
        1 where nothing is known.
    """
    n_series, n_days = values.shape[0], places.size // per_day
    days, share = np.empty((3, n_series, n_days)), np.empty(n_series)
    for s in range(n_series):
        known, loaded = 0, 0
        for d in range(n_days):
            n, total, least, most = 0, 0.0, np.inf, -np.inf
            for i in range(places.size - (d + 1) * per_day, places.size - d * per_day):
                if places[i] >= 0 and not np.isnan(values[s, places[i]]):
                    value = values[s, places[i]]
                    n += 1
                    total += value
                    loaded += 1 if value != 0.0 else 0
                    least, most = min(least, value), max(most, value)
            known += n
            days[0, s, d] = total / n if 4 * n >= 3 * per_day else np.nan
            days[1, s, d] = least if n > 0 else np.nan
            days[2, s, d] = most if n > 0 else np.nan
        share[s] = loaded / known if known > 0 else 1.0
    return days, share


@kernel
def slopes_kernel(by_day: FloatArray, weight: FloatArray, state: FloatArray, penalty: float) -> FloatArray:
    """Slopes of a weighted ridge regression of samples on the states of their days.

    Parameters
    ----------
    by_day : (2, n_days) float64
        How many samples there are of each day, and the sum of what they are above what is usual at their time.
    weight : (n_days,) float64
        Of a sample of each day.
    state : (1 + n_days, n_states) float64
        The first is that of now and is not read.
    penalty : float
        On the squared slopes, relative to the sum of weights.

    Returns
    -------
    (n_states,) float64
    """
    n_days, n_states = weight.size, state.shape[1]
    total, mean = 0.0, 0.0
    for d in range(n_days):
        total += weight[d] * by_day[0, d]
        mean += weight[d] * by_day[1, d]
    mean /= total
    gram, moment, centre = np.empty((n_states, n_states)), np.empty(n_states), np.empty(n_states)
    gram[:], moment[:], centre[:] = 0.0, 0.0, 0.0
    for d in range(n_days):
        mass = weight[d] * by_day[0, d]
        apart = weight[d] * by_day[1, d] - mass * mean
        for f in range(n_states):
            weighted = mass * state[d + 1, f]
            centre[f] += weighted
            moment[f] += apart * state[d + 1, f]
            for g in range(f + 1):
                gram[f, g] += weighted * state[d + 1, g]
    for f in range(n_states):
        for g in range(f + 1):
            gram[f, g] -= centre[f] * centre[g] / total
            gram[g, f] = gram[f, g]
        gram[f, f] += penalty * total
    return solved_kernel(gram, moment)


@kernel
def solved_kernel(matrix: FloatArray, right: FloatArray) -> FloatArray:
    """Solve a small positive definite system by elimination; both arguments are changed."""
    n = right.size
    for k in range(n):
        for i in range(k + 1, n):
            factor = matrix[i, k] / matrix[k, k]
            for j in range(k, n):
                matrix[i, j] -= factor * matrix[k, j]
            right[i] -= factor * right[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            right[k] -= matrix[k, j] * right[j]
        right[k] /= matrix[k, k]
    return right


@kernel
def moved_kernel(
    value: FloatArray, mark: IntArray, state: FloatArray, slope: FloatArray, out: FloatArray
) -> None:
    """Write samples moved by what the state of now differs from that of their day; zero stays zero.

    Parameters
    ----------
    value, mark, out : (n,) float64, int64, float64
        As :func:`gathered_kernel` makes them.
    state : (1 + n_days, n_states) float64
        The first is that of now.
    slope : (n_states,) float64
    """
    move = np.empty(state.shape[0] - 1)
    for d in range(move.size):
        move[d] = 0.0
        for f in range(slope.size):
            move[d] += slope[f] * (state[0, f] - state[d + 1, f])
    for i in range(value.size):
        out[i] = value[i] + move[mark[i] & DAY_MASK] if value[i] != 0.0 else 0.0


@kernel
def likened_kernel(
    weights: FloatArray, row: int, state: FloatArray, fade: FloatArray, out: FloatArray
) -> None:
    """Write weights of days times the likeness of their states to that of now; a little is left of any.

    Parameters
    ----------
    weights : (2, n_rows, n_days) float64
    row : int
        Which of them.
    state : (1 + n_days, n_states) float64
        The first is that of now.
    fade : (n_rows,) float64
        How much a squared distance between states takes, in the exponent.
    out : (2, n_days) float64
    """
    for d in range(out.shape[1]):
        apart = 0.0
        for f in range(state.shape[1]):
            apart += (state[d + 1, f] - state[0, f]) ** 2
        likeness = np.exp(-fade[row] * apart) + 1e-6
        out[0, d], out[1, d] = weights[0, row, d] * likeness, weights[1, row, d] * likeness
