"""Quantiles of what the same hours of similar days brought: the package's first forecaster, and climatology.

For each target slot the samples of the last weeks at the same local slot and its neighbours are weighted by
recency and by likeness of the day; the forecast is their weighted quantiles. Zeros are samples like any other, so
that a station that is idle most of the time gets quantiles of zero without a model of its own.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import DEFAULT_LEVELS, Basis, Series, within_bounds
from models.forecasting.history import History, require_step
from models.forecasting.kernels import neighbour_quantiles_kernel, neighbours_kernel
from models.forecasting.ring_forecaster import RingForecaster
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY


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
        slots_per_day, width = SECONDS_PER_DAY // step_s, self.width_s // step_s
        factors = (self.recency, self.other_weekday, self.other_type)
        return frozen([slots_per_day, width, self.window_days, *factors])


class DayTypeForecaster(RingForecaster):
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
        self._shape = shape if shape is not None else KernelShape()
        history = History(len(series), step_s, self._shape.window_days, calendar or SiteCalendar())
        super().__init__(series, history, levels)

    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int, basis: Basis) -> FloatArray:  # noqa: ARG002 - its samples alone count
        require_step(grid, self.step_s)
        history = self._history
        target = history.calendar.features(grid.first_step, grid.n_slots, grid.step_s).as_rows()
        readable = ((history.steps >= 0) & (history.steps < before)).astype(np.int64)
        shape = self._shape.as_array(grid.step_s)
        found = neighbours_kernel(target, history.slot_calendar, readable, shape)
        values = neighbour_quantiles_kernel(history.values, *found, levels)
        return within_bounds(self._series, self._filled(values, levels, before))


class ClimatologyForecaster(DayTypeForecaster):
    """The baseline that gives the samples of 8 weeks at the same slot +-1 and day type equal weights.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
    levels : tuple of float
        Probabilities of the quantiles, ascending.
    """

    method = "climatology"

    def __init__(
        self,
        series: tuple[Series, ...],
        step_s: int,
        calendar: SiteCalendar | None = None,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        shape = KernelShape(width_s=step_s, recency=1.0, other_weekday=1.0, other_type=0.0)
        super().__init__(series, step_s, calendar, shape, levels)
