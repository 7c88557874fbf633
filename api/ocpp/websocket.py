"""A websocket of a station: bytes in, messages out, without a task or a queue of its own.

The handshake, control frames, fragments and the closing are those of the ``websockets`` package, whose protocol
has no I/O. What it is given are whole frames only, so that between two of them it waits for a new one; a whole
text message, which is nearly all that stations send, can therefore be unmasked here and need not pass through it.

Measured as an echo of MeterValues of 600 bytes on uvloop, on a busy machine: 11 us of CPU a message and 6 kB a
connection; ``websockets`` itself takes 34 us and 15 kB, ``picows`` 14 us and 15 kB, and it cannot wait for whoever
decides about a hand-shake. On asyncio's own loop the shared buffer saves 20 us: it would allocate 256 kB each time.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Any, Final, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import OPEN, State
from websockets.server import ServerProtocol
from websockets.speedups import apply_mask
from websockets.typing import Subprotocol

from api.ocpp.socket_roles import SocketOwner, SocketSettings, SocketUser
from api.ocpp.turnstile import Turnstile
from api.ocpp.websocket_heads import (
    FINAL_TEXT,
    MASK_BYTES,
    MASKED,
    PING_BYTES,
    PING_HEAD,
    PONG,
    head_of,
    text_head,
)

_LOG = logging.getLogger(__name__)

_LEAST_OF_INTERVAL: Final = 0.5


class WebSocket(asyncio.BufferedProtocol):
    """One connection.

    Parameters
    ----------
    owner : SocketOwner
    settings : SocketSettings
    shared : bytearray
        Where the loop puts what it has read: it is taken out before the next socket's turn, so all share one.
    came, gone : callable
        Are told when the connection is there, with TLS after a hand-shake that may fail, and when it has ended.
    turnstile : Turnstile
        What hand-shakes pass, all those of a server the same one.
    """

    def __init__(
        self,
        owner: SocketOwner,
        settings: SocketSettings,
        shared: bytearray,
        came: Callable[["WebSocket"], None],
        gone: Callable[["WebSocket"], None],
        turnstile: Turnstile,
    ) -> None:
        self.request: Request | None = None
        self.latency_s: float | None = None
        self.address = ""
        self._is_entering = False
        self._has_said_all = False
        self._owner = owner
        self._settings = settings
        # a view: TLS reads several records in one go, into slices, and a slice of the array would be a copy
        self._shared = memoryview(shared)
        self._came = came
        self._gone = gone
        self._turnstile = turnstile
        self._protocol = ServerProtocol(subprotocols=settings.subprotocols, max_size=settings.max_bytes)
        self._transport: asyncio.Transport | None = None
        self._user: SocketUser | None = None
        self._admission: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._unsent = b""
        self._held = b""
        self._parts = bytearray()
        self._is_text = True
        self._is_held_up = False
        self._ping = b""
        self._pinged_at = 0.0

    # --- for those who use it -----------------------------------------------------------------

    @property
    def transport(self) -> asyncio.Transport:
        """What carries the bytes."""
        return cast("asyncio.Transport", self._transport)

    @property
    def remote_address(self) -> Any:  # noqa: ANN401 - of the kind of the socket
        """Address of the peer."""
        return self.transport.get_extra_info("peername")

    @property
    def subprotocol(self) -> Subprotocol | None:
        """What was agreed on."""
        return self._protocol.subprotocol

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._protocol.state is OPEN and not (self._has_said_all or self.transport.is_closing())

    def respond(self, status: int, text: str) -> Response:
        """Return a plain answer to a handshake."""
        return self._protocol.reject(status, text)

    def send(self, text: str) -> None:
        """Send a message; nothing happens if the connection is closing.

        It goes when this turn of the loop is over: to send the answers of one turn together spares the wake-ups
        of a receiver on the same machine, and several frames of one connection leave at once.
        """
        if self.is_open:
            payload = text.encode()
            if not self._unsent:
                self._loop.call_soon(self._send_unsent)
            self._unsent += text_head(len(payload)) + payload

    def close(self, code: int, reason: str) -> None:
        """Begin to end the connection; what still comes is passed over."""
        if self.is_open:
            self._protocol.send_close(code, reason)
            self._flush()
            self._start_timer(self._settings.close_timeout_s, self._abort)
        elif self._protocol.state is State.CONNECTING:
            self._abort()
        self.go_on()

    def hold_up(self) -> None:
        """Deliver nothing more until :meth:`go_on`: the peer's own sending comes to a halt after a while."""
        if not self._is_held_up and self.is_open:
            self._is_held_up = True
            self.transport.pause_reading()

    def go_on(self) -> None:
        """Deliver again, what has come meanwhile first."""
        if not self._is_held_up:
            return
        self._is_held_up = False
        if self._held:
            self._take(self._held)
        if not self._is_held_up and not self.transport.is_closing():
            self.transport.resume_reading()

    # --- called by the loop -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._settings.unsent_bytes)
        self._came(self)
        peer = self.remote_address
        self.address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._is_entering = self._owner.entered(self)
        if not self._is_entering:
            self._abort()
            return
        self._start_timer(self._settings.open_timeout_s, self._abort)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the loop's wish
        """Return where the next bytes belong."""
        return self._shared

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes of the peer."""
        data = bytes(self._shared[:nbytes])
        if self._user is None:
            self._held += data
            self.transport.pause_reading()
            self._turnstile.queue(self._shake_hands)
        elif self._is_held_up:
            self._held += data
        else:
            self._take(self._held + data if self._held else data)

    def eof_received(self) -> bool:
        """The peer sends no more; the loop closes the connection."""
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
            self._flush()
        return False

    def pause_writing(self) -> None:
        """Tell that the peer reads too slowly."""
        if self._user is not None:
            self._user.writing_paused()

    def resume_writing(self) -> None:
        """Tell that the peer has caught up."""
        if self._user is not None:
            self._user.writing_resumed()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - lost is lost
        """Tell that it is over."""
        if self._timer is not None:
            self._timer.cancel()
        if self._admission is not None:
            self._admission.cancel()
        if self._protocol.state is not State.CLOSED:
            self._protocol.receive_eof()
            self._protocol.data_to_send()
        self._held = b""
        self._settle()
        if self._user is not None:
            self._user.closed()
        self._gone(self)

    # --- handshake ----------------------------------------------------------------------------

    def _shake_hands(self) -> None:
        """Let the owner look at a request that has come whole; wait for more where it has not."""
        if not self._held or self.transport.is_closing():
            return
        self._protocol.receive_data(self._held)
        self._held, requests = b"", self._protocol.events_received()
        if self._protocol.handshake_exc is not None:  # it was no HTTP
            self._flush()
            self._transport_close()
        elif requests and self._admission is None:
            self.request = cast("Request", requests[0])
            self._admission = asyncio.create_task(self._admit(self.request))
            return
        if not self.transport.is_closing():
            self.transport.resume_reading()

    async def _admit(self, request: Request) -> None:
        """Answer the handshake."""
        try:
            response = await self._owner.refusal(self, request) or self._protocol.accept(request)
        except Exception:  # noqa: BLE001 - whatever the owner raises, the peer gets its answer
            _LOG.exception("the handshake with %s failed", self.remote_address)
            response = self.respond(500, "the handshake failed\n")
        self._admission = None
        self._settle()
        protocol = self._protocol
        if (
            protocol.state is not State.CONNECTING or protocol.eof_sent
        ):  # the peer did not wait for its answer
            self._abort()
            return
        self._protocol.send_response(response)
        self._flush()
        if self.is_open:
            self._user = self._owner.opened(self)
            interval_s = self._settings.ping_interval_s
            # connections that came together are not pinged together
            self._start_timer(interval_s * random.uniform(_LEAST_OF_INTERVAL, 1.0), self._send_ping)  # noqa: S311
        else:
            self._start_timer(self._settings.close_timeout_s, self._abort)
        self.transport.resume_reading()

    def _settle(self) -> None:
        """Tell the owner once that the hand-shake is over."""
        if self._is_entering:
            self._is_entering = False
            self._owner.settled(self)

    # --- messages -----------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        """Deliver the messages of all whole frames; keep what is left."""
        self._held = b""
        start, size = 0, len(data)
        while start < size and not self._is_held_up:
            if self._protocol.state is not OPEN:  # it looks for the end itself, wherever frames begin
                self._pass_through(data[start:])
                return
            head, length = head_of(data, start)
            if length > self._settings.max_bytes:
                self._pass_through(data[start:])  # refused before the rest has come
                return
            end = start + head + length
            if head == 0 or end > size:
                break
            self._on_frame(data, start, start + head, end)
            start = end
        self._held = data[start:]

    def _on_frame(self, data: bytes, start: int, begin: int, end: int) -> None:
        """Take one whole frame, whose payload is ``data[begin:end]``."""
        kind = data[start] if data[start + 1] & MASKED else 0
        if kind == FINAL_TEXT and self._protocol.current_size is None:
            self._deliver(apply_mask(data[begin:end], data[begin - MASK_BYTES : begin]), is_text=True)
        elif kind == PONG and end - begin == PING_BYTES:
            self._on_pong(apply_mask(data[begin:end], data[begin - MASK_BYTES : begin]))
        else:
            self._pass_through(data[start:end])

    def _pass_through(self, data: bytes) -> None:
        """Let the protocol look at bytes."""
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            self._on_event(cast("Frame", frame))
        self._flush()

    def _on_event(self, frame: Frame) -> None:
        """Take a frame that is not a whole text."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            if frame.opcode is not Opcode.CONT:
                self._is_text = frame.opcode is Opcode.TEXT
            self._parts += frame.data
            if frame.fin:
                whole, self._parts = bytes(self._parts), bytearray()
                self._deliver(whole, is_text=self._is_text)

    def _deliver(self, payload: bytes, *, is_text: bool) -> None:
        """Hand a message over, unless we are closing."""
        if self._user is None or self._protocol.state is not OPEN:
            return
        try:
            message = payload.decode() if is_text else payload
        except UnicodeDecodeError as error:
            self._fail(CloseCode.INVALID_DATA, f"{error.reason} at position {error.start}")
            return
        try:
            self._user.received(message)
        except Exception:  # noqa: BLE001 - whatever the user raises ends this connection only
            _LOG.exception("a message of %s was not taken", self.remote_address)
            self._fail(CloseCode.INTERNAL_ERROR, "")

    # --- keeping alive and closing ------------------------------------------------------------

    def _send_ping(self) -> None:
        """Ask for a sign of life; none since the last time ends the connection."""
        if self._ping:
            self._fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
            return
        if not self.is_open:
            return
        self._pinged_at = time.perf_counter()  # uvloop's own clock has milliseconds
        self._ping = random.randbytes(PING_BYTES)  # noqa: S311 - no secret
        self._send_unsent()
        self.transport.write(PING_HEAD + self._ping)
        self._start_timer(self._settings.ping_interval_s, self._send_ping)

    def _on_pong(self, data: bytes) -> None:
        if data == self._ping:
            self.latency_s = time.perf_counter() - self._pinged_at
            self._ping = b""

    def _fail(self, code: CloseCode, reason: str) -> None:
        """End the connection for a fault, without waiting for what the peer still has to say."""
        self._protocol.fail(code, reason)
        self._flush()

    def _send_unsent(self) -> None:
        """Let go what was said."""
        unsent, self._unsent = self._unsent, b""
        if unsent and not self.transport.is_closing():
            self.transport.write(unsent)

    def _flush(self) -> None:
        """Send what the protocol has to say; the end of its words half-closes the connection."""
        self._send_unsent()
        for data in self._protocol.data_to_send():
            if self._has_said_all or self.transport.is_closing():
                continue  # the peer has gone meanwhile, or was told the end already
            if data:
                self.transport.write(data)
            else:
                self._half_close()

    def _half_close(self) -> None:
        """Say no more, and give the peer time to read: to close at once could destroy what is on its way."""
        self._has_said_all = True
        if not self.transport.can_write_eof():
            self._transport_close()
            return
        try:
            self.transport.write_eof()
        except OSError:  # the peer has gone, and the loop does not know it yet
            self._abort()
        else:
            self._start_timer(self._settings.close_timeout_s, self._abort)

    def _transport_close(self) -> None:
        self.transport.close()
        self._start_timer(self._settings.close_timeout_s, self._abort)

    def _abort(self) -> None:
        self.transport.abort()

    def _start_timer(self, after_s: float, then: Callable[[], None]) -> None:
        """Wait for one thing at a time: the handshake, the next ping, or the end."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(after_s, then)
