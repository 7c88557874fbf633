"""One connection of a station: carries frames between its websocket and its conversation."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeAlias

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from api.ocpp.dialects import Dialect
from api.ocpp.events import Decision, StationEvent
from api.ocpp.registry import CallOutcome, Clock, LinkClosed
from api.ocpp.session import Session
from api.ocpp.session_events import (
    CallAnswered,
    CallFailed,
    CallReceived,
    CallTimedOut,
    FrameToSend,
    SessionEvent,
)
from api.ocpp.session_state import PeerProtocolError
from api.ocpp.traffic import NobodyWatches, TrafficWatch
from api.ocpp.wire import Command, Fault

_LOG = logging.getLogger(__name__)

_CLOSE_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class LinkHandler:
    """What a link asks of its gateway: the decision on an event, to know when it was answered, and who watches."""

    decide: Callable[["StationLink", StationEvent], Awaitable[Decision]]
    answered: Callable[["StationLink", StationEvent, Decision], None]
    watch: TrafficWatch = field(default_factory=NobodyWatches)


_Waiter: TypeAlias = "asyncio.Future[CallAnswered | CallFailed | LinkClosed]"


class StationLink:
    """A connection to a station.

    Each message of the station is handled in a task of its own, one after the other, so that the answers to
    our commands are read while a listener works.
    """

    def __init__(
        self, station_id: str, socket: ServerConnection, session: Session, dialect: Dialect, clock: Clock
    ) -> None:
        self.station_id = station_id
        self.is_introduced = False
        self._socket = socket
        self._session = session
        self._dialect = dialect
        self._clock = clock
        self._turn = asyncio.Lock()
        self._waiter: _Waiter | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False
        self._watch: TrafficWatch = NobodyWatches()

    @property
    def dialect(self) -> Dialect:
        """What the station speaks."""
        return self._dialect

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._is_closed

    @property
    def session(self) -> Session:
        """The conversation, whose oddities are counted."""
        return self._session

    async def run(self, handler: LinkHandler) -> None:
        """Serve the station until the connection ends, and all that it has begun is done."""
        try:
            self._watch = handler.watch
            async for message in self._socket:
                self._watch.received(self.station_id, message)
                # what still comes while we are closing is read, or the closing would not end
                events = () if self._is_closed else self._session.receive(message)
                for event in events:
                    await self._on_event(event, handler)
        except ConnectionClosed:
            _LOG.debug("%s: connection lost", self.station_id)
        except PeerProtocolError as error:
            _LOG.warning("%s: closed after %s", self.station_id, error)
            await self._socket.close(_CLOSE_POLICY_VIOLATION, str(error))
        finally:
            self._end()
        # what was begun is finished: a listener may be storing a transaction
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def call(self, command: Command) -> CallOutcome:
        """Send a command when those before it are answered, and wait for its own answer."""
        async with self._turn:
            if self._is_closed:
                return LinkClosed()
            loop = asyncio.get_running_loop()
            message_id, frame = self._session.call(command, loop.time())
            self._waiter = loop.create_future()
            try:
                async with asyncio.timeout(self._session.call_timeout_s):
                    self._watch.sent(self.station_id, frame.text)
                    await self._socket.send(frame.text)
                    return await self._waiter
            except TimeoutError:
                return CallTimedOut(message_id, command.action)
            except ConnectionClosed:
                return LinkClosed()
            finally:
                self._waiter = None
                # timed out or cancelled: without this, no other call could be made
                self._session.expire(math.inf)

    async def close(self, code: int, reason: str) -> None:
        """End the connection."""
        self._end()
        await self._socket.close(code, reason)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run something that belongs to this connection; its failure is logged."""
        task = asyncio.create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except ConnectionClosed:
            _LOG.debug("%s: connection lost while it was answered", self.station_id)
        except Exception:  # noqa: BLE001 - nobody awaits the task: the log is its only reader
            _LOG.exception("%s: a task of the connection has failed", self.station_id)

    async def _on_event(self, event: SessionEvent, handler: LinkHandler) -> None:
        match event:
            case FrameToSend(text=text):
                self._watch.sent(self.station_id, text)
                await self._socket.send(text)
            case CallReceived():
                self.spawn(self._serve(event, handler))
            case CallAnswered() | CallFailed():
                if self._waiter is not None and not self._waiter.done():
                    self._waiter.set_result(event)

    async def _serve(self, call: CallReceived, handler: LinkHandler) -> None:
        """Answer one message of the station; if we fail, it is told so and sends the message again."""
        try:
            follow_ups = await self._follow_ups(call, handler)
        except Exception:  # noqa: BLE001 - whatever a listener raises, the station gets its answer
            _LOG.exception("%s: %s was not handled", self.station_id, call.action)
            if self._is_closed:
                return
            follow_ups = self._session.refuse(call.message_id, Fault.INTERNAL, "the message was not handled")
        for follow_up in follow_ups:
            await self._on_event(follow_up, handler)

    async def _follow_ups(self, call: CallReceived, handler: LinkHandler) -> tuple[SessionEvent, ...]:
        """Return the answer to a message of the station, and the next one; nothing if the station has gone."""
        event = self._dialect.decode_event(call.action, call.payload)
        decision = await handler.decide(self, event)
        if self._is_closed:
            return ()
        follow_ups = self._session.answer(
            call.message_id, self._dialect.encode_answer(event, decision, self._clock())
        )
        # called before the answer is on its way, but all that it starts is sent behind
        handler.answered(self, event, decision)
        return follow_ups

    def _end(self) -> None:
        """Close the conversation; whoever waits for an answer is told."""
        if self._is_closed:
            return
        self._is_closed = True
        self._session.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(LinkClosed())
