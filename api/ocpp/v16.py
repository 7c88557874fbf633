"""OCPP 1.6: commands to a station as payloads, and its messages as events. An EVSE is a connector here."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from api.ocpp.before_v21 import refuse_what_is_new
from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose, ProfileSelection
from api.ocpp.events import (
    AuthorizationDecision,
    AuthorizeRequested,
    BootDecision,
    Booted,
    ConnectorStatus,
    Decision,
    HeartbeatReceived,
    MeterValuesReceived,
    ProfileAnswer,
    ProfileStatus,
    StationEvent,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
)
from api.ocpp.metering import MeterReading, Sample, number_from, reading_from_samples
from api.ocpp.notice_answers import DataDecision, Verdict
from api.ocpp.notices import CertificateRequested, DataReceived, ExternalLimitSet, Noticed, SecurityEventTold
from api.ocpp.wire import Command, Fault, Payload, count_from, format_time, given, parse_time
from models.errors import InvalidInputError, Issue
from models.grid.site import CurrentType

VERSION: Final = OcppVersion.V16

_WH_PER_KWH = 1000.0
_PURPOSES: Final = MappingProxyType(
    {
        ProfilePurpose.TX: "TxProfile",
        ProfilePurpose.TX_DEFAULT: "TxDefaultProfile",
        ProfilePurpose.STATION_MAX: "ChargePointMaxProfile",
    }
)
_RATE_UNITS: Final = MappingProxyType({"current": RateUnit.CURRENT, "power": RateUnit.POWER})
_FAULTS: Final = MappingProxyType(
    {
        Fault.MALFORMED: "FormationViolation",
        Fault.INVALID: "FormationViolation",
        Fault.UNKNOWN_ACTION: "NotImplemented",
        Fault.OUT_OF_PROTOCOL: "ProtocolError",
        Fault.INTERNAL: "InternalError",
    }
)
_NOTED: Final = frozenset(
    {
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "SignedFirmwareStatusNotification",
    }
)
"""Messages that are acknowledged and kept as they came."""

SENT_ACTIONS: Final[frozenset[str]] = frozenset()
"""What a station may send without waiting for an answer: nothing in 1.6."""

_STACK_KEY: Final = "ChargeProfileMaxStackLevel"
_UNIT_KEY: Final = "ChargingScheduleAllowedChargingRateUnit"
_PERIODS_KEY: Final = "ChargingScheduleMaxPeriods"
_PROFILES_KEY: Final = "MaxChargingProfilesInstalled"
_SWITCH_KEY: Final = "ConnectorSwitch3to1PhaseSupported"


# --- commands -------------------------------------------------------------------------------------


def encode_profile(profile: ChargingProfile) -> Command:
    """Return SetChargingProfile.

    Raises
    ------
    InvalidInputError
        A TxProfile without a transaction, or whose transaction is no number, or a profile that says what only
        2.1 knows.
    """
    if profile.purpose is ProfilePurpose.TX and profile.transaction_id is None:
        raise InvalidInputError((Issue("transaction_id", "a TxProfile that is set needs its transaction"),))
    payload = {"connectorId": profile.evse_number, "csChargingProfiles": _profile(profile)}
    return Command("SetChargingProfile", payload)


def encode_remote_start(id_token: str, profile: ChargingProfile) -> Command:
    """Return RemoteStartTransaction with a TxProfile, which must not name a transaction yet.

    Raises
    ------
    InvalidInputError
        The profile is no TxProfile, or names a transaction.
    """
    if profile.purpose is not ProfilePurpose.TX or profile.transaction_id is not None:
        raise InvalidInputError((Issue("profile", "a remote start takes a TxProfile without a transaction"),))
    payload = {"connectorId": profile.evse_number, "idTag": id_token, "chargingProfile": _profile(profile)}
    return Command("RemoteStartTransaction", payload)


def encode_clear_profiles(selection: ProfileSelection) -> Command:
    """Return ClearChargingProfile; an empty selection clears all."""
    if selection.profile_id is not None:
        return Command("ClearChargingProfile", {"id": selection.profile_id})
    payload = {
        "connectorId": selection.evse_number,
        "chargingProfilePurpose": None if selection.purpose is None else _PURPOSES[selection.purpose],
        "stackLevel": selection.stack_level,
    }
    return Command("ClearChargingProfile", given(payload))


def decode_profile_answer(payload: Payload) -> ProfileAnswer:
    """Return what a station says to SetChargingProfile."""
    return ProfileAnswer(ProfileStatus(payload["status"]))


def encode_signed_certificate(request: CertificateRequested, chain: str) -> Command:
    """Return CertificateSigned with the certificate that was requested; 1.6 has one kind of it."""
    del request
    return Command("CertificateSigned", {"certificateChain": chain})


def encode_limit_query(limit: ExternalLimitSet, request_id: int) -> None:
    """Return nothing: stations of 1.6 know no limits of somebody else."""
    del limit, request_id


def encode_capability_queries() -> tuple[Command, ...]:
    """Return GetConfiguration in the order of trying: for all that is of use, then for what bounds a profile.

    A station may take fewer keys in one message than we ask for, and refuses it then.
    """
    least = [_STACK_KEY, _UNIT_KEY, _PERIODS_KEY, _PROFILES_KEY]
    return (
        Command("GetConfiguration", {"key": [*least, _SWITCH_KEY]}),
        Command("GetConfiguration", {"key": least}),
    )


def decode_capabilities(payload: Payload, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    values = {entry["key"]: entry.get("value", "") for entry in payload.get("configurationKey", ())}
    cautious = StationCapabilities(VERSION, voltage_v=voltage_v)
    words = [word.strip().lower() for word in values.get(_UNIT_KEY, "").split(",")]
    units = frozenset(_RATE_UNITS[word] for word in words if word in _RATE_UNITS)
    return StationCapabilities(
        version=VERSION,
        rate_units=units or cautious.rate_units,
        max_stack_level=count_from(values, _STACK_KEY, 0, cautious.max_stack_level),
        max_periods=count_from(values, _PERIODS_KEY, 1, cautious.max_periods),
        max_profiles=count_from(values, _PROFILES_KEY, 1, cautious.max_profiles),
        voltage_v=voltage_v,
        switches_phases=values.get(_SWITCH_KEY, "").strip().lower() == "true",
    )


def _profile(profile: ChargingProfile) -> Payload:
    """Return the type ChargingProfile."""
    refuse_what_is_new(profile)
    return given(
        {
            "chargingProfileId": profile.profile_id,
            "transactionId": _transaction_number(profile.transaction_id),
            "stackLevel": profile.stack_level,
            "chargingProfilePurpose": _PURPOSES[profile.purpose],
            "chargingProfileKind": "Absolute",
            "validFrom": None if profile.valid_from is None else format_time(profile.valid_from),
            "validTo": None if profile.valid_to is None else format_time(profile.valid_to),
            "chargingSchedule": _schedule(profile),
        }
    )


def _schedule(profile: ChargingProfile) -> Payload:
    """Return the type ChargingSchedule."""
    names_phases = profile.current_type is CurrentType.AC
    return given(
        {
            "duration": profile.duration_s,
            "startSchedule": format_time(profile.start),
            "chargingRateUnit": profile.unit.value,
            "chargingSchedulePeriod": [
                {"startPeriod": period.start_s, "limit": period.limit}
                | ({"numberPhases": period.n_phases} if names_phases else {})
                for period in profile.periods
            ],
        }
    )


def _transaction_number(transaction_id: str | None) -> int | None:
    """Return a transaction as the number that 1.6 knows."""
    if transaction_id is None:
        return None
    try:
        return int(transaction_id)
    except ValueError as error:
        issue = Issue("transaction_id", f"{transaction_id!r} is no number, as OCPP 1.6 needs it")
        raise InvalidInputError((issue,)) from error


# --- messages of the station ----------------------------------------------------------------------


def decode_event(action: str, payload: Payload) -> StationEvent:
    """Return a valid message of a station as an event; one without effect as :class:`Noticed`.

    The action is one of :data:`INCOMING_ACTIONS`.
    """
    decoder = _DECODERS.get(action)
    return Noticed(action, payload) if decoder is None else decoder(payload)


def encode_answer(event: StationEvent, decision: Decision, now: datetime) -> Payload:
    """Return the response to an event."""
    match decision:
        case BootDecision():
            return {
                "status": decision.status.value,
                "currentTime": format_time(now),
                "interval": decision.interval_s,
            }
        case AuthorizationDecision():
            return {"idTagInfo": {"status": decision.status.value}}
        case TransactionDecision():
            return {
                "idTagInfo": {"status": decision.status.value},
                "transactionId": _transaction_number(decision.transaction_id),
            }
        case Verdict():
            return {"status": "Accepted" if decision.is_accepted else "Rejected"}
        case DataDecision():
            return given({"status": decision.status.value, "data": decision.data})
    return {"currentTime": format_time(now)} if isinstance(event, HeartbeatReceived) else {}


def fault_code(fault: Fault) -> str:
    """Return the error code of a CALLERROR."""
    return _FAULTS[fault]


def _booted(payload: Payload) -> Booted:
    return Booted(
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber"),
        firmware_version=payload.get("firmwareVersion"),
    )


def _status_changed(payload: Payload) -> StatusChanged:
    error_code = payload["errorCode"]
    return StatusChanged(
        evse_number=payload["connectorId"],
        connector_number=1 if payload["connectorId"] else 0,
        status=ConnectorStatus(payload["status"]),
        error_code=None if error_code == "NoError" else error_code,
        at=parse_time(payload["timestamp"]) if "timestamp" in payload else None,
    )


def _transaction_started(payload: Payload) -> TransactionStarted:
    return TransactionStarted(
        evse_number=payload["connectorId"],
        at=parse_time(payload["timestamp"]),
        id_token=payload["idTag"],
        meter_start_kwh=payload["meterStart"] / _WH_PER_KWH,
        connector_number=1,
    )


def _transaction_ended(payload: Payload) -> TransactionEnded:
    return TransactionEnded(
        transaction_id=str(payload["transactionId"]),
        at=parse_time(payload["timestamp"]),
        id_token=payload.get("idTag"),
        meter_stop_kwh=payload["meterStop"] / _WH_PER_KWH,
        reason=payload.get("reason", "Local"),
        readings=_readings(payload.get("transactionData", ())),
    )


def _meter_values(payload: Payload) -> MeterValuesReceived:
    transaction = payload.get("transactionId")
    return MeterValuesReceived(
        evse_number=payload["connectorId"],
        readings=_readings(payload["meterValue"]),
        transaction_id=None if transaction is None else str(transaction),
    )


def _readings(meter_values: list[Payload] | tuple[()]) -> tuple[MeterReading, ...]:
    """Return one reading for each time."""
    return tuple(
        reading_from_samples(parse_time(entry["timestamp"]), map(_sample, entry["sampledValue"]))
        for entry in meter_values
    )


def _sample(value: Payload) -> Sample:
    signed = value.get("format") == "SignedData"
    measurand = "signed" if signed else value.get("measurand", "Energy.Active.Import.Register")
    return Sample(measurand, number_from(value["value"]), value.get("unit"), value.get("phase"))


_DECODERS: Final[Mapping[str, Callable[[Payload], StationEvent]]] = MappingProxyType(
    {
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status_changed,
        "Authorize": lambda payload: AuthorizeRequested(payload["idTag"]),
        "StartTransaction": _transaction_started,
        "StopTransaction": _transaction_ended,
        "MeterValues": _meter_values,
        "DataTransfer": lambda payload: DataReceived(
            payload["vendorId"], payload.get("messageId"), payload.get("data")
        ),
        "SecurityEventNotification": lambda payload: SecurityEventTold(
            payload["type"], parse_time(payload["timestamp"]), payload.get("techInfo")
        ),
        "SignCertificate": lambda payload: CertificateRequested(payload["csr"]),
    }
)

INCOMING_ACTIONS: Final = frozenset(_DECODERS) | _NOTED
"""What a station may call."""
