"""What every forecaster of the package keeps, whatever its method."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import GridMismatchError, InvalidInputError
from models.forecasting.by_name import MAKERS
from models.forecasting.day_type import DayTypeForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Forecaster, Known, Samples, Series
from models.forecasting.open_sessions import OpenSessionsForecaster
from models.forecasting.sessions_now import SessionForecaster
from models.forecasting.stays import Stays
from models.timegrid import TimeGrid

STEP_S = 3600
OSLO = SiteCalendar("Europe/Oslo")
NOW = datetime(2024, 4, 10, 6, tzinfo=UTC)  # ten days after the clock was put forward
GRID = TimeGrid(NOW, STEP_S, 30)
SERIES = (Series.charging("garage", 50.0), Series("building"), Series.charging("post"))


def with_sessions(series, step_s, calendar):
    """A session forecaster that has recorded a fortnight of arrivals."""
    return recording(SessionForecaster(DayTypeForecaster(series, step_s, calendar), n_paths=40), step_s)


def with_open_sessions(series, step_s, calendar):
    """A forecaster that blends cars with history, and has recorded a fortnight of arrivals."""
    later = DayTypeForecaster(series, step_s, calendar)
    return recording(OpenSessionsForecaster(later, step_s, calendar, n_paths=40), step_s)


def recording(forecaster, step_s):
    """The forecaster after a fortnight of arrivals."""
    observed = TimeGrid(NOW - timedelta(days=14), step_s, 14 * 24)
    rng = np.random.default_rng(5)
    arrival_s = observed.start.timestamp() + rng.integers(0, 14 * 86_400, 60)
    row = rng.integers(0, len(forecaster.series), 60)
    forecaster.record(Stays(row, arrival_s.astype(np.int64), rng.random(60) * 30, np.full(60, 7.4)), observed)
    return forecaster


FORECASTERS: dict[str, Callable[..., Forecaster]] = {
    **{name.value: make for name, make in MAKERS.items()},
    "day type": DayTypeForecaster,
    "sessions, none recorded": lambda *args: SessionForecaster(DayTypeForecaster(*args)),
    "sessions": with_sessions,
    "open sessions": with_open_sessions,
}
LEARNS_FROM_SAMPLES = [name for name in FORECASTERS if name not in ("sessions", "open sessions")]
POOLS_SERIES = ("ridge",)  # one regression for all


@pytest.fixture(params=FORECASTERS)
def make(request):
    """A factory of one forecaster after another."""
    return lambda series=SERIES: FORECASTERS[request.param](series, STEP_S, OSLO)


@pytest.fixture(params=LEARNS_FROM_SAMPLES)
def make_learner(request):
    """A factory of the forecasters whose answer depends on metered load."""
    return lambda series=SERIES: FORECASTERS[request.param](series, STEP_S, OSLO)


def past(days, seed=0, n_series=3, gaps=0.1):
    """Samples of some days up to now: a daily shape with noise, zeros and gaps."""
    grid = TimeGrid(NOW - timedelta(days=days), STEP_S, days * 24)
    rng = np.random.default_rng(seed)
    shape = 10.0 + 8.0 * np.sin(grid.steps * (2 * np.pi / 24))
    value = np.maximum(shape + rng.normal(0, 6, (n_series, grid.n_slots)), 0.0)
    value[rng.random(value.shape) < gaps] = np.nan
    return Samples.block(grid, value)


def assert_well_formed(forecast, series=SERIES):
    assert forecast.values.shape == (len(series), forecast.levels.size, GRID.n_slots)
    assert forecast.values.dtype == np.float64
    assert not forecast.values.flags.writeable
    assert np.isfinite(forecast.values).all()
    assert (np.diff(forecast.values, axis=1) >= 0.0).all()
    for row, member in enumerate(series):
        assert (forecast.values[row] >= member.lower).all()
        assert (forecast.values[row] <= member.upper).all()


@pytest.mark.parametrize("days", [0, 1, 3, 20, 80])
def test_quantiles_are_finite_ordered_bounded_and_of_the_right_shape(make, days):
    forecaster = make()
    if days:
        forecaster.update(past(days))
    forecast = forecaster.forecast(GRID)
    assert_well_formed(forecast)
    assert forecast.series == forecaster.series == SERIES
    assert forecast.issued_at == NOW
    assert (forecast.levels == forecaster.levels).all()


def test_nothing_at_or_after_the_origin_is_read(make):
    ignorant, tempted = make(), make()
    ignorant.update(past(20))
    tempted.update(past(20))
    future = TimeGrid(NOW, STEP_S, 40)
    tempted.update(Samples.block(future, np.full((3, 40), 1e6)))
    np.testing.assert_array_equal(ignorant.forecast(GRID).values, tempted.forecast(GRID).values)
    one, other = ignorant.paths(GRID, 9, seed=1), tempted.paths(GRID, 9, seed=1)
    np.testing.assert_array_equal(one.values, other.values)


def test_a_forecast_issued_earlier_does_not_read_the_hours_between(make_learner):
    issued = NOW - timedelta(hours=12)
    known, whole = make_learner(), make_learner()
    known.update(past(20))
    whole.update(past(20))
    grid = TimeGrid(issued, STEP_S, 12)
    known.update(Samples.block(grid, np.full((3, 12), 1e6)))
    early, late = known.forecast(GRID, Known(as_of=issued)), whole.forecast(GRID, Known(as_of=issued))
    assert early.issued_at == issued
    assert (early.basis.newest_s < issued.timestamp()).all()
    np.testing.assert_array_equal(early.values, late.values)


def test_without_samples_it_says_so_and_stays_within_bounds(make_learner):
    forecast = make_learner().forecast(GRID)
    assert {issue.where for issue in forecast.warnings if issue.what == "no history"} == {
        "garage",
        "building",
        "post",
    }
    assert (forecast.basis.n_samples == 0).all()
    assert_well_formed(forecast)


def test_samples_that_are_all_gaps_are_no_history(make_learner):
    forecaster = make_learner()
    grid = TimeGrid(NOW - timedelta(days=20), STEP_S, 20 * 24)
    report = forecaster.update(Samples.block(grid, np.full((3, grid.n_slots), np.nan)))
    assert (report.stored, report.gaps) == (0, 3 * grid.n_slots)
    np.testing.assert_array_equal(forecaster.forecast(GRID).values, make_learner().forecast(GRID).values)


@given(level_kw=st.floats(0.0, 50.0), days=st.integers(1, 15))
@settings(max_examples=10)
def test_a_constant_series_is_forecast_as_that_constant(level_kw, days):
    for name in LEARNS_FROM_SAMPLES:
        forecaster = FORECASTERS[name](SERIES, STEP_S, OSLO)
        grid = TimeGrid(NOW - timedelta(days=days), STEP_S, days * 24)
        forecaster.update(Samples.block(grid, np.full((3, grid.n_slots), level_kw)))
        np.testing.assert_allclose(forecaster.forecast(GRID).values, level_kw, atol=1e-9)
        np.testing.assert_allclose(forecaster.paths(GRID, 5, seed=1).values, level_kw, atol=1e-9)


def test_one_sample_is_enough_for_its_series(make_learner):
    forecaster = make_learner()
    moment = np.array([int(NOW.timestamp()) - 7200])
    forecaster.update(Samples(moment, np.array([1]), np.array([4.0])))
    forecast = forecaster.forecast(GRID)
    np.testing.assert_allclose(forecast.of("building"), 4.0)
    assert forecast.basis.n_samples.tolist() == [0, 1, 0]
    assert forecast.basis.newest_s.tolist() == [0, int(NOW.timestamp()) - 7200, 0]


@pytest.mark.parametrize("name", [name for name in LEARNS_FROM_SAMPLES if name not in POOLS_SERIES])
def test_a_series_alone_gets_the_same_numbers_as_among_others(name):
    together, alone = (FORECASTERS[name](series, STEP_S, OSLO) for series in (SERIES, SERIES[:1]))
    samples = past(40)  # a station of four weeks or less borrows
    together.update(samples)
    first = samples.row == 0
    alone.update(Samples(samples.time_s[first], samples.row[first], samples.value[first]))
    np.testing.assert_array_equal(alone.forecast(GRID).values[0], together.forecast(GRID).values[0])


def test_whoever_comes_first_among_the_series_gets_the_same_numbers(make_learner):
    forth, back = make_learner(), make_learner(SERIES[::-1])
    samples = past(20)
    forth.update(samples)
    back.update(Samples(samples.time_s, 2 - samples.row, samples.value))
    np.testing.assert_allclose(forth.forecast(GRID).values, back.forecast(GRID).values[::-1], atol=1e-9)


def test_the_order_of_samples_does_not_matter(make_learner):
    in_order, shuffled = make_learner(), make_learner()
    samples = past(20)
    in_order.update(samples)
    order = np.random.default_rng(3).permutation(samples.row.size)
    for part in np.array_split(order, 5):
        shuffled.update(Samples(samples.time_s[part], samples.row[part], samples.value[part]))
    np.testing.assert_array_equal(in_order.forecast(GRID).values, shuffled.forecast(GRID).values)


def test_forecasts_in_between_and_samples_that_come_late_change_nothing(make_learner):
    asked, silent = make_learner(), make_learner()
    samples = past(80)
    silent.update(samples)
    late = np.random.default_rng(4).random(samples.row.size) < 0.02
    for days in (40, 20, 3, 0):
        until_s = (NOW - timedelta(days=days)).timestamp()
        here = (samples.time_s < until_s) & (samples.time_s >= until_s - 40 * 86_400) & ~late
        asked.update(Samples(samples.time_s[here], samples.row[here], samples.value[here]))
        asked.forecast(TimeGrid(NOW - timedelta(days=days), STEP_S, 24))
    asked.update(Samples(samples.time_s[late], samples.row[late], samples.value[late]))
    np.testing.assert_array_equal(asked.forecast(GRID).values, silent.forecast(GRID).values)


@pytest.mark.parametrize("days_ago", [5, 40, 68, 150])
def test_samples_that_ended_long_ago_still_give_a_forecast(make_learner, days_ago):
    forecaster, samples = make_learner(), past(20)
    forecaster.update(Samples(samples.time_s - days_ago * 86_400, samples.row, samples.value))
    assert_well_formed(forecaster.forecast(GRID))


def test_paths_are_bounded_repeatable_and_agree_with_the_quantiles(make):
    forecaster = make()
    forecaster.update(past(56, gaps=0.0))
    paths = forecaster.paths(GRID, 400, seed=11)
    assert paths.values.shape == (3, 400, GRID.n_slots)
    assert not paths.values.flags.writeable
    np.testing.assert_array_equal(paths.values, forecaster.paths(GRID, 400, seed=11).values)
    middle = np.quantile(paths.values, 0.5, axis=1)
    forecast = forecaster.forecast(GRID).values
    spread = 1.0 + forecast[:, -1] - forecast[:, 0]
    assert (np.abs(middle - forecast[:, 3]) <= 0.3 * spread).all()
    assert (paths.values[0] <= 50.0).all()
    assert (paths.values[0] >= 0.0).all()


def test_the_grid_must_have_the_forecasters_own_step(make):
    with pytest.raises(GridMismatchError, match="slots"):
        make().forecast(TimeGrid(NOW, 900, 4))


def test_a_stored_state_gives_the_same_forecast_and_a_foreign_one_is_refused(make_learner):
    source, target = make_learner(), make_learner()
    source.update(past(20))
    target.update(past(3, seed=9))
    target.restore(source.snapshot())
    np.testing.assert_array_equal(source.forecast(GRID).values, target.forecast(GRID).values)
    smaller = make_learner(SERIES[:2])
    with pytest.raises(InvalidInputError):
        smaller.restore(source.snapshot())


def test_inputs_that_are_not_used_are_named(make_learner):
    from models.forecasting.forecaster import KnownColumns

    known = Known(columns=KnownColumns(("temperature_c",), np.zeros((1, GRID.n_slots))))
    assert "columns" in {issue.where for issue in make_learner().forecast(GRID, known).warnings}
