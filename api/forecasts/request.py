"""What is asked of a forecast, and what is answered."""

from dataclasses import dataclass, field
from datetime import datetime

from models.arrays import FloatArray
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

TOTAL = "total"
"""Name of the sum of all series."""


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
    """

    step_s: int
    n_slots: int
    levels: tuple[float, ...] = DEFAULT_LEVELS
    n_paths: int = 0
    seed: int = 0
    total: bool = False


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
