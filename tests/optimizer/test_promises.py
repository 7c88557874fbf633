"""Promises: what a driver was shown is kept, unless a limit leaves no choice, and then the plan says so."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.load import LoadForecast
from models.sessions import ChargingSession, Departure
from optimizer.mpc import Controller
from optimizer.promises import KEPT_KWH
from optimizer.solver.outcome import SolveStatus
from tests.optimizer.builders import NOW, at, car, limit, site, state
from tests.reference.limits import excesses

N_SLOTS = 24
PRICES = 0.1 + 0.1 * (np.arange(200) * 7 % 5)


@st.composite
def cars_to_come(draw, n_evses, max_cars=7):
    """Cars that arrive one after the other, each at an EVSE that is free by then."""
    free_h, found = [0.0] * n_evses, []
    for number in range(draw(st.integers(1, max_cars))):
        place = draw(st.integers(0, n_evses - 1))
        arrives_h = max(free_h[place], draw(st.integers(0, 8)) / 4)
        stays_h = draw(st.integers(2, 14)) / 4
        spread_h = draw(st.sampled_from([0.0, 0.5, 1.0]))
        times = [at(arrives_h + stays_h + spread_h * k) for k in range(3)]
        leaves = Departure((0.1, 0.5, 0.9), tuple(times)) if spread_h else Departure.at(times[0])
        target_kwh = float(draw(st.integers(1, 40)))
        found.append(
            car(
                f"E{place + 1}",
                target_kwh,
                departure=leaves,
                arrives_h=arrives_h,
                session_id=f"car {number}",
                minimum_kwh=target_kwh * draw(st.sampled_from([0.0, 0.0, 0.5, 1.0])),
                priority=draw(st.sampled_from([1.0, 1.0, 4.0])),
                n_phases=draw(st.sampled_from([None, 1])),
            )
        )
        free_h[place] = arrives_h + stays_h + 2 * spread_h
    return tuple(found)


def walk(here, cars, rooms_kw, loads_kw=()):
    """Yield plans of a site that follows them: what a plan delivers and promises stands in the next state."""
    controller = Controller(here)
    known: dict[str, ChargingSession] = {}
    for step, room_kw in enumerate(rooms_kw):
        now = NOW + timedelta(minutes=15 * step)
        present = [known.get(c.session_id, c) for c in cars if c.arrival <= now < max(c.departure.times)]
        loads = [
            LoadForecast.certain("grid", frozen(np.full(N_SLOTS, kw))) for kw in loads_kw[step : step + 1]
        ]
        plan = controller.step(
            state(
                here,
                *present,
                prices=PRICES[step : step + N_SLOTS],
                start=now,
                limits=(limit(float(room_kw), N_SLOTS),),
                loads=tuple(loads),
            )
        )
        yield plan
        promised = {one.session_id: one for one in plan.promises}
        for one in present:
            row = here.evse_ids.index(one.evse_id)
            known[one.session_id] = replace(
                one,
                delivered_kwh=one.delivered_kwh + plan.schedule.energy_kwh[row, 0],
                promised_kwh=promised[one.session_id].energy_kwh,
            )


@given(cars=cars_to_come(3), limit_kw=st.integers(5, 40))
@settings(max_examples=16)
def test_no_promise_is_broken_while_limits_and_load_stay(cars, limit_kw):
    for plan in walk(site(3), cars, [limit_kw] * 16):
        assert all(one.is_kept for one in plan.promises), plan.notes


@given(
    cars=cars_to_come(3),
    limits_kw=st.lists(st.integers(4, 40), min_size=10, max_size=10),
    loads_kw=st.lists(st.integers(0, 10), min_size=10, max_size=10),
)
@settings(max_examples=14)
def test_a_promise_is_broken_only_when_room_is_taken_and_then_the_plan_says_so(cars, limits_kw, loads_kw):
    before_kw = np.inf
    for step, plan in enumerate(walk(site(3), cars, limits_kw, loads_kw)):
        room_kw = limits_kw[step] - loads_kw[step]
        broken = [one for one in plan.promises if not one.is_kept]
        if room_kw >= before_kw:
            assert not broken, plan.notes
        for one in broken:
            assert one.energy_kwh < one.before_kwh - KEPT_KWH
            assert any(f"'{one.session_id}' was promised" in note for note in plan.notes)
        before_kw = room_kw


@given(cars=cars_to_come(2), limit_kw=st.integers(5, 40))
@settings(max_examples=11)
def test_what_was_promised_is_in_the_car_when_it_leaves_early(cars, limit_kw):
    early = tuple(replace(one, departure=Departure.at(one.departure.times[0])) for one in cars)
    last: dict[str, Any] = {}
    for plan in walk(site(2), early, [limit_kw] * 20):
        last |= {one.session_id: one for one in plan.promises}
    for one in early:
        if one.session_id in last:
            assert last[one.session_id].energy_kwh <= one.target_kwh + 1e-6


def planned(*cars, limit_kw=50.0, **facts):
    return Controller(site(2)).step(state(site(2), *cars, limits=(limit(limit_kw),), **facts))


def test_a_promise_is_what_an_early_leaver_would_have():
    leaves = Departure((0.1, 0.5, 0.9), (at(1.0), at(2.0), at(3.0)))
    cheap_late = [0.4] * 4 + [0.1] * 12
    (promise,) = planned(car("E1", 22.08, departure=leaves), prices=cheap_late).promises
    assert promise.energy_kwh == pytest.approx(0.0, abs=0.01)
    assert promise.by == at(1.0)
    early = car("E1", 22.08, departure=leaves, promised_kwh=11.04)
    plan = planned(early, prices=cheap_late)
    assert 11.04 - KEPT_KWH <= plan.schedule.energy_kwh[0, :4].sum() < 14.0
    assert plan.promises[0].is_kept


def test_a_promise_that_cannot_be_kept_is_named_with_its_reason():
    plan = planned(car("E1", 30.0, leaves_h=1.0, promised_kwh=20.0), limit_kw=6.9)
    (promise,) = plan.promises
    assert not promise.is_kept
    assert promise.energy_kwh == pytest.approx(6.9)
    (note,) = plan.notes
    assert note.startswith(
        "'at E1' was promised 20.0 kWh and can be sure of 6.9 kWh by 2026-06-01T09:00+00:00"
    )
    assert "'grid' leaves too little" in note


def test_a_car_that_is_only_expected_is_promised_nothing():
    assert planned(car("E1", 10.0, arrives_h=1.0)).promises == ()


def test_a_promise_above_the_target_counts_up_to_it():
    (promise,) = planned(car("E1", 5.0, promised_kwh=50.0)).promises
    assert promise.is_kept
    assert promise.energy_kwh == pytest.approx(5.0)


def test_a_promise_kept_outside_the_careful_program_claims_no_bound():
    # The program counts three phases, for the car that comes later; the one that is here uses one of them.
    here = car("E1", 20.0, n_phases=1, minimum_kwh=20.0, promised_kwh=20.0, leaves_h=3.0)
    later = car("E1", 1.0, session_id="later", arrives_h=3.2, leaves_h=4.0)
    tight = site(1, limit_a=(32.0, 32.0, 32.0))
    controller = Controller(tight)
    assert controller.step(state(tight, here, later)).report.bound is not None
    lifts = LoadForecast(
        "grid", frozen([0.9]), frozen(np.full((1, 16), 30.0 * 0.23)), frozen([0.0, 1.0, 0.0])
    )
    kept = controller.step(state(tight, here, later, loads=(lifts,)))
    assert kept.schedule.pilot_a[0, 0] == 32.0
    assert excesses(state(tight, here, later, loads=(lifts,)), kept.schedule, 0.9) == []
    report = kept.report
    assert report.bound is None or report.objective >= report.bound - 1e-6 * abs(report.objective)
    assert report.status is not SolveStatus.PROVED
