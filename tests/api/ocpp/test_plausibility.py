"""Meter values that cannot be true are told from those that can."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.metering import MeterReading, Sample, reading_from_samples
from api.ocpp.plausibility import MeterBounds, Register, plausible, register_fault

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOUNDS = MeterBounds(NOW, 22.0)


@given(
    steps=st.lists(st.tuples(st.floats(0.001, 10.0), st.floats(0.0, 1.0)), max_size=20),
    start_kwh=st.floats(0.0, 1e6),
)
def test_whatever_an_evse_can_give_is_believed(steps, start_kwh):
    before = Register(start_kwh, NOW)
    for hours, share in steps:
        told = Register(before.kwh + share * 22.0 * hours, before.at + hours * HOUR)
        assert register_fault(before, told, 22.0) is None
        before = told


@given(hours=st.floats(0.0, 100.0), beyond=st.floats(1.01, 1e6))
def test_what_no_evse_can_give_is_not(hours, beyond):
    most_kwh = 22.0 * (1.25 * hours + 1 / 30) + 0.1
    told = Register(100.0 + most_kwh * beyond, NOW + hours * HOUR)
    assert "jumps" in str(register_fault(Register(100.0, NOW), told, 22.0))


def test_a_register_never_goes_back_but_one_that_comes_late_may_show_less():
    before = Register(100.0, NOW)
    assert "goes back" in str(register_fault(before, Register(99.9, NOW + HOUR), 22.0))
    assert register_fault(before, Register(99.9, NOW - HOUR), 22.0) is None
    assert register_fault(before, Register(99.9995, NOW), 22.0) is None  # rounded another way
    assert "jumps" in str(register_fault(before, Register(120.0, NOW - HOUR), 22.0))
    assert register_fault(None, Register(1e6, NOW), 22.0) is None


TIMES = [
    (NOW + timedelta(hours=14), None),
    (NOW - timedelta(days=3600), None),
    (NOW + timedelta(days=2), "far in the future, register 5.000 kWh"),
    (datetime(2036, 1, 1, tzinfo=UTC), "far in the future, register 5.000 kWh"),
    (datetime(1970, 1, 1, tzinfo=UTC), "far in the past, register 5.000 kWh"),
]


@pytest.mark.parametrize(("at", "fault"), TIMES)
def test_meters_that_travel_in_time_say_nothing(at, fault):
    reading = MeterReading(at, 5.0, 11.0, (16.0, None, None), soc_percent=50.0, faults=("before",))
    judged = plausible(reading, BOUNDS)
    assert judged == (reading if fault is None else MeterReading(at, faults=("before", fault)))


def test_power_beyond_the_evse_is_marked_and_the_rest_of_the_reading_stays():
    judged = plausible(MeterReading(NOW, 5.0, 1_000.0), BOUNDS)
    assert (judged.energy_kwh, judged.power_kw) == (5.0, None)
    assert judged.faults == ("power of 1000 kW is more than the EVSE can give",)


VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([1e308, -1e308, 1e12, -1.0])


@given(
    st.lists(
        st.builds(Sample, st.just("Power.Active.Import"), VALUES, phase=st.sampled_from(["L1", "L2", "L3"]))
    )
)
def test_whatever_is_metered_no_value_is_infinite_or_negative(samples):
    power_kw = reading_from_samples(NOW, samples).power_kw
    assert power_kw is None or (math.isfinite(power_kw) and power_kw >= 0.0)
