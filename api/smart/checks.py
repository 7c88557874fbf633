"""A request that sets a profile, read from a document that may be the request alone, and judged."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.smart.breaches import Asked, Breach
from api.ocpp.smart.checking import Verdict, schema_breaches, verdict_of
from api.ocpp.smart.reading import profile_in, purpose_named
from api.ocpp.smart.station import StationFacts
from api.smart.capabilities.schemas import CheckCaseWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError, Issue, IssueList

_START_MEMBERS: Final = frozenset({"idTag", "idToken", "remoteStartId"})
_FRAME: Final = 4


def check_case_in(body: bytes, version: str | None) -> CheckCaseWire:
    """Return the case in a document, which may be a raw request, or its frame, alone.

    Raises
    ------
    InvalidInputError
        It is none; names every fault.
    """
    try:
        document = json.loads(body)
    except ValueError as error:
        raise InvalidInputError((Issue("", f"is not JSON: {error}"),)) from error
    if isinstance(document, list) and len(document) == _FRAME:
        document = document[-1]
    if isinstance(document, dict) and "request" not in document:
        document = {"request": document}
    if isinstance(document, dict) and "version" not in document:
        document = document | {"version": version or _guessed(document.get("request"))}
    elif version is not None and isinstance(document, dict):
        document = document | {"version": version}
    return parsed(CheckCaseWire, json.dumps(document).encode())


def verdict_on(case: CheckCaseWire) -> Verdict:
    """Return what is wrong with a request.

    Raises
    ------
    InvalidInputError
        What the station is said to be cannot be read.
    """
    version, request = case.ocpp, case.request
    is_start = bool(_START_MEMBERS & request.keys())
    action = _action(version, is_start=is_start)
    broken = schema_breaches(version, action, request)
    if broken:
        return Verdict(broken)
    name = "csChargingProfiles" if "csChargingProfiles" in request else "chargingProfile"
    raw = request.get(name)
    if raw is None:
        raise InvalidInputError((Issue("request", "sets no charging profile"),))
    now = case.now or datetime.now(UTC)
    evse = int(request.get("connectorId") or request.get("evseId") or 0)
    known = case.station.n_evses is not None or bool(case.station.evses)
    situation = case.situation(now, set() if known else {evse} - {0})
    issues = IssueList()
    profile = profile_in(raw, evse, name, issues)
    if profile is None:
        told = [f"{one.where} {one.what}" for one in issues.issues]
        return Verdict(tuple(Breach("schema", sentence) for sentence in told))
    capabilities = case.capabilities.to_domain(version, case.station.voltage_v)
    if case.capabilities.rate_units is None:
        capabilities = replace(capabilities, rate_units=frozenset(map(RateUnit, case.station.rate_units)))
    situation = replace(situation, station=with_supply(situation.station, capabilities.supply_phases))
    asked = Asked(
        evse=evse,
        raw=raw,
        profile=profile,
        is_start=is_start,
        situation=situation,
        capabilities=capabilities,
        now_s=math.floor(now.timestamp()),
        last_accepted_s=MappingProxyType(_last_accepted(case)),
        offline_starts=frozenset(map(str, case.offline_starts)),
    )
    return verdict_of(asked)


def with_supply(station: StationFacts, supply_phases: int | None) -> StationFacts:
    """Return a station with the phases that it tells itself, 0 for DC."""
    if supply_phases is None:
        return station
    evses = {
        number: replace(
            one,
            is_dc=one.is_dc or supply_phases == 0,
            n_phases=min(one.n_phases, supply_phases or one.n_phases),
        )
        for number, one in station.evses.items()
    }
    n_phases = supply_phases or station.n_phases
    return replace(station, n_phases=n_phases, evses=MappingProxyType(evses))


def _guessed(request: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Return the version that a request must be of, None where two are possible."""
    is_old = isinstance(request, dict) and bool({"csChargingProfiles", "connectorId"} & request.keys())
    return "1.6" if is_old else None


def _action(version: OcppVersion, *, is_start: bool) -> str:
    """Return the message that a request is."""
    if not is_start:
        return "SetChargingProfile"
    return "RemoteStartTransaction" if version is OcppVersion.V16 else "RequestStartTransaction"


def _last_accepted(case: CheckCaseWire) -> dict[Any, int]:
    """Return when the last profile of each purpose was accepted.

    Raises
    ------
    InvalidInputError
        There is no such purpose.
    """
    issues, found = IssueList(), {}
    for i, one in enumerate(case.last_accepted):
        try:
            found[purpose_named(one.purpose)] = math.floor(one.at.timestamp())
        except ValueError as error:
            issues.add(f"last_accepted[{i}].purpose", str(error))
    issues.raise_if_any()
    return found
