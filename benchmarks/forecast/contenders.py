"""Who runs in the race."""

from pathlib import Path
from typing import Final

from benchmarks.forecast.names import BY_NAME, DAY_TYPE, LIGHTGBM, MSTL, NAMES
from benchmarks.forecast.protocol import KEPT_DAYS, LOCAL_DAYS, Contender, Runner
from benchmarks.registry import BenchmarkContext
from models.errors import ChargingError, InvalidInputError, Issue
from models.forecasting.names import ForecasterName

LONG_MEMORY: Final = (ForecasterName.USUAL, ForecasterName.RIDGE)
"""Those that keep more than 56 days, or learn of a series from all others."""

MOST_DECOMPOSED: Final = 140
MOST_DECOMPOSED_SMOKE: Final = 2


def contenders(context: BenchmarkContext) -> tuple[Runner, ...]:
    """Return the contenders that a run's options name.

    Raises
    ------
    InvalidInputError
        Names every name that is none.
    """
    names = tuple(name.replace("-", "_") for name in context.options["contenders"])
    issues = tuple(
        Issue(f"--contenders {name}", f"there are: {', '.join(NAMES)}") for name in names if name not in NAMES
    )
    if issues:
        raise InvalidInputError(issues)
    return tuple(_contender(name, context) for name in dict.fromkeys(names))


def _contender(name: str, context: BenchmarkContext) -> Runner:
    from models.forecasting.by_name import MAKERS
    from models.forecasting.day_type import DayTypeForecaster

    if name == LIGHTGBM:
        from benchmarks.forecast.boosted import LightGbm

        return LightGbm(name, context.seed)
    if name == MSTL:
        from benchmarks.forecast.decomposed import Mstl

        return Mstl(name, _python(context), MOST_DECOMPOSED_SMOKE if context.smoke else MOST_DECOMPOSED)
    if name == DAY_TYPE:
        return Contender(name, DayTypeForecaster)
    own = BY_NAME[name]
    return Contender(name, MAKERS[own], KEPT_DAYS if own in LONG_MEMORY else LOCAL_DAYS)


def _python(context: BenchmarkContext) -> Path | ChargingError:
    """Return the interpreter of statsforecast's environment, made where there is none; or why there is none."""
    from benchmarks.forecast.decomposed import ENVIRONMENT
    from benchmarks.peers.environments import NoEnvironmentError, python_of

    try:
        return python_of(ENVIRONMENT, context.peers_dir, make=not context.smoke, say=context.say)
    except NoEnvironmentError as error:
        return error
