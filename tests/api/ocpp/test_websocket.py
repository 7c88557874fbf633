"""The websocket: the same messages as its package's own protocol, however they are cut, and its bounds."""

import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from api.ocpp.turnstile import Turnstile
from api.ocpp.websocket import WebSocket
from tests.api.ocpp.sockets import MAX_BYTES, SETTINGS, Owner, user_of


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
        self.socket = WebSocket(
            self.owner, SETTINGS, self.shared, lambda _: None, lambda _: None, Turnstile()
        )

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


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(1, 5))
def test_a_turnstile_lets_in_a_few_in_each_turn_and_all_in_their_order(comers, per_turn):
    async def run():
        turnstile, longest = Turnstile(per_turn), 0
        entered: list[int] = []
        expected = []
        for number, n_turns in enumerate(comers):
            expected.append(number)
            turnstile.queue(partial(entered.append, number))
            for _ in range(n_turns):
                before = len(entered)
                await asyncio.sleep(0)
                longest = max(longest, len(entered) - before)
        while len(entered) < len(expected):
            before = len(entered)
            await asyncio.sleep(0)
            longest = max(longest, len(entered) - before)
        return entered == expected and longest <= per_turn

    assert asyncio.run(run())
