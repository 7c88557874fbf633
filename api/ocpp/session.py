"""One OCPP-J conversation without a socket and without a clock: frames in, events out.

The rules are OCPP-J's: in each direction one CALL at a time, every CALL answered once, ids unique. A fault
of ours is raised, since only we can repair it. A fault of the peer is answered, counted and survived, until
too many have come in a row; then it is raised too, and the connection has to be closed.
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from api.ocpp.dialects import Dialect
from api.ocpp.frames import (
    Call,
    CallError,
    CallResult,
    Frame,
    Malformed,
    Parsed,
    parse_frame,
    serialise_frame,
)
from api.ocpp.session_events import (
    FAULTS_OF_PEER,
    NOT_AN_ANSWER,
    CallAnswered,
    CallFailed,
    CallReceived,
    CallTimedOut,
    FrameToSend,
    Oddity,
    SessionEvent,
)
from api.ocpp.session_state import OurProtocolError, PeerProtocolError, State, Step, next_state
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator, UnknownActionError
from api.ocpp.wire import Command, Fault, Payload


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds of one conversation.

    ``backlog`` calls of a hasty peer wait for their turn, ``remembered`` answers can be repeated, and
    after ``bad_messages`` faults in a row the peer is given up.
    """

    call_timeout_s: float = 30.0
    backlog: int = 64
    remembered: int = 16
    bad_messages: int = 100


@dataclass(frozen=True, slots=True)
class _PendingCall:
    message_id: str
    action: str
    deadline: float


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
    """

    def __init__(
        self,
        dialect: Dialect,
        validator: MessageValidator,
        limits: SessionLimits = SessionLimits(),
        id_prefix: str = "",
    ) -> None:
        self.oddities: Counter[Oddity] = Counter()
        self._dialect = dialect
        self._validator = validator
        self._limits = limits
        self._id_prefix = id_prefix
        self._n_calls = 0
        self._n_faults = 0
        self._outgoing = State.IDLE
        self._incoming = State.IDLE
        self._pending: _PendingCall | None = None
        self._current: Call | None = None
        self._backlog: deque[Call] = deque()
        self._answers: OrderedDict[str, tuple[Call, str]] = OrderedDict()

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
        events = self._on_frame(parse_frame(text))
        if self._n_faults > self._limits.bad_messages:
            raise PeerProtocolError(f"{self._n_faults} faulty messages in a row")
        return events

    def _on_frame(self, frame: Parsed) -> tuple[SessionEvent, ...]:
        match frame:
            case Call():
                return self._on_call(frame)
            case CallResult():
                return self._on_result(frame)
            case CallError():
                return self._on_failure(frame.message_id, frame.code, frame.description)
            case Malformed():
                return self._on_malformed(frame)
        self._note(Oddity.UNKNOWN_TYPE)
        return ()

    def _on_call(self, call: Call) -> tuple[SessionEvent, ...]:
        known = self._known_call(call.message_id)
        if known is not None:
            return self._on_repeated(call, known)
        refusal = self._refusal_of(call)
        if refusal is not None:
            return (_sent(refusal),)
        if self._incoming is State.BUSY:
            return self._postpone(call)
        return (self._begin(call),)

    def _known_call(self, message_id: str) -> Call | None:
        """Return the call that has had this id, as far as we remember."""
        if message_id in self._answers:
            return self._answers[message_id][0]
        waiting = (self._current, *self._backlog)
        return next((call for call in waiting if call is not None and call.message_id == message_id), None)

    def _on_repeated(self, call: Call, known: Call) -> tuple[SessionEvent, ...]:
        """The same call gets the same answer, another one with its id gets none."""
        if call != known:
            self._note(Oddity.REUSED_ID)
            return (
                _sent(self._error(call.message_id, Fault.OUT_OF_PROTOCOL, "the id belongs to another call")),
            )
        self._note(Oddity.REPEATED)
        answered = self._answers.get(call.message_id)
        return () if answered is None else (FrameToSend(answered[1]),)

    def _refusal_of(self, call: Call) -> CallError | None:
        """Return why a call cannot be served, if so."""
        if call.action not in self._dialect.INCOMING_ACTIONS:
            self._note(Oddity.UNKNOWN_ACTION)
            return self._error(call.message_id, Fault.UNKNOWN_ACTION, f"{call.action} is not served")
        try:
            self._validator.check(call.action, MessageKind.REQUEST, call.payload)
        except InvalidMessageError as error:
            self._note(Oddity.INVALID_CALL)
            return self._error(call.message_id, Fault.INVALID, str(error))
        return None

    def _postpone(self, call: Call) -> tuple[SessionEvent, ...]:
        """Let a call wait until those before it are answered."""
        if len(self._backlog) >= self._limits.backlog:
            self._note(Oddity.OVERFLOW)
            return (_sent(self._error(call.message_id, Fault.INTERNAL, "too many calls at once")),)
        self._note(Oddity.OVERLAPPING)
        self._backlog.append(call)
        return ()

    def _note(self, oddity: Oddity) -> None:
        """Count an oddity, and whether it is a fault."""
        self.oddities[oddity] += 1
        self._n_faults += oddity in FAULTS_OF_PEER

    def _begin(self, call: Call) -> CallReceived:
        self._n_faults = 0
        self._incoming = next_state(self._incoming, Step.CALL)
        self._current = call
        return CallReceived(call.message_id, call.action, call.payload)

    def _on_result(self, result: CallResult) -> tuple[SessionEvent, ...]:
        pending = self._take_pending(result.message_id)
        if pending is None:
            return ()
        try:
            self._validator.check(pending.action, MessageKind.RESPONSE, result.payload)
        except InvalidMessageError as error:
            self._note(Oddity.INVALID_ANSWER)
            return (CallFailed(pending.message_id, pending.action, NOT_AN_ANSWER, str(error)),)
        return (CallAnswered(pending.message_id, pending.action, result.payload),)

    def _on_failure(self, message_id: str, code: str, description: str) -> tuple[SessionEvent, ...]:
        pending = self._take_pending(message_id)
        return () if pending is None else (CallFailed(message_id, pending.action, code, description),)

    def _take_pending(self, message_id: str) -> _PendingCall | None:
        """Return our call that is answered; None, and counted, if there is none of this id."""
        pending = self._pending
        if pending is None or pending.message_id != message_id:
            self._note(Oddity.UNSOLICITED)
            return None
        self._outgoing = next_state(self._outgoing, Step.ANSWER)
        self._pending = None
        self._n_faults = 0
        return pending

    def _on_malformed(self, frame: Malformed) -> tuple[SessionEvent, ...]:
        self._note(Oddity.MALFORMED)
        if frame.may_be_call:
            return (_sent(self._error(frame.message_id, Fault.MALFORMED, frame.reason)),)
        if self._pending is not None and self._pending.message_id == frame.message_id:
            return self._on_failure(frame.message_id, NOT_AN_ANSWER, frame.reason)
        return ()

    # --- we answer ----------------------------------------------------------------------------

    def answer(self, message_id: str, payload: Payload) -> tuple[SessionEvent, ...]:
        """Answer the call of the peer; the next one that has waited follows.

        Raises
        ------
        OurProtocolError
            There is no such call, or the payload is invalid; the call can still be answered.
        """
        call = self._current_call(message_id)
        self._check_ours(call.action, MessageKind.RESPONSE, payload)
        return self._finish(call, CallResult(message_id, payload))

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

    def _current_call(self, message_id: str) -> Call:
        if self._current is None or self._current.message_id != message_id:
            raise OurProtocolError(f"no call {message_id} waits for an answer")
        return self._current

    def _finish(self, call: Call, frame: CallResult | CallError) -> tuple[SessionEvent, ...]:
        """Send an answer, remember it, and begin the next call."""
        self._incoming = next_state(self._incoming, Step.ANSWER)
        self._current = None
        sent = _sent(frame)
        self._answers[call.message_id] = (call, sent.text)
        if len(self._answers) > self._limits.remembered:
            self._answers.popitem(last=False)
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
