"""Peers that do not wait for their turn: what hostile frames over real sockets have once brought down."""

import asyncio

import pytest

from api.ocpp.capabilities import OcppVersion
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator
from tests.api.ocpp.house import PATIENCE_S, in_house

GREETING = (
    b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


class Slow:
    """An authenticator that takes its time."""

    def __init__(self):
        self.is_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def authenticate(self, _shown):
        self.is_asked.set()
        await self.may_answer.wait()
        return True


def has_more(house):
    return house.gateway._server._sockets or house.gateway.n_half_open or house.registry.n_links


def with_peer(scenario):
    """Run a scenario with a connection whose hand-shake is being decided on; nothing may fail unheard."""
    failed = []

    async def run(house):
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: failed.append(context))
        house.slow = house.gateway._doorkeeper._authenticator
        reader, writer = await asyncio.open_connection("127.0.0.1", house.gateway.port)
        writer.write(GREETING)
        try:
            await scenario(house, reader, writer)
        finally:
            writer.close()
        async with asyncio.timeout(PATIENCE_S):
            while has_more(house):  # noqa: ASYNC110 - what it waits for has no event
                await asyncio.sleep(0.01)

    in_house(run, Slow())
    assert failed == []


def test_a_peer_that_says_no_more_before_it_is_answered():
    async def scenario(house, reader, writer):
        await house.slow.is_asked.wait()
        writer.write_eof()
        await asyncio.sleep(0.05)
        house.slow.may_answer.set()
        await reader.read()

    with_peer(scenario)


@pytest.mark.parametrize("behind", [b"garbage garbage garbage", b"\x81\x05hello", b"\xff" * 50])
def test_a_peer_that_talks_before_it_is_answered(behind):
    async def scenario(house, reader, writer):
        writer.write(behind)
        await house.slow.is_asked.wait()
        await asyncio.sleep(0.05)
        house.slow.may_answer.set()
        writer.write_eof()
        await reader.read()

    with_peer(scenario)


def test_a_peer_that_vanishes_before_it_is_answered():
    async def scenario(house, _reader, writer):
        await house.slow.is_asked.wait()
        writer.transport.abort()
        house.slow.may_answer.set()

    with_peer(scenario)


def test_a_peer_that_has_said_all_does_not_keep_the_gateway_from_stopping():
    async def scenario(house, reader, writer):
        house.slow.may_answer.set()
        assert b"101" in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x82\xff" + b"\x00" * 8)  # a frame that goes on without end
        writer.write_eof()
        await house.gateway.stop()

    with_peer(scenario)


INTEGERS = {
    OcppVersion.V16: (
        "StopTransaction",
        {"transactionId": 1, "timestamp": "2024-05-01T12:00:00Z"},
        "meterStop",
    ),
    OcppVersion.V201: ("NotifyReport", {"requestId": 1, "generatedAt": "2024-05-01T12:00:00Z"}, "seqNo"),
    OcppVersion.V21: ("NotifyReport", {"requestId": 1, "generatedAt": "2024-05-01T12:00:00Z"}, "seqNo"),
}


@pytest.mark.parametrize("version", list(OcppVersion))
def test_an_integer_has_32_bits_and_a_longer_one_is_refused_before_it_meets_a_float_or_a_column(version):
    action, payload, name = INTEGERS[version]
    validator = MessageValidator(version)
    validator.accept(action, MessageKind.REQUEST, payload | {name: 2**31 - 1})
    for value in (2**31, 10**400):
        with pytest.raises(InvalidMessageError, match=name):
            validator.accept(action, MessageKind.REQUEST, payload | {name: value})


@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
@pytest.mark.parametrize("value", [10**400, -(10**31), 1e31])
def test_a_number_that_no_meter_can_show_is_refused(version, value):
    values = [{"timestamp": "2024-05-01T12:00:00Z", "sampledValue": [{"value": value}]}]
    with pytest.raises(InvalidMessageError, match="value"):
        MessageValidator(version).accept(
            "MeterValues", MessageKind.REQUEST, {"evseId": 1, "meterValue": values}
        )
