"""Double-seasonal exponential smoothing: a level, a season of the day, one of the week, and what was left of late.

Each sample moves the state once. The spread of a forecast is that of the errors that the same state made of late, as
long ahead and at about the same time of the day.
"""

from dataclasses import dataclass, field

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.day_type import KernelShape
from models.forecasting.double_seasonal_kernels import Smoothed, smooth_kernel
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
from models.forecasting.kernels import neighbour_quantiles_kernel, neighbours_kernel
from models.forecasting.ring_forecaster import RingForecaster
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_WEEK_S = 7 * SECONDS_PER_DAY
_HOUR_S = 3600
_SPARE_WEEKS = 2
"""The week that is going on, and one that samples may be newer than the origin of a forecast."""


def _recent_errors() -> KernelShape:
    """Return the weights of the errors of six weeks at the same hour, half on days of another type."""
    return KernelShape(window_days=42, other_weekday=1.0, other_type=0.5)


@dataclass(frozen=True, slots=True)
class SmoothingShape:
    """How fast the parts of the state follow, and which errors its spread is read from.

    Parameters
    ----------
    weeks : int
        Whole weeks before the present one that the state is made of; it begins anew with every week.
    level, day, week : float
        Share of an innovation that each takes over, once it has seen enough samples.
    rest_h : float
        Time after which what was left of the newest sample counts 1/e [h].
    lead_h : tuple of float
        Leads at which errors are kept [h].
    border_h : tuple of float
        Leads from which on the errors of the next one are read [h].
    errors : KernelShape
        Weights of errors of past days.

    Notes
    -----
    WQL (feeders: SPL) by the protocol of ``gridpilot bench run forecast``, city totals, garages, sites, stations and
    feeders: 0.2535, 0.3076, 0.5295, 0.7356, 0.2565. With a rest of 3 h, a level of 0.02 and a day of 0.03 feeders
    gain and all others lose: 0.2598, 0.3109, 0.5423, 0.7541, 0.2469.
    """

    weeks: int = 8
    level: float = 0.01
    day: float = 0.02
    week: float = 0.1
    rest_h: float = 1.5
    lead_h: tuple[float, ...] = (0.5, 2.0, 5.0, 16.0)
    border_h: tuple[float, ...] = (1.0, 3.0, 8.0)
    errors: KernelShape = field(default_factory=_recent_errors)

    def gains(self, step_s: int) -> FloatArray:
        """Return the gains of level, day and week, and the damping of the rest by slot."""
        return frozen([self.level, self.day, self.week, np.exp(-step_s / (_HOUR_S * self.rest_h))])

    def leads(self, step_s: int) -> IntArray:
        """Return the leads at which errors are kept, at least one slot each."""
        return np.asarray([max(round(h * _HOUR_S / step_s), 1) for h in self.lead_h], dtype=np.int64)


class DoubleSeasonalForecaster(RingForecaster):
    """Double-seasonal exponential smoothing of many series; see the module's docstring.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
    shape : SmoothingShape
    levels : tuple of float
        Probabilities of the quantiles, ascending.

    Notes
    -----
    The state begins anew with every week, from the samples that are kept: so it depends on these alone, not on when
    they came, and a sample that comes late moves it as if it had come in time.
    """

    method = "double seasonal"

    def __init__(
        self,
        series: tuple[Series, ...],
        step_s: int,
        calendar: SiteCalendar | None = None,
        shape: SmoothingShape | None = None,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        self._shape = shape if shape is not None else SmoothingShape()
        days = 7 * (self._shape.weeks + _SPARE_WEEKS)
        super().__init__(series, History(len(series), step_s, days, calendar or SiteCalendar()), levels)
        self._first = -1
        self._state = self._nothing()

    def update(self, samples: Samples) -> UpdateReport:
        """Store new samples; series that one of an earlier slot came of are smoothed again."""
        report = super().update(samples)
        late = samples.row[samples.time_s // self.step_s < self._state.until[samples.row]]
        self._state.forget(np.unique(late))
        return report

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state."""
        super().restore(snapshot)
        self._first = -1

    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int, basis: Basis) -> FloatArray:  # noqa: ARG002 - its samples alone count
        require_step(grid, self.step_s)
        self._take_to(before)
        target = self.calendar.features(grid.first_step, grid.n_slots, grid.step_s).as_rows()
        lead = grid.steps - before + 1
        spread = self._spread(target, lead, levels, before)
        values = self._middles(target, lead, before)[:, np.newaxis] + spread
        return within_bounds(self._series, self._filled(frozen(values), levels, before))

    def _take_to(self, before: int) -> None:
        """Smooth what came before an absolute step; from its beginning where that lies behind."""
        week = _WEEK_S // self.step_s
        first = (before // week - self._shape.weeks) * week
        if first != self._first:
            self._first, self._state = first, self._nothing()
        self._state.forget(np.flatnonzero(self._state.until > before))
        there = (self._history.steps >= first) & (self._history.steps < before)
        known = frozen(np.where(there, self._history.values, np.nan))
        gains, leads = self._shape.gains(self.step_s), self._shape.leads(self.step_s)
        smooth_kernel(known, self._history.slot_calendar, (max(first, 0), before), leads, gains, self._state)

    def _nothing(self) -> Smoothed:
        per_day, n_places = SECONDS_PER_DAY // self.step_s, self._history.steps.size
        return Smoothed.empty(len(self._series), per_day, self._shape.leads(self.step_s), n_places)

    def _middles(self, target: IntArray, lead: IntArray, before: int) -> FloatArray:
        """Level, seasons and the damped rest of each target slot, shape (n_series, n_slots)."""
        state, last = self._state, (before - 1) % self._state.level.shape[1]
        of_week = target[2] * (SECONDS_PER_DAY // self.step_s) + target[0]
        fading = self._shape.gains(self.step_s)[3] ** lead
        level, rest = (part[:, last, np.newaxis] for part in (state.level, state.rest))
        return frozen(level + state.day[:, target[0]] + state.week[:, of_week] + rest * fading)

    def _spread(self, target: IntArray, lead: IntArray, levels: FloatArray, before: int) -> FloatArray:
        """Quantiles of the errors of past days; 0 where none is known, shape (n_series, n_levels, n_slots)."""
        history, shape = self._history, self._shape.errors.as_array(self.step_s)
        readable = ((history.steps >= max(self._first, 0)) & (history.steps < before)).astype(np.int64)
        found = neighbours_kernel(target, history.slot_calendar, readable, shape)
        bucket = np.searchsorted(self._shape.border_h, (lead - 1) * (self.step_s / _HOUR_S), side="right")
        values = np.empty((len(self._series), levels.size, lead.size))
        for i in np.unique(bucket):
            here = bucket == i
            places, weights, n_found = (part[here] for part in found)
            error = np.ascontiguousarray(self._state.error[:, i])
            values[..., here] = neighbour_quantiles_kernel(error, places, weights, n_found, levels)
        return frozen(np.where(np.isnan(values), 0.0, values))
