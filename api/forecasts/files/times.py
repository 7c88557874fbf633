"""Times as people write them: with or without an offset, day or month first, or as seconds since the epoch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.arrays import BoolArray, IntArray
from models.errors import Issue, IssueList

if TYPE_CHECKING:
    import pandas as pd

_OFFSET: Final = r"\d{1,2}:?\d{2}.*(?:Z|UTC|[+-]\d{2}:?\d{2})$"
_DAY_MONTH_YEAR: Final = r"^(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ T,]+(.*))?$"
_EPOCH_UNITS: Final = ((1e8, 1e11, 1), (1e11, 1e14, 1000), (1e14, 1e17, 10**6), (1e17, 1e20, 10**9))
_MOST_NAMED: Final = 3
_MONTHS: Final = 12
_JUMP: Final = np.timedelta64(36, "h")
_CLEARLY_FEWER: Final = 0.5
_A_FEW_JUMPS: Final = 3


@dataclass(frozen=True, slots=True)
class Times:
    """Times of rows.

    Parameters
    ----------
    seconds : (n,) int64
        Since the epoch, UTC [s]; -1 where a row has none that exists.
    notes : tuple of Issue
        What was assumed, repaired or left out.
    skipped : (n,) bool
        Rows with a local time that the clock of the zone skips.
    """

    seconds: IntArray
    notes: tuple[Issue, ...]
    skipped: BoolArray


def parse_times(column: "pd.Series[Any]", groups: IntArray, zone: str, issues: IssueList) -> Times:
    """Return the times in a column; ``groups`` tells which series a row belongs to, shape (n,).

    Times without an offset are local times of ``zone``. Faults are noted, with the first rows that have them.
    """
    import pandas as pd  # noqa: PLC0415 - takes a second to import

    where, notes = str(column.name), IssueList()
    if pd.api.types.is_numeric_dtype(column):
        return Times(_epoch(column, where, issues), (), np.zeros(len(column), dtype=np.bool_))
    if pd.api.types.is_datetime64_any_dtype(column):
        moments = column
    else:
        text = column.astype("string").str.strip()
        moments = _moments(text, groups, where, notes)
        _name_faults(text, moments.isna().to_numpy(), where, issues)
    naive = moments.dt.tz is None
    wall = moments.dt.tz_localize(None) if naive else moments.dt.tz_convert("UTC").dt.tz_localize(None)
    wall = _swapped_back(wall, groups, where, notes)
    there = wall.notna()
    if naive and zone != "UTC":
        wall = _to_utc(wall, groups, zone, where, notes)
    skipped = np.asarray((there & wall.isna()).to_numpy(), dtype=np.bool_)
    seconds = wall.to_numpy().astype("datetime64[s]").astype(np.int64)
    return Times(np.where(wall.isna(), -1, seconds), tuple(notes.issues), skipped)


def _epoch(column: "pd.Series[Any]", where: str, issues: IssueList) -> IntArray:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
    for low, high, per_second in _EPOCH_UNITS:
        if low <= middle < high:
            bad = ~((values >= 0) & (values < high * 10))
            _name_faults(column.astype("string"), bad, where, issues)
            return np.where(bad, -1, np.where(bad, 0, values) // per_second).astype(np.int64)
    issues.add(where, f"{middle:g} is no time: neither a date nor seconds since 1970")
    return np.full(values.size, -1, dtype=np.int64)


def _name_faults(text: "pd.Series[Any]", bad: BoolArray, where: str, issues: IssueList) -> None:
    """Note texts that are no times: how many, and the first of them with their rows in the file."""
    rows = np.flatnonzero(bad)
    if not rows.size:
        return
    named = ", ".join(f"row {text.index[row] + 2}: {_shown(text.iloc[row])}" for row in rows[:_MOST_NAMED])
    more = f" and {rows.size - _MOST_NAMED} more" if rows.size > _MOST_NAMED else ""
    issues.add(where, f"no time in {named}{more}")


def _shown(value: object) -> str:
    return repr(str(value)) if value is not None and str(value) not in ("<NA>", "nan") else "empty"


def _moments(text: "pd.Series[Any]", groups: IntArray, where: str, notes: IssueList) -> "pd.Series[Any]":
    """Return texts as moments, NaT where one is none."""
    import pandas as pd  # noqa: PLC0415 - as above

    parts = text.str.extract(_DAY_MONTH_YEAR)
    if parts[0].notna().mean() > _CLEARLY_FEWER:
        return _day_or_month_first(parts, groups, where, notes)
    offset = text.str.contains(_OFFSET, regex=True, na=False)
    utc = bool(offset.any())
    if utc and not offset[text.notna()].all():
        notes.add(where, "some times have an offset from UTC; those without are taken as UTC")
    moments = pd.to_datetime(text, format="ISO8601", utc=utc, errors="coerce")
    if moments.isna().mean() > _CLEARLY_FEWER:
        moments = pd.to_datetime(text, format="mixed", utc=utc, errors="coerce")
    return moments


def _day_or_month_first(
    parts: "pd.DataFrame", groups: IntArray, where: str, notes: IssueList
) -> "pd.Series[Any]":
    """Return ``1/2/2024 10:00`` as moments: the order that exists everywhere, else the one with fewer jumps."""
    import pandas as pd  # noqa: PLC0415 - as above

    first, second = (pd.to_numeric(parts[i], errors="coerce") for i in (0, 1))
    clock = parts[3].fillna("00:00").str.strip()
    both = []
    for day, month in ((first, second), (second, first)):
        day, month = day.where(month <= _MONTHS, month), month.where(month <= _MONTHS, day)  # noqa: PLW2901 - mended
        date = parts[2] + "-" + _two(month) + "-" + _two(day)
        both.append(pd.to_datetime(date + " " + clock, format="mixed", errors="coerce"))
    day_first, month_first = both
    if (first > _MONTHS).any() != (second > _MONTHS).any():
        return day_first if (first > _MONTHS).any() else month_first
    if _n_jumps(month_first, groups) < _n_jumps(day_first, groups):
        return month_first
    if _n_jumps(month_first, groups) == _n_jumps(day_first, groups):
        notes.add(where, "day and month cannot be told apart: the day is taken as first")
    return day_first


def _two(number: "pd.Series[Any]") -> "pd.Series[Any]":
    return number.astype("Int64").astype("string").str.zfill(2)


def _n_jumps(moments: "pd.Series[Any]", groups: IntArray) -> int:
    """Return how often the next time of a series is more than a day and a half away."""
    order = np.argsort(groups, kind="stable")
    times, of = moments.to_numpy().astype("datetime64[s]")[order], groups[order]
    step = np.diff(times)
    return int((((step > _JUMP) | (step < -_JUMP)) & (of[1:] == of[:-1])).sum())


def _swapped_back(wall: "pd.Series[Any]", groups: IntArray, where: str, notes: IssueList) -> "pd.Series[Any]":
    """Swap day and month of dates that could be both, where that puts the file into order."""
    ambiguous = (wall.dt.day <= _MONTHS) & (wall.dt.day != wall.dt.month)
    before = _n_jumps(wall, groups)
    if before < _A_FEW_JUMPS or not ambiguous.any():
        return wall
    day = wall[ambiguous].dt.normalize()
    other = day.dt.strftime("%Y-%d-%m").astype("datetime64[ns]")
    mended = wall.copy()
    mended[ambiguous] = other + (wall[ambiguous] - day)
    if _n_jumps(mended, groups) > _CLEARLY_FEWER * before:
        return wall
    notes.add(where, f"day and month were swapped in {int(ambiguous.sum())} rows: swapped back")
    return mended


def _to_utc(
    wall: "pd.Series[Any]", groups: IntArray, zone: str, where: str, notes: IssueList
) -> "pd.Series[Any]":
    """Return local times in UTC: of an hour that comes twice the first is summer time, one that is skipped has none."""
    import pandas as pd  # noqa: PLC0415 - as above

    repeat = pd.DataFrame({"wall": wall.to_numpy(), "group": groups}).groupby(["group", "wall"]).cumcount()
    local = wall.dt.tz_localize(zone, ambiguous=repeat.to_numpy() == 0, nonexistent="NaT")
    skipped = int((local.isna() & wall.notna()).sum())
    if skipped:
        notes.add(where, f"{skipped} rows have a time that the clock of {zone} skips: left out")
    utc: pd.Series[Any] = local.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc
