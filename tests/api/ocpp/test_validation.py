"""What a station can do is read with care, and no message passes that its schema refuses."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp import v16, v201
from api.ocpp.capabilities import Feature
from api.ocpp.dialects import DIALECTS
from api.ocpp.profiles import (
    OcppVersion,
    PilotRow,
    RateUnit,
    SafeFloor,
    StationCapabilities,
    fallback_profiles,
    profile_from_pilots,
)
from api.ocpp.validation import InvalidMessageError, MessageKind, MessageValidator, UnknownActionError

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
ENCODERS = DIALECTS
VALIDATORS = {version: MessageValidator(version) for version in OcppVersion}
BOTH = pytest.mark.parametrize("version", list(OcppVersion))


def check(version, command):
    VALIDATORS[version].check(command.action, MessageKind.REQUEST, command.payload)
    return command.payload


def encoded(version, profile):
    """The profile as it stands in a valid SetChargingProfile."""
    payload = check(version, ENCODERS[version].encode_profile(profile))
    return payload["csChargingProfiles" if version is OcppVersion.V16 else "chargingProfile"]


def schedule(version, profile):
    schedules = encoded(version, profile)["chargingSchedule"]
    return schedules if version is OcppVersion.V16 else schedules[0]


def plan(version, pilots=(16.0, 10.0, 10.0, 0.0), transaction="7", **capabilities):
    given_capabilities = {"max_stack_level": 3, "max_periods": 24} | capabilities
    row = PilotRow(START, 900, np.array(pilots))
    return profile_from_pilots(row, StationCapabilities(version, **given_capabilities), START, transaction)


def floor(version, **capabilities):
    return fallback_profiles(SafeFloor(6.0, 32.0), StationCapabilities(version, **capabilities), START)


# --- capabilities (C11) ---------------------------------------------------------------------------


@BOTH
def test_c11_the_question_for_capabilities_fits_the_schema(version):
    for query in ENCODERS[version].encode_capability_queries():
        check(version, query)


def configuration(**values):
    keys = [{"key": key, "readonly": True, "value": value} for key, value in values.items()]
    return {"configurationKey": keys}


def test_c11_a_1_6_station_tells_its_capabilities():
    told = configuration(
        ChargeProfileMaxStackLevel="8",
        ChargingScheduleAllowedChargingRateUnit="Current, Power",
        ChargingScheduleMaxPeriods="24",
        MaxChargingProfilesInstalled="10",
    )
    expected = StationCapabilities(OcppVersion.V16, frozenset(RateUnit), 8, 24, 10, 120.0)
    assert v16.decode_capabilities(told, 120.0) == expected


@pytest.mark.parametrize("nonsense", ["", "-1", "many", "1e3", "٣", "9" * 400])
def test_c11_what_a_station_does_not_tell_is_assumed_cautiously(nonsense):
    cautious = StationCapabilities(OcppVersion.V16)
    told = configuration(
        ChargeProfileMaxStackLevel=nonsense,
        ChargingScheduleAllowedChargingRateUnit=nonsense,
        ChargingScheduleMaxPeriods=nonsense,
        MaxChargingProfilesInstalled=nonsense,
    )
    assert v16.decode_capabilities(told, 230.0) == cautious
    assert v16.decode_capabilities({}, 230.0) == cautious
    assert (cautious.max_stack_level, cautious.rate_units) == (0, frozenset({RateUnit.CURRENT}))


def test_c11_a_2_0_1_station_tells_its_capabilities():
    values = {"ProfileStackLevel": "2", "RateUnit": "A,W", "PeriodsPerSchedule": "48", "Entries": "9"}
    told = {
        "getVariableResult": [
            {
                "attributeStatus": "Accepted",
                "attributeValue": value,
                "component": {"name": "SmartChargingCtrlr"},
                "variable": {"name": name},
            }
            for name, value in values.items()
        ]
    }
    expected = StationCapabilities(OcppVersion.V201, frozenset(RateUnit), 2, 48, 9)
    assert v201.decode_capabilities(told, 230.0) == expected
    for result in told["getVariableResult"]:
        result["attributeStatus"] = "Rejected"
    assert v201.decode_capabilities(told, 230.0) == StationCapabilities(OcppVersion.V201)


SMART = {
    "Available": "true",
    "Enabled": "True",
    "Phases3to1": "true",
    "ACPhaseSwitchingSupported": "true",
    "LimitChangeSignificance": "2.5",
    "NotifyChargingLimitWithSchedules": "true",
    "ExternalControlSignalsEnabled": "true",
    "SupportsDynamicProfiles": "true",
}


def variables(component="SmartChargingCtrlr", **values):
    return [
        {
            "attributeStatus": "Accepted",
            "attributeValue": value,
            "component": {"name": component},
            "variable": {"name": name},
        }
        for name, value in values.items()
    ]


@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
def test_k01_fr_20_29_121_what_the_variables_of_smart_charging_say_is_known(version):
    told = {"getVariableResult": variables(**SMART) + variables("ChargingStation", SupplyPhases="3")}
    known = ENCODERS[version].decode_capabilities(told, 230.0)
    assert (known.is_smart, known.switches_phases, known.chooses_phase) == (True, True, True)
    assert (known.takes_dynamic, known.supply_phases, known.limit_change_percent) == (True, 3, 2.5)
    assert known.tells_external_schedules
    assert known.obeys_external_signals
    off = {"getVariableResult": variables(Enabled="false")}
    assert not ENCODERS[version].decode_capabilities(off, 230.0).is_smart


def test_k01_fr_120_to_126_what_a_2_1_station_can_do_besides_is_known():
    v21 = ENCODERS[OcppVersion.V21]
    names = {"SupportsUseLocalTime", "SupportsRandomizedDelay", "SupportsLimitAtSoC", "SupportsEvseSleep"}
    told = variables(
        **dict.fromkeys(names, "true"),
        SupportedAdditionalPurposes="PriorityCharging, LocalGeneration",
        ChargingProfileUpdateRateLimit="10",
        MaxExternalConstraintsId="99",
    )
    told += variables("V2XChargingCtrlr", Enabled="true") + variables("ISO15118Ctrlr", Enabled="true")
    known = v21.decode_capabilities({"getVariableResult": told}, 230.0)
    assert known.features == frozenset(Feature) - {Feature.DC_INPUT_PHASES}
    assert (known.update_pause_s, known.max_external_id) == (10, 99)
    [asked, _] = v21.encode_capability_queries()
    wanted = {(one["component"]["name"], one["variable"]["name"]) for one in asked.payload["getVariableData"]}
    assert wanted >= {(one["component"]["name"], one["variable"]["name"]) for one in told}


@pytest.mark.parametrize("nonsense", ["", "yes", "-1", "NaN", "9" * 30])
def test_variables_that_say_nonsense_promise_nothing(nonsense):
    told = variables(**dict.fromkeys(SMART, nonsense)) + variables("ChargingStation", SupplyPhases=nonsense)
    known = v201.decode_capabilities({"getVariableResult": told}, 230.0)
    limit_change = known.limit_change_percent
    assert replace(known, limit_change_percent=None) == StationCapabilities(OcppVersion.V201)
    assert limit_change is None or limit_change >= 0


def test_a_1_6_station_tells_whether_it_switches_phases():
    told = configuration(ConnectorSwitch3to1PhaseSupported="True")
    assert v16.decode_capabilities(told, 230.0).switches_phases
    assert not v16.decode_capabilities(configuration(), 230.0).switches_phases


# --- validation -----------------------------------------------------------------------------------


@given(st.integers(0, 50_000))
def test_c7_every_decimal_passes_where_a_float_remainder_would_refuse_it(tenths):
    payload = v16.encode_profile(plan(OcppVersion.V16)).payload
    payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = tenths / 10
    VALIDATORS[OcppVersion.V16].check("SetChargingProfile", MessageKind.REQUEST, payload)


@BOTH
@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf, "16", True, None])
def test_a_limit_that_is_no_number_is_refused(version, limit):
    command = ENCODERS[version].encode_profile(plan(version))
    profile = command.payload["csChargingProfiles" if version is OcppVersion.V16 else "chargingProfile"]
    written = profile["chargingSchedule"]
    periods = (written if version is OcppVersion.V16 else written[0])["chargingSchedulePeriod"]
    periods[0]["limit"] = limit
    with pytest.raises(InvalidMessageError) as caught:
        check(version, command)
    assert caught.value.where.endswith("limit")


def test_c7_two_decimals_are_refused():
    command = v16.encode_profile(plan(OcppVersion.V16))
    command.payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 16.05
    with pytest.raises(InvalidMessageError, match="one decimal"):
        check(OcppVersion.V16, command)


@BOTH
@pytest.mark.parametrize("action", ["NoSuchAction", "../../v16/schemas/Heartbeat", "", "Heart beat", "Ä"])
def test_an_action_that_does_not_exist_is_told_apart(version, action):
    with pytest.raises(UnknownActionError):
        VALIDATORS[version].check(action, MessageKind.REQUEST, {})


@pytest.mark.parametrize(
    ("text", "is_time"),
    [
        ("2024-02-29T12:00:00Z", True),
        ("2024-02-29T12:00:00.123456789+05:30", True),
        ("2024-02-29T12:00:00", True),
        ("2023-02-29T12:00:00Z", False),
        ("2024-02-29", False),
        ("0001-01-01T00:00:00+23:59", False),
        ("now", False),
    ],
)
def test_a_time_is_one_that_a_clock_can_show(text, is_time):
    payload = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": text}
    if is_time:
        VALIDATORS[OcppVersion.V16].check("StatusNotification", MessageKind.REQUEST, payload)
    else:
        with pytest.raises(InvalidMessageError):
            VALIDATORS[OcppVersion.V16].check("StatusNotification", MessageKind.REQUEST, payload)
