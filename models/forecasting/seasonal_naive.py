"""The baseline that everything has to beat: what was a week ago comes again."""

import numpy as np

from models.arrays import FloatArray, frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    DEFAULT_LEVELS,
    NOTHING_KNOWN,
    Basis,
    Known,
    ScenarioPaths,
    Series,
    within_bounds,
)
from models.forecasting.history import History, require_step, step_before
from models.forecasting.ring_forecaster import RingForecaster
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_WEEK_S = 7 * SECONDS_PER_DAY
_WINDOW_WEEKS = 8


class SeasonalNaiveForecaster(RingForecaster):
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
        history = History(len(series), step_s, 7 * _WINDOW_WEEKS, calendar or SiteCalendar())
        super().__init__(series, history, levels)

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return ``n_paths`` equal paths, since this baseline knows no spread; ``seed`` changes nothing."""
        del seed
        issued_at = known.issued_at(grid)
        points = self._weeks_ago(grid, step_before(grid, issued_at.timestamp()))
        values = frozen(np.repeat(points[:, np.newaxis], n_paths, axis=1))
        return ScenarioPaths(grid, self._series, values, issued_at)

    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int, basis: Basis) -> FloatArray:  # noqa: ARG002 - as in the others
        points = self._weeks_ago(grid, before)
        return frozen(np.repeat(points[:, np.newaxis], levels.size, axis=1))

    def _weeks_ago(self, grid: TimeGrid, before: int) -> FloatArray:
        """Value of each slot in the latest week that knows it, shape (n_series, n_slots)."""
        require_step(grid, self.step_s)
        values = np.full((len(self._series), grid.n_slots), np.nan)
        for week in range(1, _WINDOW_WEEKS + 1):
            earlier = self._history.lagged(grid, week * _WEEK_S // grid.step_s, before)
            values = np.where(np.isnan(values), earlier, values)
        middle = self._filled(frozen(values[:, np.newaxis]), frozen([0.5]), before)[:, 0]
        return within_bounds(self._series, middle)
