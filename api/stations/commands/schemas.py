"""Commands and orders on the wire."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

from pydantic import Field, JsonValue
from pydantic_core import from_json

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.orders.encode import OrderAnswer
from api.ocpp.orders.records import (
    Asked,
    AvailabilityOrder,
    ClearProfilesOrder,
    CompositeOrder,
    ReadVariables,
    ResetKind,
    ResetOrder,
    StartOrder,
    StopOrder,
    TriggerOrder,
    UnlockOrder,
    WriteVariables,
)
from api.stations.commands.desk import Answered
from api.storage.station_tables import CommandRow
from api.wire.schemas import WireModel
from models.errors import InvalidInputError, Issue

EvseNumber: TypeAlias = Annotated[
    int, Field(ge=1, le=100_000, description="EVSE 1, 2, ...; a connector in OCPP 1.6", examples=[1])
]
Token: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=255, description="the driver's token", examples=["04A2B3C4"])
]
_MOST_PERIOD_S = 7 * 86_400
_MOST_NAMES = 100


class StartIn(WireModel):
    """Begin to charge for a driver."""

    id_token: Token
    evse: EvseNumber | None = None
    token_type: Annotated[
        str, Field(min_length=1, max_length=20, description="its kind, which only 2.x is told")
    ] = "Central"  # noqa: S105 - a kind of token
    remote_start_id: Annotated[
        int | None,
        Field(
            ge=0, le=2**31 - 1, description="comes back with the transaction in 2.x; a new one unless given"
        ),
    ] = None

    def to_order(self, otherwise: int) -> StartOrder:
        """Return the order."""
        remote_start_id = otherwise if self.remote_start_id is None else self.remote_start_id
        return StartOrder(self.id_token, self.evse, self.token_type, remote_start_id)


class StopIn(WireModel):
    """End a transaction."""

    transaction_id: Annotated[str, Field(min_length=1, max_length=36, examples=["57"])]

    def to_order(self) -> StopOrder:
        """Return the order."""
        return StopOrder(self.transaction_id)


class ResetIn(WireModel):
    """Start a station anew."""

    when: Annotated[
        ResetKind, Field(strict=False, description="when_idle lets transactions end properly")
    ] = ResetKind.WHEN_IDLE
    evse: EvseNumber | None = None

    def to_order(self) -> ResetOrder:
        """Return the order."""
        return ResetOrder(self.when, self.evse)


class UnlockIn(WireModel):
    """Let a cable go."""

    evse: EvseNumber
    connector: Annotated[int, Field(ge=1, le=100)] = 1

    def to_order(self) -> UnlockOrder:
        """Return the order."""
        return UnlockOrder(self.evse, self.connector)


class AvailabilityIn(WireModel):
    """Serve drivers, or do not."""

    operative: bool
    evse: EvseNumber | None = None
    connector: Annotated[int | None, Field(ge=1, le=100)] = None

    def to_order(self) -> AvailabilityOrder:
        """Return the order."""
        return AvailabilityOrder(self.operative, self.evse, self.connector)


class TriggerIn(WireModel):
    """Ask a station to tell something again."""

    message: Annotated[Asked, Field(strict=False)]
    evse: EvseNumber | None = None

    def to_order(self) -> TriggerOrder:
        """Return the order."""
        return TriggerOrder(self.message, self.evse)


class ClearProfilesIn(WireModel):
    """Clear charging profiles: by number alone, or by all else that is given; nothing given clears all."""

    profile_id: int | None = None
    evse: Annotated[int | None, Field(ge=0, le=100_000)] = None
    purpose: Annotated[ProfilePurpose | None, Field(strict=False)] = None
    stack_level: Annotated[int | None, Field(ge=0, le=10_000)] = None

    def to_order(self) -> ClearProfilesOrder:
        """Return the order."""
        return ClearProfilesOrder(
            ProfileSelection(self.profile_id, self.evse, self.purpose, self.stack_level)
        )


class CompositeIn(WireModel):
    """Ask for the limit that all profiles make together."""

    evse: Annotated[int, Field(ge=0, le=100_000, description="0: the station's connection to the grid")] = 0
    duration_s: Annotated[int, Field(ge=1, le=_MOST_PERIOD_S)] = 86_400
    unit: Annotated[RateUnit | None, Field(strict=False)] = None

    def to_order(self) -> CompositeOrder:
        """Return the order."""
        return CompositeOrder(self.evse, self.duration_s, self.unit)


class VariablesIn(WireModel):
    """Read variables, or write them: keys in OCPP 1.6, ``Component.Variable`` in 2.x."""

    read: Annotated[
        tuple[str, ...] | None, Field(max_length=_MOST_NAMES, examples=[["HeartbeatInterval"]])
    ] = None
    write: Annotated[
        Mapping[str, str] | None, Field(max_length=_MOST_NAMES, examples=[{"HeartbeatInterval": "300"}])
    ] = None

    def to_order(self) -> ReadVariables | WriteVariables:
        """Return the order; one that names nothing reads."""
        if self.write:
            return WriteVariables(tuple(self.write.items()))
        return ReadVariables(tuple(self.read or ()))


class AnsweredOut(WireModel):
    """What a station has answered to a command."""

    station_id: str
    version: Annotated[str, Field(examples=["ocpp1.6"])]
    action: Annotated[str, Field(examples=["GetLocalListVersion"])]
    answer: Annotated[dict[str, JsonValue], Field(examples=[{"listVersion": 3}])]
    took_s: Annotated[float, Field(description="until the answer came [s]")]

    @classmethod
    def of(cls, answered: Answered) -> "AnsweredOut":
        """Return an answer on the wire."""
        return cls(
            station_id=answered.station_id,
            version=answered.version.value,
            action=answered.command.action,
            answer=answered.answer,
            took_s=round(answered.took_s, 4),
        )


class OrderedOut(WireModel):
    """What has become of an order."""

    accepted: Annotated[bool, Field(description="whether the station does it, now or when it can")]
    status: Annotated[str, Field(description="in its own word", examples=["Accepted"])]
    reason: Annotated[str | None, Field(description="its reason, which only 2.x gives")] = None
    values: Annotated[
        dict[str, str | None] | None, Field(description="variables that were read; null where it tells none")
    ] = None
    schedule: Annotated[
        dict[str, JsonValue] | None, Field(description="the composite schedule, as it came")
    ] = None
    remote_start_id: int | None = None
    answers: tuple[AnsweredOut, ...]

    @classmethod
    def of(
        cls, said: OrderAnswer, answers: tuple[Answered, ...], remote_start_id: int | None = None
    ) -> "OrderedOut":
        """Return what has become of an order on the wire."""
        return cls(
            accepted=said.is_accepted,
            status=said.status,
            reason=said.reason,
            values=said.values or None,
            schedule=said.schedule,
            remote_start_id=remote_start_id,
            answers=tuple(map(AnsweredOut.of, answers)),
        )


class QueuedOut(WireModel):
    """A command that was queued, and what has become of it."""

    command_id: str
    station_id: str
    action: str
    payload: dict[str, JsonValue]
    idempotency_key: str
    state: Annotated[
        str,
        Field(description="queued, sending, answered, refused, expired or cancelled", examples=["queued"]),
    ]
    attempts: int
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None
    answer: dict[str, JsonValue] | None
    error: Annotated[str | None, Field(description="why the last attempt failed")]

    @classmethod
    def of(cls, row: CommandRow, payload: dict[str, Any]) -> "QueuedOut":
        """Return a queued command on the wire, its payload without secrets."""
        return cls(
            command_id=row.command_id,
            station_id=row.station_id,
            action=row.action,
            payload=payload,
            idempotency_key=row.key,
            state=row.state,
            attempts=row.attempts,
            created_at=row.created_at,
            expires_at=row.expires_at,
            settled_at=row.settled_at,
            answer=row.answer,
            error=row.error,
        )


class CommandListOut(WireModel):
    """What can be sent to a station."""

    version: str
    commands: tuple[str, ...]


class QueueOut(WireModel):
    """Commands that were queued for a station, the newest first."""

    commands: tuple[QueuedOut, ...]


ORDERS: Final = (
    StartIn,
    StopIn,
    ResetIn,
    UnlockIn,
    AvailabilityIn,
    TriggerIn,
    ClearProfilesIn,
    CompositeIn,
    VariablesIn,
)
"""Bodies that routes read by themselves."""


def object_in(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body; an empty body is an empty one.

    Raises
    ------
    InvalidInputError
        It is no JSON object.
    """
    try:
        document = from_json(body, allow_inf_nan=False) if body.strip() else {}
    except ValueError as error:
        raise InvalidInputError((Issue("", f"is not JSON: {error}"),)) from error
    if not isinstance(document, dict):
        raise InvalidInputError((Issue("", "is no JSON object"),))
    return document
