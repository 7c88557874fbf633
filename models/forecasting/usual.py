"""The forecaster that the product uses where nobody chose another one."""

from models.forecasting.explained import ExplainedForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Forecaster, Series


def usual(series: tuple[Series, ...], step_s: int, calendar: SiteCalendar | None = None) -> Forecaster:
    """Return the usual forecaster of some series.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s]; divides an hour.
    calendar : SiteCalendar or None
        Zone and holidays of the site; UTC without holidays where None.
    """
    return ExplainedForecaster(series, step_s, calendar)
