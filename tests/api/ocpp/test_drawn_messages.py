"""Messages drawn from the schemas themselves: each valid one is understood and answered, none is our failure."""

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import (
    Acknowledgement,
    AuthorizationDecision,
    AuthorizationStatus,
    AuthorizeRequested,
    BootDecision,
    Booted,
    TransactionDecision,
    TransactionStarted,
)
from api.ocpp.frames import Call, parse_frame
from api.ocpp.registry import utc_now
from api.ocpp.session import Session
from api.ocpp.session_events import CallReceived, FrameToSend
from api.ocpp.validation import MessageKind, MessageValidator

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
COMMON = ("BootNotification", "Heartbeat", "StatusNotification", "Authorize", "MeterValues")
WITH_EFFECT = {
    OcppVersion.V16: (*COMMON, "StartTransaction", "StopTransaction"),
    OcppVersion.V201: (*COMMON, "TransactionEvent"),
}
ACTIONS = [(version, action) for version in OcppVersion for action in WITH_EFFECT[version]]
TIMES = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.sampled_from(
    ["2024-05-01T12:00:00+14:00", "9999-12-31T23:59:59.999999999Z", "2024-05-01T12:00:00"]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NUMBERS_AS_TEXT = st.sampled_from(["0", "-1", "NaN", "1e400", "12.5", "", "abc", "٣", "1" * 400])


def values(schema, definitions):
    """Strategy for what fits a schema of OCPP, odd values first."""
    if "$ref" in schema:
        return values(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema.get("format") == "date-time":
        return TIMES
    return BY_TYPE[schema["type"]](schema, definitions)


def texts(schema, _):
    most = schema.get("maxLength", 50)
    return (NUMBERS_AS_TEXT | TEXTS).map(lambda text: text[:most])


def arrays(schema, definitions):
    least = schema.get("minItems", 0)
    return st.lists(values(schema["items"], definitions), min_size=least, max_size=max(2, least))


def objects(schema, definitions):
    properties = {name: child for name, child in schema.get("properties", {}).items() if name != "customData"}
    required = set(schema.get("required", ()))
    fixed = {name: values(child, definitions) for name, child in properties.items() if name in required}
    optional = {
        name: values(child, definitions) for name, child in properties.items() if name not in required
    }
    return st.fixed_dictionaries(fixed, optional=optional)


BY_TYPE = {
    "object": objects,
    "array": arrays,
    "string": texts,
    "integer": lambda *_: st.sampled_from([0, 1, -1, 2**63, 10**30]) | st.integers(0, 100),
    "number": lambda *_: st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    "boolean": lambda *_: st.booleans(),
}


def messages(version, action):
    name = action if version is OcppVersion.V16 else f"{action}Request"
    folder = resources.files("ocpp").joinpath("v16" if version is OcppVersion.V16 else "v201", "schemas")
    schema = json.loads(folder.joinpath(f"{name}.json").read_text("utf-8-sig"))
    return values(schema, schema.get("definitions", {}))


def decision_for(event):
    match event:
        case Booted():
            return BootDecision()
        case AuthorizeRequested():
            return AuthorizationDecision(AuthorizationStatus.ACCEPTED)
        case TransactionStarted():
            return TransactionDecision("1")
    return Acknowledgement()


@pytest.mark.parametrize(("version", "action"), ACTIONS)
@given(st.data())
def test_a_message_that_fits_its_schema_is_understood_and_answered(version, action, data):
    payload = data.draw(messages(version, action))
    dialect, validator = DIALECTS[version], VALIDATORS[version]
    validator.check(action, MessageKind.REQUEST, payload)
    event = dialect.decode_event(action, payload)
    answer = dialect.encode_answer(event, decision_for(event), utc_now())
    validator.check(action, MessageKind.RESPONSE, answer)


@given(st.sampled_from(ACTIONS), st.data())
def test_a_message_that_was_damaged_on_its_way_is_refused_or_understood(kind, data):
    version, action = kind
    text = json.dumps([2, "1", action, data.draw(messages(version, action))])
    at = data.draw(st.integers(0, len(text) - 1))
    damaged = (
        text[:at] + data.draw(st.sampled_from(["", "0", '"', "null", "]", "}", "-", "\x00"])) + text[at + 1 :]
    )
    session = Session(DIALECTS[version], VALIDATORS[version])
    for event in session.receive(damaged):
        if isinstance(event, CallReceived):
            DIALECTS[version].decode_event(event.action, event.payload)
        else:
            assert isinstance(event, FrameToSend)
            assert not isinstance(parse_frame(event.text), Call)
