"""Columns that are known ahead, on the wire."""

from typing import Annotated, Final, Literal, TypeAlias

import numpy as np
from pydantic import Field

from api.forecasts.request import Column
from api.forecasts.schemas import MAX_SAMPLES
from api.wire.schemas import Identity, Moment, SignedKilowatts, WireModel
from models.arrays import frozen

MOST_COLUMNS: Final = 8
"""Columns of one request: each adds three lines to what is learnt of every series."""

StepMinutes: TypeAlias = Literal[1, 5, 10, 15, 20, 30, 60]
"""Length of an interval [min]."""


class KnownColumnWire(WireModel):
    """Weather, a price or the like: values of the past to learn from, and of what is to come, the newest last."""

    name: Annotated[Identity, Field(description="unique within the request", examples=["temperature_c"])]
    start: Annotated[Moment, Field(description="start of the first interval")]
    step_minutes: Annotated[StepMinutes, Field(description="length of an interval [min]")] = 60
    values: Annotated[
        tuple[SignedKilowatts | None, ...],
        Field(
            min_length=1,
            max_length=MAX_SAMPLES,
            description="mean of each interval, in any unit; null where it is not known",
        ),
    ]

    def to_domain(self) -> Column:
        """Return the column."""
        step_s = self.step_minutes * 60
        time_s = int(self.start.timestamp()) + np.arange(len(self.values), dtype=np.int64) * step_s
        values = frozen([np.nan if value is None else value for value in self.values])
        return Column(self.name, time_s, values, step_s)
