"""Forecasters by the names that a user may choose."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from models.forecasting.day_type import ClimatologyForecaster
from models.forecasting.double_seasonal import DoubleSeasonalForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Forecaster, Series
from models.forecasting.names import ForecasterName
from models.forecasting.pooled_ridge import PooledRidgeForecaster
from models.forecasting.seasonal_naive import SeasonalNaiveForecaster
from models.forecasting.usual import usual

Maker: TypeAlias = Callable[[tuple[Series, ...], int, SiteCalendar | None], Forecaster]
"""From series, the length of a slot [s] and the calendar of their site to a forecaster that has learnt nothing yet."""

MAKERS: Final[Mapping[ForecasterName, Maker]] = {
    ForecasterName.USUAL: usual,
    ForecasterName.CLIMATOLOGY: ClimatologyForecaster,
    ForecasterName.SEASONAL_NAIVE: SeasonalNaiveForecaster,
    ForecasterName.DOUBLE_SEASONAL: DoubleSeasonalForecaster,
    ForecasterName.RIDGE: PooledRidgeForecaster,
}


def forecaster_of(
    name: ForecasterName, series: tuple[Series, ...], step_s: int, calendar: SiteCalendar | None = None
) -> Forecaster:
    """Return a forecaster by its name, with nothing learnt yet.

    Parameters
    ----------
    name : ForecasterName
    series : tuple of Series
    step_s : int
        Length of a slot [s]; divides an hour.
    calendar : SiteCalendar or None
        Zone and holidays of the site; UTC without holidays where None.
    """
    return MAKERS[name](series, step_s, calendar)
