"""What a station is answered in OCPP 2.1, where it differs from 2.0.1."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from api.ocpp.events import Decision, StationEvent
from api.ocpp.notice_answers import (
    ChainStatus,
    Company,
    ContractCertificate,
    DynamicUpdate,
    NeedsDecision,
    VatDecision,
)
from api.ocpp.notices import CertificateHash, ChainStatusAsked, VatNumberAsked
from api.ocpp.since_v201 import answers
from api.ocpp.since_v201.answers import Encoder, with_reason
from api.ocpp.wire import Payload, format_time, given


def encode_answer(event: StationEvent, decision: Decision, now: datetime) -> Payload:
    """Return the response to an event."""
    return answers.answer_by(_ENCODERS, event, decision, now)


def _needs(_: object, decision: NeedsDecision, __: datetime) -> Payload:
    return with_reason(decision.status.value, decision.reason)


def _contract_certificate(_: object, decision: ContractCertificate, __: datetime) -> Payload:
    return given(
        {
            "status": "Accepted" if decision.is_accepted else "Failed",
            "exiResponse": decision.response,
            "remainingContracts": decision.remaining,
        }
    )


def _chain_status(event: ChainStatusAsked, decision: ChainStatus, _: datetime) -> Payload:
    ask_again = format_time(decision.ask_again)
    statuses = [
        {
            "certificateHashData": _hash(link.certificate),
            "source": link.source,
            "status": state.value,
            "nextUpdate": ask_again,
        }
        for link, state in zip(event.links, decision.states, strict=True)
    ]
    return {"certificateStatus": statuses}


def _hash(certificate: CertificateHash) -> Payload:
    return {
        "hashAlgorithm": certificate.algorithm,
        "issuerNameHash": certificate.issuer_name_hash,
        "issuerKeyHash": certificate.issuer_key_hash,
        "serialNumber": certificate.serial_number,
    }


def _vat_number(event: VatNumberAsked, decision: VatDecision, _: datetime) -> Payload:
    return given(
        {
            "company": None if decision.company is None else _company(decision.company),
            "vatNumber": event.vat_number,
            "evseId": event.evse_number,
            "status": "Accepted" if decision.is_valid else "Rejected",
        }
    )


def _company(company: Company) -> Payload:
    return given(
        {
            "name": company.name,
            "address1": company.address,
            "city": company.city,
            "postalCode": company.postal_code,
            "country": company.country,
        }
    )


def _dynamic_update(_: object, decision: DynamicUpdate, __: datetime) -> Payload:
    update = given(
        {
            "limit": decision.limit,
            "dischargeLimit": decision.discharge_limit,
            "setpoint": decision.setpoint,
        }
    )
    return {"scheduleUpdate": update, "status": "Accepted"} if update else {"status": "Rejected"}


_ENCODERS: Final[Mapping[type, Encoder]] = MappingProxyType(
    {
        **answers.ENCODERS,
        NeedsDecision: _needs,
        ContractCertificate: _contract_certificate,
        ChainStatus: _chain_status,
        VatDecision: _vat_number,
        DynamicUpdate: _dynamic_update,
    }
)
