"""What a station tells, and what it is answered, whatever version of OCPP it speaks."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from api.ocpp.metering import MeterReading
from api.ocpp.notice_answers import NoticeAnswer
from api.ocpp.notices import Notice
from api.ocpp.wire import Payload


class RegistrationStatus(StrEnum):
    """Whether a station may work with us."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class AuthorizationStatus(StrEnum):
    """Whether a driver may charge."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"


class ConnectorStatus(StrEnum):
    """State of a connector; OCPP 2.0.1 says ``OCCUPIED`` where 1.6 tells five states apart."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class ChargingState(StrEnum):
    """State of a transaction, told by OCPP 2.0.1 only."""

    CHARGING = "Charging"
    EV_CONNECTED = "EVConnected"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    IDLE = "Idle"


@dataclass(frozen=True, slots=True)
class Booted:
    """A station has started and says what it is."""

    vendor: str
    model: str
    serial_number: str | None = None
    firmware_version: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatReceived:
    """A station is there, and asks for the time."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A connector has a new state; EVSE 0 is the station itself."""

    evse_number: int
    connector_number: int
    status: ConnectorStatus
    error_code: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MonitorsTold:
    """Monitors of a station have noticed something (2.x): among it may be what StatusNotification tells (G01).

    Parameters
    ----------
    message : Payload
        As it came.
    statuses : tuple of StatusChanged
    """

    message: Payload
    statuses: tuple[StatusChanged, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizeRequested:
    """A driver has shown a token."""

    id_token: str


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    """A transaction has begun.

    It may arrive twice: a station that missed our answer sends it again, over another connection too. The
    listener answers the second with the same transaction; EVSE, token, time and meter tell them apart in
    OCPP 1.6, where ``transaction_id`` is None because the answer gives it.
    """

    evse_number: int
    at: datetime
    transaction_id: str | None = None
    id_token: str | None = None
    meter_start_kwh: float | None = None
    connector_number: int | None = None
    charging_state: ChargingState | None = None
    offline: bool = False
    readings: tuple[MeterReading, ...] = ()
    seq_no: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionUpdated:
    """Something has changed in a running transaction."""

    transaction_id: str
    at: datetime
    evse_number: int | None = None
    id_token: str | None = None
    charging_state: ChargingState | None = None
    offline: bool = False
    readings: tuple[MeterReading, ...] = ()
    seq_no: int | None = None


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """A transaction is over."""

    transaction_id: str
    at: datetime
    evse_number: int | None = None
    id_token: str | None = None
    meter_stop_kwh: float | None = None
    reason: str | None = None
    offline: bool = False
    readings: tuple[MeterReading, ...] = ()
    seq_no: int | None = None


@dataclass(frozen=True, slots=True)
class MeterValuesReceived:
    """Meter values of an EVSE; EVSE 0 is the station's main meter."""

    evse_number: int
    readings: tuple[MeterReading, ...]
    transaction_id: str | None = None


StationEvent: TypeAlias = (
    Booted
    | HeartbeatReceived
    | StatusChanged
    | MonitorsTold
    | AuthorizeRequested
    | TransactionStarted
    | TransactionUpdated
    | TransactionEnded
    | MeterValuesReceived
    | Notice
)


@dataclass(frozen=True, slots=True)
class BootDecision:
    """Answer to a boot; ``interval_s`` is the time between heartbeats, or until the next try."""

    status: RegistrationStatus = RegistrationStatus.ACCEPTED
    interval_s: int = 300


@dataclass(frozen=True, slots=True)
class AuthorizationDecision:
    """Answer to a token that was shown."""

    status: AuthorizationStatus


@dataclass(frozen=True, slots=True)
class TransactionDecision:
    """Answer to a transaction that has begun.

    For OCPP 1.6 ``transaction_id`` is the number that we give it, in decimal digits, unique for the station;
    for 2.0.1 it is the one that came with the event.
    """

    transaction_id: str
    status: AuthorizationStatus = AuthorizationStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Answer that only says: received."""


Decision: TypeAlias = (
    BootDecision | AuthorizationDecision | TransactionDecision | Acknowledgement | NoticeAnswer
)


class ProfileStatus(StrEnum):
    """What a station says to a profile."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"


@dataclass(frozen=True, slots=True)
class ProfileAnswer:
    """Answer of a station to a profile; ``reason`` is its own word for why not, empty in OCPP 1.6."""

    status: ProfileStatus
    reason: str = ""
