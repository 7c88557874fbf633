"""What settings and the command line say about the doors, and that a gateway made from them keeps to it."""

import asyncio

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.commands.doors import command_policy, door_rules, files_allowed, gateway_settings, told
from api.ocpp.capabilities import OcppVersion
from api.ocpp.handshake import SecurityProfile
from api.settings import Settings
from api.stations.doors import StationDoors
from api.storage.engine import Database
from models.errors import InvalidInputError
from tests.api.ocpp.certificates import Authority
from tests.api.ocpp.house import in_house
from tests.api.ocpp.test_tls import client


def run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture
def url(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'doors.sqlite'}"
    monkeypatch.setenv("GRIDPILOT_DATABASE_URL", url)
    return url


def test_a_key_that_the_command_line_makes_opens_the_gateway_that_the_settings_describe(url, tmp_path):
    authority = Authority(tmp_path)
    own, station = authority.issue("localhost"), authority.issue("SN-2")
    key = run("stations", "key", "CS1").stdout.strip()
    assert len(key) == 40
    assert run("stations", "key", "CS2", "--certificate-name", "SN-2", "--minimum-profile", 3).exit_code == 0
    settings = Settings(
        database_url=url,
        ocpp_minimum_profile=2,
        ocpp_certificate=str(own.certificate),
        ocpp_certificate_key=str(own.key),
        ocpp_client_ca=str(authority.file),
        ocpp_organisation="Operator",
    )
    database = Database(url)
    doors = StationDoors(database, door_rules(settings))

    async def scenario(house):
        login = f"CS1:{key}@"
        async with house.station(OcppVersion.V16, "CS1", login, client(authority)) as one:
            assert "currentTime" in await one.call("Heartbeat", {})
        async with house.station(OcppVersion.V16, "CS2", tls=client(authority, station)) as two:
            assert "currentTime" in await two.call("Heartbeat", {})

    try:
        in_house(scenario, doors, tls=gateway_settings(settings).tls)
    finally:
        database.close()


def test_a_chosen_key_is_not_printed_and_a_bad_one_is_refused(url):
    chosen = run("stations", "key", "CS1", "--key", "chosen by people!", "--now")
    assert (chosen.exit_code, chosen.stdout) == (0, "")
    bad = run("stations", "key", "a/b", "--key", "short")
    assert bad.exit_code == 2
    database = Database(url)
    doors = StationDoors(database, door_rules(Settings()))
    assert asyncio.run(doors.set_key("CS1"))
    database.close()


def test_a_process_may_open_as_many_files_as_it_serves_stations_or_it_is_told(monkeypatch):
    resource = pytest.importorskip("resource")
    limits = [1_024, 20_000]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, chosen: limits.__setitem__(slice(None), chosen))
    assert files_allowed(Settings()) == ""
    assert limits == [14_000, 20_000]
    assert "no more than 18000 stations" in files_allowed(Settings(ocpp_connections=50_000))
    assert limits == [20_000, 20_000]


FAULTS = [
    ({"ocpp_minimum_profile": 4}, "MINIMUM_PROFILE"),
    ({"ocpp_minimum_profile": 2}, "OCPP_CERTIFICATE"),
    ({"ocpp_minimum_profile": 3}, "CLIENT_CA"),
    ({"ocpp_certificate": "a.pem,b.pem", "ocpp_certificate_key": "a.key"}, "CERTIFICATE_KEY"),
    ({"ocpp_client_ca": "ca.pem"}, "CLIENT_CA"),
    ({"ocpp_plain_port": 9001}, "PLAIN_PORT"),
    ({"ocpp_connections": 0}, "CONNECTIONS"),
]


@pytest.mark.parametrize(("given", "named"), FAULTS)
def test_settings_that_contradict_each_other_are_named(given, named):
    with pytest.raises(InvalidInputError, match=named):
        door_rules(Settings(**given))


def test_nobody_comes_in_by_default_without_a_key_and_whoever_opens_the_door_is_told():
    assert door_rules(Settings()).minimum_profile is SecurityProfile.BASIC
    assert "gridpilot stations key" in told(Settings())
    assert "whatever it shows" in told(Settings(ocpp_minimum_profile=0))
    assert "fewer than 16" in told(Settings(station_key="short"))
    assert told(Settings(station_key="long enough for all")) == ""


def test_places_for_files_come_from_the_settings():
    policy = command_policy(Settings(ocpp_file_urls="https://a/x, sftp://b", ocpp_own_urls="wss://c"))
    assert policy.file_urls == ("https://a/x", "sftp://b")
    assert policy.own_urls == ("wss://c",)
    assert command_policy(Settings()).file_urls == ()
