"""The protocol: rolling origins, 24 h ahead, nothing read at or after an origin."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import process_time
from typing import Final, Protocol, TypeAlias

import numpy as np

from benchmarks.forecast.data import Kind, Panel
from models.arrays import FloatArray, IntArray, frozen
from models.errors import ChargingError
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Forecaster, Samples, Series
from models.timegrid import TimeGrid

N_ORIGINS: Final = 7
DAY_S: Final = 86_400
LOCAL_DAYS: Final = 56
KEPT_DAYS: Final = 140
"""What a forecaster is given that keeps a ring of its own, or learns of a series from all others."""

LEAST_DAYS: Final = 28
ACTIVE_DAYS: Final = 14
WEEK_S: Final = 7 * DAY_S

Maker: TypeAlias = Callable[[tuple[Series, ...], int, SiteCalendar], Forecaster]


class NotHereError(ChargingError):
    """A contender cannot run here; the message says what it lacks, and the race goes on without it."""


@dataclass(frozen=True, slots=True)
class Place:
    """A panel at an origin, and those of its series that may be judged there.

    Parameters
    ----------
    panel : Panel
    origin : datetime
    rows : (n_series,) int64
    """

    panel: Panel
    origin: datetime
    rows: IntArray

    @property
    def first(self) -> int:
        """Number of the slot that begins at the origin."""
        return slot_of(self.panel, self.origin)

    @property
    def ahead(self) -> TimeGrid:
        """Slots that are forecast."""
        step_s = self.panel.grid.step_s
        return TimeGrid(self.origin, step_s, DAY_S // step_s)

    @property
    def series(self) -> tuple[Series, ...]:
        """Series that may be judged."""
        return tuple(self.panel.series[row] for row in self.rows)

    def history(self, days: int) -> Samples:
        """Return their samples of the last days."""
        return history(self.panel, self.rows, self.first, days)

    def past(self, days: int) -> FloatArray:
        """Return their samples of the last days as they are, shape (n_series, n_slots); NaN is a gap."""
        begin = max(self.first - days * DAY_S // self.panel.grid.step_s, 0)
        return frozen(self.panel.values[self.rows, begin : self.first])

    def told(self, quantiles: FloatArray, levels: FloatArray, cpu_s: float, learn_s: float) -> "Outcome":
        """Return what was said here beside what came."""
        actual = self.panel.values[self.rows, self.first : self.first + self.ahead.n_slots]
        scale = weekly_naive_error(self.panel, self.rows, self.first)
        step_s = self.panel.grid.step_s
        return Outcome(
            self.panel.kind,
            self.panel.name,
            self.origin,
            frozen(actual),
            quantiles,
            levels,
            scale,
            step_s,
            cpu_s,
            learn_s,
            self.rows,
        )


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
    rows : (n_series,) int64 or None
        Of the panel.
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
    rows: IntArray | None = None

    def only(self, rows: IntArray) -> "Outcome":
        """Return the part of some rows of the panel, all of which are here; its time in proportion."""
        own = np.asarray([] if self.rows is None else self.rows)
        here = np.flatnonzero(np.isin(own, rows))
        share = here.size / max(own.size, 1)
        return replace(
            self,
            actual=frozen(self.actual[here]),
            quantiles=frozen(self.quantiles[here]),
            scale=frozen(self.scale[here]),
            cpu_s=self.cpu_s * share,
            learn_s=self.learn_s * share,
            rows=own[here],
        )


class Runner(Protocol):
    """Somebody in the race."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    @property
    def most(self) -> int | None:
        """Series x origins of a group that it is given at most; None for all."""

    def tell(self, places: Sequence[Place]) -> list[Outcome]:
        """Return what it says at each place.

        Raises
        ------
        NotHereError
            What it needs is not installed, or it gave no answer.
        """


@dataclass(frozen=True, slots=True)
class Contender:
    """A forecaster of the package in the race, and how many days of history it is given."""

    name: str
    make: Maker
    history_days: int = LOCAL_DAYS
    most: int | None = None

    def tell(self, places: Sequence[Place]) -> list[Outcome]:
        """Return what it says at each place; what it learns of the past is learnt before its time is taken."""
        return [self._outcome(place) for place in places]

    def _outcome(self, place: Place) -> Outcome:
        forecaster = self.make(place.series, place.panel.grid.step_s, place.panel.calendar)
        samples, ahead = place.history(self.history_days), place.ahead
        begun = process_time()
        forecaster.update(samples)
        forecaster.forecast(ahead)  # what is learnt from the past is learnt here, or before
        learnt = process_time()
        forecast = forecaster.forecast(ahead)
        return place.told(forecast.values, forecast.levels, process_time() - learnt, learnt - begun)


def places(panel: Panel, n_origins: int = N_ORIGINS) -> list[Place]:
    """Return a panel at each origin that it reaches back to, and whose day it knows."""
    per_day = DAY_S // panel.grid.step_s
    found = []
    for origin in panel.origins(n_origins):
        first = slot_of(panel, origin)
        if first >= LEAST_DAYS * per_day and first + per_day <= panel.grid.n_slots:
            rows = judged(panel, origin)
            if rows.size:
                found.append(Place(panel, origin, rows))
    return found


def sampled(given: Sequence[Place], most: int | None) -> list[Place]:
    """Return the places with at most so many series x origins, evenly spread; all of them for None."""
    total = sum(place.rows.size for place in given)
    if most is None or total <= most:
        return list(given)
    chosen = np.linspace(0, total - 1, most).round().astype(np.int64)
    begin, found = 0, []
    for place in given:
        rows = place.rows[chosen[(chosen >= begin) & (chosen < begin + place.rows.size)] - begin]
        begin += place.rows.size
        if rows.size:
            found.append(replace(place, rows=rows))
    return found


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


def outcomes(contender: Runner, panel: Panel, n_origins: int = N_ORIGINS) -> list[Outcome]:
    """Return what a contender says of a panel from each origin that the panel reaches back to."""
    return contender.tell(places(panel, n_origins))


def history(panel: Panel, rows: IntArray, first: int, days: int) -> Samples:
    """Return the samples of some rows in the days before a slot."""
    begin = max(first - days * DAY_S // panel.grid.step_s, 0)
    grid = TimeGrid(panel.grid.slot_start(begin), panel.grid.step_s, first - begin)
    return Samples.block(grid, frozen(panel.values[rows, begin:first]))


def weekly_naive_error(panel: Panel, rows: IntArray, first: int) -> FloatArray:
    """Return the mean absolute difference to a week before over the last 56 days, shape (n_rows,)."""
    week = WEEK_S // panel.grid.step_s
    begin = max(first - LOCAL_DAYS * DAY_S // panel.grid.step_s, 0)
    past = panel.values[rows, begin:first]
    return frozen(np.nanmean(np.abs(past[:, week:] - past[:, :-week]), axis=1))
