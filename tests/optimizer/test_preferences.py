"""What a plan prefers: energy before money, the promised before the wanted, early before late, fair shares."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.bands import N_BANDS
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.optimizer.builders import FULL_KW, at, car, limit, site, state

STEP_KWH = 1.0 * 3 * 0.23 * 0.25
"""Energy of one ampere on three phases in a quarter of an hour."""


def planned(of):
    return Scheduler(PlanOptions()).solve(problem_of(of, Topology.of(of.site), PlanOptions()), 30.0).planned


def energies(of):
    return Controller(of.site).step(of).schedule.energy_kwh.sum(axis=1)


@given(limit_kw=st.integers(5, 40), priority=st.sampled_from([1.5, 2.0, 5.0]), need=st.integers(10, 60))
@settings(max_examples=30)
def test_of_two_equal_cars_that_of_higher_priority_never_gets_less(limit_kw, priority, need):
    cars = (car("E1", need), car("E2", need, priority=priority))
    scarce = state(site(2, limit_kw=float(limit_kw)), *cars)
    energy_kwh = planned(scarce).power_kw.sum(axis=1) * 0.25
    assert energy_kwh[1] >= energy_kwh[0] - 1e-6
    given_kwh = energies(scarce)
    assert given_kwh[1] >= given_kwh[0] - STEP_KWH


@given(limit_kw=st.integers(5, 40), need=st.integers(10, 60), n_cars=st.integers(2, 4))
@settings(max_examples=30)
def test_equal_cars_get_shares_that_differ_by_a_band_and_a_step(limit_kw, need, n_cars):
    cars = [car(f"E{number + 1}", need) for number in range(n_cars)]
    scarce = state(site(n_cars, limit_kw=float(limit_kw)), *cars)
    assert np.ptp(planned(scarce).short_kwh.sum(axis=(1, 2))) <= need / N_BANDS + 1e-6


@pytest.mark.parametrize("ratio", [1.0, 5.0, 50.0])
def test_the_promised_comes_before_the_wanted_whatever_the_priorities(ratio):
    promised = car("E1", 40.0, minimum_kwh=20.0, priority=1.0 / ratio)
    wanted = car("E2", 40.0, priority=ratio)
    scarce = state(site(2, limit_kw=6.0), promised, wanted)
    short_kwh = planned(scarce).short_kwh
    assert short_kwh[0, 0, N_BANDS:].sum() == pytest.approx(0.0, abs=1e-6)
    assert short_kwh.sum() == pytest.approx(80.0 - 24.0)


def test_early_comes_before_late_where_prices_are_equal():
    plan = Controller(site(1)).step(state(site(1), car("E1", 11.04)))
    assert plan.schedule.energy_kwh[0].tolist() == pytest.approx([5.52, 5.52, *[0.0] * 14])


def test_a_cheaper_hour_comes_before_an_early_one():
    prices = [0.30] * 8 + [0.29] * 4 + [0.30] * 4
    plan = Controller(site(1)).step(state(site(1), car("E1", 11.04), prices=prices))
    assert plan.schedule.energy_kwh[0].tolist() == pytest.approx([*[0.0] * 8, 5.52, 5.52, *[0.0] * 6])


def test_a_negative_price_gives_no_more_than_is_needed():
    below_zero = state(site(1), car("E1", 5.0), prices=[-1.0] * 16)
    assert energies(below_zero)[0] == pytest.approx(5.0)


@given(
    need=st.floats(1.0, 80.0),
    price=st.sampled_from([-5.0, 0.3, 40.0, 3000.0]),
    demand_charge=st.sampled_from([0.0, 12.0, 4000.0]),
    priority=st.sampled_from([0.02, 1.0, 20.0]),
)
@settings(max_examples=40)
def test_no_saving_of_money_buys_a_shortfall(need, price, demand_charge, priority):
    prices = [price, *[price / 2] * 15]
    asked = state(
        site(1),
        car("E1", need, priority=priority),
        prices=prices,
        demand_charge=demand_charge,
    )
    assert planned(asked).short_kwh.sum() == pytest.approx(0.0, abs=1e-5)


def test_a_new_peak_for_one_slot_is_worth_the_energy_of_a_car_of_low_priority():
    short_stay = state(
        site(1), car("E1", 5.0, leaves_h=0.25, priority=0.05), prices=[0.0] * 16, demand_charge=2500.0
    )
    assert planned(short_stay).short_kwh.sum() == pytest.approx(0.0, abs=1e-5)


@given(need=st.floats(5.0, 40.0))
@settings(max_examples=20)
def test_a_demand_charge_lowers_the_peak_and_takes_no_energy(need):
    free = state(site(1), car("E1", need))
    charged = state(site(1), car("E1", need), demand_charge=15.0)
    assert planned(charged).power_kw.max() == pytest.approx(need / 4.0)
    assert planned(free).power_kw.max() >= planned(charged).power_kw.max() - 1e-6
    assert energies(charged)[0] == pytest.approx(need, abs=0.06)


def test_a_peak_that_is_paid_for_is_used():
    paid = state(site(1), car("E1", 11.04), demand_charge=15.0, billing_peak_kw=FULL_KW)
    plan = Controller(site(1)).step(paid)
    assert plan.schedule.energy_kwh[0, :2].tolist() == pytest.approx([5.52, 5.52])


def test_a_demand_charge_that_ends_is_no_longer_kept_to():
    controller = Controller(site(1))
    controller.step(state(site(1), car("E1", 11.04), demand_charge=15.0))
    plan = controller.step(state(site(1), car("E1", 11.04)))
    assert plan.schedule.energy_kwh[0, :2].tolist() == pytest.approx([5.52, 5.52])
    assert plan.report.rebuild is None


def test_a_limit_signal_moves_energy_to_where_there_is_room():
    signal = limit([0.0] * 8 + [FULL_KW] * 8)
    plan = Controller(site(1)).step(state(site(1), car("E1", 11.04), limits=(signal,)))
    assert plan.schedule.pilot_a[0, :8].max() == 0.0
    assert plan.schedule.energy_kwh.sum() == pytest.approx(11.04)


def test_the_preference_for_early_does_not_fade_over_a_year():
    controller = Controller(site(1))
    controller.step(state(site(1), car("E1", 11.04)))
    later = state(site(1), car("E1", 11.04))
    year = 24.0 * 365
    moved = state(site(1), car("E1", 11.04, arrives_h=year - 1, leaves_h=year + 4), start=at(year))
    plan = controller.step(moved)
    assert plan.report.rebuild is None
    assert plan.schedule.energy_kwh.tolist() == controller.step(later).schedule.energy_kwh.tolist()
