"""Compiled loops of the blended forecaster; the naive twin of each is in ``tests/reference/past_days.py``."""

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel


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
    n_days = (n_back - lengths.max()) // per_day
    out = np.zeros((n_series, n_days + 1, n_states))
    total, number = np.zeros(n_back + 1), np.zeros(n_back + 1)
    for s in range(n_series):
        for i in range(n_back):
            known = places[i] >= 0 and not np.isnan(values[s, places[i]])
            total[i + 1] = total[i] + (values[s, places[i]] if known else 0.0)
            number[i + 1] = number[i] + (1.0 if known else 0.0)
        for f in range(n_states - 1, -1, -1):
            for d in range(n_days + 1):
                last = n_back - d * per_day
                n = number[last] - number[last - lengths[f]]
                mean = (total[last] - total[last - lengths[f]]) / max(n, 1.0)
                out[s, d, f] = mean if n > 0.0 else np.nan
            _standardise_kernel(out[s, :, f], out[s, :, min(f + 1, n_states - 1)])
    return out


@kernel
def _standardise_kernel(state: FloatArray, instead: FloatArray) -> None:
    """Take the mean away and divide by the spread, in place; what is not known is taken from ``instead``."""
    n, total = 0, 0.0
    for value in state:
        if not np.isnan(value):
            n += 1
            total += value
    mean, squares = total / max(n, 1), 0.0
    for value in state:
        if not np.isnan(value):
            squares += (value - mean) ** 2
    spread = np.sqrt(squares / max(n, 1))
    flat = spread <= 1e-9 * abs(mean) or spread == 0.0
    for d in range(state.size):
        if not np.isnan(state[d]):
            state[d] = 0.0 if flat else (state[d] - mean) / spread
        else:
            state[d] = 0.0 if np.isnan(instead[d]) else instead[d]


@kernel
def busy_kernel(values: FloatArray, places: IntArray, share: float) -> IntArray:
    """Mark each series that has load in more than a share of the slots that are known.

    Parameters
    ----------
    values : (n_series, n_places) float64
    places : (n_back,) int64
        Negative where a slot may not be read.
    share : float

    Returns
    -------
    (n_series,) int64
    """
    busy = np.zeros(values.shape[0], dtype=np.int64)
    for s in range(values.shape[0]):
        known, loaded = 0, 0
        for place in places:
            if place >= 0 and not np.isnan(values[s, place]):
                known += 1
                loaded += 1 if values[s, place] != 0.0 else 0
        busy[s] = 1 if loaded > share * known else 0
    return busy


@kernel
def ascending_kernel(value: FloatArray, order: IntArray, ordered: FloatArray, room: IntArray) -> None:
    """Put a sample in ascending order: into buckets of equal width, then by insertion.

    Parameters
    ----------
    value : (n,) float64
    order, ordered : (n,) int64 and float64
        Filled: the places of the sample in ascending order, equal values as they came; and its values.
    room : (2, at least n + 1) int64
        Room to work in; changed.
    """
    n, count, bucket = value.size, room[0], room[1]
    least, most = value.min(), value.max()
    scale = (n - 1) / (most - least) if most > least else 0.0
    scale = scale if np.isfinite(scale) else 0.0
    count[: n + 1] = 0
    for i in range(n):
        bucket[i] = int((value[i] - least) * scale)
        count[bucket[i] + 1] += 1
    for b in range(n):
        count[b + 1] += count[b]
    for i in range(n):
        place = count[bucket[i]]
        order[place], ordered[place] = i, value[i]
        count[bucket[i]] = place + 1
    for k in range(1, n):
        moved, from_place, j = ordered[k], order[k], k
        while j > 0 and ordered[j - 1] > moved:
            order[j], ordered[j] = order[j - 1], ordered[j - 1]
            j -= 1
        order[j], ordered[j] = from_place, moved


@kernel
def step_quantiles_kernel(
    ordered: FloatArray, order: IntArray, weight: FloatArray, levels: FloatArray, out: FloatArray
) -> None:
    """Write quantiles of a weighted sample, linear between the middles of its steps.

    Parameters
    ----------
    ordered : (n,) float64
        At least one value, ascending.
    order : (n,) int64
        Place of each in ``weight``.
    weight : (n,) float64
        Positive.
    levels, out : (n_levels,) float64
    """
    total, own = weight.sum(), weight[order[0]]
    k, middle, before = 0, 0.5 * own, 0.0
    for i in range(levels.size):
        wanted = levels[i] * total
        while middle < wanted and k < ordered.size - 1:
            k += 1
            following = weight[order[k]]
            before = middle
            middle += 0.5 * (own + following)
            own = following
        out[i] = ordered[k]
        if k > 0 and middle > wanted:
            out[i] = ordered[k - 1] + (wanted - before) / (middle - before) * (ordered[k] - ordered[k - 1])


@kernel
def slopes_kernel(
    value: FloatArray, weight: FloatArray, day: IntArray, state: FloatArray, penalty: float
) -> FloatArray:
    """Slopes of a weighted ridge regression of samples on the states of their days.

    Parameters
    ----------
    value, weight : (n,) float64
    day : (n,) int64
        Row of ``state`` that belongs to each sample.
    state : (n_days, n_states) float64
    penalty : float
        On the squared slopes, relative to the sum of weights.

    Returns
    -------
    (n_states,) float64
    """
    n_days, n_states = state.shape
    total, mean = weight.sum(), (weight * value).sum() / weight.sum()
    mass, sums = np.zeros(n_days), np.zeros(n_days)
    for i in range(value.size):
        mass[day[i]] += weight[i]
        sums[day[i]] += weight[i] * (value[i] - mean)
    gram, moment, centre = np.zeros((n_states, n_states)), np.zeros(n_states), np.zeros(n_states)
    for d in range(n_days):
        for f in range(n_states):
            weighted = mass[d] * state[d, f]
            centre[f] += weighted
            moment[f] += sums[d] * state[d, f]
            for g in range(f + 1):
                gram[f, g] += weighted * state[d, g]
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
def gathered_kernel(
    sample: FloatArray,
    found: tuple[IntArray, IntArray, FloatArray, FloatArray],
    target: int,
    likeness: FloatArray,
    room: FloatArray,
    room_day: IntArray,
) -> int:
    """Collect the known neighbours of one target slot, and return how many there are.

    Parameters
    ----------
    sample : (n_places,) float64
        One series; NaN is left out.
    found : tuple
        Fields of :class:`models.forecasting.past_days.Neighbours`.
    target : int
    likeness : (1 + n_days,) float64
        Of the state of each day before, a factor on its weights.
    room : (at least 3, n_neighbours) float64
        Filled from the left: samples, their slow weights, their fast weights.
    room_day : (n_neighbours,) int64
        Filled from the left: the day before the target that each comes from.
    """
    n, (places, days, weights, _) = 0, found
    for j in range(days.size):
        place, day = places[target, j], days[j]
        if place >= 0 and not np.isnan(sample[place]):
            room[0, n], room_day[n] = sample[place], day
            room[1, n] = weights[0, target, j] * likeness[day]
            room[2, n] = weights[1, target, j] * likeness[day]
            n += 1
    return n


@kernel
def moved_kernel(value: FloatArray, day: IntArray, state: FloatArray, slope: FloatArray) -> None:
    """Move samples, in place, by what the state of now differs from that of their day; zero stays zero.

    Parameters
    ----------
    value : (n,) float64
    day : (n,) int64
        Row of ``state`` that belongs to each sample.
    state : (1 + n_days, n_states) float64
        The first is that of now.
    slope : (n_states,) float64
    """
    for j in range(value.size):
        if value[j] != 0.0:
            for f in range(slope.size):
                value[j] += slope[f] * (state[0, f] - state[day[j], f])


@kernel
def _apart_kernel(state: FloatArray, out: FloatArray) -> None:
    """Write the squared distance of each day's state from the first."""
    for d in range(state.shape[0]):
        out[d] = 0.0
        for f in range(state.shape[1]):
            out[d] += (state[d, f] - state[0, f]) ** 2


@kernel
def _likeness_kernel(apart: FloatArray, fade: float, out: FloatArray) -> None:
    """Write the likeness of each day, from squared distances; a little is left of the most unlike one."""
    for d in range(apart.size):
        out[d] = np.exp(-fade * apart[d]) + 1e-6


@kernel
def memories_kernel(
    values: FloatArray,
    found: tuple[IntArray, IntArray, FloatArray, FloatArray],
    states: FloatArray,
    regressed: IntArray,
    penalty: float,
    levels: FloatArray,
) -> FloatArray:
    """Quantiles of each target slot by three memories: a slow one, a fast one, and one that is moved by the state.

    Parameters
    ----------
    values : (n_series, n_places) float64
        Samples by place of a ring; NaN is left out.
    found : tuple
        Fields of :class:`models.forecasting.past_days.Neighbours`; a class of its own would miss the cache.
    states : (n_series, 1 + n_days, n_states) float64
        As :func:`day_states_kernel` returns them.
    regressed : (n_series,) int64
        0 where the third memory is the first again.
    penalty : float
        Of the regression on states.
    levels : (n_levels,) float64

    Returns
    -------
    (n_series, 3, n_levels, n_targets) float64
        NaN where there is no neighbour.
    """
    n_series, (n_targets, n_most), fade = values.shape[0], found[0].shape, found[3]
    out = np.full((n_series, 3, levels.size, n_targets), np.nan)
    room, room_day = np.empty((4, n_most)), np.empty(n_most, dtype=np.int64)
    order, counts = np.empty(n_most, dtype=np.int64), np.empty((2, n_most + 1), dtype=np.int64)
    apart, likeness = np.empty(states.shape[1]), np.empty(states.shape[1])
    for s in range(n_series):
        _apart_kernel(states[s], apart)
        for t in range(n_targets):
            _likeness_kernel(apart, fade[t], likeness)
            n = gathered_kernel(values[s], found, t, likeness, room, room_day)
            if n == 0:
                continue
            value, slow, ordered = room[0, :n], room[1, :n], room[3, :n]
            ascending_kernel(value, order[:n], ordered, counts)
            step_quantiles_kernel(ordered, order[:n], slow, levels, out[s, 0, :, t])
            step_quantiles_kernel(ordered, order[:n], room[2, :n], levels, out[s, 1, :, t])
            if regressed[s] == 0:
                for i in range(levels.size):
                    out[s, 2, i, t] = out[s, 0, i, t]
                continue
            slope = slopes_kernel(value, slow, room_day[:n], states[s], penalty)
            moved_kernel(value, room_day[:n], states[s], slope)
            ascending_kernel(value, order[:n], ordered, counts)
            step_quantiles_kernel(ordered, order[:n], slow, levels, out[s, 2, :, t])
    return out
