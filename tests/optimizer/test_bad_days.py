"""Bad input and bad days: each has a defined answer."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from models.arrays import frozen
from models.grid.limits import NodeLimit
from models.load import LoadForecast
from models.sessions import Departure
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from tests.optimizer.builders import FULL_KW, NOW, at, car, site, state
from tests.reference.limits import excesses

LEVEL = PlanOptions().load_quantile


def planned(of):
    plan = Controller(of.site).step(of)
    assert excesses(of, plan.schedule, LEVEL) == []
    return plan


def priced(of, price_per_kwh):
    series = frozen(np.broadcast_to(price_per_kwh, of.grid.n_slots))
    return replace(of, tariff=replace(of.tariff, energy_per_kwh=series))


def test_contradicting_limits_leave_the_tightest():
    loose = NodeLimit("grid", "owner", frozen(np.full(16, 50.0)))
    tight = NodeLimit("grid", "operator", frozen(np.full(16, 10.0)))
    plan = planned(state(site(1), car("E1", 60.0), limits=(loose, tight)))
    assert plan.schedule.power_kw.max() <= 10.0
    assert {limit.source for limit in plan.binding} == {"operator"}


def test_a_limit_of_zero_for_hours_pauses_everybody_and_charges_after_it():
    limit_kw = np.full(16, 50.0)
    limit_kw[:8] = 0.0
    plan = planned(state(site(1), car("E1", 20.0), limits=(NodeLimit("grid", "grid", frozen(limit_kw)),)))
    assert plan.schedule.pilot_a[:, :8].max() == 0.0
    assert plan.schedule.energy_kwh.sum() == pytest.approx(20.0, abs=0.05)


def test_negative_prices_give_every_car_its_need_and_not_more():
    plan = planned(priced(state(site(2), car("E1", 20.0), car("E2", 5.0)), -0.5))
    assert plan.schedule.energy_kwh.sum(axis=1) == pytest.approx([20.0, 5.0], abs=0.05)


def test_negative_hours_are_used_before_free_ones():
    price = np.where(np.arange(16) >= 12, -0.3, 0.0)
    plan = planned(priced(state(site(1), car("E1", FULL_KW)), price))
    assert plan.schedule.energy_kwh[0, 12:].sum() == pytest.approx(FULL_KW, abs=0.05)


def test_a_price_spike_is_avoided_and_a_promise_is_worth_it():
    price = np.full(16, 1e4)
    price[-1] = 0.1
    spiked = priced(state(site(1), car("E1", FULL_KW / 4)), price)
    assert planned(spiked).schedule.energy_kwh[0, :-1].max() == 0.0
    promised = priced(state(site(1), car("E1", FULL_KW, minimum_kwh=FULL_KW)), price)
    assert planned(promised).schedule.energy_kwh.sum() == pytest.approx(FULL_KW, abs=0.05)


def test_five_hundred_visits_queue_on_twenty_evses():
    rng = np.random.default_rng(5)
    cars = []
    for evse in range(1, 21):
        clock = 0.0
        for number in range(25):
            stay = float(rng.uniform(0.3, 0.8))
            visit = car(
                f"E{evse}", float(rng.uniform(1, 8)), leaves_h=clock + stay, arrives_h=clock or -0.5,
                session_id=f"{evse}-{number}",
            )  # fmt: skip
            cars.append(visit)
            clock += stay + 0.05
    of = state(site(20, limit_kw=150.0), *cars)
    grid = replace(of.grid, n_slots=96)
    series = frozen(np.full(96, 0.2))
    of = replace(of, grid=grid, tariff=replace(of.tariff, energy_per_kwh=series, network_per_kwh=series))
    plan = Controller(of.site, PlanOptions(deadline_s=60.0)).step(of)
    assert plan.report.status.is_planned
    assert len(plan.session_kwh) == 500
    assert plan.schedule.power_kw.sum(axis=0).max() <= 150.0 + 1e-6


def test_a_car_that_stays_past_its_departure_is_planned_for_now():
    late = car("E1", 30.0, departure=Departure.at(NOW - timedelta(hours=1)), arrives_h=-5.0)
    plan = planned(state(site(1), late))
    assert plan.schedule.pilot_a[0, 0] > 0
    assert plan.schedule.pilot_a[0, 2:].max() == 0.0


def test_a_meter_ahead_of_its_target_leaves_the_car_at_rest():
    plan = planned(state(site(1), car("E1", 10.0, delivered_kwh=12.0)))
    assert plan.schedule.pilot_a.max() == 0.0
    assert plan.unmet == ()


def test_a_meter_that_jumps_between_plans_does_not_break_the_next_one():
    controller = Controller(site(2))
    for delivered_kwh in (0.0, 8.0, 1.0, 25.0):
        of = state(site(2), car("E1", 20.0, delivered_kwh=delivered_kwh), car("E2", 20.0))
        plan = controller.step(of)
        assert plan.report.status.is_planned
        expected_kwh = max(20.0 - delivered_kwh, 0.0)
        assert plan.session_kwh.get("at E1", 0.0) == pytest.approx(expected_kwh, abs=0.05)


def test_load_above_the_limit_pauses_cars_and_is_told():
    load = LoadForecast.certain("grid", frozen(np.full(16, 30.0)))
    plan = planned(state(site(1, limit_kw=20.0), car("E1", 10.0), loads=(load,)))
    assert plan.schedule.pilot_a.max() == 0.0
    assert any("uncontrolled load alone" in note for note in plan.notes)


def test_a_priority_a_thousand_times_greater_goes_first_and_the_rest_gets_what_is_left():
    tight = state(site(2, limit_kw=FULL_KW), car("E1", 60.0, priority=1000.0), car("E2", 40.0, priority=0.01))
    plan = planned(tight)
    assert plan.session_kwh["at E1"] == pytest.approx(60.0, abs=0.1)
    assert plan.session_kwh["at E2"] == pytest.approx(4 * FULL_KW - 60.0, abs=FULL_KW / 4)


def test_flat_prices_and_equal_cars_still_make_calm_plans():
    cars = [car(f"E{n}", 11.04) for n in range(1, 5)]
    plan = planned(state(site(4, limit_kw=2 * FULL_KW), *cars))
    switches = (np.diff((plan.schedule.pilot_a > 0).astype(int), axis=1, prepend=0, append=0) != 0).sum(
        axis=1
    )
    assert switches.max() <= 2
    assert plan.schedule.energy_kwh.sum() == pytest.approx(4 * 11.04, abs=0.1)


def test_a_departure_beyond_the_horizon_is_planned_as_far_as_it_goes():
    plan = planned(state(site(1), car("E1", 200.0, departure=Departure.at(at(48.0)))))
    assert plan.schedule.pilot_a[0].min() == 32.0
