"""What both versions write alike: payloads, times and commands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Any, TypeAlias

from models.timegrid import aware_utc

Payload: TypeAlias = dict[str, Any]
"""A JSON object, members in the order of its schema."""

_MOST_DIGITS = 9


class Fault(Enum):
    """What is wrong with a call; each version of OCPP has its own word for it."""

    MALFORMED = auto()
    INVALID = auto()
    UNKNOWN_ACTION = auto()
    OUT_OF_PROTOCOL = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class Command:
    """A request that the gateway sends to a station."""

    action: str
    payload: Payload


def format_time(moment: datetime) -> str:
    """Return a time in UTC with a ``Z``; milliseconds only where there are any."""
    utc = aware_utc(moment)
    digits = "milliseconds" if utc.microsecond else "seconds"
    return utc.isoformat(timespec=digits).replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time in UTC; a station that names no zone means UTC.

    Raises
    ------
    ValueError
        It is no date with a time, or lies outside of what a clock can show.
    """
    if len(text) < len("2000-01-01T00:00") or text[10] not in "Tt ":
        raise ValueError(f"{text!r} is not a date with a time")
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} lies outside of the calendar") from error


def given(payload: Mapping[str, object]) -> Payload:
    """Return the members that have a value."""
    return {name: value for name, value in payload.items() if value is not None}


def count_from(values: Mapping[str, str], key: str, least: int, otherwise: int) -> int:
    """Return a number that a station has configured, or ``otherwise`` where it is missing or nonsense."""
    text = values.get(key, "").strip()
    plausible = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if plausible and int(text) >= least else otherwise
