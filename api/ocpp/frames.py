"""OCPP-J frames: text to records and back. What cannot be read is a record as well, never an exception.

``msgspec`` reads the JSON: it knows no NaN, no infinity, no number too great for a float and no half of a
character, takes 1.5 us for a MeterValues where ``json`` takes 7.5, and makes the same of it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import msgspec

from api.ocpp.nesting import is_deeper
from api.ocpp.wire import Payload

MAX_FRAME_BYTES: Final = 128 * 1024
"""Longest frame that is looked at: a schedule of 1024 periods needs half of it."""

MAX_DEPTH: Final = 32
"""Deepest nesting; the schemas of OCPP need 10."""

MAX_ID_LENGTH: Final = 36
UNKNOWN_ID: Final = "-1"

_CALL: Final = 2
_CALL_RESULT: Final = 3
_CALL_ERROR: Final = 4
_CALL_RESULT_ERROR: Final = 5
_SEND: Final = 6

FIRST_KINDS: Final = frozenset({_CALL, _CALL_RESULT, _CALL_ERROR})
"""Types of frames that OCPP 1.6 and 2.0.1 know."""

KINDS_OF_21: Final = FIRST_KINDS | {_CALL_RESULT_ERROR, _SEND}
"""Types of frames that OCPP 2.1 knows."""

_MAX_DESCRIPTION: Final = 255
_REQUEST_MEMBERS: Final = 4


@dataclass(frozen=True, slots=True)
class Call:
    """A request."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a request."""

    message_id: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallError:
    """The answer to a request that cannot be served."""

    message_id: str
    code: str
    description: str = ""
    details: Payload = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallResultError:
    """What becomes of an answer that cannot be understood (2.1); it is not answered."""

    message_id: str
    code: str
    description: str = ""
    details: Payload = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    """A message that nobody answers (2.1)."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class Malformed:
    """Not a frame; ``may_be_call`` tells whether its sender may wait for an answer to ``message_id``."""

    message_id: str
    reason: str
    may_be_call: bool


@dataclass(frozen=True, slots=True)
class UnknownType:
    """A frame of a type that this engine does not know, to be ignored (OCPP-J 4.1.3)."""

    message_type: int


Frame: TypeAlias = Call | CallResult | CallError | CallResultError | Send
Parsed: TypeAlias = Frame | Malformed | UnknownType


def parse_frame(text: str | bytes, kinds: frozenset[int] = FIRST_KINDS) -> Parsed:
    """Return what one websocket message says; ``kinds`` are the types of frames that its version knows."""
    if isinstance(text, bytes):
        return Malformed(UNKNOWN_ID, "a frame is text, not bytes", may_be_call=True)
    if len(text) > MAX_FRAME_BYTES:
        return Malformed(UNKNOWN_ID, f"longer than {MAX_FRAME_BYTES} characters", may_be_call=True)
    if is_deeper(text, MAX_DEPTH):
        return Malformed(UNKNOWN_ID, f"nested deeper than {MAX_DEPTH}", may_be_call=True)
    try:
        content = msgspec.json.decode(text)
    except (ValueError, RecursionError) as error:
        return Malformed(UNKNOWN_ID, _short(f"no JSON: {error}"), may_be_call=True)
    return _frame(content, kinds)


def serialise_frame(frame: Frame) -> str:
    """Return a frame as text.

    Raises
    ------
    ValueError
        A number in it is not finite.
    """
    match frame:
        case CallResult():
            return _json([_CALL_RESULT, frame.message_id, frame.payload])
        case Call():
            return _json([_CALL, frame.message_id, frame.action, frame.payload])
        case Send():
            return _json([_SEND, frame.message_id, frame.action, frame.payload])
        case CallError():
            kind = _CALL_ERROR
        case CallResultError():
            kind = _CALL_RESULT_ERROR
    return _json([kind, frame.message_id, frame.code, _short(frame.description), frame.details])


def _json(content: list[object]) -> str:
    """Return a value as JSON; what is not finite would become null, so each null is looked at again."""
    text = msgspec.json.encode(content).decode()
    if "null" in text:
        json.dumps(content, allow_nan=False)
    return text


def _frame(content: object, kinds: frozenset[int]) -> Parsed:
    """Return the frame that a JSON value is."""
    # ``True`` is no message type
    if not isinstance(content, list) or not content or type(content[0]) is not int:
        return Malformed(UNKNOWN_ID, "no array that starts with a message type", may_be_call=True)
    kind = content[0]
    if kind not in kinds:
        return UnknownType(kind)
    message_id = content[1] if len(content) > 1 else None
    if not isinstance(message_id, str) or not 0 < len(message_id) <= MAX_ID_LENGTH:
        return Malformed(UNKNOWN_ID, "no message id of 1 to 36 characters", may_be_call=kind == _CALL)
    read = _read_request(kind, content) if kind in (_CALL, _SEND) else _read_answer(kind, content)
    return read or Malformed(message_id, "the members of the frame are wrong", may_be_call=kind == _CALL)


def _read_request(kind: int, content: Sequence[Any]) -> Frame | None:
    if len(content) != _REQUEST_MEMBERS or type(content[2]) is not str or type(content[3]) is not dict:
        return None
    _, message_id, action, payload = content
    return Call(message_id, action, payload) if kind == _CALL else Send(message_id, action, payload)


def _read_answer(kind: int, content: Sequence[object]) -> Frame | None:
    match content:
        case [_, str(message_id), dict(payload)] if kind == _CALL_RESULT:
            return CallResult(message_id, payload)
        case [_, str(message_id), str(code), str(description), dict(details)] if kind != _CALL_RESULT:
            refusal = CallError if kind == _CALL_ERROR else CallResultError
            return refusal(message_id, code, description, details)
    return None


def _short(text: str) -> str:
    """Return a text as long as an error description may be."""
    return text[:_MAX_DESCRIPTION]
