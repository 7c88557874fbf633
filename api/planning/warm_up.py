"""Compiling all kernels before the first caller: a process plans and forecasts its own examples once."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from api.examples import examples, state_of
from api.examples.forecast import example_forecast
from api.forecasts.asked.schemas import ForecastWire
from api.forecasts.routes import answer
from api.planning.planner import Planner
from api.planning.service import decide
from api.wire.schemas import parsed

Work: TypeAlias = Callable[[], object]
"""A piece of the warm-up, for a thread of the planner."""


def pieces_of_warm_up(planner: Planner) -> Iterator[Work]:
    """Yield what to run, in this order, so that no kernel is compiled while somebody waits."""
    from models.forecasting.warm_up import warm_up  # noqa: PLC0415 - numba takes a second to import

    yield warm_up
    for _ in range(2):  # again: pilots of before lead the next search
        for example in examples().values():
            yield partial(decide, planner, state_of(example).to_domain())
    yield partial(answer, parsed(ForecastWire, json.dumps(example_forecast()).encode()))
