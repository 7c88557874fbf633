"""Lower tails of loads that idle are read nearer to the middle, those of others are left as they are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.forecaster import DEFAULT_LEVELS
from models.forecasting.idle_tails import IdleTails

LEVELS = np.array(DEFAULT_LEVELS)
seeds = st.integers(0, 2**32 - 1)


def quantiles(seed):
    return np.sort(np.random.default_rng(seed).random((2, LEVELS.size, 5)), axis=1)


@given(seed=seeds, idle=st.floats(0.0, 1.0))
def test_quantiles_stay_in_order_and_the_lower_tail_comes_nearer(seed, idle):
    values = quantiles(seed)
    read = IdleTails().read(values, LEVELS, np.array([0.0, idle]))
    np.testing.assert_allclose(read[0], values[0])
    assert (np.diff(read[1], axis=0) >= -1e-12).all()
    assert (read[1, :2] >= values[1, :2] - 1e-12).all()
    np.testing.assert_allclose(read[1, 2:], values[1, 2:])


@given(seed=seeds, more=st.floats(0.01, 0.5), idle=st.floats(0.0, 0.5))
def test_who_idles_more_is_read_nearer(seed, more, idle):
    values = np.repeat(quantiles(seed)[:1], 2, axis=0)
    less, most = IdleTails().read(values, LEVELS, np.array([idle, idle + more]))
    assert (most[0] >= less[0] - 1e-12).all()


def test_a_uniform_load_that_idles_half_the_time_is_read_where_it_is_said():
    told = IdleTails(nearer=0.6).read(LEVELS[np.newaxis, :, np.newaxis], LEVELS, np.array([0.5]))
    np.testing.assert_allclose(told[0, 1, 0], 0.1 * (1 + 0.6 * 0.5 * 0.6))


@given(st.integers(1, 3), st.floats(0.0, 1.0))
def test_few_levels_are_read_too(n_levels, idle):
    values = np.arange(n_levels, dtype=float).reshape(1, n_levels, 1)
    read = IdleTails().read(values, np.array([0.1, 0.5, 0.9])[:n_levels], np.array([idle]))
    assert read.shape == values.shape
    assert (read >= values.min()).all()
    assert (read <= values.max()).all()
