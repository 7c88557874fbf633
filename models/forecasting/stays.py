"""Stays that have ended: the record of arrivals from which the arrivals to come are drawn."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.errors import GridMismatchError
from models.forecasting.features import SiteCalendar
from models.timegrid import TimeGrid

_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Stays:
    """Cars that arrived, one a row; each array of shape (n_stays,).

    Parameters
    ----------
    row : int64
        Number of the charging series that they are part of.
    arrival_s : int64
        Plug-in time since the epoch [s].
    energy_kwh : float64
        What they took, or would have taken had nobody held them back [kWh].
    power_kw : float64
        Power at which they charge if nobody holds them back [kW]; above 0.
    """

    row: IntArray
    arrival_s: IntArray
    energy_kwh: FloatArray
    power_kw: FloatArray

    def __post_init__(self) -> None:
        if len({self.row.shape, self.arrival_s.shape, self.energy_kwh.shape, self.power_kw.shape}) > 1:
            raise GridMismatchError("columns of stays differ in length")

    @property
    def charge_s(self) -> FloatArray:
        """How long they charge at their power [s]."""
        return frozen(self.energy_kwh / self.power_kw * _HOUR_S)

    def only(self, keep: IntArray) -> "Stays":
        """Return the stays at some places, in their order."""
        return Stays(
            self.row[keep], self.arrival_s[keep], frozen(self.energy_kwh[keep]), frozen(self.power_kw[keep])
        )

    def and_then(self, later: "Stays") -> "Stays":
        """Return these stays and others after them."""
        return Stays(
            np.concatenate((self.row, later.row)),
            np.concatenate((self.arrival_s, later.arrival_s)),
            frozen(np.concatenate((self.energy_kwh, later.energy_kwh))),
            frozen(np.concatenate((self.power_kw, later.power_kw))),
        )

    def counts(self, grid: TimeGrid, n_series: int) -> FloatArray:
        """Return arrivals by series and slot of a grid, shape (n_series, n_slots)."""
        slot = self.arrival_s // grid.step_s - grid.first_step
        inside = (slot >= 0) & (slot < grid.n_slots)
        counts = np.zeros((n_series, grid.n_slots))
        np.add.at(counts, (self.row[inside], slot[inside]), 1.0)
        return frozen(counts)


NO_STAYS = Stays(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), frozen([]), frozen([]))


@dataclass(frozen=True, slots=True)
class LoggedDay:
    """The stays that began on one local day.

    Parameters
    ----------
    day : date
    begin_s, end_s : float
        First second of the day and of the next one, since the epoch.
    observed_s : float
        How much of the day was observed [s].
    stays : Stays
    clock_s : (n_stays,) int64
        Arrival as local wall-clock seconds of the day.
    """

    day: date
    begin_s: float
    end_s: float
    observed_s: float
    stays: Stays
    clock_s: IntArray

    def ended_by(self, moment_s: float) -> bool:
        """Whether the whole day was observed, and was over at a second since the epoch."""
        return self.observed_s >= self.end_s - self.begin_s and self.end_s <= moment_s


class StayLog:
    """Stays of the last weeks by local day.

    Parameters
    ----------
    calendar : SiteCalendar
    window_days : int
        Days before the newest one that are kept.
    """

    def __init__(self, calendar: SiteCalendar, window_days: int = 56) -> None:
        self.zone = ZoneInfo(calendar.zone)
        self._window_days = window_days
        self._days: dict[date, LoggedDay] = {}

    def record(self, stays: Stays, observed: TimeGrid) -> None:
        """Add the stays that began on a grid, which must be all of them; what began elsewhere is left out.

        A grid that was observed before must not be recorded again.
        """
        inside = (stays.arrival_s >= observed.start.timestamp()) & (
            stays.arrival_s < observed.end.timestamp()
        )
        new = stays.only(np.flatnonzero(inside))
        local = [datetime.fromtimestamp(int(second), UTC).astimezone(self.zone) for second in new.arrival_s]
        arrived = np.asarray([moment.date().toordinal() for moment in local], dtype=np.int64)
        clock = [moment.hour * _HOUR_S + moment.minute * 60 + moment.second for moment in local]
        clock_s = np.asarray(clock, dtype=np.int64)
        first, last = observed.start.astimezone(self.zone).date(), observed.end.astimezone(self.zone).date()
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            mine = np.flatnonzero(arrived == ordinal)
            self._add(date.fromordinal(ordinal), observed, new.only(mine), clock_s[mine])
        oldest = max(self._days) - timedelta(days=self._window_days)
        for day in [day for day in self._days if day < oldest]:
            del self._days[day]

    def complete_days(self, before: datetime) -> tuple[LoggedDay, ...]:
        """Return the days that were observed from midnight to midnight and ended by a moment."""
        moment_s = before.timestamp()
        return tuple(self._days[day] for day in sorted(self._days) if self._days[day].ended_by(moment_s))

    def at_clock(self, day: date, clock_s: IntArray) -> IntArray:
        """Return wall-clock seconds of a local day as seconds since the epoch; the clock's changes are kept."""
        midnight = datetime.combine(day, time())
        hours = [
            (midnight + timedelta(hours=hour)).replace(tzinfo=self.zone).timestamp() for hour in range(24)
        ]
        return np.asarray(hours, dtype=np.int64)[clock_s // _HOUR_S] + clock_s % _HOUR_S

    def _add(self, day: date, observed: TimeGrid, stays: Stays, clock_s: IntArray) -> None:
        """Add stays to a day, and the part of the day that a grid covers to what was observed of it."""
        known = self._days.get(day) or self._empty(day)
        covered_s = min(known.end_s, observed.end.timestamp()) - max(
            known.begin_s, observed.start.timestamp()
        )
        self._days[day] = replace(
            known,
            observed_s=known.observed_s + max(covered_s, 0.0),
            stays=known.stays.and_then(stays),
            clock_s=np.concatenate((known.clock_s, clock_s)),
        )

    def _empty(self, day: date) -> LoggedDay:
        midnight = datetime.combine(day, time(), self.zone)
        next_midnight = datetime.combine(day + timedelta(days=1), time(), self.zone)
        nothing = np.zeros(0, dtype=np.int64)
        return LoggedDay(day, midnight.timestamp(), next_midnight.timestamp(), 0.0, NO_STAYS, nothing)
