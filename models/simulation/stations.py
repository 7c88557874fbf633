"""Stations that do not obey: what they give to their cars instead of what they are told."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from models.grid.site import Site

FALL_BACK_S = 60.0
"""After so long without a connection a station gives its safe share [s]; until then what it was last told."""


class FaultKind(StrEnum):
    """How a simulated station fails."""

    DEAF = "deaf"
    """It ignores its pilots: every car gets all that the EVSE can give."""
    GREEDY = "greedy"
    """It gives more than it was told."""
    OFFLINE = "offline"
    """It is not connected: it hears nothing, sends no meter values, and falls back to its safe share."""


@dataclass(frozen=True, slots=True)
class StationFault:
    """One failure of a station.

    Parameters
    ----------
    station_id : str
    kind : FaultKind
    begin_s, end_s : float
        Half-open [s since the Unix epoch].
    factor : float
        Of a greedy one: what it gives as a multiple of what it was told.
    """

    station_id: str
    kind: FaultKind
    begin_s: float
    end_s: float
    factor: float = 1.25


class SimulatedStations:
    """Turns what stations are told into what they give.

    Parameters
    ----------
    site : Site
        Rows of all arrays are ``site.evses``.
    faults : tuple of StationFault
        At most one at a time for a station.

    Raises
    ------
    KeyError
        A fault names no station of the site.
    """

    def __init__(self, site: Site, faults: tuple[StationFault, ...] = ()) -> None:
        rows: dict[str, list[int]] = {station.station_id: [] for station in site.stations}
        owners = [station for station in site.stations for _ in station.evses]
        for row, station in enumerate(owners):
            rows[station.station_id].append(row)
        self._faults = tuple((fault, np.array(rows[fault.station_id])) for fault in faults)
        self._most_a = np.array([evse.max_current_a for evse in site.evses])
        self._offline_a = np.array([station.offline_a for station in owners])
        self._heard_a = np.zeros(len(owners))

    def given_a(self, told_a: FloatArray, now_s: float) -> FloatArray:
        """Return the pilots that cars are really given now, shape (E,) [A]."""
        is_there = self.connected(now_s)
        self._heard_a = np.where(is_there, told_a, self._heard_a)
        given_a = self._heard_a.copy()
        for fault, rows in self._faults:
            if not fault.begin_s <= now_s < fault.end_s:
                continue
            if fault.kind is FaultKind.DEAF:
                given_a[rows] = self._most_a[rows]
            elif fault.kind is FaultKind.GREEDY:
                given_a[rows] = np.minimum(fault.factor * given_a[rows], self._most_a[rows])
            elif now_s >= fault.begin_s + FALL_BACK_S:
                given_a[rows] = self._offline_a[rows]
        return frozen(given_a)

    def connected(self, now_s: float) -> BoolArray:
        """Return whether each EVSE's station is connected, shape (E,)."""
        is_there = np.ones(self._most_a.size, dtype=np.bool_)
        for fault, rows in self._faults:
            if fault.kind is FaultKind.OFFLINE and fault.begin_s <= now_s < fault.end_s:
                is_there[rows] = False
        return is_there

    def changes_after_s(self, now_s: float) -> float:
        """Return when a station next behaves differently by itself [s since the epoch]; inf for never."""
        times = [
            moment
            for fault, _ in self._faults
            for moment in (fault.begin_s, fault.begin_s + FALL_BACK_S, fault.end_s)
            if moment > now_s
        ]
        return min(times, default=np.inf)
