"""The recent past of many series as one ring of slots, with the calendar of every slot beside it."""

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.errors import GridMismatchError, InvalidInputError, Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Basis, Samples, Snapshot, UpdateReport
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_NO_STEP = -1
_VERSION = 1

CALENDAR_ROWS = 4
"""Rows of a calendar array: local slot, local day, weekday and day type of every slot."""


class History:
    """A ring of slots: place ``s mod n_places`` holds the absolute step ``s``.

    Parameters
    ----------
    n_series : int
    step_s : int
        Length of a slot [s]; divides an hour.
    window_days : int
        How far the ring reaches back from the newest sample.
    calendar : SiteCalendar
    """

    def __init__(self, n_series: int, step_s: int, window_days: int, calendar: SiteCalendar) -> None:
        self.step_s = step_s
        self.calendar = calendar
        n_places = window_days * SECONDS_PER_DAY // step_s
        self._values = np.full((n_series, n_places), np.nan)
        self._steps = np.full(n_places, _NO_STEP, dtype=np.int64)
        self._calendar = np.zeros((CALENDAR_ROWS, n_places), dtype=np.int64)
        self._newest = _NO_STEP

    @property
    def n_series(self) -> int:
        """Rows of :attr:`values`."""
        return int(self._values.shape[0])

    @property
    def values(self) -> FloatArray:
        """Samples by series and place, NaN where there is none, shape (n_series, n_places)."""
        return self._values

    @property
    def steps(self) -> IntArray:
        """Absolute step in every place, -1 where there is none, shape (n_places,)."""
        return self._steps

    @property
    def slot_calendar(self) -> IntArray:
        """Local slot, local day, weekday and day type of every place, shape (4, n_places)."""
        return self._calendar

    def update(self, samples: Samples) -> UpdateReport:
        """Store samples; of two for the same slot the later one in the batch, or the later batch, holds.

        Raises
        ------
        InvalidInputError
            A row is not that of a series, or a time lies before the epoch.
        """
        if not samples.time_s.size:
            return UpdateReport()
        self._check(samples)
        steps = samples.time_s // self.step_s
        self._advance(int(steps.max()))
        usable = ~np.isinf(samples.value) & (steps > self._newest - self._steps.size)
        if samples.curtailed is not None:
            usable &= ~samples.curtailed
        row, place, value = samples.row[usable], steps[usable] % self._steps.size, samples.value[usable]
        replaced = int((~np.isnan(self._values[row, place])).sum())
        self._values[row, place] = value
        gaps = int(np.isnan(value).sum())
        return UpdateReport(value.size - gaps, gaps, replaced, int((~usable).sum()))

    def lagged(self, grid: TimeGrid, lag: int, before: int) -> FloatArray:
        """Return the values ``lag`` slots before each slot of a grid, NaN where not known at step ``before``.

        Returns
        -------
        (n_series, n_slots) float64
        """
        steps = grid.steps - lag
        place = steps % self._steps.size
        there = (self._steps[place] == steps) & (steps < before)
        return frozen(np.where(there, self._values[:, place], np.nan))

    def known_before(self, before: int) -> FloatArray:
        """Return the values by place that are known at step ``before``, NaN elsewhere, (n_series, n_places)."""
        there = (self._steps >= 0) & (self._steps < before)
        return frozen(np.where(there, self._values, np.nan))

    def basis(self, method: str, before: int) -> Basis:
        """Return how many samples there are before an absolute step, and the newest of them, by series."""
        there = ~np.isnan(self._values) & (self._steps >= 0) & (self._steps < before)
        newest = np.where(there, self._steps, 0).max(axis=1, initial=0) * self.step_s
        return Basis(method, there.sum(axis=1), newest)

    def snapshot(self, method: str) -> Snapshot:
        """Return the ring as arrays."""
        arrays = {
            "values": frozen(self._values),
            "newest": frozen([self._newest]),
            "step_s": frozen([self.step_s]),
        }
        return Snapshot(method, _VERSION, arrays)

    def restore(self, snapshot: Snapshot, method: str) -> None:
        """Take over a ring that was stored.

        Raises
        ------
        InvalidInputError
            It is of another method, version, step or shape.
        """
        if (snapshot.method, snapshot.version) != (method, _VERSION):
            what = f"{snapshot.method} version {snapshot.version} is not {method} version {_VERSION}"
            raise InvalidInputError((Issue("snapshot", what),))
        values = snapshot.arrays["values"]
        if values.shape != self._values.shape or int(snapshot.arrays["step_s"][0]) != self.step_s:
            raise InvalidInputError((Issue("snapshot.values", f"shape {values.shape} or step does not fit"),))
        self._newest = _NO_STEP
        self._steps[:] = _NO_STEP
        newest = int(snapshot.arrays["newest"][0])
        if newest != _NO_STEP:
            self._advance(newest)
        self._values[:] = values

    def _check(self, samples: Samples) -> None:
        issues = []
        if samples.row.min() < 0 or samples.row.max() >= self.n_series:
            issues.append(Issue("samples.row", f"outside 0 to {self.n_series - 1}"))
        if samples.time_s.min() < 0:
            issues.append(Issue("samples.time_s", "before 1970"))
        if issues:
            raise InvalidInputError(tuple(issues))

    def _advance(self, newest: int) -> None:
        """Give the places of the steps since the newest one their new meaning, and empty them."""
        if newest <= self._newest:
            return
        n_places = self._steps.size
        first = max(self._newest + 1, newest - n_places + 1, 0)
        steps = np.arange(first, newest + 1, dtype=np.int64)
        place = steps % n_places
        slots = self.calendar.features(first, steps.size, self.step_s)
        self._values[:, place] = np.nan
        self._steps[place] = steps
        self._calendar[:, place] = slots.as_rows()
        self._newest = newest


def step_before(grid: TimeGrid, issued_at_s: float) -> int:
    """Return the first absolute step that a forecast issued at a second since the epoch may not read."""
    return min(int(issued_at_s // grid.step_s), grid.first_step)


def require_step(grid: TimeGrid, step_s: int) -> None:
    """Check that a grid has a forecaster's own step.

    Raises
    ------
    GridMismatchError
        It has another one.
    """
    if grid.step_s != step_s:
        raise GridMismatchError(
            f"the forecaster's slots are {step_s} s long, those of the grid {grid.step_s} s"
        )
