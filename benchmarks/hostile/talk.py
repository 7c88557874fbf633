"""Conversations with hostile stations, without a socket: what must hold is looked at after every frame."""

import json
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final, TypeVar

from api.ocpp.capabilities import OcppVersion
from api.ocpp.charging_profile import ProfileSelection
from api.ocpp.dialects import DIALECTS
from api.ocpp.frames import KINDS_OF_21, Malformed, UnknownType, parse_frame
from api.ocpp.listener import decide
from api.ocpp.session import Session
from api.ocpp.session_events import CallReceived, FrameToSend, Oddity, SendReceived, SessionEvent
from api.ocpp.session_state import PeerProtocolError, State
from api.ocpp.validation import MessageValidator
from api.ocpp.wire import Command, Fault
from benchmarks.hostile.frames import WEIGHTS, HostileStation, Hostility
from benchmarks.hostile.quiet import QuietListener
from benchmarks.hostile.words import vocabulary
from models.errors import ChargingError

Result = TypeVar("Result")

_NOW: Final = datetime(2024, 5, 1, 12, tzinfo=UTC)
_KINDS: Final = tuple(WEIGHTS)
_SHARES: Final = tuple(WEIGHTS.values())
_CONVERSATION: Final = 3_000
"""Frames of one conversation, unless it is given up before."""

_ANSWERED_AT_ONCE: Final = 0.6
_WE_CALL: Final = 0.05
_WE_EXPIRE: Final = 0.01
_BURST: Final = 0.0007
_BURST_FRAMES: Final = 150
_MOST_CRASHES: Final = 20
_SHOWN: Final = 300


class NoFrameError(ChargingError):
    """We have sent what is no frame."""


@dataclass(slots=True)
class Outcome:
    """What has come of hostile frames.

    Parameters
    ----------
    frames : Counter of Hostility
    reached : Counter of Hostility
        Frames after which the application was asked something.
    answered : int
        Frames of ours.
    given_up : int
        Conversations that were ended for too many faults in a row.
    stuck : int
        Conversations that took no honest call in the end.
    crashes : list of str
        What was raised, and by which frame.
    """

    frames: Counter[Hostility] = field(default_factory=Counter)
    reached: Counter[Hostility] = field(default_factory=Counter)
    oddities: Counter[Oddity] = field(default_factory=Counter)
    answered: int = 0
    conversations: int = 0
    given_up: int = 0
    stuck: int = 0
    crashes: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        """Add what has come of others."""
        self.frames += other.frames
        self.reached += other.reached
        self.oddities += other.oddities
        self.answered += other.answered
        self.conversations += other.conversations
        self.given_up += other.given_up
        self.stuck += other.stuck
        self.crashes += other.crashes


class Talk:
    """Leads conversations of one version.

    Parameters
    ----------
    version : OcppVersion
    seed : int
    """

    def __init__(self, version: OcppVersion, seed: int) -> None:
        dialect = DIALECTS[version]
        self._commands = (
            *dialect.encode_capability_queries(),
            dialect.encode_clear_profiles(ProfileSelection(profile_id=1)),
        )
        words = vocabulary(version, tuple(command.action for command in self._commands), seed)
        self._dialect = dialect
        self._validator = MessageValidator(version)
        self._rng = Random(f"{seed}/{version}/talk")  # noqa: S311 - no secret
        self._station = HostileStation(version, words, self._rng)
        self._listener = QuietListener()
        self._waiting: CallReceived | None = None
        self._answered: CallReceived | None = None
        self._session = self._new_session()
        self.outcome = Outcome()

    def run(self, n_frames: int) -> None:
        """Take so many frames."""
        done = 0
        while done < n_frames:
            done += self._conversation(min(_CONVERSATION, n_frames - done))

    def _new_session(self) -> Session:
        self._waiting = None
        self._station.asked = None
        return Session(self._dialect, self._validator, id_prefix="g")

    def _conversation(self, n_frames: int) -> int:
        """Lead one conversation to its end; return how many frames it had."""
        self._session = self._new_session()
        self.outcome.conversations += 1
        rng, done = self._rng, 0
        while done < n_frames:
            is_burst = rng.random() < _BURST
            batch = [rng.choices(_KINDS, _SHARES)[0]] if not is_burst else [Hostility.HONEST] * _BURST_FRAMES
            for kind in batch:
                done += 1
                if not self._take(kind):
                    return done
            if not is_burst:
                self._act()
        self._part()
        return done

    def _take(self, kind: Hostility) -> bool:
        """Let the session take one frame; False when the conversation is over."""
        self.outcome.frames[kind] += 1
        frame = self._station.frame(kind)
        try:
            events = self._session.receive(frame)
            if self._on_events(events):
                self.outcome.reached[kind] += 1
        except PeerProtocolError:
            self.outcome.given_up += 1
            self.outcome.oddities += self._session.oddities
            self._session.close()
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is: it is what is looked for
            self._crashed(error, frame)
            return False
        return True

    def _act(self) -> None:
        """Do something of our own between two frames: answer, call, or give up waiting."""
        rng = self._rng
        try:
            while self._waiting is not None and rng.random() < _ANSWERED_AT_ONCE:
                self._answer()
            if rng.random() < _WE_CALL and self._session.outgoing is State.IDLE:
                command: Command = rng.choice(self._commands)
                message_id, sent = self._session.call(command, 0.0)
                self._look_at(sent)
                self._station.asked = (message_id, command.action)
            if rng.random() < _WE_EXPIRE and self._session.expire(1e9) is not None:
                self._station.asked = None
        except Exception as error:  # noqa: BLE001 - as above
            self._crashed(error, repr(self._answered))

    def _answer(self) -> None:
        """Answer the call that waits as the gateway would."""
        call, self._waiting = self._waiting, None
        self._answered = call
        if call is None:
            return
        if self._rng.random() < _WE_EXPIRE:
            self._on_events(self._session.refuse(call.message_id, Fault.INTERNAL, "not handled"))
            return
        event = self._dialect.decode_event(call.action, call.payload)
        decision = _result(decide(self._listener, "CS1", event))
        payload = self._dialect.encode_answer(event, decision, _NOW)
        self._on_events(self._session.answer(call.message_id, payload))

    def _on_events(self, events: Sequence[SessionEvent]) -> bool:
        """Take what has happened; True if the application is asked something."""
        is_asked = False
        for event in events:
            match event:
                case FrameToSend():
                    self._look_at(event)
                case CallReceived():
                    if self._waiting is not None:
                        raise AssertionError("two calls at a time")
                    self._waiting = event
                    is_asked = True
                case SendReceived():
                    self._dialect.decode_event(event.action, event.payload)
                    is_asked = True
                case _:
                    self._station.asked = None
        return is_asked

    def _look_at(self, sent: FrameToSend) -> None:
        """Every frame of ours is one."""
        self.outcome.answered += 1
        if isinstance(parse_frame(sent.text, KINDS_OF_21), Malformed | UnknownType):
            raise NoFrameError(sent.text[:_SHOWN])

    def _part(self) -> None:
        """At the end an honest call is still taken: nothing is stuck."""
        try:
            while self._waiting is not None:
                self._answer()
            is_idle = self._session.incoming is State.IDLE
            events = self._session.receive('[2,"the-last-one","Heartbeat",{}]')
            self.outcome.stuck += not (is_idle and self._on_events(events))
            self._answer()
            self.outcome.oddities += self._session.oddities
            self._session.close()
        except Exception as error:  # noqa: BLE001 - as above
            self._crashed(error, "the last one")

    def _crashed(self, error: Exception, frame: str | bytes) -> None:
        self._session.close()
        if len(self.outcome.crashes) < _MOST_CRASHES:
            shown = json.dumps(repr(frame)[:_SHOWN])
            self.outcome.crashes.append(f"{self._dialect.VERSION}: {type(error).__name__}: {error}: {shown}")
        self._session = self._new_session()


def _result(work: Coroutine[Any, Any, Result]) -> Result:
    """Run what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as done:
        result: Result = done.value
        return result
    raise AssertionError("the application waits")
