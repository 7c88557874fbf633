"""A new station borrows from its peers, scaled to its own load, until it has days enough of its own."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.blended import BlendedForecaster
from models.forecasting.forecaster import Samples, Series
from models.forecasting.peers import KnownLoad, Parts, PeerShape, peers_of
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
    assert peers_of(SERIES, np.array([30.0, 30.0, 28.0, 0.0]), PeerShape()).young.size == 0
    assert PeerShape().own_share(np.array([0.0, 28.0])).tolist() == [0.0, 1.0]
    peers = peers_of(SERIES, np.array([3.0, 30.0, 20.0, 0.0]), PeerShape())
    assert peers.young.tolist() == [0, 2]
    assert peers.lending.tolist() == [1, 2]


def test_nobody_borrows_from_itself():
    forecaster, alone = BlendedForecaster(SERIES[:1], 3600), Series.charging("only")
    past = TimeGrid(NOW - timedelta(days=20), 3600, 480)
    forecaster = BlendedForecaster((alone,), 3600)
    forecaster.update(Samples.block(past, np.full((1, 480), 3.0)))
    np.testing.assert_allclose(forecaster.forecast(GRID).values, 3.0)


def known(installed_kw, mean_kw, days, first=0):
    n = len(installed_kw)
    return KnownLoad(
        np.arange(first, first + n), *(np.array(x, dtype=float) for x in (installed_kw, mean_kw, days))
    )


def test_peers_of_the_same_installed_power_count_most():
    peers = known([7.0, 50.0, 22.0], [1.0, 1.0, 1.0], [60, 60, 60])
    weight = PeerShape().weights(known([50.0], [0.0], [0.0]), peers)
    assert weight[1] > 10.0 * weight[2] > 10.0 * weight[0] > 0.0
    alike = PeerShape().weights(known([np.inf], [0.0], [0.0]), peers)
    assert alike.min() == alike.max()


@given(days=st.floats(0.5, 10.0), more=st.floats(0.5, 10.0))
def test_days_of_its_own_favour_peers_with_a_like_mean_load(days, more):
    peers = known([np.inf] * 2, [1.0, 4.0], [60, 60])
    one, other = (PeerShape().weights(known([np.inf], [1.0], [d]), peers) for d in (days, days + more))
    assert 1.0 < one[0] / one[1] <= other[0] / other[1]


@pytest.mark.parametrize("installed_kw", [7.0, np.inf])
def test_of_many_peers_few_are_read_spread_over_all_or_nearest_in_power(installed_kw):
    series = (
        *(Series.charging(str(i), 7.0 if i < 100 else 50.0) for i in range(400)),
        Series.charging("new", installed_kw),
    )
    shape = PeerShape()
    lending = peers_of(series, np.append(np.full(400, 60.0), 0.0), shape).lending
    assert lending.size == shape.most
    if installed_kw == np.inf:
        assert np.diff(lending).max() < 400 / shape.most * 3
    else:
        assert lending.max() < 100


@given(days=st.floats(0.0, 28.0), more=st.floats(0.01, 5.0))
def test_own_days_count_more_and_more(days, more):
    share = PeerShape().own_share(np.array([days, days + more]))
    assert 0.0 <= share[0] < share[1] <= 1.0 or share[0] == 1.0


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 30.0))
def test_a_mixture_lies_between_what_is_mixed(seed, days):
    rng = np.random.default_rng(seed)
    own, lent = np.sort(rng.random((2, 1, 31, 3)), axis=2)
    peers = known([np.inf], [1.0], [60], first=1)
    got = Parts(own, lent).mixed(
        PeerShape(), (known([np.inf], [1.0], [days]), peers), np.array([0.1, 0.5, 0.9])
    )[0]
    assert (np.diff(got, axis=0) >= 0.0).all()
    assert (got >= np.minimum(own.min(axis=(0, 1)), lent.min(axis=(0, 1))) - 1e-12).all()
    assert (got <= np.maximum(own.max(axis=(0, 1)), lent.max(axis=(0, 1))) + 1e-12).all()


def test_peers_that_idle_lend_an_idle_load():
    lent, peers = np.ones((2, 31, 4)), known([np.inf] * 2, [0.0, 0.0], [60, 60], first=1)
    told = Parts(np.full((1, 31, 4), np.nan), lent).mixed(
        PeerShape(), (known([np.inf], [0.0], [0.0]), peers), np.array([0.5])
    )
    np.testing.assert_array_equal(told, 0.0)
