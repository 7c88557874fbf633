"""Recorded loads as panels: series of one file and kind, on one grid, with the origins that judge them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from models.arrays import FloatArray, frozen
from models.errors import InvalidInputError, Issue
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Series
from models.timegrid import TimeGrid

if TYPE_CHECKING:
    import pandas as pd

HALF_HOUR_S: Final = 1800
HOUR_S: Final = 3600
FIRST_ORIGIN: Final = timedelta(days=6)
BETWEEN_ORIGINS: Final = timedelta(days=5)
BETWEEN_ORIGINS_SHORT: Final = timedelta(hours=66)
MOSTLY: Final = 0.5
LEAST_STATIONS: Final = 2
"""A site of one station is that station, and is judged as one."""

SHORT: Final = "openstef"
"""Files of this name are a few weeks long; their origins lie closer together."""

GARAGES: Final = ("norway",)
ZONES: Final[Mapping[str, str]] = {
    "dundee": "Europe/London",
    "perth_kinross": "Europe/London",
    "norway": "Europe/Oslo",
    "boulder": "America/Denver",
    "openstef_mw": "Europe/Amsterdam",
    "openstef_pids": "Europe/Amsterdam",
}
"""Zone by file; others are taken as they are written (the Australian feeders are in local time)."""


class Kind(StrEnum):
    """Groups of series that are judged together."""

    CITY = "city total"
    GARAGE = "garages"
    SITE = "sites"
    STATION = "stations"
    FEEDER = "feeders"


@dataclass(frozen=True, slots=True)
class Panel:
    """Series of one file and kind on one grid.

    Parameters
    ----------
    name : str
        Of the file, without its first part.
    kind : Kind
    series : tuple of Series
    grid : TimeGrid
        All slots that the file has before its cut.
    values : (n_series, n_slots) float64
        NaN where there is no sample.
    calendar : SiteCalendar
    cut : datetime
        First moment that nobody may know.
    """

    name: str
    kind: Kind
    series: tuple[Series, ...]
    grid: TimeGrid
    values: FloatArray
    calendar: SiteCalendar
    cut: datetime

    def origins(self, n_origins: int) -> tuple[datetime, ...]:
        """Return the last rolling origins, the latest first: alternately at midnight and noon, 5 days apart."""
        if SHORT in self.name:
            return tuple(self.cut - FIRST_ORIGIN - i * BETWEEN_ORIGINS_SHORT for i in range(n_origins))
        noon = timedelta(hours=12)
        return tuple(self.cut - FIRST_ORIGIN - i * BETWEEN_ORIGINS + i % 2 * noon for i in range(n_origins))

    def with_values(self, values: FloatArray) -> "Panel":
        """Return the same series with other values."""
        return replace(self, values=frozen(values))


def read_panels(folder: Path, cuts: Mapping[str, datetime]) -> tuple[Panel, ...]:
    """Return the panels of every ``load30_*``, ``feeder15_*`` and ``feeder30_*`` file in a folder.

    Parameters
    ----------
    folder : pathlib.Path
    cuts : mapping of str to datetime
        By file; the end of the file where it is not named.

    Raises
    ------
    InvalidInputError
        No such file is there, or a cut is of a file that is not there.
    """
    files = {_name_of(path): path for path in sorted(folder.glob("*.parquet")) if _is_load(path)}
    issues = [
        Issue(f"--cut {name}", f"there is no such file in {folder}") for name in cuts if name not in files
    ]
    if not files:
        issues.append(Issue("--data", f"no load30_*.parquet or feeder*.parquet in {folder}"))
    if issues:
        raise InvalidInputError(tuple(issues))
    found = []
    for name, path in files.items():
        found += _panels_of(name, path, cuts.get(name))
    return tuple(found)


def _is_load(path: Path) -> bool:
    return path.stem.startswith(("load30_", "feeder")) and not path.stem.endswith("_weather")


def _name_of(path: Path) -> str:
    return path.stem.split("_", 1)[1]


def _panels_of(name: str, path: Path, cut: datetime | None) -> list[Panel]:
    import pandas as pd

    frame = pd.read_parquet(path).sort_index()
    if path.stem.startswith("feeder"):
        return [_panel(name, Kind.FEEDER, _feeders(frame, name), HALF_HOUR_S, cut)]
    if name in GARAGES:
        return [_panel(name, Kind.GARAGE, frame, HOUR_S, cut)]
    total = frame.sum(axis=1, min_count=1).to_frame(name)
    panels = [
        _panel(name, Kind.CITY, total, HALF_HOUR_S, cut),
        _panel(name, Kind.STATION, frame, HALF_HOUR_S, cut),
    ]
    stations = path.with_name(f"stations_{name}.csv")
    if stations.exists():
        known = pd.read_csv(stations, dtype={"station": str}).set_index("station")["site"]
        of = [str(known.get(str(column), column)) for column in frame.columns]
        sites = {site for site in of if of.count(site) >= LEAST_STATIONS}
        by_site = frame.T.groupby(of).sum(min_count=1).T
        by_site = by_site[[site for site in by_site if site in sites]]
    if stations.exists() and by_site.shape[1]:
        panels.append(_panel(name, Kind.SITE, by_site, HALF_HOUR_S, cut))
    return panels


def _feeders(frame: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """Return the loads of a feeder file, one column a feeder; one whose meter shows nothing is left out."""
    if "pid" in frame:
        return frame.set_index("pid", append=True)["load"].unstack("pid")  # noqa: PD010 - keeps gaps
    if "netload_kw" in frame:
        return frame[["netload_kw"]].rename(columns={"netload_kw": name})
    return frame.loc[:, (frame != 0.0).mean() > MOSTLY]


def _panel(name: str, kind: Kind, frame: "pd.DataFrame", step_s: int, cut: datetime | None) -> Panel:
    import pandas as pd

    index = pd.DatetimeIndex(frame.index)
    frame = frame.set_axis(index.tz_localize(UTC) if index.tz is None else index.tz_convert(UTC))
    frame = frame.resample(pd.Timedelta(seconds=step_s)).mean()
    until = frame.index[-1].ceil("D").to_pydatetime() if cut is None else cut
    frame = frame[frame.index < until]
    values = frame.to_numpy(dtype=np.float64).T
    charging = kind is not Kind.FEEDER
    ids = [str(column) for column in frame.columns]
    series = tuple(Series.charging(i) if charging else Series(i) for i in ids)
    grid = TimeGrid(frame.index[0].to_pydatetime(), step_s, values.shape[1])
    values = np.maximum(values, 0.0) if charging else values
    return Panel(name, kind, series, grid, frozen(values), SiteCalendar(ZONES.get(name, "UTC")), until)
