"""The benchmark of cars that have just plugged in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from benchmarks.cars.just_here import judged_rows, lessons
from benchmarks.cars.recorded import Recorded
from benchmarks.registry import BenchmarkContext, find
from models.forecasting.kin import Arrival
from models.forecasting.session_memory import Ended

START = datetime(2024, 3, 4, 8, tzinfo=UTC)


def regular(n=200):
    """Two users of a garage, one after the other, each of whom always does the same."""
    arrivals, ended = [], []
    for number in range(n):
        time = START + timedelta(hours=12 * number)
        user, hours, kwh = ("ada", 8.0, 10.0) if number % 2 else ("bob", 3.0, 30.0)
        arrivals.append(Arrival(time, "garage", "e1", user))
        ended.append(Ended(time + timedelta(hours=hours), kwh, 3.6))
    return Recorded("norway", tuple(arrivals), tuple(ended))


def test_regular_users_are_foreseen_and_rows_say_whose_they_are():
    rows = [row for row in judged_rows(regular()) if row.method == "ours"]
    assert {row.file for row in rows} == {"norway", "norway, known users"}
    for row in rows:
        assert row.n_cars == 40
        assert row.energy_kwh == pytest.approx(0.0, abs=0.1)
        assert row.departure_min == pytest.approx(0.0, abs=1.0)


def test_what_comes_later_changes_nothing_of_what_was_foreseen():
    sessions = regular()
    otherwise = (*sessions.ended[:-1], replace(sessions.ended[-1], energy_kwh=99.0))
    seen = lessons(sessions).ours.energy_kwh
    again = lessons(replace(sessions, ended=otherwise)).ours.energy_kwh
    np.testing.assert_array_equal(seen, again)


@pytest.mark.bench
@pytest.mark.data
def test_the_benchmark_runs_in_its_small_size(data_dir):
    spec = find("sessions")
    report = spec.measure(BenchmarkContext(data_dir, smoke=True, options={"file": ("acn", "norway")}))
    assert {row[1] for row in report.rows} >= {"the driver's words", "arrival-hour quantiles", "ours"}


@pytest.mark.bench
@pytest.mark.data
def test_the_load_of_the_next_hour_is_foreseen_better_with_open_sessions(data_dir):
    spec = find("open_sessions")
    options = {"start": ("2019-10-01",), "days": ("2",)}
    report = spec.measure(BenchmarkContext(data_dir, smoke=True, options=options))
    assert report.rows[0][0] == "history only"
    assert float(str(report.rows[2][3])) < 0.0
