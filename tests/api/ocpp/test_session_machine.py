"""A session and a naive twin hear and say the same, whatever comes in whatever order, in both directions."""

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.session import Session
from api.ocpp.session_events import CallAnswered, CallFailed, CallReceived, FrameToSend
from api.ocpp.session_state import OurProtocolError, PeerProtocolError, SessionLimits, State
from api.ocpp.validation import MessageValidator
from api.ocpp.wire import Command, Fault
from tests.reference.conversation import NaiveConversation

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
LIMITS = SessionLimits(backlog=3, remembered=2, bad_messages=4)
NOW = "2024-05-01T12:00:00Z"
CLEAR = Command("ClearChargingProfile", {})
COMMANDS = {
    OcppVersion.V16: CLEAR,
    OcppVersion.V201: Command("ClearChargingProfile", {"chargingProfileId": 1}),
    OcppVersion.V21: Command("ClearChargingProfile", {"chargingProfileId": 1}),
}
IDS = st.sampled_from(["a", "b", "c", "d", "e", "f"])
GARBAGE = st.sampled_from(
    ["", "x", "[", "{}", "[2]", '["2","a","Heartbeat",{}]', "null", '[2,"","Heartbeat",{}]']
)
WORDS = {2: "call", 3: "sent", 4: "error", 5: "result error"}


class Conversation(RuleBasedStateMachine):
    """One session beside its twin; subclasses say the version."""

    version = OcppVersion.V16

    def __init__(self):
        super().__init__()
        self.session: Any = None
        self.twin: Any = None

    def start(self):
        self.session = Session(DIALECTS[self.version], VALIDATORS[self.version], LIMITS, "g")
        self.twin = NaiveConversation(
            LIMITS.backlog, LIMITS.remembered, LIMITS.bad_messages, self.version is OcppVersion.V21
        )

    def said(self, events):
        """What has happened, in the words of the twin."""
        return [self.word(event) for event in events]

    def word(self, event):
        match event:
            case FrameToSend(text=text):
                kind, message_id, *_ = json.loads(text)
                repeats = any(one.answer == text for one in self.twin.exchanges)
                return ("repeat", text) if repeats else (WORDS[kind], message_id)
            case CallReceived(message_id=message_id):
                return ("ask", message_id)
            case CallAnswered(message_id=message_id):
                return ("answered", message_id)
            case CallFailed(message_id=message_id):
                return ("failed", message_id)
        raise AssertionError(event)

    def hears(self, text, tell):
        """Let both hear a frame; compare what they make of it, and begin anew where the peer is given up."""
        if self.session is None:
            self.start()
        expected = tell(self.twin)
        if self.twin.is_given_up:
            with pytest.raises(PeerProtocolError):
                self.session.receive(text)
            self.session.close()
            with pytest.raises(OurProtocolError):
                self.session.receive(text)
            self.start()
            return
        assert self.said(self.session.receive(text)) == expected
        self.compare()

    def compare(self):
        waiting = self.twin.waiting
        assert self.session.incoming is (State.BUSY if waiting else State.IDLE)
        assert self.session.outgoing is (State.IDLE if self.twin.ours is None else State.BUSY)
        assert self.session.has_full_backlog is (len(waiting) > LIMITS.backlog)

    # --- the peer -----------------------------------------------------------------------------

    @rule(message_id=IDS, vendor=st.sampled_from(["V", "W"]))
    def calls(self, message_id, vendor):
        text = json.dumps([2, message_id, "DataTransfer", {"vendorId": vendor}])
        self.hears(text, lambda twin: twin.call(message_id, text))

    @rule(message_id=IDS)
    def calls_what_does_not_fit(self, message_id):
        text = json.dumps([2, message_id, "DataTransfer", {"vendorId": 7}])
        self.hears(text, lambda twin: twin.call(message_id, text, is_valid=False))

    @rule(message_id=IDS, action=st.sampled_from(["Nonsense", "ClearChargingProfile", ""]))
    def calls_what_is_not_served(self, message_id, action):
        text = json.dumps([2, message_id, action, {}])
        self.hears(text, lambda twin: twin.call(message_id, text, is_known=False))

    @rule(text=GARBAGE)
    def talks_nonsense(self, text):
        self.hears(text, NaiveConversation.garbage)

    @rule(is_ours=st.booleans(), is_valid=st.booleans(), other=IDS)
    def answers(self, is_ours, is_valid, other):
        message_id = self.present(other, is_ours=is_ours)
        text = json.dumps([3, message_id, {"status": "Accepted" if is_valid else 7}])
        self.hears(text, lambda twin: twin.result(message_id, is_valid))

    @rule(is_ours=st.booleans(), other=IDS)
    def refuses(self, is_ours, other):
        message_id = self.present(other, is_ours=is_ours)
        text = json.dumps([4, message_id, "GenericError", "", {}])
        self.hears(text, lambda twin: twin.failure(message_id))

    @rule(kind=st.sampled_from([0, 1, 7, 9, -1, 10**20]), message_id=IDS)
    def speaks_another_protocol(self, kind, message_id):
        self.hears(json.dumps([kind, message_id, {}]), lambda _: [])

    def present(self, other, *, is_ours):
        return self.twin.ours if is_ours and self.twin is not None and self.twin.ours else other

    # --- we -----------------------------------------------------------------------------------

    @precondition(lambda self: self.session is not None)
    @rule()
    def we_call(self):
        command = COMMANDS[self.version]
        if self.twin.ours is not None:
            with pytest.raises(OurProtocolError):
                self.session.call(command, 0.0)
            return
        _, sent = self.session.call(command, 0.0)
        assert self.said((sent,)) == self.twin.we_call()
        self.compare()

    @precondition(lambda self: self.twin is not None and self.twin.ours is not None)
    @rule(is_over=st.booleans())
    def time_passes(self, is_over):
        expired = self.session.expire(LIMITS.call_timeout_s * (1.0 if is_over else 0.99))
        if is_over:
            assert expired.message_id == self.twin.we_give_up()
        else:
            assert expired is None
        self.compare()

    @precondition(lambda self: self.twin is not None and self.twin.waiting)
    @rule(well=st.booleans())
    def we_answer(self, well):
        message_id = self.twin.waiting[0].message_id
        with pytest.raises(OurProtocolError):
            self.session.answer("nobody", {"status": "Accepted"})
        if well:
            events = self.session.answer(message_id, {"status": "Accepted"})
        else:
            events = self.session.refuse(message_id, Fault.INTERNAL, "ill")
        kind, *rest = self.said(events)
        assert kind == ("sent" if well else "error", message_id)
        assert [("sent", message_id), *rest] == self.twin.we_answer(events[0].text)
        self.compare()


class Conversation201(Conversation):
    version = OcppVersion.V201


class Conversation21(Conversation):
    version = OcppVersion.V21


STEPS = settings(max_examples=30, stateful_step_count=45, deadline=None)
TestConversation16 = Conversation.TestCase
TestConversation16.settings = STEPS
TestConversation201 = Conversation201.TestCase
TestConversation201.settings = STEPS
TestConversation21 = Conversation21.TestCase
TestConversation21.settings = STEPS
