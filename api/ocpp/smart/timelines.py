"""When each period of a profile is in force: start, recurrence, duration, validity, offline rules, delays."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias
from zoneinfo import ZoneInfo

from api.ocpp.capabilities import RateUnit
from api.ocpp.smart.profiles import MOST_PHASES, Kind, Period, Profile, Rate, Schedule
from api.ocpp.smart.station import OfflineTime

Interval: TypeAlias = tuple[float, float]
"""``[start, end)`` [s since 1970]."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """From where the time of a profile is counted.

    Parameters
    ----------
    charging_since_s : int
        Start of relative schedules [s since 1970].
    zone : ZoneInfo or None
        For schedules in local time.
    schedule_id : int or None
        Which of several schedules the car has chosen.
    soc_percent : float or None
    """

    charging_since_s: int
    zone: ZoneInfo | None = None
    schedule_id: int | None = None
    soc_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """While a period may be in force; None stands for a profile that may not have begun yet."""

    start_s: float
    end_s: float
    period: Period | None

    def holds(self, at_s: float) -> bool:
        """Tell whether a time is within."""
        return self.start_s <= at_s < self.end_s


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one profile says at one time."""

    profile: Profile
    schedule: Schedule
    period: Period


@dataclass(frozen=True, slots=True)
class Timeline:
    """A profile within a window of time."""

    profile: Profile
    schedule: Schedule
    spans: tuple[Span, ...]

    @property
    def borders_s(self) -> Iterator[float]:
        """Times at which something changes."""
        for span in self.spans:
            yield span.start_s
            yield span.end_s

    def at(self, at_s: float) -> tuple[Ruling | None, ...]:
        """Return what the profile may say at a time; several only where delays are random, None for nothing."""
        found = tuple(
            None if span.period is None else Ruling(self.profile, self.schedule, span.period)
            for span in self._near(at_s)
            if span.holds(at_s)
        )
        return found or (None,)

    def _near(self, at_s: float) -> tuple[Span, ...]:
        """Return the spans that may hold at a time: without delays, the last that has started."""
        if self.schedule.most_delay_s:
            return self.spans
        last = bisect_right(self.spans, at_s, key=lambda span: span.start_s)
        return self.spans[max(last - 1, 0) : last]


def timeline_of(
    profile: Profile, anchor: Anchor, window: Interval, offline: Iterable[OfflineTime] = ()
) -> Timeline:
    """Return when each period of a profile is in force within a window.

    Parameters
    ----------
    profile : Profile
    anchor : Anchor
    window : (float, float)
        ``[start, end)`` [s since 1970].
    offline : iterable of OfflineTime
    """
    schedule = _with_soc_limit(_chosen(profile, anchor), anchor.soc_percent)
    valid = list(_valid_times(profile, window, offline))
    spans = [
        replace(span, start_s=start, end_s=end)
        for occurrence in _occurrences(profile, schedule, anchor, window)
        for span in _spans(schedule, occurrence)
        for low, high in valid
        if (start := max(span.start_s, low)) < (end := min(span.end_s, high))
    ]
    return Timeline(profile, schedule, tuple(sorted(spans, key=lambda span: span.start_s)))


def _chosen(profile: Profile, anchor: Anchor) -> Schedule:
    """Return the schedule that the car has chosen; the first where it has not."""
    named = [one for one in profile.schedules if one.schedule_id == anchor.schedule_id]
    return named[0] if named and anchor.schedule_id is not None else profile.schedules[0]


def _with_soc_limit(schedule: Schedule, soc_percent: float | None) -> Schedule:
    """Return the schedule with its limit at a state of charge, where that is reached (K01.FR.100)."""
    at_soc = schedule.soc_limit
    if at_soc is None or soc_percent is None or soc_percent < at_soc.soc_percent:
        return schedule
    share = MOST_PHASES if schedule.unit is RateUnit.POWER else 1
    periods = tuple(_at_most(period, at_soc.limit, at_soc.limit / share) for period in schedule.periods)
    return replace(schedule, periods=periods)


def _at_most(period: Period, limit: float, phase_limit: float) -> Period:
    """Return a period with no more than a limit, or no more on each phase."""
    if period.limit is None:
        return replace(period, limit=Rate(limit))
    by_phase = period.limit.by_phase
    if by_phase is None:
        return replace(period, limit=Rate(min(period.limit.value, limit)))
    first, second, third = (min(one, phase_limit) for one in by_phase)
    return replace(period, limit=Rate(first, (first, second, third)))


def _occurrences(
    profile: Profile, schedule: Schedule, anchor: Anchor, window: Interval
) -> Iterator[Interval]:
    """Return the times in which the schedule runs."""
    length_s = math.inf if schedule.duration_s is None else max(schedule.duration_s, 0)
    if profile.kind is Kind.RECURRING and profile.recurrence and schedule.start_s is not None:
        yield from _recurrences(schedule, profile.recurrence.seconds, anchor.zone, window)
        return
    start_s = _start(profile, schedule, anchor, window)
    yield start_s, start_s + length_s


def _start(profile: Profile, schedule: Schedule, anchor: Anchor, window: Interval) -> float:
    """Return when a schedule that runs once starts.

    A relative one, and one that names no start, is counted from when the car was charged first; a dynamic one
    from its last update.
    """
    if profile.kind is Kind.DYNAMIC:
        known = [one for one in (profile.updated_s, schedule.start_s) if one is not None]
        return known[0] if known else window[0]
    if profile.kind is Kind.RELATIVE or schedule.start_s is None:
        return anchor.charging_since_s
    return _moment(schedule.start_s, schedule, anchor.zone)


def _recurrences(
    schedule: Schedule, step_s: int, zone: ZoneInfo | None, window: Interval
) -> Iterator[Interval]:
    """Return every beginning from the start of the schedule on; each ends where the next begins (1.6 E3.44)."""
    first_s = schedule.start_s or 0
    length_s = math.inf if schedule.duration_s is None else max(schedule.duration_s, 0)
    earliest = math.floor((window[0] - first_s) / step_s) - 1
    for k in range(max(earliest, 0), math.ceil((window[1] - first_s) / step_s) + 2):
        start_s, next_s = (_moment(first_s + n * step_s, schedule, zone) for n in (k, k + 1))
        yield start_s, min(start_s + length_s, next_s)


def _moment(wall_s: int, schedule: Schedule, zone: ZoneInfo | None) -> int:
    """Return the second of a time of the schedule, which may be what a clock on the wall shows."""
    if not schedule.use_local_time or zone is None:
        return wall_s
    shown = datetime.fromtimestamp(wall_s, UTC).replace(tzinfo=zone)
    return math.floor(shown.timestamp())


def _spans(schedule: Schedule, occurrence: Interval) -> Iterator[Span]:
    """Return the spans of one run of a schedule; with random delays they overlap, one of them is in force."""
    start_s, end_s = occurrence
    delay_s = schedule.most_delay_s
    if delay_s:
        yield Span(start_s, min(start_s + delay_s, end_s), None)
    starts_s = [start_s + period.start_s for period in schedule.periods]
    for period, begins_s, next_s in zip(schedule.periods, starts_s, [*starts_s[1:], math.inf], strict=True):
        yield Span(begins_s, min(next_s + delay_s, end_s), period)


def _valid_times(profile: Profile, window: Interval, offline: Iterable[OfflineTime]) -> Iterator[Interval]:
    """Return the times within the window in which the profile counts at all."""
    start_s, end_s = max(profile.valid_from_s, window[0]), min(profile.valid_to_s, window[1])
    for low, high in _deaf_times(profile, offline):
        if start_s < min(low, end_s):
            yield start_s, min(low, end_s)
        start_s = max(start_s, high)
    if start_s < end_s:
        yield start_s, end_s


def _deaf_times(profile: Profile, offline: Iterable[OfflineTime]) -> Iterator[Interval]:
    """Return when a profile does not count, since the station has been offline for too long (Q11, Q12)."""
    if profile.most_offline_s is None:
        return
    for time in sorted(offline, key=lambda one: one.start_s):
        low = time.start_s + profile.most_offline_s
        if low < time.end_s:
            yield low, math.inf if profile.is_spoilt_by_offline else time.end_s
