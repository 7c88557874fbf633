"""What a regression reads of the past and of the calendar for each slot to come, in spreads of each series."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.features import DayType
from models.forecasting.history import History
from models.units import SECONDS_PER_DAY

_HOUR_S: Final = 3600
_LAG_DAYS: Final = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
_RECENT_H: Final = (1, 3, 6, 24, 168)
_FADING_H: Final = (1.0, 3.0, 8.0)
_HARMONICS: Final = (1, 2, 3)
_SCALE_DAYS: Final = 28
_FLAT: Final = 1e-9

NAMES: Final = (
    *(f"{days} days before" for days in _LAG_DAYS),
    "mean of 7 days, same hours",
    "mean of 4 weeks, same hours",
    *(f"last {hours} h" for hours in _RECENT_H),
    *(f"last hour against usual, fading in {hours:g} h" for hours in _FADING_H),
    *(f"{part} of the day, {n} times" for n in _HARMONICS for part in ("sine", "cosine")),
    "saturday",
    "sunday or holiday",
    "lead",
    "one",
)
"""Columns of :class:`LagFeatures`."""

REACH_DAYS: Final = max(_SCALE_DAYS, *_LAG_DAYS) + 1
"""Days before an origin that are read."""


@dataclass(frozen=True, slots=True)
class LagFeatures:
    """Features of some target slots of every series, as they are known at an origin.

    Parameters
    ----------
    columns : (n_series, n_targets, n_features) float64
        In the order of :data:`NAMES`; loads less ``level``, over ``scale``. NaN where a sample is not known.
    level, scale : (n_series,) float64
        Mean and standard deviation of the last 28 days; NaN without a sample, the scale 0 where all are equal.
    """

    columns: FloatArray
    level: FloatArray
    scale: FloatArray

    def standardised(self, value: FloatArray) -> FloatArray:
        """Return values, shape (n_series, n_targets), less the level and over the scale; NaN where that is 0."""
        scale = np.where(self.scale > 0.0, self.scale, np.nan)[:, np.newaxis]
        return frozen((value - self.level[:, np.newaxis]) / scale)

    @classmethod
    def at(cls, history: History, before: int, targets: IntArray) -> "LagFeatures":
        """Return the features of target steps, none before the step ``before`` from which on nothing is read."""
        past = _Past(history, before)
        per_day = SECONDS_PER_DAY // history.step_s
        recent = past.values(np.arange(before - _SCALE_DAYS * per_day, before))
        level, scale = _moments(recent)
        lead_h = (targets - before + 1) * (history.step_s / _HOUR_S)
        loads = (*past.lags(targets), *past.means(targets), *past.recent(targets.size))
        unusual = past.unusual()[:, np.newaxis]
        fading = [unusual * np.exp(-lead_h / hours) for hours in _FADING_H]
        known = cls(frozen(np.empty(0)), level, scale)
        columns = [known.standardised(frozen(load)) for load in loads]
        columns += [known.standardised(frozen(load + level[:, np.newaxis])) for load in fading]
        shape = (len(level), targets.size)
        columns += [np.broadcast_to(row, shape) for row in (*_calendar(history, targets), lead_h / 24.0)]
        columns.append(np.ones(shape))
        return cls(frozen(np.stack(columns, axis=2)), level, scale)


@dataclass(frozen=True, slots=True)
class _Past:
    """Samples of a ring before an absolute step."""

    history: History
    before: int

    def values(self, steps: IntArray) -> FloatArray:
        """Samples of some steps, NaN where they are not known, shape (n_series, *steps.shape)."""
        place = steps % self.history.steps.size
        there = (self.history.steps[place] == steps) & (steps < self.before)
        return frozen(np.where(there, self.history.values[:, place], np.nan))

    def lags(self, targets: IntArray) -> list[FloatArray]:
        per_day = SECONDS_PER_DAY // self.history.step_s
        return [self.values(targets - days * per_day) for days in _LAG_DAYS]

    def means(self, targets: IntArray) -> list[FloatArray]:
        """Mean of the same hour, and that before and after, of the last 7 days and of 4 weeks."""
        per_day, width = SECONDS_PER_DAY // self.history.step_s, _HOUR_S // self.history.step_s
        found = []
        for days in (np.arange(1, 8), np.arange(7, 29, 7)):
            back = (days[:, np.newaxis] * per_day + np.arange(-width, width + 1)).ravel()
            found.append(_mean(self.values(targets[:, np.newaxis] - back)))
        return found

    def recent(self, n_targets: int) -> list[FloatArray]:
        """Mean of the last hours before the origin, the same for all targets."""
        spans = [self._before(hours, 0) for hours in _RECENT_H]
        return [np.repeat(_mean(span)[:, np.newaxis], n_targets, axis=1) for span in spans]

    def unusual(self) -> FloatArray:
        """Mean of the last hour less that of the same hour of 7 days, shape (n_series,)."""
        usual = np.concatenate([self._before(1, days) for days in range(1, 8)], axis=1)
        return frozen(_mean(self._before(1, 0)) - _mean(usual))

    def _before(self, hours: int, days: int) -> FloatArray:
        """Samples of the hours before the origin, or before the same time some days ago."""
        last = self.before - days * SECONDS_PER_DAY // self.history.step_s
        return self.values(np.arange(last - hours * _HOUR_S // self.history.step_s, last))


def _calendar(history: History, targets: IntArray) -> list[FloatArray]:
    """Harmonics of the local day, and whether it is a Saturday, a Sunday or a holiday."""
    first = int(targets.min())
    slots = history.calendar.features(first, int(targets.max()) + 1 - first, history.step_s)
    angle = 2.0 * np.pi * slots.local_slot[targets - first] * history.step_s / SECONDS_PER_DAY
    waves = [wave(n * angle) for n in _HARMONICS for wave in (np.sin, np.cos)]
    kind = slots.day_type[targets - first]
    off = [(kind == one).astype(np.float64) for one in (DayType.SATURDAY, DayType.SUNDAY_OR_HOLIDAY)]
    return [frozen(row) for row in (*waves, *off)]


def _moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each row, NaN left out."""
    mean = _mean(values)
    spread = np.sqrt(_mean(frozen((values - mean[:, np.newaxis]) ** 2)))
    spread[spread <= _FLAT * np.abs(mean)] = 0.0
    return mean, frozen(spread)


def _mean(values: FloatArray) -> FloatArray:
    """Mean along the last axis, NaN left out; NaN where nothing else is there."""
    there = ~np.isnan(values)
    total, count = np.where(there, values, 0.0).sum(axis=-1), there.sum(axis=-1)
    return frozen(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))
