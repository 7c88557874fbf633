"""What is conforming but odd is taken and counted; what is wrong is refused; ours is strict."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.session import Session
from api.ocpp.session_events import CallReceived, FrameToSend, Oddity
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator
from tests.api.ocpp.drawn import messages

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
TIME = "2024-05-01T12:00:00Z"
REQUEST = MessageKind.REQUEST
ACTIONS = ("BootNotification", "MeterValues", "StatusNotification", "Authorize", "Heartbeat")


def metered(**sample):
    values = [{"timestamp": TIME, "sampledValue": [{"value": "50"} | sample]}]
    return {"connectorId": 1, "meterValue": values}


STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
ODD = [
    ("MeterValues", metered(unit="Hz", measurand="Frequency"), metered(unit="Hz", measurand="Frequency"), 1),
    ("MeterValues", metered(measurand="Vendor.Noise"), metered(measurand="Vendor.Noise"), 1),
    ("MeterValues", metered(unit="", phase=""), metered(), 2),
    ("MeterValues", metered(vendorNote=7), metered(), 1),
    ("MeterValues", metered() | {"transactionId": None}, metered(), 1),
    ("StatusNotification", STATUS | {"timestamp": "", "vendorId": ""}, STATUS | {"vendorId": ""}, 1),
    ("StatusNotification", STATUS | {"x": None, "y": {"z": [1]}}, STATUS, 2),
    ("Heartbeat", {"when": TIME}, {}, 1),
]


@pytest.mark.parametrize(("action", "payload", "left", "n_oddities"), ODD)
def test_what_is_odd_and_does_no_harm_is_taken(action, payload, left, n_oddities):
    payload = copy.deepcopy(payload)
    with pytest.raises(InvalidMessageError):
        VALIDATORS[OcppVersion.V16].check(action, REQUEST, payload)
    oddities = VALIDATORS[OcppVersion.V16].accept(action, REQUEST, payload)
    assert len(oddities) == n_oddities
    assert payload == left
    assert DIALECTS[OcppVersion.V16].decode_event(action, payload) is not None


WRONG = [
    ("MeterValues", metered(value=None), "value"),
    ("MeterValues", metered(value=1.5, unit="Hz"), "value"),
    ("MeterValues", metered() | {"connectorId": ""}, "connectorId"),
    (
        "MeterValues",
        {"connectorId": 1, "meterValue": [{"timestamp": "", "sampledValue": [{"value": "1"}]}]},
        "timestamp",
    ),
    ("StatusNotification", STATUS | {"status": "Bored", "x": 1}, "status"),
    ("Authorize", {"idTag": None}, "idTag"),
    ("Authorize", {"idTag": "x" * 21, "note": ""}, "idTag"),
]


@pytest.mark.parametrize(("action", "payload", "member"), WRONG)
def test_what_is_wrong_is_refused_by_its_path(action, payload, member):
    with pytest.raises(InvalidMessageError) as caught:
        VALIDATORS[OcppVersion.V16].accept(action, REQUEST, copy.deepcopy(payload))
    assert member in str(caught.value)


def test_a_message_with_countless_faults_is_refused_as_it_is():
    samples = [{"value": "1", "unit": "", f"x{i}": 1} for i in range(2000)]
    payload = {"connectorId": 1, "meterValue": [{"timestamp": TIME, "sampledValue": samples}]}
    before = copy.deepcopy(payload)
    with pytest.raises(InvalidMessageError):
        VALIDATORS[OcppVersion.V16].accept("MeterValues", REQUEST, payload)
    assert payload == before


@given(st.sampled_from(OcppVersion), st.sampled_from(ACTIONS), st.data())
def test_a_valid_message_is_taken_as_it_is(version, action, data):
    payload = data.draw(messages(version, action))
    before = copy.deepcopy(payload)
    assert VALIDATORS[version].accept(action, REQUEST, payload) == ()
    assert payload == before


@given(
    st.sampled_from(ACTIONS),
    st.text(min_size=1, max_size=9),
    st.none() | st.integers() | st.text(),
    st.data(),
)
def test_whatever_a_vendor_adds_to_a_valid_1_6_message_is_taken_out(action, name, value, data):
    payload = data.draw(messages(OcppVersion.V16, action))
    name = f"vendor {name}"
    added = copy.deepcopy(payload) | {name: value}
    assert VALIDATORS[OcppVersion.V16].accept(action, REQUEST, added)
    assert added == payload


def test_an_odd_call_is_counted_and_answered_and_an_odd_answer_of_ours_is_never_sent():
    heard = []
    session = Session(
        DIALECTS[OcppVersion.V16],
        VALIDATORS[OcppVersion.V16],
        noted=lambda oddity, what: heard.append((oddity, what)),
    )
    for message_id in "ab":
        text = json.dumps([2, message_id, "Heartbeat", {"vendor": 1}])
        assert session.receive(text) == (CallReceived(message_id, "Heartbeat", {}),)
        session.answer(message_id, {"currentTime": TIME})
        assert isinstance(session.receive(text)[0], FrameToSend)  # it is the same call again
    assert session.oddities == {Oddity.TOLERATED: 2, Oddity.REPEATED: 2}
    assert [oddity for oddity, _ in heard] == [Oddity.TOLERATED, Oddity.REPEATED]
    assert "vendor" in heard[0][1]
