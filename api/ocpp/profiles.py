"""From planned pilots to charging profiles and back, without a protocol version."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np

from api.ocpp.capabilities import (
    V201_MAX_PERIODS,
    Feature,
    OcppVersion,
    QuirkKind,
    RateUnit,
    StationCapabilities,
)
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.periods import OperationMode, SchedulePeriod, fit_periods, floor_to_tenth
from models.arrays import FloatArray, frozen
from models.errors import InvalidInputError, Issue, IssueList
from models.grid.site import N_PHASES, CurrentType
from models.timegrid import aware_utc
from models.units import MIN_AC_CURRENT_A

__all__ = [
    "ChargingProfile",
    "OcppVersion",
    "PilotRow",
    "ProfilePurpose",
    "RateUnit",
    "SafeFloor",
    "SchedulePeriod",
    "StationCapabilities",
    "closed_by_zero",
    "fallback_profiles",
    "limits_from_profile",
    "profile_from_pilots",
    "simpler_profiles",
]

START_MARGIN_S: Final = 10
"""A schedule starts this long before it is sent [s]: a station whose clock is a little late sees no gap."""

_FLOAT_NOISE_A = 1e-9
_SIMPLE_PERIODS = 2


_PURPOSE_DIGIT: Final = MappingProxyType(
    {ProfilePurpose.TX: 1, ProfilePurpose.TX_DEFAULT: 2, ProfilePurpose.STATION_MAX: 3}
)
_UPPER_DEFAULT_DIGIT: Final = 4


@dataclass(frozen=True, slots=True)
class PilotRow:
    """The planned pilots of one EVSE.

    Parameters
    ----------
    start : datetime
        Start of the first slot, aware, on a whole second.
    step_s : int
        Length of a slot [s].
    pilot_a : (n_slots,) float64
        Greatest current of each phase, supply side [A].
    evse_number : int
        1, 2, ... within the station.
    n_phases : int
        Phases that the EVSE loads.
    current_type : CurrentType
    slot_phases : tuple of int
        Phases of each slot, where they change; empty where they do not.
    setpoint_w, discharge_w : (n_slots,) float64, or None
        Power to follow, and most that may be given back (at most 0) [W]; a station that cannot follow is
        told no more than the setpoint.
    """

    start: datetime
    step_s: int
    pilot_a: FloatArray
    evse_number: int = 1
    n_phases: int = N_PHASES
    current_type: CurrentType = CurrentType.AC
    slot_phases: tuple[int, ...] = ()
    setpoint_w: FloatArray | None = None
    discharge_w: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pilot_a", frozen(self.pilot_a))
        issues = IssueList()
        for name in ("setpoint_w", "discharge_w"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, frozen(values))
                fits = getattr(self, name).shape == self.pilot_a.shape and bool(np.isfinite(values).all())
                issues.require(fits, name, "is not one finite value for each slot")
        issues.require(
            len(self.slot_phases) in (0, self.pilot_a.size), "slot_phases", "is not one for each slot"
        )
        issues.require(
            self.start.tzinfo is not None and self.start.microsecond == 0, "start", "no aware whole second"
        )
        issues.require(self.step_s > 0, "step_s", "is not positive")
        usable = self.pilot_a.ndim == 1 and self.pilot_a.size > 0
        issues.require(usable, "pilot_a", "is not one row of slots")
        finite = bool(np.isfinite(self.pilot_a).all() and (self.pilot_a >= 0).all())
        issues.require(finite, "pilot_a", "is not finite and at least 0")
        issues.raise_if_any()

    @property
    def is_both_ways(self) -> bool:
        """Whether more than a limit is to be told."""
        return self.setpoint_w is not None or self.discharge_w is not None

    def phases_at(self, slot: int) -> int:
        """Return the phases that are loaded in a slot."""
        return self.slot_phases[slot] if self.slot_phases else self.n_phases


@dataclass(frozen=True, slots=True)
class SafeFloor:
    """What a station may draw when no plan reaches it.

    Parameters
    ----------
    share_a : float
        Each EVSE, each phase [A]; 0 lets nobody charge without a plan.
    station_max_a : float
        The whole station, each phase [A].
    n_phases : int
    current_type : CurrentType
    evse_numbers : tuple of int
        EVSEs that get a default each; empty gives one default to the station.
    """

    share_a: float
    station_max_a: float
    n_phases: int = N_PHASES
    current_type: CurrentType = CurrentType.AC
    evse_numbers: tuple[int, ...] = ()


def profile_from_pilots(
    row: PilotRow, capabilities: StationCapabilities, now: datetime, transaction_id: str | None = None
) -> ChargingProfile:
    """Return the profile that tells a station its planned pilots, never more than these.

    With a transaction it is a TxProfile. Without one it is a TxDefaultProfile of that EVSE, which a car
    that arrives obeys too. The schedule starts with the slot that contains ``now`` and at least
    ``START_MARGIN_S`` before ``now``; it ends with the horizon, where the profiles of
    :func:`fallback_profiles` take over. A TxDefaultProfile for a station that has stack level 0 only has
    nothing beneath it: it does not end, and its last period is 0.

    Raises
    ------
    InvalidInputError
        The row has ended before ``now``, or starts later than one slot after it.
    """
    slot = _current_slot(row, now)
    slot_start = row.start + timedelta(seconds=slot * row.step_s)
    start = min(slot_start, _margin_before(now))
    ahead_s = int((slot_start - start).total_seconds())
    duration_s = ahead_s + (row.pilot_a.size - slot) * row.step_s
    unit = RateUnit.POWER if _follows(row, capabilities) else _rate_unit(capabilities, row.current_type)
    periods = tuple(
        _period(row, k, ahead_s + (k - slot) * row.step_s if k > slot else 0, unit, capabilities)
        for k in range(slot, row.pilot_a.size)
    )
    purpose = ProfilePurpose.TX_DEFAULT if transaction_id is None else ProfilePurpose.TX
    stack_level = min(1, capabilities.max_stack_level)
    profile = ChargingProfile(
        profile_id=_profile_id(row.evse_number, purpose, stack_level, capabilities),
        purpose=purpose,
        evse_number=row.evse_number,
        stack_level=stack_level,
        unit=unit,
        start=start,
        duration_s=duration_s,
        periods=fit_periods(periods, duration_s, _max_periods(capabilities)),
        transaction_id=transaction_id,
        current_type=row.current_type,
    )
    bare = purpose is ProfilePurpose.TX_DEFAULT and capabilities.max_stack_level == 0
    return closed_by_zero(profile, capabilities) if bare else profile


def closed_by_zero(profile: ChargingProfile, capabilities: StationCapabilities) -> ChargingProfile:
    """Return the profile without an end: after its horizon it allows nothing, where nothing lies beneath it."""
    duration_s = profile.duration_s or 0
    room = max(_max_periods(capabilities) - 1, 1)
    last = profile.periods[-1]
    closing = SchedulePeriod(duration_s, 0.0, last.n_phases, *_still(last))
    periods = (*fit_periods(profile.periods, duration_s, room), closing)
    fitting = fit_periods(periods, duration_s + 1, _max_periods(capabilities))
    return replace(profile, duration_s=None, periods=fitting)


def fallback_profiles(
    floor: SafeFloor, capabilities: StationCapabilities, now: datetime
) -> tuple[ChargingProfile, ...]:
    """Return the profiles that hold without end beneath every plan: defaults and the station's maximum.

    Defaults of the EVSEs and one of the station are not mixed: stations disagree on which of them rules
    (1.6 E3.53), and in 2.0.1 they exclude each other at one stack level (K01.FR.52). So name the EVSEs
    wherever a plan can come without a transaction, since that is a default of an EVSE too; where stack
    level 0 is the only one, it takes the place of the default here. The maximum is left out where the
    station cannot hold it besides a default and a plan for each EVSE.
    """
    start = _margin_before(now)
    evse_numbers = floor.evse_numbers or (0,)
    defaults = [
        _constant_profile(floor, ProfilePurpose.TX_DEFAULT, evse_number, capabilities, start)
        for evse_number in evse_numbers
    ]
    if capabilities.max_profiles <= 2 * len(evse_numbers) or capabilities.has(QuirkKind.NO_STATION_MAX):
        return tuple(defaults)
    return (*defaults, _constant_profile(floor, ProfilePurpose.STATION_MAX, 0, capabilities, start))


def limits_from_profile(profile: ChargingProfile, times: Sequence[datetime], voltage_v: float) -> FloatArray:
    """Return the current that the profile allows at each time, shape (n_times,), [A per phase].

    Infinite where the profile says nothing: before its start, from the end of its duration on, and outside
    of its validity. A station without any other profile is not limited there.
    """
    starts_s = np.array([period.start_s for period in profile.periods])
    limits = np.array([_amperes(period, profile.unit, voltage_v) for period in profile.periods])
    elapsed_s = np.array([(aware_utc(moment) - profile.start).total_seconds() for moment in times])
    index = np.searchsorted(starts_s, elapsed_s, side="right") - 1
    end_s = np.inf if profile.duration_s is None else profile.duration_s
    valid = np.array([_is_valid_at(profile, moment) for moment in times], dtype=np.bool_)
    active = valid & (elapsed_s >= 0) & (elapsed_s < end_s)
    return frozen(np.where(active, limits[np.maximum(index, 0)], np.inf))


def follows_setpoints(capabilities: StationCapabilities) -> bool:
    """Tell whether a station can be told what to draw, and what to give back: it must know how, and take watt."""
    knows = capabilities.version is OcppVersion.V21 and Feature.BOTH_WAYS in capabilities.features
    return knows and RateUnit.POWER in capabilities.rate_units


def simpler_profiles(
    profile: ChargingProfile, capabilities: StationCapabilities
) -> tuple[ChargingProfile, ...]:
    """Return what to try, in order, when a station refuses a profile that its capabilities allow.

    First the lowest stack level, then two periods instead of many. Neither ever allows more than the
    profile does. A TxDefaultProfile that ends keeps its level: at the lowest it would replace what
    catches it.
    """
    needs_level = profile.purpose is ProfilePurpose.TX_DEFAULT and profile.duration_s is not None
    base = profile if needs_level else replace(profile, stack_level=0)
    horizon_s = profile.duration_s or profile.periods[-1].start_s + 1
    short = replace(
        base, periods=fit_periods(base.periods, horizon_s, min(_SIMPLE_PERIODS, capabilities.max_periods))
    )
    candidates = (profile, base, short)
    return tuple(later for i, later in enumerate(candidates) if later not in candidates[:i])[1:]


def _current_slot(row: PilotRow, now: datetime) -> int:
    """Return the slot that contains ``now``; the first one where that starts up to one slot later."""
    slot = int((aware_utc(now) - row.start).total_seconds() // row.step_s)
    if slot >= row.pilot_a.size:
        raise InvalidInputError((Issue("start", "the schedule has ended"),))
    if row.start - aware_utc(now) > timedelta(seconds=row.step_s):
        raise InvalidInputError((Issue("start", "the schedule starts more than one slot in the future"),))
    return max(slot, 0)


def _margin_before(now: datetime) -> datetime:
    """Return a whole second at least ``START_MARGIN_S`` before ``now``."""
    return aware_utc(now).replace(microsecond=0) - timedelta(seconds=START_MARGIN_S)


def _rate_unit(capabilities: StationCapabilities, current_type: CurrentType) -> RateUnit:
    """Return ampere for AC, which is exact on every phase, and watt for DC, where the station allows it."""
    wanted = RateUnit.CURRENT if current_type is CurrentType.AC else RateUnit.POWER
    return wanted if wanted in capabilities.rate_units else min(capabilities.rate_units)


def _period(
    row: PilotRow, slot: int, start_s: int, unit: RateUnit, capabilities: StationCapabilities
) -> SchedulePeriod:
    """Return one slot as a period."""
    n_phases, pilot_a = row.phases_at(slot), float(row.pilot_a[slot])
    setpoint_w = None if row.setpoint_w is None else float(row.setpoint_w[slot])
    discharge_w = None if row.discharge_w is None else float(row.discharge_w[slot])
    if not _follows(row, capabilities):
        if setpoint_w is not None:
            pilot_a = min(pilot_a, max(setpoint_w, 0.0) / (capabilities.voltage_v * n_phases))
        # a row is checked when it is made: for each of many slots that would take longer than all the rest
        on_phases = row if n_phases == row.n_phases else replace(row, n_phases=n_phases)
        return SchedulePeriod(start_s, _limit(pilot_a, on_phases, unit, capabilities), n_phases)
    limit = floor_to_tenth(pilot_a * capabilities.voltage_v * n_phases)
    lowest = 0.0 if discharge_w is None else -floor_to_tenth(-discharge_w)
    wanted = limit if setpoint_w is None else math.copysign(floor_to_tenth(abs(setpoint_w)), setpoint_w)
    return SchedulePeriod(
        start_s, limit, n_phases, min(max(wanted, lowest), limit), lowest, OperationMode.CENTRAL_SETPOINT
    )


def _still(period: SchedulePeriod) -> tuple[float | None, float | None, OperationMode | None]:
    """Return the setpoint, discharge limit and mode of a pause in a profile of such periods."""
    return (None, None, None) if period.setpoint is None else (0.0, 0.0, period.operation_mode)


def _follows(row: PilotRow, capabilities: StationCapabilities) -> bool:
    """Tell whether the station is told setpoints: it must know them, and take watt."""
    return row.is_both_ways and follows_setpoints(capabilities)


def _limit(
    pilot_a: float, row: PilotRow | SafeFloor, unit: RateUnit, capabilities: StationCapabilities
) -> float:
    """Return one pilot as a limit: 0 or deliverable, in the unit, rounded down to one decimal."""
    deliverable_a = pilot_a
    if row.current_type is CurrentType.AC and pilot_a < MIN_AC_CURRENT_A:
        deliverable_a = MIN_AC_CURRENT_A if pilot_a + _FLOAT_NOISE_A >= MIN_AC_CURRENT_A else 0.0
    if unit is RateUnit.CURRENT:
        return floor_to_tenth(deliverable_a)
    return floor_to_tenth(deliverable_a * capabilities.voltage_v * row.n_phases)


def _amperes(period: SchedulePeriod, unit: RateUnit, voltage_v: float) -> float:
    """Return a limit in ampere per phase."""
    return period.limit if unit is RateUnit.CURRENT else period.limit / (voltage_v * period.n_phases)


def _max_periods(capabilities: StationCapabilities) -> int:
    """Return how many periods a schedule may have."""
    if capabilities.version is not OcppVersion.V16:
        return min(capabilities.max_periods, V201_MAX_PERIODS)
    return capabilities.max_periods


def _constant_profile(
    floor: SafeFloor,
    purpose: ProfilePurpose,
    evse_number: int,
    capabilities: StationCapabilities,
    start: datetime,
) -> ChargingProfile:
    """Return a profile of one period that does not end."""
    unit = _rate_unit(capabilities, floor.current_type)
    current_a = floor.station_max_a if purpose is ProfilePurpose.STATION_MAX else floor.share_a
    return ChargingProfile(
        profile_id=_profile_id(evse_number, purpose, 0, capabilities),
        purpose=purpose,
        evse_number=evse_number,
        stack_level=0,
        unit=unit,
        start=start,
        duration_s=None,
        periods=(SchedulePeriod(0, _limit(current_a, floor, unit, capabilities), floor.n_phases),),
        current_type=floor.current_type,
    )


def _profile_id(
    evse_number: int, purpose: ProfilePurpose, stack_level: int, capabilities: StationCapabilities
) -> int:
    """Return the number that a purpose has on an EVSE, so that a refreshed plan replaces the last one.

    A default above the lowest level has a number of its own, or it would replace what lies beneath. Numbers
    that belong to external systems are left to them (2.1 K01.FR.81).
    """
    is_upper_default = purpose is ProfilePurpose.TX_DEFAULT and stack_level > 0
    digit = _UPPER_DEFAULT_DIGIT if is_upper_default else _PURPOSE_DIGIT[purpose]
    return evse_number * 10 + digit + max(capabilities.max_external_id or 0, 0)


def _is_valid_at(profile: ChargingProfile, moment: datetime) -> bool:
    """Tell whether the validity of the profile contains a time."""
    begun = profile.valid_from is None or profile.valid_from <= moment
    return begun and (profile.valid_to is None or moment < profile.valid_to)
