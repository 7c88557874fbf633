"""Names of the forecasters that a user may choose; light to import."""

from enum import StrEnum


class ForecasterName(StrEnum):
    """What may be chosen: the product's own, and the baselines that it has to beat.

    Members
    -------
    USUAL
        Blended memories of past days (``blended.py``).
    CLIMATOLOGY
        The samples of 8 weeks at the same slot +-1 and day type (``day_type.py``).
    SEASONAL_NAIVE
        What was a week ago (``seasonal_naive.py``).
    DOUBLE_SEASONAL
        Exponential smoothing with a season of the day and one of the week (``double_seasonal.py``).
    RIDGE
        One regression for all series on lags and the calendar (``pooled_ridge.py``).
    """

    USUAL = "usual"
    CLIMATOLOGY = "climatology"
    SEASONAL_NAIVE = "seasonal_naive"
    DOUBLE_SEASONAL = "double_seasonal"
    RIDGE = "ridge"
