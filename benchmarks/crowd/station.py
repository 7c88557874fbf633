"""A light station: a websocket client of OCPP 1.6 without tasks, so that ten thousand load one processor little."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable
from typing import Any, Final, TypeAlias, cast

import msgspec
from websockets.speedups import apply_mask

from benchmarks.crowd.messages import ANSWERS

Answered: TypeAlias = Callable[[Any], None]

_MASK: Final = b"\x5a\xa5\x3c\xc3"
_SMALL: Final = 126
_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_CALL: Final = 2


class LightStation(asyncio.Protocol):
    """One station over its connections, one after the other.

    Parameters
    ----------
    station_id : str
    opened : callable
        Is told when a connection is open.
    lost : callable
        Is told when it has ended, or could not be opened.
    """

    def __init__(
        self,
        station_id: str,
        opened: Callable[["LightStation"], None],
        lost: Callable[["LightStation"], None],
    ) -> None:
        self.station_id = station_id
        self.is_open = False
        self.is_booted = False
        self.n_profiles = 0
        self.transaction: int | None = None
        self.started_at = ""
        self.stopped_at = ""
        self.untold: list[tuple[str, dict[str, Any]]] = []
        self._opened, self._lost = opened, lost
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._n_calls = 0
        self._waiting: dict[str, tuple[float, Answered]] = {}

    @property
    def n_waiting(self) -> int:
        """Calls that are not answered yet."""
        return len(self._waiting)

    def call(self, action: str, payload: object, answered: Answered) -> str:
        """Call the central system."""
        self._n_calls += 1
        message_id = f"{self.station_id}-{self._n_calls}"
        self._waiting[message_id] = (time.perf_counter(), answered)
        self.send(msgspec.json.encode([_CALL, message_id, action, payload]))
        return message_id

    def send(self, payload: bytes, opcode: int = _TEXT) -> None:
        """Send one frame."""
        size = len(payload)
        head = bytes((0x80 | opcode, 0x80 | size)) if size < _SMALL else (
            bytes((0x80 | opcode, 0x80 | _SMALL)) + size.to_bytes(2, "big")
        )  # fmt: skip
        if self._transport is not None:
            self._transport.write(head + _MASK + apply_mask(payload, _MASK))

    def drop(self) -> None:
        """Break the connection."""
        if self._transport is not None:
            self._transport.abort()

    # --- called by the loop -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self._transport = cast("asyncio.Transport", transport)
        self._rest = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /ocpp/{self.station_id} HTTP/1.1\r\nHost: gateway\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Take what the central system says."""
        data = self._rest + data if self._rest else data
        if not self.is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.drop()
                return
            self.is_open = True
            self._opened(self)
        self._rest = self._take(data)

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell that the connection has ended; what was not answered has to be sent again."""
        self.is_open = self.is_booted = False
        self._transport = None
        self._waiting.clear()
        self._lost(self)

    def _take(self, data: bytes) -> bytes:
        """Take every whole frame; return what is left."""
        start = 0
        while len(data) - start >= 2:  # noqa: PLR2004 - the shortest head
            size, head = data[start + 1], 2
            if size >= _SMALL:
                extended = 2 if size == _SMALL else 8
                size, head = int.from_bytes(data[start + 2 : start + 2 + extended], "big"), 2 + extended
            end = start + head + size
            if len(data) < end:
                break
            self._on_frame(data[start] & 0x0F, data[start + head : end])
            start = end
        return data[start:]

    def _on_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self._on_message(msgspec.json.decode(payload))
        elif opcode == _PING:
            self.send(payload, _PONG)
        elif opcode == _CLOSE:
            self.send(payload[:2], _CLOSE)

    def _on_message(self, message: list[Any]) -> None:
        if message[0] == _CALL:
            _, message_id, action, _payload = message
            self.n_profiles += action == "SetChargingProfile"
            answer = ANSWERS.get(action, {"status": "Accepted"})
            self.send(json.dumps([3, message_id, answer]).encode())
        elif message[1] in self._waiting:
            began, answered = self._waiting.pop(message[1])
            self.took_s = time.perf_counter() - began
            answered(message[2] if message[0] == 3 else None)  # noqa: PLR2004 - an answer
