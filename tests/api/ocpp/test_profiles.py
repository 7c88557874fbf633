"""Planned pilots become profiles that never exceed them, and decode to what they came from."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.charging_profile import ChargingProfile, ProfileKind, ProfilePurpose
from api.ocpp.periods import OperationMode, SchedulePeriod, borders_apart, fit_periods, floor_to_tenth
from api.ocpp.profiles import (
    START_MARGIN_S,
    OcppVersion,
    PilotRow,
    RateUnit,
    SafeFloor,
    StationCapabilities,
    fallback_profiles,
    limits_from_profile,
    profile_from_pilots,
    simpler_profiles,
)
from models.errors import InvalidInputError
from models.grid.site import CurrentType
from tests.strategies import pilot_rows, station_capabilities

NOISE_A = 2e-9
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
RICH = StationCapabilities(OcppVersion.V16, frozenset(RateUnit), max_stack_level=5, max_periods=100)
LIMITS = st.integers(0, 320).map(lambda tenths: tenths / 10)


def slot_starts(row):
    return [row.start + timedelta(seconds=row.step_s * i) for i in range(row.pilot_a.size)]


def moments_within(row):
    """Times from one slot before the row until just before its end."""
    last_s = row.pilot_a.size * row.step_s - 1
    return st.integers(-row.step_s, last_s).map(lambda s: row.start + timedelta(seconds=s, milliseconds=250))


def emitted(row, unit=RateUnit.CURRENT, now=START + timedelta(seconds=60)):
    return profile_from_pilots(row, replace(RICH, rate_units=frozenset({unit})), now, "7")


@given(pilot_rows(), station_capabilities(), st.data(), st.sampled_from([None, "7"]))
def test_a_profile_never_allows_more_than_the_schedule(row, capabilities, data, transaction):
    now = data.draw(moments_within(row))
    profile = profile_from_pilots(row, capabilities, now, transaction)
    starts = [moment for moment in slot_starts(row) if moment + timedelta(seconds=row.step_s) > now]
    planned_a = row.pilot_a[-len(starts) :]
    for inside in (timedelta(), timedelta(seconds=row.step_s - 1)):
        times = [moment + inside for moment in starts]
        allowed_a = limits_from_profile(profile, times, capabilities.voltage_v)
        assert (allowed_a <= planned_a + NOISE_A).all()


@given(pilot_rows(CurrentType.AC), st.sampled_from(RateUnit))
def test_a_profile_decodes_to_the_schedule_it_came_from(row, unit):
    capabilities = replace(RICH, rate_units=frozenset({unit}))
    profile = profile_from_pilots(row, capabilities, row.start, "7")
    deliverable_a = np.where(row.pilot_a < 6.0 - 1e-9, 0.0, row.pilot_a)
    allowed_a = limits_from_profile(profile, slot_starts(row), capabilities.voltage_v)
    rounding_a = 0.1 if unit is RateUnit.CURRENT else 0.1 / (row.n_phases * capabilities.voltage_v)
    assert (allowed_a > deliverable_a - rounding_a - NOISE_A).all()
    assert (allowed_a <= deliverable_a + NOISE_A).all()


@given(pilot_rows(), station_capabilities(), st.data())
def test_now_and_the_horizon_are_covered_without_a_gap(row, capabilities, data):
    now = data.draw(moments_within(row))
    profile = profile_from_pilots(row, capabilities, now, "7")
    end = row.start + timedelta(seconds=row.step_s * row.pilot_a.size)
    just_before_the_end = end - timedelta(seconds=1)
    at_s = [now - timedelta(seconds=START_MARGIN_S), now, just_before_the_end, end]
    limits = limits_from_profile(profile, at_s, capabilities.voltage_v)
    assert np.isfinite(limits[:3]).all()
    assert np.isinf(limits[3])
    assert profile.start <= now - timedelta(seconds=START_MARGIN_S)


@given(pilot_rows(), station_capabilities())
def test_every_limit_has_one_decimal_and_periods_fit_the_station(row, capabilities):
    profile = profile_from_pilots(row, capabilities, row.start, "7")
    assert len(profile.periods) <= capabilities.max_periods
    assert profile.stack_level <= capabilities.max_stack_level
    assert profile.unit in capabilities.rate_units
    assert all(round(period.limit, 1) == period.limit for period in profile.periods)
    assert all(a.limit != b.limit for a, b in zip(profile.periods, profile.periods[1:], strict=False))


@given(pilot_rows(CurrentType.AC), station_capabilities())
def test_an_ac_car_is_told_0_or_at_least_6_ampere(row, capabilities):
    profile = profile_from_pilots(row, capabilities, row.start, "7")
    allowed_a = limits_from_profile(profile, slot_starts(row), capabilities.voltage_v)
    assert all(a == 0 or a >= 6.0 - 1e-12 for a in allowed_a)


@given(st.integers(0, 100_000))
def test_rounding_down_keeps_every_decimal_and_forgives_float_noise(tenths):
    exact = tenths / 10
    assert floor_to_tenth(exact) == exact
    assert floor_to_tenth(np.nextafter(exact, -1.0) if tenths else 0.0) == exact
    assert floor_to_tenth(exact + 0.0999) == exact


@given(st.floats(0, 1e5))
def test_rounding_down_never_rounds_up_beyond_float_noise(value):
    assert value - 0.1 < floor_to_tenth(value) <= value + NOISE_A


@given(st.lists(LIMITS, min_size=1, max_size=7), st.integers(1, 4))
def test_merging_loses_the_least_energy_that_is_possible(limits, n_most):
    periods = tuple(SchedulePeriod(60 * i, limit, 3) for i, limit in enumerate(limits))
    fitted = fit_periods(periods, 60 * len(limits), n_most)
    assert len(fitted) <= n_most
    ends = [period.start_s for period in fitted[1:]] + [60 * len(limits)]
    kept = sum(p.limit * (end - p.start_s) for p, end in zip(fitted, ends, strict=True))
    assert kept == pytest.approx(most_energy(tuple(limits), n_most))


def most_energy(limits, n_groups):
    """By brute force over all cuts."""
    if n_groups == 1 or len(limits) == 1:
        return 60 * min(limits) * len(limits)
    splits = [
        most_energy(limits[:i], 1) + most_energy(limits[i:], n_groups - 1) for i in range(1, len(limits))
    ]
    return max([*splits, most_energy(limits, 1)])


@given(st.floats(0, 80), st.floats(0, 300), station_capabilities(), st.sampled_from(CurrentType))
def test_the_floor_beneath_never_ends_and_never_exceeds_the_safe_share(share, total, capabilities, kind):
    floor = SafeFloor(share_a=share, station_max_a=total, current_type=kind)
    profiles = fallback_profiles(floor, capabilities, START)
    assert len(profiles) == (2 if capabilities.max_profiles >= 3 else 1)
    for profile, most_a in zip(profiles, (share, total), strict=False):
        assert profile.stack_level == 0
        assert profile.evse_number == 0
        assert profile.duration_s is None
        limits = limits_from_profile(profile, [START, START + timedelta(days=9999)], capabilities.voltage_v)
        assert (limits <= most_a + NOISE_A).all()


@given(pilot_rows(), station_capabilities())
def test_a_default_profile_with_nothing_beneath_it_does_not_end(row, capabilities):
    bare = replace(capabilities, max_stack_level=0)
    profile = profile_from_pilots(row, bare, row.start)
    assert profile.purpose is ProfilePurpose.TX_DEFAULT
    assert profile.duration_s is None
    later = slot_starts(row)[-1] + timedelta(days=365)
    assert limits_from_profile(profile, [later], 230.0)[0] == 0
    assert len(profile.periods) <= bare.max_periods


@given(pilot_rows(), station_capabilities(), st.sampled_from([None, "7"]))
def test_a_simpler_profile_allows_no_more(row, capabilities, transaction):
    profile = profile_from_pilots(row, capabilities, row.start, transaction)
    full = limits_from_profile(profile, slot_starts(row), 230.0)
    for simpler in simpler_profiles(profile, capabilities):
        assert simpler != profile
        assert (limits_from_profile(simpler, slot_starts(row), 230.0) <= full).all()


def test_the_first_slot_reaches_back_when_it_begins_now_or_a_little_later():
    row = PilotRow(START, 900, np.array([16.0, 10.0]))
    profile = profile_from_pilots(row, RICH, START - timedelta(seconds=90), "7")
    assert profile.start == START - timedelta(seconds=100)
    assert profile.periods == (SchedulePeriod(0, 16.0, 3), SchedulePeriod(1000, 10.0, 3))
    assert profile.duration_s == 1900


def test_slots_that_have_passed_are_left_out():
    row = PilotRow(START, 900, np.array([16.0, 10.0, 8.0]))
    profile = profile_from_pilots(row, RICH, START + timedelta(minutes=20), "7")
    assert profile.start == START + timedelta(minutes=15)
    assert [period.limit for period in profile.periods] == [10.0, 8.0]


@pytest.mark.parametrize("late_s", [-901, 1800, 5000])
def test_a_row_that_is_over_or_far_ahead_is_refused(late_s):
    row = PilotRow(START, 900, np.array([16.0, 10.0]))
    with pytest.raises(InvalidInputError):
        profile_from_pilots(row, RICH, START + timedelta(seconds=late_s), "7")


@pytest.mark.parametrize("pilot_a", [[np.nan], [np.inf], [-1.0], [], [[6.0]]])
def test_a_row_that_is_no_row_of_currents_is_refused(pilot_a):
    with pytest.raises(InvalidInputError):
        PilotRow(START, 900, np.array(pilot_a))


def test_a_faulty_profile_names_all_its_faults():
    with pytest.raises(InvalidInputError) as caught:
        ChargingProfile(
            profile_id=1,
            purpose=ProfilePurpose.TX,
            evse_number=0,
            stack_level=-1,
            unit=RateUnit.CURRENT,
            start=datetime(2024, 1, 1),  # noqa: DTZ001 - the missing zone is what is tested
            duration_s=60,
            periods=(
                SchedulePeriod(5, 3.0, 3),
                SchedulePeriod(5, float("nan"), 4),
                SchedulePeriod(90, 6.0, 1),
            ),
        )
    where = {issue.where for issue in caught.value.issues}
    assert where == {
        "evse_number",
        "stack_level",
        "start",
        "periods",
        "periods[0].limit",
        "periods[1].limit",
        "periods[1].n_phases",
    }


@pytest.mark.parametrize(
    "change",
    [
        {"rate_units": frozenset()},
        {"max_stack_level": -1},
        {"max_periods": 0},
        {"max_profiles": 0},
        {"voltage_v": 230.94},
        {"voltage_v": 0.0},
    ],
)
def test_capabilities_that_no_station_has_are_refused(change):
    with pytest.raises(ValueError, match=r"a station takes|start at|no nominal voltage"):
        replace(RICH, **change)


@given(
    limits=st.lists(st.sampled_from([0.0, 6.0, 16.0, 32.0]), min_size=1, max_size=8),
    step_s=st.sampled_from([1, 10, 60, 900]),
    is_endless=st.booleans(),
)
def test_with_borders_apart_a_clock_that_is_a_little_wrong_never_allows_more(limits, step_s, is_endless):
    planned = tuple(SchedulePeriod(step_s * i, limit, 3) for i, limit in enumerate(limits))
    end_s = step_s * len(limits)
    told = borders_apart(planned, None if is_endless else end_s, 5)
    wrong_s = min(5, step_s // 3)
    assert [period.limit for period in told] == limits
    assert all(a.start_s < b.start_s < end_s for a, b in pairwise(told))
    near_borders = {step_s * i + d for i in range(len(limits)) for d in range(-2 * wrong_s, 2 * wrong_s + 1)}
    for second in near_borders:
        for clock_s in (second - wrong_s, second, second + wrong_s):
            if 0 <= second < end_s and 0 <= clock_s < end_s:
                assert _limit_at(told, clock_s) <= _limit_at(planned, second)


def _limit_at(periods, second):
    return [period.limit for period in periods if period.start_s <= second][-1]


@given(
    rows=st.lists(
        st.tuples(
            LIMITS,
            st.none() | st.integers(-100, 100).map(float),
            st.none() | st.integers(-100, 0).map(float),
        ),
        min_size=1,
        max_size=6,
    ),
    n_most=st.integers(1, 3),
)
def test_merged_periods_ask_no_more_of_the_grid_in_either_direction(rows, n_most):
    periods = tuple(SchedulePeriod(60 * i, limit, 3, *more) for i, (limit, *more) in enumerate(rows))
    fitted = fit_periods(periods, 60 * len(rows), n_most)
    for period in periods:
        told = [one for one in fitted if one.start_s <= period.start_s][-1]
        assert told.limit <= period.limit
        assert abs(told.setpoint or 0.0) <= abs(period.setpoint or 0.0) or told.says_the_same_as(period)
        assert (told.discharge_limit or 0.0) >= (period.discharge_limit or 0.0)


def test_what_ocpp_2_1_adds_is_checked_with_every_other_fault():
    """K01.FR.122: updates belong to dynamic profiles."""
    with pytest.raises(InvalidInputError) as caught:
        ChargingProfile(
            profile_id=1,
            purpose=ProfilePurpose.TX,
            evse_number=1,
            stack_level=0,
            unit=RateUnit.POWER,
            start=START,
            duration_s=None,
            periods=(SchedulePeriod(0, 100.0, 3, float("nan"), 5.0, OperationMode.CENTRAL_SETPOINT),),
            update_interval_s=10,
            max_offline_s=-1,
        )
    assert {issue.where for issue in caught.value.issues} == {
        "update_interval_s",
        "max_offline_s",
        "periods[0].setpoint",
        "periods[0].discharge_limit",
    }
    two = (SchedulePeriod(0, 100.0, 3), SchedulePeriod(60, 50.0, 3))
    with pytest.raises(InvalidInputError, match="one period only"):
        ChargingProfile(
            1, ProfilePurpose.TX, 1, 0, RateUnit.POWER, START, None, two, kind=ProfileKind.DYNAMIC
        )
