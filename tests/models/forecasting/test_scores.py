"""Scores of forecasts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.errors import GridMismatchError
from models.forecasting.scores import coverage, pinball_loss, weighted_quantile_loss

actuals = arrays(np.float64, st.integers(1, 60), elements=st.floats(-50, 50))


@given(actual=actuals, level=st.floats(0.05, 0.95), other=st.floats(-60, 60))
def test_no_constant_forecast_beats_the_sample_quantile(actual, level, other):
    best = np.full_like(actual, np.quantile(actual, level, method="inverted_cdf"))
    assert (
        pinball_loss(actual, best, level) <= pinball_loss(actual, np.full_like(actual, other), level) + 1e-9
    )


@given(actual=actuals)
def test_a_perfect_forecast_costs_nothing_and_covers_everything(actual):
    levels = np.array([0.1, 0.5, 0.9])
    assert pinball_loss(actual, actual, 0.3) == 0.0
    assert coverage(actual, actual, actual) == 1.0
    assert not weighted_quantile_loss(actual, np.stack([actual] * 3), levels) > 0.0


def test_a_known_example():
    actual, nothing = np.array([0.0, 2.0, np.nan]), np.zeros(3)
    assert pinball_loss(actual, nothing, 0.9) == pytest.approx(0.9)
    assert weighted_quantile_loss(actual, nothing[None], np.array([0.5])) == pytest.approx(1.0)
    assert coverage(actual, nothing, nothing + 1.0) == 0.5


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(GridMismatchError):
        pinball_loss(np.zeros(3), np.zeros(2), 0.5)
    with pytest.raises(GridMismatchError):
        weighted_quantile_loss(np.zeros(3), np.zeros((2, 3)), np.array([0.5]))
