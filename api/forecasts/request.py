"""What is asked of a forecast, and what is answered."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from models.arrays import FloatArray, IntArray
from models.errors import Issue
from models.forecasting.cleaning.findings import Findings
from models.forecasting.cleaning.readings import Readings
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    DEFAULT_LEVELS,
    PluggedIn,
    QuantileForecast,
    Samples,
    ScenarioPaths,
    Series,
)
from models.forecasting.names import ForecasterName

TOTAL = "total"
"""Name of the sum of all series."""

PATHS_OF_A_SUM: Final = 200
"""Paths that sums of series and of cars are read from; fewer show their own number in the outer quantiles."""


class SampleKind(StrEnum):
    """What a sample is: the mean power since it, or the reading of an energy register."""

    MEAN_POWER = "mean_power"
    ENERGY_REGISTER = "energy_register"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How far and how finely a forecast is wanted.

    Parameters
    ----------
    step_s : int
        Length of a slot [s]; divides an hour.
    n_slots : int
    levels : tuple of float
        Probabilities of the quantiles, ascending.
    n_paths : int
        Scenario paths; 0 for none.
    seed : int
        The same seed gives the same paths.
    total : bool
        Whether quantiles of the sum of all series are wanted too.
    forecaster : ForecasterName
        Who forecasts.
    """

    step_s: int
    n_slots: int
    levels: tuple[float, ...] = DEFAULT_LEVELS
    n_paths: int = 0
    seed: int = 0
    total: bool = False
    forecaster: ForecasterName = ForecasterName.USUAL


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A charging session as it was recorded.

    Parameters
    ----------
    series_id : str
        Charging load that it is part of.
    evse : str
    arrival : datetime
    departure : datetime or None
        None while the car is still there.
    energy_kwh : float
        What it took, so far while it is still there [kWh].
    power_kw : float or None
        Power at which it charges while nobody holds it back [kW].
    user : str or None
    stated_departure : datetime or None
    stated_kwh : float or None
        What the driver stated.
    """

    series_id: str
    evse: str
    arrival: datetime
    departure: datetime | None
    energy_kwh: float
    power_kw: float | None = None
    user: str | None = None
    stated_departure: datetime | None = None
    stated_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """Values of one quantity that is known ahead; of two at the same time the later one holds.

    Parameters
    ----------
    name : str
    time_s : (n,) int64
        Start of the interval that each value is the mean of, since the epoch [s].
    value : (n,) float64
        NaN where it is not known.
    sample_s : int
        Length of an interval [s].
    """

    name: str
    time_s: IntArray
    value: FloatArray
    sample_s: int


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """Samples of some series, and the forecast that is wanted of them.

    Parameters
    ----------
    series : tuple of Series
    sample_s : int
        Time between samples [s].
    readings : Readings
        In the order in which they came.
    wanted : Wanted
    now : datetime or None
        Nothing from this moment on is read; the end of the newest sample where None.
    calendar : SiteCalendar
    plugged_in : tuple of PluggedIn
        Cars of which departure and need are told.
    sessions : tuple of SessionRecord
        Sessions that have ended, and those of cars that are still there; cars that come are learnt from them.
    columns : tuple of Column
        Weather, prices and the like, of the past and of what is to come.
    kind : SampleKind
    notes : tuple of Issue
        What was seen while the input was read.
    """

    series: tuple[Series, ...]
    sample_s: int
    readings: Readings
    wanted: Wanted
    now: datetime | None = None
    calendar: SiteCalendar = field(default_factory=SiteCalendar)
    plugged_in: tuple[PluggedIn, ...] = ()
    sessions: tuple[SessionRecord, ...] = ()
    columns: tuple[Column, ...] = ()
    kind: SampleKind = SampleKind.MEAN_POWER
    notes: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class ForecastAnswer:
    """A forecast, what was cleaned before, and what the reader should know.

    Parameters
    ----------
    request : ForecastRequest
    forecast : QuantileForecast
        At the levels that were wanted.
    paths : ScenarioPaths or None
    total : (n_levels, n_slots) float64 or None
        Quantiles of the sum of all series, from summed paths.
    learnt : Samples
        What the forecaster was given: clean, in slots of the forecast.
    findings : Findings
        In slots of the samples.
    warnings : tuple of Issue
    """

    request: ForecastRequest
    forecast: QuantileForecast
    paths: ScenarioPaths | None
    total: FloatArray | None
    learnt: Samples
    findings: Findings
    warnings: tuple[Issue, ...]
