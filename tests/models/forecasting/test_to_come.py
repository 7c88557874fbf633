"""Cars to come: what past days that were alike brought, from now on."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arrays import frozen
from models.forecasting.features import SiteCalendar
from models.forecasting.stays import Stays
from models.forecasting.to_come import CarsToCome
from models.timegrid import TimeGrid

MONDAY = datetime(2024, 5, 6, tzinfo=UTC)
POWER_KW = 7.0


def recorded(arrivals, n_days=14, stay_h=2.0):
    """A record of days before the Monday; ``arrivals`` are (days before, hour, kWh)."""
    first = MONDAY - timedelta(days=n_days)
    moments = [MONDAY - timedelta(days=days) + timedelta(hours=hour) for days, hour, _ in arrivals]
    stays = Stays(
        np.zeros(len(arrivals), dtype=np.int64),
        np.array([int(moment.timestamp()) for moment in moments], dtype=np.int64),
        frozen([kwh for _, _, kwh in arrivals]),
        frozen(np.full(len(arrivals), POWER_KW)),
    )
    cars = CarsToCome(SiteCalendar("UTC"), stay_h)
    cars.record(stays, TimeGrid(first, 3600, 24 * n_days))
    return cars


DAILY = [(day, 8.0, 10.0) for day in range(1, 15)]


def test_what_came_every_day_is_expected_today():
    expected = recorded(DAILY).expected(TimeGrid(MONDAY, 3600, 24), MONDAY)
    assert expected.energy_kwh[8] == pytest.approx(10.0)
    assert expected.energy_kwh.sum() == pytest.approx(10.0)
    assert expected.most_kw[7:12].tolist() == pytest.approx([0.0, POWER_KW, POWER_KW, 0.0, 0.0])


def test_who_should_have_come_by_now_is_expected_no_more_today_but_tomorrow():
    now = MONDAY + timedelta(hours=9)
    expected = recorded(DAILY).expected(TimeGrid.around(now, 3600, 24), now)
    assert np.nonzero(expected.energy_kwh)[0].tolist() == [23]


def test_a_day_of_the_same_kind_counts_more_than_another():
    mondays = [(7, 8.0, 10.0), (14, 8.0, 10.0)]
    sunday = [(1, 8.0, 30.0)]
    weekday = recorded(mondays).expected(TimeGrid(MONDAY, 3600, 24), MONDAY).energy_kwh[8]
    assert recorded(sunday).expected(TimeGrid(MONDAY, 3600, 24), MONDAY).energy_kwh[8] < weekday


def test_nothing_is_expected_before_a_whole_day_was_recorded():
    grid = TimeGrid(MONDAY, 3600, 24)
    cars = CarsToCome(SiteCalendar("UTC"), 2.0)
    assert cars.expected(grid, MONDAY) is None
    assert cars.scenarios(grid, MONDAY, 3, 0) == ()


drawn_days = st.lists(
    st.tuples(st.integers(1, 14), st.sampled_from([0.0, 7.5, 8.0, 17.25]), st.floats(0.5, 40.0)),
    min_size=1,
    max_size=30,
)


@given(arrivals=drawn_days, seed=st.integers(0, 100))
def test_every_scenario_is_one_day_that_was(arrivals, seed):
    grid = TimeGrid(MONDAY, 3600, 24)
    days: dict[int, np.ndarray] = {}
    for day, hour, kwh in arrivals:
        days.setdefault(day, np.zeros(24))[int(hour)] += kwh
    known = [*days.values(), np.zeros(24)]
    for one in recorded(arrivals).scenarios(grid, MONDAY, 5, seed):
        assert any(one.energy_kwh == pytest.approx(day.tolist()) for day in known)


@given(arrivals=drawn_days)
def test_many_scenarios_are_on_average_what_is_expected(arrivals):
    grid, cars = TimeGrid(MONDAY, 3600, 24), recorded(arrivals)
    expected = cars.expected(grid, MONDAY)
    mean_kwh = np.mean([one.energy_kwh for one in cars.scenarios(grid, MONDAY, 400, 1)], axis=0)
    most_kwh = max(kwh for _, _, kwh in arrivals) * len(arrivals)
    assert mean_kwh == pytest.approx(expected.energy_kwh.tolist(), abs=most_kwh / 400 * 2)
