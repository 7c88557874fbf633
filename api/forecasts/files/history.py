"""A table of samples, wide or long, as readings of series."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from api.forecasts.files.columns import Columns
from api.forecasts.files.times import parse_times
from models.arrays import BoolArray, FloatArray, IntArray, ScalarT, frozen
from models.errors import Issue, IssueList
from models.forecasting.cleaning.readings import Readings
from models.forecasting.forecaster import Samples, Series
from models.zones import is_zone

if TYPE_CHECKING:
    import pandas as pd

TIMES: Final = (
    "date time",
    "time",
    "timestamp",
    "datetime",
    "date_time",
    "time_utc",
    "timestamp_utc",
    "start",
    "from",
    "ds",
    "epoch",
    "unixtime",
    "date",
)
_IDS: Final = (
    "series_id",
    "series",
    "unique_id",
    "station_id",
    "station",
    "evse_id",
    "meter_id",
    "meter",
    "node_id",
)
_MORE_IDS: Final = ("site", "name", "id", "pid")
_VALUES: Final = ("value", "power_kw", "load_kw", "netload_kw", "power", "load", "kw", "y")
_BESIDE: Final = re.compile(
    r"temp|humid|rh_pct|wind|radiation|cloud|price|pressure|rain|irradiance", re.IGNORECASE
)
_FLAGS: Final = ("online", "curtailed")
_LIMITS: Final = ("limit_kw", "limit")
_TRUE: Final = ("true", "1", "1.0", "yes", "y", "t", "online")
_FALSE: Final = ("false", "0", "0.0", "no", "n", "f", "offline")
_UNITS: Final = ("kWh", "MWh", "Wh", "kW", "MW", "W")
_MOST_SERIES: Final = 10_000
_MOST_NAMED: Final = 3
_HALF: Final = 0.5
_HOUR_S: Final = 3600


@dataclass(frozen=True, slots=True)
class History:
    """What a file holds.

    Parameters
    ----------
    series : tuple of Series
    sample_s : int
        Time between samples [s].
    readings : Readings
        In the order of the file.
    notes : tuple of Issue
        What was assumed, repaired or left out.
    """

    series: tuple[Series, ...]
    sample_s: int
    readings: Readings
    notes: tuple[Issue, ...]


def history_in(table: "pd.DataFrame", columns: Columns) -> History:
    """Return the history in a table.

    Raises
    ------
    InvalidInputError
        Names every fault.
    """
    issues, notes = IssueList(), IssueList()
    table = _date_and_time(table)
    sessions = {"arrival", "departure"} <= set(table.columns)
    issues.require(
        not sessions, "(file)", "holds sessions, not samples; give it as --sessions beside a history"
    )
    issues.require(is_zone(columns.zone), "--zone", f"no time zone is called {columns.zone!r}")
    time = _time_column(table, columns, issues)
    issues.raise_if_any()
    name = _series_column(table, time, columns, issues)
    issues.raise_if_any()
    melted = (
        _long(table, time, name, columns, notes, issues)
        if name
        else _wide(table, time, columns, notes, issues)
    )
    copies = melted.row.size // len(melted.time)
    times = parse_times(melted.time, melted.row[: len(melted.time)], columns.zone, issues)
    issues.raise_if_any()
    seconds = np.tile(times.seconds, copies)
    sample_s = _sample_s(seconds, melted.row, issues)
    issues.raise_if_any()
    there = np.flatnonzero(seconds >= 0)
    samples = Samples(
        seconds[there], melted.row[there], frozen(melted.value[there]), _at(melted.curtailed, there)
    )
    readings = Readings(samples, _at(melted.online, there), _at(melted.limit, there))
    series = tuple(_series(one, melted, row, columns) for row, one in enumerate(melted.names))
    return History(series, sample_s, readings, (*notes.issues, *times.notes))


@dataclass(frozen=True, slots=True)
class _Melted:
    """A table in the long form: every column of shape (n_samples,), but times once where all series share them."""

    names: tuple[str, ...]
    time: "pd.Series[Any]"
    row: IntArray
    value: FloatArray
    online: BoolArray | None
    curtailed: BoolArray | None
    limit: FloatArray | None
    units: tuple[str, ...]


def _at(column: "NDArray[ScalarT] | None", places: IntArray) -> "NDArray[ScalarT] | None":
    return None if column is None else column[places]


def _date_and_time(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose columns of dates and of times of day, where it has both, are one."""
    by_name = {str(name).lower(): name for name in table.columns}
    if not {"date", "time"} <= by_name.keys() or "date time" in by_name:
        return table
    day, clock = (table[by_name[name]].astype("string").str.strip() for name in ("date", "time"))
    return table.drop(columns=[by_name["date"], by_name["time"]]).assign(**{"date time": day + " " + clock})


def _time_column(table: "pd.DataFrame", columns: Columns, issues: IssueList) -> str:
    import pandas as pd  # noqa: PLC0415 - takes a second to import

    if columns.time is not None:
        issues.require(
            columns.time in table, "--time", f"there is no column {columns.time!r}; {_there(table)}"
        )
        return columns.time
    by_name = {name.lower(): name for name in reversed(table.columns)}
    known = [by_name[name] for name in TIMES if name in by_name]
    typed = [name for name in table if pd.api.types.is_datetime64_any_dtype(table[name])]
    for name in (*known, *typed):
        return str(name)
    for name in table:
        sample = table[name].dropna().astype("string").head(20)
        if pd.api.types.is_numeric_dtype(table[name]) or not len(sample):
            continue
        if pd.to_datetime(sample, format="mixed", errors="coerce", utc=True).notna().all():
            return str(name)
    issues.add("(file)", f"has no column of times; {_there(table)}; name it with --time")
    return ""


def _there(table: "pd.DataFrame") -> str:
    names = [str(name) for name in table.columns]
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""  # noqa: PLR2004 - what fits a line
    return f"there are: {', '.join(names[:12])}{more}"


def _series_column(table: "pd.DataFrame", time: str, columns: Columns, issues: IssueList) -> str | None:
    """Return the column of names of a file in the long form, None for a wide one."""
    if columns.series is not None:
        issues.require(
            columns.series in table, "--id", f"there is no column {columns.series!r}; {_there(table)}"
        )
        return columns.series
    if not table[time].duplicated().any():
        return None
    by_name = {name.lower(): name for name in table.columns if name != time}
    for known in (*_IDS, *_MORE_IDS):
        if known in by_name:
            return str(by_name[known])
    return None


def _long(
    table: "pd.DataFrame", time: str, name: str, columns: Columns, notes: IssueList, issues: IssueList
) -> _Melted:
    import pandas as pd  # noqa: PLC0415 - as above

    value = _value_column(table, (time, name), columns, issues)
    issues.raise_if_any()
    names = table[name].astype("string").fillna("")
    keep = names.isin(columns.only) if columns.only else names != ""
    for missing in sorted(set(columns.only) - set(names)):
        issues.add("--column", f"no series is called {missing!r}; {_some(names.unique())}")
    table, names = table[keep], names[keep]
    row, known = pd.factorize(names)
    issues.require(
        0 < len(known) <= _MOST_SERIES, name, f"has {len(known)} series; 1 to {_MOST_SERIES} can be read"
    )
    left = [str(other) for other in table if other not in (time, name, value, *_FLAGS, *_LIMITS)]
    _note_left(left, notes)
    number = _numbers(table[value], issues)
    return _Melted(
        tuple(map(str, known)),
        table[time],
        row.astype(np.int64),
        number,
        *_beside(table, 1, issues),
        (_unit(value),) * len(known),
    )


def _value_column(table: "pd.DataFrame", taken: tuple[str, str], columns: Columns, issues: IssueList) -> str:
    if columns.value is not None:
        issues.require(
            columns.value in table, "--value", f"there is no column {columns.value!r}; {_there(table)}"
        )
        return columns.value
    by_name = {name.lower(): name for name in table.columns if name not in taken}
    for known in _VALUES:
        if known in by_name:
            return str(by_name[known])
    numeric = [
        name
        for name in numeric_columns(table)
        if name not in (*taken, *_FLAGS, *_LIMITS) and not _BESIDE.search(name)
    ]
    if len(numeric) == 1:
        return numeric[0]
    told = (
        f"which of {', '.join(numeric)} is meant?"
        if numeric
        else f"has no column of numbers; {_there(table)}"
    )
    issues.add("(file)", f"{told} Name it with --value")
    return ""


def _wide(table: "pd.DataFrame", time: str, columns: Columns, notes: IssueList, issues: IssueList) -> _Melted:
    for missing in (name for name in columns.only if name not in table):
        issues.add("--column", f"there is no column {missing!r}; {_there(table)}")
    found = [name for name in numeric_columns(table) if name not in (time, *_FLAGS, *_LIMITS)]
    loads = [name for name in found if not _BESIDE.search(name)]
    wanted = [name for name in columns.only if name in table] or loads or found
    if not wanted:
        issues.add("(file)", f"has no column of numbers beside the times; {_there(table)}")
    issues.raise_if_any()
    if not columns.only:
        _note_left([str(n) for n in table if n not in (*wanted, time, *_FLAGS, *_LIMITS)], notes)
    value = np.concatenate([_numbers(table[name], issues) for name in wanted])
    row = np.repeat(np.arange(len(wanted), dtype=np.int64), len(table))
    beside = _beside(table, len(wanted), issues)
    return _Melted(
        tuple(map(str, wanted)), table[time], row, frozen(value), *beside, tuple(map(_unit, wanted))
    )


def numeric_columns(table: "pd.DataFrame") -> list[str]:
    """Return the columns that hold mostly numbers."""
    import pandas as pd  # noqa: PLC0415 - as above

    found = []
    for name in table:
        column = table[name]
        if pd.api.types.is_bool_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
            continue
        values = column.dropna()
        numbers = pd.to_numeric(values.head(1000), errors="coerce").notna()
        if pd.api.types.is_numeric_dtype(column) or (len(values) and numbers.mean() > _HALF):
            found.append(str(name))
    return found


def _numbers(column: "pd.Series[Any]", issues: IssueList) -> FloatArray:
    """Return a column as numbers, NaN for what is empty; any other text is a fault."""
    import pandas as pd  # noqa: PLC0415 - as above

    numbers = pd.to_numeric(column, errors="coerce")
    bad = np.flatnonzero((numbers.isna() & column.notna()).to_numpy())
    if bad.size:
        named = ", ".join(
            f"row {column.index[row] + 2}: {str(column.iloc[row])!r}" for row in bad[:_MOST_NAMED]
        )
        more = f" and {bad.size - _MOST_NAMED} more" if bad.size > _MOST_NAMED else ""
        issues.add(str(column.name), f"no number in {named}{more}")
    return frozen(numbers.to_numpy(dtype=np.float64, na_value=np.nan))


def _beside(
    table: "pd.DataFrame", times: int, issues: IssueList
) -> tuple[BoolArray | None, BoolArray | None, FloatArray | None]:
    """Return the columns online, curtailed and limit, each as often as there are series."""
    online, curtailed = (_flags(table[name], issues) if name in table else None for name in _FLAGS)
    limit = next((_numbers(table[name], issues) for name in _LIMITS if name in table), None)
    if limit is not None:
        limit = frozen(np.where(np.isnan(limit), np.inf, limit))
    repeated = (None if one is None else np.tile(one, times) for one in (online, curtailed, limit))
    return tuple(repeated)  # type: ignore[return-value]  # three of them


def _flags(column: "pd.Series[Any]", issues: IssueList) -> BoolArray:
    """Return a column of yes and no; what is empty is the usual state: online, and not curtailed."""
    text = column.astype("string").str.strip().str.lower()
    usual = column.name == "online"
    bad = np.flatnonzero((~text.isin([*_TRUE, *_FALSE]) & text.notna()).to_numpy())
    if bad.size:
        issues.add(
            str(column.name), f"row {text.index[bad[0]] + 2}: {text.iloc[bad[0]]!r} is neither true nor false"
        )
    return np.asarray(text.isin(_TRUE).where(text.notna(), usual).to_numpy(dtype=bool))


def _note_left(names: list[str], notes: IssueList) -> None:
    if names:
        notes.add("columns", f"not forecast: {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}")  # noqa: PLR2004 - what fits a line


def _some(names: Iterable[object]) -> str:
    return f"there are: {', '.join(map(str, islice(names, 12)))}"


def _sample_s(seconds: IntArray, row: IntArray, issues: IssueList) -> int:
    """Return the time between samples [s]: what most neighbours of a series are apart."""
    there = seconds >= 0
    order = np.lexsort((seconds[there], row[there]))
    apart, same = np.diff(seconds[there][order]), np.diff(row[there][order]) == 0
    apart = apart[same & (apart > 0)]
    if not apart.size:
        issues.add("(file)", "needs at least two samples of one series, to tell how far apart they are")
        return _HOUR_S
    middle = float(np.median(apart))
    fits = [s for s in _possible_steps() if abs(s - middle) <= 0.05 * s]
    regular = bool(fits) and float((np.abs(apart - fits[0]) <= 0.1 * fits[0]).mean()) >= _HALF
    if not regular:
        issues.add("(file)", f"samples are not regular: half of them are {middle / 60:g} min apart or more")
        return _HOUR_S
    return fits[0]


def _possible_steps() -> list[int]:
    """Return the steps that divide an hour, and those of hours that divide a day [s]."""
    divisors = [s for s in range(1, _HOUR_S + 1) if _HOUR_S % s == 0]
    return divisors + [_HOUR_S * h for h in (2, 3, 4, 6, 8, 12, 24)]


def _unit(name: str) -> str:
    """Return the unit that a name carries, kW where it carries none."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((unit for unit in _UNITS if unit.lower() in words), "kW")


def _series(name: str, melted: _Melted, row: int, columns: Columns) -> Series:
    """Return a series with the bounds that are known of it; one that never was negative never is."""
    values = melted.value[melted.row == row]
    never_negative = columns.charging or columns.installed_kw is not None or not (values < 0).any()
    upper = np.inf if columns.installed_kw is None else columns.installed_kw
    return Series(name, melted.units[row], 0.0 if never_negative else -np.inf, upper)
