"""TLS of the gateway: versions and suites by hand-shakes without a socket, the profiles over real ones."""

import asyncio
import json
import socket
import ssl
import warnings

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from api.ocpp.admission import DoorSettings
from api.ocpp.capabilities import OcppVersion
from api.ocpp.handshake import SecurityProfile
from api.ocpp.tls import CertificateFiles, TlsFiles, server_context
from models.errors import InvalidInputError
from tests.api.ocpp.certificates import Authority, curve_key, rsa_key
from tests.api.ocpp.house import PATIENCE_S, in_house

VERSION = OcppVersion.V201
MANDATORY = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
FORBIDDEN = ("AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES256-SHA384", "DHE-RSA-AES128-GCM-SHA256")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(authority):
    own = [authority.issue("localhost", key=key) for key in (curve_key(), rsa_key())]
    return server_context(TlsFiles(own, authority.file))


def client(authority, files=None):
    context = ssl.create_default_context(cafile=authority.file)
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context


def shaken(server, client):
    """Let two contexts shake hands; return the suite and the version that they agree on."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(down, up, server_hostname="localhost"),
        server.wrap_bio(up, down, server_side=True),
    ]
    for _ in range(10):
        for side in tuple(sides):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            sides.remove(side)
        if not sides:
            break
    return side.cipher()[:2]


@pytest.mark.parametrize("suite", MANDATORY)
def test_a00_fr_318_every_mandatory_suite_is_there(server, authority, suite):
    old = client(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers(suite)
    assert shaken(server, old) == (suite, "TLSv1.2")


@pytest.mark.parametrize("suite", FORBIDDEN)
def test_a00_fr_320_no_other_suite_is_there(server, authority, suite):
    old = client(authority)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    old.set_ciphers(suite)
    with pytest.raises(ssl.SSLError):
        shaken(server, old)


def test_a00_fr_313_whoever_can_speaks_tls_1_3(server, authority):
    assert shaken(server, client(authority))[1] == "TLSv1.3"


def test_a00_fr_315_tls_before_1_2_is_refused(server, authority):
    old = client(authority)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shaken(server, old)


def test_a00_fr_321_nothing_is_compressed(server):
    assert server.options & ssl.OP_NO_COMPRESSION


def test_every_file_that_cannot_be_used_is_named(tmp_path, authority):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    mixed = CertificateFiles(authority.issue("a").certificate, authority.issue("b").key)
    files = TlsFiles([mixed, CertificateFiles(tmp_path / "missing.pem", wrong)], wrong)
    with pytest.raises(InvalidInputError) as caught:
        server_context(files)
    assert [issue.where for issue in caught.value.issues] == [
        str(mixed.certificate),
        str(tmp_path / "missing.pem"),
        str(wrong),
    ]


# --- over sockets ---------------------------------------------------------------------------------


class Recorder:
    """Lets everybody in who shows something, and remembers it."""

    def __init__(self):
        self.shown = []

    async def authenticate(self, shown):
        self.shown.append(shown)
        return shown.profile is not SecurityProfile.NONE


def test_a00_profile_2_a_password_over_tls(server, authority):
    recorder = Recorder()

    async def scenario(house):
        login = "CS1:0123456789abcdef@"
        async with house.station(VERSION, login=login, tls=client(authority)) as station:
            assert "currentTime" in await station.call("Heartbeat", {})
            assert house.registry.record("CS1").security_profile == 2
        assert [one.profile for one in recorder.shown] == [SecurityProfile.TLS_BASIC]
        with pytest.raises(InvalidStatus):
            async with house.station(VERSION, tls=client(authority)):
                pass

    in_house(scenario, recorder, tls=server)


def test_a00_profile_3_a_certificate_of_the_authority(server, authority):
    recorder = Recorder()

    async def scenario(house):
        context = client(authority, authority.issue("CS1"))
        async with house.station(VERSION, tls=context) as station:
            assert "currentTime" in await station.call("Heartbeat", {})
            assert house.registry.record("CS1").security_profile == 3
        (shown,) = recorder.shown
        assert shown.subject.belongs_to("CS1", "Operator")

    in_house(scenario, recorder, tls=server)


def test_messages_that_come_in_many_records_at_once_are_all_heard(server, authority):
    async def scenario(house):
        async with house.station(VERSION, login="CS1:0123456789abcdef@", tls=client(authority)) as station:
            for i in range(50):
                await station.socket.send(json.dumps([2, f"m{i}", "Heartbeat", {}]))
            answers = [await station.next_frame() for _ in range(50)]
            assert [(kind, name) for kind, name, _ in answers] == [(3, f"m{i}") for i in range(50)]

    in_house(scenario, Recorder(), tls=server)


def test_a00_fr_403_407_a_strangers_or_an_old_certificate_ends_the_connection(server, authority, tmp_path):
    recorder = Recorder()
    wrong = [Authority(tmp_path, "stranger").issue("CS1"), authority.issue("CS1", days=-1)]

    async def scenario(house):
        for files in wrong:
            with pytest.raises((OSError, InvalidMessage)):
                async with house.station(VERSION, tls=client(authority, files)):
                    pass
        assert recorder.shown == []

    in_house(scenario, recorder, tls=server)


def test_a00_fr_312_who_does_not_encrypt_is_not_heard(server):
    recorder = Recorder()

    async def scenario(house):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.gateway.port)
        writer.write(b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
        assert b"HTTP" not in await reader.read(1000)
        writer.close()
        assert recorder.shown == []

    in_house(scenario, recorder, tls=server)


def test_a00_fr_006_a_second_port_serves_those_that_cannot_encrypt_yet(server, authority):
    recorder = Recorder()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    async def scenario(house):
        login = "CS1:0123456789abcdef@"
        async with house.station(VERSION, login=login, port=port) as station:
            assert "currentTime" in await station.call("Heartbeat", {})
        async with house.station(VERSION, login=login, tls=client(authority)) as station:
            assert "currentTime" in await station.call("Heartbeat", {})
        assert [one.profile for one in recorder.shown] == [1, 2]

    in_house(scenario, recorder, tls=server, plain_port=port)


@pytest.mark.parametrize("said", [b"", b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"\x16\x03\x01"])
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_hand_shake_that_never_ends_is_given_up(server, encrypted, said):
    async def scenario(house):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.gateway.port)
        writer.write(said)
        async with asyncio.timeout(PATIENCE_S):
            while await reader.read(1000):
                pass
        writer.close()

    in_house(scenario, Recorder(), tls=server if encrypted else None, door=DoorSettings(handshake_s=0.2))
