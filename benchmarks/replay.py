"""Recorded sessions replayed on a site in the closed loop: the function behind ``gridpilot replay``."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from benchmarks.beliefs import Analogues, Belief, Kinship, actual, stated
from benchmarks.policies import PolicyName, policy_named
from benchmarks.tariffs import sce_tou_ev_4
from models.demand.arrivals import Visit
from models.errors import IssueList
from models.grid.site import Evse, Site
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR, W_PER_KW
from optimizer.closed_loop import Believe, LoopOptions, LoopResult, World, run

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("station", "arrival", "departure", "energy_kwh")
"""What a frame of sessions must have; ``site``, ``stated_departure`` and ``stated_energy_kwh`` may be there."""

MONTH: Final = timedelta(days=31)
LONGEST_STAY: Final = timedelta(days=4)
"""Longer stays are recording faults or abandoned cars; they are cut."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """How sessions are replayed.

    Parameters
    ----------
    start, end : datetime or None
        Arrivals in ``[start, end)`` are replayed; None for the first and after the last session.
    belief : Belief
        What policies are told about departure and energy. ``median`` learns from the sessions that had left
        before ``start``, and from nothing later.
    tariff : callable
        Gives what the site pays on a grid, in its own time zone.
    expected_peak_kw : float or None
        Peak that will be billed anyway [kW]; None for :func:`expected_peak_kw`.
    loop : LoopOptions
    """

    start: datetime | None = None
    end: datetime | None = None
    belief: Belief = Belief.ACTUAL
    tariff: Callable[[TimeGrid, str], EnergyTariff] = sce_tou_ev_4
    expected_peak_kw: float | None = None
    loop: LoopOptions = field(default_factory=LoopOptions)


def read_sessions(path: Path, site_name: str | None = None) -> "pd.DataFrame":
    """Return the sessions of a parquet or csv file, of one recorded site where it has several.

    Raises
    ------
    InvalidInputError
        The file lacks a column or a session of that site.
    """
    import pandas as pd

    frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    issues = IssueList()
    for column in COLUMNS:
        issues.require(column in frame, str(path), f"has no column {column}")
    issues.raise_if_any()
    for column in ("arrival", "departure", "stated_departure"):
        if column in frame:
            frame[column] = pd.to_datetime(frame[column], utc=True)
    if site_name is not None and "site" in frame and (frame["site"] == site_name).any():
        frame = frame[frame["site"] == site_name]
    issues.require(len(frame) > 0, str(path), "has no session")
    issues.raise_if_any()
    return frame.sort_values("arrival").reset_index(drop=True)


def visits_of(frame: "pd.DataFrame", site: Site) -> tuple[Visit, ...]:
    """Return the recorded sessions as visits to a site.

    A session keeps its EVSE where the site has one of its station's name that is free; others take the first
    free EVSE that no recorded station is named after, then any. Who finds none, and who left before coming, is
    left out.
    A need that cannot fit into the stay at the EVSE's full power is cut to what fits.
    """
    seats = _Seats(site, set(frame["station"]))
    found = []
    for number, record in enumerate(_records(frame)):
        departure = min(record.departure, record.arrival + LONGEST_STAY)
        if departure <= record.arrival:
            continue
        evse = seats.take(record.station, record.arrival, departure)
        if evse is None:
            continue
        stay_h = (departure - record.arrival).total_seconds() / SECONDS_PER_HOUR
        full_kw = evse.levels_a[-1] * len(evse.phases) * site.voltage_v / W_PER_KW
        session = ChargingSession(
            session_id=f"S{number}",
            evse_id=evse.evse_id,
            arrival=record.arrival,
            departure=Departure.at(departure),
            target_kwh=min(record.energy_kwh, full_kw * stay_h),
        )
        found.append(Visit(session, record.stated_departure, record.stated_energy_kwh))
    return tuple(found)


class _Record(NamedTuple):
    station: str
    arrival: datetime
    departure: datetime
    energy_kwh: float
    stated_departure: datetime | None
    stated_energy_kwh: float | None


def _records(frame: "pd.DataFrame") -> list[_Record]:
    n = len(frame)
    stated_kwh = frame["stated_energy_kwh"].to_numpy() if "stated_energy_kwh" in frame else np.full(n, np.nan)
    columns = (
        [str(station) for station in frame["station"]],
        _moments(frame["arrival"]),
        _moments(frame["departure"]),
        [float(energy_kwh) for energy_kwh in frame["energy_kwh"]],
        _moments(frame["stated_departure"]) if "stated_departure" in frame else [None] * n,
        [None if np.isnan(energy_kwh) else float(energy_kwh) for energy_kwh in stated_kwh],
    )
    return [_Record(*cells) for cells in zip(*columns, strict=True)]


def _moments(column: "pd.Series[pd.Timestamp]") -> list[datetime | None]:
    """Return aware times, None where there is none."""
    known = column.notna()
    return [
        moment.to_pydatetime().astimezone(UTC) if there else None
        for moment, there in zip(column, known, strict=True)
    ]


class _Seats:
    """Which EVSE is free from when."""

    def __init__(self, site: Site, stations: set[str]) -> None:
        self._evses = {evse.evse_id: evse for evse in site.evses}
        self._free_from = dict.fromkeys(self._evses, datetime.fromtimestamp(0, UTC))
        self._order = sorted(self._evses, key=lambda evse_id: evse_id in stations)

    def take(self, station: str, arrival: datetime, departure: datetime) -> Evse | None:
        """Return a free EVSE and take it; None where there is none."""
        wanted = [station] if station in self._evses else self._order
        for evse_id in wanted:
            if self._free_from[evse_id] <= arrival:
                self._free_from[evse_id] = departure
                return self._evses[evse_id]
        return None


def replay(
    frame: "pd.DataFrame",
    site: Site,
    policy: PolicyName,
    options: ReplayOptions | None = None,
    progress: Callable[[float], None] | None = None,
) -> LoopResult:
    """Return what a policy makes of recorded sessions.

    Parameters
    ----------
    frame : DataFrame
        As :func:`read_sessions` returns it.
    site : Site
        A valid site.
    policy : PolicyName
    options : ReplayOptions, optional
    progress : callable, optional
        Takes the share of the sessions that are over.

    Raises
    ------
    InvalidInputError
        No session lies between start and end.
    """
    chosen = options or ReplayOptions()
    visits = visits_of(frame, site)
    world, believe = world_of(visits, site, chosen)
    loop = chosen.loop if progress is None else replace(chosen.loop, progress=progress)
    return run(policy_named(policy, site), world, believe, loop)


def expected_peak_kw(past: tuple[Visit, ...], site: Site, now: datetime) -> float:
    """Return the peak that an operator expects to be billed [kW], from the month before ``now`` alone.

    It is the least peak with which that month's sessions could have been served; without any session in it
    the site's own limit: no peak is worth to be shaved.
    """
    from benchmarks.bound import least_peak_kw

    month = tuple(visit for visit in past if now - MONTH <= visit.session.arrival)
    if month:
        return least_peak_kw(World(site, month, lambda grid: EnergyTariff.flat(0.0, grid.n_slots)))
    return np.inf if site.root.limit_kw is None else site.root.limit_kw


def world_of(visits: tuple[Visit, ...], site: Site, options: ReplayOptions) -> tuple[World, Believe]:
    """Return what happens between start and end, and what policies are told of it.

    Raises
    ------
    InvalidInputError
        No session lies between start and end.
    """
    first = options.start or visits[0].session.arrival
    inside = tuple(
        visit
        for visit in visits
        if visit.session.arrival >= first and (options.end is None or visit.session.arrival < options.end)
    )
    issues = IssueList()
    issues.require(len(inside) > 0, "sessions", "none lies between start and end")
    issues.raise_if_any()
    before = tuple(visit for visit in visits if visit.session.departure.median < first)
    peak_kw = options.expected_peak_kw
    world = World(
        site=site,
        visits=inside,
        tariff=lambda grid: options.tariff(grid, site.zone),
        expected_peak_kw=expected_peak_kw(before, site, first) if peak_kw is None else peak_kw,
    )
    if options.belief is Belief.ACTUAL:
        return world, actual(inside)
    if options.belief is Belief.STATED:
        return world, stated
    if options.belief is Belief.KIN:
        return world, Kinship(before, site.zone)
    return world, Analogues(before, site.zone)
