"""What the gateway asks of the application about messages beyond transactions, and answers that harm nobody."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

from api.ocpp.events import Acknowledgement, Decision
from api.ocpp.notice_answers import (
    ChainState,
    ChainStatus,
    ContractCertificate,
    DataDecision,
    DataStatus,
    DynamicUpdate,
    NeedsDecision,
    NeedsStatus,
    Revocation,
    VatDecision,
    Verdict,
)
from api.ocpp.notices import (
    CarScheduleTold,
    CertificateRequested,
    ChainStatusAsked,
    ChargingNeedsTold,
    ContractCertificateAsked,
    DataReceived,
    DynamicUpdateAsked,
    EventStreamOpened,
    ExternalLimitCleared,
    ExternalLimitSet,
    Notice,
    Noticed,
    ReportPart,
    RevocationAsked,
    SecurityEventTold,
    VatNumberAsked,
)

_ASK_AGAIN: Final = timedelta(hours=1)


class NoticeListener(Protocol):
    """What the application does with what stations tell beyond transactions; each may come twice."""

    async def noticed(self, station_id: str, event: Noticed) -> None:
        """Something was told that changes nothing that is decided here."""

    async def security_event(self, station_id: str, event: SecurityEventTold) -> None:
        """Something has happened that touches security."""

    async def reported(self, station_id: str, event: ReportPart) -> None:
        """A part of a report has come."""

    async def limit_set(self, station_id: str, event: ExternalLimitSet) -> None:
        """Somebody else has limited the station."""

    async def limit_cleared(self, station_id: str, event: ExternalLimitCleared) -> None:
        """Such a limit is gone."""

    async def charging_needs(self, station_id: str, event: ChargingNeedsTold) -> NeedsDecision:
        """A car asks for energy, and for a schedule within a minute."""

    async def car_schedule(self, station_id: str, event: CarScheduleTold) -> Verdict:
        """A car tells what it means to draw."""

    async def dynamic_update(self, station_id: str, event: DynamicUpdateAsked) -> DynamicUpdate:
        """A station asks for the present values of a dynamic profile."""

    async def stream_opened(self, station_id: str, event: EventStreamOpened) -> Verdict:
        """A station means to send values in a stream."""

    async def certificate_requested(self, station_id: str, event: CertificateRequested) -> Verdict:
        """A station asks for a certificate; it is sent afterwards."""

    async def contract_certificate(
        self, station_id: str, event: ContractCertificateAsked
    ) -> ContractCertificate:
        """A car asks for its contract's certificate."""

    async def revocation(self, station_id: str, event: RevocationAsked) -> Revocation:
        """A station asks whether a certificate was revoked."""

    async def chain_status(self, station_id: str, event: ChainStatusAsked) -> ChainStatus:
        """A station asks for the status of the certificates of a chain."""

    async def data_received(self, station_id: str, event: DataReceived) -> DataDecision:
        """A message of one vendor's own has come."""

    async def vat_number(self, station_id: str, event: VatNumberAsked) -> VatDecision:
        """A driver has given a company's tax number."""


class HarmlessNotices:
    """Takes what is told, and says no to whatever is asked for; inherit from it to do more."""

    async def noticed(self, station_id: str, event: Noticed) -> None:
        """Forget it."""

    async def security_event(self, station_id: str, event: SecurityEventTold) -> None:
        """Forget it."""

    async def reported(self, station_id: str, event: ReportPart) -> None:
        """Forget it."""

    async def limit_set(self, station_id: str, event: ExternalLimitSet) -> None:
        """Forget it."""

    async def limit_cleared(self, station_id: str, event: ExternalLimitCleared) -> None:
        """Forget it."""

    async def charging_needs(self, station_id: str, event: ChargingNeedsTold) -> NeedsDecision:
        """Promise nothing: the car charges by the profiles that the station holds."""
        del station_id, event
        return NeedsDecision(NeedsStatus.NO_PROFILE)

    async def car_schedule(self, station_id: str, event: CarScheduleTold) -> Verdict:
        """Agree: the car stays within what it was given."""
        del station_id, event
        return Verdict(is_accepted=True)

    async def dynamic_update(self, station_id: str, event: DynamicUpdateAsked) -> DynamicUpdate:
        """Know no such profile."""
        del station_id, event
        return DynamicUpdate()

    async def stream_opened(self, station_id: str, event: EventStreamOpened) -> Verdict:
        """Agree: what comes is noticed."""
        del station_id, event
        return Verdict(is_accepted=True)

    async def certificate_requested(self, station_id: str, event: CertificateRequested) -> Verdict:
        """Sign nothing."""
        del station_id, event
        return Verdict(is_accepted=False, reason="NoSigner")

    async def contract_certificate(
        self, station_id: str, event: ContractCertificateAsked
    ) -> ContractCertificate:
        """Know no pool of contracts."""
        del station_id, event
        return ContractCertificate(is_accepted=False)

    async def revocation(self, station_id: str, event: RevocationAsked) -> Revocation:
        """Reach no responder."""
        del station_id, event
        return Revocation(None)

    async def chain_status(self, station_id: str, event: ChainStatusAsked) -> ChainStatus:
        """Reach no responder."""
        del station_id
        return ChainStatus((ChainState.FAILED,) * len(event.links), datetime.now(UTC) + _ASK_AGAIN)

    async def data_received(self, station_id: str, event: DataReceived) -> DataDecision:
        """Know no vendor's messages."""
        del station_id, event
        return DataDecision(DataStatus.UNKNOWN_VENDOR)

    async def vat_number(self, station_id: str, event: VatNumberAsked) -> VatDecision:
        """Confirm no tax number."""
        del station_id, event
        return VatDecision(is_valid=False)


_Ask: TypeAlias = Callable[[NoticeListener, str, Any], Awaitable[Decision | None]]

_ASKS: Final[Mapping[type, _Ask]] = MappingProxyType(
    {
        Noticed: lambda listener, station_id, event: listener.noticed(station_id, event),
        SecurityEventTold: lambda listener, station_id, event: listener.security_event(station_id, event),
        ReportPart: lambda listener, station_id, event: listener.reported(station_id, event),
        ExternalLimitSet: lambda listener, station_id, event: listener.limit_set(station_id, event),
        ExternalLimitCleared: lambda listener, station_id, event: listener.limit_cleared(station_id, event),
        ChargingNeedsTold: lambda listener, station_id, event: listener.charging_needs(station_id, event),
        CarScheduleTold: lambda listener, station_id, event: listener.car_schedule(station_id, event),
        DynamicUpdateAsked: lambda listener, station_id, event: listener.dynamic_update(station_id, event),
        EventStreamOpened: lambda listener, station_id, event: listener.stream_opened(station_id, event),
        CertificateRequested: lambda listener, station_id, event: listener.certificate_requested(
            station_id, event
        ),
        ContractCertificateAsked: lambda listener, station_id, event: listener.contract_certificate(
            station_id, event
        ),
        RevocationAsked: lambda listener, station_id, event: listener.revocation(station_id, event),
        ChainStatusAsked: lambda listener, station_id, event: listener.chain_status(station_id, event),
        DataReceived: lambda listener, station_id, event: listener.data_received(station_id, event),
        VatNumberAsked: lambda listener, station_id, event: listener.vat_number(station_id, event),
    }
)


async def decide_notice(listener: NoticeListener, station_id: str, event: Notice) -> Decision:
    """Pass a notice to the listener, and return what the station is answered."""
    return await _ASKS[type(event)](listener, station_id, event) or Acknowledgement()
