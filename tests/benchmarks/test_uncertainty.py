"""What plans are told of cars to come: what past days let expect, or scenarios that agree on what is near."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from benchmarks.registry import BenchmarkContext, find
from benchmarks.tariffs import noon_valley
from benchmarks.uncertain.foresight import cars_to_come, courses, expecting
from benchmarks.uncertain.two_stage import NEAR_S, ScenarioScheduler
from models.arrays import frozen
from models.demand.arrivals import Visit
from models.sessions import ChargingSession, Departure
from models.state import ExpectedArrivals
from models.timegrid import TimeGrid
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.topology import Topology
from tests.optimizer.builders import car, site, state

ZONE = "America/Los_Angeles"
MIDNIGHT = datetime(2019, 6, 3, tzinfo=ZoneInfo(ZONE))
OPTIONS = PlanOptions(deadline_s=30.0)


def daily(hour, kwh, stay_h=3.0, n_days=56):
    """A visit at the same hour of every day before."""
    arrivals = [MIDNIGHT - timedelta(days=day) + timedelta(hours=hour) for day in range(1, n_days + 1)]
    return [
        Visit(ChargingSession(f"S{number}", "E1", one, Departure.at(one + timedelta(hours=stay_h)), kwh))
        for number, one in enumerate(arrivals)
    ]


def test_what_came_every_day_of_the_last_weeks_is_expected():
    grid = TimeGrid(MIDNIGHT, 3600, 24)
    expected = expecting(cars_to_come(daily(9.5, 12.0), MIDNIGHT))(grid, MIDNIGHT).expected
    assert expected is not None
    assert expected.energy_kwh[9] == pytest.approx(12.0)
    assert expected.stay_h == 3.0


def test_noon_is_cheap():
    prices = noon_valley(TimeGrid(MIDNIGHT, 3600, 24), ZONE).import_per_kwh
    assert np.nonzero(prices == prices.min())[0].tolist() == [11, 12, 13, 14]


def test_scenarios_that_are_all_alike_plan_as_the_one_that_they_are():
    rush = ExpectedArrivals(frozen([0.0] * 8 + [44.16] + [0.0] * 7), 2.0, frozen([22.08] * 16))
    here = state(site(2, limit_kw=22.08), car("E1", 22.08), prices=[0.3] * 8 + [0.1] * 8, expected=rush)
    problem = problem_of(here, Topology.of(here.site), OPTIONS)
    scheduler = ScenarioScheduler(OPTIONS, lambda one: (one, one, one))
    planned = scheduler.solve(problem).planned
    assert planned.power_kw[0, :8].sum() * 0.25 == pytest.approx(22.08, abs=1e-3)
    assert planned.short_kwh.sum() == pytest.approx(0.0, abs=1e-3)


def test_scenarios_agree_on_what_is_near_and_keep_every_limit():
    here = state(site(3, limit_kw=22.08), car("E1", 20.0), car("E2", 15.0, leaves_h=2.0))
    problem = problem_of(here, Topology.of(here.site), OPTIONS)
    cars = cars_to_come(daily(9.5, 12.0), MIDNIGHT)
    scheduler = ScenarioScheduler(OPTIONS, courses(cars, 4))
    planned = scheduler.solve(problem).planned
    assert (planned.power_kw.sum(axis=0) <= 22.08 + 1e-6).all()
    assert planned.power_kw[:, : NEAR_S // 900].sum() * 0.25 == pytest.approx(22.08 * 0.5, abs=1e-3)
    assert planned.power_kw.sum() * 0.25 == pytest.approx(35.0, abs=1e-3)


@pytest.mark.bench
@pytest.mark.data
def test_a_smoke_run_compares_what_is_known(data_dir):
    pytest.importorskip("acnportal")
    report = find("uncertainty").measure(BenchmarkContext(data_dir, smoke=True))
    met = {str(row[3]): float(str(row[4])) for row in report.rows}
    assert met["bound: everything known, any current"] >= met["ours, everybody known"]
    assert met["ours, everybody known"] > met["least laxity, present cars known"]
    assert "points of energy lost" in report.notes[0]
