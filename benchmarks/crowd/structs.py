"""Structs of ``msgspec`` made from a JSON schema, as fast as they can be: read and checked in one go."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec

_Schema: TypeAlias = Mapping[str, Any]
_SIMPLE: Final[Mapping[str, Any]] = {"boolean": bool, "integer": int, "number": float, "string": str}


def struct_of(schema: _Schema) -> Any:  # noqa: ANN401 - a type made at run time
    """Return a type that reads what a schema allows."""
    return _type_of(schema, schema.get("definitions", {}), "Message")


def _type_of(schema: _Schema, definitions: Mapping[str, _Schema], name: str) -> Any:  # noqa: ANN401 - as above
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = definitions[name]
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    match schema.get("type"):
        case "object":
            return _struct(schema, definitions, name)
        case "array":
            inner = _type_of(schema.get("items", {}), definitions, name)
            bounds = msgspec.Meta(min_length=schema.get("minItems"), max_length=schema.get("maxItems"))
            return Annotated[list[inner], bounds]  # type: ignore[valid-type]  # made at run time
        case "string" if "maxLength" in schema:
            return Annotated[str, msgspec.Meta(max_length=schema["maxLength"])]
    return _SIMPLE.get(schema.get("type", ""), Any)


def _struct(schema: _Schema, definitions: Mapping[str, _Schema], name: str) -> Any:  # noqa: ANN401 - as above
    properties: Mapping[str, _Schema] = schema.get("properties", {})
    if not properties:
        return dict[str, Any]
    required = set(schema.get("required", ()))
    fields: list[Any] = []
    for member in sorted(properties, key=lambda member: member not in required):
        kind = _type_of(properties[member], definitions, f"{name}_{member}")
        optional = (member, kind | msgspec.UnsetType, msgspec.UNSET) if member not in required else None
        fields.append(optional or (member, kind))
    return msgspec.defstruct(
        name, fields, forbid_unknown_fields=schema.get("additionalProperties") is False, kw_only=True
    )
