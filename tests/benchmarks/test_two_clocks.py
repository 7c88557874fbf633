"""Hard days: what makes them hard is the same for everybody, and the fast clock lives through them."""

from itertools import pairwise

import numpy as np
import pytest

from benchmarks import hardships
from benchmarks.registry import BenchmarkContext
from benchmarks.sites import site_named
from benchmarks.two_clocks import BENCHMARK, START, time_to_decide_ms
from models.demand.arrivals import Visit
from tests.optimizer.test_closed_loop import visit


def test_a_car_has_its_quirks_from_the_seed_and_its_session_alone():
    one, other = hardships.quirky_car(1), hardships.quirky_car(2)
    assert one(visit()) == one(visit())
    assert one(visit()) != other(visit())
    assert one(visit(7.5)).need_kwh == 7.5


def test_a_car_that_took_much_in_its_stay_cannot_be_slow():
    for seed in range(20):
        quick: Visit = visit(9.0, 2.0)
        assert hardships.quirky_car(seed)(quick).max_power_kw in {np.inf, 6.7}


def test_stations_fail_as_often_as_is_said_and_no_two_failures_of_a_station_overlap():
    site = site_named("caltech")
    found = hardships.faults(site, START, 2, seed=3)
    assert len(found) == 2 * sum(count for _, _, count in hardships.FAULTS_A_DAY)
    assert found == hardships.faults(site, START, 2, seed=3)
    for one, after in pairwise(sorted(found, key=lambda fault: (fault.station_id, fault.begin_s))):
        assert one.station_id != after.station_id or one.end_s <= after.begin_s


def test_signals_leave_a_part_of_the_sites_limit():
    site = hardships.hard_site(site_named("caltech", 40.0))
    assert [signal.limit_kw for signal in hardships.signals(site, START, 1)] == [20.0, 0.0]
    assert all(node.fuse is not None for node in site.nodes)


def test_the_time_of_a_decision_is_measured():
    p50_ms, p99_ms, processor_ms = time_to_decide_ms(10, 5, seed=1)
    assert 0.0 < p50_ms <= p99_ms
    assert processor_ms > 0.0


@pytest.mark.bench
@pytest.mark.data
def test_the_benchmark_runs_in_its_small_size_and_two_clocks_trip_no_fuse(data_dir):
    report = BENCHMARK.measure(BenchmarkContext(data_dir, smoke=True))
    figures = [dict(zip(report.columns, row, strict=True)) for row in report.rows]
    assert {row["clocks"] for row in figures} == {1, 2}
    for row in figures:
        met = row["energy met [%]"]
        assert isinstance(met, float)
        assert 0.0 < met <= 100.0
        if row["clocks"] == 2:
            assert (row["beyond the fuse"], row["beyond 60 s"]) == (0, 0)
