"""Columns that are known ahead: what they explain is forecast with them, and nothing else changes."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import config

from models.arrays import frozen
from models.forecasting import memory_kernels
from models.forecasting.blended import BlendedForecaster, BlendOptions
from models.forecasting.column_effects import ColumnEffects, bent
from models.forecasting.explained import ExplainedForecaster
from models.forecasting.forecaster import Known, KnownColumns, Samples, Series
from models.forecasting.memory_weights import Rehearsal
from models.timegrid import TimeGrid

START = datetime(2024, 1, 8, tzinfo=UTC)
N_DAYS = 60
PAST = TimeGrid(START, 3600, N_DAYS * 24)
AHEAD = TimeGrid(PAST.end, 3600, 24)
BOTH = TimeGrid(START, 3600, PAST.n_slots + AHEAD.n_slots)
SERIES = (Series("heated"), Series("indifferent"), Series.charging("post"))
NAME = ("temperature_c",)
FEW_ORIGINS = BlendOptions(rehearsal=Rehearsal(n_origins=6))
"""The suite also runs without compiled kernels."""


def fronts(seed):
    """A temperature that is anew each day, and low on the one to come."""
    rng = np.random.default_rng(seed)
    day = np.sin(np.arange(BOTH.n_slots) * (2 * np.pi / 24))
    mean_c = rng.normal(5.0, 6.0, BOTH.n_slots // 24)
    mean_c[-1] = -6.0
    return np.repeat(mean_c, 24) + 2.0 * day


def loads(temperature_c, seed=3):
    """One load that follows the cold, one that does not, and a post that idles mostly; over past and future."""
    rng = np.random.default_rng(seed)
    day = 20.0 + 5.0 * np.sin(np.arange(BOTH.n_slots) * (2 * np.pi / 24) - 1.0)
    heated = day + np.maximum(12.0 - temperature_c, 0.0) + rng.normal(0, 0.5, BOTH.n_slots)
    post = np.where(rng.random(BOTH.n_slots) < 0.2, 7.0, 0.0)
    return np.stack([heated, day + rng.normal(0, 0.5, BOTH.n_slots), post])


def learnt(load_kw, make=ExplainedForecaster):
    forecaster = make(SERIES, 3600, None, FEW_ORIGINS)
    forecaster.update(Samples.block(PAST, frozen(load_kw[:, : PAST.n_slots])))
    return forecaster


def columns(values, grid=BOTH):
    return Known(columns=KnownColumns(NAME, frozen([values]), grid))


TEMPERATURE_C = fronts(1)
LOADS_KW = loads(TEMPERATURE_C)
TRUTH_KW = LOADS_KW[:, PAST.n_slots :]


def missed(forecast, row):
    return float(np.abs(forecast.values[row, 3] - TRUTH_KW[row]).mean())


def test_a_load_that_follows_a_column_is_forecast_much_better_with_it():
    forecaster = learnt(LOADS_KW)
    plain, told = forecaster.forecast(AHEAD), forecaster.forecast(AHEAD, columns(TEMPERATURE_C))
    assert missed(told, 0) < 0.4 * missed(plain, 0)
    assert told.basis.method.endswith("with temperature_c")
    assert told.warnings == ()


def test_loads_that_follow_no_column_get_the_same_numbers_as_without():
    forecaster = learnt(LOADS_KW)
    plain, told = forecaster.forecast(AHEAD), forecaster.forecast(AHEAD, columns(TEMPERATURE_C))
    np.testing.assert_array_equal(plain.values[1:], told.values[1:])


def test_without_columns_it_is_the_blended_forecaster():
    one, other = learnt(LOADS_KW), learnt(LOADS_KW, BlendedForecaster)
    np.testing.assert_array_equal(one.forecast(AHEAD).values, other.forecast(AHEAD).values)
    paths = one.paths(AHEAD, 9, seed=2).values
    np.testing.assert_array_equal(paths, other.paths(AHEAD, 9, seed=2).values)


@pytest.mark.parametrize("n_known", [0, 6])
def test_where_the_feed_stops_the_forecast_is_the_one_without_it_and_says_so(n_known):
    forecaster, values = learnt(LOADS_KW), TEMPERATURE_C.copy()
    values[PAST.n_slots + n_known :] = np.nan
    plain, told = forecaster.forecast(AHEAD), forecaster.forecast(AHEAD, columns(values))
    whole = forecaster.forecast(AHEAD, columns(TEMPERATURE_C))
    np.testing.assert_array_equal(told.values[..., n_known:], plain.values[..., n_known:])
    np.testing.assert_allclose(told.values[..., :n_known], whole.values[..., :n_known], rtol=1e-9)
    since = AHEAD.slot_start(n_known)
    what = f"temperature_c is not known in {24 - n_known} of 24 slots, from {since:%Y-%m-%d %H:%M} UTC on"
    assert any(one.where == "columns" and one.what.startswith(what) for one in told.warnings)


def test_a_feed_that_is_shorter_than_the_forecast_is_one_that_stops():
    forecaster, values = learnt(LOADS_KW), TEMPERATURE_C.copy()
    values[PAST.n_slots + 6 :] = np.nan
    short = columns(TEMPERATURE_C[: PAST.n_slots + 6], replace(BOTH, n_slots=PAST.n_slots + 6))
    told, same = forecaster.forecast(AHEAD, columns(values)), forecaster.forecast(AHEAD, short)
    np.testing.assert_array_equal(told.values, same.values)
    assert told.warnings == same.warnings


def test_of_two_columns_the_one_that_goes_on_is_still_followed():
    forecaster = learnt(LOADS_KW)
    price = np.random.default_rng(8).normal(50, 10, BOTH.n_slots)
    price[PAST.n_slots + 6 :] = np.nan
    known = Known(columns=KnownColumns(("price", *NAME), frozen([price, TEMPERATURE_C]), BOTH))
    told = forecaster.forecast(AHEAD, known)
    alone = forecaster.forecast(AHEAD, columns(TEMPERATURE_C))
    np.testing.assert_allclose(told.values[..., 6:], alone.values[..., 6:], rtol=1e-9)
    assert missed(told, 0) < 0.4 * missed(forecaster.forecast(AHEAD), 0)


@pytest.mark.parametrize("n_days", [0, 20])
def test_a_column_with_too_short_a_past_is_not_used_and_that_is_said(n_days):
    forecaster, values = learnt(LOADS_KW), TEMPERATURE_C.copy()
    values[: PAST.n_slots - n_days * 24] = np.nan
    plain, told = forecaster.forecast(AHEAD), forecaster.forecast(AHEAD, columns(values))
    np.testing.assert_array_equal(plain.values, told.values)
    [warning] = told.warnings
    assert warning.where == "columns"
    assert "21 days of its past" in warning.what


def test_columns_of_the_forecasts_slots_alone_are_not_used_and_that_is_said():
    told = learnt(LOADS_KW).forecast(AHEAD, columns(np.zeros(24), None))
    assert [one.where for one in told.warnings] == ["columns"]


def test_a_column_that_nothing_follows_is_said_to_be_one():
    told = learnt(LOADS_KW).forecast(AHEAD, columns(fronts(99)))
    assert [one.what for one in told.warnings] == ["no series follows temperature_c: not used"]


def test_a_constant_column_changes_nothing():
    forecaster = learnt(LOADS_KW)
    told = forecaster.forecast(AHEAD, columns(np.full(BOTH.n_slots, 5.0)))
    np.testing.assert_array_equal(told.values, forecaster.forecast(AHEAD).values)


def test_samples_at_or_after_the_origin_are_not_read_with_columns_either():
    ignorant, tempted = learnt(LOADS_KW), learnt(LOADS_KW)
    tempted.update(Samples.block(AHEAD, np.full((3, 24), 1e6)))
    known = columns(TEMPERATURE_C)
    one, other = ignorant.forecast(AHEAD, known), tempted.forecast(AHEAD, known)
    np.testing.assert_array_equal(one.values, other.values)
    one, other = (each.paths(AHEAD, 9, seed=1, known=known) for each in (ignorant, tempted))
    np.testing.assert_array_equal(one.values, other.values)


def test_a_slot_to_come_follows_its_own_value_of_the_column_only():
    forecaster, changed = learnt(LOADS_KW), TEMPERATURE_C.copy()
    changed[PAST.n_slots + 12 :] -= 5.0
    one, other = (forecaster.forecast(AHEAD, columns(values)).values for values in (TEMPERATURE_C, changed))
    np.testing.assert_array_equal(one[..., :12], other[..., :12])
    assert (other[0, 3, 12:] >= one[0, 3, 12:]).all()


def test_paths_follow_the_column_as_the_quantiles_do():
    forecaster, known = learnt(LOADS_KW), columns(TEMPERATURE_C)
    told = forecaster.forecast(AHEAD, known)
    paths = forecaster.paths(AHEAD, 60, seed=5, known=known).values
    assert np.abs(np.median(paths[0], axis=0) - told.values[0, 3]).max() < 0.5
    assert (paths[2] >= 0.0).all()


@settings(max_examples=8)
@given(data=st.data())
def test_whatever_the_columns_are_quantiles_are_finite_ordered_and_bounded(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    values = rng.normal(0, data.draw(st.sampled_from([1e-9, 1.0, 1e6])), (2, BOTH.n_slots))
    values[rng.random(values.shape) < data.draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    if data.draw(st.booleans()):
        values[0, : PAST.n_slots] = LOADS_KW[data.draw(st.integers(0, 2)), : PAST.n_slots] * 3.0
    known = Known(columns=KnownColumns(("a", "b"), frozen(values), BOTH))
    told = learnt(LOADS_KW).forecast(AHEAD, known).values
    assert np.isfinite(told).all()
    assert (np.diff(told, axis=1) >= -1e-9).all()
    assert (told[2] >= 0.0).all()


@pytest.mark.skipif(bool(getattr(config, "DISABLE_JIT", False)), reason="nothing is compiled")
def test_with_columns_no_kernel_is_compiled_that_was_not_without():
    forecaster = learnt(LOADS_KW)
    forecaster.forecast(AHEAD)
    kernels = [one for name, one in vars(memory_kernels).items() if name.endswith("_kernel")]
    before = [kernel.signatures for kernel in kernels]
    forecaster.forecast(AHEAD, columns(TEMPERATURE_C))
    forecaster.paths(AHEAD, 3, seed=1, known=columns(TEMPERATURE_C))
    assert [kernel.signatures for kernel in kernels] == before


def test_the_effect_is_that_of_the_line_it_was_made_with():
    steps = np.arange(24 * 60, dtype=np.int64)
    x = np.random.default_rng(1).normal(0, 1, steps.size)
    effects = ColumnEffects.of(steps, frozen([3.0 * x, np.zeros(steps.size)]), frozen([x]), 3600)
    effect = effects.at(int(steps[-1]) + 1)
    np.testing.assert_allclose(effect[0] @ bent(frozen([x]), frozen([x])), 3.0 * (x - x.mean()), atol=0.5)
    np.testing.assert_array_equal(effect[1], 0.0)
    assert not effects.at(0).any()


def test_an_effect_rests_on_nothing_from_its_origin_on():
    steps = np.arange(24 * 60, dtype=np.int64)
    x = np.random.default_rng(1).normal(0, 1, steps.size)
    y = np.where(steps < 24 * 40, 3.0 * x, -100.0 * x)
    whole = ColumnEffects.of(steps, frozen([y]), frozen([x]), 3600).at(24 * 40)
    cut = ColumnEffects.of(steps, frozen([np.where(steps < 24 * 40, y, np.nan)]), frozen([x]), 3600).at(
        24 * 40
    )
    np.testing.assert_array_equal(whole, cut)
