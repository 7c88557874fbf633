"""Pooled ridge: what it reads, and that it learns what the series have in common."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples, Series
from models.forecasting.history import History
from models.forecasting.lag_features import NAMES, LagFeatures
from models.forecasting.pooled_ridge import PooledRidgeForecaster, row_quantiles
from models.timegrid import TimeGrid

START = datetime(2024, 1, 1, tzinfo=UTC)
LEVELS = np.array([0.0, 0.1, 0.5, 0.9, 1.0])


def features_at(load_kw, step_s=3600, ahead=24):
    """Features of the day after a history that begins on a Monday."""
    grid = TimeGrid(START, step_s, load_kw.shape[1])
    history = History(load_kw.shape[0], step_s, 90, SiteCalendar())
    history.update(Samples.block(grid, load_kw))
    before = int(grid.steps[-1]) + 1
    return LagFeatures.at(history, before, before + np.arange(ahead))


def column(features, name):
    return features.columns[:, :, NAMES.index(name)]


def test_lags_are_the_samples_of_so_many_days_before_in_spreads():
    load_kw = np.random.default_rng(1).gamma(2.0, 3.0, (2, 40 * 24))
    features = features_at(load_kw)
    recent = load_kw[:, -28 * 24 :]
    np.testing.assert_allclose(features.level, recent.mean(axis=1))
    np.testing.assert_allclose(features.scale, recent.std(axis=1))
    lag = features.level[:, None] + column(features, "7 days before") * features.scale[:, None]
    np.testing.assert_allclose(lag, load_kw[:, -7 * 24 : -6 * 24])
    last = features.level + column(features, "last 3 h")[:, 5] * features.scale
    np.testing.assert_allclose(last, load_kw[:, -3:].mean(axis=1))


def test_what_is_not_known_yet_is_no_feature():
    features = features_at(np.random.default_rng(1).random((1, 20 * 24)), ahead=30)
    assert np.isnan(column(features, "1 days before")[:, 24:]).all()
    assert not np.isnan(column(features, "1 days before")[:, :24]).any()
    assert np.isnan(column(features, "28 days before")).all()


def test_the_last_hour_counts_as_far_as_it_is_unusual_and_fades():
    load_kw = np.tile(np.arange(24.0), (1, 35))
    assert np.abs(column(features_at(load_kw), "last hour against usual, fading in 3 h")).max() < 1e-9
    load_kw[0, -1] += 10.0
    fading = column(features_at(load_kw), "last hour against usual, fading in 3 h")[0]
    assert (np.diff(fading) < 0.0).all()
    assert fading[-1] > 0.0


def test_features_do_not_change_when_a_series_is_scaled_and_moved():
    load_kw = np.random.default_rng(3).gamma(2.0, 3.0, (1, 35 * 24))
    one, other = features_at(load_kw), features_at(100.0 + 7.0 * load_kw)
    np.testing.assert_allclose(one.columns, other.columns, atol=1e-9)


def test_what_all_series_have_in_common_is_learnt_and_scales_with_each():
    grid, rng = TimeGrid(START, 3600, 88 * 24), np.random.default_rng(5)
    shape = 10.0 + 6.0 * np.sin(np.arange(grid.n_slots) * (2 * np.pi / 24))
    load_kw = np.stack([size * (shape + rng.normal(0, 1, grid.n_slots)) for size in (1.0, 30.0)])
    forecaster = PooledRidgeForecaster((Series("small"), Series("large")), 3600, SiteCalendar())
    forecaster.update(Samples.block(grid, load_kw))
    ahead = forecaster.forecast(TimeGrid(grid.end, 3600, 24))
    for name, size in (("small", 1.0), ("large", 30.0)):
        middle, width = ahead.of(name)[3], ahead.of(name)[-2] - ahead.of(name)[1]
        assert np.abs(middle / size - shape[:24]).max() < 1.2
        assert 1.8 < width.mean() / size < 3.6  # 2.56 for a standard deviation of 1


@given(arrays(np.float64, (3, 7), elements=st.one_of(st.just(np.nan), st.integers(-9, 9).map(float))))
def test_quantiles_of_rows_leave_gaps_out(values):
    got = row_quantiles(values, LEVELS)
    for row, quantiles in zip(values, got, strict=True):
        known = row[~np.isnan(row)]
        wanted = np.quantile(known, LEVELS) if known.size else np.full(LEVELS.size, np.nan)
        np.testing.assert_allclose(quantiles, wanted, atol=1e-12)


def test_rows_without_a_column_have_no_quantiles():
    assert np.isnan(row_quantiles(np.empty((2, 0)), LEVELS)).all()
