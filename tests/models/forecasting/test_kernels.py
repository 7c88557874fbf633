"""Every kernel says what its naive twin says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.forecasting import kernels
from tests.reference import forecasting as naive

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
whole = st.integers(-5, 5).map(float)
seeds = st.integers(0, 2**32 - 1)


def calendar_rows(rng, n, first_day):
    slots = np.arange(n) + rng.integers(0, 6)
    day = first_day + slots // 6
    return np.stack((slots % 6, day, day % 7, np.maximum(day % 7 - 4, 0)))


@given(seed=seeds, n_past=st.integers(0, 80), n_targets=st.integers(1, 9), width=st.integers(0, 2))
def test_neighbour_quantiles_equal_their_twin(seed, n_past, n_targets, width):
    rng = np.random.default_rng(seed)
    past, target = calendar_rows(rng, n_past, 100), calendar_rows(rng, n_targets, 100 + n_past // 6)
    readable = (rng.random(n_past) < 0.9).astype(np.int64)
    shape = np.array([6.0, width, 7.0, 0.9, 0.6, rng.choice([0.0, 0.1])])
    values = np.where(rng.random((2, n_past)) < 0.2, np.nan, rng.integers(0, 4, (2, n_past)).astype(float))
    found = kernels.neighbours_kernel(target, past, readable, shape)
    dense = naive.neighbours(target, past, readable, shape)
    assert (found[2] == (dense > 0).sum(axis=1)).all()
    got = kernels.neighbour_quantiles_kernel(values, *found, LEVELS)
    np.testing.assert_allclose(got, naive.neighbour_quantiles(values, dense, LEVELS), atol=1e-9)


@given(st.lists(st.tuples(whole, st.floats(0.01, 10.0)), max_size=40))
def test_weighted_quantiles_equal_their_twin(pairs):
    value, weight = np.array([v for v, _ in pairs]), np.array([w for _, w in pairs])
    got = kernels.weighted_quantiles_kernel(value, weight, LEVELS)
    np.testing.assert_allclose(got, naive.weighted_quantiles(value, weight, LEVELS), atol=1e-9)
    if pairs:
        assert (np.diff(got) >= 0).all()
        assert value.min() <= got[0]
        assert got[-1] <= value.max()


@given(seed=seeds, n_paths=st.integers(1, 8))
def test_shuffle_equals_its_twin_and_keeps_the_marginals(seed, n_paths):
    rng = np.random.default_rng(seed)
    marginal = np.sort(rng.random((2, n_paths, 3)), axis=1)
    template = rng.integers(0, 3, (2, n_paths, 3)).astype(float)
    template[rng.random(template.shape) < 0.2] = np.nan
    tie_break = rng.random(n_paths)
    got = kernels.shuffle_kernel(marginal, template, tie_break)
    np.testing.assert_array_equal(got, naive.shuffle(marginal, template, tie_break))
    np.testing.assert_array_equal(np.sort(got, axis=1), marginal)


@given(
    arrays(np.float64, 7, elements=st.floats(-3.0, 9.0)),
    arrays(np.float64, 7, elements=st.floats(-1.0, 9.0)),
    seeds,
)
def test_superposed_blocks_equal_their_twin(begin, length, seed):
    rng = np.random.default_rng(seed)
    path, power = rng.integers(0, 3, 7), rng.random(7) * 22
    load = np.zeros((3, 6))
    kernels.superpose_kernel(path, begin, begin + length, power, load)
    np.testing.assert_allclose(load, naive.superpose(path, begin, begin + length, power, (3, 6)), atol=1e-9)
    assert load.sum() <= (np.maximum(length, 0.0) * power).sum() + 1e-9


@pytest.mark.parametrize(("level", "wanted"), [(0.05, 0.0), (0.8, 0.0), (0.95, 7.0)])
def test_an_idle_station_has_quantiles_of_zero(level, wanted):
    value, weight = np.array([0.0] * 90 + [7.0] * 10), np.ones(100)
    assert kernels.weighted_quantiles_kernel(value, weight, np.array([level]))[0] == wanted
