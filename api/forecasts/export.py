"""A forecast as a table: one row for every series and slot, columns for quantiles and paths."""

from typing import TYPE_CHECKING

import numpy as np

from api.forecasts.request import TOTAL, ForecastAnswer
from models.arrays import FloatArray

if TYPE_CHECKING:
    import pandas as pd


def forecast_table(answer: ForecastAnswer) -> "pd.DataFrame":
    """Return the answer as a table: ``series``, ``start``, ``q05`` ..., and ``path_1`` ... where there are paths."""
    import pandas as pd  # noqa: PLC0415 - takes a second to import

    forecast, grid = answer.forecast, answer.forecast.grid
    names = [one.series_id for one in forecast.series]
    values: list[FloatArray] = list(forecast.values)
    paths = list(answer.paths.values) if answer.paths is not None else []
    if answer.total is not None:
        names.append(TOTAL)
        values.append(answer.total)
        paths += [answer.paths.values.sum(axis=0)] if answer.paths is not None else []  # noqa: PD011 - no table
    starts = pd.to_datetime(grid.steps * grid.step_s, unit="s", utc=True)
    columns = {"series": np.repeat(names, grid.n_slots), "start": np.tile(starts, len(names))}
    columns |= {
        column_of(level): np.concatenate([rows[i] for rows in values])
        for i, level in enumerate(forecast.levels)
    }
    if paths:
        summed = np.concatenate(paths, axis=1)
        columns |= {f"path_{i + 1}": row for i, row in enumerate(summed)}
    table = pd.DataFrame(columns)
    table["start"] = pd.to_datetime(table["start"], utc=True)
    return table


def column_of(level: float) -> str:
    """Return the name of the column of a quantile: ``q05`` for 5 %, ``q025`` for 2.5 %."""
    digits = f"{level:.6f}".split(".")[1].rstrip("0")
    return f"q{digits.ljust(2, '0')}"
