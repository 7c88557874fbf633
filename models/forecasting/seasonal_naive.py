"""The baseline that everything has to beat: what was a week ago comes again."""

import numpy as np

from models.arrays import FloatArray, frozen
from models.forecasting.day_type import filled, no_history, unused_inputs
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    DEFAULT_LEVELS,
    NOTHING_KNOWN,
    Known,
    QuantileForecast,
    Samples,
    ScenarioPaths,
    Series,
    Snapshot,
    UpdateReport,
    within_bounds,
)
from models.forecasting.history import History, require_step, step_before
from models.timegrid import TimeGrid

_WEEK_S = 7 * 86_400
_WINDOW_WEEKS = 8


class SeasonalNaiveForecaster:
    """Every quantile is the value of the same slot in the latest week that knows it.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
    levels : tuple of float
        Probabilities of the (equal) quantiles, ascending.
    """

    method = "seasonal naive"

    def __init__(
        self,
        series: tuple[Series, ...],
        step_s: int,
        calendar: SiteCalendar | None = None,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        self._series = series
        self._levels = frozen(levels)
        self._history = History(len(series), step_s, 7 * _WINDOW_WEEKS, calendar or SiteCalendar())

    @property
    def series(self) -> tuple[Series, ...]:
        """Series, in the order of rows."""
        return self._series

    @property
    def levels(self) -> FloatArray:
        """Probabilities of the quantiles, shape (n_levels,)."""
        return self._levels

    def update(self, samples: Samples) -> UpdateReport:
        """Store new samples."""
        return self._history.update(samples)

    def forecast(self, grid: TimeGrid, known: Known = NOTHING_KNOWN) -> QuantileForecast:
        """Return quantiles on a grid; see :class:`models.forecasting.forecaster.Forecaster`."""
        issued_at = known.issued_at(grid)
        before = step_before(grid, issued_at.timestamp())
        basis = self._history.basis(self.method, before)
        points = self._weeks_ago(grid, before)
        values = frozen(np.repeat(points[:, np.newaxis], self._levels.size, axis=1))
        warnings = (*no_history(self._series, basis), *unused_inputs(known))
        return QuantileForecast(grid, self._series, self._levels, values, issued_at, basis, warnings)

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return ``n_paths`` equal paths, since this baseline knows no spread; ``seed`` changes nothing."""
        del seed
        issued_at = known.issued_at(grid)
        points = self._weeks_ago(grid, step_before(grid, issued_at.timestamp()))
        values = frozen(np.repeat(points[:, np.newaxis], n_paths, axis=1))
        return ScenarioPaths(grid, self._series, values, issued_at)

    def snapshot(self) -> Snapshot:
        """Return all that was learnt."""
        return self._history.snapshot(self.method)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state."""
        self._history.restore(snapshot, self.method)

    def _weeks_ago(self, grid: TimeGrid, before: int) -> FloatArray:
        """Value of each slot in the latest week that knows it, shape (n_series, n_slots)."""
        require_step(grid, self._history.step_s)
        values = np.full((len(self._series), grid.n_slots), np.nan)
        for week in range(1, _WINDOW_WEEKS + 1):
            earlier = self._history.lagged(grid, week * _WEEK_S // grid.step_s, before)
            values = np.where(np.isnan(values), earlier, values)
        readable = (self._history.steps >= 0) & (self._history.steps < before)
        past = np.where(readable, self._history.values, np.nan)
        middle = filled(values[:, np.newaxis], past, self._series, frozen([0.5]))[:, 0]
        return within_bounds(self._series, middle)
