"""How good a forecast was. Slots whose actual value is NaN are left out of every score."""

import numpy as np

from models.arrays import BoolArray, FloatArray
from models.errors import GridMismatchError


def pinball_loss(actual: FloatArray, quantile: FloatArray, level: float) -> float:
    r"""Mean pinball loss of one predicted quantile, :math:`\max(\tau (y - q), (\tau - 1)(y - q))`.

    Parameters
    ----------
    actual, quantile : float64, same shape
        What happened and its predicted quantile, in one unit.
    level : float in (0, 1)
        Probability :math:`\tau` that the actual value stays below the quantile.

    Returns
    -------
    float
        Loss in the unit of the values; zero only for a perfect forecast.

    Raises
    ------
    GridMismatchError
        The two arrays differ in shape.

    References
    ----------
    .. [1] R. Koenker and G. Bassett, "Regression quantiles," Econometrica, vol. 46, no. 1, pp. 33-50, 1978,
           doi:10.2307/1913643.
    """
    known = _known(actual, quantile)
    error = actual[known] - quantile[known]
    return float(np.maximum(level * error, (level - 1.0) * error).mean())


def weighted_quantile_loss(actual: FloatArray, quantiles: FloatArray, levels: FloatArray) -> float:
    """Twice the mean pinball loss over the levels, over the mean absolute actual value (WQL).

    Parameters
    ----------
    actual : (..., n_slots) float64
    quantiles : (n_levels, ..., n_slots) float64
    levels : (n_levels,) float64

    Returns
    -------
    float
        Without unit; 1 is about as bad as a forecast of nothing. NaN where all that happened was 0.

    Raises
    ------
    GridMismatchError
        The shapes do not belong together.

    References
    ----------
    .. [1] Y. Park et al., "Learning quantile functions without quantile crossing for distribution-free time
           series forecasting," AISTATS 2022, section 5.
    """
    if quantiles.shape[0] != levels.size:
        raise GridMismatchError(f"{levels.size} levels for {quantiles.shape[0]} quantiles")
    losses = [pinball_loss(actual, row, float(level)) for row, level in zip(quantiles, levels, strict=True)]
    size = float(np.nanmean(np.abs(actual)))
    return 2.0 * float(np.mean(losses)) / size if size > 0.0 else float("nan")


def coverage(actual: FloatArray, lower: FloatArray, upper: FloatArray) -> float:
    """Share of slots whose actual value lies inside ``[lower, upper]``; all three of one shape.

    Raises
    ------
    GridMismatchError
        The arrays differ in shape.
    """
    known = _known(actual, lower) & _known(actual, upper)
    inside = (lower[known] <= actual[known]) & (actual[known] <= upper[known])
    return float(inside.mean())


def _known(actual: FloatArray, predicted: FloatArray) -> BoolArray:
    if actual.shape != predicted.shape:
        raise GridMismatchError(f"actual values {actual.shape}, predicted ones {predicted.shape}")
    return ~np.isnan(actual)
