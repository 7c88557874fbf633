"""What forecasters share that read everything from a ring of samples: learning, storing, and what is told of it."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from models.arrays import FloatArray, frozen
from models.errors import Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    NOTHING_KNOWN,
    Basis,
    Known,
    QuantileForecast,
    Samples,
    ScenarioPaths,
    Series,
    Snapshot,
    UpdateReport,
)
from models.forecasting.history import History, step_before
from models.forecasting.paths import path_levels, shuffled
from models.timegrid import TimeGrid


class RingForecaster(ABC):
    """A forecaster whose state is its history; what it says of it is :meth:`_quantiles`.

    Parameters
    ----------
    series : tuple of Series
    history : History
        Empty, of as many series.
    levels : tuple of float
        Probabilities of the quantiles, ascending.
    """

    method: ClassVar[str]

    def __init__(self, series: tuple[Series, ...], history: History, levels: tuple[float, ...]) -> None:
        self._series = series
        self._history = history
        self._levels = frozen(levels)

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
        values = self._quantiles(grid, self._levels, before, basis)
        warnings = (*_no_history(self._series, basis), *_unused_inputs(known))
        return QuantileForecast(grid, self._series, self._levels, values, issued_at, basis, warnings)

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return scenario paths; see :class:`models.forecasting.forecaster.Forecaster`."""
        issued_at = known.issued_at(grid)
        before = step_before(grid, issued_at.timestamp())
        basis = self._history.basis(self.method, before)
        marginal = self._quantiles(grid, path_levels(n_paths), before, basis)
        values = shuffled(marginal, self._history, grid, before, np.random.default_rng(seed))
        return ScenarioPaths(grid, self._series, values, issued_at)

    def snapshot(self) -> Snapshot:
        """Return all samples that are kept: whatever they teach follows from them."""
        return self._history.snapshot(self.method)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state."""
        self._history.restore(snapshot, self.method)

    @abstractmethod
    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int, basis: Basis) -> FloatArray:
        """Return quantiles of all series from samples before an absolute step, (n_series, n_levels, n_slots)."""

    def _filled(self, values: FloatArray, levels: FloatArray, before: int) -> FloatArray:
        """Return quantiles without NaN: slots that nothing is known of take those of all the series' samples.

        A series without any sample gets the uniform distribution between its bounds where both are finite, which
        claims nothing, and else zeros.
        """
        unknown = np.flatnonzero(np.isnan(values).any(axis=(1, 2)))
        if not unknown.size:
            return values
        values, past = np.array(values), self._history.known_before(before)
        for row in unknown:
            samples = past[row][~np.isnan(past[row])]
            instead = np.quantile(samples, levels) if samples.size else _ignorance(self._series[row], levels)
            values[row] = np.where(np.isnan(values[row]), instead[:, np.newaxis], values[row])
        return frozen(values)


def _no_history(series: tuple[Series, ...], basis: Basis) -> tuple[Issue, ...]:
    """Return a warning for each series whose forecast rests on no sample."""
    return tuple(Issue(series[row].series_id, "no history") for row in np.flatnonzero(basis.n_samples == 0))


def _unused_inputs(known: Known) -> tuple[Issue, ...]:
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
