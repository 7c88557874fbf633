"""What a station is answered."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from api.ocpp.events import (
    AuthorizationDecision,
    BootDecision,
    Decision,
    HeartbeatReceived,
    Noticed,
    StationEvent,
    TransactionDecision,
    TransactionStarted,
)
from api.ocpp.wire import Fault, Payload, format_time

_FAULTS: Final = MappingProxyType(
    {
        Fault.MALFORMED: "RpcFrameworkError",
        Fault.INVALID: "FormatViolation",
        Fault.UNKNOWN_ACTION: "NotImplemented",
        Fault.OUT_OF_PROTOCOL: "ProtocolError",
        Fault.INTERNAL: "InternalError",
    }
)
ACKNOWLEDGEMENTS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
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
    return dict(ACKNOWLEDGEMENTS.get(event.action, {})) if isinstance(event, Noticed) else {}


def fault_code(fault: Fault) -> str:
    """Return the error code of a CALLERROR."""
    return _FAULTS[fault]
