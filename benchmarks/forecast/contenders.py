"""Who runs in the race."""

from typing import Final

from benchmarks.forecast.protocol import Contender
from models.errors import InvalidInputError, Issue

OURS: Final = "ours"
OURS_DAYS: Final = 140
"""Ours keeps its own ring, and is given what it keeps."""

NAMES: Final = (OURS, "day-type", "climatology", "seasonal-naive")


def contenders(names: tuple[str, ...]) -> tuple[Contender, ...]:
    """Return contenders by name.

    Raises
    ------
    InvalidInputError
        Names every name that is none.
    """
    from models.forecasting.day_type import ClimatologyForecaster, DayTypeForecaster
    from models.forecasting.seasonal_naive import SeasonalNaiveForecaster
    from models.forecasting.usual import usual

    known = {
        OURS: Contender(OURS, usual, OURS_DAYS),
        "day-type": Contender("day-type", DayTypeForecaster),
        "climatology": Contender("climatology", ClimatologyForecaster),
        "seasonal-naive": Contender("seasonal-naive", SeasonalNaiveForecaster),
    }
    issues = tuple(
        Issue(f"--contenders {name}", f"there are: {', '.join(known)}") for name in names if name not in known
    )
    if issues:
        raise InvalidInputError(issues)
    return tuple(known[name] for name in names)
