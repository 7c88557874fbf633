"""What the calendar says about a slot: its local time of day and the type of its local day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import IntArray
from models.grid.site import Site
from models.public_holidays import public_holidays
from models.units import SECONDS_PER_DAY

_QUARTER_S = 900
"""Clocks change, and zones differ, by whole quarters of an hour."""

_FRIDAY = 4
_SATURDAY = 5
_SUNDAY = 6


class DayType(IntEnum):
    """Days whose load looks alike; the value is a code in arrays."""

    WORKDAY = 0
    SATURDAY = 1
    SUNDAY_OR_HOLIDAY = 2


def day_type(day: date, holidays: Collection[date] = ()) -> DayType:
    """Return the type of a local day; ``holidays`` count as Sundays."""
    if day in holidays or day.weekday() > _SATURDAY:
        return DayType.SUNDAY_OR_HOLIDAY
    return DayType.SATURDAY if day.weekday() > _FRIDAY else DayType.WORKDAY


@dataclass(frozen=True, slots=True)
class SlotFeatures:
    """Calendar of consecutive slots, each array of shape (n_slots,).

    Parameters
    ----------
    local_slot : int64
        Slot of the local day as the wall clock shows it, from 0. On the day the clock is put forward
        an hour of them is missing, on the day it is put back an hour comes twice.
    local_day : int64
        Proleptic ordinal of the local date.
    weekday : int64
        Monday is 0; a holiday is a Sunday.
    day_type : int64
        :class:`DayType`.
    """

    local_slot: IntArray
    local_day: IntArray
    weekday: IntArray
    day_type: IntArray

    def as_rows(self) -> IntArray:
        """Return local slot, local day, weekday and day type as the rows of one array, shape (4, n_slots)."""
        return np.stack((self.local_slot, self.local_day, self.weekday, self.day_type))


@dataclass(frozen=True, slots=True)
class SiteCalendar:
    """The calendar of a site.

    Parameters
    ----------
    zone : str
        IANA time zone.
    holidays : frozenset of date
        Local dates on which people behave as on a Sunday.
    country, subdivision : str or None
        Region whose public holidays, of any year, are such dates too; see :mod:`models.public_holidays`.
    """

    zone: str = "UTC"
    holidays: frozenset[date] = frozenset()
    country: str | None = None
    subdivision: str | None = None

    @classmethod
    def of_site(cls, site: Site) -> "SiteCalendar":
        """Return the calendar of a site."""
        return cls(site.zone, frozenset(site.holidays), site.country, site.subdivision)

    def is_holiday(self, day: date) -> bool:
        """Return whether a local date is a holiday."""
        if day in self.holidays:
            return True
        return self.country is not None and day in public_holidays(self.country, self.subdivision, day.year)

    def day_type(self, day: date) -> DayType:
        """Return the type of a local day; holidays count as Sundays."""
        return DayType.SUNDAY_OR_HOLIDAY if self.is_holiday(day) else day_type(day)

    def features(self, first_step: int, n_slots: int, step_s: int) -> SlotFeatures:
        """Return the calendar of ``n_slots`` slots of ``step_s`` seconds from step ``first_step``."""
        seconds = (first_step + np.arange(n_slots, dtype=np.int64)) * step_s
        local_s = seconds + self._offsets_s(seconds)
        local_day = local_s // SECONDS_PER_DAY + date(1970, 1, 1).toordinal()
        weekday = (local_day + 6) % 7
        kind = np.maximum(weekday - _FRIDAY, 0)
        days = np.unique(local_day).tolist()
        off = np.isin(local_day, [day for day in days if self.is_holiday(date.fromordinal(day))])
        kind[off], weekday[off] = DayType.SUNDAY_OR_HOLIDAY, _SUNDAY
        return SlotFeatures((local_s % SECONDS_PER_DAY) // step_s, local_day, weekday, kind)

    def _offsets_s(self, seconds: IntArray) -> IntArray:
        """Offset of the zone from UTC [s]; asked once a quarter of an hour."""
        zone = ZoneInfo(self.zone)
        quarters, of = np.unique(seconds // _QUARTER_S, return_inverse=True)
        starts = (
            datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(quarter) * _QUARTER_S)
            for quarter in quarters
        )
        offsets = [_whole_seconds(start.astimezone(zone).utcoffset()) for start in starts]
        return np.asarray(offsets, dtype=np.int64)[of]


def _whole_seconds(offset: timedelta | None) -> int:
    return int(offset.total_seconds()) if offset is not None else 0
