"""A plan for a station as the requests that tell it: what lies beneath, the plan of each EVSE, what is cleared.

Profiles come from :mod:`api.ocpp.profiles`, as they do between plans and stations that are connected. Here they
are put together for one station, within the number of profiles that it holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np

from api.ocpp.capabilities import Feature, OcppVersion, QuirkKind, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfileKind, ProfilePurpose, ProfileSelection
from api.ocpp.dialects import DIALECTS
from api.ocpp.periods import SchedulePeriod, fit_periods
from api.ocpp.profiles import PilotRow, SafeFloor, closed_by_zero, fallback_profiles, profile_from_pilots
from api.ocpp.smart.profiles import Profile, Purpose
from api.ocpp.wire import Command, given
from models.errors import InvalidInputError, Issue
from models.grid.site import CurrentType
from models.timegrid import aware_utc
from models.units import MIN_AC_CURRENT_A

_PURPOSES: Final = MappingProxyType(
    {
        ProfilePurpose.TX: Purpose.TX,
        ProfilePurpose.TX_DEFAULT: Purpose.TX_DEFAULT,
        ProfilePurpose.STATION_MAX: Purpose.STATION_MAX,
    }
)


@dataclass(frozen=True, slots=True)
class EvsePlan:
    """The planned pilots of one EVSE, and the transaction that they are for."""

    row: PilotRow
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One message to a station; ``send_at`` is None for now."""

    command: Command
    send_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a station is told, in order, and what it could not be told."""

    requests: tuple[Request, ...]
    notes: tuple[str, ...] = ()


def profiles_for(
    plans: Sequence[EvsePlan], floor: SafeFloor, capabilities: StationCapabilities, now: datetime
) -> tuple[ChargingProfile, ...]:
    """Return the profiles of a station in the order of sending: what lies beneath, then the plans.

    A default for each EVSE lies beneath where the station holds as many; else one for all of them, which is
    possible where every plan is for a transaction; else none, and the plans end with 0.

    Raises
    ------
    InvalidInputError
        The station cannot hold a profile for each EVSE, or a plan is over.
    """
    if capabilities.max_profiles < len(plans):
        what = f"the station holds {capabilities.max_profiles} profiles, {len(plans)} EVSEs need one each"
        raise InvalidInputError((Issue("capabilities.max_profiles", what),))
    beneath = _beneath(plans, floor, capabilities, now)
    profiles = [profile_from_pilots(plan.row, capabilities, now, plan.transaction_id) for plan in plans]
    if not beneath:
        profiles = [one if one.duration_s is None else closed_by_zero(one, capabilities) for one in profiles]
    places = {(one.evse_number, one.purpose, one.stack_level) for one in profiles}
    kept = [one for one in beneath if (one.evse_number, one.purpose, one.stack_level) not in places]
    return (*kept, *profiles)


def told_by_profiles(
    profiles: Iterable[ChargingProfile], held: Sequence[Profile], capabilities: StationCapabilities
) -> tuple[Request, ...]:
    """Return the requests that install profiles, and clear those that would rule instead.

    What the station would refuse a duplicate of (2.0.1 K01.FR.06, .52, .53) is cleared first, all else last,
    so that there is no time without a limit.
    """
    dialect = DIALECTS[capabilities.version]
    new = tuple(profiles)
    foreign = [one for one in held if _is_foreign(one, new)]
    first = [one for one in foreign if _conflicts(one, new, capabilities.version)]
    clear = [dialect.encode_clear_profiles(ProfileSelection(profile_id=one.profile_id)) for one in first]
    last = [
        dialect.encode_clear_profiles(ProfileSelection(profile_id=one.profile_id))
        for one in foreign
        if one not in first and not _is_replaced(one, new, capabilities.version)
    ]
    return tuple(Request(one) for one in (*clear, *map(dialect.encode_profile, new), *last))


def told_step_by_step(
    plan: EvsePlan, capabilities: StationCapabilities, now: datetime
) -> tuple[tuple[ChargingProfile, ...], tuple[Request, ...]]:
    """Return a dynamic profile, and the updates that follow it at the start of every later slot (2.1 K28).

    Its values count for one slot after each update: without the next one the station falls to what lies
    beneath (K28.FR.13). The first ones may last into the second slot, and allow no more than that.

    Raises
    ------
    InvalidInputError
        The station takes no dynamic profiles (K01.FR.121), or the plan is over.
    """
    if not (capabilities.takes_dynamic and capabilities.version is OcppVersion.V21):
        raise InvalidInputError((Issue("form", "the station takes no dynamic profiles"),))
    fine = replace(capabilities, max_periods=plan.row.pilot_a.size)
    whole = profile_from_pilots(plan.row, fine, now, plan.transaction_id)
    slot_s = plan.row.step_s
    first = aware_utc(now).replace(microsecond=0)
    later = [moment for moment in _slots(plan.row) if moment > now]
    end = plan.row.start + timedelta(seconds=slot_s * plan.row.pilot_a.size)
    opening = [_at(whole, first), *(_at(whole, moment) for moment in later[:1])]
    profile = replace(
        whole,
        kind=ProfileKind.DYNAMIC,
        start=first,
        duration_s=slot_s if later else int((end - first).total_seconds()),
        periods=(replace(_least(opening), start_s=0),),
    )
    updates = [Request(_update(profile.profile_id, _at(whole, moment)), moment) for moment in later]
    return (profile,), tuple(updates)


def row_of_power(row: PilotRow, power_w: Sequence[float], capabilities: StationCapabilities) -> PilotRow:
    """Return a row with limits that were given as power [W].

    Where a station can switch, one phase is used below what three can carry at the least (C9, C18).
    """
    voltage_v = capabilities.voltage_v
    may_switch = capabilities.switches_phases and row.current_type is CurrentType.AC and row.n_phases > 1
    least_w = MIN_AC_CURRENT_A * voltage_v
    phases = [1 if may_switch and least_w <= w < least_w * row.n_phases else row.n_phases for w in power_w]
    pilot_a = np.array([w / (voltage_v * n) for w, n in zip(power_w, phases, strict=True)])
    return replace(row, pilot_a=pilot_a, slot_phases=tuple(phases) if may_switch else ())


def notes_on(plans: Iterable[EvsePlan], capabilities: StationCapabilities) -> tuple[str, ...]:
    """Return what a station cannot be told, and what is known of its model."""
    return tuple(_notes(plans, capabilities))


def _notes(plans: Iterable[EvsePlan], capabilities: StationCapabilities) -> Iterator[str]:
    follows = Feature.BOTH_WAYS in capabilities.features and RateUnit.POWER in capabilities.rate_units
    if not (follows and capabilities.version is OcppVersion.V21):
        for plan in plans:
            if plan.row.is_both_ways:
                yield f"EVSE {plan.row.evse_number}: the station is told limits only, it knows no setpoints in watt"
    for quirk in sorted(capabilities.quirks, key=lambda one: one.name):
        yield f"this model {quirk.value}"
    pauses = any(not plan.row.pilot_a.all() for plan in plans)
    if pauses and capabilities.has(QuirkKind.ZERO_ENDS_CHARGING):
        yield "the plan has pauses, which this model takes for the end"


def _beneath(
    plans: Sequence[EvsePlan], floor: SafeFloor, capabilities: StationCapabilities, now: datetime
) -> tuple[ChargingProfile, ...]:
    """Return what lies beneath the plans, as much as the station holds."""
    own = replace(floor, evse_numbers=tuple(plan.row.evse_number for plan in plans))
    shared = replace(floor, evse_numbers=())
    n_plans = len(plans)
    in_place = capabilities.max_stack_level == 0 and all(plan.transaction_id is None for plan in plans)
    if in_place or capabilities.max_profiles >= 2 * n_plans:
        return fallback_profiles(own, capabilities, now)
    if all(plan.transaction_id is not None for plan in plans) and capabilities.max_profiles > n_plans:
        default, *rest = fallback_profiles(shared, capabilities, now)
        return (default, *rest) if capabilities.max_profiles > n_plans + 1 else (default,)
    return ()


def _is_foreign(held: Profile, new: Sequence[ChargingProfile]) -> bool:
    """Tell whether a profile that is held was not made here, or is not needed any more."""
    return held.purpose in _PURPOSES.values() and all(held.profile_id != one.profile_id for one in new)


def _conflicts(held: Profile, new: Sequence[ChargingProfile], version: OcppVersion) -> bool:
    """Tell whether a station of 2.x would refuse one of the new profiles because of this one."""
    if version is OcppVersion.V16:
        return False
    return any(
        _same_purpose(held, one)
        and held.stack_level == one.stack_level
        and (held.evse == one.evse_number or 0 in (held.evse, one.evse_number))
        for one in new
    )


def _same_purpose(held: Profile, new: ChargingProfile) -> bool:
    """Tell whether two profiles govern the same, whatever their versions call it."""
    return held.purpose is _PURPOSES[new.purpose]


def _is_replaced(held: Profile, new: Sequence[ChargingProfile], version: OcppVersion) -> bool:
    """Tell whether a 1.6 station forgets this one by itself (5.16.4)."""
    return version is OcppVersion.V16 and any(
        (held.evse, held.stack_level) == (one.evse_number, one.stack_level)
        and _same_purpose(held, one)
        and held.transaction_id == one.transaction_id
        for one in new
    )


def _slots(row: PilotRow) -> list[datetime]:
    """Return the start of every slot."""
    return [row.start + timedelta(seconds=row.step_s * k) for k in range(row.pilot_a.size)]


def _at(profile: ChargingProfile, moment: datetime) -> SchedulePeriod:
    """Return the period of a profile at a time within it."""
    elapsed_s = (moment - profile.start).total_seconds()
    return [one for one in profile.periods if one.start_s <= elapsed_s][-1]


def _least(periods: Sequence[SchedulePeriod]) -> SchedulePeriod:
    """Return what asks least of two periods that may both hold."""
    spread = tuple(replace(one, start_s=k) for k, one in enumerate(periods))
    return fit_periods(spread, len(spread), 1)[0]


def _update(profile_id: int, period: SchedulePeriod) -> Command:
    """Return UpdateDynamicSchedule."""
    values = given(
        {"limit": period.limit, "dischargeLimit": period.discharge_limit, "setpoint": period.setpoint}
    )
    return Command("UpdateDynamicSchedule", {"chargingProfileId": profile_id, "scheduleUpdate": values})
