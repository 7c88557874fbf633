"""Stays that have ended: the record of arrivals from which the arrivals to come are drawn."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.errors import GridMismatchError
from models.forecasting.features import SiteCalendar
from models.timegrid import TimeGrid

_HOUR_S = 3600
_DAY_S = 86_400


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
    """The stays that began on one local day, with their arrival as local wall-clock seconds of the day."""

    day: date
    stays: Stays
    clock_s: IntArray


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
        self._observed_s: dict[date, float] = {}
        self._stays: dict[date, Stays] = {}

    def record(self, stays: Stays, observed: TimeGrid) -> None:
        """Add all the stays that began on a grid; a day counts once all of its hours were observed.

        A grid that was observed before must not be recorded again.
        """
        moments = [
            datetime.fromtimestamp(int(second), UTC).astimezone(self.zone) for second in stays.arrival_s
        ]
        arrived = np.asarray([moment.date().toordinal() for moment in moments], dtype=np.int64)
        first, last = observed.start.astimezone(self.zone).date(), observed.end.astimezone(self.zone).date()
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            begin, end = self._bounds(day)
            inside_s = min(end, observed.end.timestamp()) - max(begin, observed.start.timestamp())
            self._observed_s[day] = self._observed_s.get(day, 0.0) + max(inside_s, 0.0)
            mine = stays.only(np.flatnonzero(arrived == ordinal))
            self._stays[day] = self._stays.get(day, NO_STAYS).and_then(mine)
        oldest = max(self._observed_s) - timedelta(days=self._window_days)
        for day in [day for day in self._observed_s if day < oldest]:
            del self._observed_s[day], self._stays[day]

    def complete_days(self, before: datetime) -> tuple[LoggedDay, ...]:
        """Return the days that were observed from midnight to midnight and ended by a moment."""
        found = []
        for day in sorted(self._observed_s):
            begin, end = self._bounds(day)
            if self._observed_s[day] >= end - begin and end <= before.timestamp():
                found.append(LoggedDay(day, self._stays[day], self._clock_s(self._stays[day])))
        return tuple(found)

    def at_clock(self, day: date, clock_s: IntArray) -> IntArray:
        """Return wall-clock seconds of a local day as seconds since the epoch; the clock's changes are kept."""
        midnight = datetime.combine(day, time())
        hours = [
            (midnight + timedelta(hours=hour)).replace(tzinfo=self.zone).timestamp() for hour in range(24)
        ]
        return np.asarray(hours, dtype=np.int64)[clock_s // _HOUR_S] + clock_s % _HOUR_S

    def _clock_s(self, stays: Stays) -> IntArray:
        local = [datetime.fromtimestamp(int(second), UTC).astimezone(self.zone) for second in stays.arrival_s]
        clock = [moment.hour * _HOUR_S + moment.minute * 60 + moment.second for moment in local]
        return np.asarray(clock, dtype=np.int64)

    def _bounds(self, day: date) -> tuple[float, float]:
        """First second of a local day and of the next one, since the epoch."""
        midnight = datetime.combine(day, time(), self.zone)
        return midnight.timestamp(), datetime.combine(day + timedelta(days=1), time(), self.zone).timestamp()
