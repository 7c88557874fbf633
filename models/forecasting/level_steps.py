"""A load that fell or rose at once, and stayed there: what is older is read at the new level.

When cars stay away all at once, a memory of weeks is wrong for weeks, and a short one has forgotten how a Sunday
looks. The shape of the day and the week mostly stays: so the past is scaled, not forgotten.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray

_WEEK = 7
_SCREEN = 1.5
"""Least ratio of the last days to those before any step, of the same weekdays, from which on a series is looked at."""

_FEW_WEEKS = 1.22
"""What the spread about a mean of three is too small by, sqrt(3 / 2)."""

_LEAST_SPREAD = 0.05


@dataclass(frozen=True, slots=True)
class StepShape:
    """What counts as a step of the level.

    City totals that fall to a fifth, 2, 4, 7, 14 days before an origin: WQL over that of the better of a slow and a
    fast memory alone 0.47, 0.66, 0.80, 0.96 (weights alone 0.98, 0.98, 1.07, 1.03); without a fall sites and garages
    lose 0.1 % by false alarms. On 10 origins, and 56 of all groups, before those of the benchmark.

    Parameters
    ----------
    least_days, most_days : int
        Age of a step, in whole days before an origin.
    weeks : int
        Before the step, that days since then are compared with, each with its own weekday.
    least_factor : float
        Least ratio of the levels, or of its inverse.
    least_score : float
        Least mean of log ratios since the step, over the spread of a day about its level, times the root of days.
    agreeing : float
        Share of the days since the step that lie at least half as far off as their mean.
    """

    least_days: int = 2
    most_days: int = 42
    weeks: int = 3
    least_factor: float = 2.0
    least_score: float = 5.0
    agreeing: float = 0.9

    @property
    def reach_days(self) -> int:
        """Days before an origin that are read."""
        return self.most_days + _WEEK * self.weeks


@dataclass(frozen=True, slots=True)
class LevelStep:
    """A step of one series.

    Parameters
    ----------
    row : int
    age_days : int
        Days since then.
    factor : float
        Level since then over that before.
    """

    row: int
    age_days: int
    factor: float


def level_steps(day_means: FloatArray, usable: IntArray, shape: StepShape) -> list[LevelStep]:
    """Return the steps of series whose daily means show one.

    Parameters
    ----------
    day_means : (n_series, n_days) float64
        Mean load of the days before an origin, the latest first; NaN where not enough of a day is known.
    usable : (n_series,) int64
        0 for series that are not looked at, such as posts that idle most of the time.
    shape : StepShape
    """
    days = day_means[:, : shape.reach_days]
    if days.shape[1] < shape.least_days + _WEEK * shape.weeks:
        return []
    lately, begin = days[:, : shape.least_days], days.shape[1] - _WEEK * shape.weeks
    by_week = np.nan_to_num(days[:, begin:]).reshape(-1, shape.weeks, _WEEK)
    usual = by_week[:, :, (np.arange(shape.least_days) - begin) % _WEEK].max(axis=1).sum(axis=1)
    with_load = (days > 0.0) | np.isnan(days)
    looked_at = (usable > 0) & (usual > 0.0) & with_load.all(axis=1) & ~np.isnan(lately).any(axis=1)
    now = np.nan_to_num(lately).sum(axis=1)
    looked_at &= (now > _SCREEN * usual) | (now * _SCREEN < usual)
    found = [_step(int(row), days[row], shape) for row in np.flatnonzero(looked_at)]
    return [step for step in found if step is not None]


def levelled(values: FloatArray, back: IntArray, per_day: int, steps: list[LevelStep]) -> FloatArray:
    """Return the samples of a ring, those before a step at the level since then.

    Parameters
    ----------
    values : (n_series, n_places) float64
    back : (n_back,) int64
        Places of the slots before an origin, oldest first; negative where one may not be read.
    per_day : int
        Slots of a day.
    steps : list of LevelStep
    """
    if not steps:
        return values
    values = np.array(values)
    for step in steps:
        older = back[: back.size - step.age_days * per_day]
        values[step.row, older[older >= 0]] *= step.factor
    return values  # not frozen: kernels are compiled for arrays that may be written


def _step(row: int, days: FloatArray, shape: StepShape) -> LevelStep | None:
    """Return the most marked step in the daily means of one series."""
    best, best_score = None, shape.least_score
    for age in range(shape.least_days, min(shape.most_days, days.size - _WEEK * shape.weeks) + 1):
        by_week = days[age : age + _WEEK * shape.weeks].reshape(shape.weeks, _WEEK)
        if np.isnan(by_week).sum() > _WEEK:
            continue  # too little is known of the level before
        by_week = np.where(np.isnan(by_week), _mean_of_known(by_week), by_week)
        usual = by_week.mean(axis=0)[(np.arange(age) - age) % _WEEK]
        apart = np.log(days[:age] / usual)
        apart = apart[~np.isnan(apart)]
        within = np.log(by_week / by_week.mean(axis=0)).ravel() * _FEW_WEEKS
        mean = apart.mean()
        spread = np.concatenate([within, apart - mean]).std() + _LEAST_SPREAD
        score = abs(mean) / spread * np.sqrt(apart.size)
        agreeing = (apart * np.sign(mean) > 0.5 * abs(mean)).mean()
        marked = agreeing >= shape.agreeing and abs(mean) >= np.log(shape.least_factor)
        if marked and score > best_score:
            best, best_score = LevelStep(row, age, float(np.exp(mean))), score
    return best


def _mean_of_known(by_week: FloatArray) -> FloatArray:
    """Return the mean of each weekday, of all days where nothing is known of one."""
    known = ~np.isnan(by_week)
    n, total = known.sum(axis=0), np.nansum(by_week, axis=0)
    mean: FloatArray = np.where(n > 0, total / np.maximum(n, 1), total.sum() / n.sum())
    return mean
