"""A new station borrows from its peers, scaled to its own load, until it has days enough of its own."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.blended import BlendedForecaster
from models.forecasting.forecaster import Samples, Series
from models.forecasting.peers import Lent, PeerShape, mixture, peers_of
from models.timegrid import TimeGrid

NOW = datetime(2024, 4, 10, tzinfo=UTC)
GRID = TimeGrid(NOW, 3600, 24)
SERIES = (Series.charging("old"), Series.charging("other"), Series.charging("new"), Series("building"))


def forecast(days_of_new, scale=1.0):
    """Two old stations that charge 6 kW by day; a new one that charges so times ``scale``, known for some days."""
    forecaster = BlendedForecaster(SERIES, 3600)
    past = TimeGrid(NOW - timedelta(days=30), 3600, 720)
    by_day = 6.0 * ((past.steps % 24 > 7) & (past.steps % 24 < 19))
    value = np.stack([by_day, by_day, by_day * scale, np.full(720, np.nan)])
    value[2, : 720 - 24 * days_of_new] = np.nan
    forecaster.update(Samples.block(past, value))
    return forecaster.forecast(GRID)


def test_a_station_without_a_day_is_forecast_as_its_peers():
    told = forecast(0)
    np.testing.assert_allclose(told.of("new")[3], told.of("old")[3], atol=1e-9)
    assert (told.of("building") == 0.0).all()


@pytest.mark.parametrize("days", [1, 3, 7])
def test_a_few_days_scale_what_is_borrowed(days):
    told = forecast(days, scale=0.2)
    assert told.of("new")[3].max() < 0.7 * told.of("old")[3].max()


def test_a_grown_station_stands_alone():
    assert peers_of(SERIES, np.array([30.0, 30.0, 14.0, 0.0]), PeerShape()).young.size == 0
    assert PeerShape().own_share(np.array([0.0, 14.0])).tolist() == [0.0, 1.0]
    assert peers_of(SERIES, np.array([3.0, 30.0, 14.0, 0.0]), PeerShape()).young.tolist() == [0]


@given(days=st.floats(0.0, 14.0), more=st.floats(0.01, 5.0))
def test_own_days_count_more_and_more(days, more):
    share = PeerShape().own_share(np.array([days, days + more]))
    assert 0.0 <= share[0] < share[1] <= 1.0 or share[0] == 1.0


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_a_mixture_lies_between_what_is_mixed(seed, share):
    rng = np.random.default_rng(seed)
    own, lent = np.sort(rng.random((2, 31, 3)), axis=1)
    got = mixture(own, lent, share, np.array([0.1, 0.5, 0.9]))
    assert (np.diff(got, axis=0) >= 0.0).all()
    assert (got >= np.minimum(own.min(axis=0), lent.min(axis=0))).all()
    assert (got <= np.maximum(own.max(axis=0), lent.max(axis=0))).all()


def test_peers_without_load_lend_nothing():
    lent = Lent.of(np.ones((2, 31, 4)), np.zeros(2))
    np.testing.assert_array_equal(lent.scaled(1.0, 3.0, 1.0), np.zeros((31, 4)))
