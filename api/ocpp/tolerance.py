"""What stations send that their schema refuses, and that does no harm.

Members that a schema does not know, optional ones that are empty or null, and words of a sampled value that it
does not list ("Hz", which OCPP 1.6 has forgotten, or a vendor's own measurand) are met in the field. To refuse a
message for them would lose its meter values; so they are counted, and taken out where nobody could read them.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import ValidationErrorKind

from api.ocpp.wire import Payload

_WORDS: Final = frozenset({"unit", "measurand", "context", "location", "phase", "format"})
_SAMPLES: Final = "sampledValue"
_MOST_FAULTS: Final = 256
"""A message with more is not worth a closer look, and looking would take long."""

_Place = tuple[tuple[str | int, ...], str]


def tolerated(
    payload: Payload, validator: jsonschema_rs.Validator
) -> tuple[tuple[str, ...], list[jsonschema_rs.ValidationError]]:
    """Return what is odd about a payload and was taken out or passed over, and what is wrong with it."""
    errors = _faults(payload, validator)
    if len(errors) > _MOST_FAULTS:
        return (), errors
    strange = [name for error in errors for name in _taken_out_unknown(payload, error)]
    empty = {place: value for error in errors for place, value in _taken_out_empty(payload, error)}
    if strange or empty:
        errors = _faults(payload, validator)
    missed = [place for error in errors for place in _missing(error) if place in empty]
    for place in missed:  # it was needed: the message is as faulty as before
        _at(payload, place[0])[place[1]] = empty.pop(place)
    words = [error for error in errors if _is_unknown_word(error)]
    oddities = (
        *(f"{name!r} is not known" for name in strange),
        *(f"{name!r} is empty" for _, name in empty),
        *(f"{error.instance_path[-1]!r} is the unknown word {error.instance!r}" for error in words),
    )
    return oddities, [error for error in errors if error not in words]


def _faults(payload: Payload, validator: jsonschema_rs.Validator) -> list[jsonschema_rs.ValidationError]:
    return list(islice(validator.iter_errors(payload), _MOST_FAULTS + 1))


def _is_unknown_word(error: jsonschema_rs.ValidationError) -> bool:
    """Tell whether a word of a sampled value is none that the schema lists; a reader passes over it."""
    path = error.instance_path
    is_word = len(path) > 1 and path[-1] in _WORDS and isinstance(error.instance, str)
    return is_word and isinstance(error.kind, ValidationErrorKind.Enum) and _SAMPLES in path


def _taken_out_unknown(payload: Payload, error: jsonschema_rs.ValidationError) -> Iterator[str]:
    """Take out the members that an object may not have."""
    if isinstance(error.kind, ValidationErrorKind.AdditionalProperties):
        parent = _at(payload, error.instance_path)
        for name in error.kind.unexpected:
            del parent[name]
            yield name


def _taken_out_empty(payload: Payload, error: jsonschema_rs.ValidationError) -> Iterator[tuple[_Place, Any]]:
    """Take out a member that is empty, whose place and value are returned."""
    if error.instance is not None and error.instance != "":
        return
    *above, name = error.instance_path or [0]
    parent = _at(payload, above)
    if isinstance(name, str) and name in parent:
        yield (tuple(above), name), parent.pop(name)


def _missing(error: jsonschema_rs.ValidationError) -> Iterator[_Place]:
    """Return the place that an object should have filled."""
    if isinstance(error.kind, ValidationErrorKind.Required):
        yield tuple(error.instance_path), error.kind.property


def _at(payload: Payload, path: list[str | int] | tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON
    """Return the value at a path."""
    value: Any = payload
    for member in path:
        value = value[member]
    return value
