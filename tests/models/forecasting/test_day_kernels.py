"""Every kernel of the blended forecaster says what its naive twin says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.forecasting import day_kernels as kernels
from models.forecasting import memory_kernels as memory
from models.forecasting.past_days import Neighbours
from tests.reference import past_days as naive

LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])
seeds = st.integers(0, 2**32 - 1)
numbers = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6))


def with_gaps(rng, shape, share=0.2):
    values = rng.integers(0, 5, shape) * rng.random(shape)
    return np.where(rng.random(shape) < share, np.nan, values)


def some_neighbours(rng, n_places, n_days, n_targets):
    """Two blocks of five columns each, one of which they share; every target reads three of its block's."""
    places = np.where(rng.random((9, n_days)) < 0.2, -1, rng.integers(0, n_places, (9, n_days)))
    half = n_targets // 2
    first = rng.integers(0, 3, n_targets)
    return Neighbours(
        places,
        np.array([[0, 5, 0, half], [4, 9, half, n_targets]]),
        np.stack([first, first + 3], axis=1),
        rng.random((2, n_targets + 2, n_days)) + 0.01,
        rng.random(n_targets + 2),
    )


@given(seed=seeds, n_days=st.integers(0, 4))
def test_states_of_days_equal_their_twin(seed, n_days):
    rng = np.random.default_rng(seed)
    values, lengths = with_gaps(rng, (2, 60), share=0.5), np.array([1, 4, 12])
    places = np.where(rng.random(n_days * 6 + 12) < 0.3, -1, rng.integers(0, 60, n_days * 6 + 12))
    got = kernels.day_states_kernel(values, places, 6, lengths)
    np.testing.assert_allclose(got, naive.day_states(values, places, 6, lengths), atol=1e-7)


@given(seed=seeds, share=st.floats(0.0, 1.0), n_back=st.integers(0, 14))
def test_days_and_shares_of_load_equal_their_twins(seed, share, n_back):
    rng = np.random.default_rng(seed)
    values, places = np.round(with_gaps(rng, (4, 9), share)), rng.integers(-2, 9, n_back)
    days, loaded = kernels.days_kernel(values, places, 3)
    wanted, wanted_loaded = naive.days(values, places, 3)
    np.testing.assert_allclose(days, wanted, atol=1e-12)
    np.testing.assert_allclose(loaded, wanted_loaded, atol=1e-12)


@given(seeds)
def test_likened_weights_equal_their_twin(seed):
    rng = np.random.default_rng(seed)
    weights, state, fade = rng.random((2, 3, 4)), rng.normal(size=(5, 2)), rng.random(3)
    got = np.empty((2, 4))
    kernels.likened_kernel(weights, 1, state, fade, got)
    np.testing.assert_allclose(got, naive.likened(weights, 1, state, fade), atol=1e-12)


@given(arrays(np.float64, 6, elements=st.one_of(st.just(np.nan), st.integers(-9, 9).map(float))))
def test_standardised_states_equal_their_twin(state):
    got = state.copy()
    kernels._standardise_kernel(got, np.arange(6.0))
    np.testing.assert_allclose(got, naive.standardise(state, np.arange(6.0)), atol=1e-9)


@given(st.lists(numbers, min_size=1, max_size=60))
def test_the_ascending_order_is_the_stable_one(listed):
    value = np.array(listed)
    order, key = np.empty((2, value.size), dtype=np.int64)
    memory.ascending_kernel(value, order, key, np.empty(memory.N_BUCKETS + 1, dtype=np.int64))
    np.testing.assert_array_equal(np.sort(order), np.arange(value.size))
    finest = 1e-12 * (value.max() - value.min()) + 1e-300  # of what is nearer the first stays first
    np.testing.assert_allclose(value[order], value[naive.ascending(value)], rtol=0.0, atol=finest)
    equal = value[order][1:] == value[order][:-1]
    assert (np.diff(order)[equal] > 0).all()


@given(st.lists(st.tuples(numbers, st.floats(0.01, 10.0)), min_size=1, max_size=40))
def test_step_quantiles_equal_their_twin_and_do_not_cross(pairs):
    value, weight = np.sort([v for v, _ in pairs]), np.array([w for _, w in pairs])
    middle, got = np.append(np.cumsum(weight) - weight / 2, weight.sum()), np.empty(LEVELS.size)
    memory.step_quantiles_kernel(value, middle, LEVELS, got)
    np.testing.assert_allclose(got, naive.step_quantiles(value, middle, LEVELS), rtol=1e-9, atol=1e-6)
    assert (np.diff(got) >= 0.0).all()


@given(seed=seeds, penalty=st.floats(0.1, 3.0))
def test_slopes_equal_their_twin(seed, penalty):
    rng = np.random.default_rng(seed)
    count = rng.integers(0, 4, 6) * np.array([1, 1, 1, 1, 1, 0]) + np.array([1, 0, 0, 0, 0, 0])
    by_day = np.stack([count, count * rng.normal(size=6)])
    weight, state = rng.random(6) + 0.01, rng.normal(size=(7, 3))
    got = kernels.slopes_kernel(by_day, weight, state, penalty)
    np.testing.assert_allclose(got, naive.slopes(by_day, weight, state, penalty), atol=1e-9)


@given(seeds, st.integers(1, 5))
def test_a_system_is_solved_as_its_twin_does(seed, n):
    rng = np.random.default_rng(seed)
    root, right = rng.normal(size=(n, n)), rng.normal(size=n)
    matrix = root @ root.T + np.eye(n)
    got = kernels.solved_kernel(matrix.copy(), right.copy())
    np.testing.assert_allclose(got, naive.solved(matrix, right), atol=1e-8)


@given(seed=seeds)
def test_neighbours_are_gathered_moved_and_picked_as_their_twins_do(seed):
    rng = np.random.default_rng(seed)
    sample, places = with_gaps(rng, 40), some_neighbours(rng, 40, 4, 2).places[:5]
    value, mark, by_day = np.empty(20), np.empty(20, dtype=np.int64), np.empty((2, 4))
    n = memory.gathered_kernel(sample, places, value, mark, by_day)
    wanted, column, day, wanted_by_day = naive.gathered(sample, places)
    np.testing.assert_array_equal(value[:n], wanted)
    np.testing.assert_array_equal(mark[:n], column << kernels.DAY_BITS | day)
    np.testing.assert_allclose(by_day, wanted_by_day, atol=1e-12)
    state, slope, got = rng.normal(size=(5, 2)), rng.normal(size=2), np.empty(n)
    kernels.moved_kernel(value[:n], mark[:n], state, slope, got)
    np.testing.assert_allclose(got, naive.moved(wanted, day, state, slope), atol=1e-9)
    order, weights, room = naive.ascending(wanted), rng.random((2, 4)), np.empty((3, 21))
    few = memory.picked_kernel((value[:n], mark[:n], order), 1, 4, weights, room)
    picked, middles = naive.picked(wanted[order], column[order], day[order], (1, 4), weights)
    np.testing.assert_array_equal(room[0, :few], picked)
    np.testing.assert_allclose(room[1:, : few + 1], middles, atol=1e-12)


@given(seed=seeds, regressed=st.integers(0, 1))
def test_a_target_slot_is_told_as_its_twin_tells_it(seed, regressed):
    rng = np.random.default_rng(seed)
    value, column, day = rng.integers(0, 9, (2, 30)) / 2.0, rng.integers(0, 5, 30), rng.integers(0, 4, 30)
    order, weights = np.argsort(value, axis=1, kind="stable"), rng.random((2, 4)) + 0.01
    got, room = np.full((3, LEVELS.size), np.nan), np.empty((3, 31))
    samples = (value, column << kernels.DAY_BITS | day, order)
    memory.told_kernel(samples, (1, 3, 30, regressed), weights, LEVELS, room, got)
    several = (value[0], value[0], value[regressed])
    np.testing.assert_allclose(got, naive.told(several, column, day, (1, 3), weights, LEVELS), atol=1e-9)


@given(seed=seeds, gaps=st.booleans())
def test_mixtures_equal_their_twin(seed, gaps):
    rng = np.random.default_rng(seed)
    own = np.where(gaps & (rng.random((3, 1, 4)) < 0.5), np.nan, rng.integers(0, 9, (3, 5, 4)) / 2.0)
    lent, factor = rng.integers(0, 9, (4, 2, 5)) / 2.0, rng.random((3, 2))
    part, share = rng.random((3, 2)) * (rng.random((3, 2)) < 0.5), np.array([0.0, 0.3, 1.0])
    got = memory.mixture_kernel(own, lent, factor, part, share, LEVELS)
    np.testing.assert_allclose(got, naive.mixture(own, lent, factor, part, share, LEVELS), atol=1e-9)


@settings(max_examples=25)
@given(seed=seeds, share=st.sampled_from([0.0, 0.3, 1.0]))
def test_memories_equal_their_twin(seed, share):
    rng = np.random.default_rng(seed)
    values, found = with_gaps(rng, (2, 40), share), some_neighbours(rng, 40, 4, 6)
    states = rng.normal(size=(2, 5, 2))
    regressed = np.array([0, 1])
    got = memory.memories_kernel(values, tuple(found), states, regressed, 0.3, LEVELS)
    wanted = naive.memories(values, found, states, regressed, 0.3, LEVELS)
    np.testing.assert_allclose(got, wanted, atol=1e-8)


@pytest.mark.parametrize(("level", "wanted"), [(0.05, 0.0), (0.8, 0.0), (0.95, 7.0)])
def test_an_idle_post_has_quantiles_of_zero_in_every_memory(level, wanted):
    values = np.array([[0.0] * 90 + [7.0] * 10])
    places, blocks = np.arange(100).reshape(10, 10), np.array([[0, 10, 0, 1]])
    found = Neighbours(places, blocks, np.array([[0, 10]]), np.ones((2, 2, 10)), np.zeros(2))
    states = np.zeros((1, 11, 1))
    got = memory.memories_kernel(values, (*found,), states, np.array([1]), 0.3, np.array([level]))
    np.testing.assert_array_equal(got[0, :, 0, 0], wanted)
