"""Measures of a group: all slots of all its series and origins together."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.forecast.data import Kind
from benchmarks.forecast.protocol import Outcome
from models.arrays import FloatArray, frozen
from models.forecasting.scores import coverage, weighted_quantile_loss

JUDGED_LEVELS: Final = (0.1, 0.5, 0.9)
LEAD_HOURS: Final = (0, 1, 3, 6, 12, 24)
"""Borders of the lead times by which skill is shown [h]."""

_PER_THOUSAND: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a contender did in a group.

    Parameters
    ----------
    loss : float
        WQL; of feeders the mean of the pinball losses that are scaled by series (SPL).
    cov80 : float
        Share inside the 10 and 90 % quantiles, both included.
    above_q90 : float
        Share above the 90 % quantile.
    by_lead : tuple of float
        WQL between the borders of :data:`LEAD_HOURS`.
    cpu_s, learn_s : float
        Processor time of a forecast, and of its history, per 1000 series [s].
    """

    loss: float
    cov80: float
    above_q90: float
    by_lead: tuple[float, ...]
    cpu_s: float
    learn_s: float
    n_series: int


def figures(kind: Kind, outcomes: list[Outcome]) -> Figures:
    """Return the measures of a group; outcomes are all of one step."""
    actual = np.concatenate([one.actual for one in outcomes])
    quantiles = np.concatenate([_judged(one) for one in outcomes], axis=1)
    scale = np.concatenate([one.scale for one in outcomes])
    n_series = actual.shape[0]
    return Figures(
        loss=_scaled_loss(actual, quantiles, scale) if kind is Kind.FEEDER else _wql(actual, quantiles),
        cov80=coverage(actual, quantiles[0], quantiles[2]),
        above_q90=float((actual > quantiles[2])[~np.isnan(actual)].mean()),
        by_lead=tuple(_wql(actual[:, a:b], quantiles[:, :, a:b]) for a, b in _leads(outcomes[0].step_s)),
        cpu_s=_PER_THOUSAND * sum(one.cpu_s for one in outcomes) / n_series,
        learn_s=_PER_THOUSAND * sum(one.learn_s for one in outcomes) / n_series,
        n_series=n_series,
    )


def _judged(outcome: Outcome) -> FloatArray:
    """Quantiles at the levels that are judged, those first, shape (3, n_series, n_slots)."""
    index = [int(np.argmin(np.abs(outcome.levels - level))) for level in JUDGED_LEVELS]
    return frozen(outcome.quantiles[:, index].transpose(1, 0, 2))


def _wql(actual: FloatArray, quantiles: FloatArray) -> float:
    return weighted_quantile_loss(actual, quantiles, frozen(JUDGED_LEVELS))


def _scaled_loss(actual: FloatArray, quantiles: FloatArray, scale: FloatArray) -> float:
    """Mean over series of the pinball loss over the error of the weekly naive; NaN where that never errs."""
    usable = scale > 0.0
    error = actual[np.newaxis] - quantiles
    level = np.reshape(JUDGED_LEVELS, (-1, 1, 1))
    loss = np.nanmean(np.maximum(level * error, (level - 1.0) * error), axis=(0, 2))
    return float(np.mean(loss[usable] / scale[usable])) if usable.any() else float("nan")


def _leads(step_s: int) -> list[tuple[int, int]]:
    """First and last slot of each lead time."""
    borders = [hours * 3600 // step_s for hours in LEAD_HOURS]
    return list(pairwise(borders))
