"""Whatever is told to a station passes the check, and makes it do no more than the schedule allows."""

import json
import math
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from api.cli import app
from api.ocpp.capabilities import OcppVersion, QuirkKind, RateUnit
from api.ocpp.quirks import QUIRKS, quirks_of
from api.ocpp.smart.answers import answer_to
from api.ocpp.validation import MessageKind, MessageValidator
from api.smart.checks import check_case_in, verdict_on
from api.smart.encodes import encode_case_in, told_of
from api.smart.schemas import CompositeCaseWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError
from tests.smart_strategies import NOW, VERSIONS

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
NOISE = 1e-6


@st.composite
def encode_cases(draw):
    version = draw(VERSIONS)
    n_slots, n_evses = draw(st.integers(1, 8)), draw(st.integers(1, 2))
    is_dc = draw(st.integers(1, 4)) == 1
    can = {
        "rate_units": draw(st.sampled_from([["A"], ["W"], ["A", "W"]])),
        "max_stack_level": draw(st.integers(0, 3)),
        "max_periods": draw(st.integers(1, 9)),
        "max_profiles": draw(st.integers(n_evses, 8)),
        "phases_3_to_1": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
        "dynamic_profiles": True,
    }
    evses = []
    for evse in range(1, n_evses + 1):
        by_power = is_dc or draw(st.booleans())
        limits = st.floats(0, 30).map(lambda v: round(v, 3)) if by_power else st.floats(0, 63)
        one = {"evse": evse, "limit_kw" if by_power else "limit_a": draw(rows(limits, n_slots))}
        if draw(st.booleans()):
            one["transaction"] = evse if version == "1.6" else f"tx{evse}"
        if draw(st.integers(1, 3)) == 1:
            one["setpoint_kw"] = draw(rows(st.floats(-20, 20), n_slots))
            one["discharge_limit_kw"] = draw(rows(st.floats(-20, 0), n_slots))
        evses.append(one)
    is_caught = can["max_stack_level"] > 0 and can["max_profiles"] >= 2 * n_evses
    dynamic = version == "2.1" and is_caught and draw(st.booleans())
    return {
        "version": version,
        "start": NOW.isoformat(),
        "now": (NOW + timedelta(seconds=draw(st.integers(-600, 900 * n_slots - 1)))).isoformat(),
        "step_s": 900,
        "evses": evses,
        "station": {"current_type": "DC" if is_dc else "AC", "phases": draw(st.sampled_from([1, 3]))},
        "capabilities": can,
        "form": "dynamic" if dynamic else "profile",
    }


def rows(values, n_slots):
    return st.lists(values, min_size=n_slots, max_size=n_slots)


def told(case):
    return told_of(encode_case_in(json.dumps(case).encode(), None, None)).requests


def installed(requests):
    return [one.command.payload for one in requests if one.command.action == "SetChargingProfile"]


def composite(case, requests, at, evse, unit):
    """What the station does at a time, with the updates that it has got by then."""
    updates = [
        {"at": one.send_at.isoformat(), "request": one.command.payload}
        for one in requests
        if one.send_at is not None and one.send_at <= at
    ]
    running = [
        {"evse": one["evse"], "id": one["transaction"]} for one in case["evses"] if "transaction" in one
    ]
    document = {
        "version": case["version"],
        "now": at.isoformat(),
        "question": {"evseId": evse, "duration": 1},
        "station": case["station"] | {"max_a": 1000.0},
        "profiles": installed(requests),
        "transactions": running,
        "updates": updates,
    }
    situation, _ = parsed(CompositeCaseWire, json.dumps(document).encode()).asked()
    answer = answer_to(situation, evse, math.floor(at.timestamp()), 1, unit)
    inner = answer["schedule" if "schedule" in answer else "chargingSchedule"]
    return inner["chargingSchedulePeriod"][0]


def times_of(case):
    """Now, and the first and last second of every slot from then on, and two after the end."""
    n_slots = len(case["evses"][0].get("limit_a") or case["evses"][0]["limit_kw"])
    now = NOW.fromisoformat(case["now"])
    marks = [NOW + timedelta(seconds=900 * k + d) for k in range(n_slots) for d in (0, 450, 899)]
    end = NOW + timedelta(seconds=900 * n_slots)
    return [now, *(mark for mark in marks if mark > now)], [
        end + timedelta(seconds=1),
        end + timedelta(days=9),
    ]


def test_updates_of_a_dynamic_profile_keep_to_its_phases():
    """2 kW are 8.6 A on one phase, but the profile counts three, and no update can name others."""
    case = {
        "version": "2.1",
        "start": NOW.isoformat(),
        "step_s": 900,
        "evses": [{"evse": 1, "limit_kw": [0.0, 2.0, 5.0]}],
        "capabilities": {
            "rate_units": ["A"],
            "max_stack_level": 1,
            "max_profiles": 2,
            "phases_3_to_1": True,
            "dynamic_profiles": True,
        },
        "form": "dynamic",
    }
    updates = [one.command.payload for one in told(case) if one.command.action == "UpdateDynamicSchedule"]
    assert [one["scheduleUpdate"]["limit"] for one in updates] == [0.0, 7.2]


@given(case=encode_cases())
@settings(max_examples=80)
def test_what_is_told_never_allows_more_than_the_schedule(case):
    """C6, C7, C8, C9, C11, C12, C18: for every version and capability."""
    requests = told(case)
    within, after = times_of(case)
    for one in case["evses"]:
        for at in within:
            slot = max(int((at - NOW).total_seconds() // 900), 0)
            if "limit_a" in one:
                allowed = composite(case, requests, at, one["evse"], RateUnit.CURRENT)
                assert allowed["limit"] <= one["limit_a"][slot] + NOISE
            else:
                allowed = composite(case, requests, at, one["evse"], RateUnit.POWER)
                assert allowed["limit"] <= one["limit_kw"][slot] * 1000 + NOISE
            if "setpoint" in allowed and "limit_kw" in one:
                wanted = one["setpoint_kw"][slot] * 1000
                assert abs(allowed["setpoint"]) <= abs(wanted) + NOISE
                assert allowed["dischargeLimit"] >= one["discharge_limit_kw"][slot] * 1000 - NOISE
        for at in after:
            assert composite(case, requests, at, one["evse"], RateUnit.CURRENT)["limit"] == 0


@given(case=encode_cases())
@settings(max_examples=80)
def test_what_is_told_is_valid_and_passes_the_check(case):
    requests = told(case)
    version = OcppVersion("ocpp" + case["version"])
    held: list[dict[str, Any]] = []
    running = [
        {"evse": one["evse"], "id": one["transaction"]} for one in case["evses"] if "transaction" in one
    ]
    station = case["station"] | {"n_evses": len(case["evses"])}
    for request in requests:
        VALIDATORS[version].check(request.command.action, MessageKind.REQUEST, request.command.payload)
        if request.command.action != "SetChargingProfile":
            continue
        document = {
            "version": case["version"],
            "now": case["now"],
            "request": request.command.payload,
            "station": station,
            "profiles": held,
            "transactions": running,
            "capabilities": case["capabilities"],
        }
        verdict = verdict_on(check_case_in(json.dumps(document).encode(), None))
        assert verdict.breaches == ()
        assert "C1" not in {warning.requirement for warning in verdict.warnings}
        held.append(request.command.payload)
    assert len(held) <= case["capabilities"]["max_profiles"]


def simple(version="1.6", **more):
    evse = {"evse": 1, "transaction": 7 if version == "1.6" else "tx", "limit_a": [16.0, 10.0]}
    return {
        "version": version,
        "start": "2024-05-01T12:00:00Z",
        "evses": [evse],
        "capabilities": {"max_stack_level": 3, "max_periods": 10, "max_profiles": 10},
    } | more


def purposes(requests):
    names = []
    for payload in installed(requests):
        profile = payload.get("csChargingProfiles") or payload["chargingProfile"]
        names.append((profile["chargingProfilePurpose"], profile["stackLevel"]))
    return names


def test_a_default_and_the_station_s_maximum_lie_beneath_a_plan():
    """C12, C17: what holds while the station is offline, and after the horizon."""
    assert purposes(told(simple())) == [
        ("TxDefaultProfile", 0),
        ("ChargePointMaxProfile", 0),
        ("TxProfile", 1),
    ]
    floor = {"share_a": 6.0, "station_max_a": 40.0}
    limits = [
        (one.get("csChargingProfiles"))["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
        for one in installed(told(simple(floor=floor)))
    ]
    assert limits == [6.0, 40.0, 16.0]


def test_a_refresh_replaces_itself_and_starts_in_the_past():
    """C1, C5: the same numbers, no validFrom, a start a little before now, so that there is no gap."""
    first = told(simple())
    again = told(simple(now="2024-05-01T12:07:00Z", profiles=installed(first)))
    assert [one.command.action for one in again] == ["SetChargingProfile"] * 3
    for old, new in zip(installed(first), installed(again), strict=True):
        before, after = old["csChargingProfiles"], new["csChargingProfiles"]
        assert after["chargingProfileId"] == before["chargingProfileId"]
        assert "validFrom" not in after
        assert after["chargingSchedule"]["startSchedule"] < "2024-05-01T12:07:00Z"


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_what_would_be_a_duplicate_is_cleared_first_and_the_rest_last(version):
    """K01.FR.06, .53, C16: profiles that somebody else has left on the station."""
    foreign = {
        "id": 777,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "startSchedule": "2024-05-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 32}],
            }
        ],
    }
    higher = foreign | {
        "id": 778,
        "stackLevel": 3,
        "chargingProfilePurpose": "TxProfile",
        "transactionId": "tx",
    }
    actions = [
        (one.command.action, one.command.payload.get("chargingProfileId"))
        for one in told(simple(version, profiles={"0": [foreign], "1": [higher]}))
    ]
    assert actions[0] == ("ClearChargingProfile", 777)
    assert actions[-1] == ("ClearChargingProfile", 778)
    assert [name for name, _ in actions[1:-1]] == ["SetChargingProfile"] * 3


def test_k01_fr_81_numbers_of_external_systems_are_left_alone():
    case = simple("2.1")
    case["capabilities"]["max_external_constraints_id"] = 1000
    assert min(one["chargingProfile"]["id"] for one in installed(told(case))) > 1000


def test_power_below_three_phases_is_told_to_one_phase_where_the_station_switches():
    """C9, C18: 2.3 kW are less than 6 A on three phases, and 10 A on one."""
    case = simple(evses=[{"evse": 1, "transaction": 7, "limit_kw": [2.3, 11.04]}])
    plan = installed(told(case))[-1]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert [one["limit"] for one in plan] == [0.0, 16.0]
    case["capabilities"]["phases_3_to_1"] = True
    plan = installed(told(case))[-1]["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert [(one["limit"], one["numberPhases"]) for one in plan] == [(10.0, 1), (16.0, 3)]


def test_q_setpoints_and_discharge_limits_go_to_stations_that_work_both_ways():
    evse = {
        "evse": 1,
        "transaction": "tx",
        "limit_kw": [11.0, 11.0],
        "setpoint_kw": [7.0, -5.0],
        "discharge_limit_kw": [0.0, -11.0],
    }
    case = simple("2.1", evses=[evse])
    case["capabilities"]["bidirectional"] = True
    schedule = installed(told(case))[-1]["chargingProfile"]["chargingSchedule"][0]
    assert schedule["chargingRateUnit"] == "W"
    assert [(one["setpoint"], one["dischargeLimit"]) for one in schedule["chargingSchedulePeriod"]] == [
        (7000.0, 0.0),
        (-5000.0, -11000.0),
    ]
    one_way = told_of(encode_case_in(json.dumps(simple("2.0.1", evses=[evse])).encode(), None, None))
    assert "knows no setpoints" in one_way.notes[0]


def test_k28_a_dynamic_profile_is_followed_by_its_updates():
    case = simple("2.1", form="dynamic")
    case["capabilities"]["dynamic_profiles"] = True
    *_, profile, update = told(case)
    assert profile.command.payload["chargingProfile"]["chargingProfileKind"] == "Dynamic"
    assert update.command.action == "UpdateDynamicSchedule"
    assert update.command.payload["scheduleUpdate"] == {"limit": 10.0}
    assert update.send_at == NOW + timedelta(seconds=900)
    case["capabilities"]["max_profiles"] = 1
    with pytest.raises(InvalidInputError, match="no default beneath"):
        told(case)
    with pytest.raises(InvalidInputError, match="no dynamic profiles"):
        told(simple("2.1", form="dynamic"))


def test_a_model_s_quirks_bound_what_it_is_told():
    evbox = told_of(encode_case_in(json.dumps(simple(vendor="EVBox", model="Elvi")).encode(), None, None))
    assert purposes(evbox.requests) == [("TxDefaultProfile", 0), ("TxProfile", 1)]
    assert any("refuses a profile for the whole station" in note for note in evbox.notes)
    watts = told(simple(vendor="HomeCharge"))
    units = {one["csChargingProfiles"]["chargingSchedule"]["chargingRateUnit"] for one in installed(watts)}
    assert units == {"W"}


def test_k01_fr_44_a_station_that_tells_that_it_is_dc_is_told_no_phases():
    case = simple("2.0.1")
    case["capabilities"]["SupplyPhases"] = "0"
    periods = [
        period
        for one in installed(told(case))
        for period in one["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"]
    ]
    assert all("numberPhases" not in period for period in periods)


def test_every_quirk_tells_its_reason_and_source():
    assert all(quirk.reason and "#" in quirk.source for quirk in QUIRKS)
    kinds = {quirk.kind for quirk in quirks_of("go-e", "Gemini", "055.6")}
    assert kinds == {QuirkKind.NO_PHASE_SWITCH, QuirkKind.LIMIT_LOST_AFTER_PAUSE}
    assert QuirkKind.NO_PHASE_SWITCH not in {quirk.kind for quirk in quirks_of("go-e", "Gemini", "056.2")}
    assert quirks_of("Alfen", "Eve") == ()


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"evses": [{"evse": 1}]}, {"evses[0]"}),
        ({"evses": [{"evse": 1, "limit_a": [6.0], "limit_kw": [6.0]}]}, {"evses[0]"}),
        ({"evses": [{"evse": 1, "limit_a": [6.0], "setpoint_kw": [1.0, 2.0]}]}, {"evses[0]"}),
        ({"evses": [{"evse": 1, "limit_a": [6.0]}, {"evse": 1, "limit_a": [6.0]}]}, {"evses"}),
        ({"now": "2024-05-02T12:00:00Z"}, {"start"}),
        (
            {"capabilities": {"max_profiles": 1}, "evses": [{"evse": e, "limit_a": [6.0]} for e in (1, 2)]},
            {"capabilities.max_profiles"},
        ),
        ({"capabilities": {"smart_charging": False}}, {"profile 12", "profile 11", "profile 3"}),
    ],
)
def test_what_cannot_be_told_is_refused_with_every_fault(change, where):
    with pytest.raises(InvalidInputError) as caught:
        told(simple() | change)
    assert {issue.where for issue in caught.value.issues} == where


def test_the_command_prints_requests(tmp_path):
    schedule, able = tmp_path / "schedule.json", tmp_path / "able.json"
    schedule.write_text(
        json.dumps({k: v for k, v in simple().items() if k not in ("version", "capabilities")})
    )
    able.write_text(json.dumps({"ChargeProfileMaxStackLevel": "1", "MaxChargingProfilesInstalled": "5"}))
    command = ["ocpp", "encode", str(schedule), "--version", "1.6", "--capabilities", str(able)]
    outcome = CliRunner().invoke(app, command)
    assert outcome.exit_code == 0, outcome.output
    assert [one["action"] for one in json.loads(outcome.stdout)] == ["SetChargingProfile"] * 3
    able.write_text("[")
    assert CliRunner().invoke(app, command).exit_code == 2
