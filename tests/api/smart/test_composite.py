"""A composite schedule says at every instant what its naive twin finds by asking all profiles."""

import json
import math
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.smart.answers import answer_to
from api.ocpp.smart.assumptions import assumptions_in
from api.ocpp.validation import MessageKind, MessageValidator
from api.smart.schemas import CompositeCaseWire, TransactionWire
from api.wire.schemas import parsed
from models.errors import InvalidInputError
from tests.reference import composite as naive
from tests.smart_strategies import NOW, composite_cases

VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}


def answered(case):
    wire = parsed(CompositeCaseWire, json.dumps(case).encode())
    situation, evse = wire.asked()
    unit, duration_s = RateUnit(case["question"]["chargingRateUnit"]), case["question"]["duration"]
    return answer_to(situation, evse, math.floor(NOW.timestamp()), duration_s, unit)


def periods_in(answer):
    return answer.get("schedule", answer.get("chargingSchedule"))["chargingSchedulePeriod"]


def period_at(periods, second):
    return [one for one in periods if one["startPeriod"] <= second][-1]


def seconds_of(data, answer, duration_s):
    """Borders of the answer, the seconds around them, and any others."""
    borders = [one["startPeriod"] for one in periods_in(answer)]
    near = {s + d for s in borders for d in (-1, 0, 1)} | {0, duration_s - 1}
    drawn = data.draw(st.lists(st.integers(0, duration_s - 1), max_size=5))
    return sorted(s for s in near | set(drawn) if 0 <= s < duration_s)


def told(period):
    first = period["limit"]
    values = [first, period.get("limit_L2", first), period.get("limit_L3", first)]
    return values[: period.get("numberPhases", 3)], "limit_L2" in period


@given(case=composite_cases(), data=st.data())
@settings(max_examples=150)
def test_the_answer_equals_the_naive_one_at_every_instant(case, data):
    answer = answered(case)
    question = case["question"]
    for second in seconds_of(data, answer, question["duration"]):
        period = period_at(periods_in(answer), second)
        at = NOW + timedelta(seconds=second)
        values, n_phases = naive.answer_at(case, at)
        assert period["numberPhases"] == n_phases
        limits, tells_phases = told(period)
        if question["chargingRateUnit"] == "A" or tells_phases:
            assert limits == pytest.approx(values, abs=1e-6)
        else:
            assert period["limit"] == pytest.approx(naive.down(naive.total_w(case, at)), abs=1e-6)


@given(case=composite_cases(), data=st.data())
@settings(max_examples=60)
def test_an_answer_is_valid_begins_at_zero_and_merges_equal_neighbours(case, data):
    answer = answered(case)
    version = OcppVersion("ocpp" + case["version"])
    VALIDATORS[version].check("GetCompositeSchedule", MessageKind.RESPONSE, answer)
    periods = periods_in(answer)
    starts = [one["startPeriod"] for one in periods]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[-1] < case["question"]["duration"]
    says = [{name: one[name] for name in one if name != "startPeriod"} for one in periods]
    assert all(a != b for a, b in pairwise(says))


@given(case=composite_cases(evse=0), data=st.data())
@settings(max_examples=100)
def test_the_answer_for_the_station_equals_the_naive_one(case, data):
    """C22, K04.FR.01: what its EVSEs may draw together, within its own maximum."""
    for request in case["profiles"]:
        for schedule in _schedules_of(request):
            for period in schedule["chargingSchedulePeriod"]:
                period.pop("limit_L2", None)
                period.pop("limit_L3", None)
    answer = answered(case)
    for second in seconds_of(data, answer, case["question"]["duration"]):
        limit = period_at(periods_in(answer), second)["limit"]
        assert limit == pytest.approx(naive.station_at(case, NOW + timedelta(seconds=second)), abs=1e-6)


def _schedules_of(request):
    profile = request.get("csChargingProfiles", request.get("chargingProfile"))
    schedules = profile["chargingSchedule"]
    return schedules if isinstance(schedules, list) else [schedules]


@given(case=composite_cases())
@settings(max_examples=60)
def test_what_the_answer_says_installed_as_a_profile_gives_the_same_answer(case):
    """Idempotent: a station that holds just its own composite schedule does the same."""
    answer = answered(case)
    unit = case["question"]["chargingRateUnit"]
    allowed = ("startPeriod", "limit", "limit_L2", "limit_L3", "numberPhases")
    periods = [{name: one[name] for name in allowed if name in one} for one in periods_in(answer)]
    schedule = {
        "startSchedule": "2024-05-01T12:00:00Z",
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": periods,
    }
    is_16 = case["version"] == "1.6"
    profile = {
        "chargingProfileId" if is_16 else "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule if is_16 else [{"id": 1} | schedule],
    }
    evse = case["question"].get("connectorId", case["question"].get("evseId"))
    request = (
        {"connectorId": evse, "csChargingProfiles": profile}
        if is_16
        else {"evseId": evse, "chargingProfile": profile}
    )
    station = {name: value for name, value in case["station"].items() if name != "idle_evses"}
    again = answered(case | {"profiles": [request], "station": station})
    plain = [{name: one[name] for name in allowed if name in one} for one in periods_in(again)]
    merged = [
        one
        for i, one in enumerate(periods)
        if i == 0 or one != periods[i - 1] | {"startPeriod": one["startPeriod"]}
    ]
    assert plain == merged


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"version": "3.0"}, {"version"}),
        ({"question": {"duration": 60}}, {"question"}),
        ({"now": "yesterday"}, {"now"}),
        ({"profiles": {"x": []}}, {"profiles.x"}),
        (
            {"profiles": {"1": [{"id": 1, "stackLevel": "high", "chargingProfilePurpose": "Tx"}]}},
            {
                "profiles.1[0].stackLevel",
                "profiles.1[0].chargingProfilePurpose",
                "profiles.1[0].chargingProfileKind",
                "profiles.1[0].chargingSchedule",
            },
        ),
        ({"profiles": [{"chargingProfile": {}}]}, {"profiles[0]"}),
        (
            {"updates": [{"at": "2024-05-01T12:00:00Z", "request": {"chargingProfileId": 5}}]},
            {"updates[0].request"},
        ),
    ],
)
def test_every_fault_of_a_case_is_named(change, faults):
    case = {
        "version": "2.1",
        "now": "2024-05-01T12:00:00Z",
        "question": {"evseId": 1, "duration": 60},
    } | change
    with pytest.raises(InvalidInputError) as caught:
        parsed(CompositeCaseWire, json.dumps(case).encode()).asked()
    assert {issue.where for issue in caught.value.issues} == faults


def test_profiles_may_stand_by_evse_in_a_list_in_a_frame_or_in_a_report():
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "startSchedule": "2024-05-01T00:00:00Z",
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 9}],
            }
        ],
    }
    request = {"evseId": 1, "chargingProfile": profile}
    question = {"evseId": 1, "duration": 60, "chargingRateUnit": "A"}
    for profiles in (
        {"1": profile},
        {"1": [profile]},
        {"1": [request]},
        [request],
        [[2, "17", "SetChargingProfile", request]],
        [{"evseId": 1, "chargingProfile": [profile], "tbc": False}],
    ):
        case = {
            "version": "ocpp2.0.1",
            "now": "2024-05-01T12:00:00Z",
            "question": question,
            "profiles": profiles,
        }
        assert [one["limit"] for one in periods_in(answered(case))] == [9.0]


@pytest.mark.parametrize(
    "names",
    [
        ("evse", "id", "started_at"),
        ("connectorId", "transactionId", "start"),
        ("evseId", "transactionId", "timestamp"),
    ],
)
def test_a_transaction_may_be_told_in_the_words_of_ocpp(names):
    evse, number, start = names
    told = TransactionWire.model_validate({evse: 2, number: "7", start: "2024-03-01T09:45:00Z"}, strict=False)
    assert (told.evse, told.id, told.started_at) == (2, "7", datetime(2024, 3, 1, 9, 45, tzinfo=UTC))


def raw_default(number, limit, level=0):
    schedule = {
        "id": 1,
        "startSchedule": "2024-05-01T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
    }


@pytest.mark.parametrize(
    ("clear", "limit"),
    [
        ({}, 32.0),
        ({"chargingProfileId": 2}, 6.0),
        ({"chargingProfileId": 2, "chargingProfileCriteria": {"stackLevel": 0}}, 6.0),
        ({"chargingProfileCriteria": {"stackLevel": 0}}, 10.0),
        ({"chargingProfileCriteria": {"evseId": 1, "stackLevel": 1}}, 6.0),
        ({"chargingProfileCriteria": {"evseId": 2}}, 10.0),
        ({"chargingProfileCriteria": {"chargingProfilePurpose": "TxProfile"}}, 10.0),
        ({"chargingProfileId": 9}, 10.0),
    ],
)
def test_c21_k10_profiles_are_cleared_by_number_alone_or_by_all_criteria(clear, limit):
    messages = [
        {"evseId": 1, "chargingProfile": raw_default(1, 6)},
        {"evseId": 1, "chargingProfile": raw_default(2, 10, level=1)},
        {"action": "ClearChargingProfile", "payload": clear},
    ]
    question = {"evseId": 1, "duration": 60, "chargingRateUnit": "A"}
    case = {"version": "2.0.1", "now": "2024-05-01T12:00:00Z", "question": question, "profiles": messages}
    assert [one["limit"] for one in periods_in(answered(case))] == [limit]


def test_k10_fr_06_external_constraints_are_not_cleared():
    outside = raw_default(-1, 8) | {"chargingProfilePurpose": "ChargingStationExternalConstraints"}
    messages = [{"evseId": 0, "chargingProfile": outside}, [2, "1", "ClearChargingProfile", {}]]
    question = {"evseId": 1, "duration": 60, "chargingRateUnit": "A"}
    case = {"version": "2.0.1", "now": "2024-05-01T12:00:00Z", "question": question, "profiles": messages}
    assert [one["limit"] for one in periods_in(answered(case))] == [8.0]


def test_purposes_may_be_ignored_while_the_station_is_offline():
    messages = [{"evseId": 1, "chargingProfile": raw_default(1, 6)}]
    question = {"evseId": 1, "duration": 600, "chargingRateUnit": "A"}
    case = {
        "version": "2.1",
        "now": "2024-05-01T12:00:00Z",
        "question": question,
        "profiles": messages,
        "station": {"ignored_purposes_offline": ["TxDefaultProfile"]},
        "offline": [{"since": "2024-05-01T12:05:00Z"}],
    }
    assert [one["limit"] for one in periods_in(answered(case))] == [6.0, 32.0]


def test_what_is_assumed_is_said_beside_the_answer():
    schedule = raw_default(1, 6)["chargingSchedule"][0]
    late = schedule | {"randomizedDelay": 60, "limitAtSoC": {"soc": 80, "limit": 6}}
    profile = raw_default(1, 6) | {"chargingSchedule": [late, schedule | {"id": 2}]}
    case = {
        "version": "2.1",
        "now": "2024-05-01T12:00:00Z",
        "question": {"evseId": 1, "duration": 60},
        "profiles": {"1": profile},
    }
    situation, _ = parsed(CompositeCaseWire, json.dumps(case).encode()).asked()
    said = " ".join(assumptions_in(situation))
    for word in ("randomizedDelay", "limitAtSoC", "several schedules", "without a transaction"):
        assert word in said


def test_ten_years_of_days_are_answered():
    schedule = raw_default(1, 6)["chargingSchedule"][0] | {"duration": 3600}
    daily = raw_default(1, 6) | {"recurrencyKind": "Daily", "chargingSchedule": [schedule]}
    case = {
        "version": "2.0.1",
        "now": "2024-05-01T12:00:00Z",
        "question": {"evseId": 1, "duration": 3_652 * 86_400, "chargingRateUnit": "A"},
        "profiles": {"1": daily | {"chargingProfileKind": "Recurring"}},
    }
    assert len(periods_in(answered(case))) == 2 * 3_652 + 1
