"""A level that changed at once is found by its age and factor; a weekend, a day off or noise is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.forecasting.level_steps import LevelStep, StepShape, level_steps, levelled

SHAPE = StepShape()
WEEK = np.array([1.0, 1.0, 1.2, 1.1, 1.3, 0.5, 0.4])
seeds = st.integers(0, 2**32 - 1)


def day_means(seed, age=0, factor=1.0, noise=0.1):
    """Daily means with a week's shape, those of the last days at another level; the latest first."""
    rng = np.random.default_rng(seed)
    days = 20.0 * WEEK[(rng.integers(0, 7) + np.arange(SHAPE.reach_days)) % 7]
    days = days * np.exp(noise * rng.normal(size=days.size))
    days[:age] *= factor
    return days[np.newaxis]


def found(days, usable=1):
    return level_steps(days, np.array([usable]), SHAPE)


@settings(max_examples=40)
@given(seed=seeds, age=st.integers(2, 40), factor=st.sampled_from([0.1, 0.2, 0.35, 3.0, 6.0]))
def test_a_step_is_found_with_its_age_and_factor(seed, age, factor):
    (step,) = found(day_means(seed, age, factor))
    assert step.row == 0
    assert abs(step.age_days - age) <= 1
    assert step.factor == pytest.approx(factor, rel=0.25)


@settings(max_examples=40)
@given(seed=seeds, age=st.integers(0, 40), factor=st.floats(0.75, 1.3))
def test_noise_weekends_and_small_changes_are_no_step(seed, age, factor):
    assert found(day_means(seed, age, factor)) == []


@given(seed=seeds, gone=st.integers(1, 30))
def test_a_day_off_is_no_step(seed, gone):
    days = day_means(seed)
    days[0, gone] *= 0.1
    assert found(days) == []


@given(seed=seeds)
def test_days_that_are_not_known_hide_no_step(seed):
    days = day_means(seed, 10, 0.2)
    days[0, np.random.default_rng(seed).integers(2, SHAPE.reach_days, 5)] = np.nan
    (step,) = found(days)
    assert step.factor == pytest.approx(0.2, rel=0.3)


def test_posts_that_idle_and_loads_that_change_their_sign_are_not_looked_at():
    days = day_means(0, 10, 0.2)
    assert found(days, usable=0) == []
    assert found(-days) == []
    assert found(day_means(0, 0)[:, :30]) == []  # too short a past


def test_a_past_of_few_days_has_no_step():
    days = np.where(np.arange(SHAPE.reach_days) < 25, day_means(0, 10, 0.2), np.nan)
    assert found(days) == []


def test_samples_before_a_step_are_read_at_the_level_since_then():
    values, back = np.ones((2, 8)), np.array([-1, 7, 0, 1, 2, 3])
    assert levelled(values, back, 2, []) is values
    got = levelled(values, back, 2, [LevelStep(1, 1, 0.5)])
    np.testing.assert_array_equal(got[0], 1.0)
    np.testing.assert_array_equal(got[1], [0.5, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
