"""Commands that take a station away from its operator are stopped, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.safeguards import CommandPolicy, is_below, key_in, may_be_sent, objections
from api.ocpp.wire import Command

POLICY = CommandPolicy(
    own_urls=("wss://csms.example/ocpp",), file_urls=("https://files.example/fw", "sftp://logs.example")
)
NEW_KEY = "0123456789abcdef0123"


def change(key, value):
    return Command("ChangeConfiguration", {"key": key, "value": value})


def variable(name, value, component="SecurityCtrlr"):
    entry = {"attributeValue": value, "component": {"name": component}, "variable": {"name": name}}
    return Command("SetVariables", {"setVariableData": [entry]})


def network(url, profile):
    data = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": url,
        "messageTimeout": 30,
        "securityProfile": profile,
        "ocppInterface": "Wired0",
    }
    return Command("SetNetworkProfile", {"configurationSlot": 1, "connectionData": data})


def firmware(url):
    return Command("UpdateFirmware", {"requestId": 1, "firmware": {"location": url}})


NEEDS_TWO = [
    pytest.param(change("SecurityProfile", "1"), id="A00.FR.005 lowered in 1.6"),
    pytest.param(change(" securityprofile", "1"), id="A00.FR.005 whatever the case"),
    pytest.param(change("SecurityProfile", "none"), id="A00.FR.005 to nonsense"),
    pytest.param(variable("SecurityProfile", "0"), id="A00.FR.005 lowered in 2.x"),
    pytest.param(network("wss://csms.example/ocpp", 1), id="A00.FR.005 lowered by a network profile"),
    pytest.param(network("wss://evil.example/ocpp", 3), id="redirected by a network profile"),
    pytest.param(change("CentralSystemURL", "ws://evil.example"), id="redirected by a vendor's key"),
    pytest.param(
        change("AnyName", "WSS://csms.example.evil/ocpp"), id="redirected to a name that looks alike"
    ),
    pytest.param(change("AnyName", "wss://csms.example@evil/ocpp"), id="redirected behind a user's name"),
    pytest.param(
        variable("OcppCsmsUrl", "wss://evil.example", "NetworkConfiguration"), id="redirected in 2.1"
    ),
    pytest.param(variable("NetworkConfigurationPriority", "2,1", "OCPPCommCtrlr"), id="another slot first"),
    pytest.param(variable("Identity", "CS2"), id="another identity"),
    pytest.param(
        Command("DataTransfer", {"vendorId": "V", "data": '{"url":"ws://evil.example"}'}),
        id="redirected by a vendor's message",
    ),
]


@pytest.mark.parametrize("command", NEEDS_TWO)
def test_a_station_is_taken_away_by_two_different_approvers_only(command):
    found = objections(command, POLICY, present_profile=2)
    assert found
    assert [may_be_sent(found, keys) for keys in ((), ("a",), ("a", "a"), ("a", "b"))] == [
        False,
        False,
        False,
        True,
    ]


NEVER = [
    pytest.param(firmware("https://evil.example/fw/1.bin"), id="a stranger's firmware"),
    pytest.param(firmware("https://files.example/fw/../etc/1.bin"), id="up and out"),
    pytest.param(firmware("https://files.example/fw/%252e%252e/1.bin"), id="up and out, escaped twice"),
    pytest.param(firmware("https://files.example/fwother/1.bin"), id="a name that begins alike"),
    pytest.param(firmware("https://files.example:8443/fw/1.bin"), id="another port"),
    pytest.param(firmware("https://files.example:port/fw/1.bin"), id="a port that is none"),
    pytest.param(firmware("http://files.example/fw/1.bin"), id="another scheme"),
    pytest.param(firmware("https://files.example/fw\\@evil/1.bin"), id="a backslash"),
    pytest.param(firmware("https://files.example/fw/\n1.bin"), id="a new line"),
    pytest.param(Command("UpdateFirmware", {"location": "ftp://evil.example/a"}), id="1.6 firmware"),
    pytest.param(
        Command("SignedUpdateFirmware", {"firmware": {"location": "ftp://evil.example/a"}}), id="1.6 signed"
    ),
    pytest.param(Command("PublishFirmware", {"location": "ftp://evil.example/a"}), id="published"),
    pytest.param(Command("GetDiagnostics", {"location": "ftp://evil.example/a"}), id="diagnostics"),
    pytest.param(Command("GetLog", {"log": {"remoteLocation": "ftp://evil.example/a"}}), id="logs"),
    pytest.param(change("AuthorizationKey", "short"), id="A00.FR.205 a short key in 1.6"),
    pytest.param(variable("BasicAuthPassword", "short"), id="A00.FR.205 a short key in 2.x"),
]


@pytest.mark.parametrize("command", NEVER)
def test_what_nobody_can_approve(command):
    found = objections(command, POLICY, present_profile=0)
    assert found
    assert not may_be_sent(found, ("a", "b", "c"))


FREE = [
    pytest.param(change("SecurityProfile", "3"), id="A00.FR.005 raised"),
    pytest.param(change("SecurityProfile", "2"), id="A00.FR.005 kept"),
    pytest.param(network("wss://csms.example/ocpp/CS1", 2), id="the same central system"),
    pytest.param(change("HeartbeatInterval", "60"), id="another key"),
    pytest.param(change("AuthorizationKey", NEW_KEY), id="a new key"),
    pytest.param(variable("BasicAuthPassword", NEW_KEY), id="a new password"),
    pytest.param(firmware("https://files.example/fw/a/1.bin"), id="allowed firmware"),
    pytest.param(
        Command("GetLog", {"log": {"remoteLocation": "sftp://u:p@logs.example/x"}}), id="allowed logs"
    ),
    pytest.param(Command("Reset", {"type": "Immediate"}), id="a reset"),
    pytest.param(Command("GetLog", {"log": {}}), id="a log that names no place"),
]


@pytest.mark.parametrize("command", FREE)
def test_what_is_simply_sent(command):
    assert may_be_sent(objections(command, POLICY, present_profile=2))


def test_a_station_whose_profile_nobody_knows_is_taken_for_a_safe_one():
    assert objections(change("SecurityProfile", "2"), POLICY)
    assert not objections(change("SecurityProfile", "3"), POLICY)


def test_no_place_for_files_is_allowed_unless_it_was_named_and_no_password_is_told():
    found = objections(firmware("https://user:secret@files.example/fw/1.bin"), CommandPolicy())
    assert not may_be_sent(found, ("a", "b"))
    assert "secret" not in found[0].what


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_below_another_host(host, path):
    try:
        assert not is_below(f"https://{host}.invalid/{path}", "https://files.example/fw")
    except ValueError:
        pytest.fail("a URL that is none is no reason to fail")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(payload=st.dictionaries(st.text(max_size=8), JSON, max_size=4))
@pytest.mark.parametrize("action", ["UpdateFirmware", "SetNetworkProfile", "GetLog", "ChangeConfiguration"])
def test_whatever_is_asked_gets_a_ruling(action, payload):
    for objection in objections(Command(action, payload), POLICY):
        assert objection.what


def test_the_key_that_a_command_gives_is_found_in_every_version():
    assert key_in(change("AuthorizationKey", NEW_KEY)) == NEW_KEY
    assert key_in(variable("BasicAuthPassword", NEW_KEY)) == NEW_KEY
    assert key_in(change("HeartbeatInterval", "60")) is None
