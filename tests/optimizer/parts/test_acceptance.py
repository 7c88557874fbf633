"""Acceptance: the power of a battery falls as it fills, and a plan knows it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sessions import Acceptance
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.optimizer.anew import assert_moved_is_anew, solved_walk
from tests.optimizer.builders import at, car, site, state
from tests.optimizer.parts.walks import walks
from tests.rich_strategies import acceptances, maybe


def tapering(draw, one):
    return replace(one, acceptance=maybe(draw, acceptances()))


def solved(of):
    return Scheduler(PlanOptions()).solve(problem_of(of, Topology.of(of.site), PlanOptions()), 30.0).planned


@given(walk=walks(tapering))
@settings(max_examples=22)
def test_the_moved_program_is_the_program_stated_anew(walk):
    assert_moved_is_anew(walk)


@given(walk=walks(tapering, max_size=3))
@settings(max_examples=22)
def test_no_battery_is_planned_to_take_more_than_it_accepts(walk):
    for state_, (problem, solved_, _) in zip(walk, solved_walk(walk), strict=True):
        power_kw = solved_.planned.power_kw
        for one in state_.sessions:
            for evse, seats in enumerate(problem.session_ids):
                if one.acceptance is not None and one.session_id in seats:
                    seat = seats.index(one.session_id)
                    others_h = problem.connected_h[evse].sum(axis=0) - problem.connected_h[evse, seat]
                    least_kw = problem.topology.min_a[evse] * problem.kw_per_a[evse]
                    check(one, power_kw[evse], problem.connected_h[evse, seat], others_h, least_kw)


def check(one, power_kw, hours, others_h, least_kw):
    """In every slot that the car has for itself the mean power is what it accepts halfway through.

    A car that takes less than the least pilot gives is planned at that pilot until its power falls.
    """
    energy_kwh, curve = one.delivered_kwh, one.acceptance
    for t in np.nonzero(hours)[0]:
        step_kwh = power_kw[t] * hours[t]
        if others_h[t] == 0 and power_kw[t] > 0:
            falling_kw = curve.full_power_kw - curve.slope_per_h * (
                energy_kwh + step_kwh / 2 - curve.knee_kwh
            )
            assert power_kw[t] <= min(falling_kw, max(curve.full_power_kw, least_kw[t])) + 1e-4
        energy_kwh += step_kwh
    assert energy_kwh <= max(curve.full_kwh, one.delivered_kwh) + 1e-4


CURVE = Acceptance(knee_kwh=10.0, full_kwh=20.0, full_power_kw=20.0, end_share=0.1)


def test_a_tapering_battery_begins_earlier_than_one_that_does_not():
    prices = [0.5] * 12 + [0.1] * 4
    flat = state(site(1), car("E1", 20.0), prices=prices)
    tapering_one = replace(flat, sessions=(replace(flat.sessions[0], acceptance=CURVE),))
    assert solved(flat).power_kw[0, :12] == pytest.approx(0.0)
    early_kwh = 0.25 * solved(tapering_one).power_kw[0, :12].sum()
    assert early_kwh > 5.0
    assert solved(tapering_one).short_kwh.sum() == pytest.approx(0.0)


@given(delivered=st.floats(0.0, 19.0), steps=st.integers(1, 16))
@settings(max_examples=16)
def test_as_fast_as_it_can_is_as_fast_as_the_differential_equation(delivered, steps):
    one = car("E1", 20.0, delivered_kwh=delivered, acceptance=CURVE, leaves_h=steps / 4)
    planned_kwh = 0.25 * solved(state(site(1), one)).power_kw.sum()
    exact_kwh = delivered
    for _ in range(steps * 900):
        exact_kwh = min(exact_kwh + CURVE.power_kw(exact_kwh) / 3600.0, 20.0)
    assert planned_kwh == pytest.approx(exact_kwh - delivered, abs=0.3)


def test_a_full_battery_wants_nothing():
    full = car("E1", 30.0, delivered_kwh=20.0, acceptance=CURVE)
    assert solved(state(site(1), full)).short_kwh.sum() == 0.0


def test_the_next_car_begins_with_an_empty_chain():
    first = car("E1", 20.0, acceptance=CURVE, leaves_h=2.0)
    second = replace(car("E1", 5.0, leaves_h=4.0, session_id="next", acceptance=CURVE), arrival=at(2.0))
    power_kw = solved(state(site(1), first, second)).power_kw[0]
    assert power_kw[8] == pytest.approx(20.0)
