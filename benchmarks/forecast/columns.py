"""What columns that are known ahead are worth: to loads made to follow one or not, to feeders, and when they stop."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.forecast.data import HALF_HOUR_S, ZONES
from models.arrays import FloatArray, frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Known, KnownColumns, Samples, Series
from models.forecasting.usual import usual
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    import pandas as pd

PER_DAY: Final = SECONDS_PER_DAY // HALF_HOUR_S
KEPT_DAYS: Final = 110
EVERY_DAYS: Final = 5
SHORT_EVERY_DAYS: Final = 2
SHORT_DAYS: Final = 100
LEAST_DAYS: Final = 42
STOPS_AFTER: Final = 12
"""Slots after which a feed stops: 6 h."""

N_DAYS: Final = 170
START: Final = datetime(2024, 1, 8, tzinfo=UTC)
FOLLOWS: Final = (("heating", 0.6), ("faint heating", 0.1), ("nothing", 0.0))
"""kW that each degree below 15 °C adds to a load of about 17 kW."""

SUN_AND_WIND: Final = ("radiation", "windspeed_100m")
WITH_TEMPERATURE: Final = ("feeder30_mascot", "feeder30_ausgrid300")
WITH_SUN_AND_WIND: Final = "feeder15_openstef_mw"
LOCAL: Final = "Australia/Sydney"
JUDGED: Final = (1, 3, 5)
"""Of the seven usual quantiles those at 10, 50 and 90 %."""


@dataclass(frozen=True, slots=True)
class Fed:
    """Loads (n_series, n_slots) and columns (n_columns, n_slots) that are known ahead, NaN where neither is."""

    load: FloatArray
    names: tuple[str, ...]
    columns: FloatArray
    grid: TimeGrid
    calendar: SiteCalendar

    def origins(self, n_origins: int) -> Iterator[int]:
        """Yield the first slots of forecasts, the latest first, at midnight and noon by turns."""
        n_days = self.grid.n_slots // PER_DAY
        every = EVERY_DAYS if n_days > SHORT_DAYS else SHORT_EVERY_DAYS
        for number in range(n_origins):
            first = self.grid.n_slots - (2 + every * number) * PER_DAY + number % 2 * PER_DAY // 2
            if first >= LEAST_DAYS * PER_DAY:
                yield first


def made(kw_per_degree: float, n_series: int, rng: np.random.Generator) -> Fed:
    """Return loads with a day, a week and noise that lingers, what cold adds to them, and the temperature."""
    slot = np.arange(N_DAYS * PER_DAY)
    fronts = np.repeat(_lingering(rng, (1, N_DAYS), 0.7)[0] * 4.0, PER_DAY)
    year, day = 2 * np.pi * slot / (365 * PER_DAY), 2 * np.pi * slot / PER_DAY
    temperature_c = 9.0 - 8.0 * np.cos(year) + 3.0 * np.sin(day - 2.0) + fronts
    weekend = (slot // PER_DAY) % 7 >= 5  # noqa: PLR2004 - Saturday
    shape = 14.0 + 6.0 * np.sin(day - 1.5) - 4.0 * weekend
    noise = _lingering(rng, (n_series, slot.size), 0.9) * 1.5
    load_kw = np.maximum(shape + noise + kw_per_degree * np.maximum(15.0 - temperature_c, 0.0), 0.0)
    grid = TimeGrid(START, HALF_HOUR_S, slot.size)
    return Fed(frozen(load_kw), ("temperature_c",), frozen([temperature_c]), grid, SiteCalendar())


def recorded(folder: Path) -> Iterator[tuple[str, Fed]]:
    """Yield feeders with the weather that was recorded beside them; none of what is not in the folder."""
    import pandas as pd

    for name in WITH_TEMPERATURE:
        path = folder / f"{name}.parquet"
        if path.exists():
            frame = pd.read_parquet(path)
            frame.index = pd.DatetimeIndex(frame.index).tz_localize("Etc/GMT-10").tz_convert(UTC)
            yield name, _fed(frame["netload_kw"], frame[["temp_c"]], LOCAL)
    path = folder / f"{WITH_SUN_AND_WIND}.parquet"
    if path.exists():
        loads, weather = (
            pd.read_parquet(one) for one in (path, folder / path.name.replace("_mw", "_weather"))
        )
        for feeder in loads.columns[(loads != 0.0).mean() > 0.5]:  # noqa: PLR2004 - one meter shows nothing
            columns = weather[[f"{feeder}_{kind}" for kind in SUN_AND_WIND]]
            if columns.notna().to_numpy().any():
                yield f"openstef_mw {feeder}", _fed(loads[feeder], columns, ZONES["openstef_mw"])


def _fed(load: "pd.Series[float]", columns: "pd.DataFrame", zone: str) -> Fed:
    import pandas as pd

    table = columns.assign(load=load)
    table = (
        table.set_axis(pd.DatetimeIndex(table.index).tz_convert(UTC)).resample(pd.Timedelta("30min")).mean()
    )
    values = table.to_numpy(dtype=np.float64).T
    grid = TimeGrid(table.index[0].to_pydatetime(), HALF_HOUR_S, values.shape[1])
    names = tuple(map(str, columns.columns))
    return Fed(frozen(values[-1:]), names, frozen(values[:-1]), grid, SiteCalendar(zone))


def _lingering(rng: np.random.Generator, shape: tuple[int, int], memory: float) -> FloatArray:
    """Return noise of unit spread whose neighbours are alike, along the last axis."""
    out = rng.normal(size=shape)
    for place in range(1, shape[1]):
        out[:, place] = memory * out[:, place - 1] + np.sqrt(1.0 - memory**2) * out[:, place]
    return frozen(out)


def losses(fed: Fed, n_origins: int, n_known: Sequence[int]) -> tuple[float, ...]:
    """Return the WQL of a day ahead where so many of its slots have columns; 0: none are told."""
    missed, size = np.zeros(len(n_known)), 0.0
    series = tuple(Series(f"load {row}") for row in range(fed.load.shape[0]))
    for first in fed.origins(n_origins):
        begin = max(first - KEPT_DAYS * PER_DAY, 0)
        past = TimeGrid(fed.grid.slot_start(begin), HALF_HOUR_S, first - begin)
        forecaster = usual(series, HALF_HOUR_S, fed.calendar)
        forecaster.update(Samples.block(past, frozen(fed.load[:, begin:first])))
        grid, actual = (
            TimeGrid(past.end, HALF_HOUR_S, PER_DAY),
            fed.load[:, np.newaxis, first : first + PER_DAY],
        )
        for way, known in enumerate(n_known):
            columns = KnownColumns(
                fed.names,
                frozen(fed.columns[:, begin : first + known]),
                TimeGrid(past.start, HALF_HOUR_S, past.n_slots + known),
            )
            forecast = forecaster.forecast(grid, Known(columns=columns if known else None))
            error, level = actual - frozen(forecast.values), forecast.levels[:, np.newaxis]
            pinball = np.maximum(level * error, (level - 1.0) * error)[:, JUDGED]
            missed[way] += 2.0 * float(np.nanmean(pinball))
        size += float(np.nanmean(np.abs(actual)))
    return tuple((missed / size).tolist())
