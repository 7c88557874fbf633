"""Validation of every message against the JSON schemas that the ``ocpp`` package ships.

The schemas are compiled to Python functions by ``fastjsonschema``. Measured on a 1.6 MeterValues with four
samples: 7 us a message, against 120 us with ``jsonschema``; compiling takes 10 to 30 ms a schema, so each is
compiled when it is needed first. (``jsonschema-rs`` took 1 us; it is a binary more to install, for later.)

Numbers are looked at once more after the schema: NaN and infinity are no JSON but pass ``number``, and a
float remainder by 0.1 is wrong for most decimals, so one decimal is compared exactly.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import fastjsonschema

from api.ocpp.capabilities import OcppVersion
from api.ocpp.wire import Payload, parse_time
from models.errors import ChargingError

_Schema: TypeAlias = dict[str, Any]
_Compiled: TypeAlias = Callable[[object], object]
_FOLDERS: Final = MappingProxyType({OcppVersion.V16: "v16", OcppVersion.V201: "v201", OcppVersion.V21: "v21"})


class MessageKind(StrEnum):
    """Which half of an exchange a payload is."""

    REQUEST = "Request"
    RESPONSE = "Response"


class InvalidMessageError(ChargingError):
    """A payload does not fit its schema; ``where`` is its path, ``what`` the rule that is broken."""

    def __init__(self, action: str, where: str, what: str) -> None:
        super().__init__(f"{action}: {where} {what}")
        self.action = action
        self.where = where
        self.what = what


class UnknownActionError(ChargingError):
    """The version of OCPP has no such message."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Where a schema has numbers: members to descend into, and what to ask of a number itself."""

    members: Mapping[str, "_Numbers"]
    is_number: bool = False
    in_tenths: bool = False

    @property
    def is_empty(self) -> bool:
        """No number here or below."""
        return not (self.members or self.is_number)


class MessageValidator:
    """Checks the messages of one version; compiles each schema once, when it is needed first."""

    def __init__(self, version: OcppVersion) -> None:
        self._version = version
        self._compiled: dict[tuple[str, MessageKind], tuple[_Compiled, _Numbers]] = {}

    def check(self, action: str, kind: MessageKind, payload: Payload) -> None:
        """Check one payload.

        Raises
        ------
        UnknownActionError
            This version has no such message.
        InvalidMessageError
            The payload does not fit the schema, or has a number that is none.
        """
        compiled, numbers = self._validator(action, kind)
        try:
            compiled(payload)
        except fastjsonschema.JsonSchemaValueException as error:
            where = error.name or "data"
            raise InvalidMessageError(action, where, error.message.removeprefix(where).strip()) from error
        _check_numbers(action, "data", payload, numbers)

    def _validator(self, action: str, kind: MessageKind) -> tuple[_Compiled, _Numbers]:
        """Return the compiled schema of a message."""
        key = (action, kind)
        if key not in self._compiled:
            schema = _schema(self._version, action, kind)
            numbers = _numbers(schema, schema.get("definitions", {}))
            compiled = fastjsonschema.compile(_without_remainders(schema), formats={"date-time": _is_time})
            self._compiled[key] = (compiled, numbers)
        return self._compiled[key]


def _schema(version: OcppVersion, action: str, kind: MessageKind) -> _Schema:
    """Read a schema from the ``ocpp`` package; 1.6 names a request by its action alone."""
    if not (action.isascii() and action.isalnum()):
        raise UnknownActionError(action)
    suffix = "" if version is OcppVersion.V16 and kind is MessageKind.REQUEST else kind.value
    file = resources.files("ocpp").joinpath(_FOLDERS[version], "schemas", f"{action}{suffix}.json")
    if not file.is_file():
        raise UnknownActionError(action)
    schema: _Schema = json.loads(file.read_text(encoding="utf-8-sig"))
    return schema


def _is_time(text: str) -> bool:
    """Tell whether a text is a time that a clock can show."""
    try:
        parse_time(text)
    except ValueError:
        return False
    return True


def _without_remainders(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return the schema without ``multipleOf``, which is checked exactly elsewhere."""
    if isinstance(node, dict):
        return {name: _without_remainders(value) for name, value in node.items() if name != "multipleOf"}
    if isinstance(node, list):
        return [_without_remainders(value) for value in node]
    return node


def _numbers(schema: _Schema, definitions: Mapping[str, _Schema]) -> _Numbers:
    """Return where a schema has numbers; the schemas of OCPP do not refer to themselves."""
    if "$ref" in schema:
        return _numbers(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if schema.get("type") == "array":
        return _numbers(schema.get("items", {}), definitions)
    found = {name: _numbers(child, definitions) for name, child in schema.get("properties", {}).items()}
    return _Numbers(
        members={name: child for name, child in found.items() if not child.is_empty},
        is_number=schema.get("type") == "number",
        in_tenths="multipleOf" in schema,
    )


def _check_numbers(action: str, where: str, value: object, numbers: _Numbers) -> None:
    """Check every number below ``value``."""
    if numbers.is_empty:
        return
    if isinstance(value, list):
        for i, element in enumerate(value):
            _check_numbers(action, f"{where}[{i}]", element, numbers)
    elif isinstance(value, dict):
        for name in value.keys() & numbers.members.keys():
            _check_numbers(action, f"{where}.{name}", value[name], numbers.members[name])
    elif isinstance(value, int | float):
        _check_number(action, where, value, numbers)


def _check_number(action: str, where: str, value: float, numbers: _Numbers) -> None:
    """Check one number: finite, and the float closest to one decimal where the schema asks for it."""
    if not math.isfinite(value):
        raise InvalidMessageError(action, where, "must be finite")
    if numbers.in_tenths and round(value, 1) != value:
        raise InvalidMessageError(action, where, "must have at most one decimal")
