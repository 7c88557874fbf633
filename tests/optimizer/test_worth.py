"""Worth measures what is sent with the yardstick of the program: equal on its optimum, never below its bound."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sessions import Departure
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.dispatch import dispatch, dispatch_alone
from optimizer.scheduling.scheduler import Scheduler
from optimizer.scheduling.verdict import delivery_of
from optimizer.scheduling.worth import at_stake, gap_of, total_of, worth
from optimizer.solver.outcome import SolveStatus
from optimizer.topology import Topology
from tests.optimizer.builders import alive_in, at, bound_of, car, limit, site, state
from tests.optimizer.parts.walks import walks
from tests.rich_strategies import milestones
from tests.strategies import state_walks

OPTIONS = PlanOptions()


def with_milestones(draw, one):
    return replace(one, milestones=milestones(draw, one))


RICH = st.one_of(state_walks(max_size=3), walks(with_milestones, max_size=2))


def solved_walk(walk):
    """The problem, what the program says of it and its moment, state after state."""
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for one in walk:
        problem = problem_of(one, topology, OPTIONS)
        solved = scheduler.solve(problem, 30.0)
        yield problem, solved, scheduler.moment_of(problem)


@given(walk=RICH)
@settings(max_examples=33)
def test_the_worth_of_the_programs_own_power_is_the_programs_objective(walk):
    for problem, solved, moment in solved_walk(walk):
        value = total_of(worth(problem, moment, Delivery.of_power(problem, solved.planned.power_kw)))
        assert value == pytest.approx(solved.solution.objective, rel=1e-6, abs=1e-6)


@given(walk=RICH)
@settings(max_examples=33)
def test_the_bound_that_the_duals_prove_is_the_optimum_where_no_cars_share_a_slot(walk):
    for problem, solved, _ in solved_walk(walk):
        assert bound_of(solved) <= solved.solution.objective + 1e-6 * max(1.0, abs(bound_of(solved)))
        if not ((problem.connected_h > 0).sum(axis=1) > 1).any():
            assert bound_of(solved) == pytest.approx(solved.relaxed, rel=1e-6, abs=1e-6)


@given(walk=RICH, data=st.data())
@settings(max_examples=33)
def test_no_schedule_of_real_pilots_is_worth_less_than_the_bound(walk, data):
    for problem, solved, moment in solved_walk(walk):
        charging = np.array([data.draw(st.booleans()) for _ in range(problem.topology.n_evses)])
        for sent in (dispatch(problem, solved.planned, charging), dispatch_alone(problem, charging)):
            value = total_of(worth(problem, moment, delivery_of(problem, sent)))
            assert value >= bound_of(solved) - 1e-6 * max(1.0, abs(bound_of(solved)))


@given(walk=RICH, factor=st.floats(-2.0, 3.0))
@settings(max_examples=33)
def test_no_duals_prove_more_than_the_optimum(walk, factor):
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for one in walk:
        problem = problem_of(one, topology, OPTIONS)
        optimum = scheduler.solve(problem, 30.0).solution.objective
        alive = alive_in(scheduler)
        live, bounds = alive.live, []
        solve = live.solve

        def bent(numbers, coefficients, deadline_s, solve=solve):
            found = solve(numbers, coefficients, deadline_s)
            return replace(found, row_duals=found.row_duals * factor)

        live.solve = bent
        bounds.append(scheduler.solve(problem, 30.0).bound)
        live.solve = solve
        for bound in bounds:
            assert bound is None or bound <= optimum + 1e-6 * max(1.0, abs(optimum))


def test_a_kwh_that_is_lost_costs_its_tier_and_money_that_is_lost_its_part():
    here = state(site(1), car("E1", 11.04), prices=[0.2] * 16)
    controller = Controller(here.site)
    plan = controller.step(here)
    assert plan.report.status is SolveStatus.PROVED
    assert plan.report.bound == pytest.approx(0.2 * 11.04, abs=0.01)
    problem = problem_of(here, Topology.of(here.site), OPTIONS)
    moment = controller._scheduler.moment_of(problem)
    stake = at_stake(problem, moment, Delivery.of_power(problem, plan.planned_kw))
    assert stake == pytest.approx(0.2 * 11.04)
    assert gap_of(bound_of(plan.report) + 0.02 * stake, bound_of(plan.report), stake) == pytest.approx(0.02)


def test_what_no_plan_can_change_is_not_at_stake():
    hasty = car("E1", 100.0, leaves_h=0.5)
    here = state(site(1), hasty, prices=[0.2] * 16, demand_charge=10.0, billing_peak_kw=500.0)
    problem = problem_of(here, Topology.of(here.site), OPTIONS)
    scheduler = Scheduler(OPTIONS)
    solved = scheduler.solve(problem, 30.0)
    delivery = Delivery.of_power(problem, solved.planned.power_kw)
    assert at_stake(problem, scheduler.moment_of(problem), delivery) == pytest.approx(0.2 * 11.04)


def test_earning_and_paying_do_not_cancel_in_what_is_at_stake():
    prices = [-0.2] * 8 + [0.2] * 8
    both = (car("E1", 10.0, leaves_h=2.0), car("E2", 10.0, arrives_h=2.0, leaves_h=4.0))
    here = state(site(2), *both, prices=prices)
    plan = Controller(here.site).step(here)
    assert abs(plan.report.objective) < 0.1
    assert plan.report.gap is not None
    assert plan.report.gap < 0.02


def test_a_car_that_gets_full_in_a_shared_slot_does_not_undercut_the_bound():
    prices = [0.1, 0.1, 9.0, 9.0] + [0.1] * 12
    first = car("E1", 5.52, leaves_h=0.6)
    second = car("E1", 22.08, session_id="next", arrives_h=0.6, leaves_h=1.5, departure=Departure.at(at(1.5)))
    here = state(site(1), first, second, prices=prices)
    report = Controller(here.site).step(here).report
    assert report.bound is not None
    assert report.objective >= report.bound - 1e-6


@pytest.mark.parametrize("prices", [[0.0] * 16, [-0.5] * 16, [1e4] * 16])
def test_a_gap_means_something_at_any_price(prices):
    here = state(site(2), car("E1", 10.0), car("E2", 7.0), prices=prices)
    report = Controller(here.site).step(here).report
    assert report.status.is_planned
    assert report.gap is not None
    assert 0.0 <= report.gap < 0.1


def test_a_plan_that_only_dispatch_made_still_says_what_it_is_worth():
    here = state(site(1), car("E1", 10.0), limits=(limit(8.0),))
    report = Controller(here.site, PlanOptions(deadline_s=0.0)).step(here).report
    assert report.objective == pytest.approx(3.0, abs=0.1)
    assert (report.bound, report.gap) == (None, None)
