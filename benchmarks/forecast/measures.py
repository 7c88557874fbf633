"""Measures of a group: all slots of all its series and origins together."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from benchmarks.forecast.data import Kind
from benchmarks.forecast.protocol import Outcome
from models.arrays import BoolArray, FloatArray, frozen
from models.forecasting.scores import coverage, weighted_quantile_loss

JUDGED_LEVELS: Final = (0.1, 0.5, 0.9)
LEAD_HOURS: Final = (0, 1, 3, 6, 12, 24)
"""Borders of the lead times by which skill is shown [h]."""

_PER_THOUSAND: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Reliability:
    """How often what came lay below each quantile, each array of shape (n_levels,).

    Parameters
    ----------
    levels : float64
        How often it should.
    observed : float64
        Where a sample equals quantiles, as that of an idle post does, it counts for each of their levels by the part of
        them that lies below it: as if it had been drawn evenly among them.
    below, reached : float64
        Share below the quantile, and share below or at it.
    """

    levels: FloatArray
    observed: FloatArray
    below: FloatArray
    reached: FloatArray


@dataclass(frozen=True, slots=True)
class Figures:
    """What a contender did in a group.

    Parameters
    ----------
    loss : float
        What the group is judged by: WQL, and SPL of feeders.
    wql : float
        Pooled over the group; of feeders, which differ in their units, the mean over series.
    spl : float
        Mean over series of the pinball loss over the error of the weekly naive.
    cov80 : float
        Share inside the 10 and 90 % quantiles, both included.
    above_q90 : float
        Share above the 90 % quantile.
    by_lead : tuple of float
        ``loss`` between the borders of :data:`LEAD_HOURS`.
    cpu_s, learn_s : float
        Processor time of a forecast, and of its history, per 1000 series [s].
    n_series : int
        Series x origins.
    reliability : Reliability
    """

    loss: float
    wql: float
    spl: float
    cov80: float
    above_q90: float
    by_lead: tuple[float, ...]
    cpu_s: float
    learn_s: float
    n_series: int
    reliability: Reliability


def figures(kind: Kind, outcomes: list[Outcome]) -> Figures:
    """Return the measures of a group; outcomes are all of one step."""
    actual = np.concatenate([one.actual for one in outcomes])
    quantiles = np.concatenate([_judged(one) for one in outcomes], axis=1)
    scale = np.concatenate([one.scale for one in outcomes])
    n_series = actual.shape[0]
    wql, spl = _wql(kind, actual, quantiles), _spl(actual, quantiles, scale)
    leads = [(actual[:, a:b], quantiles[:, :, a:b]) for a, b in _leads(outcomes[0].step_s)]
    by_lead = [_spl(*part, scale) if kind is Kind.FEEDER else _wql(kind, *part) for part in leads]
    return Figures(
        loss=spl if kind is Kind.FEEDER else wql,
        wql=wql,
        spl=spl,
        cov80=coverage(actual, quantiles[0], quantiles[2]),
        above_q90=float((actual > quantiles[2])[~np.isnan(actual)].mean()),
        by_lead=tuple(by_lead),
        cpu_s=_PER_THOUSAND * sum(one.cpu_s for one in outcomes) / n_series,
        learn_s=_PER_THOUSAND * sum(one.learn_s for one in outcomes) / n_series,
        n_series=n_series,
        reliability=_reliability(outcomes),
    )


def _judged(outcome: Outcome) -> FloatArray:
    """Quantiles at the levels that are judged, those first, shape (3, n_series, n_slots)."""
    index = [int(np.argmin(np.abs(outcome.levels - level))) for level in JUDGED_LEVELS]
    return frozen(outcome.quantiles[:, index].transpose(1, 0, 2))


def _wql(kind: Kind, actual: FloatArray, quantiles: FloatArray) -> float:
    levels = frozen(JUDGED_LEVELS)
    if np.isnan(actual).all():
        return float("nan")
    if kind is not Kind.FEEDER:
        return weighted_quantile_loss(actual, quantiles, levels)
    known = np.flatnonzero(~np.isnan(actual).all(axis=1))
    return float(np.nanmean([weighted_quantile_loss(actual[s], quantiles[:, s], levels) for s in known]))


def _spl(actual: FloatArray, quantiles: FloatArray, scale: FloatArray) -> float:
    """Mean over series of the pinball loss over the error of the weekly naive; NaN where that never errs."""
    usable = np.flatnonzero((scale > 0.0) & ~np.isnan(actual).all(axis=1))
    if not usable.size:
        return float("nan")
    error = actual[np.newaxis, usable] - quantiles[:, usable]
    level = np.reshape(JUDGED_LEVELS, (-1, 1, 1))
    loss = np.nanmean(np.maximum(level * error, (level - 1.0) * error), axis=(0, 2))
    return float(np.mean(loss / scale[usable]))


def _reliability(outcomes: list[Outcome]) -> Reliability:
    levels, n = outcomes[0].levels, 0
    found = np.zeros((3, levels.size))
    for one in outcomes:
        n += int((~np.isnan(one.actual)).sum())
        below = one.actual[:, np.newaxis] < one.quantiles  # what is not known is never below
        equal = one.actual[:, np.newaxis] == one.quantiles
        told = (below + equal * _shared(equal, levels), below, below | equal)
        found += [part.sum(axis=(0, 2)) for part in told]
    return Reliability(levels, *(frozen(part / n) for part in found))


def _shared(equal: BoolArray, levels: FloatArray) -> FloatArray:
    """Part of what equals several quantiles that lies below each level, shape (n_series, n_levels, n_slots).

    The probability of the value itself is taken to reach halfway to the next quantiles on both sides, and to the end
    where there is none.
    """
    middle = 0.5 * (levels[1:] + levels[:-1])
    borders = np.concatenate(([0.0], middle, [1.0]))
    first = equal.argmax(axis=1)
    last = levels.size - 1 - equal[:, ::-1].argmax(axis=1)
    low, high = (borders[place][:, np.newaxis] for place in (first, last + 1))
    return frozen((levels[:, np.newaxis] - low) / (high - low))


def _leads(step_s: int) -> list[tuple[int, int]]:
    """First and last slot of each lead time."""
    borders = [hours * 3600 // step_s for hours in LEAD_HOURS]
    return list(pairwise(borders))
