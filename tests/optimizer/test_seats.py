"""Who sits where and until when: a car that should have left is planned to stay for the length of a slot."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.sessions import Departure
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.dispatch import dispatch_alone
from optimizer.seats import Seats
from optimizer.solver.outcome import SolveStatus
from optimizer.topology import Topology
from tests.optimizer.builders import at, car, site, state
from tests.strategies import states


@st.composite
def overstays(draw):
    """A state in which one car that is plugged in should have left already, at a time or at quantiles of it."""
    one = draw(states().filter(lambda s: any(c.arrival <= s.now for c in s.sessions)))
    place = draw(st.sampled_from([i for i, c in enumerate(one.sessions) if c.arrival <= one.now]))
    late = one.now - timedelta(minutes=draw(st.integers(0, 300)))
    times = draw(st.sampled_from([(late,), (late - timedelta(hours=1), late)]))
    departure = Departure((0.5,) if len(times) == 1 else (0.3, 0.9), times)
    stays = replace(one.sessions[place], arrival=late - timedelta(hours=2), departure=departure)
    sessions = (*one.sessions[:place], stays, *one.sessions[place + 1 :])
    return replace(one, sessions=sessions), stays


@given(drawn=overstays(), ready_before_h=st.sampled_from([0.0, 0.5]))
def test_a_car_past_its_departure_can_charge_for_a_slots_length_unless_the_next_one_comes(
    drawn, ready_before_h
):
    one, stays = drawn
    seats = Seats.of(one, Topology.of(one.site), PlanOptions(ready_before_h=ready_before_h))
    (seat,) = [place for place, session in enumerate(seats.sessions) if session is stays]
    until = one.now + timedelta(seconds=one.grid.step_s)
    after = [c.arrival for c in one.sessions if c.evse_id == stays.evse_id and c.arrival > one.now]
    expected_h = one.grid.overlap_h(one.now, min([until, *after])).sum()
    assert seats.connected_h[seat].sum() == pytest.approx(expected_h)
    assert not seats.connected_h[seat, 2:].any()


@given(drawn=overstays())
def test_a_plan_for_a_car_past_its_departure_passes_the_check(drawn):
    one, _ = drawn
    plan = Controller(one.site).step(one)
    assert not any("failed" in note and "check" in note for note in plan.notes)
    load_is_too_much = any("uncontrolled load alone" in note for note in plan.notes)
    problem = problem_of(one, Topology.of(one.site), PlanOptions())
    alone = dispatch_alone(problem, np.zeros(problem.topology.n_evses, dtype=bool))
    nobody_fits = not alone.schedule.pilot_a.any()  # a limit below the least pilot
    assert plan.report.status is not SolveStatus.CURTAILED or load_is_too_much or nobody_fits


@pytest.mark.parametrize("minutes", [0, 7, 14])
def test_who_stays_an_hour_too_long_is_charged_now_and_not_later(minutes):
    late = car("E1", 50.0, departure=Departure.at(at(-1)), arrives_h=-5.0)
    now = at(minutes / 60)
    one = state(site(1), late, now=now)
    hours = problem_of(one, Topology.of(one.site), PlanOptions()).slot_h[0]
    assert hours.sum() == pytest.approx(0.25)
    plan = Controller(one.site).step(one)
    assert plan.schedule.pilot_a[0, 0] == 32.0
    assert not plan.schedule.pilot_a[0, 2:].any()
    assert [unmet.reason for unmet in plan.unmet] == ["time"]
