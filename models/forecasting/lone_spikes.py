"""Lone values far outside all that a busy load does: set aside before anything is learnt from them.

A cleaner sees samples as they come, and cannot tell a spike of the first day, or two in a row, from a load that is
new. Looking back over weeks one can: a value far beyond the highest of most days, on a day that has few of them.
"""

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray

_FAR = 8.0
"""Ranges of a day, from the highest of a low day, beyond which a value is far outside; and so below."""

_RARE = 8
"""On a day at most one slot of so many may be far outside: on more the load is new."""

_ALONE = 2.0
"""So many times as far outside as the other slots of its day is a spike."""

_QUARTER = 0.25


def without_lone_spikes(
    values: FloatArray, back: IntArray, per_day: int, extremes: FloatArray, usable: IntArray
) -> FloatArray:
    """Return the samples of a ring, NaN where one is a lone spike; the same array where there is none.

    Parameters
    ----------
    values : (n_series, n_places) float64
    back : (n_back,) int64
        Places of the slots before an origin, oldest first; negative where one may not be read.
    per_day : int
        Slots of a day.
    extremes : (2, n_series, n_days) float64
        Least and greatest value of each day before the origin, the latest first; NaN where none is known.
    usable : (n_series,) int64
        0 for series that are left as they are, such as posts that idle most of the time.
    """
    if not extremes.shape[2]:
        return values
    most = _of_days(extremes[1], _QUARTER)
    least = _of_days(extremes[0], 1.0 - _QUARTER)
    reach = _FAR * (most - least)
    high, low = most + reach, least - reach
    outside = (extremes[1] > high[:, np.newaxis]) | (extremes[0] < low[:, np.newaxis])
    rows = np.flatnonzero(outside.any(axis=1) & (usable > 0) & (reach > 0.0))
    if not rows.size:
        return values
    values = np.array(values)
    whole_days = back[back.size % per_day :]
    for row in rows:
        past = np.where(whole_days >= 0, values[row, whole_days], np.nan)
        lone = _lone(np.maximum(past - most[row], least[row] - past).reshape(-1, per_day), reach[row])
        values[row, whole_days[lone]] = np.nan
    return values  # not frozen: kernels are compiled for arrays that may be written


def _lone(beyond: FloatArray, reach: float) -> BoolArray:
    """Return which slots lie alone far outside, from how far each lies outside, (n_days, per_day) comes in."""
    beyond = np.where(np.isnan(beyond), 0.0, beyond)
    far = beyond > reach
    others = np.where(far, 0.0, beyond).max(axis=1, keepdims=True)
    few = far.sum(axis=1, keepdims=True) * _RARE <= beyond.shape[1]
    lone: BoolArray = (far & few & (beyond > _ALONE * others)).ravel()
    return lone


def _of_days(by_day: FloatArray, level: float) -> FloatArray:
    """Return a quantile over the known days of each series, NaN where none is, shape (n_series,)."""
    ordered = np.sort(by_day, axis=1)  # NaN comes last
    n = (~np.isnan(ordered)).sum(axis=1)
    place = (level * np.maximum(n - 1, 0)).astype(np.int64)
    chosen: FloatArray = ordered[np.arange(n.size), place]
    return chosen
