"""One connection of a station: carries messages between its websocket and its conversation."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias

from api.ocpp.dialects import Dialect
from api.ocpp.events import Acknowledgement, Decision, StationEvent
from api.ocpp.pace import Pace, TokenBucket
from api.ocpp.registry import CallOutcome, Clock, LinkClosed
from api.ocpp.session import Session
from api.ocpp.session_events import (
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
from api.ocpp.session_state import PeerProtocolError
from api.ocpp.traffic import TrafficWatch
from api.ocpp.websocket import WebSocket
from api.ocpp.wire import Command, Fault

_LOG = logging.getLogger(__name__)

_CLOSE_POLICY_VIOLATION: Final = 1008
ACKNOWLEDGED: Final = Acknowledgement()


@dataclass(frozen=True, slots=True)
class LinkHandler:
    """What a link asks of its gateway.

    Parameters
    ----------
    decide : callable
        The decision on an event, at once or later; one that comes later may be None for a plain receipt.
    answered : callable
        Is told when an event was answered.
    closed : callable
        Is told when the connection has ended.
    watch : TrafficWatch
        Is shown every frame.
    """

    decide: Callable[["StationLink", StationEvent], Decision | Awaitable[Decision | None]]
    answered: Callable[["StationLink", StationEvent, Decision], None]
    closed: Callable[["StationLink"], None]
    watch: TrafficWatch


_Waiter: TypeAlias = "asyncio.Future[CallAnswered | CallFailed | LinkClosed]"


class StationLink:
    """A connection to a station.

    A message whose decision is there at once is answered at once; others wait for theirs without holding up
    the answers to our commands, and the station's next message waits for them. A station that talks too fast,
    has too many messages waiting or does not read its answers is not heard for a while: nothing is dropped.

    Parameters
    ----------
    station_id : str
    socket : WebSocket
    session : Session
    handler : LinkHandler
    clock : Clock
        What the station is told the time is.
    pace : Pace
    """

    def __init__(
        self,
        station_id: str,
        socket: WebSocket,
        session: Session,
        handler: LinkHandler,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self.station_id = station_id
        self.is_introduced = False
        self.was_given_up = False
        self.silence: asyncio.TimerHandle | None = None
        self._socket = socket
        self._session = session
        self._handler = handler
        self._clock = clock
        self._bucket = TokenBucket(pace, time.monotonic())
        self._turn: asyncio.Lock | None = None
        self._waiter: _Waiter | None = None
        self._pending: set[asyncio.Future[Any]] = set()
        self._hold_ups: set[str] = set()
        self._is_closed = False

    @property
    def dialect(self) -> Dialect:
        """What the station speaks."""
        return self._session.dialect

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._is_closed

    @property
    def oddities(self) -> Mapping[Oddity, int]:
        """What the station did over this connection that is counted."""
        return self._session.oddities

    @property
    def session(self) -> Session:
        """The conversation, whose oddities are counted."""
        return self._session

    @property
    def latency_s(self) -> float | None:
        """How long the station took to answer the last ping [s]."""
        return self._socket.latency_s

    @property
    def is_busy(self) -> bool:
        """Whether something that it has begun is not done yet."""
        return bool(self._pending)

    # --- the socket speaks --------------------------------------------------------------------

    def received(self, message: str | bytes) -> None:
        """Take a message of the station."""
        self._handler.watch.received(self.station_id, message)
        if self._is_closed:  # what still comes while we are closing
            return
        try:
            events = self._session.receive(message)
        except PeerProtocolError as error:
            _LOG.warning("%s: closed after %s", self.station_id, error)
            self.was_given_up = True
            self.close(_CLOSE_POLICY_VIOLATION, str(error))
            return
        for event in events:
            self._on_event(event)
        wait_s = self._bucket.take(time.monotonic())
        if wait_s > 0.0:
            self._hold_up("pace")
            asyncio.get_running_loop().call_later(wait_s, self._go_on, "pace")
        if self._session.has_full_backlog:
            self._hold_up("backlog")

    def writing_paused(self) -> None:
        """Do not hear a station that does not read its answers."""
        self._hold_up("unsent")

    def writing_resumed(self) -> None:
        """Hear it again."""
        self._go_on("unsent")

    def closed(self) -> None:
        """The connection has ended."""
        self._end()
        self._handler.closed(self)

    # --- for those who use it -----------------------------------------------------------------

    async def call(self, command: Command) -> CallOutcome:
        """Send a command when those before it are answered, and wait for its own answer."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            if self._is_closed:
                return LinkClosed()
            loop = asyncio.get_running_loop()
            message_id, frame = self._session.call(command, loop.time())
            self._waiter = loop.create_future()
            try:
                async with asyncio.timeout(self._session.call_timeout_s):
                    self._send(frame.text)
                    return await self._waiter
            except TimeoutError:
                return CallTimedOut(message_id, command.action)
            finally:
                self._waiter = None
                # timed out or cancelled: without this, no other call could be made
                self._session.expire(math.inf)

    def close(self, code: int, reason: str) -> None:
        """Begin to end the connection."""
        self._end()
        self._socket.close(code, reason)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something that belongs to this connection; its failure is logged."""
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._on_done)

    async def finish(self) -> None:
        """Wait until all that it has begun is done: a listener may be storing a transaction."""
        while self._pending:
            await asyncio.wait(self._pending)

    def _on_done(self, task: "asyncio.Future[Any]") -> None:
        self._pending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOG.error("%s: a task of the connection has failed", self.station_id, exc_info=task.exception())

    # --- messages -----------------------------------------------------------------------------

    def _on_event(self, event: SessionEvent) -> None:
        match event:
            case CallReceived():
                self._serve(event)
            case FrameToSend(text=text):
                self._send(text)
            case CallAnswered() | CallFailed():
                if self._waiter is not None and not self._waiter.done():
                    self._waiter.set_result(event)
            case SendReceived():
                self._take_in(event)
            case AnswerRefused(code=code, description=description):
                _LOG.warning("%s: could not use our answer: %s %s", self.station_id, code, description)

    def _take_in(self, message: SendReceived) -> None:
        """Hand over a message that nobody answers."""
        try:
            event = self._session.dialect.decode_event(message.action, message.payload)
            decision = self._handler.decide(self, event)
        except Exception:  # noqa: BLE001 - whatever a listener raises ends here: nobody is answered
            _LOG.exception("%s: %s was not handled", self.station_id, message.action)
            return
        if isinstance(decision, Awaitable):
            later = asyncio.ensure_future(decision)
            self._pending.add(later)
            later.add_done_callback(self._on_done)

    def _serve(self, call: CallReceived) -> None:
        """Answer a message and those that have waited behind it, as long as decisions are there at once."""
        following: CallReceived | None = call
        while following is not None:
            following = self._decide(following)

    def _decide(self, call: CallReceived) -> CallReceived | None:
        """Answer a message now, or when its decision comes; return the next one that waits."""
        try:
            event = self._session.dialect.decode_event(call.action, call.payload)
            decision = self._handler.decide(self, event)
            # most need no thought: whoever has nothing to say says it with the same words
            if decision is not ACKNOWLEDGED and isinstance(decision, Awaitable):
                later = asyncio.ensure_future(decision)
                self._pending.add(later)
                later.add_done_callback(partial(self._on_decision, call, event))
                return None
            return self._answer(call, event, decision)
        except Exception:  # noqa: BLE001 - whatever a listener raises, the station gets its answer
            return self._refuse(call)

    def _on_decision(
        self, call: CallReceived, event: StationEvent, later: "asyncio.Future[Decision | None]"
    ) -> None:
        """Answer a message whose decision has come; if we fail, the station is told and sends it again."""
        self._pending.discard(later)
        try:
            following = self._answer(call, event, later.result() or ACKNOWLEDGED)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - as above
            following = self._refuse(call)
        if following is not None:
            self._serve(following)
        if not self._session.has_full_backlog:
            self._go_on("backlog")

    def _answer(self, call: CallReceived, event: StationEvent, decision: Decision) -> CallReceived | None:
        """Send an answer; return the next message that has waited."""
        if self._is_closed:
            return None
        payload = self._session.dialect.encode_answer(event, decision, self._clock())
        following = self._send_all(self._session.answer(call.message_id, payload))
        self._handler.answered(self, event, decision)
        return following

    def _refuse(self, call: CallReceived) -> CallReceived | None:
        """Tell a station that its message was not handled; return the next one."""
        _LOG.exception("%s: %s was not handled", self.station_id, call.action)
        if self._is_closed:
            return None
        return self._send_all(
            self._session.refuse(call.message_id, Fault.INTERNAL, "the message was not handled")
        )

    def _send(self, text: str) -> None:
        self._handler.watch.sent(self.station_id, text)
        self._socket.send(text)

    def _send_all(self, events: tuple[SessionEvent, ...]) -> CallReceived | None:
        """Send what follows from an answer; return the next message that has waited."""
        following = None
        for event in events:
            if isinstance(event, CallReceived):
                following = event
            else:
                self._on_event(event)
        return following

    # --- hearing and ending -------------------------------------------------------------------

    def _hold_up(self, reason: str) -> None:
        self._hold_ups.add(reason)
        self._socket.hold_up()

    def _go_on(self, reason: str) -> None:
        """Hear the station again once there is no other reason not to."""
        if reason in self._hold_ups:
            self._hold_ups.discard(reason)
            if not self._hold_ups:
                self._socket.go_on()

    def _end(self) -> None:
        """Close the conversation; whoever waits for an answer is told."""
        if self._is_closed:
            return
        self._is_closed = True
        self._session.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(LinkClosed())
