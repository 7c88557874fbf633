"""The websocket: the same messages as its package's own protocol, however they are cut; its bounds; its end."""

import asyncio
import os
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from api.ocpp.socket_server import SocketServer
from api.ocpp.websocket import SocketSettings, WebSocket

PATIENCE_S = 60.0
MAX_BYTES = 1000
SETTINGS = SocketSettings((Subprotocol("ocpp1.6"),), MAX_BYTES, close_timeout_s=PATIENCE_S)


class User:
    """Notes what comes."""

    def __init__(self, socket):
        self.socket = socket
        self.messages = []
        self.news = asyncio.Event()
        self.is_gone = asyncio.Event()
        self.echoes = False
        self.pauses = []

    def received(self, message):
        self.messages.append(message)
        self.news.set()
        if self.echoes:
            self.socket.send(message)
        if message == "ill":
            raise RuntimeError("the application is ill")

    def writing_paused(self):
        self.pauses.append(True)

    def writing_resumed(self):
        self.pauses.append(False)

    def closed(self):
        self.is_gone.set()

    async def has(self, n_messages):
        async with asyncio.timeout(PATIENCE_S):
            while len(self.messages) < n_messages:
                self.news.clear()
                await self.news.wait()


class Owner:
    def __init__(self):
        self.users = []

    async def refusal(self, socket, request):
        await asyncio.sleep(0)
        if request.path == "/broken":
            raise RuntimeError("the authenticator is ill")
        return socket.respond(429, "later\n") if request.path == "/busy" else None

    def opened(self, socket):
        self.users.append(User(socket))
        return self.users[-1]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.is_over = False

    def write(self, data):
        self.written += data

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.is_over = True

    def is_closing(self):
        return False

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass

    def set_write_buffer_limits(self, high=None, low=None):
        pass

    def get_extra_info(self, _name, default=None):
        return default


def handshake():
    client = ClientProtocol(parse_uri("ws://x/CS1"), subprotocols=[Subprotocol("ocpp1.6")])
    client.send_request(client.connect())
    return b"".join(client.data_to_send())


class Pieces:
    """A socket of ours that is fed by hand."""

    def __init__(self):
        self.owner, self.wire, self.shared = Owner(), Wire(), bytearray(1 << 16)
        self.socket = WebSocket(self.owner, SETTINGS, self.shared, lambda _: None)

    async def open(self):
        self.socket.connection_made(self.wire)
        self.feed(handshake())
        await user_of(self.owner)
        self.wire.written = b""
        return self

    def feed(self, data):
        self.shared[: len(data)] = data
        self.socket.buffer_updated(len(data))

    @property
    def user(self):
        return self.owner.users[0]


def expected(frames):
    """What the package's own protocol makes of frames: messages, and what is written."""
    protocol = ServerProtocol(subprotocols=[Subprotocol("ocpp1.6")], max_size=MAX_BYTES)
    protocol.receive_data(handshake())
    (request,) = protocol.events_received()
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    protocol.data_to_send()
    messages, parts, is_text = [], b"", True
    protocol.receive_data(b"".join(frame.serialize(mask=True) for frame in frames))
    for event in protocol.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            is_text = event.opcode is Opcode.TEXT if event.opcode is not Opcode.CONT else is_text
            parts += bytes(event.data)
            if event.fin:
                messages.append(parts.decode() if is_text else parts)
                parts = b""
    return messages, b"".join(protocol.data_to_send())


TEXTS = st.text(max_size=200).map(str.encode)
DATA_FRAMES = st.builds(
    Frame, st.sampled_from([Opcode.TEXT, Opcode.TEXT, Opcode.BINARY, Opcode.CONT]), TEXTS, fin=st.booleans()
)
CONTROLS = st.builds(Frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.binary(max_size=125))
ENDS = st.sampled_from(
    [
        Frame(Opcode.CLOSE, b"\x03\xe8bye"),
        Frame(Opcode.TEXT, b"x" * (MAX_BYTES + 1)),
        Frame(Opcode.CLOSE, b"\x00"),
    ]
)
FRAMES = st.lists(st.one_of(DATA_FRAMES, DATA_FRAMES, DATA_FRAMES, CONTROLS, ENDS), max_size=12)


@given(FRAMES, st.lists(st.integers(1, 300), max_size=20))
def test_however_frames_are_cut_the_same_is_heard_and_said_as_by_the_package(frames, cuts):
    data = b"".join(frame.serialize(mask=True) for frame in frames)

    async def run():
        pieces = await Pieces().open()
        rest = data
        for cut in (*cuts, len(data)):
            piece, rest = rest[:cut], rest[cut:]
            if piece:
                pieces.feed(piece)
        return pieces.user.messages, pieces.wire.written

    assert asyncio.run(run()) == expected(frames)


@given(st.lists(TEXTS, max_size=10), st.integers(0, 10))
def test_a_socket_that_is_held_up_delivers_all_of_it_later_and_in_order(texts, heard):
    async def run():
        pieces = await Pieces().open()
        received = pieces.user.received

        def hold_after_some(message):
            received(message)
            if len(pieces.user.messages) == heard:
                pieces.socket.hold_up()

        pieces.user.received = hold_after_some
        if heard == 0:
            pieces.socket.hold_up()
        for text in texts:
            pieces.feed(Frame(Opcode.TEXT, text).serialize(mask=True))
        before = list(pieces.user.messages)
        pieces.socket.go_on()
        return before, pieces.user.messages

    before, after = asyncio.run(run())
    assert after == [text.decode() for text in texts]
    assert before == after[:heard]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (Frame(Opcode.TEXT, b"\xff").serialize(mask=True), CloseCode.INVALID_DATA),
        (Frame(Opcode.TEXT, b"x").serialize(mask=False), CloseCode.PROTOCOL_ERROR),
        (b"\xc1\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR),
        (Frame(Opcode.TEXT, b"ill").serialize(mask=True), CloseCode.INTERNAL_ERROR),
        (b"\x81\xff" + (1 << 40).to_bytes(8, "big"), CloseCode.MESSAGE_TOO_BIG),
        (
            Frame(Opcode.TEXT, b"x" * 600, fin=False).serialize(mask=True)
            + Frame(Opcode.CONT, b"x" * 600).serialize(mask=True),
            CloseCode.MESSAGE_TOO_BIG,
        ),
    ],
    ids=[
        "no UTF-8",
        "not masked",
        "reserved bit",
        "application fails",
        "head of a terabyte",
        "sum of fragments",
    ],
)
def test_what_is_no_message_ends_the_connection_with_its_code(frame, code):
    async def run():
        pieces = await Pieces().open()
        pieces.feed(frame)
        n_messages = len(pieces.user.messages)
        pieces.feed(Frame(Opcode.TEXT, b"more").serialize(mask=True))
        assert len(pieces.user.messages) == n_messages
        assert pieces.wire.is_over
        assert pieces.wire.written[0] == 0x88
        assert int.from_bytes(pieces.wire.written[2:4], "big") == code

    asyncio.run(run())


# --- over real sockets ----------------------------------------------------------------------------


@asynccontextmanager
async def serving(settings=SETTINGS, **options):
    owner = Owner()
    server = SocketServer(owner, settings)
    await server.start("127.0.0.1", 0, **options)
    try:
        yield owner, server
    finally:
        async with asyncio.timeout(PATIENCE_S):
            await server.stop(1001, "bye")


def client(server, path="/CS1", scheme="ws", **options):
    options = {"subprotocols": [Subprotocol("ocpp1.6")], "compression": None, "max_size": None} | options
    return connect(f"{scheme}://127.0.0.1:{server.port}{path}", **options)


async def user_of(owner):
    await until(lambda: owner.users)
    return owner.users[-1]


async def until(is_so):
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0)


def test_messages_of_every_length_come_and_go():
    async def run():
        sizes = (0, 1, 125, 126, 65_535, 65_536, 200_000)
        async with (
            serving(SocketSettings(SETTINGS.subprotocols, 1 << 20)) as (owner, server),
            client(server) as peer,
        ):
            (await user_of(owner)).echoes = True
            for size in sizes:
                await peer.send("ä" * size)
                assert await peer.recv() == "ä" * size
            await peer.send(["frag", "ments"])
            assert await peer.recv() == "fragments"

    asyncio.run(run())


@pytest.mark.parametrize(("path", "status"), [("/busy", 429), ("/broken", 500)])
def test_a_refused_handshake_says_why(path, status):
    from websockets.exceptions import InvalidStatus

    async def run():
        async with serving() as (owner, server):
            with pytest.raises(InvalidStatus) as caught:
                async with client(server, path):
                    pass
            assert caught.value.response.status_code == status
            assert not owner.users

    asyncio.run(run())


@pytest.mark.parametrize(
    "words", [b"GET / HTTP/1.1\r\nbroken\r\n\r\n", b"\x16\x03\x01\x00\xff" * 40, b"x" * 70_000]
)
def test_what_is_no_handshake_is_sent_away(words):
    async def run():
        settings = SocketSettings(SETTINGS.subprotocols, MAX_BYTES, open_timeout_s=0.2)
        async with serving(settings) as (_, server):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(words)
            async with asyncio.timeout(PATIENCE_S):
                await reader.read()
            writer.close()

    asyncio.run(run())


def test_a_peer_that_never_shakes_hands_is_cut_off():
    async def run():
        settings = SocketSettings(SETTINGS.subprotocols, MAX_BYTES, open_timeout_s=0.05)
        async with serving(settings) as (_, server):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /CS1 HTTP/1.1\r\n")
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(run())


def test_pings_measure_the_way_and_find_the_dead():
    async def run():
        settings = SocketSettings(SETTINGS.subprotocols, MAX_BYTES, ping_interval_s=0.2)
        async with serving(settings) as (owner, server), client(server) as peer:
            user = await user_of(owner)
            await until(lambda: user.socket.latency_s is not None)
            assert user.socket.latency_s >= 0.0
            peer.transport.pause_reading()
            await until(lambda: not user.socket.is_open)
            peer.transport.resume_reading()
            await peer.wait_closed()
            assert (peer.close_code, peer.close_reason) == (1011, "keepalive ping timeout")

    asyncio.run(run())


def test_a_reader_that_does_not_read_is_noticed():
    async def run():
        async with serving() as (owner, server), client(server) as peer:
            user = await user_of(owner)
            peer.transport.pause_reading()
            async with asyncio.timeout(PATIENCE_S):
                while not user.pauses:
                    user.socket.send("x" * 100_000)
                    await asyncio.sleep(0)
                peer.transport.resume_reading()
                while user.pauses != [True, False]:
                    await peer.recv()
            peer.transport.abort()

    asyncio.run(run())


def test_whoever_goes_without_a_word_is_gone():
    async def run():
        async with serving() as (owner, server):
            async with client(server) as peer:
                user = await user_of(owner)
                peer.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                await user.is_gone.wait()
            user.socket.send("into the void")
            user.socket.close(1000, "twice")

    asyncio.run(run())


def test_tls_carries_the_same(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
         "-days", "1", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate, key)
    theirs = ssl.create_default_context(cafile=os.fspath(certificate))

    async def run():
        async with serving(ssl=ours) as (owner, server), client(server, scheme="wss", ssl=theirs) as peer:
            user = await user_of(owner)
            user.echoes = True
            await peer.send("y" * 900)
            assert await peer.recv() == "y" * 900
            user.socket.close(1008, "enough")
            with pytest.raises(ConnectionClosed):
                await peer.recv()
            assert (peer.close_code, peer.close_reason) == (1008, "enough")

    asyncio.run(run())
