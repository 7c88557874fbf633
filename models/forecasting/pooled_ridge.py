"""Pooled ridge: one regression for all series on lags and the calendar, each in units of its own spread.

What it learns are sums: products of features and samples, by past origin. An origin is read once, when all that it
looked ahead to has come; a forecast adds up the last of them. The spread is that of the errors that were made so.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    DEFAULT_LEVELS,
    Basis,
    Samples,
    Series,
    Snapshot,
    UpdateReport,
    within_bounds,
)
from models.forecasting.history import History, require_step
from models.forecasting.lag_features import NAMES, REACH_DAYS, LagFeatures
from models.forecasting.ring_forecaster import RingForecaster
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_HOUR_S = 3600
_SPARE_DAYS = 4
"""Days that samples may be newer than the origin of a forecast before the oldest it reads are overwritten."""


@dataclass(frozen=True, slots=True)
class RidgeShape:
    """Which past a pooled ridge learns from.

    Parameters
    ----------
    n_origins : int
        Past origins that are added up, and as many before them that their errors rest on.
    between_h : int
        Hours between two origins; no divisor of 24, so that they come to lie at all times of the day.
    least_origins : int
        Past origins that errors must rest on to count.
    ahead_h : int
        Leads that are learnt, each whole hour [h].
    penalty : float
        On the squared weights, relative to the number of samples.
    blocks : int
        Parts of the local day whose errors are told apart.

    Notes
    -----
    WQL (feeders: SPL) by the protocol of ``gridpilot bench run forecast``, city totals, garages, sites, stations and
    feeders: 0.2633, 0.3069, 0.5189, 0.7156, 0.2622. A penalty of 0.001 costs city totals and feeders 2 %, 4 blocks
    instead of 8 cost stations 3 %.
    """

    n_origins: int = 32
    between_h: int = 21
    least_origins: int = 5
    ahead_h: int = 24
    penalty: float = 0.1
    blocks: int = 8

    @property
    def reach_days(self) -> int:
        """Days before a forecast that are read."""
        hours = self.between_h * (2 * self.n_origins + 1) + 2 * self.ahead_h
        return -(-hours // 24) + REACH_DAYS


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums of one origin: products of features with each other and with the samples."""

    gram: FloatArray
    moment: FloatArray
    n: int


@dataclass(frozen=True, slots=True)
class _Errors:
    """Errors of one origin in spreads of each series, shape (n_series, n_leads), and their block of the day."""

    value: FloatArray
    block: IntArray


class PooledRidgeForecaster(RingForecaster):
    """Ridge regression pooled over all series; see the module's docstring.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
    shape : RidgeShape
    levels : tuple of float
        Probabilities of the quantiles, ascending.

    Notes
    -----
    What it says of a series depends on the others, unlike what the other forecasters say.
    """

    method = "pooled ridge"

    def __init__(
        self,
        series: tuple[Series, ...],
        step_s: int,
        calendar: SiteCalendar | None = None,
        shape: RidgeShape | None = None,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        self._shape = shape if shape is not None else RidgeShape()
        days = self._shape.reach_days + _SPARE_DAYS
        super().__init__(series, History(len(series), step_s, days, calendar or SiteCalendar()), levels)
        self._sums: dict[int, _Sums] = {}
        self._errors: dict[int, _Errors] = {}

    def update(self, samples: Samples) -> UpdateReport:
        """Store new samples; origins that looked ahead to one of an earlier slot, or beyond, are read again."""
        report = super().update(samples)
        if samples.time_s.size:
            self._forget_from(int(samples.time_s.min()) // self.step_s)
        return report

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state."""
        super().restore(snapshot)
        self._forget_from(-1)

    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int, basis: Basis) -> FloatArray:  # noqa: ARG002 - its samples alone count
        require_step(grid, self.step_s)
        origins = self._origins(before, 2 * self._shape.n_origins)
        self._read(origins)
        features = LagFeatures.at(self._history, before, grid.steps)
        middle = _filled_columns(features) @ self._weights(origins[-self._shape.n_origins :])
        spread = self._spread(grid.steps, levels, origins[-self._shape.n_origins :])
        level, scale = (part[:, np.newaxis, np.newaxis] for part in (features.level, features.scale))
        moved = np.where(scale == 0.0, 0.0, scale * (middle[:, np.newaxis] + spread))
        values = frozen(level + moved)
        return within_bounds(self._series, self._filled(values, levels, before))

    def _origins(self, before: int, n: int) -> list[int]:
        """Return the newest past origins all of whose leads lie before a step, as absolute steps, latest last."""
        between, ahead = (h * _HOUR_S // self.step_s for h in (self._shape.between_h, self._shape.ahead_h))
        last = (before - ahead) // between
        return [between * i for i in range(last - n + 1, last + 1)]

    def _read(self, origins: list[int]) -> None:
        """Take over what past origins teach, once each, the oldest first; forget those that are older."""
        n = self._shape.n_origins
        for number, origin in enumerate(origins):
            if origin not in self._sums or (number >= n and origin not in self._errors):
                features, actual = self._then(origin)
                self._sums[origin] = _summed(features, actual)
                if number >= n:
                    self._errors[origin] = self._missed(origin, features, actual)
        for kept in (self._sums, self._errors):
            for origin in [one for one in kept if one < origins[0]]:
                del kept[origin]

    def _then(self, origin: int) -> tuple[LagFeatures, FloatArray]:
        """Return what was known at a past origin, and what came, in spreads."""
        targets = self._targets(origin)
        features = LagFeatures.at(self._history, origin, targets)
        place = targets % self._history.steps.size
        there = self._history.steps[place] == targets
        came = frozen(np.where(there, self._history.values[:, place], np.nan))
        return features, features.standardised(came)

    def _targets(self, origin: int) -> IntArray:
        per_hour = _HOUR_S // self.step_s
        return origin + np.arange(self._shape.ahead_h, dtype=np.int64) * per_hour

    def _weights(self, origins: list[int]) -> FloatArray:
        """Return the weights of the features that the sums of some origins give."""
        sums = [self._sums[origin] for origin in origins if origin in self._sums]
        n = sum(one.n for one in sums)
        if not n:
            return frozen(np.zeros(len(NAMES)))
        gram = np.sum([one.gram for one in sums], axis=0) + self._shape.penalty * n * np.eye(len(NAMES))
        return frozen(np.linalg.solve(gram, np.sum([one.moment for one in sums], axis=0)))

    def _missed(self, origin: int, features: LagFeatures, actual: FloatArray) -> _Errors:
        """Return the errors of a past origin; NaN where what was known then was too little to learn from."""
        earlier = self._origins(origin, self._shape.n_origins)
        n_known = sum(self._sums[one].n > 0 for one in earlier if one in self._sums)
        errors = actual - _filled_columns(features) @ self._weights(earlier)
        enough = n_known >= self._shape.least_origins
        return _Errors(frozen(np.where(enough, errors, np.nan)), self._blocks(self._targets(origin)))

    def _blocks(self, steps: IntArray) -> IntArray:
        """Return the part of the local day that each step lies in."""
        first = int(steps.min())
        slots = self.calendar.features(first, int(steps.max()) + 1 - first, self.step_s).local_slot
        return slots[steps - first] * self.step_s * self._shape.blocks // SECONDS_PER_DAY

    def _spread(self, targets: IntArray, levels: FloatArray, origins: list[int]) -> FloatArray:
        """Quantiles of the errors of past origins in the same part of the day, (n_series, n_levels, n_targets)."""
        errors = [self._errors[origin] for origin in origins]
        value = np.concatenate([one.value for one in errors], axis=1)
        block, wanted = np.concatenate([one.block for one in errors]), self._blocks(targets)
        out = np.empty((value.shape[0], levels.size, targets.size))
        for number in np.unique(wanted):
            found = row_quantiles(frozen(value[:, block == number]), levels)
            out[..., wanted == number] = found[..., np.newaxis]
        return frozen(out)

    def _forget_from(self, step: int) -> None:
        """Forget what rests on a sample of this step, or on one that came after it."""
        ahead = self._shape.ahead_h * _HOUR_S // self.step_s
        for kept in (self._sums, self._errors):
            for origin in [one for one in kept if one + ahead > step]:
                del kept[origin]


def row_quantiles(values: FloatArray, levels: FloatArray) -> FloatArray:
    """Return quantiles of each row, NaN left out, shape (n_rows, n_levels); NaN for a row without values."""
    ordered = np.sort(values, axis=1)  # NaN comes last
    last = (~np.isnan(ordered)).sum(axis=1)[:, np.newaxis] - 1
    if not ordered.shape[1]:
        return frozen(np.full((values.shape[0], levels.size), np.nan))
    rank = levels * np.maximum(last, 0)
    low = np.floor(rank).astype(np.int64)
    below = np.take_along_axis(ordered, low, axis=1)
    above = np.take_along_axis(ordered, np.minimum(low + 1, np.maximum(last, 0)), axis=1)
    return frozen(below + (rank - low) * (above - below))


def _filled_columns(features: LagFeatures) -> FloatArray:
    """Return the features with what is not known at its mean, which is 0."""
    return frozen(np.nan_to_num(features.columns, nan=0.0))


def _summed(features: LagFeatures, actual: FloatArray) -> _Sums:
    known = ~np.isnan(actual)
    rows, values = _filled_columns(features)[known], actual[known]
    return _Sums(frozen(rows.T @ rows), frozen(rows.T @ values), int(known.sum()))
