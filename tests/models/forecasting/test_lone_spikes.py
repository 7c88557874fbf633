"""Lone values far outside are set aside; a load that is new, or a post that idles, is left as it is."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.day_kernels import days_kernel
from models.forecasting.lone_spikes import without_lone_spikes

PER_DAY, N_DAYS = 24, 40
BACK = np.arange(PER_DAY * N_DAYS)
seeds = st.integers(0, 2**32 - 1)


def load(seed):
    """Weeks of a daily shape, low on two days of seven."""
    rng, hour = np.random.default_rng(seed), BACK % PER_DAY
    week = np.where(BACK // PER_DAY % 7 < 2, 0.4, 1.0)
    return (5.0 + 20.0 * week * np.sin(hour * np.pi / PER_DAY) + rng.normal(size=BACK.size))[np.newaxis]


def looked_at(values, usable=1):
    days, _ = days_kernel(values, BACK, PER_DAY)
    return without_lone_spikes(values, BACK, PER_DAY, days[1:], np.array([usable]))


@given(seed=seeds, factor=st.sampled_from([-20.0, 20.0, 100.0]))
def test_spikes_are_set_aside_also_two_in_a_row(seed, factor):
    values, rng = load(seed), np.random.default_rng(seed)
    places = np.append(rng.choice(BACK.size - 1, 8, replace=False), [500, 501])
    values[0, places] = factor * (np.abs(values[0, places]) + 10.0)
    told = looked_at(values)
    assert np.isnan(told[0, places]).sum() >= places.size - 4  # four on one day are no lone ones
    rest = np.setdiff1d(BACK, places)
    np.testing.assert_array_equal(told[0, rest], values[0, rest])


@given(seed=seeds, factor=st.floats(0.0, 30.0), days=st.integers(1, 9))
def test_a_load_that_is_new_is_left(seed, factor, days):
    values = load(seed)
    values[0, BACK.size - days * PER_DAY :] *= factor
    np.testing.assert_array_equal(looked_at(values), values)


def test_nothing_to_do_gives_the_same_array_back():
    values = load(0)
    assert looked_at(values) is values
    values[0, 5] = 1e6
    assert looked_at(values, usable=0) is values
    assert looked_at(np.full((1, BACK.size), np.nan)).shape == values.shape
