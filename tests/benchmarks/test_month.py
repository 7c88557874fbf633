"""Recorded sessions at the Caltech garage: what is read, what is replayed, what must hold on a real week."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from benchmarks.beliefs import Belief
from benchmarks.bound import least_peak_kw, most_energy_kwh
from benchmarks.month import BENCHMARK, SESSIONS_FILE
from benchmarks.policies import PolicyName
from benchmarks.registry import BenchmarkContext
from benchmarks.replay import ReplayOptions, expected_peak_kw, read_sessions, replay, visits_of, world_of
from benchmarks.sites import site_named
from benchmarks.tariffs import sce_tou_ev_4
from models.errors import InvalidInputError
from models.timegrid import TimeGrid

ZONE = ZoneInfo("America/Los_Angeles")
MONDAY = datetime(2019, 9, 9, tzinfo=ZONE)
NOON = pd.Timestamp("2019-07-01 12:00", tz="UTC")
POLICIES = tuple(PolicyName)


def frame(*rows):
    columns = ["station", "arrival", "departure", "energy_kwh", "stated_departure", "stated_energy_kwh"]
    table = pd.DataFrame(list(rows), columns=columns)
    return table.astype({"stated_departure": "datetime64[ns, UTC]", "stated_energy_kwh": float})


def row(station, hours=2.0, energy_kwh=5.0, arrival=NOON, stated_h=None):
    stated = None if stated_h is None else arrival + pd.Timedelta(hours=stated_h)
    return station, arrival, arrival + pd.Timedelta(hours=hours), energy_kwh, stated, None


def crowd(n_cars=30, hours=3.0, energy_kwh=15.0):
    """Everybody comes at noon."""
    return frame(*(row(f"?{number}", hours, energy_kwh) for number in range(n_cars)))


def test_the_garage_has_54_evses_behind_two_pods_and_one_transformer():
    site = site_named("caltech")
    assert len(site.evses) == 54
    assert [sum(evse.phases == (phase,) for evse in site.evses) for phase in range(3)] == [26, 14, 14]
    assert {evse.levels_a for evse in site.evses} == {(8.0, 16.0, 24.0, 32.0), tuple(range(6, 33))}
    assert site.root.limit_kw == 150.0


def test_line_currents_stay_below_the_transformers_when_every_pair_is_at_its_limit():
    pair_a = np.array(site_named("caltech", 60.0).root.limit_a)
    phasors = pair_a * np.exp(-2j * np.pi * np.arange(3) / 3)
    line_a = np.abs(phasors - np.roll(phasors, 1))
    assert (line_a <= 60_000 / 3 / 120).all()
    one_pair_only = np.abs(phasors * [1, 0, 0] - np.roll(phasors * [1, 0, 0], 1))
    assert (one_pair_only <= line_a + 1e-9).all()


def test_a_site_without_name_or_power_is_refused():
    with pytest.raises(InvalidInputError, match="there are: caltech"):
        site_named("atlantis")
    with pytest.raises(InvalidInputError, match="not above 0"):
        site_named("caltech", 0.0)


def test_the_tariff_is_dear_on_summer_workdays_after_noon_and_cheap_on_sundays():
    day = TimeGrid.local_day(MONDAY.date(), "America/Los_Angeles", 3600)
    price = sce_tou_ev_4(day, "America/Los_Angeles").import_per_kwh
    assert price[[7, 8, 12, 17, 18, 23]].tolist() == [0.05623, 0.0925, 0.26668, 0.26668, 0.0925, 0.05623]
    sunday = TimeGrid.local_day((MONDAY - timedelta(days=1)).date(), "America/Los_Angeles", 3600)
    assert set(sce_tou_ev_4(sunday, "America/Los_Angeles").import_per_kwh) == {0.05623}


def test_a_session_keeps_its_evse_and_a_stranger_gets_one_that_nobody_is_named_after():
    site = site_named("caltech")
    visits = visits_of(frame(row("CA-320"), row("elsewhere"), row("CA-320", arrival=NOON)), site)
    assert [one.session.evse_id for one in visits] == ["CA-320", "CA-321"]


def test_a_need_that_cannot_fit_is_cut_and_a_stay_backwards_is_left_out():
    site = site_named("caltech")
    (visit,) = visits_of(frame(row("CA-303", 0.5, 50.0), row("CA-305", -1.0)), site)
    assert visit.session.target_kwh == pytest.approx(0.5 * 32 * 0.208)


def test_what_drivers_declared_is_read_and_nothing_where_they_did_not():
    visits = visits_of(frame(row("CA-303", stated_h=3.0), row("CA-305")), site_named("caltech"))
    assert visits[0].stated_departure == datetime(2019, 7, 1, 15, tzinfo=UTC)
    assert visits[1].stated_departure is None
    assert visits[1].stated_energy_kwh is None


def test_a_file_without_its_columns_names_every_one(tmp_path):
    (tmp_path / "wrong.csv").write_text("station,arrival\nA,2019-01-01\n")
    with pytest.raises(InvalidInputError) as caught:
        read_sessions(tmp_path / "wrong.csv")
    assert [issue.what for issue in caught.value.issues] == [
        "has no column departure",
        "has no column energy_kwh",
    ]


def test_a_csv_file_is_read_like_parquet(tmp_path):
    crowd(3).to_csv(tmp_path / "sessions.csv")
    read = read_sessions(tmp_path / "sessions.csv")
    assert visits_of(read, site_named("caltech")) == visits_of(crowd(3), site_named("caltech"))


def test_a_span_without_sessions_is_refused():
    visits = visits_of(crowd(3), site_named("caltech"))
    with pytest.raises(InvalidInputError, match="none lies"):
        world_of(visits, site_named("caltech"), ReplayOptions(start=MONDAY))


@pytest.mark.parametrize("policy", POLICIES)
def test_no_policy_beats_the_bound_and_only_the_uncontrolled_exceeds_a_limit(policy):
    site = site_named("caltech", 20.0)
    result = replay(crowd(), site, policy)
    world, _ = world_of(visits_of(crowd(), site), site, ReplayOptions())
    if policy is PolicyName.UNCONTROLLED:
        assert result.exceedances != ()
    else:
        assert result.exceedances == ()
        assert result.delivered_kwh <= most_energy_kwh(world) + 1e-6
        assert result.peak_kw <= 20.0


def test_the_bound_is_the_limit_where_that_is_all_that_counts():
    site = site_named("caltech", 20.0)
    world, _ = world_of(visits_of(crowd(54), site), site, ReplayOptions())
    assert most_energy_kwh(world) == pytest.approx(3.0 * 20.0, rel=1e-6)
    assert least_peak_kw(world) == pytest.approx(20.0, rel=1e-4)


def test_the_least_peak_spreads_what_has_time():
    site = site_named("caltech")
    world, _ = world_of(visits_of(crowd(4, 4.0, 8.0), site), site, ReplayOptions())
    assert most_energy_kwh(world) == pytest.approx(32.0, rel=1e-6)
    assert least_peak_kw(world) == pytest.approx(8.0, rel=1e-3)


def test_without_a_past_the_expected_peak_is_the_limit():
    assert expected_peak_kw((), site_named("caltech", 42.0), MONDAY) == 42.0


def test_a_replay_tells_how_far_it_is():
    shares: list[float] = []
    replay(crowd(5), site_named("caltech"), PolicyName.EQUAL_SHARE, progress=shares.append)
    assert shares[-1] == 1.0


@pytest.fixture(scope="module")
def week(request):
    """Results of a week at 30 kW with the truth believed, by policy."""
    sessions = read_sessions(request.getfixturevalue("data_dir") / SESSIONS_FILE, "caltech")
    options = ReplayOptions(start=MONDAY, end=MONDAY + timedelta(days=7), expected_peak_kw=30.0)
    site = site_named("caltech", 30.0)
    chosen = (PolicyName.OURS, PolicyName.LEAST_LAXITY, PolicyName.EQUAL_SHARE)
    return {policy: replay(sessions, site, policy, options) for policy in chosen}


@pytest.mark.data
@pytest.mark.parametrize("policy", [PolicyName.OURS, PolicyName.LEAST_LAXITY])
def test_on_a_real_week_no_meter_shows_more_than_its_limit_and_no_car_gets_more_than_it_needs(week, policy):
    result = week[policy]
    assert len(result.sessions) > 150
    assert result.exceedances == ()
    assert all(session.delivered_kwh <= session.need_kwh + 1e-9 for session in result.sessions)


@pytest.mark.data
def test_on_a_real_week_the_engine_delivers_more_than_its_rivals(week):
    ours = week[PolicyName.OURS].met_share
    assert ours >= week[PolicyName.EQUAL_SHARE].met_share
    assert ours >= week[PolicyName.LEAST_LAXITY].met_share


@pytest.mark.data
def test_on_a_real_week_with_forecast_departures_no_meter_shows_more_than_its_limit(data_dir):
    sessions = read_sessions(data_dir / SESSIONS_FILE, "caltech")
    days = ReplayOptions(MONDAY, MONDAY + timedelta(days=2), Belief.MEDIAN)
    result = replay(sessions, site_named("caltech", 30.0), PolicyName.OURS, days)
    assert result.exceedances == ()
    assert result.met_share > 0.5


@pytest.mark.bench
@pytest.mark.data
def test_the_benchmark_runs_in_its_small_size(data_dir):
    report = BENCHMARK.measure(BenchmarkContext(data_dir, smoke=True))
    met = dict(zip(report.columns, zip(*report.rows, strict=True), strict=True))["energy met [%]"]
    assert all(isinstance(share, float) and 0 < share <= 100 for share in met)
    over = [line[9] for line in report.rows if line[2] not in {"uncontrolled", "upper bound"}]
    assert over == [0.0] * len(over)
