"""An application that takes everything and forgets it."""

from api.ocpp.events import (
    AuthorizationStatus,
    BootDecision,
    Booted,
    MeterValuesReceived,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.notice_listener import HarmlessNotices


class QuietListener:
    """Answers what must be answered."""

    def __init__(self) -> None:
        self.notices = HarmlessNotices()

    async def connected(self, station_id: str) -> None:
        """Forget it."""

    async def disconnected(self, station_id: str) -> None:
        """Forget it."""

    async def booted(self, station_id: str, event: Booted) -> BootDecision:
        """Take it."""
        del station_id, event
        return BootDecision()

    async def status_changed(self, station_id: str, event: StatusChanged) -> None:
        """Forget it."""

    async def authorize(self, station_id: str, id_token: str) -> AuthorizationStatus:
        """Accept every driver."""
        del station_id, id_token
        return AuthorizationStatus.ACCEPTED

    async def transaction_started(self, station_id: str, event: TransactionStarted) -> TransactionDecision:
        """Give it a number."""
        del station_id
        return TransactionDecision(event.transaction_id or "1")

    async def transaction_updated(self, station_id: str, event: TransactionUpdated) -> None:
        """Forget it."""

    def meter_values(self, station_id: str, event: MeterValuesReceived) -> None:
        """Forget it."""

    async def transaction_ended(self, station_id: str, event: TransactionEnded) -> None:
        """Forget it."""
