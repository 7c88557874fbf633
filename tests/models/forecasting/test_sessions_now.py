"""Cars plugged in now and cars to come."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.demand.arrivals import ArrivalModel
from models.errors import GridMismatchError
from models.forecasting.day_type import DayTypeForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import EnergyNeed, Known, PluggedIn, Samples, Series
from models.forecasting.kernels import superpose_kernel
from models.forecasting.scores import weighted_quantile_loss
from models.forecasting.sessions_now import SessionForecaster, plugged_in_paths
from models.forecasting.stays import StayLog, Stays
from models.grid.site import CircuitNode, Evse, Site, Station
from models.sessions import ChargingSession, Departure
from models.timegrid import TimeGrid

ZONE = "America/Los_Angeles"
NOW = datetime(2024, 5, 8, 15, tzinfo=UTC)
GRID = TimeGrid(NOW, 900, 48)
POWER_KW = 7.0


def car(leaves_h, need_kwh, series_id="garage"):
    departure = Departure.at(NOW + timedelta(hours=leaves_h))
    session = ChargingSession("s", "e", NOW - timedelta(hours=1), departure, need_kwh)
    return PluggedIn(series_id, session, POWER_KW)


@given(leaves_h=st.floats(-1.0, 11.0), need_kwh=st.floats(0.0, 60.0))
def test_a_certain_car_charges_until_it_is_full_or_leaves(leaves_h, need_kwh):
    load = plugged_in_paths((car(leaves_h, need_kwh),), GRID, NOW, 3, np.random.default_rng(0))
    wanted = min(need_kwh, POWER_KW * max(leaves_h, 0.0))
    np.testing.assert_allclose(load.sum(axis=1) * GRID.step_h, wanted, atol=1e-4)
    assert (load >= 0.0).all()
    assert (load <= POWER_KW + 1e-9).all()
    assert (np.diff(load, axis=1) <= 1e-9).all()


def test_an_uncertain_departure_spreads_the_paths_as_its_quantiles_say():
    hours = (1.0, 4.0, 10.0)
    departure = Departure((0.1, 0.5, 0.9), tuple(NOW + timedelta(hours=hour) for hour in hours))
    session = ChargingSession("s", "e", NOW, departure, 500.0)
    load = plugged_in_paths((PluggedIn("g", session, POWER_KW),), GRID, NOW, 1000, np.random.default_rng(1))
    energy_kwh = load.sum(axis=1) * GRID.step_h
    np.testing.assert_allclose(np.quantile(energy_kwh, 0.5), 4.0 * POWER_KW, rtol=0.02)
    assert energy_kwh.max() == pytest.approx(10.0 * POWER_KW)


def test_an_uncertain_need_spreads_the_paths_as_its_quantiles_say():
    uncertain = PluggedIn(
        "g", car(12.0, 99.0).session, POWER_KW, EnergyNeed((0.1, 0.5, 0.9), (2.0, 10.0, 30.0))
    )
    load = plugged_in_paths((uncertain,), GRID, NOW, 1000, np.random.default_rng(1))
    np.testing.assert_allclose(np.quantile(load.sum(axis=1) * GRID.step_h, 0.5), 10.0, rtol=0.02)


def recorded_weeks(n_days, first=date(2024, 3, 1)):
    stations = tuple(Station(f"s{n}", "root", (Evse(f"e{n}"),)) for n in range(20))
    site = Site("site", ZONE, (CircuitNode("root"),), stations)
    return ArrivalModel.workplace().sample_days(site, first, n_days, 4)


def stays_of(visits):
    arrival = np.array([int(visit.session.arrival.timestamp()) for visit in visits], dtype=np.int64)
    energy = np.array([visit.session.target_kwh for visit in visits])
    return Stays(np.zeros(arrival.size, dtype=np.int64), arrival, energy, np.full(arrival.size, POWER_KW))


def load_of(stays, grid):
    begin = (stays.arrival_s - grid.start.timestamp()) / grid.step_s
    load = np.zeros((1, grid.n_slots))
    superpose_kernel(stays.row, begin, begin + stays.charge_s / grid.step_s, stays.power_kw, load)
    return load


def before(visits, moment):
    return [visit for visit in visits if visit.session.arrival < moment]


def learnt(visits, now, step_s=900):
    """A session forecaster and a plain one that know everything up to now."""
    series = (Series.charging("garage"),)
    start = datetime(2024, 3, 1, 8, tzinfo=UTC)  # local midnight
    grid = TimeGrid(start, step_s, int((now - start).total_seconds()) // step_s)
    plain = DayTypeForecaster(series, step_s, SiteCalendar(ZONE))
    ours = SessionForecaster(DayTypeForecaster(series, step_s, SiteCalendar(ZONE)))
    stays = stays_of(before(visits, now))
    samples = Samples.block(grid, load_of(stays, grid))
    plain.update(samples)
    ours.update(samples)
    ours.record(stays, grid)
    return plain, ours


def open_now(visits, now):
    """Cars plugged in now, with what is left of their need had they charged at once."""
    cars = []
    for visit in before(visits, now):
        taken = POWER_KW * (now - visit.session.arrival).total_seconds() / 3600.0
        left = visit.session.target_kwh - taken
        if visit.session.departure.median > now and left > 0.0:
            cars.append(PluggedIn("garage", visit.session, POWER_KW, EnergyNeed.exactly(left)))
    return tuple(cars)


def test_knowing_the_cars_plugged_in_makes_the_next_hours_sharper():
    visits = recorded_weeks(70)
    actual, with_cars, without = [], [], []
    for day in (1, 2, 6):
        now = datetime(2024, 5, 1, 14, tzinfo=UTC) + timedelta(days=day)
        grid = TimeGrid(now, 900, 12)
        plain, ours = learnt(visits, now)
        known = Known(plugged_in=open_now(visits, now))
        actual.append(load_of(stays_of(visits), grid)[0])
        with_cars.append(ours.forecast(grid, known).of("garage"))
        without.append(plain.forecast(grid).of("garage"))
    levels = ours.levels
    loss = weighted_quantile_loss(np.concatenate(actual), np.concatenate(with_cars, axis=1), levels)
    assert loss < 0.8 * weighted_quantile_loss(
        np.concatenate(actual), np.concatenate(without, axis=1), levels
    )


def test_arrivals_are_counted_by_slot_and_forecast_as_quantiles():
    visits = recorded_weeks(60)
    now = datetime(2024, 4, 29, 7, tzinfo=UTC)  # local midnight before a Monday
    _, ours = learnt(visits, now, step_s=3600)
    arrivals = ours.arrivals(TimeGrid(now, 3600, 24))
    assert arrivals.series[0].unit == "1"
    assert (arrivals.values >= 0.0).all()
    middle = arrivals.of("garage")[3]
    assert 4 <= int(np.argmax(middle)) <= 8
    assert middle[:3].sum() == 0.0


def test_with_few_recorded_days_it_falls_back_and_says_so():
    visits = recorded_weeks(5)
    now = datetime(2024, 3, 6, 15, tzinfo=UTC)
    plain, ours = learnt(visits, now)
    grid = TimeGrid(now, 900, 12)
    forecast = ours.forecast(grid, Known(plugged_in=(car(3.0, 9.0),)))
    np.testing.assert_array_equal(forecast.values, plain.forecast(grid).values)
    assert any("not used" in issue.what for issue in forecast.warnings)


@pytest.mark.parametrize("day", [date(2024, 3, 10), date(2024, 11, 3), date(2024, 6, 1)])
def test_an_arrival_keeps_its_wall_clock_when_moved_over_a_clock_change(day):
    log = StayLog(SiteCalendar(ZONE))
    clock_s = np.array([0, 7 * 3600 + 61, 23 * 3600 + 3599], dtype=np.int64)
    moved = log.at_clock(day, clock_s)
    local = [datetime.fromtimestamp(int(second), UTC).astimezone(log.zone) for second in moved]
    assert [moment.hour * 3600 + moment.minute * 60 + moment.second for moment in local] == clock_s.tolist()
    assert {moment.date() for moment in local} == {day}


def test_only_days_that_were_wholly_observed_are_drawn_from():
    log = StayLog(SiteCalendar("UTC"), window_days=5)
    start = datetime(2024, 5, 1, tzinfo=UTC)
    none = stays_of([])
    log.record(none, TimeGrid(start, 3600, 30))
    assert [logged.day for logged in log.complete_days(start + timedelta(days=9))] == [date(2024, 5, 1)]
    log.record(none, TimeGrid(start + timedelta(hours=30), 3600, 18))
    assert len(log.complete_days(start + timedelta(days=9))) == 2
    assert len(log.complete_days(start + timedelta(hours=47))) == 1
    log.record(none, TimeGrid(start + timedelta(days=8), 3600, 24))
    assert [logged.day for logged in log.complete_days(start + timedelta(days=9))] == [date(2024, 5, 9)]


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(GridMismatchError):
        Stays(np.zeros(2, dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(2), np.zeros(2))
