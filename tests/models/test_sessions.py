"""Departures are quantiles that learn from the car being there still; needs are never negative."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sessions import ChargingSession, Departure

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)


@st.composite
def departures(draw):
    levels = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=5)))
    minutes = sorted(draw(st.lists(st.integers(0, 900), min_size=len(levels), max_size=len(levels))))
    return Departure(
        tuple(level / 100 for level in levels), tuple(NOW + timedelta(minutes=one) for one in minutes)
    )


@given(departure=departures(), low=st.floats(0.0, 1.0), high=st.floats(0.0, 1.0))
def test_quantiles_do_not_fall_and_stay_within_what_is_known(departure, low, high):
    low, high = sorted((low, high))
    assert departure.times[0] <= departure.quantile(low) <= departure.quantile(high) <= departure.times[-1]


@given(departure=departures(), level=st.floats(0.01, 0.99), minutes=st.integers(-60, 899))
def test_a_car_that_is_still_there_leaves_later_than_was_thought_and_not_before_now(
    departure, level, minutes
):
    now = NOW + timedelta(minutes=minutes)
    if now >= departure.times[-1]:
        return
    later = departure.quantile_after(level, now)
    assert later >= departure.quantile(level) - timedelta(milliseconds=1)
    assert later >= now - timedelta(milliseconds=1)
    assert later <= departure.times[-1]


@given(departure=departures(), level=st.floats(0.01, 0.99))
def test_before_the_first_quantile_nothing_was_learnt(departure, level):
    now = departure.times[0] - timedelta(minutes=1)
    assert departure.quantile_after(level, now) == departure.quantile(level)


@given(minutes=st.integers(1, 900), level=st.floats(0.01, 0.99))
def test_a_certain_departure_is_the_same_at_every_level(minutes, level):
    departure = Departure.at(NOW + timedelta(minutes=minutes))
    assert departure.quantile(level) == departure.median == departure.quantile_after(level, NOW)


def test_half_of_what_is_left_is_the_median_of_what_is_left():
    even = Departure((0.2, 0.8), (NOW, NOW + timedelta(hours=6)))
    now = NOW + timedelta(hours=2)  # 0.4 have left; half of the other 0.6 is at 0.7
    expected = NOW + timedelta(hours=5)
    assert abs(even.quantile_after(0.5, now) - expected) < timedelta(seconds=1)


@given(target=st.floats(0, 100), minimum=st.floats(0, 100), delivered=st.floats(0, 200))
def test_what_remains_is_never_negative_and_the_promised_never_above_the_wanted(target, minimum, delivered):
    session = ChargingSession("s", "e", NOW, Departure.at(NOW), target, minimum, delivered)
    assert 0 <= session.remaining_minimum_kwh <= session.remaining_kwh
    assert session.remaining_kwh == pytest.approx(max(target - delivered, 0))
