"""In which order profiles are sent: current is given back before it is handed out again.

Two plans are each within every limit, but a mix of them need not be: a station that rises by the new plan
while another still follows the old one can overload their panel. So of a new plan

1. every station first gets the lower of what it may hold and of what it is to hold, at every time, and
2. only when all of these are confirmed, and cars had the time to follow, may any station rise.

Before the last confirmation all are within the old plan, after it all are within the new one. What a
station may hold counts as what it holds: a message that got no answer may have arrived.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import numpy as np

from api.ocpp.charging_profile import ChargingProfile
from api.ocpp.periods import SchedulePeriod, fit_periods, floor_to_tenth
from api.ocpp.profiles import limits_from_profile
from models.arrays import FloatArray
from models.timegrid import aware_utc

Place: TypeAlias = tuple[str, str]
"""A station, and the slot of its outbox: the EVSE and purpose that a profile governs."""

_SAME: Final = 1e-6
_MOST_HELD: Final = 8
"""So many profiles are compared one by one: a station that never answers is sent thousands a day."""

_ANY_VOLTAGE_V: Final = 230.0
"""Limits are compared in one unit only, so that the voltage cancels."""


class HeldProfiles:
    """What each station may hold for a place: at most the greatest of some profiles.

    Beneath a TxProfile stands the fall-back, which allows nothing; so does a place without any, once its
    station has confirmed the fall-back.
    """

    def __init__(self) -> None:
        self._held: dict[Place, tuple[ChargingProfile, ...]] = {}
        self._caught: set[str] = set()

    def at(self, place: Place, transaction_id: str | None) -> tuple[ChargingProfile, ...] | None:
        """Return what may be held for a running transaction; None where nobody knows.

        Profiles of another transaction ended with it; what it left is known where the fall-back is.
        """
        held = self._held.get(place)
        if held is None:
            return None
        mine = tuple(p for p in held if p.transaction_id == transaction_id)
        return mine if mine or place[0] in self._caught else None

    def recalled(self, place: Place, profile: ChargingProfile) -> None:
        """Note what was told, or tried, before this process began; it is confirmed again before it counts as known."""
        self._held[place] = (*self._held.get(place, (_paused(profile),)), profile)

    def caught(self, station_id: str) -> None:
        """Note that a station holds the fall-back: without any other profile it allows nothing."""
        self._caught.add(station_id)

    def sending(self, place: Place, profile: ChargingProfile) -> None:
        """Note that a profile is on its way, and may arrive whatever we hear; unknown stays unknown."""
        held = self.at(place, profile.transaction_id)
        if held is not None and profile not in held:
            self._held[place] = (*_folded(held), profile)

    def confirmed(self, place: Place, profile: ChargingProfile) -> None:
        """Note that a station holds this profile, or what is simpler and allows no more."""
        self._held[place] = (profile,)

    def began(self, place: Place) -> None:
        """Note that a transaction has begun that was never heard of: nobody has sent a profile for it."""
        self._held.setdefault(place, ())

    def doubt(self, station_id: str) -> None:
        """Note that a station has come back: it holds what it held, or has lost it."""
        self._caught.discard(station_id)
        for place, held in self._held.items():
            if place[0] == station_id:
                self._held[place] = (*held, *map(_paused, held[-1:]))

    def asked(self, place: Place) -> None:
        """Note that a station wants to be sent what it holds once more: it may hold less until then."""
        held = self._held.get(place)
        if held:
            self._held[place] = (*held, _paused(held[-1]))

    def refused(self, place: Place, profile: ChargingProfile) -> None:
        """Note that a station did not take a profile."""
        if place in self._held:
            self._held[place] = tuple(held for held in self._held[place] if held is not profile)


def lowering(
    held: tuple[ChargingProfile, ...] | None, wanted: ChargingProfile, now: datetime, max_periods: int
) -> ChargingProfile | None:
    """Return what must be confirmed before anybody rises: the lower of both; None where ``wanted`` lowers nothing.

    A station of which nobody knows what it holds pauses first.
    """
    if held is None:
        return _paused(wanted)
    times = _borders((*held, wanted), now)
    may_be, to_be = _greatest(held, times), _allowed(wanted, times)
    if (may_be <= to_be + _SAME).all():
        return None
    if (to_be <= may_be + _SAME).all():
        return wanted
    if any(not _alike(profile, wanted) for profile in held):
        return _paused(wanted)
    return _with_limits(wanted, times, np.minimum(may_be, to_be), max_periods)


def is_raised(held: tuple[ChargingProfile, ...], wanted: ChargingProfile, now: datetime) -> bool:
    """Tell whether ``wanted`` allows more than a station may hold, at any time from now on."""
    times = _borders((*held, wanted), now)
    return bool((_allowed(wanted, times) > _greatest(held, times) + _SAME).any())


def is_same(held: tuple[ChargingProfile, ...] | None, wanted: ChargingProfile, now: datetime) -> bool:
    """Tell whether a station surely holds what allows the same as ``wanted`` from now on."""
    if held is None or len(held) != 1:
        return False
    times = _borders((*held, wanted), now)
    is_allowed = np.allclose(_allowed(held[0], times), _allowed(wanted, times), atol=_SAME)
    followed = (_setpoints(held[0], times), _setpoints(wanted, times))
    return bool(is_allowed and np.allclose(*followed, atol=_SAME, equal_nan=True))


def _allowed(profile: ChargingProfile, times: Sequence[datetime]) -> FloatArray:
    """Limit at each time [A]; 0 where the profile says nothing and the fall-back rules."""
    limits = limits_from_profile(profile, times, _ANY_VOLTAGE_V)
    allowed: FloatArray = np.where(np.isfinite(limits), limits, 0.0)
    return allowed


def _setpoints(profile: ChargingProfile, times: Sequence[datetime]) -> FloatArray:
    """Power to follow at each time [W]; NaN where none is told."""
    told = [math.nan if period.setpoint is None else period.setpoint for period in profile.periods]
    starts_s = [period.start_s for period in profile.periods]
    elapsed_s = [(moment - profile.start).total_seconds() for moment in times]
    index = np.searchsorted(starts_s, elapsed_s, side="right") - 1
    setpoints: FloatArray = np.where(index < 0, math.nan, np.array(told)[np.maximum(index, 0)])
    return setpoints


def _greatest(profiles: Iterable[ChargingProfile], times: Sequence[datetime]) -> FloatArray:
    """Greatest limit of some profiles at each time [A]."""
    greatest: FloatArray = np.max(
        [np.zeros(len(times)), *(_allowed(profile, times) for profile in profiles)], axis=0
    )
    return greatest


def _borders(profiles: Iterable[ChargingProfile], now: datetime) -> list[datetime]:
    """Return now and every later time at which one of the profiles changes."""
    borders = {aware_utc(now)}
    for profile in profiles:
        seconds = [period.start_s for period in profile.periods]
        if profile.duration_s is not None:
            seconds.append(profile.duration_s)
        borders.update(profile.start + timedelta(seconds=s) for s in seconds)
    return sorted(border for border in borders if border >= now)


def _folded(held: tuple[ChargingProfile, ...]) -> tuple[ChargingProfile, ...]:
    """Return, in the place of many profiles, one that allows whatever any of them does, and one that pauses."""
    if len(held) < _MOST_HELD or not all(_alike(profile, held[-1]) for profile in held):
        return held
    first = min(profile.start for profile in held)
    times = _borders(held, first)
    endless = any(profile.duration_s is None for profile in held)
    duration_s = None if endless else int((times[-1] - first).total_seconds())
    frame = replace(held[-1], start=first, duration_s=duration_s, periods=held[-1].periods[:1])
    greatest = _with_limits(frame, times, _greatest(held, times), len(times))
    return greatest, _paused(greatest)


def _alike(one: ChargingProfile, other: ChargingProfile) -> bool:
    """Tell whether limits of two profiles mean the same."""
    phases = {period.n_phases for profile in (one, other) for period in profile.periods}
    return one.unit is other.unit and len(phases) == 1


def _paused(wanted: ChargingProfile) -> ChargingProfile:
    """Return the same profile, which allows nothing."""
    return replace(wanted, periods=(SchedulePeriod(0, 0.0, wanted.periods[0].n_phases),))


def _with_limits(
    wanted: ChargingProfile, times: Sequence[datetime], limits_a: FloatArray, max_periods: int
) -> ChargingProfile:
    """Return ``wanted`` with these limits from these times on, in as many periods as its station takes."""
    n_phases = wanted.periods[0].n_phases
    per_a = 1.0 if wanted.unit.value == "A" else _ANY_VOLTAGE_V * n_phases
    end_s = np.inf if wanted.duration_s is None else wanted.duration_s
    periods: list[SchedulePeriod] = []
    for i, (moment, limit_a) in enumerate(zip(times, limits_a, strict=True)):
        start_s = int(np.ceil((moment - wanted.start).total_seconds())) if i else 0
        if start_s < end_s and not (periods and start_s <= periods[-1].start_s):
            periods.append(SchedulePeriod(start_s, floor_to_tenth(float(limit_a) * per_a), n_phases))
    horizon_s = wanted.duration_s or periods[-1].start_s + 1
    return replace(wanted, periods=fit_periods(tuple(periods), horizon_s, max_periods))
