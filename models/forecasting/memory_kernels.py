"""What memories of past days say, compiled; naive twins in ``tests/reference/past_days.py``."""

import numpy as np

from models.arrays import FloatArray, IntArray
from models.forecasting.day_kernels import DAY_BITS, DAY_MASK, likened_kernel, moved_kernel, slopes_kernel
from models.jit import kernel

_PLACE_BITS = 20
_PLACE = (1 << _PLACE_BITS) - 1
_KEY_BITS = 42
_KEYS = float((1 << _KEY_BITS) - 1)
"""Bits of a place and of a value in a key that is sorted."""

_BUCKET_BITS = 11
_BUCKET_SHIFT = _PLACE_BITS + _KEY_BITS - _BUCKET_BITS
N_BUCKETS = 1 << _BUCKET_BITS
"""Buckets that are sorted into: some four a sample, where slots are half an hour long."""


@kernel
def gathered_kernel(
    sample: FloatArray, places: IntArray, value: FloatArray, mark: IntArray, by_day: FloatArray
) -> int:
    """Collect the known samples of some columns of past slots, and return how many there are.

    Parameters
    ----------
    sample : (n_places,) float64
        One series; NaN is left out.
    places : (n_columns, n_days) int64
        Places of a slot on the days before; negative where one may not be read.
    value, mark : (n_columns * n_days,) float64 and int64
        Filled from the left: samples, and of each its column times 2**16 and its day.
    by_day : (2, n_days) float64
        Filled: how many samples there are of each day, and the sum of what each is above the mean of its column:
        a day of which the high hours are missing is not a low one.
    """
    n, (n_columns, n_days) = 0, places.shape
    by_day[:] = 0.0
    for c in range(n_columns):
        begin, total = n, 0.0
        for d in range(n_days):
            place = places[c, d]
            if place >= 0 and not np.isnan(sample[place]):
                value[n], mark[n] = sample[place], (c << DAY_BITS) | d
                total += sample[place]
                n += 1
        for i in range(begin, n):
            by_day[0, mark[i] & DAY_MASK] += 1.0
            by_day[1, mark[i] & DAY_MASK] += value[i] - total / (n - begin)
    return n


@kernel
def ascending_kernel(value: FloatArray, order: IntArray, key: IntArray, count: IntArray) -> None:
    """Write the places of values in ascending order: by buckets of equal width, then by insertion.

    Values are compared as whole numbers, in steps of a 2**42th of their range, with their place behind: one
    word is moved instead of two, at twice the speed. Equal values stay as they came.

    Parameters
    ----------
    value, order, key : (n,) float64, int64, int64
        At most 2**20; ``order`` is filled, ``key`` is room to work in.
    count : (N_BUCKETS + 1,) int64
        Room to work in.
    """
    n = value.size
    least, most = value[0], value[0]
    for i in range(n):
        least = min(least, value[i])
        most = max(most, value[i])
    scale = _KEYS / (most - least) if most > least else 0.0
    scale = scale if np.isfinite(scale) else 0.0
    count[:] = 0
    for i in range(n):
        key[i] = (np.int64((value[i] - least) * scale) << _PLACE_BITS) | i
        count[(key[i] >> _BUCKET_SHIFT) + 1] += 1
    for b in range(N_BUCKETS):
        count[b + 1] += count[b]
    for i in range(n):
        b = key[i] >> _BUCKET_SHIFT
        order[count[b]] = key[i]
        count[b] += 1
    for k in range(1, n):
        moved, j = order[k], k
        while j > 0 and order[j - 1] > moved:
            order[j] = order[j - 1]
            j -= 1
        order[j] = moved
    for k in range(n):
        order[k] &= _PLACE


@kernel
def picked_kernel(
    sorted_marks: tuple[FloatArray, IntArray, IntArray],
    first: int,
    behind: int,
    weights: FloatArray,
    out: FloatArray,
) -> int:
    """Pick the samples of some columns in ascending order, with the middles of their weight steps.

    Parameters
    ----------
    sorted_marks : tuple of (n,) float64, int64 and int64
        Values, their marks as :func:`gathered_kernel` makes them, and their places in ascending order.
    first, behind : int
        First column, and the one behind the last.
    weights : (2, n_days) float64
        Of a sample of each day, in two memories.
    out : (3, at least n + 1) float64
        Filled from the left: values, and the weight below the middle of each in both memories; behind the last
        the sum of all weights.

    Returns
    -------
    int
        How many there are.
    """
    n, slow, fast, (value, mark, order) = 0, 0.0, 0.0, sorted_marks
    for place in order:
        column, day = mark[place] >> DAY_BITS, mark[place] & DAY_MASK
        inside = 1 if first <= column < behind else 0  # no branch: what is not inside is overwritten
        out[0, n] = value[place]
        out[1, n] = slow + 0.5 * weights[0, day]
        out[2, n] = fast + 0.5 * weights[1, day]
        slow += inside * weights[0, day]
        fast += inside * weights[1, day]
        n += inside
    out[1, n], out[2, n] = slow, fast
    return n


@kernel
def step_quantiles_kernel(value: FloatArray, middle: FloatArray, levels: FloatArray, out: FloatArray) -> None:
    """Write quantiles of a weighted sample, linear between the middles of its steps.

    Parameters
    ----------
    value : (n,) float64
        At least one, ascending.
    middle : (n + 1,) float64
        Weight below the middle of each, ascending; behind them the sum of all weights.
    levels, out : (n_levels,) float64
    """
    k = 0
    for i in range(levels.size):
        wanted = levels[i] * middle[value.size]
        while k < value.size - 1 and middle[k] < wanted:
            k += 1
        out[i] = value[k]
        if k > 0 and middle[k] > wanted:
            part = (wanted - middle[k - 1]) / (middle[k] - middle[k - 1])
            out[i] = value[k - 1] + part * (value[k] - value[k - 1])


@kernel
def told_kernel(
    samples: tuple[FloatArray, IntArray, IntArray],
    window: tuple[int, int, int, int],
    weights: FloatArray,
    levels: FloatArray,
    room: FloatArray,
    out: FloatArray,
) -> None:
    """Write the quantiles of one target slot by three memories; nothing where it has no neighbour.

    Parameters
    ----------
    samples : tuple of (2, most) float64, (most,) int64 and (2, most) int64
        Values as they are and moved, their marks, and their places in both ascending orders.
    window : tuple of int
        First column that is read and the one behind the last, number of samples, and 0 where none are moved:
        the third memory is then the first again.
    weights : (2, n_days) float64
    levels : (n_levels,) float64
    room : (3, most + 1) float64
        Room to work in.
    out : (3, n_levels) float64
    """
    (value, mark, order), (first, behind, n, regressed) = samples, window
    for moved in range(1 + regressed):
        sample = (value[moved, :n], mark[:n], order[moved, :n])
        picked = picked_kernel(sample, first, behind, weights, room)
        for m in range(2 * moved, 2 + moved if picked > 0 else 0):
            step_quantiles_kernel(room[0, :picked], room[1 + m % 2, : picked + 1], levels, out[m])
    for i in range(levels.size if regressed == 0 else 0):
        out[2, i] = out[0, i]


@kernel
def memories_kernel(
    values: FloatArray,
    found: tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray],
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
    (n_series, 3, n_targets, n_levels) float64
        NaN where there is no neighbour.
    """
    places, blocks, windows, weights, fade = found
    n_days, n_targets = places.shape[1], windows.shape[0]
    most = n_days * (blocks[0, 1] - blocks[0, 0])
    out = np.empty((values.shape[0], 3, n_targets, levels.size))
    out[:] = np.nan
    value, mark, by_day = np.empty((2, most)), np.empty(most, dtype=np.int64), np.empty((2, n_days))
    order, key = np.empty((2, most), dtype=np.int64), np.empty(most, dtype=np.int64)
    count = np.empty(N_BUCKETS + 1, dtype=np.int64)
    likened, room = np.empty((2, n_days)), np.empty((3, most + 1))
    for s in range(values.shape[0]):
        for b in range(blocks.shape[0]):
            columns = places[blocks[b, 0] : blocks[b, 1]]
            n = gathered_kernel(values[s], columns, value[0], mark, by_day)
            if n == 0:
                continue
            for moved in range(1 + regressed[s]):
                if moved == 1:
                    likened_kernel(weights, n_targets + b, states[s], fade, likened)
                    slope = slopes_kernel(by_day, likened[0], states[s], penalty)
                    moved_kernel(value[0, :n], mark[:n], states[s], slope, value[1, :n])
                ascending_kernel(value[moved, :n], order[moved, :n], key[:n], count)
            for t in range(blocks[b, 2], blocks[b, 3]):
                likened_kernel(weights, t, states[s], fade, likened)
                window = (windows[t, 0], windows[t, 1], n, regressed[s])
                told_kernel((value, mark, order), window, likened, levels, room, out[s, :, t])
    return out


@kernel
def mixture_kernel(
    own: FloatArray,
    lent: FloatArray,
    factor: FloatArray,
    part: FloatArray,
    share: FloatArray,
    levels: FloatArray,
) -> FloatArray:
    """Quantiles of mixtures of distributions in equal parts: a series' own, and those of peers times factors.

    Parameters
    ----------
    own : (n_series, n_parts, n_targets) float64
        NaN is left out.
    lent : (n_targets, n_peers, n_parts) float64
    factor, part : (n_series, n_peers) float64
        What each peer's parts are multiplied by, and their share of the mixture; from share 0 none is taken.
    share : (n_series,) float64
        Of its own parts.
    levels : (n_levels,) float64

    Returns
    -------
    (n_series, n_levels, n_targets) float64
        NaN where nothing is mixed.
    """
    (n_series, n_parts, n_targets), n_peers = own.shape, part.shape[1]
    out = np.full((n_series, levels.size, n_targets), np.nan)
    most = n_parts * (n_peers + 1)
    value, weight, room, told = np.empty(most), np.empty(most), np.empty((2, most + 1)), np.empty(levels.size)
    order, key = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    count = np.empty(N_BUCKETS + 1, dtype=np.int64)
    for s in range(n_series):
        for t in range(n_targets):
            n = 0
            for i in range((n_peers + 1) * n_parts):
                peer, place = i // n_parts, i % n_parts
                taken = part[s, peer] if peer < n_peers else share[s]
                one = lent[t, peer, place] * factor[s, peer] if peer < n_peers else own[s, place, t]
                value[n], weight[n] = one, taken
                n += 1 if taken > 0.0 and not np.isnan(one) else 0
            if n == 0:
                continue
            ascending_kernel(value[:n], order[:n], key[:n], count)
            below = 0.0
            for i in range(n):
                own_weight = weight[order[i]]
                room[0, i], room[1, i] = value[order[i]], below + 0.5 * own_weight
                below += own_weight
            room[1, n] = below
            step_quantiles_kernel(room[0, :n], room[1, : n + 1], levels, told)
            for i in range(levels.size):
                out[s, i, t] = told[i]
    return out
