"""The schemas of OCPP as tests use them: what fits one is drawn, the order of members is read, actions are listed."""

import json
from collections.abc import Callable
from functools import cache
from importlib import resources

from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import MessageKind

TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.sampled_from(
    ["2024-05-01T12:00:00+14:00", "9999-12-31T23:59:59.999999999Z", "2024-05-01T12:00:00"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
NUMBERS_AS_TEXT = st.sampled_from(["0", "-1", "NaN", "1e400", "12.5", "", "abc", "٣", "1" * 400])


@cache
def schema_of(version, action, kind=MessageKind.REQUEST):
    suffix = "" if version is OcppVersion.V16 and kind is MessageKind.REQUEST else kind.value
    folder = resources.files("ocpp").joinpath(version.name.lower(), "schemas")
    file = folder.joinpath(f"{action}{suffix}.json")
    if not file.is_file():  # a message that is sent and not answered
        file = folder.joinpath(f"{action}.json")
    return json.loads(file.read_text("utf-8-sig"))


@cache
def actions_of(version):
    """Every request of a version, whoever sends it."""
    folder = resources.files("ocpp").joinpath(version.name.lower(), "schemas")
    names = {file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")}
    return frozenset(name.removesuffix("Request") for name in names if not name.endswith("Response"))


def messages(version, action, kind=MessageKind.REQUEST):
    """Strategy for payloads that fit the schema of a message, odd values first."""
    schema = schema_of(version, action, kind)
    return values(schema, schema.get("definitions", {}))


def values(schema, definitions):
    """Strategy for what fits a schema of OCPP."""
    if "$ref" in schema:
        return values(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("format") == "date-time":
        return TIMES
    return BY_TYPE[schema.get("type", "anything")](schema, definitions)


def texts(schema, _):
    most = schema.get("maxLength", 50)
    return (NUMBERS_AS_TEXT | TEXTS).map(lambda text: text[:most])


def arrays(schema, definitions):
    least = schema.get("minItems", 0)
    most = min(schema.get("maxItems", 2), max(2, least))
    return st.lists(values(schema["items"], definitions), min_size=least, max_size=most)


def objects(schema, definitions):
    properties = dict(schema.get("properties", {}))
    if properties.pop("customData", None):
        properties["customData"] = CUSTOM
    required = set(schema.get("required", ()))
    fixed = {name: member(child, definitions) for name, child in properties.items() if name in required}
    optional = {
        name: member(child, definitions) for name, child in properties.items() if name not in required
    }
    return st.fixed_dictionaries(fixed, optional=optional)


def member(schema, definitions):
    return schema if isinstance(schema, st.SearchStrategy) else values(schema, definitions)


def numbers(schema, _):
    least, most = schema.get("minimum", -1e30), schema.get("maximum", 1e30)
    if "multipleOf" in schema:
        return st.integers(-100, 10_000).map(lambda tenths: tenths / 10)
    drawn = st.floats(least, most, allow_nan=False, allow_infinity=False)
    return drawn | st.sampled_from([n for n in (0, 1, -1, 16.0) if within(schema, n)])


def integers(schema, _):
    odd = [n for n in (0, 1, -1, 2**31 - 1, -(2**31)) if within(schema, n)]
    least, most = int(schema.get("minimum", 0)), int(schema.get("maximum", 100))
    return st.sampled_from(odd) | st.integers(least, max(least, most))


def within(schema, number):
    return schema.get("minimum", number) <= number <= schema.get("maximum", number)


ODD: tuple[object, ...] = (None, [], 1, "y")
CUSTOM: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
    {"vendorId": st.sampled_from(["", "com.example"])}, optional={"x": st.sampled_from(ODD)}
)
BY_TYPE = {
    "object": objects,
    "array": arrays,
    "string": texts,
    "integer": integers,
    "number": numbers,
    "boolean": lambda *_: st.booleans(),
    "anything": lambda *_: st.sampled_from([None, 0, "", []]),
}


def disorder(version, action, payload, kind=MessageKind.REQUEST):
    """Where members of a payload do not follow their schema, as paths; empty where all do."""
    schema = schema_of(version, action, kind)
    return list(_disorder(schema, payload, schema.get("definitions", {}), action))


def _disorder(schema, value, definitions, where):
    if "$ref" in schema:
        yield from _disorder(definitions[schema["$ref"].rsplit("/", 1)[-1]], value, definitions, where)
    elif isinstance(value, list):
        for i, element in enumerate(value):
            yield from _disorder(schema["items"], element, definitions, f"{where}[{i}]")
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        order = [name for name in properties if name in value]
        if order != [name for name in value if name in properties]:
            yield where
        for name in order:
            yield from _disorder(properties[name], value[name], definitions, f"{where}.{name}")


def least(version, action):
    """The smallest payload that fits the schema of a request."""
    schema = schema_of(version, action)
    return _least(schema, schema.get("definitions", {}))


def _least(schema, definitions):
    if "$ref" in schema:
        return _least(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("format") == "date-time":
        return "2024-05-01T12:00:00Z"
    return LEAST[schema["type"]](schema, definitions)


def _least_object(schema, definitions):
    required = schema.get("required", ())
    members = schema.get("properties", {}).items()
    return {name: _least(child, definitions) for name, child in members if name in required}


LEAST: dict[str, Callable[..., object]] = {
    "object": _least_object,
    "array": lambda schema, known: [_least(schema["items"], known)] * schema.get("minItems", 0),
    "string": lambda schema, _: "GOOD"[: schema.get("maxLength", 4)],
    "boolean": lambda *_: False,
    "integer": lambda schema, _: int(schema.get("minimum", 1)),
    "number": lambda schema, _: schema.get("minimum", 1.0),
}
