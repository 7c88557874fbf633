"""The protocol: rolling origins, 24 h ahead, nothing read at or after an origin."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import process_time
from typing import Final, TypeAlias

import numpy as np

from benchmarks.forecast.data import Kind, Panel
from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Forecaster, Samples, Series
from models.timegrid import TimeGrid

N_ORIGINS: Final = 7
DAY_S: Final = 86_400
LOCAL_DAYS: Final = 56
LEAST_DAYS: Final = 28
ACTIVE_DAYS: Final = 14
WEEK_S: Final = 7 * DAY_S

Maker: TypeAlias = Callable[[tuple[Series, ...], int, SiteCalendar], Forecaster]


@dataclass(frozen=True, slots=True)
class Contender:
    """A forecaster in the race, and how many days of history it is given."""

    name: str
    make: Maker
    history_days: int = LOCAL_DAYS


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one contender said of one panel from one origin, and what happened.

    Parameters
    ----------
    kind : Kind
    panel, origin : str, datetime
    actual : (n_series, n_slots) float64
        Series that may be judged only.
    quantiles : (n_series, n_levels, n_slots) float64
    levels : (n_levels,) float64
    scale : (n_series,) float64
        Mean absolute error of the weekly naive over the last 56 days.
    step_s : int
    cpu_s : float
        Time of the process for one forecast of all these series [s].
    learn_s : float
        Time of the process for their history [s].
    """

    kind: Kind
    panel: str
    origin: datetime
    actual: FloatArray
    quantiles: FloatArray
    levels: FloatArray
    scale: FloatArray
    step_s: int
    cpu_s: float
    learn_s: float


def judged(panel: Panel, origin: datetime) -> IntArray:
    """Return the rows that have 4 weeks of history, some load in the last 14 days, and something to compare with."""
    first = slot_of(panel, origin)
    per_day = DAY_S // panel.grid.step_s
    past, future = panel.values[:, :first], panel.values[:, first : first + per_day]
    begun = np.cumsum(np.nan_to_num(np.abs(past)) > 0.0, axis=1) > 0
    active = np.nan_to_num(np.abs(past[:, -ACTIVE_DAYS * per_day :])).sum(axis=1) > 0.0
    enough = begun.sum(axis=1) >= LEAST_DAYS * per_day
    return np.flatnonzero(enough & active & ~np.isnan(future).all(axis=1))


def slot_of(panel: Panel, origin: datetime) -> int:
    """Return the number of the slot that begins at an origin."""
    return panel.grid.slot_at(origin)


def outcomes(contender: Contender, panel: Panel, n_origins: int = N_ORIGINS) -> list[Outcome]:
    """Return what a contender says of a panel from each origin that the panel reaches back to."""
    per_day = DAY_S // panel.grid.step_s
    found = []
    for origin in panel.origins(n_origins):
        first = slot_of(panel, origin)
        if first >= LEAST_DAYS * per_day and first + per_day <= panel.grid.n_slots:
            rows = judged(panel, origin)
            if rows.size:
                found.append(_outcome(contender, panel, origin, rows))
    return found


def history(panel: Panel, rows: IntArray, first: int, days: int) -> Samples:
    """Return the samples of some rows in the days before a slot."""
    begin = max(first - days * DAY_S // panel.grid.step_s, 0)
    grid = TimeGrid(panel.grid.slot_start(begin), panel.grid.step_s, first - begin)
    return Samples.block(grid, frozen(panel.values[rows, begin:first]))


def _outcome(contender: Contender, panel: Panel, origin: datetime, rows: IntArray) -> Outcome:
    step_s, first = panel.grid.step_s, slot_of(panel, origin)
    per_day = DAY_S // step_s
    forecaster = contender.make(tuple(panel.series[row] for row in rows), step_s, panel.calendar)
    samples = history(panel, rows, first, contender.history_days)
    begun = process_time()
    forecaster.update(samples)
    grid = TimeGrid(origin, step_s, per_day)
    forecaster.forecast(grid)  # what is learnt from the past is learnt here, or before
    learnt = process_time()
    forecast = forecaster.forecast(grid)
    cpu_s = process_time() - learnt
    return Outcome(
        panel.kind,
        panel.name,
        origin,
        frozen(panel.values[rows, first : first + per_day]),
        forecast.values,
        forecast.levels,
        weekly_naive_error(panel, rows, first),
        step_s,
        cpu_s,
        learnt - begun,
    )


def weekly_naive_error(panel: Panel, rows: IntArray, first: int) -> FloatArray:
    """Return the mean absolute difference to a week before over the last 56 days, shape (n_rows,)."""
    week = WEEK_S // panel.grid.step_s
    begin = max(first - LOCAL_DAYS * DAY_S // panel.grid.step_s, 0)
    past = panel.values[rows, begin:first]
    return frozen(np.nanmean(np.abs(past[:, week:] - past[:, :-week]), axis=1))
