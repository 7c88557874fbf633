"""Quantiles of what the same hours of similar days brought: the package's first forecaster, and climatology.

For each target slot the samples of the last weeks at the same local slot and its neighbours are weighted by
recency and by likeness of the day; the forecast is their weighted quantiles. Zeros are samples like any other, so
that a station that is idle most of the time gets quantiles of zero without a model of its own.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.errors import Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    DEFAULT_LEVELS,
    NOTHING_KNOWN,
    Basis,
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
from models.forecasting.kernels import neighbour_quantiles_kernel, neighbours_kernel
from models.forecasting.paths import path_levels, shuffled
from models.timegrid import TimeGrid

_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class KernelShape:
    """How the weight of a past sample falls with its distance from the target slot.

    Parameters
    ----------
    window_days : int
        Older samples are forgotten.
    width_s : int
        Distance in local time of day up to which slots are neighbours [s].
    recency : float
        Factor per day of age.
    other_weekday, other_type : float
        Factor of another weekday of the same day type, and of another day type.

    Notes
    -----
    The defaults were compared with recency 0.98, other_type 0.2 and 0.3 and other_weekday 0.8, 24 h ahead from 14
    origins. WQL by station: Boulder 0.661 (climatology 0.673, seasonal naive 1.344), Dundee 0.576 (0.588, 1.201),
    Norwegian garages 0.365 (0.381, 0.701), Perth and Kinross 0.754 (0.763, 1.556). The others won on Boulder
    only, by 0.3 % at most.
    """

    window_days: int = 56
    width_s: int = 3600
    recency: float = 0.97
    other_weekday: float = 0.6
    other_type: float = 0.1

    def as_array(self, step_s: int) -> FloatArray:
        """Return the shape in slots and days, in the order that the kernel reads."""
        slots_per_day, width = _DAY_S // step_s, self.width_s // step_s
        factors = (self.recency, self.other_weekday, self.other_type)
        return frozen([slots_per_day, width, self.window_days, *factors])


class DayTypeForecaster:
    """Day-type kernel quantiles of many series; see the module's docstring.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
        Zone and holidays that give the day type.
    shape : KernelShape
    levels : tuple of float
        Probabilities of the quantiles, ascending.
    """

    method = "day-type kernel"

    def __init__(
        self,
        series: tuple[Series, ...],
        step_s: int,
        calendar: SiteCalendar | None = None,
        shape: KernelShape | None = None,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        self._series = series
        self._shape = shape if shape is not None else KernelShape()
        self._levels = frozen(levels)
        self._history = History(len(series), step_s, self._shape.window_days, calendar or SiteCalendar())

    @property
    def series(self) -> tuple[Series, ...]:
        """Series, in the order of rows."""
        return self._series

    @property
    def levels(self) -> FloatArray:
        """Probabilities of the quantiles, shape (n_levels,)."""
        return self._levels

    @property
    def calendar(self) -> SiteCalendar:
        """Zone and holidays of the site."""
        return self._history.calendar

    @property
    def step_s(self) -> int:
        """Length of a slot [s]."""
        return self._history.step_s

    def update(self, samples: Samples) -> UpdateReport:
        """Store new samples."""
        return self._history.update(samples)

    def forecast(self, grid: TimeGrid, known: Known = NOTHING_KNOWN) -> QuantileForecast:
        """Return quantiles on a grid; see :class:`models.forecasting.forecaster.Forecaster`."""
        issued_at = known.issued_at(grid)
        before = step_before(grid, issued_at.timestamp())
        basis = self._history.basis(self.method, before)
        values = self._quantiles(grid, self._levels, before)
        warnings = (*no_history(self._series, basis), *unused_inputs(known))
        return QuantileForecast(grid, self._series, self._levels, values, issued_at, basis, warnings)

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return scenario paths; see :class:`models.forecasting.forecaster.Forecaster`."""
        issued_at = known.issued_at(grid)
        before = step_before(grid, issued_at.timestamp())
        marginal = self._quantiles(grid, path_levels(n_paths), before)
        values = shuffled(marginal, self._history, grid, before, np.random.default_rng(seed))
        return ScenarioPaths(grid, self._series, values, issued_at)

    def snapshot(self) -> Snapshot:
        """Return all that was learnt."""
        return self._history.snapshot(self.method)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state."""
        self._history.restore(snapshot, self.method)

    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int) -> FloatArray:
        """Quantiles of all series on a grid, from samples before an absolute step."""
        require_step(grid, self._history.step_s)
        history = self._history
        target = history.calendar.features(grid.first_step, grid.n_slots, grid.step_s).as_rows()
        readable = ((history.steps >= 0) & (history.steps < before)).astype(np.int64)
        shape = self._shape.as_array(grid.step_s)
        found = neighbours_kernel(target, history.slot_calendar, readable, shape)
        values = neighbour_quantiles_kernel(history.values, *found, levels)
        past = np.where(readable == 1, history.values, np.nan) if np.isnan(values).any() else history.values
        return within_bounds(self._series, filled(values, past, self._series, levels))


def climatology(
    series: tuple[Series, ...],
    step_s: int,
    calendar: SiteCalendar | None = None,
    levels: tuple[float, ...] = DEFAULT_LEVELS,
) -> DayTypeForecaster:
    """Return the baseline that gives the samples of 8 weeks at the same slot +-1 and day type equal weights."""
    shape = KernelShape(width_s=step_s, recency=1.0, other_weekday=1.0, other_type=0.0)
    return DayTypeForecaster(series, step_s, calendar, shape, levels)


def filled(
    values: FloatArray, past: FloatArray, series: tuple[Series, ...], levels: FloatArray
) -> FloatArray:
    """Return quantiles without NaN: slots without neighbours take those of all the series' samples.

    A series without any sample gets the uniform distribution between its bounds where both are finite, which
    claims nothing, and else zeros.

    Parameters
    ----------
    values : (n_series, n_levels, n_slots) float64
    past : (n_series, n_past) float64
        Samples that may be read; NaN elsewhere.
    series : tuple of Series
    levels : (n_levels,) float64
    """
    values = np.array(values)
    for row in np.flatnonzero(np.isnan(values).any(axis=(1, 2))):
        samples = past[row][~np.isnan(past[row])]
        instead = np.quantile(samples, levels) if samples.size else _ignorance(series[row], levels)
        values[row] = np.where(np.isnan(values[row]), instead[:, np.newaxis], values[row])
    return frozen(values)


def no_history(series: tuple[Series, ...], basis: Basis) -> tuple[Issue, ...]:
    """Return a warning for each series whose forecast rests on no sample."""
    return tuple(Issue(series[row].series_id, "no history") for row in np.flatnonzero(basis.n_samples == 0))


def unused_inputs(known: Known) -> tuple[Issue, ...]:
    """Return a warning for each input that this family of forecasters does not read."""
    unused = []
    if known.plugged_in:
        unused.append(Issue("plugged_in", "not used by this forecaster"))
    if known.columns is not None:
        unused.append(Issue("columns", "not used by this forecaster"))
    return tuple(unused)


def _ignorance(series: Series, levels: FloatArray) -> FloatArray:
    if np.isfinite(series.lower) and np.isfinite(series.upper):
        return frozen(series.lower + levels * (series.upper - series.lower))
    return frozen(np.zeros(levels.size))
