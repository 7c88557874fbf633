"""The protocol of every forecaster, and the records that go in and come out.

A forecaster is refreshed, not fitted: :meth:`Forecaster.update` takes new samples at a cost that grows with
their number only, :meth:`Forecaster.forecast` reads quantiles of many series at once from what was learnt.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.errors import GridMismatchError, Issue
from models.load import LoadForecast
from models.sessions import ChargingSession
from models.timegrid import TimeGrid

DEFAULT_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True, slots=True)
class Series:
    """What one row of a forecaster's arrays is.

    Parameters
    ----------
    series_id : str
    unit : str
        Of its values: ``"kW"``, or ``"1"`` for a count by slot.
    lower, upper : float
        Physical bounds of its values; a forecast never leaves them.
    """

    series_id: str
    unit: str = "kW"
    lower: float = -np.inf
    upper: float = np.inf

    @classmethod
    def charging(cls, series_id: str, installed_kw: float = np.inf) -> "Series":
        """Return a charging load: never negative, never above the installed power [kW]."""
        return cls(series_id, "kW", 0.0, installed_kw)

    @classmethod
    def count(cls, series_id: str) -> "Series":
        """Return a count by slot, of arrivals for example."""
        return cls(series_id, "1", 0.0)


@dataclass(frozen=True, slots=True)
class Samples:
    """New measurements, one a row, in any order; each array of shape (n_samples,).

    Parameters
    ----------
    time_s : int64
        A second within the slot that the value is the mean of, since the epoch, UTC [s].
    row : int64
        Number of the series.
    value : float64
        In the unit of the series. NaN is a gap and stays one.
    curtailed : bool or None
        The value was held down by a limit, so it is not what would have been drawn; None where none was.
    """

    time_s: IntArray
    row: IntArray
    value: FloatArray
    curtailed: BoolArray | None = None

    def __post_init__(self) -> None:
        columns = (self.time_s, self.row, self.value) + (() if self.curtailed is None else (self.curtailed,))
        if len({column.shape for column in columns}) > 1 or self.time_s.ndim != 1:
            raise GridMismatchError(f"columns of samples differ: {[column.shape for column in columns]}")

    @classmethod
    def block(cls, grid: TimeGrid, value: FloatArray) -> "Samples":
        """Return the samples of all series on one grid, ``value`` of shape (n_series, n_slots)."""
        n_series = value.shape[0]
        time_s = np.tile(grid.steps * grid.step_s, n_series)
        row = np.repeat(np.arange(n_series, dtype=np.int64), grid.n_slots)
        return cls(time_s, row, frozen(value.ravel()))


@dataclass(frozen=True, slots=True)
class UpdateReport:
    """What became of new samples: how many were stored, gaps (NaN), replaced older ones, or were set aside.

    ``set_aside`` counts samples that are curtailed, infinite, or older than the history reaches back.
    """

    stored: int = 0
    gaps: int = 0
    replaced: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class EnergyNeed:
    """Quantiles of the energy that a car will still take [kWh]; levels ascending in (0, 1)."""

    levels: tuple[float, ...]
    kwh: tuple[float, ...]

    @classmethod
    def exactly(cls, kwh: float) -> "EnergyNeed":
        """Return a need that is taken as certain [kWh]."""
        return cls((0.5,), (kwh,))


@dataclass(frozen=True, slots=True)
class PluggedIn:
    """A car that is plugged in now.

    Parameters
    ----------
    series_id : str
        Charging load that it is part of.
    session : ChargingSession
        Its departure counts, as quantiles.
    power_kw : float
        Power at which it would charge if nobody held it back [kW].
    need : EnergyNeed or None
        What it will still take; the session's remaining energy where None.
    """

    series_id: str
    session: ChargingSession
    power_kw: float
    need: EnergyNeed | None = None

    @property
    def remaining(self) -> EnergyNeed:
        """Energy that it will still take, as quantiles."""
        return self.need if self.need is not None else EnergyNeed.exactly(self.session.remaining_kwh)


@dataclass(frozen=True, slots=True)
class KnownColumns:
    """Values that are known ahead (weather, price), the same for all series.

    Parameters
    ----------
    names : tuple of str
    values : (n_columns, n_slots) float64
        Mean of each slot, in any unit; NaN where it is not known.
    grid : TimeGrid or None
        Slots of the values, of the forecaster's step: those of the past, to learn from, and those to come. The
        forecast's own slots where None.
    """

    names: tuple[str, ...]
    values: FloatArray
    grid: TimeGrid | None = None

    def at(self, steps: IntArray, otherwise: TimeGrid) -> FloatArray:
        """Return the values at absolute steps, NaN where none is known, shape (n_columns, n_steps).

        Parameters
        ----------
        steps : (n_steps,) int64
        otherwise : TimeGrid
            Slots of the values where they have none of their own.
        """
        first = (self.grid or otherwise).first_step
        place = steps - first
        inside = (place >= 0) & (place < self.values.shape[1])
        return frozen(np.where(inside, self.values[:, np.where(inside, place, 0)], np.nan))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at the moment of forecasting beside the samples; all of it optional.

    Parameters
    ----------
    as_of : datetime or None
        Slots that end after this moment are not read; the start of the grid where None.
    plugged_in : tuple of PluggedIn
    columns : KnownColumns or None
    """

    as_of: datetime | None = None
    plugged_in: tuple[PluggedIn, ...] = ()
    columns: KnownColumns | None = None

    def issued_at(self, grid: TimeGrid) -> datetime:
        """Return the moment of a forecast on ``grid``, never later than the grid's start."""
        return grid.start if self.as_of is None else min(self.as_of, grid.start)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a forecast rests on.

    Parameters
    ----------
    method : str
        Name of the forecaster.
    n_samples : (n_series,) int64
        Samples that could be read; 0 means that the forecast is a guess within the series' bounds.
    newest_s : (n_series,) int64
        Start of the newest slot among them since the epoch [s]; 0 where there is none.
    """

    method: str
    n_samples: IntArray
    newest_s: IntArray


@dataclass(frozen=True, slots=True)
class QuantileForecast:
    """Quantiles of several series on one grid.

    Parameters
    ----------
    grid : TimeGrid
    series : tuple of Series
    levels : (n_levels,) float64
        Ascending, in (0, 1).
    values : (n_series, n_levels, n_slots) float64
        In the unit of each series; never decrease along the levels.
    issued_at : datetime
        Nothing from this moment on was read.
    basis : Basis
    warnings : tuple of Issue
        What the reader should know; ``where`` is a series, or the name of an input that was not used.
    """

    grid: TimeGrid
    series: tuple[Series, ...]
    levels: FloatArray
    values: FloatArray
    issued_at: datetime
    basis: Basis
    warnings: tuple[Issue, ...] = ()

    def of(self, series_id: str) -> FloatArray:
        """Return the quantiles of one series, shape (n_levels, n_slots).

        Raises
        ------
        KeyError
            No such series.
        """
        values: FloatArray = self.values[row_of(self.series, series_id)]
        return values

    def load(self, series_id: str, node_id: str) -> LoadForecast:
        """Return the quantiles of one series as the uncontrolled load below a circuit node, balanced by phase."""
        return LoadForecast(node_id, self.levels, frozen(self.of(series_id)), frozen(np.full(3, 1 / 3)))


@dataclass(frozen=True, slots=True)
class ScenarioPaths:
    """Equally likely futures, coherent over slots and series: sums of series may be taken path by path.

    Parameters
    ----------
    grid : TimeGrid
    series : tuple of Series
    values : (n_series, n_paths, n_slots) float64
        In the unit of each series.
    issued_at : datetime
    """

    grid: TimeGrid
    series: tuple[Series, ...]
    values: FloatArray
    issued_at: datetime

    def total_quantiles(self, levels: FloatArray) -> FloatArray:
        """Return quantiles of the sum of all series, shape (n_levels, n_slots); never sum quantiles instead."""
        return frozen(np.quantile(self.values.sum(axis=0), levels, axis=0))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a forecaster, to be stored and restored.

    Parameters
    ----------
    method : str
    version : int
        Of the layout of ``arrays``.
    arrays : dict of str to float64 array
        Looked up by the forecaster that wrote them.
    """

    method: str
    version: int
    arrays: dict[str, FloatArray] = field(default_factory=dict)


NOTHING_KNOWN = Known()


class Forecaster(Protocol):
    """What every forecaster of the package does.

    For the same samples the answer is the same whether they came at once or one by one, in order or not, and
    whether a series stands alone or among thousands; only one that is called pooled learns of a series from others.
    """

    @property
    def series(self) -> tuple[Series, ...]:
        """Series that it forecasts, in the order of rows."""

    @property
    def levels(self) -> FloatArray:
        """Probabilities of the quantiles that it gives, ascending, shape (n_levels,)."""

    def update(self, samples: Samples) -> UpdateReport:
        """Learn from new samples, at a cost that grows with their number only."""

    def forecast(self, grid: TimeGrid, known: Known = NOTHING_KNOWN) -> QuantileForecast:
        """Return quantiles on a grid whose step is the forecaster's own.

        Raises
        ------
        GridMismatchError
            The step of the grid is another one.
        """

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return scenario paths whose quantiles agree with :meth:`forecast`; the same seed gives the same paths."""

    def snapshot(self) -> Snapshot:
        """Return all that was learnt."""

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state.

        Raises
        ------
        InvalidInputError
            It is of another method, version or shape.
        """


def row_of(series: tuple[Series, ...], series_id: str) -> int:
    """Return the row of a series.

    Raises
    ------
    KeyError
        No such series.
    """
    for row, member in enumerate(series):
        if member.series_id == series_id:
            return row
    raise KeyError(series_id)


def within_bounds(series: tuple[Series, ...], values: FloatArray) -> FloatArray:
    """Return ``values``, rows of the first axis being series, cut at each series' physical bounds."""
    shape = (-1,) + (1,) * (values.ndim - 1)
    lower = np.reshape([member.lower for member in series], shape)
    upper = np.reshape([member.upper for member in series], shape)
    return frozen(np.clip(values, lower, upper))
