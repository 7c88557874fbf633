"""The peak of a month is the least with which the energy of its cars can be given in time."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bound import least_peak_kw as least_peak_of_world
from models.arrays import frozen
from models.demand.arrivals import Visit
from models.prices import EnergyTariff, PeakCharge
from models.sessions import ChargingSession, Departure
from models.timegrid import TimeGrid
from optimizer.closed_loop import World
from optimizer.month_peak import PRECISION_KW, least_peak_kw, stays_of, with_expected_peak
from tests.optimizer.builders import NOW, car, site, state
from tests.optimizer.parts.solving import solved

DAY = TimeGrid(NOW, 900, 96)


@st.composite
def sessions(draw):
    """Cars one after the other at each of three EVSEs, all within a day."""
    found = []
    for number in range(3):
        clock = NOW + timedelta(minutes=15 * draw(st.integers(0, 20)))
        for turn in range(draw(st.integers(0, 3))):
            leaves = clock + timedelta(minutes=15 * draw(st.integers(1, 20)))
            target_kwh = draw(st.integers(1, 60)) / 2.0
            name = f"{number} {turn}"
            found.append(ChargingSession(name, f"E{number + 1}", clock, Departure.at(leaves), target_kwh))
            clock = leaves
    return tuple(found)


@given(sessions=sessions())
@settings(max_examples=60)
def test_the_peak_is_hardly_above_the_least_that_a_program_finds(sessions):
    nothing = frozen(np.zeros(DAY.n_slots))
    found_kw = least_peak_kw(stays_of(sessions, site(3), DAY), nothing, DAY.step_h)
    visits = tuple(Visit(session) for session in sessions)
    least_kw = least_peak_of_world(World(site(3), visits, lambda grid: EnergyTariff.flat(0.0, grid.n_slots)))
    assert found_kw >= least_kw - PRECISION_KW - 1e-3
    assert found_kw <= 2.0 * least_kw + PRECISION_KW


@given(sessions=sessions(), load_kw=st.floats(0.0, 50.0))
@settings(max_examples=30)
def test_a_constant_load_lies_below_the_peak(sessions, load_kw):
    stays = stays_of(sessions, site(3), DAY)
    alone_kw = least_peak_kw(stays, frozen(np.zeros(DAY.n_slots)), DAY.step_h)
    with_load_kw = least_peak_kw(stays, frozen(np.full(DAY.n_slots, load_kw)), DAY.step_h)
    assert with_load_kw == pytest.approx(alone_kw + load_kw, abs=2 * PRECISION_KW)


def test_one_car_needs_its_energy_over_its_stay():
    stays = stays_of((car("E1", 22.0, 4.0, arrives_h=2.0),), site(1), DAY)
    nothing = frozen(np.zeros(DAY.n_slots))
    assert least_peak_kw(stays, nothing, DAY.step_h) == pytest.approx(11.0, abs=PRECISION_KW)
    night_kw = frozen(np.where(np.arange(96) < 8, 30.0, 0.0))
    assert least_peak_kw(stays, night_kw, DAY.step_h) == pytest.approx(30.0)


def test_what_cannot_be_given_at_all_asks_for_no_peak():
    stays = stays_of((car("E1", 500.0, 1.0, arrives_h=0.0),), site(1), DAY)
    nothing = frozen(np.zeros(DAY.n_slots))
    assert least_peak_kw(stays, nothing, DAY.step_h) == pytest.approx(22.08, abs=PRECISION_KW)


def test_a_plan_does_not_shave_below_the_peak_that_the_month_needs():
    of = state(site(1), car("E1", 11.04, 4.0), prices=[0.3] * 4, step_s=3600)
    of = replace(of, tariff=replace(of.tariff, peaks=(PeakCharge(10.0, 3600),)))
    assert solved(of).flow("power_kw").max() == pytest.approx(2.76)
    told = replace(of, tariff=with_expected_peak(of.tariff, 11.04))
    assert solved(told).flow("power_kw")[0].tolist() == pytest.approx([11.04, 0.0, 0.0, 0.0])
