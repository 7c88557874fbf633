"""Orders to a station, in words of no version."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ProfileSelection


class ResetKind(StrEnum):
    """How a station starts anew."""

    WHEN_IDLE = "when_idle"
    """Transactions end properly first (2.x: no transaction runs any more; 1.6: a soft reset)."""
    AT_ONCE = "at_once"


class Asked(StrEnum):
    """What a station is asked to tell again."""

    BOOT = "boot"
    HEARTBEAT = "heartbeat"
    STATUS = "status"
    METER = "meter"
    TRANSACTION = "transaction"
    FIRMWARE = "firmware"
    LOG = "log"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class StartOrder:
    """Begin to charge for a driver; at any EVSE unless one is named.

    ``remote_start_id`` comes back with the transaction that 2.x begins.
    """

    id_token: str
    evse_number: int | None = None
    token_type: str = "Central"  # noqa: S105 - a kind of token
    remote_start_id: int = 0


@dataclass(frozen=True, slots=True)
class StopOrder:
    """End a transaction."""

    transaction_id: str


@dataclass(frozen=True, slots=True)
class ResetOrder:
    """Start anew: the station, or in 2.x one EVSE of it."""

    kind: ResetKind = ResetKind.WHEN_IDLE
    evse_number: int | None = None


@dataclass(frozen=True, slots=True)
class UnlockOrder:
    """Let a cable go."""

    evse_number: int
    connector_number: int = 1


@dataclass(frozen=True, slots=True)
class AvailabilityOrder:
    """Serve drivers, or do not; the whole station unless an EVSE is named."""

    is_operative: bool
    evse_number: int | None = None
    connector_number: int | None = None


@dataclass(frozen=True, slots=True)
class TriggerOrder:
    """Tell something again, of one EVSE or of all."""

    asked: Asked
    evse_number: int | None = None


@dataclass(frozen=True, slots=True)
class ClearProfilesOrder:
    """Forget charging profiles."""

    selection: ProfileSelection = field(default_factory=ProfileSelection)


@dataclass(frozen=True, slots=True)
class CompositeOrder:
    """Tell the limit that all profiles make together; EVSE 0 is the station's connection to the grid."""

    evse_number: int
    duration_s: int
    unit: RateUnit | None = None


@dataclass(frozen=True, slots=True)
class ReadVariables:
    """Tell the value of variables.

    A name is a key in 1.6, and ``Component.Variable`` in 2.x, where ``Component/evse`` or
    ``Component/evse/connector`` says of which one. No name asks for all, which only 1.6 can tell in one answer.
    """

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteVariables:
    """Give variables new values; pairs of name and value."""

    values: tuple[tuple[str, str], ...]


Order: TypeAlias = (
    StartOrder
    | StopOrder
    | ResetOrder
    | UnlockOrder
    | AvailabilityOrder
    | TriggerOrder
    | ClearProfilesOrder
    | CompositeOrder
    | ReadVariables
    | WriteVariables
)
