"""Loads are made to follow a column or not, and what it is worth to forecast with it shows that."""

import numpy as np
import pytest

from benchmarks.forecast.columns import PER_DAY, STOPS_AFTER, losses, made
from benchmarks.forecast_columns import BENCHMARK
from benchmarks.registry import BenchmarkContext
from models.arrays import frozen


def test_cold_adds_what_it_is_said_to_and_nothing_else_differs():
    following, free = (made(kw, 2, np.random.default_rng(3)) for kw in (0.5, 0.0))
    cold = np.maximum(15.0 - free.columns[0], 0.0)
    np.testing.assert_allclose(following.load - free.load, np.tile(0.5 * cold, (2, 1)), atol=1e-9)


def test_a_column_is_worth_much_where_a_load_follows_it_and_costs_nothing_where_not():
    following, free = (made(kw, 2, np.random.default_rng(3)) for kw in (0.6, 0.0))
    without, known, stopped = losses(following, 3, (0, PER_DAY, STOPS_AFTER))
    assert known < 0.9 * without
    assert known < stopped <= 1.01 * without
    without, known = losses(free, 3, (0, PER_DAY))
    assert known <= 1.01 * without


def test_the_future_of_the_load_is_not_told():
    one = made(0.6, 2, np.random.default_rng(3))
    [first] = one.origins(1)
    load = np.array(one.load)
    load[:, first + PER_DAY :] = 1e6
    other = type(one)(frozen(load), one.names, one.columns, one.grid, one.calendar)
    assert losses(one, 1, (PER_DAY,)) == losses(other, 1, (PER_DAY,))


@pytest.mark.bench
def test_the_benchmark_runs_in_its_small_size(tmp_path):
    report = BENCHMARK.measure(BenchmarkContext(tmp_path, smoke=True))
    assert [row[0] for row in report.rows] == [
        "made, follows heating",
        "made, follows faint heating",
        "made, follows nothing",
    ]
