"""A table of recorded sessions as records."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from api.forecasts.files.times import parse_times
from api.forecasts.request import SessionRecord
from models.errors import Issue, IssueList
from models.forecasting.forecaster import Series
from models.zones import is_zone

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

_MOST_NAMED: Final = 10
"""Faults of a column that are told one by one."""

_NEEDED: Final = ("arrival", "energy_kwh")
_SERIES: Final = ("series_id", "series", "station", "station_id", "site", "garage", "evse_id", "meter")
_EVSES: Final = ("evse_id", "connector", "station", "station_id")
_USERS: Final = ("user_id", "user", "id_token")
_POWERS: Final = ("power_kw", "user_power_kw", "avg_charge_kw", "max_power_kw")
_STATED_KWH: Final = ("stated_kwh", "stated_energy_kwh")


def sessions_in(
    table: "pd.DataFrame", series: tuple[Series, ...], zone: str
) -> tuple[tuple[SessionRecord, ...], tuple[Issue, ...]]:
    """Return the sessions in a table that are part of some series, and what was left out.

    Needed are ``arrival`` and ``energy_kwh``; ``departure`` is empty while a car is there. The column whose values
    are names of the series tells which one a session is part of; with one series, all are.

    Raises
    ------
    InvalidInputError
        Names every fault.
    """
    issues, notes = IssueList(), IssueList()
    for name in _NEEDED:
        there = ", ".join(map(str, table.columns[:12]))
        issues.require(name in table, "--sessions", f"has no column {name!r}; there are: {there}")
    issues.require(is_zone(zone), "--zone", f"no time zone is called {zone!r}")
    issues.raise_if_any()
    names = _names(table, series, issues)
    times = {name: _times(table, name, zone, issues) for name in ("arrival", "departure", "stated_departure")}
    energy_kwh = _numbers(table, "energy_kwh", issues)
    issues.raise_if_any()
    known = {one.series_id for one in series}
    arrival, departure = times["arrival"], times["departure"]
    mine = np.isin(names, list(known))
    sound = (arrival >= 0) & (energy_kwh >= 0) & ((departure < 0) | (departure > arrival))
    if not sound[mine].all():
        what = f"{int((mine & ~sound).sum())} rows left out: without energy, or gone before they came"
        notes.add("sessions", what)
    issues.require(bool(mine.any()), "--sessions", "has no session of any of the series")
    columns = _Columns(table, names, times, energy_kwh, issues)
    found = tuple(columns.record(int(i)) for i in np.flatnonzero(mine & sound))
    issues.raise_if_any()
    return found, tuple(notes.issues)


class _Columns:
    """The columns of a table of sessions, by what they are."""

    def __init__(
        self,
        table: "pd.DataFrame",
        names: "np.ndarray[Any, Any]",
        times: "dict[str, np.ndarray[Any, Any]]",
        energy_kwh: "np.ndarray[Any, Any]",
        issues: IssueList,
    ) -> None:
        self._names, self._times, self._energy_kwh = names, times, energy_kwh
        self._evse, self._user = (_texts(table, _first(table, one)) for one in (_EVSES, _USERS))
        self._power_kw = _numbers(table, _first(table, _POWERS), issues)
        self._stated_kwh = _numbers(table, _first(table, _STATED_KWH), issues)

    def record(self, row: int) -> SessionRecord:
        """Return one row."""
        name, power_kw = str(self._names[row]), float(self._power_kw[row])
        stated_kwh, stated = float(self._stated_kwh[row]), self._moment("stated_departure", row)
        states = stated is not None and stated_kwh >= 0
        arrival = self._moment("arrival", row)
        assert arrival is not None  # noqa: S101 - rows without one are left out
        return SessionRecord(
            name,
            self._evse[row] or name,
            arrival,
            self._moment("departure", row),
            float(self._energy_kwh[row]),
            power_kw if power_kw > 0 else None,
            self._user[row],
            stated if states else None,
            stated_kwh if states else None,
        )

    def _moment(self, name: str, row: int) -> "datetime | None":
        from datetime import UTC, datetime  # noqa: PLC0415 - used here only

        seconds = int(self._times[name][row])
        return datetime.fromtimestamp(seconds, UTC) if seconds >= 0 else None


def _first(table: "pd.DataFrame", names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in table), None)


def _names(table: "pd.DataFrame", series: tuple[Series, ...], issues: IssueList) -> "np.ndarray[Any, Any]":
    """Return the series of every session: from the column that names the most of them."""
    known = [one.series_id for one in series]
    shares = {
        name: float(table[name].astype("string").isin(known).mean()) for name in _SERIES if name in table
    }
    best = max(shares, key=lambda name: shares[name], default=None)
    if best is not None and shares[best] > 0:
        return np.asarray(table[best].astype("string").fillna(""), dtype=str)
    if len(known) == 1:
        return np.full(len(table), known[0])
    asked = f"looked at {', '.join(shares)}" if shares else f"none of {', '.join(_SERIES)} is there"
    issues.add("--sessions", f"no column names the series ({', '.join(known[:5])} ...): {asked}")
    return np.full(len(table), "")


def _times(table: "pd.DataFrame", name: str, zone: str, issues: IssueList) -> "np.ndarray[Any, Any]":
    """Return a column of times [s since the epoch], -1 where it is empty."""
    seconds = np.full(len(table), -1, dtype=np.int64)
    if name not in table:
        return seconds
    there = np.flatnonzero(table[name].notna().to_numpy())
    if there.size:
        groups = np.arange(there.size, dtype=np.int64)  # each its own: sessions follow no rhythm
        found = parse_times(table[name].iloc[there], groups, zone, issues)
        for row in there[found.skipped][:_MOST_NAMED]:  # no departure would make it a car that is here
            issues.add(f"{name}, row {table.index[row] + 2}", f"the clock of {zone} skips that time")
        seconds[there] = found.seconds
    return seconds


def _numbers(table: "pd.DataFrame", name: str | None, issues: IssueList) -> "np.ndarray[Any, Any]":
    import pandas as pd  # noqa: PLC0415 - takes a second to import

    if name is None:
        return np.full(len(table), np.nan)
    numbers = pd.to_numeric(table[name], errors="coerce")
    bad = np.flatnonzero((numbers.isna() & table[name].notna()).to_numpy())
    if bad.size:
        issues.add(
            f"--sessions {name}",
            f"no number in row {table.index[bad[0]] + 2}: {str(table[name].iloc[bad[0]])!r}",
        )
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)


def _texts(table: "pd.DataFrame", name: str | None) -> list[str | None]:
    if name is None:
        return [None] * len(table)
    return [str(one) if there else None for one, there in zip(table[name], table[name].notna(), strict=True)]
