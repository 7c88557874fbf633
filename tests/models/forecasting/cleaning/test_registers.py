"""Energy registers: mean power between readings, resets and roll-overs found, nothing made up."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.cleaning.findings import Fault
from models.forecasting.cleaning.readings import Readings
from models.forecasting.cleaning.registers import Registers, register_kernel
from models.forecasting.forecaster import Samples
from tests.reference import cleaning as naive

STEP_S = 900
START_S = 1_770_000_300 // STEP_S * STEP_S


def readings(kwh, time_s=None):
    times = START_S + np.arange(len(kwh), dtype=np.int64) * STEP_S if time_s is None else time_s
    return Readings(Samples(times, np.zeros(len(kwh), dtype=np.int64), np.asarray(kwh, dtype=float)))


@given(
    steps=st.lists(st.sampled_from([0, -900, 450, 860, 900, 900, 900, 940, 1800]), min_size=1, max_size=30),
    kwh=st.lists(
        st.sampled_from([np.nan, 0.0, 0.4, 3.0, 9.6, 97.0, 98.5, 994.0, 1002.0]), min_size=30, max_size=30
    ),
)
def test_registers_are_read_as_the_twin_reads_them(steps, kwh):
    time_s = START_S + np.cumsum(steps).astype(np.int64)
    value = np.array(kwh[: len(steps)])
    out, last = np.zeros((len(steps), 3)), np.full((1, 2), np.nan)
    register_kernel((time_s, np.zeros(len(steps), dtype=np.int64), value), last, STEP_S, out)
    told = naive.register(list(zip(time_s.tolist(), value.tolist(), strict=True)), STEP_S)
    np.testing.assert_allclose(out, told)


@given(power_kw=st.lists(st.floats(0, 100), min_size=1, max_size=50), first=st.floats(0, 1e6))
def test_power_comes_back_from_its_register(power_kw, first):
    kwh = first + np.concatenate(([0.0], np.cumsum(power_kw) / 4))
    metered = Registers(1, STEP_S).metered(readings(kwh))
    np.testing.assert_allclose(metered.readings.samples.value, power_kw, atol=1e-6)
    assert metered.readings.samples.time_s.tolist() == [START_S + i * STEP_S for i in range(len(power_kw))]
    assert metered.findings.fault.size == 0


def test_a_reset_is_a_gap_and_a_rollover_counts_on():
    reset = Registers(1, STEP_S).metered(readings([500.0, 501.0, 0.2, 1.2]))
    assert reset.findings.fault.tolist() == [Fault.REGISTER_RESET]
    assert reset.readings.samples.value.tolist() == [4.0, 4.0]
    rolled = Registers(1, STEP_S).metered(readings([99_998.0, 99_999.0, 1.0, 2.0]))
    assert rolled.findings.fault.tolist() == [Fault.REGISTER_ROLLOVER]
    assert rolled.readings.samples.value.tolist() == [4.0, 8.0, 4.0]


def test_energy_over_a_gap_is_not_spread():
    times = START_S + np.array([0, 1, 5, 6]) * STEP_S
    metered = Registers(1, STEP_S).metered(readings([0.0, 1.0, 9.0, 10.0], times))
    assert ((metered.readings.samples.time_s - START_S) // STEP_S).tolist() == [0, 5]


def test_readings_may_come_one_by_one():
    given_ = readings([1.0, 2.0, 4.0, 0.5, 2.0])
    bit_by_bit = Registers(1, STEP_S)
    parts = [bit_by_bit.metered(given_.at(np.array([i]))).readings.samples.value for i in range(5)]
    whole = Registers(1, STEP_S).metered(given_).readings.samples.value
    np.testing.assert_array_equal(np.concatenate(parts), whole)
