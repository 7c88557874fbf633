"""What a station is answered."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from api.ocpp.events import (
    AuthorizationDecision,
    BootDecision,
    Decision,
    HeartbeatReceived,
    StationEvent,
    TransactionDecision,
    TransactionStarted,
)
from api.ocpp.notice_answers import (
    ContractCertificate,
    DataDecision,
    NeedsDecision,
    NeedsStatus,
    Revocation,
    Verdict,
)
from api.ocpp.wire import Fault, Payload, format_time, given

_FAULTS: Final = MappingProxyType(
    {
        Fault.MALFORMED: "RpcFrameworkError",
        Fault.INVALID: "FormatViolation",
        Fault.UNKNOWN_ACTION: "NotImplemented",
        Fault.OUT_OF_PROTOCOL: "ProtocolError",
        Fault.INTERNAL: "InternalError",
    }
)
_LONGEST_REASON: Final = 20

Encoder = Callable[[Any, Any, datetime], Payload]
"""Writes the answer to an event from the decision about it, at a time."""


def answer_by(
    encoders: Mapping[type, Encoder], event: StationEvent, decision: Decision, now: datetime
) -> Payload:
    """Return the response to an event as one of the encoders writes it; what has none is acknowledged."""
    encoder = encoders.get(type(decision))
    if encoder is not None:
        return encoder(event, decision, now)
    return {"currentTime": format_time(now)} if isinstance(event, HeartbeatReceived) else {}


def encode_answer(event: StationEvent, decision: Decision, now: datetime) -> Payload:
    """Return the response to an event."""
    return answer_by(ENCODERS, event, decision, now)


def fault_code(fault: Fault) -> str:
    """Return the error code of a CALLERROR."""
    return _FAULTS[fault]


def with_reason(status: str, reason: str) -> Payload:
    """Return a status, and why where a reason is given."""
    return {"status": status} | ({"statusInfo": {"reasonCode": reason[:_LONGEST_REASON]}} if reason else {})


def _boot(_: object, decision: BootDecision, now: datetime) -> Payload:
    return {
        "currentTime": format_time(now),
        "interval": decision.interval_s,
        "status": decision.status.value,
    }


def _authorization(_: object, decision: AuthorizationDecision, __: datetime) -> Payload:
    return {"idTokenInfo": {"status": decision.status.value}}


def _transaction(event: StationEvent, decision: TransactionDecision, _: datetime) -> Payload:
    asked = isinstance(event, TransactionStarted) and event.id_token is not None
    return {"idTokenInfo": {"status": decision.status.value}} if asked else {}


def _verdict(_: object, decision: Verdict, __: datetime) -> Payload:
    return with_reason("Accepted" if decision.is_accepted else "Rejected", decision.reason)


def _needs(_: object, decision: NeedsDecision, __: datetime) -> Payload:
    known = NeedsStatus.REJECTED if decision.status is NeedsStatus.NO_PROFILE else decision.status
    return with_reason(known.value, decision.reason)


def _data(_: object, decision: DataDecision, __: datetime) -> Payload:
    return given({"status": decision.status.value, "data": decision.data})


def _contract_certificate(_: object, decision: ContractCertificate, __: datetime) -> Payload:
    """2.0.1 does not tell how many contracts remain."""
    return {
        "status": "Accepted" if decision.is_accepted else "Failed",
        "exiResponse": decision.response,
    }


def _revocation(_: object, decision: Revocation, __: datetime) -> Payload:
    is_known = decision.ocsp_result is not None
    return given({"status": "Accepted" if is_known else "Failed", "ocspResult": decision.ocsp_result})


ENCODERS: Final[Mapping[type, Encoder]] = MappingProxyType(
    {
        BootDecision: _boot,
        AuthorizationDecision: _authorization,
        TransactionDecision: _transaction,
        Verdict: _verdict,
        NeedsDecision: _needs,
        DataDecision: _data,
        ContractCertificate: _contract_certificate,
        Revocation: _revocation,
    }
)
"""Answers that 2.0.1 and 2.1 write alike, by the decision."""
