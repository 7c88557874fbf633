"""The protocol that judges forecasts: groups, origins, measures, and who may be judged."""

import json
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.boosting import lightgbm_lacks
from benchmarks.forecast import BENCHMARK, cuts
from benchmarks.forecast.boosted import LightGbm
from benchmarks.forecast.data import Kind, Panel, read_panels
from benchmarks.forecast.decomposed import Mstl
from benchmarks.forecast.hardships import Trials, refresh_rows
from benchmarks.forecast.measures import figures
from benchmarks.forecast.protocol import Contender, NotHereError, Outcome, judged, outcomes, places, sampled
from benchmarks.forecast.published import best_of_rivals
from benchmarks.forecast.race import Race, rows
from benchmarks.peers.environments import NoEnvironmentError
from benchmarks.registry import BenchmarkContext
from models.errors import InvalidInputError
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Series
from models.forecasting.names import ForecasterName
from models.forecasting.seasonal_naive import SeasonalNaiveForecaster
from models.timegrid import TimeGrid

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


def three_stations():
    """Seventy days of a station that idles half of the time, one that never does, and one that has just begun."""
    values = np.random.default_rng(1).random((3, 70 * 48)) * 10
    values[0, ::2] = 0.0
    values[2, : 60 * 48] = 0.0
    grid = TimeGrid(CUT - timedelta(days=70), 1800, 70 * 48)
    series = tuple(Series.charging(name) for name in "ABC")
    return Panel("town", Kind.STATION, series, grid, values, SiteCalendar(), CUT)


def outcome_of(actual, quantiles, step_s=3600, scale=None):
    """An outcome at 10, 50 and 90 %."""
    n = actual.shape[0]
    scale = np.ones(n) if scale is None else np.array(scale)
    levels = np.array([0.1, 0.5, 0.9])
    return Outcome(
        Kind.STATION, "town", CUT, actual, quantiles, levels, scale, step_s, 0.0, 0.0, np.arange(n)
    )


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
    plots = tmp_path / "plots"
    given = {
        "data": (str(folder),),
        "contenders": ("climatology", "seasonal-naive"),
        "plots": (str(plots),),
    }
    report = BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True, options=given))
    assert {(row[0], row[1]) for row in report.rows} >= {
        ("city total", "climatology"),
        ("feeders", "seasonal_naive"),
    }
    assert {path.name for path in plots.iterdir()} == {"reliability.png", "skill_by_lead.png", "figures.json"}
    told = json.loads((plots / "figures.json").read_text())
    assert len(told) == len(report.rows)
    assert all(len(one["levels"]) == len(one["share_below"]) == 7 for one in told)
    assert any("geometric mean over 4 groups" in note for note in report.notes)


def test_contenders_that_are_none_are_named(tmp_path, folder):
    given = {"data": (str(folder),), "contenders": ("ours", "oracle", "crystal-ball")}
    with pytest.raises(InvalidInputError, match=r"oracle.*crystal_ball.*mstl"):
        BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True, options=given))


def test_a_rival_that_is_not_here_gets_a_row_that_says_so(folder):
    naive = Contender("naive", SeasonalNaiveForecaster)
    gone = Mstl("mstl", NoEnvironmentError("no environment in this folder"))
    found = Race(read_panels(folder, {}), 1).run((naive, gone), print)
    assert rows(found)[-1][:2] == ("–", "mstl: no environment in this folder")
    assert {name for _, name in found.figures} == {"naive"}


def test_lightgbm_that_is_not_installed_is_told_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(NotHereError, match="extra"):
        LightGbm("lightgbm", 1).tell([])


def test_a_sample_is_even_and_the_first_is_judged_on_the_same(folder):
    panels = read_panels(folder, {})
    few = Contender("few", SeasonalNaiveForecaster, most=1)
    found = Race(panels, 2).run((Contender("all", SeasonalNaiveForecaster), few), print)
    shown = {(str(group), name): one.n_series for (group, name), one in found.figures.items()}
    assert shown["stations", "all"] == 4
    assert shown["stations, 1 of 4", "all"] == shown["stations, 1 of 4", "few"] == 1
    assert ("stations", "few") not in shown
    assert rows(found)[-1][4] is None  # of a sample nothing was published


@given(st.integers(1, 6))
def test_a_sample_has_so_many_series_and_none_twice(most):
    panel = three_stations()
    whole = places(panel, 2)
    chosen = sampled(whole, most)
    told = [(place.origin, row) for place in chosen for row in place.rows]
    assert len(told) == min(most, 4)
    assert len(set(told)) == len(told)
    assert set(told) <= {(place.origin, row) for place in whole for row in place.rows}


def test_reliability_gives_the_share_below_a_quantile_and_at_it():
    quantiles = np.zeros((1, 3, 10))
    quantiles[0, 2] = 2.0
    actual = np.array([[0.0] * 7 + [1.0, 3.0, np.nan]])
    one = figures(Kind.STATION, [outcome_of(actual, quantiles)])
    np.testing.assert_allclose(one.reliability.below, [0.0, 0.0, 8 / 9])
    np.testing.assert_allclose(one.reliability.reached, [7 / 9, 7 / 9, 8 / 9])
    np.testing.assert_allclose(one.reliability.observed, [0.1 / 0.7 * 7 / 9, 0.5 / 0.7 * 7 / 9, 8 / 9])
    assert one.above_q90 == pytest.approx(1 / 9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
@settings(max_examples=20)
def test_quantiles_that_are_true_are_reliable_however_often_a_post_idles(seed, idle_share):
    """Shares halfway between two levels: for others the levels do not tell how much of the mass lies between."""
    rng = np.random.default_rng(seed)
    levels = np.array([0.1, 0.5, 0.9])
    actual = np.where(rng.random((40, 100)) < idle_share, 0.0, rng.random((40, 100)))
    busy = np.maximum(levels - idle_share, 0.0) / max(1.0 - idle_share, 1e-9)
    quantiles = np.repeat(np.repeat(busy[None, :, None], 40, axis=0), 100, axis=2)
    one = figures(Kind.STATION, [outcome_of(actual, quantiles)]).reliability
    np.testing.assert_allclose(one.observed, levels, atol=0.04)
    assert (one.below <= one.observed + 1e-9).all()
    assert (one.observed <= one.reached + 1e-9).all()


def test_a_post_that_always_idles_as_foretold_is_on_the_diagonal():
    one = figures(Kind.STATION, [outcome_of(np.zeros((2, 24)), np.zeros((2, 3, 24)))])
    np.testing.assert_allclose(one.reliability.observed, [0.1, 0.5, 0.9])


def test_a_feeder_is_judged_in_its_own_unit_by_lead_time_too():
    rng = np.random.default_rng(1)
    actual = rng.normal(10.0, 1.0, (2, 48))
    quantiles = np.stack([np.full((2, 48), level) for level in (9.0, 10.0, 11.0)], axis=1)
    in_kw, in_mw = actual * [[1000.0], [1.0]], quantiles * np.array([1000.0, 1.0])[:, None, None]
    one = figures(Kind.FEEDER, [outcome_of(actual, quantiles, step_s=1800)])
    other = figures(Kind.FEEDER, [outcome_of(in_kw, in_mw, step_s=1800, scale=(1000.0, 1.0))])
    assert one.loss == one.spl == pytest.approx(other.spl)
    assert one.wql == pytest.approx(other.wql)
    np.testing.assert_allclose(one.by_lead, other.by_lead)


@pytest.mark.slow
@pytest.mark.skipif(bool(lightgbm_lacks()), reason=lightgbm_lacks())
def test_lightgbm_learns_from_what_lies_before_the_origin_alone(folder):
    panel = three_stations()
    whole = places(panel, 1)[0]
    later = np.array(panel.values)
    later[:, whole.first :] = 99.0
    told = [
        LightGbm("lightgbm", 1).tell(places(one, 1))[0].quantiles for one in (panel, panel.with_values(later))
    ]
    np.testing.assert_array_equal(told[0], told[1])
    assert (np.diff(told[0], axis=1) >= 0.0).all()


@pytest.mark.bench
@pytest.mark.data
def test_the_benchmark_runs_in_its_small_size(data_dir, tmp_path):
    context = BenchmarkContext(data_dir, smoke=True, peers_dir=tmp_path)
    report = BENCHMARK.measure(context)
    names = {str(row[1]).split(":")[0] for row in report.rows}
    assert names == {*(name.value for name in ForecasterName if name != "usual"), "ours", "lightgbm", "mstl"}
    told = [row for row in report.rows if row[2] is not None]
    # Naive is exact where the one feeder of the small size repeats its week.
    assert all(isinstance(row[2], int | float) and 0.0 <= row[2] < 2.0 for row in told)


def test_a_fall_is_followed_and_dirt_is_survived(folder):
    trials = Trials(read_panels(folder, {}), 1, np.random.default_rng(1))
    assert {row[1] for row in trials.dirt()} >= {Kind.CITY, Kind.FEEDER}
    cold = {row[0]: row[3] for row in trials.cold()}
    assert all(isinstance(loss, float) and loss >= 0.0 for loss in cold.values())
    assert len(refresh_rows(2, seed=1)) == 2
