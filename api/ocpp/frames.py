"""OCPP-J frames: text to records and back. What cannot be read is a record as well, never an exception."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, NoReturn, TypeAlias

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
_MAX_DESCRIPTION: Final = 255


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
class Malformed:
    """Not a frame; ``may_be_call`` tells whether its sender may wait for an answer to ``message_id``."""

    message_id: str
    reason: str
    may_be_call: bool


@dataclass(frozen=True, slots=True)
class UnknownType:
    """A frame of a type that this engine does not know, to be ignored (OCPP-J 4.1.3)."""

    message_type: int


Frame: TypeAlias = Call | CallResult | CallError
Parsed: TypeAlias = Frame | Malformed | UnknownType


def parse_frame(text: str | bytes) -> Parsed:
    """Return what one websocket message says."""
    if isinstance(text, bytes):
        return Malformed(UNKNOWN_ID, "a frame is text, not bytes", may_be_call=True)
    if len(text) > MAX_FRAME_BYTES:
        return Malformed(UNKNOWN_ID, f"longer than {MAX_FRAME_BYTES} characters", may_be_call=True)
    try:
        content = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite_float)
    except (ValueError, RecursionError) as error:
        return Malformed(UNKNOWN_ID, _short(f"no JSON: {error}"), may_be_call=True)
    if "\\u" in text and _has_half_character(content):
        return Malformed(UNKNOWN_ID, "half of a surrogate pair", may_be_call=True)
    # every level costs a bracket: most frames have too few of them to be too deep
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deeper(content, MAX_DEPTH):
        return Malformed(UNKNOWN_ID, f"nested deeper than {MAX_DEPTH}", may_be_call=True)
    return _frame(content)


def serialise_frame(frame: Frame) -> str:
    """Return a frame as text.

    Raises
    ------
    ValueError
        A number in it is not finite.
    """
    match frame:
        case Call():
            content = [_CALL, frame.message_id, frame.action, frame.payload]
        case CallResult():
            content = [_CALL_RESULT, frame.message_id, frame.payload]
        case CallError():
            content = [_CALL_ERROR, frame.message_id, frame.code, _short(frame.description), frame.details]
    return json.dumps(content, separators=(",", ":"), allow_nan=False)


def _frame(content: object) -> Parsed:
    """Return the frame that a JSON value is."""
    match content:
        case [int(kind), str(message_id), *_] if 0 < len(message_id) <= MAX_ID_LENGTH:
            return _typed_frame(kind, message_id, content)
        case [int(kind), *_] if kind not in (_CALL, _CALL_RESULT, _CALL_ERROR):
            return UnknownType(kind)
        case [int(kind), *_]:
            return Malformed(UNKNOWN_ID, "no message id of 1 to 36 characters", may_be_call=kind == _CALL)
        case _:
            return Malformed(UNKNOWN_ID, "no array that starts with a message type", may_be_call=True)


def _typed_frame(kind: int, message_id: str, content: Sequence[object]) -> Parsed:
    """Return the frame of a type and an id; ``True`` is no message type."""
    match content:
        case [_, _, str(action), dict(payload)] if kind == _CALL:
            return Call(message_id, action, payload)
        case [_, _, dict(payload)] if kind == _CALL_RESULT:
            return CallResult(message_id, payload)
        case [_, _, str(code), str(description), dict(details)] if kind == _CALL_ERROR:
            return CallError(message_id, code, description, details)
    if kind in (_CALL, _CALL_RESULT, _CALL_ERROR):
        return Malformed(message_id, "the members of the frame are wrong", may_be_call=kind == _CALL)
    return UnknownType(kind)


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and infinity, which JSON does not have."""
    raise ValueError(f"{name} is no JSON number")


def _finite_float(text: str) -> float:
    """Return a number; one like 1e999 is too great for a float and refused."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too great")
    return value


def _is_deeper(content: object, depth: int) -> bool:
    """Tell whether a value nests deeper than ``depth``; by levels, so that no depth exhausts the stack."""
    level = [content]
    for _ in range(depth):
        nested = (_children(value) for value in level if isinstance(value, list | dict))
        level = list(chain.from_iterable(nested))
        if not level:
            return False
    return any(isinstance(value, list | dict) for value in level)


def _has_half_character(content: object) -> bool:
    """Tell whether a text inside is no Unicode: an escape can name half of a character, which UTF-8 cannot."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _children(value: list[object] | dict[str, object]) -> list[object]:
    """Return the values inside of a list or an object."""
    return list(value.values()) if isinstance(value, dict) else value


def _short(text: str) -> str:
    """Return a text as long as an error description may be."""
    return text[:_MAX_DESCRIPTION]
