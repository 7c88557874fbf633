"""Every order of an operator is written in every version that can say it, valid and in the schema's order."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.catalogue import Catalogue, request_schema
from api.ocpp.charging_profile import ProfilePurpose, ProfileSelection
from api.ocpp.command_faults import CommandChecker
from api.ocpp.orders.encode import answer_of, commands_of
from api.ocpp.orders.records import (
    Asked,
    AvailabilityOrder,
    ClearProfilesOrder,
    CompositeOrder,
    ReadVariables,
    ResetKind,
    ResetOrder,
    StartOrder,
    StopOrder,
    TriggerOrder,
    UnlockOrder,
    WriteVariables,
)
from api.ocpp.wire import Command
from models.errors import InvalidInputError

EVERY = pytest.mark.parametrize("version", list(OcppVersion))
EVSES = st.none() | st.integers(1, 9)
TOKENS = st.text("ABCDEF0123456789", min_size=1, max_size=20)
NAMES = {
    OcppVersion.V16: st.sampled_from(["HeartbeatInterval", "MeterValueSampleInterval"]),
    OcppVersion.V201: st.sampled_from(
        ["OCPPCommCtrlr.HeartbeatInterval", "EVSE/1.Power", "Connector/1/2.Available"]
    ),
}
NAMES[OcppVersion.V21] = NAMES[OcppVersion.V201]


def orders(version):
    names = NAMES[version]
    return st.one_of(
        st.builds(StartOrder, TOKENS, EVSES, st.just("Central"), st.integers(0, 2**31 - 1)),
        st.builds(StopOrder, st.integers(1, 10**6).map(str)),
        st.builds(ResetOrder, st.sampled_from(ResetKind), st.none()),
        st.builds(UnlockOrder, st.integers(1, 9), st.integers(1, 3)),
        st.builds(AvailabilityOrder, st.booleans(), EVSES),
        st.builds(
            TriggerOrder, st.sampled_from([one for one in Asked if one is not Asked.TRANSACTION]), EVSES
        ),
        st.builds(
            ClearProfilesOrder,
            st.builds(ProfileSelection, EVSES, EVSES, st.none() | st.sampled_from(ProfilePurpose), EVSES),
        ),
        st.builds(
            CompositeOrder, st.integers(0, 9), st.integers(1, 86400), st.none() | st.sampled_from(RateUnit)
        ),
        st.builds(ReadVariables, st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)),
        st.builds(WriteVariables, st.lists(st.tuples(names, TOKENS), min_size=1, max_size=3).map(tuple)),
    )


def in_order(payload: Any, schema: Any, definitions: Any) -> bool:
    """Whether members stand in the order of their schema, at any depth."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rsplit("/", 1)[-1]]
    if isinstance(payload, list):
        return all(in_order(one, schema["items"], definitions) for one in payload)
    if not isinstance(payload, dict):
        return True
    places = [list(schema["properties"]).index(name) for name in payload]
    return places == sorted(places) and all(
        in_order(value, schema["properties"][name], definitions) for name, value in payload.items()
    )


@pytest.fixture(scope="module")
def checker():
    return CommandChecker()


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.read()


@EVERY
@settings(max_examples=40)
@given(data=st.data())
def test_every_order_is_a_valid_command_of_the_version_in_the_order_of_its_schema(
    version, checker, catalogue, data
):
    for command in commands_of(data.draw(orders(version)), version):
        assert command.action in catalogue.commands(version)
        assert checker.faults(version, command) == ()
        schema = request_schema(version, command.action)
        assert in_order(command.payload, schema, schema.get("definitions", {}))


@pytest.mark.parametrize(
    ("order", "version"),
    [
        (ResetOrder(evse_number=1), OcppVersion.V16),
        (StopOrder("no-number"), OcppVersion.V16),
        (TriggerOrder(Asked.TRANSACTION), OcppVersion.V16),
        (ReadVariables(()), OcppVersion.V201),
        (ReadVariables(("HeartbeatInterval",)), OcppVersion.V21),
        (WriteVariables((("EVSE/x.Power", "1"),)), OcppVersion.V201),
    ],
)
def test_what_a_version_cannot_say_is_told_and_not_sent(order, version):
    with pytest.raises(InvalidInputError):
        commands_of(order, version)


def test_every_fault_of_a_command_is_named_with_its_path():
    payload = {"connectorId": "x", "duration": -1, "chargingRateUnit": "kW", "colour": 1}
    issues = CommandChecker().faults(OcppVersion.V16, Command("GetCompositeSchedule", payload))
    assert {issue.where for issue in issues} == {"connectorId", "chargingRateUnit", "colour"}
    issues = CommandChecker().faults(OcppVersion.V201, Command("RequestStartTransaction", {"evseId": 1}))
    assert {issue.where for issue in issues} == {"idToken", "remoteStartId"}


@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
def test_a_limit_has_at_most_one_decimal_in_1_6_only(version):
    """C7; 2.x schemas ask for a number."""
    schedule = {
        "id": 1,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6.05}],
    }
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    }
    command = Command("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    assert CommandChecker().faults(version, command) == ()


@pytest.mark.parametrize(
    ("order", "answers", "accepted", "status"),
    [
        (StartOrder("A"), ({"status": "Accepted"},), True, "Accepted"),
        (StartOrder("A"), ({"status": "Rejected"},), False, "Rejected"),
        (UnlockOrder(1), ({"status": "Unlocked"},), True, "Unlocked"),
        (UnlockOrder(1), ({"status": "UnlockFailed"},), False, "UnlockFailed"),
        (AvailabilityOrder(is_operative=False), ({"status": "Scheduled"},), True, "Scheduled"),
        (ClearProfilesOrder(), ({"status": "Unknown"},), True, "Unknown"),
        (WriteVariables((("a", "1"),)), ({"status": "RebootRequired"},), True, "RebootRequired"),
        (
            WriteVariables((("a", "1"), ("b", "2"))),
            ({"status": "Accepted"}, {"status": "NotSupported"}),
            False,
            "NotSupported",
        ),
        (
            WriteVariables((("a", "1"),)),
            ({"setVariableResult": [{"attributeStatus": "UnknownVariable"}]},),
            False,
            "UnknownVariable",
        ),
    ],
)
def test_an_answer_of_any_version_comes_to_one_word(order, answers, accepted, status):
    said = answer_of(order, answers)
    assert (said.is_accepted, said.status) == (accepted, status)


def test_variables_are_read_alike_in_every_version():
    old = {"configurationKey": [{"key": "A", "readonly": False, "value": "1"}], "unknownKey": ["B"]}
    said = answer_of(ReadVariables(("A", "B")), (old,))
    assert (said.values, said.is_accepted, said.reason) == ({"A": "1"}, False, "unknown: B")
    result = {
        "attributeStatus": "Accepted",
        "attributeValue": "11000",
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
    }
    said = answer_of(ReadVariables(("EVSE/1.Power",)), ({"getVariableResult": [result]},))
    assert (said.values, said.is_accepted) == ({"EVSE/1.Power": "11000"}, True)


def test_the_reason_of_a_refusal_is_told():
    answer = {"status": "Rejected", "statusInfo": {"reasonCode": "NoCable", "additionalInfo": "at 1"}}
    assert answer_of(UnlockOrder(1), (answer,)).reason == "NoCable: at 1"
