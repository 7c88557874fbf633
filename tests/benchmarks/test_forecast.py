"""The protocol that judges forecasts: groups, origins, measures, and who may be judged."""

from datetime import UTC, datetime

import numpy as np
import pytest

from benchmarks.forecast import BENCHMARK, cuts
from benchmarks.forecast.data import Kind, read_panels
from benchmarks.forecast.hardships import Trials, refresh_rows
from benchmarks.forecast.measures import figures
from benchmarks.forecast.protocol import Contender, judged, outcomes
from benchmarks.forecast.published import best_of_rivals
from benchmarks.registry import BenchmarkContext
from models.errors import InvalidInputError
from models.forecasting.seasonal_naive import SeasonalNaiveForecaster

CUT = datetime(2024, 4, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    """Seventy days of three stations, two of them one site, that repeat every week; and a feeder."""
    import pandas as pd

    index = pd.date_range("2024-01-22", periods=70 * 48, freq="30min", tz="UTC")
    week = np.random.default_rng(1).random((7 * 48, 3)) * 10
    frame = pd.DataFrame(np.tile(week, (10, 1)), index=index, columns=["A", "B", "C"])
    frame.iloc[:, 2] *= np.arange(70 * 48) > 60 * 48
    frame.to_parquet(tmp_path / "load30_town.parquet")
    sites = pd.DataFrame({"station": ["A", "B", "C"], "site": ["S", "S", "T"]})
    sites.to_csv(tmp_path / "stations_town.csv", index=False)
    feeder = pd.DataFrame({"netload_kw": np.arange(70 * 48) % 340 - 100.0}, index=index.tz_localize(None))
    feeder.to_parquet(tmp_path / "feeder30_hill.parquet")
    return tmp_path


def test_a_folder_is_read_as_groups(folder):
    panels = {panel.kind: panel for panel in read_panels(folder, {})}
    assert set(panels) == {Kind.CITY, Kind.STATION, Kind.SITE, Kind.FEEDER}
    assert [one.series_id for one in panels[Kind.SITE].series] == ["S"]
    load_kw = {kind: np.asarray(panel.values) for kind, panel in panels.items()}
    np.testing.assert_allclose(load_kw[Kind.CITY][0], load_kw[Kind.STATION].sum(axis=0))
    assert panels[Kind.CITY].cut == CUT
    assert [origin.hour for origin in panels[Kind.CITY].origins(3)] == [0, 12, 0]
    assert panels[Kind.STATION].series[0].lower == 0.0
    assert load_kw[Kind.FEEDER].min() < 0.0


def test_a_cut_hides_what_comes_after_it(folder):
    panels = read_panels(folder, cuts(["town=2024-03-20"]))
    town = next(panel for panel in panels if panel.kind is Kind.CITY)
    assert town.grid.end == town.cut == datetime(2024, 3, 20, tzinfo=UTC)
    with pytest.raises(InvalidInputError, match="village"):
        read_panels(folder, cuts(["village=2024-03-20"]))
    with pytest.raises(InvalidInputError, match="YYYY"):
        cuts(["town"])


def test_a_station_that_has_just_begun_is_not_judged(folder):
    stations = next(panel for panel in read_panels(folder, {}) if panel.kind is Kind.STATION)
    assert judged(stations, stations.origins(1)[0]).tolist() == [0, 1]


def test_what_repeats_every_week_is_forecast_without_loss_by_the_seasonal_naive(folder):
    stations = next(panel for panel in read_panels(folder, {}) if panel.kind is Kind.STATION)
    told = outcomes(Contender("naive", SeasonalNaiveForecaster), stations, 2)
    one = figures(Kind.STATION, told)
    assert (one.loss, one.cov80, one.above_q90) == (0.0, 1.0, 0.0)
    assert one.n_series == 4


def test_the_best_published_rival_is_known_for_every_group():
    assert [best_of_rivals(kind) for kind in Kind] == [0.245, 0.326, 0.491, 0.651, 0.277]


def test_the_benchmark_reads_a_folder_of_this_form(folder, tmp_path):
    given = {"data": (str(folder),), "contenders": ("climatology", "seasonal-naive")}
    report = BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True, options=given))
    assert {(row[0], row[1]) for row in report.rows} >= {
        ("city total", "climatology"),
        ("feeders", "seasonal-naive"),
    }
    assert any("geometric mean over 4 groups" in note for note in report.notes)


@pytest.mark.bench
@pytest.mark.data
def test_the_benchmark_runs_in_its_small_size(data_dir):
    report = BENCHMARK.measure(BenchmarkContext(data_dir, smoke=True))
    assert {row[1] for row in report.rows} == {"ours", "day-type", "climatology", "seasonal-naive"}
    # Naive is exact where the one feeder of the small size repeats its week.
    assert all(isinstance(row[2], int | float) and 0.0 <= row[2] < 2.0 for row in report.rows)


def test_a_fall_is_followed_and_dirt_is_survived(folder):
    trials = Trials(read_panels(folder, {}), 1, np.random.default_rng(1))
    assert {row[1] for row in trials.dirt()} >= {Kind.CITY, Kind.FEEDER}
    cold = {row[0]: row[3] for row in trials.cold()}
    assert all(isinstance(loss, float) and loss >= 0.0 for loss in cold.values())
    assert len(refresh_rows(2, seed=1)) == 2
