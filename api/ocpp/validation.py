"""Validation of every message against the JSON schemas that the ``ocpp`` package ships.

The schemas are compiled by ``jsonschema-rs``, each when it is needed first (1 ms). ``benchmarks/validators.py``
measured it beside ``fastjsonschema`` and structs of ``msgspec``: for a 1.6 MeterValues with four samples 3 us a
message, against 10 us with ``fastjsonschema`` and more than 100 us with ``jsonschema``. It compares one decimal
exactly, where the remainder of a float by 0.1 is wrong for most decimals, and takes NaN and infinity for no
number. Structs would save the parsing too, but know no path to a fault and no date that names no zone.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import jsonschema_rs

from api.ocpp.capabilities import OcppVersion
from api.ocpp.tolerance import tolerated
from api.ocpp.wire import Payload, parse_time
from models.errors import ChargingError

_Schema: TypeAlias = dict[str, Any]
_FOLDERS: Final = MappingProxyType({OcppVersion.V16: "v16", OcppVersion.V201: "v201", OcppVersion.V21: "v21"})
_OWN_WORDS: Final = MappingProxyType({"multipleOf": "must have at most one decimal"})


_GREATEST_INTEGER: Final = 2**31 - 1
_GREATEST_NUMBER: Final = 1e30
_LEAST_INTEGER: Final = -(2**31)


class MessageKind(StrEnum):
    """What a payload is: half of an exchange, or a message that nobody answers."""

    REQUEST = "Request"
    RESPONSE = "Response"
    SENT = "Sent"


class InvalidMessageError(ChargingError):
    """A payload does not fit its schema; ``where`` is its path, ``what`` the rule that is broken."""

    def __init__(self, action: str, where: str, what: str) -> None:
        super().__init__(f"{action}: {where} {what}")
        self.action = action
        self.where = where
        self.what = what


class UnknownActionError(ChargingError):
    """The version of OCPP has no such message."""


class MessageValidator:
    """Checks the messages of one version; compiles each schema once, when it is needed first."""

    def __init__(self, version: OcppVersion) -> None:
        self._version = version
        self._compiled: dict[tuple[str, MessageKind], jsonschema_rs.Validator] = {}

    def check(self, action: str, kind: MessageKind, payload: Payload) -> None:
        """Check one payload that we send.

        Raises
        ------
        UnknownActionError
            This version has no such message.
        InvalidMessageError
            The payload does not fit the schema, or has a number that is none.
        """
        validator = self._validator(action, kind)
        try:
            is_valid = validator.is_valid(payload)
        except ValueError as error:  # of no type that JSON has, or half of a character
            raise InvalidMessageError(action, "data", str(error)) from error
        if not is_valid:
            raise _refused(action, validator.iter_errors(payload))

    def accept(self, action: str, kind: MessageKind, payload: Payload) -> tuple[str, ...]:
        """Check one payload that a station has sent; return what is odd about it and does not matter.

        What the schema does not know, and is not needed, is taken out of the payload.

        Raises
        ------
        UnknownActionError
            This version has no such message.
        InvalidMessageError
            The payload does not fit the schema, or has a number that is none.
        """
        validator = self._validator(action, kind)
        if validator.is_valid(payload):
            return ()
        oddities, faults = tolerated(payload, validator)
        if faults:
            raise _refused(action, faults)
        return oddities

    def _validator(self, action: str, kind: MessageKind) -> "jsonschema_rs.Validator":
        """Return the compiled schema of a message."""
        key = (action, kind)
        if key not in self._compiled:
            schema = schema_of(self._version, action, kind)
            self._compiled[key] = jsonschema_rs.validator_for(
                schema, formats={"date-time": is_time}, validate_formats=True, offline=True
            )
        return self._compiled[key]


def _refused(action: str, errors: Iterable["jsonschema_rs.ValidationError"]) -> InvalidMessageError:
    """Return the first of some errors as ours; the deepest one says most."""
    error = max(errors, key=lambda found: len(found.instance_path))
    what = _OWN_WORDS.get(str(error.schema_path[-1]), error.message)
    return InvalidMessageError(action, _path(error.instance_path), what)


def _path(members: Iterable[str | int]) -> str:
    """Return where something is: ``data.meterValue[0].timestamp``."""
    return "data" + "".join(f"[{name}]" if isinstance(name, int) else f".{name}" for name in members)


def schema_of(version: OcppVersion, action: str, kind: MessageKind) -> _Schema:
    """Read a schema from the ``ocpp`` package; 1.6 names a request by its action alone, as 2.1 what is sent."""
    if not (action.isascii() and action.isalnum()):
        raise UnknownActionError(action)
    has_suffix = kind is MessageKind.RESPONSE or (
        kind is MessageKind.REQUEST and version is not OcppVersion.V16
    )
    suffix = kind.value if has_suffix else ""
    file = resources.files("ocpp").joinpath(_FOLDERS[version], "schemas", f"{action}{suffix}.json")
    if not file.is_file():
        raise UnknownActionError(action)
    schema: _Schema = json.loads(file.read_text(encoding="utf-8-sig"), object_hook=_bounded)
    return schema


def _bounded(node: _Schema) -> _Schema:
    """Return a part of a schema whose integers have 32 bits, as OCPP says and its schemas do not.

    A longer one fits no column of a database. Of other numbers, what no meter can show is refused: an integer
    of hundreds of digits fits no float, and the sum of the greatest floats is infinite.
    """
    if node.get("type") == "integer":
        return {"minimum": _LEAST_INTEGER, "maximum": _GREATEST_INTEGER} | node
    if node.get("type") == "number":
        return {"minimum": -_GREATEST_NUMBER, "maximum": _GREATEST_NUMBER} | node
    return node


def is_time(text: str) -> bool:
    """Tell whether a text is a time that a clock can show."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True
