"""Messages drawn from the schemas themselves and damaged on their way: none is our failure."""

import json

from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.frames import Call, parse_frame
from api.ocpp.session import Session
from api.ocpp.session_events import CallReceived, FrameToSend
from api.ocpp.validation import MessageValidator
from tests.api.ocpp.drawn import messages

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
COMMON = ("BootNotification", "Heartbeat", "StatusNotification", "Authorize", "MeterValues")
WITH_EFFECT = {
    OcppVersion.V16: (*COMMON, "StartTransaction", "StopTransaction"),
    OcppVersion.V201: (*COMMON, "TransactionEvent"),
    OcppVersion.V21: (*COMMON, "TransactionEvent"),
}
ACTIONS = [(version, action) for version in OcppVersion for action in WITH_EFFECT[version]]


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
