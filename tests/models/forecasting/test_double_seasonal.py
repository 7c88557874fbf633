"""Double-seasonal smoothing: its kernel says what its twin says, and it follows what repeats."""

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.double_seasonal import DoubleSeasonalForecaster
from models.forecasting.double_seasonal_kernels import Smoothed, smooth_kernel
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples, Series
from models.timegrid import TimeGrid
from tests.reference import double_seasonal as naive

START = datetime(2024, 1, 1, tzinfo=UTC)
GAINS = np.array([0.01, 0.05, 0.1, 0.6])
LEADS = np.array([1, 3])
PER_DAY = 4


@given(st.integers(0, 2**32 - 1), st.integers(1, 80), st.floats(0.0, 1.0))
def test_smoothing_equals_its_twin_however_often_it_pauses(seed, n, gap_share):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((2, n)) < gap_share, np.nan, rng.normal(5.0, 3.0, (2, n)))
    slot, weekday = np.arange(n) % PER_DAY, np.arange(n) // PER_DAY % 7
    calendar = np.stack([slot, slot, weekday, weekday])
    state = Smoothed.empty(2, PER_DAY, LEADS, n)
    for stop in (*sorted(rng.integers(0, n + 1, 3)), n):
        smooth_kernel(values, calendar, (0, int(stop)), LEADS, GAINS, state)
    for s in range(2):
        slots = list(zip(slot, weekday, strict=True))
        twin = naive.smooth(list(values[s]), slots, PER_DAY, list(LEADS), tuple(GAINS))
        kept = np.arange(max(n - LEADS.max() - 1, 0), n)
        for name in ("level", "rest"):
            got = getattr(state, name)[s, kept % (LEADS.max() + 1)]
            np.testing.assert_allclose(got, np.array(twin[name])[kept], atol=1e-9)
        for name in ("day", "week", "error"):
            np.testing.assert_allclose(getattr(state, name)[s], twin[name], atol=1e-9)


def test_series_that_were_forgotten_are_as_before_their_first_sample():
    state, empty = (Smoothed.empty(2, PER_DAY, LEADS, 9) for _ in range(2))
    calendar = np.zeros((4, 9), dtype=np.int64)
    smooth_kernel(np.ones((2, 9)), calendar, (0, 9), LEADS, GAINS, state)
    state.forget(np.array([1]))
    for part, before in zip(state, empty, strict=True):
        np.testing.assert_array_equal(part[1], before[1])
    assert state.until[0] == 9


def test_a_day_and_a_week_that_repeat_are_learnt():
    grid = TimeGrid(START, 3600, 56 * 24)
    hour, day = np.arange(grid.n_slots) % 24, np.arange(grid.n_slots) // 24
    load_kw = 10.0 + 5.0 * (hour > 12) + np.where(day % 7 > 4, -3.0, 0.0) * (hour > 8)
    forecaster = DoubleSeasonalForecaster((Series("feeder"),), 3600, SiteCalendar())
    forecaster.update(Samples.block(grid, load_kw[np.newaxis]))
    ahead = forecaster.forecast(TimeGrid(grid.end, 3600, 168)).of("feeder")
    assert np.abs(ahead[3] - load_kw[:168]).mean() < 0.4
    assert np.abs(ahead[3] - load_kw[:168]).max() < 2.5


def test_a_load_that_has_just_risen_falls_back_by_and_by():
    grid = TimeGrid(START, 3600, 28 * 24)
    load_kw = np.full(grid.n_slots, 10.0) + np.random.default_rng(1).normal(0, 0.1, grid.n_slots)
    load_kw[-1] = 20.0
    forecaster = DoubleSeasonalForecaster((Series("feeder"),), 3600, SiteCalendar())
    forecaster.update(Samples.block(grid, load_kw[np.newaxis]))
    middle = forecaster.forecast(TimeGrid(grid.end, 3600, 12)).of("feeder")[3]
    assert middle[0] > 14.0
    assert (np.diff(middle[:6]) < 0.0).all()
    assert abs(middle[-1] - 10.0) < 1.0


def test_a_new_week_begins_anew_and_forecasts_what_a_fresh_one_does():
    grid = TimeGrid(START, 3600, 70 * 24)
    load_kw = np.random.default_rng(2).gamma(2.0, 3.0, (2, grid.n_slots))
    series = (Series("a"), Series("b"))
    daily, fresh = (DoubleSeasonalForecaster(series, 3600, SiteCalendar()) for _ in range(2))
    for day in range(70):
        here = TimeGrid(START + timedelta(days=day), 3600, 24)
        daily.update(Samples.block(here, load_kw[:, 24 * day : 24 * day + 24]))
        daily.forecast(TimeGrid(here.end, 3600, 2))
    fresh.update(Samples.block(grid, load_kw))
    ahead = TimeGrid(grid.end, 3600, 30)
    np.testing.assert_array_equal(daily.forecast(ahead).values, fresh.forecast(ahead).values)
