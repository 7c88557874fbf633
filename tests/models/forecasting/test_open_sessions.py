"""What is believed of cars that are plugged in, and a load forecast that knows of them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arrays import frozen
from models.forecasting.believed import LEVELS, Progress, believed
from models.forecasting.day_type import DayTypeForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Known, Samples, Series
from models.forecasting.kin import Arrival, Kin, Outcomes
from models.forecasting.open_sessions import Fade, OpenSessionsForecaster
from models.forecasting.stays import Stays
from models.timegrid import TimeGrid

ARRIVED = datetime(2024, 5, 8, 7, tzinfo=UTC)
ARRIVAL = Arrival(ARRIVED, "garage", "e1", "ada")
CALENDAR = SiteCalendar("Europe/Oslo")
GARAGE = (Series.charging("garage", 50.0),)


def kin(stays_h=(2.0, 8.0, 9.0), energies_kwh=(5.0, 10.0, 20.0), power_kw=3.6):
    ones = np.ones(3)
    return Kin(Outcomes(np.array(stays_h), ones), Outcomes(np.array(energies_kwh), ones), power_kw)


@given(elapsed_h=st.floats(0.0, 20.0), delivered_kwh=st.floats(0.0, 40.0), draws=st.booleans())
def test_a_car_that_is_here_leaves_later_and_needs_something_unless_it_has_stopped(
    elapsed_h, delivered_kwh, draws
):
    now = ARRIVED + timedelta(hours=elapsed_h)
    car = believed("garage", ARRIVAL, kin(), Progress(now, delivered_kwh, 3.6 if draws else None))
    assert car.session.departure.times[0] > now
    assert list(car.session.departure.times) == sorted(car.session.departure.times)
    assert min(car.remaining.kwh) > 0.0
    assert list(car.remaining.kwh) == sorted(car.remaining.kwh)
    assert car.session.remaining_kwh == pytest.approx(car.remaining.kwh[len(LEVELS) // 2])


def test_a_car_that_stopped_by_itself_needs_nothing_more():
    now = ARRIVED + timedelta(hours=1)
    assert believed("garage", ARRIVAL, kin(), Progress(now, 3.0, 0.0)).remaining.kwh == (0.0,)
    assert max(believed("garage", ARRIVAL, kin(), Progress(now, 0.0, 0.0)).remaining.kwh) > 0.0


def test_a_car_draws_what_it_draws_now_or_what_its_kin_did():
    now = ARRIVED + timedelta(hours=1)
    assert believed("garage", ARRIVAL, kin(), Progress(now, 3.0, 2.1)).power_kw == 2.1
    assert believed("garage", ARRIVAL, kin(), Progress(now, 3.0)).power_kw == 3.6


@given(lead_h=st.lists(st.floats(0.0, 100.0), min_size=2, max_size=20))
def test_the_share_of_cars_starts_at_one_and_only_falls(lead_h):
    share = Fade().share(frozen(sorted(lead_h)))
    assert ((share >= 0.0) & (share <= 1.0)).all()
    assert (np.diff(share) <= 0.0).all()
    assert Fade().share(frozen([0.5]))[0] == 1.0


def learnt(n_days=20, load_kw=10.0):
    """Forecasters of a garage that draws the same all day, to which nobody ever comes."""
    observed = TimeGrid(ARRIVED - timedelta(days=n_days), 3600, 24 * n_days)
    plain = DayTypeForecaster(GARAGE, 3600, CALENDAR)
    ours = OpenSessionsForecaster(DayTypeForecaster(GARAGE, 3600, CALENDAR), 3600, CALENDAR)
    for forecaster in (plain, ours):
        forecaster.update(Samples.block(observed, np.full((1, observed.n_slots), load_kw)))
    nobody = Stays(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), frozen([]), frozen([]))
    ours.record(nobody, observed)
    return plain, ours


def test_the_first_hours_are_those_of_the_cars_and_later_ones_those_of_history():
    plain, ours = learnt()
    grid = TimeGrid(ARRIVED, 3600, 48)
    certain = kin((9.0,) * 3, (36.0,) * 3)
    car = believed("garage", ARRIVAL, certain, Progress(ARRIVED, 0.0, 3.6))
    forecast = ours.forecast(grid, Known(plugged_in=(car,)))
    np.testing.assert_allclose(forecast.of("garage")[:, :2], 3.6)
    np.testing.assert_allclose(
        forecast.of("garage")[:, -1], plain.forecast(grid).of("garage")[:, -1], rtol=0.01
    )


def test_with_too_few_days_of_arrivals_history_answers_and_says_so():
    plain, ours = learnt(n_days=4)
    grid = TimeGrid(ARRIVED, 3600, 4)
    forecast = ours.forecast(grid)
    np.testing.assert_array_equal(forecast.values, plain.forecast(grid).values)
    assert any(issue.where == "plugged_in" for issue in forecast.warnings)
    np.testing.assert_array_equal(ours.paths(grid, 5, 1).values, plain.paths(grid, 5, 1).values)
