"""OCPP 2.0.1: commands to a station as payloads, and its messages as events."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose, ProfileSelection
from api.ocpp.events import (
    AuthorizationDecision,
    AuthorizeRequested,
    BootDecision,
    Booted,
    ChargingState,
    ConnectorStatus,
    Decision,
    HeartbeatReceived,
    MeterValuesReceived,
    Noticed,
    ProfileAnswer,
    ProfileStatus,
    StationEvent,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.metering import MeterReading, Sample, number_from, reading_from_samples
from api.ocpp.wire import Command, Fault, Payload, count_from, format_time, given, parse_time
from models.errors import InvalidInputError, Issue
from models.grid.site import CurrentType

VERSION: Final = OcppVersion.V201

_PURPOSES: Final = MappingProxyType(
    {
        ProfilePurpose.TX: "TxProfile",
        ProfilePurpose.TX_DEFAULT: "TxDefaultProfile",
        ProfilePurpose.STATION_MAX: "ChargingStationMaxProfile",
    }
)
_FAULTS: Final = MappingProxyType(
    {
        Fault.MALFORMED: "RpcFrameworkError",
        Fault.INVALID: "FormatViolation",
        Fault.UNKNOWN_ACTION: "NotImplemented",
        Fault.OUT_OF_PROTOCOL: "ProtocolError",
        Fault.INTERNAL: "InternalError",
    }
)
_ACKNOWLEDGEMENTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "ClearedChargingLimit": {},
        "DataTransfer": {"status": "UnknownVendorId"},
        "FirmwareStatusNotification": {},
        "LogStatusNotification": {},
        "NotifyChargingLimit": {},
        "NotifyCustomerInformation": {},
        "NotifyDisplayMessages": {},
        "NotifyEVChargingNeeds": {"status": "Rejected"},
        "NotifyEVChargingSchedule": {"status": "Accepted"},
        "NotifyEvent": {},
        "NotifyMonitoringReport": {},
        "NotifyReport": {},
        "PublishFirmwareStatusNotification": {},
        "ReportChargingProfiles": {},
        "ReservationStatusUpdate": {},
        "SecurityEventNotification": {},
        "SignCertificate": {"status": "Rejected"},
    }
)
"""Answers to messages that have no effect yet."""

_SMART_CHARGING: Final = "SmartChargingCtrlr"
_STACK_VARIABLE: Final = "ProfileStackLevel"
_UNIT_VARIABLE: Final = "RateUnit"
_PERIODS_VARIABLE: Final = "PeriodsPerSchedule"
_ENTRIES_VARIABLE: Final = "Entries"
_ENTRIES_INSTANCE: Final = "ChargingProfiles"


# --- commands -------------------------------------------------------------------------------------


def encode_profile(profile: ChargingProfile) -> Command:
    """Return SetChargingProfile.

    Raises
    ------
    InvalidInputError
        A TxProfile without a transaction (K01.FR.03).
    """
    if profile.purpose is ProfilePurpose.TX and profile.transaction_id is None:
        raise InvalidInputError((Issue("transaction_id", "a TxProfile that is set needs its transaction"),))
    payload = {"evseId": profile.evse_number, "chargingProfile": _profile(profile)}
    return Command("SetChargingProfile", payload)


def encode_remote_start(id_token: str, profile: ChargingProfile) -> Command:
    """Return RequestStartTransaction with a TxProfile that names no transaction (K05.FR.02).

    The number of the profile serves as the number of the request.

    Raises
    ------
    InvalidInputError
        The profile is no TxProfile, or names a transaction.
    """
    if profile.purpose is not ProfilePurpose.TX or profile.transaction_id is not None:
        raise InvalidInputError((Issue("profile", "a remote start takes a TxProfile without a transaction"),))
    payload = {
        "evseId": profile.evse_number,
        "remoteStartId": profile.profile_id,
        "idToken": {"idToken": id_token, "type": "Central"},
        "chargingProfile": _profile(profile),
    }
    return Command("RequestStartTransaction", payload)


def encode_clear_profiles(selection: ProfileSelection) -> Command:
    """Return ClearChargingProfile; an empty selection clears all."""
    if selection.profile_id is not None:
        return Command("ClearChargingProfile", {"chargingProfileId": selection.profile_id})
    criteria = given(
        {
            "evseId": selection.evse_number,
            "chargingProfilePurpose": None if selection.purpose is None else _PURPOSES[selection.purpose],
            "stackLevel": selection.stack_level,
        }
    )
    return Command("ClearChargingProfile", {"chargingProfileCriteria": criteria})


def decode_profile_answer(payload: Payload) -> ProfileAnswer:
    """Return what a station says to SetChargingProfile."""
    reason = payload.get("statusInfo", {}).get("reasonCode", "")
    return ProfileAnswer(ProfileStatus(payload["status"]), reason)


def encode_capability_query() -> Command:
    """Return GetVariables for the variables that bound a charging profile."""
    plain = [{"name": name} for name in (_STACK_VARIABLE, _UNIT_VARIABLE, _PERIODS_VARIABLE)]
    variables = [*plain, {"name": _ENTRIES_VARIABLE, "instance": _ENTRIES_INSTANCE}]
    data = [{"component": {"name": _SMART_CHARGING}, "variable": variable} for variable in variables]
    return Command("GetVariables", {"getVariableData": data})


def decode_capabilities(payload: Payload, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    values = {
        entry["variable"]["name"]: entry.get("attributeValue", "")
        for entry in payload["getVariableResult"]
        if entry["attributeStatus"] == "Accepted" and entry["component"]["name"] == _SMART_CHARGING
    }
    cautious = StationCapabilities(VERSION, voltage_v=voltage_v)
    words = [word.strip() for word in values.get(_UNIT_VARIABLE, "").split(",")]
    units = frozenset(unit for unit in RateUnit if unit.value in words)
    return StationCapabilities(
        version=VERSION,
        rate_units=units or cautious.rate_units,
        max_stack_level=count_from(values, _STACK_VARIABLE, 0, cautious.max_stack_level),
        max_periods=count_from(values, _PERIODS_VARIABLE, 1, cautious.max_periods),
        max_profiles=count_from(values, _ENTRIES_VARIABLE, 1, cautious.max_profiles),
        voltage_v=voltage_v,
    )


def _profile(profile: ChargingProfile) -> Payload:
    """Return the type ChargingProfile."""
    return given(
        {
            "id": profile.profile_id,
            "stackLevel": profile.stack_level,
            "chargingProfilePurpose": _PURPOSES[profile.purpose],
            "chargingProfileKind": "Absolute",
            "validFrom": None if profile.valid_from is None else format_time(profile.valid_from),
            "validTo": None if profile.valid_to is None else format_time(profile.valid_to),
            "chargingSchedule": [_schedule(profile)],
            "transactionId": profile.transaction_id,
        }
    )


def _schedule(profile: ChargingProfile) -> Payload:
    """Return the type ChargingSchedule; a DC station must not be told phases (K01.FR.44)."""
    names_phases = profile.current_type is CurrentType.AC
    return given(
        {
            "id": profile.profile_id,
            "startSchedule": format_time(profile.start),
            "duration": profile.duration_s,
            "chargingRateUnit": profile.unit.value,
            "chargingSchedulePeriod": [
                {"startPeriod": period.start_s, "limit": period.limit}
                | ({"numberPhases": period.n_phases} if names_phases else {})
                for period in profile.periods
            ],
        }
    )


# --- messages of the station ----------------------------------------------------------------------


def decode_event(action: str, payload: Payload) -> StationEvent:
    """Return a valid message of a station as an event; one that has no effect yet as :class:`Noticed`.

    The action is one of :data:`INCOMING_ACTIONS`.
    """
    decoder = _DECODERS.get(action)
    return Noticed(action) if decoder is None else decoder(payload)


def encode_answer(event: StationEvent, decision: Decision, now: datetime) -> Payload:
    """Return the response to an event."""
    match decision:
        case BootDecision():
            return {
                "currentTime": format_time(now),
                "interval": decision.interval_s,
                "status": decision.status.value,
            }
        case AuthorizationDecision():
            return {"idTokenInfo": {"status": decision.status.value}}
        case TransactionDecision():
            asked = isinstance(event, TransactionStarted) and event.id_token is not None
            return {"idTokenInfo": {"status": decision.status.value}} if asked else {}
    if isinstance(event, HeartbeatReceived):
        return {"currentTime": format_time(now)}
    return dict(_ACKNOWLEDGEMENTS[event.action]) if isinstance(event, Noticed) else {}


def fault_code(fault: Fault) -> str:
    """Return the error code of a CALLERROR."""
    return _FAULTS[fault]


def _booted(payload: Payload) -> Booted:
    station = payload["chargingStation"]
    return Booted(
        vendor=station["vendorName"],
        model=station["model"],
        serial_number=station.get("serialNumber"),
        firmware_version=station.get("firmwareVersion"),
        reason=payload["reason"],
    )


def _status_changed(payload: Payload) -> StatusChanged:
    return StatusChanged(
        evse_number=int(payload["evseId"]),
        connector_number=int(payload["connectorId"]),
        status=ConnectorStatus(payload["connectorStatus"]),
        at=parse_time(payload["timestamp"]),
    )


def _transaction_event(payload: Payload) -> StationEvent:
    match payload["eventType"]:
        case "Started":
            return _started(payload)
        case "Ended":
            return _ended(payload)
        case _:
            return _updated(payload)


def _started(payload: Payload) -> TransactionStarted:
    evse = payload.get("evse", {})
    readings = _readings(payload.get("meterValue", ()))
    return TransactionStarted(
        evse_number=int(evse.get("id", 0)),
        at=parse_time(payload["timestamp"]),
        transaction_id=payload["transactionInfo"]["transactionId"],
        id_token=_id_token(payload),
        meter_start_kwh=next((r.energy_kwh for r in readings if r.energy_kwh is not None), None),
        connector_number=int(evse["connectorId"]) if "connectorId" in evse else None,
        charging_state=_charging_state(payload),
        offline=payload.get("offline", False),
        readings=readings,
    )


def _updated(payload: Payload) -> TransactionUpdated:
    return TransactionUpdated(
        transaction_id=payload["transactionInfo"]["transactionId"],
        at=parse_time(payload["timestamp"]),
        evse_number=_evse_number(payload),
        id_token=_id_token(payload),
        charging_state=_charging_state(payload),
        offline=payload.get("offline", False),
        readings=_readings(payload.get("meterValue", ())),
    )


def _ended(payload: Payload) -> TransactionEnded:
    readings = _readings(payload.get("meterValue", ()))
    return TransactionEnded(
        transaction_id=payload["transactionInfo"]["transactionId"],
        at=parse_time(payload["timestamp"]),
        evse_number=_evse_number(payload),
        id_token=_id_token(payload),
        meter_stop_kwh=next((r.energy_kwh for r in reversed(readings) if r.energy_kwh is not None), None),
        reason=payload["transactionInfo"].get("stoppedReason", "Local"),
        offline=payload.get("offline", False),
        readings=readings,
    )


def _evse_number(payload: Payload) -> int | None:
    return int(payload["evse"]["id"]) if "evse" in payload else None


def _id_token(payload: Payload) -> str | None:
    token = payload.get("idToken")
    return None if token is None else str(token["idToken"])


def _charging_state(payload: Payload) -> ChargingState | None:
    state = payload["transactionInfo"].get("chargingState")
    return None if state is None else ChargingState(state)


def _readings(meter_values: list[Payload] | tuple[()]) -> tuple[MeterReading, ...]:
    """Return one reading for each time."""
    return tuple(
        reading_from_samples(parse_time(entry["timestamp"]), map(_sample, entry["sampledValue"]))
        for entry in meter_values
    )


def _sample(value: Payload) -> Sample:
    unit = value.get("unitOfMeasure", {})
    return Sample(
        measurand=value.get("measurand", "Energy.Active.Import.Register"),
        value=number_from(value["value"]) * 10.0 ** max(-30, min(30, unit.get("multiplier", 0))),
        unit=unit.get("unit"),
        phase=value.get("phase"),
    )


_DECODERS: Final[Mapping[str, Callable[[Payload], StationEvent]]] = MappingProxyType(
    {
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status_changed,
        "Authorize": lambda payload: AuthorizeRequested(payload["idToken"]["idToken"]),
        "TransactionEvent": _transaction_event,
        "MeterValues": lambda payload: MeterValuesReceived(
            int(payload["evseId"]), _readings(payload["meterValue"])
        ),
    }
)

INCOMING_ACTIONS: Final = frozenset(_DECODERS) | frozenset(_ACKNOWLEDGEMENTS)
"""What a station may call."""
