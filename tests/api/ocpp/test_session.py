"""The conversation: rows of state, message and frame, in both directions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.session import Session
from api.ocpp.session_events import (
    FAULTS_OF_PEER,
    NOT_AN_ANSWER,
    AnswerRefused,
    CallAnswered,
    CallFailed,
    CallReceived,
    CallTimedOut,
    FrameToSend,
    Oddity,
    SendReceived,
    SessionEvent,
)
from api.ocpp.session_state import (
    TRANSITIONS,
    OurProtocolError,
    PeerProtocolError,
    SessionLimits,
    State,
    Step,
    next_state,
)
from api.ocpp.validation import MessageValidator
from api.ocpp.wire import Command, Fault

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
NOW = "2024-05-01T12:00:00Z"
CLEAR = Command("ClearChargingProfile", {"id": 1})


def new_session(version=OcppVersion.V16, **limits):
    return Session(DIALECTS[version], VALIDATORS[version], SessionLimits(**limits), id_prefix="g")


def call(message_id, action="Heartbeat", payload=None):
    return json.dumps([2, message_id, action, payload or {}])


def frames(events):
    return [json.loads(event.text) for event in events if isinstance(event, FrameToSend)]


# --- the station calls ----------------------------------------------------------------------------


def test_c24_one_call_at_a_time_reaches_the_application_in_their_order():
    session = new_session()
    assert session.receive(call("a")) == (CallReceived("a", "Heartbeat", {}),)
    assert session.receive(call("b", "Authorize", {"idTag": "T"})) == ()
    assert session.oddities == {Oddity.OVERLAPPING: 1}
    sent, following = session.answer("a", {"currentTime": NOW})
    assert json.loads(sent.text) == [3, "a", {"currentTime": NOW}]
    assert following == CallReceived("b", "Authorize", {"idTag": "T"})
    states = [session.incoming]
    session.answer("b", {"idTagInfo": {"status": "Accepted"}})
    states.append(session.incoming)
    assert states == [State.BUSY, State.IDLE]


INCOMING_ROWS = [
    # version, frame, code of the CALLERROR, id of the CALLERROR, oddity
    (OcppVersion.V16, "garbage", "FormationViolation", "-1", Oddity.MALFORMED),
    (OcppVersion.V201, "garbage", "RpcFrameworkError", "-1", Oddity.MALFORMED),
    (OcppVersion.V16, '[2,"a","Heartbeat"]', "FormationViolation", "a", Oddity.MALFORMED),
    (OcppVersion.V201, '[2,"a","Heartbeat"]', "RpcFrameworkError", "a", Oddity.MALFORMED),
    (OcppVersion.V16, call("a", "Nonsense"), "NotImplemented", "a", Oddity.UNKNOWN_ACTION),
    (OcppVersion.V201, call("a", "StartTransaction"), "NotImplemented", "a", Oddity.UNKNOWN_ACTION),
    (OcppVersion.V16, call("a", "SetChargingProfile"), "NotImplemented", "a", Oddity.UNKNOWN_ACTION),
    (OcppVersion.V16, call("a", "Authorize"), "FormationViolation", "a", Oddity.INVALID_CALL),
    (OcppVersion.V201, call("a", "Authorize"), "FormatViolation", "a", Oddity.INVALID_CALL),
    (OcppVersion.V16, call("a", "Authorize", {"idTag": 1}), "FormationViolation", "a", Oddity.INVALID_CALL),
]


@pytest.mark.parametrize(("version", "text", "code", "message_id", "oddity"), INCOMING_ROWS)
@pytest.mark.parametrize("state", [State.IDLE, State.BUSY])
def test_a_faulty_call_is_answered_by_its_error_and_changes_no_state(
    version, text, code, message_id, oddity, state
):
    session = new_session(version)
    if state is State.BUSY:
        session.receive(call("first"))
    (frame,) = frames(session.receive(text))
    assert frame[:3] == [4, message_id, code]
    assert session.oddities == {oddity: 1}
    assert session.incoming is state


def test_a_repeated_call_gets_its_answer_again_and_is_not_handled_twice():
    session = new_session()
    session.receive(call("a"))
    assert session.receive(call("a")) == ()
    (answer,) = session.answer("a", {"currentTime": NOW})
    assert session.receive(call("a")) == (answer,)
    assert session.oddities == {Oddity.REPEATED: 2}


def test_an_id_that_belongs_to_another_call_is_refused():
    session = new_session()
    session.receive(call("a"))
    (frame,) = frames(session.receive(call("a", "Authorize", {"idTag": "T"})))
    assert frame[:3] == [4, "a", "ProtocolError"]
    session.answer("a", {"currentTime": NOW})
    assert frames(session.receive(call("a", "Authorize", {"idTag": "T"})))[0][2] == "ProtocolError"
    assert session.oddities == {Oddity.REUSED_ID: 2}


def test_answers_are_remembered_up_to_a_bound():
    session = new_session(remembered=2)
    for message_id in "abc":
        session.receive(call(message_id))
        session.answer(message_id, {"currentTime": NOW})
    assert isinstance(session.receive(call("a"))[0], CallReceived)


def test_calls_wait_up_to_a_bound():
    session = new_session(backlog=1)
    session.receive(call("a"))
    session.receive(call("b"))
    (frame,) = frames(session.receive(call("c")))
    assert frame[:3] == [4, "c", "InternalError"]


def test_a_call_that_we_cannot_serve_is_refused_and_the_next_follows():
    session = new_session()
    session.receive(call("a"))
    session.receive(call("b"))
    sent, following = session.refuse("a", Fault.INTERNAL, "x" * 1000)
    code, description = json.loads(sent.text)[2:4]
    assert code == "InternalError"
    assert len(description) == 255
    assert following.message_id == "b"


def test_an_answer_to_no_call_and_an_invalid_answer_are_our_fault():
    session = new_session()
    with pytest.raises(OurProtocolError):
        session.answer("a", {})
    session.receive(call("a"))
    with pytest.raises(OurProtocolError, match="currentTime"):
        session.answer("a", {})
    session.answer("a", {"currentTime": NOW})
    with pytest.raises(OurProtocolError):
        session.answer("a", {"currentTime": NOW})


# --- we call --------------------------------------------------------------------------------------


OUTGOING_ROWS = [
    # frame of the station, event, state afterwards
    (
        '[3,"g1",{"status":"Accepted"}]',
        CallAnswered("g1", "ClearChargingProfile", {"status": "Accepted"}),
        State.IDLE,
    ),
    (
        '[4,"g1","NotSupported","no",{}]',
        CallFailed("g1", "ClearChargingProfile", "NotSupported", "no"),
        State.IDLE,
    ),
    ('[3,"g2",{"status":"Accepted"}]', None, State.BUSY),
    ('[4,"-1","GenericError","",{}]', None, State.BUSY),
    ('[3,"g2"]', None, State.BUSY),
    ('[6,"g1","SomeAction",{}]', None, State.BUSY),
]


@pytest.mark.parametrize(("text", "event", "state"), OUTGOING_ROWS)
def test_the_answer_to_our_call_is_told_by_its_id(text, event, state):
    session = new_session()
    message_id, frame = session.call(CLEAR, now=0.0)
    assert message_id == "g1"
    assert json.loads(frame.text) == [2, "g1", "ClearChargingProfile", {"id": 1}]
    assert session.receive(text) == (() if event is None else (event,))
    assert session.outgoing is state


@pytest.mark.parametrize("text", ['[3,"g1",{"status":"Perhaps"}]', '[3,"g1"]', '[4,"g1","X"]'])
def test_an_answer_that_is_none_fails_the_call(text):
    session = new_session()
    session.call(CLEAR, now=0.0)
    (event,) = session.receive(text)
    assert isinstance(event, CallFailed)
    assert event.code == NOT_AN_ANSWER
    assert session.outgoing is State.IDLE


def test_c24_only_one_call_of_ours_is_on_the_way():
    session = new_session()
    session.call(CLEAR, now=0.0)
    with pytest.raises(OurProtocolError):
        session.call(CLEAR, now=0.0)


def test_an_invalid_call_of_ours_is_not_sent():
    session = new_session()
    for command in (Command("ClearChargingProfile", {"id": "one"}), Command("NoSuchAction", {})):
        with pytest.raises(OurProtocolError):
            session.call(command, now=0.0)
    assert session.outgoing is State.IDLE


def test_a_call_times_out_and_its_late_answer_is_discarded():
    session = new_session(call_timeout_s=30)
    session.call(CLEAR, now=100.0)
    assert session.expire(129.9) is None
    assert session.expire(130.0) == CallTimedOut("g1", "ClearChargingProfile")
    assert session.expire(1e9) is None
    message_id, _ = session.call(CLEAR, now=131.0)
    assert message_id == "g2"
    assert session.receive('[3,"g1",{"status":"Accepted"}]') == ()
    assert session.oddities == {Oddity.UNSOLICITED: 1}
    assert session.outgoing is State.BUSY


def test_a_duplicate_answer_is_discarded():
    session = new_session()
    session.call(CLEAR, now=0.0)
    session.receive('[3,"g1",{"status":"Unknown"}]')
    assert session.receive('[3,"g1",{"status":"Unknown"}]') == ()
    assert session.oddities == {Oddity.UNSOLICITED: 1}


def test_c24_our_ids_are_unique_and_short():
    session = Session(DIALECTS[OcppVersion.V16], VALIDATORS[OcppVersion.V16], id_prefix="0123456789ab-")
    ids = set()
    for _ in range(50):
        message_id, _ = session.call(CLEAR, now=0.0)
        ids.add(message_id)
        session.receive(json.dumps([3, message_id, {"status": "Accepted"}]))
    assert len(ids) == 50
    assert all(len(message_id) <= 36 for message_id in ids)


# --- frames of 2.1 ---------------------------------------------------------------------------------


STREAM = {"id": 1, "pending": 0, "basetime": NOW, "data": [{"t": 0, "v": "1"}]}
BAD_ANSWERS = ['[3,"g1",{"status":"Perhaps"}]', '[3,"g1"]']


@pytest.mark.parametrize("text", BAD_ANSWERS)
def test_a_2_1_station_is_told_that_its_answer_is_none(text):
    session = new_session(OcppVersion.V21)
    session.call(Command("ClearChargingProfile", {"chargingProfileId": 1}), now=0.0)
    told, failed = session.receive(text)
    assert json.loads(told.text)[:2] == [5, "g1"]
    assert isinstance(failed, CallFailed)
    assert session.outgoing is State.IDLE


@pytest.mark.parametrize("text", BAD_ANSWERS)
def test_an_older_station_is_not_told_what_it_could_not_read(text):
    session = new_session(OcppVersion.V16)
    session.call(CLEAR, now=0.0)
    assert frames(session.receive(text)) == []


def test_a_2_1_station_tells_that_an_answer_of_ours_was_none():
    session = new_session(OcppVersion.V21)
    refusal = '[5,"a","FormatViolation","what?",{}]'
    assert session.receive(refusal) == ()
    session.receive(call("a"))
    session.answer("a", {"currentTime": NOW})
    assert session.receive(refusal) == (AnswerRefused("a", "FormatViolation", "what?"),)
    assert session.oddities == {Oddity.UNSOLICITED: 1, Oddity.ANSWER_REFUSED: 1}


def sent(action, payload):
    return json.dumps([6, "s", action, payload])


def test_what_a_2_1_station_sends_is_handed_over_and_not_answered_while_it_calls():
    session = new_session(OcppVersion.V21)
    session.receive(call("a"))
    message = sent("NotifyPeriodicEventStream", STREAM)
    assert session.receive(message) == (SendReceived("s", "NotifyPeriodicEventStream", STREAM),)
    assert session.receive(message) == (SendReceived("s", "NotifyPeriodicEventStream", STREAM),)
    assert session.incoming is State.BUSY
    assert not session.oddities


@pytest.mark.parametrize(
    ("version", "text", "oddity"),
    [
        (OcppVersion.V21, sent("NotifyPeriodicEventStream", STREAM | {"data": []}), Oddity.INVALID_SEND),
        (OcppVersion.V21, sent("Heartbeat", {}), Oddity.UNKNOWN_ACTION),
        (OcppVersion.V21, '[6,"s","NotifyPeriodicEventStream"]', Oddity.MALFORMED),
        (OcppVersion.V201, sent("NotifyPeriodicEventStream", STREAM), Oddity.UNKNOWN_TYPE),
        (OcppVersion.V16, sent("Heartbeat", {}), Oddity.UNKNOWN_TYPE),
        (OcppVersion.V16, '[5,"a","FormatViolation","",{}]', Oddity.UNKNOWN_TYPE),
    ],
)
def test_what_is_sent_wrongly_is_counted_and_never_answered(version, text, oddity):
    session = new_session(version)
    assert session.receive(text) == ()
    assert session.oddities == {oddity: 1}


# --- both directions ------------------------------------------------------------------------------


def test_both_directions_are_independent():
    session = new_session()
    session.receive(call("g1"))
    session.call(CLEAR, now=0.0)
    assert isinstance(session.receive('[3,"g1",{"status":"Accepted"}]')[0], CallAnswered)
    assert frames(session.answer("g1", {"currentTime": NOW})) == [[3, "g1", {"currentTime": NOW}]]


def test_a_peer_that_only_makes_faults_is_given_up():
    session = new_session(bad_messages=5)
    for _ in range(5):
        session.receive("garbage")
    with pytest.raises(PeerProtocolError):
        session.receive("garbage")


def test_a_peer_that_makes_a_fault_now_and_then_is_kept():
    session = new_session(bad_messages=2)
    for i in range(20):
        session.receive("garbage")
        session.receive(call(str(i)))
        session.answer(str(i), {"currentTime": NOW})
    assert session.oddities[Oddity.MALFORMED] == 20


def test_a_closed_session_does_nothing_more():
    session = new_session()
    session.receive(call("a"))
    session.call(CLEAR, now=0.0)
    session.close()
    session.close()
    for forbidden in (
        lambda: session.call(CLEAR, now=0.0),
        lambda: session.receive(call("b")),
        lambda: session.answer("a", {"currentTime": NOW}),
    ):
        with pytest.raises(OurProtocolError):
            forbidden()
    assert session.expire(1e9) is None


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("step", list(Step))
def test_a_step_that_the_table_does_not_have_is_our_fault(state, step):
    if (state, step) in TRANSITIONS:
        assert isinstance(next_state(state, step), State)
    else:
        with pytest.raises(OurProtocolError):
            next_state(state, step)


MESSAGES = st.one_of(
    st.sampled_from([row[1] for row in INCOMING_ROWS] + [row[0] for row in OUTGOING_ROWS]),
    st.builds(call, st.sampled_from(["a", "b", "c", "d"])),
    st.just("ours"),
    st.just("answer"),
    st.just("expire"),
)


@given(st.lists(MESSAGES, max_size=40), st.sampled_from(OcppVersion))
def test_whatever_comes_in_whatever_order_every_call_is_answered_at_most_once(texts, version):
    session = new_session(version, bad_messages=1000)
    received: list[CallReceived] = []
    answered: list[str] = []
    for text in texts:
        events: tuple[SessionEvent, ...] = ()
        if text == "answer":
            waiting = [event for event in received if event.message_id not in answered]
            if waiting:
                answered.append(waiting[0].message_id)
                events = session.answer(waiting[0].message_id, {"currentTime": NOW})
        elif text == "expire":
            session.expire(1e9)
        elif text == "ours":
            if session.outgoing is State.IDLE:
                payload = {"id": 1} if version is OcppVersion.V16 else {"chargingProfileId": 1}
                session.call(Command("ClearChargingProfile", payload), now=0.0)
        else:
            events = session.receive(text)
        received += [event for event in events if isinstance(event, CallReceived)]
        assert len(received) - len(answered) <= 1
        assert (session.incoming is State.BUSY) == (len(received) > len(answered))
    assert len({event.message_id for event in received}) == len(received)
    assert set(session.oddities) - FAULTS_OF_PEER <= set(Oddity)
