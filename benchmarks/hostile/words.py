"""Messages that fit their schemas: what hostile ones are made of, and what honest stations say between them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from random import Random
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator

Schema: TypeAlias = Mapping[str, Any]

_FOLDERS: Final = MappingProxyType({OcppVersion.V16: "v16", OcppVersion.V201: "v201", OcppVersion.V21: "v21"})
_TIMES: Final = (
    "2024-05-01T12:00:00Z",
    "2024-05-01T12:00:00.123456+02:00",
    "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "2024-02-29T23:59:60Z",
    "2024-05-01T12:00:00",
)
_LETTERS: Final = "abcXYZ019 -_.:/\\\"'äß漢\U0001f50c"
_WHOLE: Final = (0, 1, -1, 2, 7, 230, 86_400, 2**31 - 1, -(2**31))
_BROKEN: Final = (0.0, 0.1, -0.1, 16.0, 22_000.5, 1e9, 5e-324)
_OPTIONAL_SHARE: Final = 0.35
_LONGEST_TEXT: Final = 12
_MOST_ITEMS: Final = 3
_DEEPEST: Final = 7


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Valid payloads of one version, as JSON text.

    Parameters
    ----------
    calls : tuple of (str, str)
        Action and payload of what a station calls.
    answers : mapping of str to tuple of str
        Payloads of answers to our own calls, by action.
    """

    calls: tuple[tuple[str, str], ...]
    answers: Mapping[str, tuple[str, ...]]


def vocabulary(version: OcppVersion, answered: tuple[str, ...], seed: int, each: int = 12) -> Vocabulary:
    """Return valid messages of a version, ``each`` of every action; ``answered`` are the actions that we call."""
    rng, validator, dialect = Random(f"{seed}/{version}"), MessageValidator(version), DIALECTS[version]  # noqa: S311 - no secret
    actions = sorted(dialect.INCOMING_ACTIONS)
    calls = [
        (action, text)
        for action in actions
        for text in _texts(rng, validator, version, action, MessageKind.REQUEST, each)
    ]
    answers = {
        action: tuple(_texts(rng, validator, version, action, MessageKind.RESPONSE, each))
        for action in answered
    }
    return Vocabulary(tuple(calls), answers)


def drawn(rng: Random, schema: Schema, definitions: Schema, depth: int = 0) -> Any:  # noqa: ANN401 - any JSON
    """Return a value that fits a schema of OCPP, nearly always."""
    if "$ref" in schema:
        return drawn(rng, definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions, depth)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kinds = {"object": _object, "array": _array, "string": _text, "integer": _integer, "number": _number}
    draw = kinds.get(schema.get("type", "boolean"))
    if draw is None:
        return rng.random() < 0.5  # noqa: PLR2004 - a coin
    return draw(rng, schema, definitions, depth)


def _texts(
    rng: Random, validator: MessageValidator, version: OcppVersion, action: str, kind: MessageKind, each: int
) -> list[str]:
    """Return valid payloads of one message; what does not fit after all is left out."""
    schema = _schema(version, action, kind)
    found = []
    for _ in range(each):
        payload = drawn(rng, schema, schema.get("definitions", {}))
        try:
            validator.check(action, kind, payload)
        except InvalidMessageError:
            continue
        found.append(json.dumps(payload, separators=(",", ":"), ensure_ascii=rng.random() < 0.5))  # noqa: PLR2004 - a coin
    return found


def _schema(version: OcppVersion, action: str, kind: MessageKind) -> Schema:
    suffix = "" if version is OcppVersion.V16 and kind is MessageKind.REQUEST else kind.value
    file = resources.files("ocpp").joinpath(_FOLDERS[version], "schemas", f"{action}{suffix}.json")
    schema: Schema = json.loads(file.read_text(encoding="utf-8-sig"))
    return schema


def _object(rng: Random, schema: Schema, definitions: Schema, depth: int) -> dict[str, Any]:
    needed = set(schema.get("required", ()))
    share = _OPTIONAL_SHARE if depth < _DEEPEST else 0.0
    return {
        name: drawn(rng, child, definitions, depth + 1)
        for name, child in schema.get("properties", {}).items()
        if name in needed or rng.random() < share
    }


def _array(rng: Random, schema: Schema, definitions: Schema, depth: int) -> list[Any]:
    least = schema.get("minItems", 0)
    n = rng.randint(least, max(least, min(schema.get("maxItems", _MOST_ITEMS), _MOST_ITEMS)))
    return [drawn(rng, schema.get("items", {}), definitions, depth + 1) for _ in range(n)]


def _text(rng: Random, schema: Schema, _definitions: Schema, _depth: int) -> str:
    if schema.get("format") == "date-time":
        return rng.choice(_TIMES)
    longest = min(schema.get("maxLength", _LONGEST_TEXT), _LONGEST_TEXT)
    shown = rng.choice(("", "1500", "NaN", "-1e308", "T")) if rng.random() < _OPTIONAL_SHARE else None
    if shown is not None and len(shown) <= longest:
        return shown
    return "".join(rng.choices(_LETTERS, k=rng.randint(1, longest)))


def _integer(rng: Random, schema: Schema, _definitions: Schema, _depth: int) -> int:
    least, most = schema.get("minimum", _WHOLE[-1]), schema.get("maximum", _WHOLE[-2])
    fitting = [value for value in _WHOLE if least <= value <= most]
    return rng.choice(fitting) if fitting else int(least)


def _number(rng: Random, schema: Schema, _definitions: Schema, _depth: int) -> float:
    if "multipleOf" in schema:
        return rng.choice((0.0, 0.1, 16.0, 6.3))
    least, most = schema.get("minimum", -1e12), schema.get("maximum", 1e12)
    fitting = [value for value in _BROKEN if least <= value <= most]
    return rng.choice(fitting) if fitting else float(least)
