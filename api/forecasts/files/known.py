"""A table of what is known ahead (weather, price), read by the rules of a history."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from api.forecasts.files.columns import Columns
from api.forecasts.files.history import TIMES, history_in, numeric_columns
from api.forecasts.request import Column
from models.errors import InvalidInputError, Issue

if TYPE_CHECKING:
    import pandas as pd

_MOST: Final = 8
_WHERE: Final = "--known"


def known_in(table: "pd.DataFrame", columns: Columns) -> tuple[tuple[Column, ...], tuple[Issue, ...]]:
    """Return every column of numbers in a wide table, with what was noted of its times.

    The column of times is found as that of a history is; times without an offset are of the same zone.

    Raises
    ------
    InvalidInputError
        Names every fault.
    """
    time = columns.time if columns.time in table else None
    names = tuple(one for one in numeric_columns(table) if one != time and one.lower() not in TIMES)
    if len(names) > _MOST:
        what = f"has {len(names)} columns of numbers, at most {_MOST} can be read: {', '.join(names[:12])}"
        raise InvalidInputError((Issue(_WHERE, what),))
    try:
        found = history_in(table, Columns(time=time, only=names, zone=columns.zone))
    except InvalidInputError as error:
        raise InvalidInputError(
            tuple(replace(one, where=f"{_WHERE} {one.where}") for one in error.issues)
        ) from None
    samples = found.readings.samples
    parts = (samples.row == row for row in range(len(found.series)))
    known = tuple(
        Column(one.series_id, samples.time_s[mine], samples.value[mine], found.sample_s)
        for one, mine in zip(found.series, parts, strict=True)
    )
    return known, tuple(replace(one, where=f"{_WHERE} {one.where}") for one in found.notes)
