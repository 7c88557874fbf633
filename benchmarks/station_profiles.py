"""The memory of a virtual station: the charging profiles it was sent, and the limit that they make together.

Written from the specification and not from the engine's own encoders, so that a fault there shows here.
Numbers like C12 are items of OCPP 1.6 (edition 2, errata 4.0): 3.13 and 5.16; K01 is the 2.0.1 use case.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from models.units import NOMINAL_VOLTAGE_V

_FIRST: Final = 0


class Purpose(StrEnum):
    """What a profile governs, in words of no version."""

    TX = "transaction"
    TX_DEFAULT = "default"
    STATION_MAX = "station"


@dataclass(frozen=True, slots=True)
class Period:
    """A limit from ``start_s`` seconds after the schedule's start on, in the unit of the schedule."""

    start_s: float
    limit: float
    n_phases: int


@dataclass(frozen=True, slots=True)
class HeldProfile:
    """An absolute profile as a station keeps it.

    Parameters
    ----------
    profile_id, evse_number, stack_level : int
        EVSE 0 is the whole station.
    purpose : Purpose
    in_watt : bool
        Limits are total power [W]; else current per phase [A].
    start : datetime
    duration_s : float
        Infinite where the schedule names none.
    periods : tuple of Period
    transaction_id : str or None
    valid_from, valid_to : datetime or None
    """

    profile_id: int
    evse_number: int
    stack_level: int
    purpose: Purpose
    in_watt: bool
    start: datetime
    duration_s: float
    periods: tuple[Period, ...]
    transaction_id: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def limit_a(self, now: datetime) -> float | None:
        """Return the limit of each phase at this moment [A]; None while the profile says nothing (C6, C10)."""
        if (self.valid_from is not None and now < self.valid_from) or (
            self.valid_to is not None and now >= self.valid_to
        ):
            return None
        elapsed_s = (now - self.start) / timedelta(seconds=1)
        if not 0.0 <= elapsed_s < self.duration_s:
            return None
        period = self.periods[bisect_right(self.periods, elapsed_s, key=lambda p: p.start_s) - 1]
        return period.limit / (NOMINAL_VOLTAGE_V * period.n_phases) if self.in_watt else period.limit


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """What the station can keep, as it tells when it is asked."""

    max_stack_level: int = 8
    max_periods: int = 96
    max_profiles: int = 10


class ProfileMemory:
    """Profiles of one station; they outlive its connection and a reboot (1.6 E3.37)."""

    def __init__(self, n_evses: int, limits: MemoryLimits | None = None) -> None:
        self.limits = limits or MemoryLimits()
        self._n_evses = n_evses
        self._held: tuple[HeldProfile, ...] = ()

    @property
    def held(self) -> tuple[HeldProfile, ...]:
        """All profiles, oldest first."""
        return self._held

    def refusal(self, profile: HeldProfile, running: dict[int, str]) -> str | None:
        """Return the reason for which a profile is refused, in the words of 2.0.1; None where it is taken.

        ``running`` gives the transaction of each EVSE that has one.
        """
        starts_s = [period.start_s for period in profile.periods]
        rules: tuple[tuple[str, bool], ...] = (
            ("UnknownEvse", not 0 <= profile.evse_number <= self._n_evses),
            ("InvalidStackLevel", not 0 <= profile.stack_level <= self.limits.max_stack_level),
            ("InvalidSchedule", starts_s[:1] != [_FIRST] or starts_s != sorted(set(starts_s))),
            ("InvalidSchedule", len(starts_s) > self.limits.max_periods),
            ("InvalidProfile", profile.purpose is Purpose.STATION_MAX and profile.evse_number != 0),
            ("InvalidProfile", profile.purpose is Purpose.TX and profile.evse_number == 0),
            ("TxNotFound", profile.purpose is Purpose.TX and not _runs(profile, running)),
            ("TooManyProfiles", len(self._others(profile)) >= self.limits.max_profiles),
        )
        return next((reason for reason, broken in rules if broken), None)

    def keep(self, profile: HeldProfile) -> None:
        """Store a profile in the place of its number, and of its purpose and level on that EVSE (C1)."""
        self._held = (*self._others(profile), profile)

    def clear(self, is_meant: Callable[[HeldProfile], bool]) -> bool:
        """Forget the profiles that are meant; False if there was none."""
        before = self._held
        self._held = tuple(profile for profile in before if not is_meant(profile))
        return len(self._held) < len(before)

    def end_transaction(self, transaction_id: str) -> None:
        """Forget the profiles of a transaction that is over (3.13.1, K02.FR.05)."""
        self._held = tuple(profile for profile in self._held if profile.transaction_id != transaction_id)

    def evse_limit_a(self, evse_number: int, now: datetime, transaction_id: str | None) -> float:
        """Return what the profiles of one EVSE allow [A]: its transaction's before the default (C12, C13).

        Infinite where no profile says anything: then a station does not limit at all (E3.43).
        """
        own = (
            p
            for p in self._held
            if p.purpose is Purpose.TX and transaction_id == p.transaction_id is not None
        )
        default = (
            p
            for p in self._held
            if p.purpose is Purpose.TX_DEFAULT and p.evse_number in (_FIRST, evse_number)
        )
        limit_a = _highest(own, now)
        limit_a = _highest(default, now) if limit_a is None else limit_a
        return math.inf if limit_a is None else limit_a

    def station_limit_a(self, now: datetime) -> float:
        """Return what the whole station may draw on each phase [A]; infinite where nothing is said (C13)."""
        limit_a = _highest((p for p in self._held if p.purpose is Purpose.STATION_MAX), now)
        return math.inf if limit_a is None else limit_a

    def _others(self, new: HeldProfile) -> tuple[HeldProfile, ...]:
        place = (new.evse_number, new.purpose, new.stack_level)
        return tuple(
            old
            for old in self._held
            if old.profile_id != new.profile_id and (old.evse_number, old.purpose, old.stack_level) != place
        )


def _runs(profile: HeldProfile, running: dict[int, str]) -> bool:
    """Tell whether the transaction of a TxProfile runs on its EVSE (C3, K01.FR.09, K01.FR.33)."""
    return running.get(profile.evse_number) == profile.transaction_id is not None


def _highest(profiles: Iterable[HeldProfile], now: datetime) -> float | None:
    """Return the limit of the highest level that says something now (C12)."""
    for profile in sorted(profiles, key=lambda profile: profile.stack_level, reverse=True):
        limit_a = profile.limit_a(now)
        if limit_a is not None:
            return limit_a
    return None
