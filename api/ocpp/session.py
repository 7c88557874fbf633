"""One OCPP-J conversation without a socket and without a clock: frames in, events out.

The rules are OCPP-J's: in each direction one CALL at a time, every CALL answered once, ids unique. A fault
of ours is raised, since only we can repair it. A fault of the peer is answered, counted and survived, until
too many have come in a row; then it is raised too, and the connection has to be closed.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import Dialect
from api.ocpp.frames import (
    FIRST_KINDS,
    KINDS_OF_21,
    Call,
    CallError,
    CallResult,
    CallResultError,
    Frame,
    Malformed,
    Parsed,
    Send,
    parse_frame,
    serialise_frame,
)
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
from api.ocpp.session_memory import GivenAnswers, TakenCall
from api.ocpp.session_state import (
    OurProtocolError,
    PeerProtocolError,
    SessionLimits,
    State,
    Step,
    next_state,
)
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator, UnknownActionError
from api.ocpp.wire import Command, Fault, Payload


@dataclass(frozen=True, slots=True)
class _PendingCall:
    message_id: str
    action: str
    deadline: float


def _unheard(oddity: Oddity, what: str) -> None:
    """Tell nobody of an oddity."""


class Session:
    """A conversation with one station over one connection.

    Parameters
    ----------
    dialect : Dialect
    validator : MessageValidator
        Of the same version; may be shared.
    limits : SessionLimits
    id_prefix : str
        Begins the id of every call of ours, at most 20 characters.
    noted : callable
        Is told of the first oddity of each kind, and what it was.
    """

    def __init__(
        self,
        dialect: Dialect,
        validator: MessageValidator,
        limits: SessionLimits | None = None,
        id_prefix: str = "",
        noted: Callable[[Oddity, str], None] = _unheard,
    ) -> None:
        self.oddities: Counter[Oddity] = Counter()
        limits = limits or SessionLimits()
        self._dialect = dialect
        self._validator = validator
        self._limits = limits
        self._id_prefix = id_prefix
        self._noted = noted
        self._kinds = KINDS_OF_21 if dialect.VERSION is OcppVersion.V21 else FIRST_KINDS
        self._n_calls = 0
        self._n_faults = 0
        self._outgoing = State.IDLE
        self._incoming = State.IDLE
        self._pending: _PendingCall | None = None
        self._current: TakenCall | None = None
        self._backlog: deque[TakenCall] = deque()
        self._answers = GivenAnswers(limits.remembered)

    @property
    def dialect(self) -> Dialect:
        """What both sides speak."""
        return self._dialect

    @property
    def has_full_backlog(self) -> bool:
        """Whether the next call of the peer would be refused while this one is not answered."""
        return len(self._backlog) >= self._limits.backlog

    @property
    def call_timeout_s(self) -> float:
        """How long a call of ours may wait for its answer [s]."""
        return self._limits.call_timeout_s

    @property
    def outgoing(self) -> State:
        """Whether a call of ours is on the way."""
        return self._outgoing

    @property
    def incoming(self) -> State:
        """Whether a call of the peer waits for our answer."""
        return self._incoming

    # --- we call ------------------------------------------------------------------------------

    def call(self, command: Command, now: float) -> tuple[str, FrameToSend]:
        """Return the id and the frame of a call; ``now`` is any steady clock [s].

        Raises
        ------
        OurProtocolError
            A call of ours is on the way, the session is closed, or the payload is invalid.
        """
        self._check_ours(command.action, MessageKind.REQUEST, command.payload)
        self._outgoing = next_state(self._outgoing, Step.CALL)
        self._n_calls += 1
        message_id = f"{self._id_prefix}{self._n_calls}"
        self._pending = _PendingCall(message_id, command.action, now + self._limits.call_timeout_s)
        return message_id, _sent(Call(message_id, command.action, command.payload))

    def expire(self, now: float) -> CallTimedOut | None:
        """Give up our call if its time is over."""
        if self._pending is None or now < self._pending.deadline:
            return None
        expired = self._pending
        self._outgoing = next_state(self._outgoing, Step.TIME_OUT)
        self._pending = None
        return CallTimedOut(expired.message_id, expired.action)

    # --- the peer speaks ----------------------------------------------------------------------

    def receive(self, text: str | bytes) -> tuple[SessionEvent, ...]:
        """Return what follows from one websocket message.

        Raises
        ------
        PeerProtocolError
            The peer has made too many faults in a row.
        OurProtocolError
            The session is closed.
        """
        if State.CLOSED in (self._incoming, self._outgoing):
            raise OurProtocolError("the session is closed")
        frame = parse_frame(text, self._kinds)
        taken = TakenCall(frame, hash(text)) if isinstance(frame, Call) else None
        events = self._on_frame(frame) if taken is None else self._on_call(taken)
        if self._n_faults > self._limits.bad_messages:
            raise PeerProtocolError(f"{self._n_faults} faulty messages in a row")
        return events

    def _on_frame(self, frame: Parsed) -> tuple[SessionEvent, ...]:
        """Take a frame that is no call."""
        match frame:
            case CallResult():
                return self._on_result(frame)
            case CallError():
                return self._on_failure(frame.message_id, frame.code, frame.description)
            case Send():
                return self._on_send(frame)
            case CallResultError():
                return self._on_refused_answer(frame)
            case Malformed():
                return self._on_malformed(frame)
        self._note(Oddity.UNKNOWN_TYPE, str(frame))
        return ()

    def _on_call(self, taken: TakenCall) -> tuple[SessionEvent, ...]:
        answered = self._answers.get(taken.call.message_id)
        if answered is not None:
            return self._on_repeated(taken, answered.fingerprint, answered.text)
        waiting = self._waiting_call(taken.call.message_id)
        if waiting is not None:
            return self._on_repeated(taken, waiting.fingerprint, None)
        refusal = self._refusal_of(taken.call)
        if refusal is not None:
            return (_sent(refusal),)
        if self._incoming is State.BUSY:
            return self._postpone(taken)
        return (self._begin(taken),)

    def _waiting_call(self, message_id: str) -> TakenCall | None:
        """Return the call of this id that is not answered yet."""
        if self._current is None:
            return None
        waiting = (self._current, *self._backlog)
        return next((taken for taken in waiting if taken.call.message_id == message_id), None)

    def _on_repeated(
        self, taken: TakenCall, fingerprint: int, answer: str | None
    ) -> tuple[SessionEvent, ...]:
        """The same call gets the same answer, another one with its id gets none."""
        message_id = taken.call.message_id
        if taken.fingerprint != fingerprint:
            self._note(Oddity.REUSED_ID, message_id)
            return (_sent(self._error(message_id, Fault.OUT_OF_PROTOCOL, "the id belongs to another call")),)
        self._note(Oddity.REPEATED, message_id)
        return () if answer is None else (FrameToSend(answer),)

    def _refusal_of(self, call: Call) -> CallError | None:
        """Return why a call cannot be served, if so."""
        if call.action not in self._dialect.INCOMING_ACTIONS:
            self._note(Oddity.UNKNOWN_ACTION, call.action)
            return self._error(call.message_id, Fault.UNKNOWN_ACTION, f"{call.action} is not served")
        try:
            self._accept(call.action, MessageKind.REQUEST, call.payload)
        except InvalidMessageError as error:
            self._note(Oddity.INVALID_CALL, str(error))
            return self._error(call.message_id, Fault.INVALID, str(error))
        return None

    def _accept(self, action: str, kind: MessageKind, payload: Payload) -> None:
        """Check what the peer has sent; what is odd about it and does not matter is counted."""
        for oddity in self._validator.accept(action, kind, payload):
            self._note(Oddity.TOLERATED, f"{action}: {oddity}")

    def _on_send(self, message: Send) -> tuple[SessionEvent, ...]:
        """Hand over what wants no answer; neither gets a faulty one."""
        if message.action not in self._dialect.SENT_ACTIONS:
            self._note(Oddity.UNKNOWN_ACTION, message.action)
            return ()
        try:
            self._accept(message.action, MessageKind.SENT, message.payload)
        except InvalidMessageError as error:
            self._note(Oddity.INVALID_SEND, str(error))
            return ()
        self._n_faults = 0
        return (SendReceived(message.message_id, message.action, message.payload),)

    def _on_refused_answer(self, refusal: CallResultError) -> tuple[SessionEvent, ...]:
        """Tell that the peer could not use an answer of ours, if it is one."""
        if refusal.message_id not in self._answers:
            self._note(Oddity.UNSOLICITED, refusal.message_id)
            return ()
        self._note(Oddity.ANSWER_REFUSED, f"{refusal.code}: {refusal.description}")
        return (AnswerRefused(refusal.message_id, refusal.code, refusal.description),)

    def _postpone(self, taken: TakenCall) -> tuple[SessionEvent, ...]:
        """Let a call wait until those before it are answered."""
        call = taken.call
        if self.has_full_backlog:
            self._note(Oddity.OVERFLOW, call.action)
            return (_sent(self._error(call.message_id, Fault.INTERNAL, "too many calls at once")),)
        self._note(Oddity.OVERLAPPING, call.action)
        self._backlog.append(taken)
        return ()

    def _note(self, oddity: Oddity, what: str) -> None:
        """Count an oddity, and whether it is a fault."""
        self.oddities[oddity] += 1
        self._n_faults += oddity in FAULTS_OF_PEER
        if self.oddities[oddity] == 1:
            self._noted(oddity, what)

    def _begin(self, taken: TakenCall) -> CallReceived:
        self._n_faults = 0
        self._incoming = next_state(self._incoming, Step.CALL)
        self._current = taken
        call = taken.call
        return CallReceived(call.message_id, call.action, call.payload)

    def _on_result(self, result: CallResult) -> tuple[SessionEvent, ...]:
        pending = self._take_pending(result.message_id)
        if pending is None:
            return ()
        try:
            self._accept(pending.action, MessageKind.RESPONSE, result.payload)
        except InvalidMessageError as error:
            self._note(Oddity.INVALID_ANSWER, str(error))
            failed = CallFailed(pending.message_id, pending.action, NOT_AN_ANSWER, str(error))
            return (*self._told(pending.message_id, Fault.INVALID, str(error)), failed)
        return (CallAnswered(pending.message_id, pending.action, result.payload),)

    def _told(self, message_id: str, fault: Fault, description: str) -> tuple[FrameToSend, ...]:
        """Tell the peer that its answer was none, where its version can be told."""
        if self._kinds is FIRST_KINDS:
            return ()
        return (_sent(CallResultError(message_id, self._dialect.fault_code(fault), description)),)

    def _on_failure(self, message_id: str, code: str, description: str) -> tuple[SessionEvent, ...]:
        pending = self._take_pending(message_id)
        return () if pending is None else (CallFailed(message_id, pending.action, code, description),)

    def _take_pending(self, message_id: str) -> _PendingCall | None:
        """Return our call that is answered; None, and counted, if there is none of this id."""
        pending = self._pending
        if pending is None or pending.message_id != message_id:
            self._note(Oddity.UNSOLICITED, message_id)
            return None
        self._outgoing = next_state(self._outgoing, Step.ANSWER)
        self._pending = None
        self._n_faults = 0
        return pending

    def _on_malformed(self, frame: Malformed) -> tuple[SessionEvent, ...]:
        self._note(Oddity.MALFORMED, frame.reason)
        if frame.may_be_call:
            return (_sent(self._error(frame.message_id, Fault.MALFORMED, frame.reason)),)
        if self._pending is not None and self._pending.message_id == frame.message_id:
            told = self._told(frame.message_id, Fault.MALFORMED, frame.reason)
            return (*told, *self._on_failure(frame.message_id, NOT_AN_ANSWER, frame.reason))
        return ()

    # --- we answer ----------------------------------------------------------------------------

    def answer(self, message_id: str, payload: Payload) -> tuple[SessionEvent, ...]:
        """Answer the call of the peer; the next one that has waited follows.

        Raises
        ------
        OurProtocolError
            There is no such call, or the payload is invalid; the call can still be answered.
        """
        taken = self._current_call(message_id)
        self._check_ours(taken.call.action, MessageKind.RESPONSE, payload)
        return self._finish(taken, CallResult(message_id, payload))

    def refuse(self, message_id: str, fault: Fault, description: str) -> tuple[SessionEvent, ...]:
        """Answer the call of the peer by an error; the next one that has waited follows.

        Raises
        ------
        OurProtocolError
            There is no such call.
        """
        return self._finish(self._current_call(message_id), self._error(message_id, fault, description))

    def close(self) -> None:
        """End the session; nothing can be sent or received from now on."""
        for direction in ("_outgoing", "_incoming"):
            if getattr(self, direction) is not State.CLOSED:
                setattr(self, direction, next_state(getattr(self, direction), Step.CLOSE))
        self._pending = self._current = None
        self._backlog.clear()

    def _current_call(self, message_id: str) -> TakenCall:
        if self._current is None or self._current.call.message_id != message_id:
            raise OurProtocolError(f"no call {message_id} waits for an answer")
        return self._current

    def _finish(self, taken: TakenCall, frame: CallResult | CallError) -> tuple[SessionEvent, ...]:
        """Send an answer, remember it, and begin the next call."""
        self._incoming = next_state(self._incoming, Step.ANSWER)
        self._current = None
        sent = _sent(frame)
        self._answers.keep(taken, sent.text)
        return (sent, self._begin(self._backlog.popleft())) if self._backlog else (sent,)

    def _error(self, message_id: str, fault: Fault, description: str) -> CallError:
        return CallError(message_id, self._dialect.fault_code(fault), description)

    def _check_ours(self, action: str, kind: MessageKind, payload: Payload) -> None:
        """Check what we are about to send."""
        try:
            self._validator.check(action, kind, payload)
        except (InvalidMessageError, UnknownActionError) as error:
            raise OurProtocolError(str(error)) from error


def _sent(frame: Frame) -> FrameToSend:
    """Return a frame as text to send."""
    return FrameToSend(serialise_frame(frame))
