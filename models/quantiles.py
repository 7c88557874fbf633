"""A forecast's quantiles, read between the given ones."""

import numpy as np

from models.arrays import FloatArray, frozen


def at_level(levels: FloatArray, quantiles: FloatArray, level: float) -> FloatArray:
    """Return the quantile at probability ``level``, shape (n_slots,).

    Between two given levels it is interpolated; outside them the outermost one holds.

    Parameters
    ----------
    levels : (n_levels,) float64
        Probabilities, ascending.
    quantiles : (n_levels, n_slots) float64
    level : float in (0, 1)
    """
    place = np.interp(level, levels, np.arange(levels.size))
    low = int(place)
    high = min(low + 1, levels.size - 1)
    return frozen(quantiles[low] + (place - low) * (quantiles[high] - quantiles[low]))
