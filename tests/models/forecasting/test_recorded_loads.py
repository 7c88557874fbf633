"""The day-type kernel against the baselines, on recorded charging stations (rolling origins, 24 h ahead)."""

from datetime import timedelta

import numpy as np
import pytest

from models.forecasting.day_type import ClimatologyForecaster, DayTypeForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples, Series
from models.forecasting.scores import coverage, weighted_quantile_loss
from models.forecasting.seasonal_naive import SeasonalNaiveForecaster
from models.timegrid import TimeGrid

STEP_S = 1800
DAY = 48
LEVELS = (0.1, 0.5, 0.9)
DENVER = SiteCalendar("America/Denver")


@pytest.fixture(scope="module")
def boulder(data_dir):
    import pandas as pd

    return pd.read_parquet(data_dir / "forecasting" / "load30_boulder.parquet")


def evaluated(frame, make, n_origins=7):
    """Actual load (n_series, n) and its quantiles (n_series, 3, n) over all origins."""
    series = tuple(Series.charging(str(column)) for column in frame.columns)
    load_kw = frame.to_numpy(dtype=np.float64).T
    actual, quantiles = [], []
    for origin in range(n_origins):
        last = load_kw.shape[1] - DAY * (1 + 5 * origin) - DAY // 2 * (origin % 2)
        start = frame.index[last].to_pydatetime()
        forecaster = make(series, STEP_S, DENVER, levels=LEVELS)
        past = TimeGrid(start - timedelta(days=56), STEP_S, 56 * DAY)
        forecaster.update(Samples.block(past, load_kw[:, last - 56 * DAY : last]))
        actual.append(load_kw[:, last : last + DAY])
        quantiles.append(forecaster.forecast(TimeGrid(start, STEP_S, DAY)).values)
    return np.concatenate(actual, axis=1), np.concatenate(quantiles, axis=2)


@pytest.mark.data
def test_the_day_type_kernel_beats_the_seasonal_naive_and_climatology(boulder):
    loss = {}
    for make in (DayTypeForecaster, ClimatologyForecaster, SeasonalNaiveForecaster):
        actual, quantiles = evaluated(boulder, make)
        loss[make] = weighted_quantile_loss(actual, quantiles.transpose(1, 0, 2), np.array(LEVELS))
    assert loss[DayTypeForecaster] < 0.7 * loss[SeasonalNaiveForecaster]
    assert loss[DayTypeForecaster] < loss[ClimatologyForecaster]


@pytest.mark.data
def test_the_80_percent_interval_of_the_city_total_holds_most_of_what_happened(boulder):
    total = boulder.sum(axis=1).to_frame("city")
    actual, quantiles = evaluated(total, DayTypeForecaster, n_origins=6)
    assert 0.65 < coverage(actual, quantiles[:, 0], quantiles[:, 2]) < 0.95
