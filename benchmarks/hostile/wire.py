"""Hostile stations over real sockets: websocket frames that are none, connections that end anyhow."""

import asyncio
import gc
import json
import logging
import os
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final

from api.ocpp.capabilities import OcppVersion
from api.ocpp.gateway import Gateway, GatewaySettings
from api.ocpp.listener import AcceptEveryStation
from api.ocpp.pace import Pace
from api.ocpp.registry import Registry
from benchmarks.hostile.frames import WEIGHTS, HostileStation
from benchmarks.hostile.quiet import QuietListener
from benchmarks.hostile.words import vocabulary

_KINDS: Final = tuple(WEIGHTS)
_SHARES: Final = tuple(WEIGHTS.values())
_CONNECTIONS: Final = 24
_FRAMES_OF_A_CONNECTION: Final = 400
_HONEST_SHARE: Final = 0.9985
"""Of websocket frames: one that is none ends its connection, and the next one has to be opened."""

_PATIENCE_S: Final = 60.0
_BREATHS: Final = (10, 40, 150)
"""Frames after which an attacker waits until they were heard: more than the gateway lets wait, and fewer."""

_LAST: Final = b"that was all of it"
_NO_BRAKE: Final = Pace(1e9, 10**9)
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_GREETINGS: Final = (
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /ocpp/CS1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    b"GET /ocpp/%00 HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    b"GET /ocpp/CS1 HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    b"GET /ocpp/" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    b"\xff" * 3_000,
    b"\n" * 100,
    b"",
)


@dataclass(slots=True)
class WireOutcome:
    """What has come of hostile connections.

    Parameters
    ----------
    frames, heard : int
        Sent, and messages that the gateway has heard.
    connections, opened : int
        Begun, and open for messages.
    oddities : mapping of str to int
        What the gateway has counted.
    faults : list of str
        What went wrong at the gateway: errors that it has logged, things that it has kept.
    """

    frames: int = 0
    heard: int = 0
    connections: int = 0
    opened: int = 0
    oddities: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class _Heard:
    """Counts the messages that the gateway hears."""

    def __init__(self, outcome: WireOutcome) -> None:
        self._outcome = outcome

    def received(self, _station_id: str, _frame: str | bytes) -> None:
        """Count it."""
        self._outcome.heard += 1

    def sent(self, station_id: str, text: str) -> None:
        """Pass over it."""


class LoggedErrors(logging.Handler):
    """Collects what the gateway logs as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: Counter[str] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Collect an error."""
        error = record.exc_info[1] if record.exc_info else None
        self.texts[f"{record.getMessage()[:200]} ({error!r})"] += 1


def attack(seed: int, n_frames: int) -> WireOutcome:
    """Attack a gateway of this process with so many frames."""
    return asyncio.run(_attack(seed, n_frames))


async def _attack(seed: int, n_frames: int) -> WireOutcome:
    outcome, errors = WireOutcome(), LoggedErrors()
    logs = [logging.getLogger(name) for name in ("api.ocpp", "asyncio", "websockets")]
    for log in logs:
        log.addHandler(errors)
        log.propagate = False
    registry = Registry()
    settings = GatewaySettings(port=0, pace=_NO_BRAKE, settle_s=1.0, ping_interval_s=1.0)
    try:
        gateway = Gateway(QuietListener(), AcceptEveryStation(), registry, settings, watch=_Heard(outcome))
        async with gateway:
            stations = [Attacker(seed, number, gateway.port, outcome) for number in range(_CONNECTIONS)]
            await asyncio.gather(*(station.run(n_frames // _CONNECTIONS) for station in stations))
            await _judge(gateway, registry, outcome)
    finally:
        gc.collect()  # tasks that have failed unheard say so when they go
        for log in logs:
            log.removeHandler(errors)
            log.propagate = True
    outcome.faults += [f"{n} x {text}" for text, n in errors.texts.most_common(20)]
    return outcome


async def _judge(gateway: Gateway, registry: Registry, outcome: WireOutcome) -> None:
    """Look at what is left when all attackers have gone."""
    if not await _settles(lambda: registry.n_links == 0 and gateway.n_half_open == 0):
        outcome.faults.append(f"{registry.n_links} links and {gateway.n_half_open} hand-shakes are left")
    outcome.oddities.update({kind.value: n for kind, n in gateway.alarms.totals().items()})
    if not await _settles(lambda: len(asyncio.all_tasks()) == 1):
        left = [task.get_coro() for task in asyncio.all_tasks()]
        outcome.faults.append(f"{len(left) - 1} tasks are stuck: {left[:5]}")
    for version in OcppVersion:
        if not await is_served(gateway.port, version):
            outcome.faults.append(f"an honest station of {version} is not served any more")


async def _settles(is_so: Callable[[], bool]) -> bool:
    """Wait until something is so; False if it never is."""
    for _ in range(int(_PATIENCE_S * 20)):
        if is_so():
            return True
        await asyncio.sleep(0.05)
    return False


async def is_served(port: int, version: OcppVersion) -> bool:
    """Tell whether an honest station is served."""
    from websockets.asyncio.client import connect
    from websockets.typing import Subprotocol

    uri, offered = f"ws://127.0.0.1:{port}/ocpp/honest-{version}", [Subprotocol(version.value)]
    async with connect(uri, subprotocols=offered, compression=None) as socket:
        await socket.send('[2,"1","Heartbeat",{}]')
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                frame = json.loads(await socket.recv())
                if frame[:2] == [3, "1"]:
                    return True


class Attacker:
    """One hostile peer, that connects again whenever it is thrown out."""

    def __init__(self, seed: int, number: int, port: int, outcome: WireOutcome) -> None:
        versions = tuple(OcppVersion)
        self._version = versions[number % len(versions)]
        self._rng = Random(f"{seed}/wire/{number}")  # noqa: S311 - no secret
        words = vocabulary(self._version, (), seed, each=4)
        self._station = HostileStation(self._version, words, self._rng)
        self._name = f"CS{max(number, 4)}"  # some of them fight for one identity
        self._port = port
        self._outcome = outcome
        self._last_seen = asyncio.Event()
        self._breath = _BREATHS[number % len(_BREATHS)]

    async def run(self, n_frames: int) -> None:
        """Send so many frames over as many connections as that takes."""
        sent = 0
        while sent < n_frames:
            self._outcome.connections += 1
            with suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                sent += await self._connection(min(_FRAMES_OF_A_CONNECTION, n_frames - sent))

    async def _connection(self, n_frames: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        drain: asyncio.Task[None] | None = None
        sent = 0
        try:
            if self._rng.random() < 0.1:  # noqa: PLR2004 - some do not even greet
                writer.write(self._rng.choice(_GREETINGS))
            else:
                writer.write(self._greeting())
                if self._rng.random() < 0.9:  # noqa: PLR2004 - the others do not wait for their answer
                    async with asyncio.timeout(_PATIENCE_S):
                        await reader.readuntil(b"\r\n\r\n")
                    self._outcome.opened += 1
                drain = asyncio.create_task(self._read(reader))
                while sent < n_frames and not drain.done():
                    writer.write(self._frame())
                    sent += 1
                    await writer.drain()
                    if sent % self._breath == 0:
                        await self._until_heard(writer, drain)
                await self._until_heard(writer, drain)
            await self._leave(writer)
        finally:
            self._outcome.frames += sent
            if drain is not None:
                drain.cancel()
            writer.transport.abort()
        return max(sent, 1)

    async def _until_heard(self, writer: asyncio.StreamWriter, reading: "asyncio.Task[None]") -> None:
        """Wait until the gateway has taken all that was sent, or has thrown us out; some do not wait."""
        if self._rng.random() < 0.2:  # noqa: PLR2004 - some of them
            return
        writer.write(_encoded(_PING, _LAST, b"abcd"))
        self._last_seen.clear()
        seen = asyncio.create_task(self._last_seen.wait())
        await asyncio.wait((seen, reading), timeout=_PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        seen.cancel()

    async def _leave(self, writer: asyncio.StreamWriter) -> None:
        """End a connection as it comes."""
        turn = self._rng.randrange(4)
        if turn == 0:
            writer.write(
                _encoded(_CLOSE, struct.pack("!H", self._rng.choice((1000, 999, 1005, 4999))), b"abcd")
            )
            await writer.drain()
        elif turn == 1 and writer.can_write_eof():
            writer.write_eof()
            await asyncio.sleep(0)
        elif turn == 2:  # noqa: PLR2004 - the third way
            writer.write(_encoded(_TEXT, b"[2", b"abcd")[:3])

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                if _LAST in data:
                    self._last_seen.set()

    def _greeting(self) -> bytes:
        return (
            f"GET /ocpp/{self._name} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Protocol: {self._version.value}\r\n\r\n"
        ).encode()

    def _frame(self) -> bytes:
        """Return one message in websocket frames, most of them right."""
        rng = self._rng
        message = self._station.frame(rng.choices(_KINDS, _SHARES)[0])
        opcode = _BINARY if isinstance(message, bytes) else _TEXT
        payload = message if isinstance(message, bytes) else message.encode("utf-8", "surrogatepass")
        mask = rng.randbytes(4)
        if rng.random() < _HONEST_SHARE:
            return self._in_parts(opcode, payload, mask)
        return rng.choice(
            (
                _encoded(opcode, payload, b""),
                _encoded(rng.randrange(16), payload, mask),
                _encoded(opcode, payload, mask, first=rng.choice((0x40, 0x20, 0x70)) | 0x80),
                _encoded(_PING, payload[: rng.randrange(200)], mask),
                _encoded(_PONG, payload[:20], mask),
                _encoded(_TEXT, b"\xff\xfe" + payload[:20], mask),
                bytes((0x81, 0xFF)) + struct.pack("!Q", 2**62) + mask,
                bytes((0x81, 0xFE)) + struct.pack("!H", 65_535) + mask + payload[:100],
                os.urandom(30),
            )
        )

    def _in_parts(self, opcode: int, payload: bytes, mask: bytes) -> bytes:
        """Return a message whole, or in fragments with a ping between them."""
        if self._rng.random() < 0.9 or len(payload) < 2:  # noqa: PLR2004 - most come whole
            return _encoded(opcode, payload, mask)
        cut = self._rng.randrange(1, len(payload))
        first = _encoded(opcode, payload[:cut], mask, first=0)
        return first + _encoded(_PING, b"x", mask) + _encoded(0, payload[cut:], mask)


def _encoded(opcode: int, payload: bytes, mask: bytes, first: int = 0x80) -> bytes:
    """Return one frame of RFC 6455, masked if there is a mask."""
    masked = 0x80 if mask else 0
    if len(payload) < 126:  # noqa: PLR2004 - RFC 6455, 5.2
        head = bytes((first | opcode, masked | len(payload)))
    elif len(payload) < 1 << 16:
        head = bytes((first | opcode, masked | 126)) + struct.pack("!H", len(payload))
    else:
        head = bytes((first | opcode, masked | 127)) + struct.pack("!Q", len(payload))
    if not mask:
        return head + payload
    repeated = (mask * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return head + mask + mixed.to_bytes(len(payload), "big")
