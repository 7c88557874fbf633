"""Every kernel of the blended forecaster says what its naive twin says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.forecasting import day_kernels as kernels
from models.forecasting.past_days import Neighbours
from tests.reference import past_days as naive

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
seeds = st.integers(0, 2**32 - 1)
numbers = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))


def with_gaps(rng, shape, share=0.2):
    values = rng.integers(0, 5, shape) * rng.random(shape)
    return np.where(rng.random(shape) < share, np.nan, values)


def some_neighbours(rng, n_places, n_days, n_targets):
    n = 3 * n_days
    return Neighbours(
        np.where(rng.random((n_targets, n)) < 0.2, -1, rng.integers(0, n_places, (n_targets, n))),
        rng.integers(1, n_days + 1, n),
        rng.random((2, n_targets, n)) + 0.01,
        rng.random(n_targets),
    )


@given(seed=seeds, n_days=st.integers(0, 4))
def test_states_of_days_equal_their_twin(seed, n_days):
    rng = np.random.default_rng(seed)
    values, lengths = with_gaps(rng, (2, 60), share=0.5), np.array([1, 4, 12])
    places = np.where(rng.random(n_days * 6 + 12) < 0.3, -1, rng.integers(0, 60, n_days * 6 + 12))
    got = kernels.day_states_kernel(values, places, 6, lengths)
    np.testing.assert_allclose(got, naive.day_states(values, places, 6, lengths), atol=1e-7)


@given(seed=seeds, share=st.floats(0.0, 1.0))
def test_busy_series_are_those_of_the_twin(seed, share):
    rng = np.random.default_rng(seed)
    values = np.round(with_gaps(rng, (4, 9), share))
    places = rng.integers(-2, 9, 12)
    np.testing.assert_array_equal(kernels.busy_kernel(values, places, 0.5), naive.busy(values, places, 0.5))


@given(seeds)
def test_distances_of_states_equal_their_twin(seed):
    state, got = np.random.default_rng(seed).normal(size=(5, 2)), np.empty(5)
    kernels._apart_kernel(state, got)
    np.testing.assert_allclose(got, naive.apart(state), atol=1e-12)
    alike = np.empty(5)
    kernels._likeness_kernel(got, 0.3, alike)
    np.testing.assert_allclose(alike, naive.likeness(got, 0.3), atol=1e-12)


@given(arrays(np.float64, 6, elements=st.one_of(st.just(np.nan), st.integers(-9, 9).map(float))))
def test_standardised_states_equal_their_twin(state):
    got = state.copy()
    kernels._standardise_kernel(got, np.arange(6.0))
    np.testing.assert_allclose(got, naive.standardise(state, np.arange(6.0)), atol=1e-9)


@given(st.lists(numbers, min_size=1, max_size=60))
def test_the_ascending_order_is_the_stable_one(listed):
    value = np.array(listed)
    order = np.empty(value.size, dtype=np.int64)
    ordered, room = np.empty(value.size), np.empty((2, value.size + 1), dtype=np.int64)
    kernels.ascending_kernel(value, order, ordered, room)
    np.testing.assert_array_equal(order, naive.ascending(value))
    np.testing.assert_array_equal(ordered, np.sort(value))


@given(st.lists(st.tuples(numbers, st.floats(0.01, 10.0)), min_size=1, max_size=40))
def test_step_quantiles_equal_their_twin_and_do_not_cross(pairs):
    value, weight = np.array([v for v, _ in pairs]), np.array([w for _, w in pairs])
    order, got = naive.ascending(value), np.empty(LEVELS.size)
    kernels.step_quantiles_kernel(value[order], order, weight, LEVELS, got)
    np.testing.assert_allclose(got, naive.step_quantiles(value, weight, order, LEVELS), rtol=1e-9, atol=1e-6)
    assert (np.diff(got) >= 0.0).all()


@given(seed=seeds, penalty=st.floats(0.1, 3.0))
def test_slopes_equal_their_twin(seed, penalty):
    rng = np.random.default_rng(seed)
    value, weight, day = rng.normal(size=30), rng.random(30) + 0.01, rng.integers(1, 6, 30)
    state = rng.normal(size=(6, 3))
    got = kernels.slopes_kernel(value, weight, day, state, penalty)
    np.testing.assert_allclose(got, naive.slopes(value, weight, day, state, penalty), atol=1e-9)


@given(seeds, st.integers(1, 5))
def test_a_system_is_solved_as_its_twin_does(seed, n):
    rng = np.random.default_rng(seed)
    root, right = rng.normal(size=(n, n)), rng.normal(size=n)
    matrix = root @ root.T + np.eye(n)
    got = kernels.solved_kernel(matrix.copy(), right.copy())
    np.testing.assert_allclose(got, naive.solved(matrix, right), atol=1e-8)


@given(seed=seeds)
def test_neighbours_are_gathered_and_moved_as_their_twins_do(seed):
    rng = np.random.default_rng(seed)
    sample, found, likeness = with_gaps(rng, 40), some_neighbours(rng, 40, 4, 2), rng.random(5)
    room, day = np.empty((3, 12)), np.empty(12, dtype=np.int64)
    n = kernels.gathered_kernel(sample, tuple(found), 1, likeness, room, day)
    wanted, wanted_day = naive.gathered(sample, found, 1, likeness)
    np.testing.assert_array_equal(room[:, :n], wanted)
    np.testing.assert_array_equal(day[:n], wanted_day)
    state, slope, got = rng.normal(size=(5, 2)), rng.normal(size=2), room[0, :n].copy()
    kernels.moved_kernel(got, day[:n], state, slope)
    np.testing.assert_allclose(got, naive.moved(wanted[0], wanted_day, state, slope), atol=1e-9)


@settings(max_examples=25)
@given(seed=seeds, share=st.sampled_from([0.0, 0.3, 1.0]))
def test_memories_equal_their_twin(seed, share):
    rng = np.random.default_rng(seed)
    values, found = with_gaps(rng, (2, 40), share), some_neighbours(rng, 40, 4, 3)
    states = rng.normal(size=(2, 5, 2))
    regressed = np.array([0, 1])
    got = kernels.memories_kernel(values, tuple(found), states, regressed, 0.3, LEVELS)
    wanted = naive.memories(values, found, states, regressed, 0.3, LEVELS)
    np.testing.assert_allclose(got, wanted, atol=1e-8)


@pytest.mark.parametrize(("level", "wanted"), [(0.05, 0.0), (0.8, 0.0), (0.95, 7.0)])
def test_an_idle_post_has_quantiles_of_zero_in_every_memory(level, wanted):
    values = np.array([[0.0] * 90 + [7.0] * 10])
    day = np.repeat(np.arange(1, 11), 10)
    found = Neighbours(np.arange(100)[np.newaxis], day, np.ones((2, 1, 100)), np.zeros(1))
    states = np.zeros((1, 11, 1))
    got = kernels.memories_kernel(values, (*found,), states, np.array([1]), 0.3, np.array([level]))
    np.testing.assert_array_equal(got[0, :, 0, 0], wanted)
