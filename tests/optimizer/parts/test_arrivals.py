"""Room that is kept for cars to come keeps its laws, costs nobody who is here anything, and claims no false bound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.state import ExpectedArrivals
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.bands import shortfall_per_kwh
from optimizer.scheduling.check import breaches
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.dispatch import dispatch, dispatch_alone
from optimizer.scheduling.objective import money_span
from optimizer.scheduling.parts.arrivals import missed_per_kwh
from optimizer.scheduling.scheduler import Scheduler
from optimizer.scheduling.verdict import delivery_of
from optimizer.scheduling.worth import total_of, worth
from optimizer.topology import Topology
from tests.optimizer.builders import car, site, state
from tests.optimizer.parts.solving import solved
from tests.rich_strategies import rich_states, row, tenths
from tests.strategies import state_walks

CLOSE = 1e-5
OPTIONS = PlanOptions()


@st.composite
def awaited(draw, states):
    """A drawn state in which cars are expected."""
    one = draw(states)
    n_slots = one.grid.n_slots
    energy_kwh, most_kw = row(draw, n_slots, 0, 40), row(draw, n_slots, 0, 60)
    return replace(one, expected=ExpectedArrivals(energy_kwh, draw(tenths(0.1, 8)), most_kw))


@st.composite
def awaited_walks(draw):
    """States of one site, one after the other, in which cars are expected."""
    walk = draw(state_walks(max_size=3))
    return tuple(draw(awaited(st.just(one))) for one in walk)


@given(state=awaited(rich_states()))
@settings(max_examples=14)
def test_what_waits_is_what_arrived_less_what_was_given_or_missed(state):
    outcome = solved(state)
    flow = outcome.flow("coming_kw")
    if flow is None:
        return
    coming, hours = outcome.problem.coming, outcome.problem.open_h
    waiting, missed = outcome.flow("waiting_kwh")[0], outcome.flow("missed_kwh")
    assert np.cumsum(coming.arriving_kwh - hours * flow - missed) == pytest.approx(waiting, abs=CLOSE)
    assert (waiting <= coming.stays_kwh + CLOSE).all()
    assert (waiting >= -CLOSE).all()
    assert (flow <= coming.most_kw + CLOSE).all()
    assert abs(flow[0]) <= CLOSE


@given(state=awaited(rich_states()))
@settings(max_examples=14)
def test_cars_and_cars_to_come_together_keep_the_limits_of_the_root(state):
    outcome = solved(state)
    flow = outcome.flow("coming_kw")
    if flow is None:
        return
    problem = outcome.problem
    net_kw = problem.load_kw + outcome.flow("power_kw").sum(axis=0) + flow
    for family, sign in (("charge_kw", 1), ("discharge_kw", -1), ("solar_kw", -1), ("generator_kw", -1)):
        if outcome.flow(family) is not None:
            net_kw = net_kw + sign * outcome.flow(family).sum(axis=0)
    assert (net_kw <= problem.limits.limit[problem.topology.root_row] + 1e-4).all()


@given(state=awaited(rich_states()))
@settings(max_examples=14)
def test_no_car_that_is_here_goes_short_for_cars_to_come(state):
    with_them, without = solved(state), solved(replace(state, expected=None))
    names = [term for term in without.terms if "shortfall" in term or "promise" in term]
    # The solver keeps rows to 1e-7: what that is worth depends on the dearest tier that is short.
    noise = 1e-4 + 1e-6 * sum(abs(value) for value in without.terms.values())
    noise += without.worth_of_parts_of_slots()
    for name in names:
        assert with_them.terms[name] == pytest.approx(without.terms[name], rel=1e-6, abs=noise), name


@given(walk=awaited_walks(), data=st.data())
@settings(max_examples=16)
def test_no_schedule_is_worth_less_than_the_bound_and_the_plan_itself_is_worth_its_objective(walk, data):
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for one in walk:
        problem = problem_of(one, topology, OPTIONS)
        found, moment = scheduler.solve(problem, 30.0), scheduler.moment_of(problem)
        itself = replace(
            Delivery.of_power(problem, found.planned.power_kw), coming_kw=found.planned.coming_kw
        )
        own = total_of(worth(problem, moment, itself))
        assert own == pytest.approx(found.solution.objective, rel=1e-6, abs=1e-5)
        charging = np.array([data.draw(st.booleans()) for _ in range(problem.topology.n_evses)])
        for sent in (dispatch(problem, found.planned, charging), dispatch_alone(problem, charging)):
            for planned in (None, found.planned):
                value = total_of(worth(problem, moment, delivery_of(problem, sent, planned)))
                assert found.bound is not None
                assert value >= found.bound - 1e-6 * max(1.0, abs(found.bound))


@given(state=awaited(rich_states()))
@settings(max_examples=14)
def test_a_plan_that_keeps_room_passes_the_check(state):
    plan = Controller(state.site).step(state)
    assert breaches(state, plan.schedule, OPTIONS.load_quantile) == ()
    if plan.report.bound is not None:
        slack = 1e-6 * max(1.0, sum(abs(term.value) for term in plan.report.terms))
        assert plan.report.objective >= plan.report.bound - slack


@given(state=awaited(rich_states()))
@settings(max_examples=14)
def test_what_they_lack_costs_more_than_money_can_save_and_less_than_what_anybody_lacks(state):
    outcome = solved(state)
    problem, weights = outcome.problem, outcome.moment.weights
    per_kwh = missed_per_kwh(problem, weights)
    assert per_kwh >= money_span(problem)
    here = problem.need_kwh > 0
    assert (per_kwh < shortfall_per_kwh(problem, weights)[here]).all()


def dear_then_cheap(expected):
    """A car that could wait for the cheap hours, behind a limit of one EVSE's power."""
    one = state(site(2, limit_kw=22.08), car("E1", 22.08), prices=[0.3] * 8 + [0.1] * 8)
    return replace(one, expected=expected)


def test_a_car_does_not_wait_for_the_hours_in_which_others_are_to_come():
    alone = Controller(site(2)).step(dear_then_cheap(None))
    assert alone.schedule.energy_kwh[0, 8:].sum() == pytest.approx(22.08, abs=0.1)
    rush = ExpectedArrivals(frozen([0.0] * 8 + [44.16] + [0.0] * 7), 2.0, frozen([22.08] * 16))
    plan = Controller(site(2)).step(dear_then_cheap(rush))
    assert plan.schedule.energy_kwh[0, :8].sum() == pytest.approx(22.08, abs=0.1)
    assert any("room is kept for 44.2 kWh of cars to come" in note for note in plan.notes)
    assert plan.session_kwh["at E1"] == pytest.approx(22.08, abs=0.01)


def test_a_car_that_waits_for_cars_to_come_is_told_so():
    prices = [0.1] * 4 + [0.3] * 12
    here = state(site(2, limit_kw=22.08), car("E1", 22.08, arrives_h=0.25), prices=prices)
    rush = ExpectedArrivals(frozen([11.04] + [0.0] * 15), 0.75, frozen([22.08] * 16))
    reason = Controller(here.site).step(replace(here, expected=rush)).why("at E1")
    assert "cars to come" in reason.goes_first


def test_what_finds_no_room_is_said():
    rush = ExpectedArrivals(frozen([100.0] + [0.0] * 15), 1.0, frozen([50.0] * 16))
    plan = Controller(site(2)).step(dear_then_cheap(rush))
    assert any("find none" in note for note in plan.notes)
    assert {term.name: term.value for term in plan.report.terms}["cars to come that find no room"] > 0.0
