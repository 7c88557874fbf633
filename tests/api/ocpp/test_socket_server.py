"""Websockets of ours over real sockets: lengths, refusals, pings, slow readers, TLS."""

import asyncio
import os
import ssl
import subprocess
from contextlib import asynccontextmanager

import pytest
import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from api.ocpp.socket_roles import SocketSettings
from api.ocpp.socket_server import SocketServer
from tests.api.ocpp.sockets import MAX_BYTES, PATIENCE_S, SETTINGS, Owner, until, user_of


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def loop(request):
    """Runs a scenario on the loop of the standard library, or on that of the service."""
    return request.param


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


def test_messages_of_every_length_come_and_go(loop):
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

    loop(run())


@pytest.mark.parametrize(("path", "status"), [("/busy", 429), ("/broken", 500)])
def test_a_refused_handshake_says_why(loop, path, status):
    async def run():
        async with serving() as (owner, server):
            with pytest.raises(InvalidStatus) as caught:
                async with client(server, path):
                    pass
            assert caught.value.response.status_code == status
            assert not owner.users

    loop(run())


@pytest.mark.parametrize(
    "words", [b"GET / HTTP/1.1\r\nbroken\r\n\r\n", b"\x16\x03\x01\x00\xff" * 40, b"x" * 70_000]
)
def test_what_is_no_handshake_is_sent_away(loop, words):
    async def run():
        settings = SocketSettings(SETTINGS.subprotocols, MAX_BYTES, open_timeout_s=0.2)
        async with serving(settings) as (_, server):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(words)
            async with asyncio.timeout(PATIENCE_S):
                await reader.read()
            writer.close()

    loop(run())


def test_a_peer_that_never_shakes_hands_is_cut_off(loop):
    async def run():
        settings = SocketSettings(SETTINGS.subprotocols, MAX_BYTES, open_timeout_s=0.05)
        async with serving(settings) as (_, server):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET /CS1 HTTP/1.1\r\n")
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.read() == b""
            writer.close()

    loop(run())


def test_pings_measure_the_way_and_find_the_dead(loop):
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

    loop(run())


def test_a_reader_that_does_not_read_is_noticed(loop):
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

    loop(run())


def test_whoever_goes_without_a_word_is_gone(loop):
    async def run():
        async with serving() as (owner, server):
            async with client(server) as peer:
                user = await user_of(owner)
                peer.transport.abort()
            async with asyncio.timeout(PATIENCE_S):
                await user.is_gone.wait()
            user.socket.send("into the void")
            user.socket.close(1000, "twice")

    loop(run())


def test_tls_carries_the_same(loop, tmp_path):
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

    loop(run())


def test_no_compression_is_agreed_on_which_a_few_bytes_could_blow_up(loop):
    async def run():
        async with serving() as (owner, server), client(server, compression="deflate") as peer:
            (await user_of(owner)).echoes = True
            assert peer.protocol.extensions == []
            await peer.send("z" * 900)
            assert await peer.recv() == "z" * 900

    loop(run())
