"""What a station is, what runs on it and which profiles it holds: all that its composite schedule follows from."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.smart.profiles import MOST_PHASES, Profile, Purpose
from models.units import NOMINAL_VOLTAGE_V


class IdleRule(StrEnum):
    """What an EVSE without a transaction counts as."""

    AS_IF_CHARGING = "as_if_charging"
    """A car may come at any time; it would be governed by the default, from now on."""

    DRAWS_NOTHING = "draws_nothing"


class DefaultRule(StrEnum):
    """Which TxDefaultProfile governs an EVSE, where there are some for it and some for every EVSE."""

    SPECIFIC_FIRST = "specific_first"
    """Those of the EVSE, and the others only where none of these is in force (1.6 3.13.1, E3.53)."""

    BY_STACK_LEVEL = "by_stack_level"
    """The highest stack level of all of them; 2.0.1 allows no equal ones (K01.FR.52, K01.FR.53)."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Most that may be drawn: A for each phase, W in total; infinite where nothing is known."""

    max_a: float = math.inf
    max_w: float = math.inf

    def in_unit(self, unit: RateUnit, n_phases: int, voltage_v: float) -> float:
        """Return the ceiling in one unit, for so many phases."""
        per_a = voltage_v * n_phases
        if unit is RateUnit.CURRENT:
            return min(self.max_a, self.max_w / per_a)
        return min(self.max_w, self.max_a * per_a)


@dataclass(frozen=True, slots=True)
class EvseFacts:
    """One EVSE.

    Parameters
    ----------
    n_phases : int
        Phases of its supply.
    is_dc : bool
    most : Ceiling
        What it can do, whatever profiles say.
    unlimited : Ceiling
        What it draws where no profile limits it.
    """

    n_phases: int = MOST_PHASES
    is_dc: bool = False
    most: Ceiling = field(default_factory=Ceiling)
    unlimited: Ceiling = field(default_factory=Ceiling)


@dataclass(frozen=True, slots=True)
class RunningTransaction:
    """A transaction that has not ended.

    Parameters
    ----------
    evse : int
    transaction_id : str
    charging_since_s : int
        From when relative schedules count [s since 1970].
    soc_percent : float or None
        State of charge, where it is known.
    has_priority : bool
        Priority charging was granted (2.1).
    schedule_id : int or None
        Which of several schedules the car has chosen; the first unless it is known.
    """

    evse: int
    transaction_id: str
    charging_since_s: int
    soc_percent: float | None = None
    has_priority: bool = False
    schedule_id: int | None = None


@dataclass(frozen=True, slots=True)
class OfflineTime:
    """A time without a connection, ``[start_s, end_s)`` [s since 1970]; infinite while it lasts."""

    start_s: int
    end_s: float = math.inf


@dataclass(frozen=True, slots=True)
class StationFacts:
    """A station, without what happens on it.

    Parameters
    ----------
    version : OcppVersion
    evses : mapping of int to EvseFacts
        By number, from 1 on.
    voltage_v : float
        Nominal, line to neutral: limits are converted with it, not with what is measured (1.6 E3.69).
    n_phases : int
        Phases of the station's own supply.
    most : Ceiling
        What the whole station can draw.
    rate_units : frozenset of RateUnit
    zone : ZoneInfo or None
        For schedules in local time.
    idle_rule : IdleRule
    default_rule : DefaultRule or None
        None is what stations of the version do.
    """

    version: OcppVersion
    evses: Mapping[int, EvseFacts]
    voltage_v: float = NOMINAL_VOLTAGE_V
    n_phases: int = MOST_PHASES
    most: Ceiling = field(default_factory=Ceiling)
    rate_units: frozenset[RateUnit] = frozenset(RateUnit)
    zone: ZoneInfo | None = None
    idle_rule: IdleRule = IdleRule.AS_IF_CHARGING
    default_rule: DefaultRule | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """A station at work: what it holds, what runs, and when it was offline."""

    station: StationFacts
    profiles: tuple[Profile, ...] = ()
    transactions: Mapping[int, RunningTransaction] = field(default_factory=lambda: MappingProxyType({}))
    offline: tuple[OfflineTime, ...] = ()


def usual_default_rule(version: OcppVersion) -> DefaultRule:
    """Return how stations of a version choose between default profiles, unless more is known of one."""
    return DefaultRule.SPECIFIC_FIRST if version is OcppVersion.V16 else DefaultRule.BY_STACK_LEVEL


def with_profile(profiles: Iterable[Profile], new: Profile, version: OcppVersion) -> tuple[Profile, ...]:
    """Return what a station holds after it has taken one more profile.

    The same number replaces in every version (1.6 5.16.4, K01.FR.05), except what an external system has set;
    the same stack level and purpose on that connector as well in 1.6. Later versions refuse that instead
    (K01.FR.06), unless the two are never valid at once.
    """
    return (*(old for old in profiles if not _is_replaced(old, new, version)), new)


def _is_replaced(old: Profile, new: Profile, version: OcppVersion) -> bool:
    """Tell whether a station forgets ``old`` when it takes ``new``."""
    if old.purpose is Purpose.EXTERNAL and new.purpose is not Purpose.EXTERNAL:
        return False
    if old.profile_id == new.profile_id:
        return True
    places = [(one.evse, one.purpose, one.stack_level, one.transaction_id) for one in (old, new)]
    return version is OcppVersion.V16 and places[0] == places[1]
