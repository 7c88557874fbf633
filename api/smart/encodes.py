"""A schedule in no version's words, told to a station; nothing is told that a check would not pass."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from api.ocpp.capabilities import RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.dialects import DIALECTS
from api.ocpp.profiles import PilotRow, SafeFloor
from api.ocpp.quirks import with_quirks
from api.ocpp.smart.breaches import Asked
from api.ocpp.smart.checking import verdict_of
from api.ocpp.smart.encoding import (
    EvsePlan,
    Request,
    Told,
    notes_on,
    profiles_for,
    row_of_power,
    told_by_profiles,
    told_step_by_step,
)
from api.ocpp.smart.reading import profile_in
from api.ocpp.smart.station import RunningTransaction, Situation, with_profile
from api.smart.checks import with_supply
from api.smart.schedules.schemas import EncodeCaseWire, EvseScheduleWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError, Issue, IssueList
from models.grid.site import CurrentType
from models.units import W_PER_KW

_UNBOUNDED: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Station:
    """The station that is told: what it can do and holds, and when it is told."""

    capabilities: StationCapabilities
    situation: Situation
    now: datetime


def encode_case_in(body: bytes, version: str | None, capabilities: bytes | None) -> EncodeCaseWire:
    """Return the case in a document; version and capabilities may be given beside it.

    Raises
    ------
    InvalidInputError
        It is none; names every fault.
    """
    document = _json(body, "")
    if not isinstance(document, dict):
        raise InvalidInputError((Issue("", "is no schedule"),))
    if version is not None:
        document = document | {"version": version}
    if capabilities is not None:
        document = document | {"capabilities": _json(capabilities, "capabilities")}
    return parsed(EncodeCaseWire, json.dumps(document).encode())


def told_of(case: EncodeCaseWire) -> Told:
    """Return what a station is told of a schedule.

    Raises
    ------
    InvalidInputError
        The schedule cannot be told to this station; names every fault.
    """
    station = _station(case)
    plans = _plans(case, _row_capabilities(case, station.capabilities))
    floor = _floor(case, plans)
    updates: tuple[Request, ...] = ()
    if case.form == "dynamic":
        steps = [told_step_by_step(plan, station.capabilities, station.now) for plan in plans]
        beneath = profiles_for(plans, floor, station.capabilities, station.now)[: -len(plans)]
        _require_caught(plans, beneath)
        profiles = (*beneath, *(one for profiles, _ in steps for one in profiles))
        updates = tuple(sorted((one for _, later in steps for one in later), key=_time_of))
    else:
        profiles = profiles_for(plans, floor, station.capabilities, station.now)
    _check(profiles, station)
    requests = told_by_profiles(profiles, station.situation.profiles, station.capabilities)
    return Told((*requests, *updates), notes_on(plans, station.capabilities))


def _row_capabilities(case: EncodeCaseWire, capabilities: StationCapabilities) -> StationCapabilities:
    """Return what a station can do within one profile: an update of a dynamic one cannot name other phases."""
    return replace(capabilities, switches_phases=capabilities.switches_phases and case.form != "dynamic")


def _json(body: bytes, where: str) -> Any:  # noqa: ANN401 - any JSON
    """Return the JSON in a text.

    Raises
    ------
    InvalidInputError
        It is none.
    """
    try:
        return json.loads(body)
    except ValueError as error:
        raise InvalidInputError((Issue(where, f"is not JSON: {error}"),)) from error


def _time_of(request: Request) -> datetime:
    """Return when an update is sent."""
    assert request.send_at is not None  # noqa: S101 - updates have a time
    return request.send_at


def _station(case: EncodeCaseWire) -> Station:
    """Return the station; what it does not tell is assumed cautiously (C11)."""
    told = case.capabilities.to_domain(case.ocpp, case.station.voltage_v)
    cautious = StationCapabilities(case.ocpp)
    known = replace(
        told,
        max_stack_level=_known(told.max_stack_level, cautious.max_stack_level),
        max_periods=_known(told.max_periods, cautious.max_periods),
        max_profiles=_known(told.max_profiles, cautious.max_profiles),
    )
    if case.capabilities.rate_units is None:
        known = replace(known, rate_units=frozenset(map(RateUnit, case.station.rate_units)))
    now = case.now or case.start
    running = {
        one.evse: RunningTransaction(one.evse, str(one.transaction), int(now.timestamp()))
        for one in case.evses
        if one.transaction is not None
    }
    situation = case.situation(now, {one.evse for one in case.evses})
    transactions = MappingProxyType(dict(situation.transactions) | running)
    capabilities = with_quirks(known, case.vendor, case.model, case.firmware)
    facts = with_supply(situation.station, capabilities.supply_phases)
    return Station(capabilities, replace(situation, station=facts, transactions=transactions), now)


def _known(told: int, cautious: int) -> int:
    """Return what a station told, or what is assumed."""
    return cautious if told == _UNBOUNDED else told


def _plans(case: EncodeCaseWire, capabilities: StationCapabilities) -> tuple[EvsePlan, ...]:
    """Return the plan of every EVSE.

    Raises
    ------
    InvalidInputError
        An EVSE is named twice, has no limits or two kinds of them, or rows differ in length.
    """
    issues = IssueList()
    numbers = [one.evse for one in case.evses]
    issues.require(len(set(numbers)) == len(numbers), "evses", "name an EVSE twice")
    for i, one in enumerate(case.evses):
        where = f"evses[{i}]"
        issues.require((one.limit_a is None) != (one.limit_kw is None), where, "needs limit_a or limit_kw")
        lengths = {len(row) for row in _rows(one) if row is not None}
        issues.require(len(lengths) == 1, where, "has rows of different lengths")
    issues.raise_if_any()
    return tuple(_plan(case, one, capabilities) for one in case.evses)


def _rows(one: EvseScheduleWire) -> tuple[tuple[float, ...] | None, ...]:
    return one.limit_a, one.limit_kw, one.setpoint_kw, one.discharge_limit_kw


def _plan(case: EncodeCaseWire, one: EvseScheduleWire, capabilities: StationCapabilities) -> EvsePlan:
    """Return the plan of one EVSE."""
    is_dc = capabilities.supply_phases == 0
    kind = CurrentType.DC if is_dc else CurrentType(one.current_type or case.station.current_type)
    n_phases = one.phases or case.station.phases
    row = PilotRow(
        start=case.start.replace(microsecond=0),
        step_s=case.step_s,
        pilot_a=np.array(one.limit_a or one.limit_kw, dtype=np.float64),
        evse_number=one.evse,
        n_phases=min(n_phases, capabilities.supply_phases or n_phases),
        current_type=kind,
        setpoint_w=None if one.setpoint_kw is None else np.array(one.setpoint_kw) * W_PER_KW,
        discharge_w=None if one.discharge_limit_kw is None else np.array(one.discharge_limit_kw) * W_PER_KW,
    )
    if one.limit_kw is not None:
        row = row_of_power(row, [kw * W_PER_KW for kw in one.limit_kw], capabilities)
    return EvsePlan(row, None if one.transaction is None else str(one.transaction))


def _floor(case: EncodeCaseWire, plans: tuple[EvsePlan, ...]) -> SafeFloor:
    """Return what holds beneath; the station's maximum is what the schedule adds up to, unless it is given."""
    n_slots = max(plan.row.pilot_a.size for plan in plans)
    total_a = np.zeros(n_slots)
    for plan in plans:
        total_a[: plan.row.pilot_a.size] += plan.row.pilot_a
    share_a = case.floor.share_a
    most_a = max(float(total_a.max()), share_a * len(plans))
    return SafeFloor(
        share_a=share_a,
        station_max_a=most_a if case.floor.station_max_a is None else case.floor.station_max_a,
        n_phases=max(plan.row.n_phases for plan in plans),
        current_type=plans[0].row.current_type,
    )


def _require_caught(plans: tuple[EvsePlan, ...], beneath: tuple[ChargingProfile, ...]) -> None:
    """Require a default beneath every dynamic profile: it catches the station when updates stop.

    Raises
    ------
    InvalidInputError
        The station has no room for one.
    """
    caught = {one.evse_number for one in beneath if one.purpose is ProfilePurpose.TX_DEFAULT}
    loose = [plan.row.evse_number for plan in plans if not {0, plan.row.evse_number} & caught]
    if loose:
        what = f"EVSE {loose[0]} has no default beneath, which a dynamic profile needs when updates stop"
        raise InvalidInputError((Issue("form", what),))


def _check(profiles: tuple[ChargingProfile, ...], station: Station) -> None:
    """Check what is to be told, one after the other, as the station would.

    Raises
    ------
    InvalidInputError
        A requirement is broken; names all of them.
    """
    version, issues = station.capabilities.version, IssueList()
    ours = {profile.profile_id for profile in profiles}
    held = tuple(one for one in station.situation.profiles if one.profile_id in ours)
    for profile in profiles:
        payload = DIALECTS[version].encode_profile(profile).payload
        raw = payload.get("csChargingProfiles") or payload["chargingProfile"]
        record = profile_in(raw, profile.evse_number, f"profile {profile.profile_id}", issues)
        if record is None:
            continue
        situation = replace(station.situation, profiles=held)
        asked = Asked(
            evse=profile.evse_number,
            raw=raw,
            profile=record,
            is_start=False,
            situation=situation,
            capabilities=station.capabilities,
            now_s=int(station.now.timestamp()),
        )
        for breach in verdict_of(asked).breaches:
            issues.add(f"profile {profile.profile_id}", f"breaks {breach.requirement}: {breach.sentence}")
        held = with_profile(held, record, version)
    issues.raise_if_any()
