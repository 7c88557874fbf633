"""What a station tells or asks beyond transactions, as events."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from api.ocpp.capabilities import RateUnit
from api.ocpp.notices import (
    CarScheduleTold,
    CertificateHash,
    CertificateRequested,
    ContractCertificateAsked,
    DataReceived,
    ExternalLimitCleared,
    ExternalLimitSet,
    ExternalPeriod,
    ExternalSchedule,
    Notice,
    ReportPart,
    RevocationAsked,
    SecurityEventTold,
)
from api.ocpp.since_v201.needs import charging_needs
from api.ocpp.since_v201.profiles import EXTERNAL
from api.ocpp.wire import Payload, parse_time

NOTED: Final = frozenset(
    {
        "FirmwareStatusNotification",
        "LogStatusNotification",
        "PublishFirmwareStatusNotification",
        "ReservationStatusUpdate",
    }
)
"""Messages that are acknowledged and kept as they came."""

REPORTS: Final = frozenset(
    {
        "NotifyCustomerInformation",
        "NotifyDisplayMessages",
        "NotifyMonitoringReport",
        "NotifyReport",
        "ReportChargingProfiles",
    }
)
"""Messages that are parts of a report."""


def report_part(action: str, payload: Payload) -> ReportPart:
    """Return one message of a report."""
    number = payload.get("seqNo")
    is_profiles = action == "ReportChargingProfiles"
    return ReportPart(
        action=action,
        request_id=int(payload["requestId"]),
        number=None if number is None else int(number),
        is_last=not payload.get("tbc", False),
        message=payload,
        limit=_reported_limit(payload) if is_profiles else None,
    )


def certificate_hash(payload: Payload) -> CertificateHash:
    """Return what names a certificate."""
    return CertificateHash(
        payload["hashAlgorithm"], payload["issuerNameHash"], payload["issuerKeyHash"], payload["serialNumber"]
    )


def _security_event(payload: Payload) -> SecurityEventTold:
    return SecurityEventTold(payload["type"], parse_time(payload["timestamp"]), payload.get("techInfo"))


def _certificate_requested(payload: Payload) -> CertificateRequested:
    request_id = payload.get("requestId")
    return CertificateRequested(
        csr=payload["csr"],
        kind=payload.get("certificateType", ""),
        request_id=None if request_id is None else int(request_id),
    )


def _contract_certificate(payload: Payload) -> ContractCertificateAsked:
    chains = payload.get("maximumContractCertificateChains")
    return ContractCertificateAsked(
        schema_version=payload["iso15118SchemaVersion"],
        is_update=payload["action"] == "Update",
        request=payload["exiRequest"],
        most_chains=None if chains is None else int(chains),
        preferred=tuple(payload.get("prioritizedEMAIDs", ())),
    )


def _revocation(payload: Payload) -> RevocationAsked:
    asked = payload["ocspRequestData"]
    return RevocationAsked(certificate_hash(asked), asked["responderURL"])


def _data_received(payload: Payload) -> DataReceived:
    return DataReceived(payload["vendorId"], payload.get("messageId"), payload.get("data"))


def _limit_set(payload: Payload) -> ExternalLimitSet:
    limit = payload["chargingLimit"]
    return ExternalLimitSet(
        source=limit["chargingLimitSource"],
        evse_number=int(payload.get("evseId", 0)),
        schedules=tuple(_schedule(schedule) for schedule in payload.get("chargingSchedule", ())),
        is_grid_critical=limit.get("isGridCritical"),
        is_local_generation=limit.get("isLocalGeneration", False),
    )


def _reported_limit(payload: Payload) -> ExternalLimitSet | None:
    """Return the limit of somebody else that a station has reported; None where it reports our own profiles."""
    schedules = tuple(
        _schedule(schedule)
        for profile in payload["chargingProfile"]
        if profile["chargingProfilePurpose"] == EXTERNAL
        for schedule in profile["chargingSchedule"]
    )
    return (
        ExternalLimitSet(payload["chargingLimitSource"], int(payload["evseId"]), schedules)
        if schedules
        else None
    )


def _limit_cleared(payload: Payload) -> ExternalLimitCleared:
    return ExternalLimitCleared(payload["chargingLimitSource"], int(payload.get("evseId", 0)))


def _car_schedule(payload: Payload) -> CarScheduleTold:
    return CarScheduleTold(
        int(payload["evseId"]), parse_time(payload["timeBase"]), _schedule(payload["chargingSchedule"])
    )


def _schedule(payload: Payload) -> ExternalSchedule:
    duration_s = payload.get("duration")
    return ExternalSchedule(
        unit=RateUnit(payload["chargingRateUnit"]),
        start=parse_time(payload["startSchedule"]) if "startSchedule" in payload else None,
        duration_s=None if duration_s is None else int(duration_s),
        periods=tuple(_period(period) for period in payload["chargingSchedulePeriod"]),
    )


def _period(payload: Payload) -> ExternalPeriod:
    phases = payload.get("numberPhases")
    return ExternalPeriod(
        int(payload["startPeriod"]), payload.get("limit"), None if phases is None else int(phases)
    )


DECODERS: Final[Mapping[str, Callable[[Payload], Notice]]] = MappingProxyType(
    {
        "ClearedChargingLimit": _limit_cleared,
        "DataTransfer": _data_received,
        "Get15118EVCertificate": _contract_certificate,
        "GetCertificateStatus": _revocation,
        "NotifyChargingLimit": _limit_set,
        "NotifyEVChargingNeeds": charging_needs,
        "NotifyEVChargingSchedule": _car_schedule,
        "SecurityEventNotification": _security_event,
        "SignCertificate": _certificate_requested,
    }
)
"""Messages that have an effect, by action."""
