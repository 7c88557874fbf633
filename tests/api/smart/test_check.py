"""Every requirement on a request to set a profile is named when it is broken, and only then."""

import copy
import json

import pytest
from hypothesis import given, settings
from typer.testing import CliRunner

from api.cli import app
from api.smart.checks import check_case_in, verdict_on
from models.errors import InvalidInputError
from tests.broken_requests import (
    CAN,
    DEFAULT,
    NEW_PROFILE,
    PERIOD,
    REASONS,
    RECURRING,
    TABLE,
    broken,
    case_of,
    held,
    start_request,
)
from tests.smart_strategies import composite_cases


def found(case):
    return verdict_on(check_case_in(json.dumps(case).encode(), None))


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_proper_request_breaks_nothing(version):
    verdict = found(case_of(version))
    assert verdict.is_valid, verdict
    assert verdict.warnings == ()


@pytest.mark.parametrize(
    ("version", "change", "numbers"),
    TABLE,
    ids=[f"{version}-{'+'.join(sorted(numbers))}-{i}" for i, (version, _, numbers) in enumerate(TABLE)],
)
def test_a_broken_requirement_is_named(version, change, numbers):
    verdict = found(broken(case_of(version), **copy.deepcopy(change)))
    assert {breach.requirement for breach in verdict.breaches} == numbers
    for breach in verdict.breaches:
        assert breach.reason_code in REASONS.get(breach.requirement, {breach.reason_code})
        assert breach.sentence


def test_k01_fr_26_unit_of_2_0_1():
    change = {"schedule": {"chargingRateUnit": "W"}, "capabilities": CAN | {"rate_units": ["A"]}}
    (breach,) = found(broken(case_of("2.0.1"), **change)).breaches
    assert (breach.requirement, breach.reason_code) == ("K01.FR.26", "UnsupportedRateUnit")


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_k01_fr_30_three_schedules_only_where_the_car_chooses(version):
    case = case_of(version)
    profile = case["request"]["chargingProfile"]
    profile["chargingSchedule"] = [profile["chargingSchedule"][0] | {"id": i} for i in (1, 2, 3)]
    assert {one.requirement for one in found(case).breaches} == {"K01.FR.30"}
    assert found(case | {"capabilities": CAN | {"iso15118": True}}).is_valid


@pytest.mark.parametrize(("version", "number"), [("1.6", "C3"), ("2.0.1", "K05.FR.02"), ("2.1", "K05.FR.02")])
def test_a_remote_start_takes_a_tx_profile_without_transaction(version, number):
    """C3, E3.41, E3.42, K05.FR.02."""
    case = case_of(version)
    wrong = case | {"request": start_request(case_of(version))}
    assert {one.requirement for one in found(wrong).breaches} == {number}
    good = case | {"request": start_request(case_of(version), transactionId=None), "transactions": []}
    assert found(good).is_valid
    default = start_request(case_of(version), **DEFAULT)
    assert number in {one.requirement for one in found(case | {"request": default}).breaches}


def test_k01_fr_06_validities_that_do_not_meet_may_share_a_level():
    early, late = {"validTo": "2024-05-02T00:00:00Z"}, {"validFrom": "2024-05-02T00:00:00Z"}
    case = broken(case_of("2.0.1"), profile=DEFAULT | early, profiles=[held("2", 1, **DEFAULT, **late)])
    assert found(case).is_valid


def test_c1_the_trap_of_a_refresh_in_the_future_is_a_warning():
    case = broken(case_of("1.6"), profile={"validFrom": "2024-05-02T00:00:00Z"}, profiles=[held("1.6", 1)])
    verdict = found(case)
    assert verdict.is_valid
    assert [one.requirement for one in verdict.warnings] == ["C1"]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"periods": [PERIOD | {"limit": 3.0}]}, "C18"),
        ({"periods": [PERIOD, PERIOD | {"startPeriod": 3600}]}, "C6"),
        (
            {"profile": RECURRING | {"recurrencyKind": "Daily"}, "schedule": {"duration": 90_000}},
            "C6",
        ),
    ],
)
def test_what_is_valid_but_hardly_meant_is_a_warning(change, number):
    verdict = found(broken(case_of("1.6"), **copy.deepcopy(change)))
    assert verdict.is_valid
    assert [one.requirement for one in verdict.warnings] == [number]


def test_what_a_station_tells_of_itself_is_understood_as_it_tells_it():
    told = {
        "ChargeProfileMaxStackLevel": "0",
        "ChargingScheduleAllowedChargingRateUnit": "Power",
        "ChargingScheduleMaxPeriods": "1",
        "MaxChargingProfilesInstalled": "1",
        "ConnectorSwitch3to1PhaseSupported": "false",
    }
    verdict = found(case_of("1.6") | {"capabilities": told, "profiles": [held("1.6", 2)]})
    assert {one.requirement for one in verdict.breaches} == {"C8", "C11"}
    assert sum(one.requirement == "C11" for one in verdict.breaches) == 3


@given(case=composite_cases())
@settings(max_examples=60)
def test_any_request_gets_a_verdict(case):
    for request in case["profiles"]:
        asked = {name: case[name] for name in ("version", "now", "station", "transactions")}
        verdict = found(asked | {"request": request})
        assert verdict.is_valid == (not verdict.breaches)


def test_the_command_tells_people_and_machines(tmp_path):
    path = tmp_path / "profile.json"
    path.write_text(json.dumps({"evseId": 1, "chargingProfile": NEW_PROFILE}))
    run = CliRunner()
    for_people = run.invoke(app, ["ocpp", "check", str(path), "--version", "2.0.1"])
    assert for_people.exit_code == 1
    assert "K01.FR.09" in for_people.stdout
    assert "TxNotFound" in for_people.stdout
    for_machines = run.invoke(app, ["ocpp", "check", str(path), "--version", "ocpp2.1", "--json"])
    document = json.loads(for_machines.stdout)
    assert (document["valid"], document["requirements"]) == (False, ["K01.FR.09"])
    path.write_text(json.dumps(case_of("1.6")))
    assert run.invoke(app, ["ocpp", "check", str(path)]).exit_code == 0
    path.write_text("{")
    assert run.invoke(app, ["ocpp", "check", str(path)]).exit_code == 2


@pytest.mark.parametrize("document", [[], {"evseId": 1}, {"version": "2.1", "request": 5}])
def test_what_is_no_request_is_refused(document):
    with pytest.raises(InvalidInputError):
        found(document)
