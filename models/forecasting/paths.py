"""Scenario paths: quantiles put into the order that whole past days had."""

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.history import History
from models.forecasting.kernels import shuffle_kernel
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY


def path_levels(n_paths: int) -> FloatArray:
    """Return the middles of ``n_paths`` equally likely steps of a distribution, shape (n_paths,)."""
    return frozen((np.arange(n_paths) + 0.5) / n_paths)


def shuffled(
    marginal: FloatArray, history: History, grid: TimeGrid, before: int, rng: np.random.Generator
) -> FloatArray:
    """Return coherent paths with the given marginals, their order taken from past days drawn at random.

    One past day serves all series of a path, so that what happened together stays together.

    Parameters
    ----------
    marginal : (n_series, n_paths, n_slots) float64
        Quantiles at :func:`path_levels`.
    history : History
    grid : TimeGrid
    before : int
        Absolute step from which on nothing is read.
    rng : Generator

    Returns
    -------
    (n_series, n_paths, n_slots) float64
    """
    n_paths = marginal.shape[1]
    lag_slots = _draw_lags_days(history, grid, before, n_paths, rng) * (SECONDS_PER_DAY // grid.step_s)
    template = np.stack([history.lagged(grid, int(lag), before) for lag in lag_slots], axis=1)
    return frozen(shuffle_kernel(marginal, template, frozen(rng.random(n_paths))))


def _draw_lags_days(
    history: History, grid: TimeGrid, before: int, n_paths: int, rng: np.random.Generator
) -> IntArray:
    """Draw by how many days each path looks back; days of the type of the grid's first are preferred."""
    per_day = SECONDS_PER_DAY // grid.step_s
    first_lag = -(-(grid.first_step + grid.n_slots - before) // per_day)
    last_lag = max(history.steps.size // per_day - 1, first_lag)
    lags = np.arange(first_lag, last_lag + 1, dtype=np.int64)
    kinds = _types_of_days(history.calendar, grid, lags)
    weight = np.where(kinds == _types_of_days(history.calendar, grid, np.zeros(1, dtype=np.int64)), 1.0, 0.1)
    weight *= 0.97**lags
    return rng.choice(lags, size=n_paths, p=weight / weight.sum())


def _types_of_days(calendar: SiteCalendar, grid: TimeGrid, lags: IntArray) -> IntArray:
    per_day = SECONDS_PER_DAY // grid.step_s
    middle = grid.first_step + min(grid.n_slots, per_day) // 2
    kinds = [
        calendar.features(max(middle - int(lag) * per_day, 0), 1, grid.step_s).day_type[0] for lag in lags
    ]
    return np.asarray(kinds, dtype=np.int64)
