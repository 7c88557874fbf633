"""What the gateway asks of the application that it is part of."""

from collections.abc import Awaitable
from typing import Protocol

from api.ocpp.events import (
    Acknowledgement,
    AuthorizationDecision,
    AuthorizationStatus,
    AuthorizeRequested,
    BootDecision,
    Booted,
    Decision,
    HeartbeatReceived,
    MeterValuesReceived,
    MonitorsTold,
    StationEvent,
    StatusChanged,
    TransactionDecision,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.handshake import Credentials
from api.ocpp.notice_listener import NoticeListener, decide_notice
from api.ocpp.notices import Noticed


class Authenticator(Protocol):
    """Decides who may connect."""

    async def authenticate(self, shown: Credentials) -> bool:
        """Tell whether a station is who it says; an unknown station costs as much work as a wrong password."""


class AcceptEveryStation:
    """Lets every station in, whatever it shows: for a trusted network, a demo or a test only."""

    async def authenticate(self, shown: Credentials) -> bool:  # noqa: ARG002 - the protocol
        """Accept."""
        return True


class StationListener(Protocol):
    """What the application does with what stations tell; every method may be called again with the same event."""

    @property
    def notices(self) -> NoticeListener:
        """Whoever hears what stations tell beyond boots, connectors and transactions."""

    async def connected(self, station_id: str) -> None:
        """A station has come back and its capabilities are known: what it missed can be sent now."""

    async def disconnected(self, station_id: str) -> None:
        """A station has gone, and no newer connection has taken its place."""

    async def booted(self, station_id: str, event: Booted) -> BootDecision:
        """A station has started."""

    async def status_changed(self, station_id: str, event: StatusChanged) -> None:
        """A connector has a new state."""

    async def authorize(self, station_id: str, id_token: str) -> AuthorizationStatus:
        """A driver asks to charge."""

    async def transaction_started(self, station_id: str, event: TransactionStarted) -> TransactionDecision:
        """A transaction has begun; the same event gets the same transaction."""

    async def transaction_updated(self, station_id: str, event: TransactionUpdated) -> None:
        """A transaction has changed."""

    def meter_values(self, station_id: str, event: MeterValuesReceived) -> Awaitable[None] | None:
        """An EVSE was metered; called on the loop for most messages of all, so it must be quick.

        A station is answered when what is returned is done: readings that are answered are never lost. Writing
        those of many stations in one transaction and returning a future is fastest; None answers at once.
        """

    async def transaction_ended(self, station_id: str, event: TransactionEnded) -> None:
        """A transaction is over."""


async def decide(listener: StationListener, station_id: str, event: StationEvent) -> Decision:
    """Pass an event to the listener, and return what the station is answered."""
    match event:
        case Booted():
            return await listener.booted(station_id, event)
        case AuthorizeRequested():
            return AuthorizationDecision(await listener.authorize(station_id, event.id_token))
        case TransactionStarted():
            return await listener.transaction_started(station_id, event)
        case TransactionUpdated() | TransactionEnded():
            return await _decide_later(listener, station_id, event)
        case MeterValuesReceived() | StatusChanged() | HeartbeatReceived() | MonitorsTold():
            await _tell(listener, station_id, event)
            return Acknowledgement()
    return await decide_notice(listener.notices, station_id, event)


async def _tell(
    listener: StationListener,
    station_id: str,
    event: MeterValuesReceived | StatusChanged | HeartbeatReceived | MonitorsTold,
) -> None:
    """Pass an event that is only acknowledged."""
    match event:
        case MeterValuesReceived():
            await _metered(listener, station_id, event)
        case StatusChanged():
            await listener.status_changed(station_id, event)
        case MonitorsTold():
            for change in event.statuses:
                await listener.status_changed(station_id, change)
            await listener.notices.noticed(station_id, Noticed("NotifyEvent", event.message))


async def _metered(listener: StationListener, station_id: str, event: MeterValuesReceived) -> None:
    stored = listener.meter_values(station_id, event)
    if stored is not None:
        await stored


async def _decide_later(
    listener: StationListener, station_id: str, event: TransactionUpdated | TransactionEnded
) -> Decision:
    """A driver who shows a token after plugging in, or to stop, asks within the event (2.x E03, E07)."""
    if isinstance(event, TransactionEnded):
        await listener.transaction_ended(station_id, event)
    else:
        await listener.transaction_updated(station_id, event)
    if event.id_token is None:
        return Acknowledgement()
    return AuthorizationDecision(await listener.authorize(station_id, event.id_token))
