"""Members of a message in the order of its schema: some stations read them in no other."""

from collections.abc import Mapping
from typing import Any

from api.ocpp.capabilities import OcppVersion
from api.ocpp.catalogue import request_schema
from api.ocpp.wire import Command


def in_order_of_schema(command: Command, version: OcppVersion) -> Command:
    """Return a command that says the same, whoever has written it; what no schema knows stands last.

    The action is one that the version has.
    """
    schema = request_schema(version, command.action)
    return Command(command.action, _ordered(command.payload, schema, schema.get("definitions", {})))


def _ordered(value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    if "$ref" in schema:
        return _ordered(value, definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if isinstance(value, list):
        items = schema.get("items", {})
        return [_ordered(one, items, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    names = [*(name for name in known if name in value), *(name for name in value if name not in known)]
    return {name: _ordered(value[name], known.get(name, {}), definitions) for name in names}
