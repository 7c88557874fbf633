"""What happens in a conversation: its events, and the oddities of a peer that are counted."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from api.ocpp.wire import Payload


class Oddity(StrEnum):
    """What a peer does that is counted."""

    MALFORMED = "malformed frame"
    UNKNOWN_TYPE = "unknown message type"
    UNSOLICITED = "answer to no call"
    INVALID_CALL = "call that its schema refuses"
    INVALID_ANSWER = "answer that its schema refuses"
    UNKNOWN_ACTION = "unknown action"
    OVERLAPPING = "call before the last one was answered"
    OVERFLOW = "too many calls at once"
    REPEATED = "call that was repeated"
    REUSED_ID = "id of another call"
    INVALID_SEND = "message without an answer that its schema refuses"
    ANSWER_REFUSED = "answer of ours that the peer could not use"
    TOLERATED = "message with what its schema does not know, or with empty members"


FAULTS_OF_PEER: Final = frozenset(
    {Oddity.MALFORMED, Oddity.INVALID_CALL, Oddity.INVALID_SEND, Oddity.OVERFLOW, Oddity.REUSED_ID}
)
"""Oddities that use up the budget; the others happen to honest stations, after an outage for example."""


@dataclass(frozen=True, slots=True)
class CallReceived:
    """The peer asks; answer with ``Session.answer`` or ``Session.refuse``."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class SendReceived:
    """The peer tells something, and wants no answer (2.1)."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class AnswerRefused:
    """The peer could not use our answer to its call (2.1); it may call again."""

    message_id: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The peer has answered our call."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallFailed:
    """The peer has refused our call, or has answered nonsense."""

    message_id: str
    action: str
    code: str
    description: str


@dataclass(frozen=True, slots=True)
class CallTimedOut:
    """The peer has not answered our call in time; a late answer will be discarded."""

    message_id: str
    action: str


@dataclass(frozen=True, slots=True)
class FrameToSend:
    """Put this text on the wire."""

    text: str


SessionEvent: TypeAlias = (
    CallReceived | SendReceived | CallAnswered | CallFailed | AnswerRefused | FrameToSend
)
NOT_AN_ANSWER: Final = "InvalidAnswer"
"""Our own code of a :class:`CallFailed` for an answer that is none."""
