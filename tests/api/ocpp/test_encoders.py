"""Every payload fits its schema; each checklist line that concerns an encoder has a test that names it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp import v16, v201
from api.ocpp.charging_profile import ProfileKind, ProfilePurpose, ProfileSelection
from api.ocpp.dialects import DIALECTS
from api.ocpp.events import ProfileAnswer, ProfileStatus
from api.ocpp.periods import OperationMode, SchedulePeriod
from api.ocpp.profiles import (
    OcppVersion,
    PilotRow,
    RateUnit,
    SafeFloor,
    StationCapabilities,
    fallback_profiles,
    profile_from_pilots,
)
from api.ocpp.validation import MessageKind, MessageValidator
from models.errors import InvalidInputError
from models.grid.site import CurrentType
from tests.api.ocpp.drawn import disorder
from tests.strategies import pilot_rows, station_capabilities

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


@given(pilot_rows(), station_capabilities(), st.sampled_from([None, "123"]))
def test_every_profile_fits_the_schema_of_its_version(row, capabilities, transaction):
    profile = profile_from_pilots(row, capabilities, row.start, transaction)
    encoded(capabilities.version, profile)


@given(st.floats(0, 80), st.floats(0, 300), station_capabilities(), st.sampled_from(CurrentType))
def test_every_fallback_fits_the_schema_of_its_version(share, total, capabilities, kind):
    for profile in fallback_profiles(SafeFloor(share, total, 3, kind), capabilities, START):
        encoded(capabilities.version, profile)


@BOTH
def test_c1_and_k01_fr_05_a_refreshed_plan_has_the_same_number_and_replaces_the_last(version):
    first, second = plan(version), plan(version, pilots=(8.0,))
    assert first.profile_id == second.profile_id
    numbers = [profile.profile_id for profile in (first, *floor(version))]
    assert len(set(numbers)) == 3


@BOTH
def test_c1_a_plan_is_valid_at_once(version):
    assert "validFrom" not in encoded(version, plan(version))


@BOTH
def test_c2_and_k01_fr_14_16_27_each_purpose_addresses_what_it_may(version):
    default, station_max = floor(version)
    encoder = ENCODERS[version]
    evse = "connectorId" if version is OcppVersion.V16 else "evseId"
    word = "ChargePointMaxProfile" if version is OcppVersion.V16 else "ChargingStationMaxProfile"
    assert encoder.encode_profile(default).payload[evse] == 0
    assert encoder.encode_profile(station_max).payload[evse] == 0
    assert encoded(version, station_max)["chargingProfilePurpose"] == word
    assert encoder.encode_profile(plan(version)).payload[evse] == 1
    for fault in ({"evse_number": 0}, {"purpose": ProfilePurpose.STATION_MAX, "transaction_id": None}):
        with pytest.raises(InvalidInputError):
            replace(plan(version), **fault)


def test_c3_a_1_6_transaction_is_a_number():
    assert encoded(OcppVersion.V16, plan(OcppVersion.V16, transaction="42"))["transactionId"] == 42
    with pytest.raises(InvalidInputError, match="no number"):
        v16.encode_profile(plan(OcppVersion.V16, transaction="a1"))


def test_k01_fr_03_and_33_a_2_0_1_transaction_is_a_text():
    assert encoded(OcppVersion.V201, plan(OcppVersion.V201, transaction="a-1"))["transactionId"] == "a-1"


@BOTH
def test_c3_and_k01_fr_03_a_txprofile_without_transaction_is_not_set(version):
    with pytest.raises(InvalidInputError):
        ENCODERS[version].encode_profile(replace(plan(version), transaction_id=None))


@BOTH
def test_c3_and_k05_fr_02_a_remote_start_takes_a_txprofile_without_transaction(version):
    command = ENCODERS[version].encode_remote_start("TAG", replace(plan(version), transaction_id=None))
    assert "transactionId" not in check(version, command)["chargingProfile"]
    for wrong in (plan(version), plan(version, transaction=None)):
        with pytest.raises(InvalidInputError):
            ENCODERS[version].encode_remote_start("TAG", wrong)


@BOTH
def test_c5_and_k01_fr_40_the_start_is_absolute_in_utc_and_in_the_past(version):
    for profile in (plan(version), *floor(version)):
        assert encoded(version, profile)["chargingProfileKind"] == "Absolute"
        start = schedule(version, profile)["startSchedule"]
        assert start == "2024-05-01T11:59:50Z"
        assert "recurrencyKind" not in encoded(version, profile)


@BOTH
def test_c5_a_time_of_another_zone_is_sent_in_utc(version):
    east = replace(plan(version), start=START.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert schedule(version, east)["startSchedule"] == "2024-05-01T12:00:00Z"


@given(pilot_rows(), station_capabilities())
def test_c6_and_k01_fr_31_35_periods_start_at_0_and_increase(row, capabilities):
    profile = profile_from_pilots(row, capabilities, row.start, "1")
    starts = [p["startPeriod"] for p in schedule(capabilities.version, profile)["chargingSchedulePeriod"]]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[-1] < schedule(capabilities.version, profile)["duration"]


@given(pilot_rows(), station_capabilities())
def test_c7_a_limit_has_at_most_one_decimal_as_text(row, capabilities):
    profile = profile_from_pilots(row, capabilities, row.start, "1")
    for period in schedule(capabilities.version, profile)["chargingSchedulePeriod"]:
        assert len(repr(period["limit"]).partition(".")[2]) == 1


@BOTH
def test_c8_and_k01_fr_26_the_unit_is_one_that_the_station_takes(version):
    watt = schedule(version, plan(version, rate_units=frozenset({RateUnit.POWER})))
    assert watt["chargingRateUnit"] == "W"
    assert watt["chargingSchedulePeriod"][0]["limit"] == 16 * 3 * 230
    ampere = schedule(version, plan(version, rate_units=frozenset(RateUnit)))
    assert ampere["chargingRateUnit"] == "A"
    assert ampere["chargingSchedulePeriod"][0]["limit"] == 16.0


@BOTH
def test_c8_watt_is_converted_with_the_nominal_voltage_of_the_station(version):
    profile = plan(version, rate_units=frozenset({RateUnit.POWER}), voltage_v=120.0)
    assert schedule(version, profile)["chargingSchedulePeriod"][0]["limit"] == 16 * 3 * 120


@BOTH
@pytest.mark.parametrize("n_phases", [1, 2, 3])
def test_c9_and_k01_fr_45_the_phases_are_named(version, n_phases):
    row = PilotRow(START, 900, np.array([16.0]), n_phases=n_phases)
    profile = profile_from_pilots(row, StationCapabilities(version), START, "1")
    assert schedule(version, profile)["chargingSchedulePeriod"][0]["numberPhases"] == n_phases


@BOTH
def test_k01_fr_44_a_dc_profile_names_no_phases_and_is_in_watt(version):
    row = PilotRow(START, 900, np.array([100.0]), current_type=CurrentType.DC)
    both_units = StationCapabilities(version, frozenset(RateUnit))
    written = schedule(version, profile_from_pilots(row, both_units, START, "1"))
    assert written["chargingRateUnit"] == "W"
    assert written["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 69000.0}]


@BOTH
def test_k01_fr_19_20_48_no_single_phase_is_chosen(version):
    assert all("phaseToUse" not in p for p in schedule(version, plan(version))["chargingSchedulePeriod"])


@BOTH
def test_c10_validity_is_an_interval(version):
    valid = replace(plan(version), valid_from=START, valid_to=START + timedelta(hours=1))
    assert encoded(version, valid)["validTo"] == "2024-05-01T13:00:00Z"
    with pytest.raises(InvalidInputError):
        replace(valid, valid_to=START)


@BOTH
def test_c11_stack_level_and_periods_are_within_what_the_station_takes(version):
    poor = encoded(version, plan(version, max_stack_level=0, max_periods=2))
    assert poor["stackLevel"] == 0
    assert len(schedule(version, plan(version, max_periods=2))["chargingSchedulePeriod"]) == 2


@pytest.mark.slow  # the best 1,024 of 1,100 periods are found exactly
@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
def test_c11_a_schedule_since_2_0_1_has_at_most_1024_periods(version):
    many = tuple(6.0 + i % 2 for i in range(1100))
    periods = schedule(version, plan(version, many, max_periods=5000))["chargingSchedulePeriod"]
    assert len(periods) <= 1024


@BOTH
def test_c12_the_end_of_the_horizon_is_caught_by_profiles_without_end(version):
    assert schedule(version, plan(version))["duration"] == 4 * 900 + 10
    for profile in floor(version):
        assert "duration" not in schedule(version, profile)
        assert encoded(version, profile)["stackLevel"] == 0


@BOTH
def test_c13_and_k01_fr_39_plan_and_floor_differ_by_purpose_where_only_level_0_exists(version):
    default, _ = floor(version)
    tx = encoded(version, plan(version, max_stack_level=0))
    assert (tx["stackLevel"], tx["chargingProfilePurpose"]) == (0, "TxProfile")
    assert encoded(version, default)["chargingProfilePurpose"] == "TxDefaultProfile"


@BOTH
def test_c15_and_k01_fr_52_53_a_default_of_an_evse_stands_above_the_one_of_the_station(version):
    default, _ = floor(version)
    of_evse = plan(version, transaction=None)
    assert (of_evse.evse_number, default.evse_number) == (1, 0)
    assert of_evse.stack_level > default.stack_level


@BOTH
def test_c15_and_k01_fr_06_defaults_of_evses_never_meet_in_one_place_under_two_numbers(version):
    for max_stack_level in (0, 1, 5):
        capabilities = StationCapabilities(version, max_stack_level=max_stack_level, max_profiles=9)
        beneath = fallback_profiles(SafeFloor(0.0, 32.0, evse_numbers=(1, 2)), capabilities, START)
        assert [profile.evse_number for profile in beneath] == [1, 2, 0]
        plans = [
            profile_from_pilots(
                PilotRow(START, 900, np.array([16.0]), number), capabilities, START, transaction
            )
            for number in (1, 2)
            for transaction in (None, "7")
        ]
        places = {(p.evse_number, p.purpose, p.stack_level): p.profile_id for p in (*beneath, *plans)}
        assert len(set(places.values())) == len(places)
        for profile in (*beneath, *plans):
            assert places[profile.evse_number, profile.purpose, profile.stack_level] == profile.profile_id


@BOTH
def test_c11_the_maximum_is_left_out_where_there_is_no_room_for_it(version):
    floor_of_two = SafeFloor(0.0, 32.0, evse_numbers=(1, 2))
    for max_profiles, n_beneath in ((5, 3), (4, 2), (1, 2)):
        capabilities = StationCapabilities(version, max_profiles=max_profiles)
        assert len(fallback_profiles(floor_of_two, capabilities, START)) == n_beneath


@BOTH
def test_c16_and_k10_profiles_are_cleared_by_number_alone(version):
    selection = ProfileSelection(profile_id=11, evse_number=1)
    payload = check(version, ENCODERS[version].encode_clear_profiles(selection))
    assert payload in ({"id": 11}, {"chargingProfileId": 11})


@BOTH
def test_c21_and_k10_profiles_are_cleared_by_criteria(version):
    selection = ProfileSelection(evse_number=1, purpose=ProfilePurpose.TX, stack_level=1)
    payload = check(version, ENCODERS[version].encode_clear_profiles(selection))
    criteria = payload.get("chargingProfileCriteria", payload)
    assert criteria["chargingProfilePurpose"] == "TxProfile"
    assert criteria["stackLevel"] == 1


@BOTH
def test_c17_a_station_that_holds_one_profile_gets_the_default_first(version):
    assert [p.purpose for p in floor(version, max_profiles=1)] == [ProfilePurpose.TX_DEFAULT]


@BOTH
@pytest.mark.parametrize(("pilot_a", "sent"), [(0.0, 0.0), (0.1, 0.0), (5.9, 0.0), (6.0, 6.0), (6.04, 6.0)])
def test_c18_nothing_between_0_and_6_ampere_is_sent(version, pilot_a, sent):
    assert schedule(version, plan(version, (pilot_a,)))["chargingSchedulePeriod"][0]["limit"] == sent


@BOTH
@pytest.mark.parametrize("voltage_v", [110.0, 120.0, 230.0, 230.9, 277.0])
@pytest.mark.parametrize("n_phases", [1, 2, 3])
def test_c18_6_ampere_in_watt_are_still_6_ampere(version, voltage_v, n_phases):
    capabilities = StationCapabilities(version, frozenset({RateUnit.POWER}), voltage_v=voltage_v)
    row = PilotRow(START, 900, np.array([6.0]), n_phases=n_phases)
    limit = schedule(version, profile_from_pilots(row, capabilities, START, "1"))["chargingSchedulePeriod"][
        0
    ]["limit"]
    assert limit / voltage_v / n_phases == pytest.approx(6.0, abs=1e-12)


@BOTH
def test_k01_fr_22_no_external_constraint_and_k01_fr_38_no_relative_maximum_is_ever_set(version):
    written = [encoded(version, profile) for profile in (plan(version), *floor(version))]
    purposes = {profile["chargingProfilePurpose"] for profile in written}
    assert "ChargingStationExternalConstraints" not in purposes
    assert {profile["chargingProfileKind"] for profile in written} == {"Absolute"}


def test_k01_fr_30_a_2_0_1_profile_has_exactly_one_schedule():
    assert len(encoded(OcppVersion.V201, plan(OcppVersion.V201))["chargingSchedule"]) == 1


@BOTH
def test_members_stand_in_the_order_of_the_schema(version):
    validity = {"valid_from": START, "valid_to": START + timedelta(hours=1)}
    encoder = ENCODERS[version]
    profile = replace(plan(version), **validity)
    for command in (
        encoder.encode_profile(profile),
        encoder.encode_remote_start("TAG", replace(profile, transaction_id=None)),
        encoder.encode_clear_profiles(ProfileSelection(None, 1, ProfilePurpose.TX, 2)),
        *encoder.encode_capability_queries(),
    ):
        assert disorder(version, command.action, command.payload) == []


def both_ways(unit=RateUnit.POWER, **changes):
    period = SchedulePeriod(0, 11000.0, 3, -5000.0, -7400.0, OperationMode.CENTRAL_SETPOINT)
    changes = {"unit": unit, "periods": (period,), "duration_s": None} | changes
    return replace(plan(OcppVersion.V21), **changes)


def test_k01_fr_121_122_and_q12_a_2_1_profile_says_all_that_its_record_knows_in_the_order_of_the_schema():
    new = {"kind": ProfileKind.DYNAMIC, "update_interval_s": 30}
    new |= {"max_offline_s": 600, "invalid_after_offline": True}
    profile = both_ways(**new)
    written = encoded(OcppVersion.V21, profile)
    assert (written["chargingProfileKind"], written["dynUpdateInterval"]) == ("Dynamic", 30)
    assert (written["maxOfflineDuration"], written["invalidAfterOfflineDuration"]) == (600, True)
    assert written["chargingSchedule"][0]["chargingSchedulePeriod"] == [
        {
            "startPeriod": 0,
            "limit": 11000.0,
            "numberPhases": 3,
            "dischargeLimit": -7400.0,
            "setpoint": -5000.0,
            "operationMode": "CentralSetpoint",
        }
    ]
    command = ENCODERS[OcppVersion.V21].encode_profile(profile)
    assert disorder(OcppVersion.V21, command.action, command.payload) == []


@pytest.mark.parametrize("version", [OcppVersion.V16, OcppVersion.V201])
def test_what_only_2_1_can_say_is_not_dropped_in_silence_before_it(version):
    new = {"kind": ProfileKind.DYNAMIC, "max_offline_s": 600, "invalid_after_offline": True}
    with pytest.raises(InvalidInputError) as refused:
        ENCODERS[version].encode_profile(both_ways(**new))
    assert len(refused.value.issues) == 6


def test_a_setpoint_in_ampere_is_our_fault():
    with pytest.raises(InvalidInputError, match="watt"):
        ENCODERS[OcppVersion.V21].encode_profile(both_ways(RateUnit.CURRENT))


def test_the_answers_to_a_profile_are_understood():
    assert v16.decode_profile_answer({"status": "NotSupported"}) == ProfileAnswer(ProfileStatus.NOT_SUPPORTED)
    refused = {"status": "Rejected", "statusInfo": {"reasonCode": "TxNotFound"}}
    assert v201.decode_profile_answer(refused) == ProfileAnswer(ProfileStatus.REJECTED, "TxNotFound")
    assert v201.decode_profile_answer({"status": "Accepted"}).reason == ""
