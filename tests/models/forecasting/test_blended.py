"""What was learnt online is a function of the samples: not of when forecasts were asked for, nor of batches."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from models.forecasting.blended import BlendedForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples, Series
from models.timegrid import TimeGrid

START = datetime(2024, 1, 1, tzinfo=UTC)
N_HOURS = 150 * 24  # longer than the ring
SERIES = tuple(Series.charging(str(row)) for row in range(3))
OSLO = SiteCalendar("Europe/Oslo")
GRID = TimeGrid(START + timedelta(hours=N_HOURS), 3600, 48)


@pytest.fixture(scope="module")
def load_kw():
    rng = np.random.default_rng(0)
    load_kw = rng.gamma(2, 2, (3, N_HOURS)) * (rng.random((3, N_HOURS)) < 0.6)
    load_kw[rng.random(load_kw.shape) < 0.05] = np.nan
    return load_kw


@pytest.fixture
def at_once(load_kw):
    forecaster = BlendedForecaster(SERIES, 3600, OSLO)
    forecaster.update(Samples.block(TimeGrid(START, 3600, N_HOURS), load_kw))
    return forecaster


@pytest.fixture
def day_by_day(load_kw):
    """The same samples a day at a time, with a forecast at every third midnight of the last weeks."""
    forecaster = BlendedForecaster(SERIES, 3600, OSLO)
    for hour in range(0, N_HOURS, 24):
        day = TimeGrid(START + timedelta(hours=hour), 3600, 24)
        forecaster.update(Samples.block(day, load_kw[:, hour : hour + 24]))
        if hour > N_HOURS - 1000 and hour % 72 == 0:
            forecaster.forecast(TimeGrid(day.end, 3600, 24))
    return forecaster


def test_forecasts_on_the_way_and_batches_change_nothing(at_once, day_by_day):
    np.testing.assert_array_equal(at_once.forecast(GRID).values, day_by_day.forecast(GRID).values)


def test_a_late_sample_changes_what_was_learnt_as_if_it_had_been_in_time(at_once, day_by_day):
    hour = int(START.timestamp()) // 3600 + N_HOURS - 60
    late = Samples(np.array([hour * 3600]), np.array([0]), np.array([9.0]))
    before = day_by_day.forecast(GRID).values
    at_once.update(late)
    day_by_day.update(late)
    after = day_by_day.forecast(GRID).values
    np.testing.assert_array_equal(at_once.forecast(GRID).values, after)
    np.testing.assert_array_equal(before[1:], after[1:])
    assert (before[0] != after[0]).any()


def test_a_series_of_long_history_alone_gets_the_same_numbers(at_once, load_kw):
    alone = BlendedForecaster(SERIES[1:2], 3600, OSLO)
    alone.update(Samples.block(TimeGrid(START, 3600, N_HOURS), load_kw[1:2]))
    np.testing.assert_array_equal(alone.forecast(GRID).values[0], at_once.forecast(GRID).values[1])
