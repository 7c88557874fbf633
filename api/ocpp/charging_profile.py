"""The charging profile as a record: what a station is told, whatever version of OCPP it speaks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

import numpy as np

from api.ocpp.capabilities import RateUnit
from api.ocpp.periods import SchedulePeriod
from models.errors import IssueList
from models.grid.site import N_PHASES, CurrentType
from models.units import MIN_AC_CURRENT_A


class ProfilePurpose(StrEnum):
    """What a profile governs; the versions of OCPP write the last one differently."""

    TX = "TxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    STATION_MAX = "StationMaxProfile"


class ProfileKind(StrEnum):
    """How the time of a schedule is counted; the value is what stands on the wire."""

    ABSOLUTE = "Absolute"
    DYNAMIC = "Dynamic"
    """One period, whose values are updated one by one; only OCPP 2.1 knows it."""


@dataclass(frozen=True, slots=True)
class ChargingProfile:
    """A charging profile whose times are absolute, or which is updated step by step.

    Parameters
    ----------
    profile_id : int
        Unique in the station; a profile with the same number replaces the installed one.
    purpose : ProfilePurpose
    evse_number : int
        1, 2, ... for one EVSE (a connector in OCPP 1.6); 0 for the station.
    stack_level : int
        The highest valid level of a purpose wins.
    unit : RateUnit
    start : datetime
        Start of the schedule, aware.
    duration_s : int or None
        Length of the schedule [s]; None lasts until the profile is replaced or its transaction ends.
    periods : tuple of SchedulePeriod
        The first at 0, strictly increasing.
    transaction_id : str or None
        Only for ``ProfilePurpose.TX``.
    valid_from, valid_to : datetime or None
        The profile counts within ``[valid_from, valid_to)``.
    current_type : CurrentType
        A DC profile names no phases on the wire.
    kind : ProfileKind
    update_interval_s : int or None
        A station asks for the next values of a dynamic profile so long after the last ones [s]; None waits for them.
    max_offline_s : int or None
        Counts no longer than this while the station is offline [s]; None counts on. Only OCPP 2.1 knows it.
    invalid_after_offline : bool
        Whether it stays without effect after that.

    Raises
    ------
    InvalidInputError
        A station would refuse the profile; names every reason.
    """

    profile_id: int
    purpose: ProfilePurpose
    evse_number: int
    stack_level: int
    unit: RateUnit
    start: datetime
    duration_s: int | None
    periods: tuple[SchedulePeriod, ...]
    transaction_id: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    current_type: CurrentType = CurrentType.AC
    kind: ProfileKind = ProfileKind.ABSOLUTE
    update_interval_s: int | None = None
    max_offline_s: int | None = None
    invalid_after_offline: bool = False

    def __post_init__(self) -> None:
        issues = IssueList()
        _check_address(self, issues)
        _check_times(self, issues)
        _check_periods(self, issues)
        _check_what_is_new(self, issues)
        issues.raise_if_any()


@dataclass(frozen=True, slots=True)
class ProfileSelection:
    """Which installed profiles are meant: by number alone, or by all of the other fields that are given."""

    profile_id: int | None = None
    evse_number: int | None = None
    purpose: ProfilePurpose | None = None
    stack_level: int | None = None


def _check_address(profile: ChargingProfile, issues: IssueList) -> None:
    """Purpose, EVSE, transaction and stack level fit together (2.0.1 K01.FR.16, K01.FR.27)."""
    is_tx = profile.purpose is ProfilePurpose.TX
    issues.require(profile.evse_number >= 0, "evse_number", "is negative")
    issues.require(
        not (is_tx and profile.evse_number == 0), "evse_number", "a TxProfile needs an EVSE above 0"
    )
    issues.require(
        profile.purpose is not ProfilePurpose.STATION_MAX or profile.evse_number == 0,
        "evse_number",
        "the station's maximum belongs to EVSE 0",
    )
    issues.require(is_tx or profile.transaction_id is None, "transaction_id", "belongs to a TxProfile only")
    issues.require(profile.stack_level >= 0, "stack_level", "is negative")


def _check_times(profile: ChargingProfile, issues: IssueList) -> None:
    """Times have a zone, validity is an interval, the duration is positive."""
    times = {"start": profile.start, "valid_from": profile.valid_from, "valid_to": profile.valid_to}
    naive = [name for name, moment in times.items() if moment is not None and moment.tzinfo is None]
    for name in naive:
        issues.add(name, "has no time zone")
    if not naive and profile.valid_from is not None and profile.valid_to is not None:
        issues.require(profile.valid_from < profile.valid_to, "valid_to", "is not after valid_from")
    issues.require(profile.duration_s is None or profile.duration_s > 0, "duration_s", "is not positive")


def _check_periods(profile: ChargingProfile, issues: IssueList) -> None:
    """First period at 0, strictly increasing (K01.FR.31, K01.FR.35), every limit deliverable."""
    starts_s = [period.start_s for period in profile.periods]
    issues.require(starts_s[:1] == [0], "periods", "the first does not start at 0")
    issues.require(all(a < b for a, b in pairwise(starts_s)), "periods", "do not increase")
    if profile.duration_s is not None and starts_s:
        issues.require(starts_s[-1] < profile.duration_s, "periods", "the last starts after the end")
    for i, period in enumerate(profile.periods):
        issues.require(
            bool(0 <= period.limit < np.inf), f"periods[{i}].limit", "is not finite and at least 0"
        )
        issues.require(1 <= period.n_phases <= N_PHASES, f"periods[{i}].n_phases", "is not 1, 2 or 3")
        too_low = profile.unit is RateUnit.CURRENT and 0 < period.limit < MIN_AC_CURRENT_A
        issues.require(
            not (too_low and profile.current_type is CurrentType.AC),
            f"periods[{i}].limit",
            "lies between 0 and 6 A",
        )


def _check_what_is_new(profile: ChargingProfile, issues: IssueList) -> None:
    """What only OCPP 2.1 knows: updates belong to dynamic profiles (K01.FR.122), signs of setpoints and limits."""
    is_dynamic = profile.kind is ProfileKind.DYNAMIC
    issues.require(
        is_dynamic or profile.update_interval_s is None, "update_interval_s", "belongs to a dynamic profile"
    )
    issues.require(
        not is_dynamic or len(profile.periods) == 1, "periods", "a dynamic profile has one period only"
    )
    seconds = {"update_interval_s": profile.update_interval_s, "max_offline_s": profile.max_offline_s}
    for name, value in seconds.items():
        issues.require(value is None or value >= 0, name, "is negative")
    for i, period in enumerate(profile.periods):
        setpoint, discharge = period.setpoint, period.discharge_limit
        issues.require(
            setpoint is None or bool(np.isfinite(setpoint)), f"periods[{i}].setpoint", "is not finite"
        )
        issues.require(
            discharge is None or bool(-np.inf < discharge <= 0),
            f"periods[{i}].discharge_limit",
            "is not finite and at most 0",
        )
