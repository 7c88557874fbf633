"""The states of a conversation as one table, and the two faults that leave it."""

from dataclasses import dataclass
from enum import IntEnum, auto
from types import MappingProxyType
from typing import Final

from models.errors import ChargingError


class OurProtocolError(ChargingError):
    """We have asked for something that the protocol forbids; nothing was sent."""


class PeerProtocolError(ChargingError):
    """The peer has broken the protocol too often; the connection should be closed."""


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of one conversation.

    ``backlog`` calls of a hasty peer wait for their turn, ``remembered`` answers can be repeated, and
    after ``bad_messages`` faults in a row the peer is given up.
    """

    call_timeout_s: float = 30.0
    backlog: int = 64
    remembered: int = 8
    bad_messages: int = 100


class State(IntEnum):
    """Of one direction: whether a CALL is on the way."""

    IDLE = auto()
    BUSY = auto()
    CLOSED = auto()


class Step(IntEnum):
    """What happens in one direction."""

    CALL = auto()
    ANSWER = auto()
    TIME_OUT = auto()
    CLOSE = auto()


TRANSITIONS: Final = MappingProxyType(
    {
        (State.IDLE, Step.CALL): State.BUSY,
        (State.BUSY, Step.ANSWER): State.IDLE,
        (State.BUSY, Step.TIME_OUT): State.IDLE,
        (State.IDLE, Step.CLOSE): State.CLOSED,
        (State.BUSY, Step.CLOSE): State.CLOSED,
    }
)
"""Of both directions; a pair that is not here is a fault of whoever takes the step."""


def next_state(state: State, step: Step) -> State:
    """Return the state after a step.

    Raises
    ------
    OurProtocolError
        The table has no such step; what the peer may do was sorted out before.
    """
    try:
        return TRANSITIONS[state, step]
    except KeyError as error:
        raise OurProtocolError(f"{step.name} while {state.name}") from error
