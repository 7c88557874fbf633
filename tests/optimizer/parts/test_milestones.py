"""Milestones: energy that is due before the departure."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sessions import Milestone
from optimizer.deadlines import Tier
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.bands import late_per_kwh
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.milestones import TERM_OF_TIER
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.optimizer.anew import assert_moved_is_anew, solved_walk
from tests.optimizer.builders import at, car, site, state
from tests.optimizer.parts.walks import walks
from tests.rich_strategies import milestones

HEDGED = PlanOptions(departure_quantile=0.7, hedge_quantiles=(0.2, 0.5))


def with_milestones(draw, one):
    promised_kwh = draw(st.sampled_from([0.0, 9.0]))
    return replace(one, milestones=milestones(draw, one), promised_kwh=promised_kwh)


@pytest.mark.parametrize("options", [PlanOptions(), HEDGED])
@given(walk=walks(with_milestones))
@settings(max_examples=16)
def test_the_moved_program_is_the_program_stated_anew(options, walk):
    assert_moved_is_anew(walk, options)


@pytest.mark.parametrize("options", [PlanOptions(), HEDGED])
@given(walk=walks(with_milestones, max_size=3))
@settings(max_examples=16)
def test_late_energy_costs_at_least_what_the_plan_does_not_deliver_in_time(options, walk):
    for problem, solved, _ in solved_walk(walk, options):
        due, weights = problem.deadlines, Weights.of(problem, options)
        given_kwh = np.einsum("ekt,et->ek", due.until_h, solved.planned.power_kw)
        least = late_per_kwh(due, weights)[:, :, 0] * np.maximum(due.need_kwh - given_kwh, 0.0)
        terms = {term.name: term.value for term in solved.planned.terms}
        for tier in Tier:
            there = (due.tier == tier) & (due.need_kwh > 0)
            assert (TERM_OF_TIER[tier] in terms) == there.any()
            assert terms.get(TERM_OF_TIER[tier], 0.0) >= least[there].sum() * (1 - 1e-9) - 1e-4


def van(*milestones, target_kwh=30.0, **facts):
    return car("E1", target_kwh, milestones=tuple(Milestone(at(h), kwh) for h, kwh in milestones), **facts)


@given(walk=walks(with_milestones, max_size=2), less_kwh=st.sampled_from([1e-4]))
@settings(max_examples=16)
def test_being_in_time_is_worth_what_a_little_less_due_saves(walk, less_kwh):
    for problem, _, _ in solved_walk(walk, HEDGED):
        solved = Scheduler(HEDGED).solve(problem, 30.0)
        worth = solved.planned.in_time_per_kwh
        due = problem.deadlines
        assert (worth >= -1e-9).all()
        assert not worth[due.need_kwh == 0].any()
        easier = replace(due, need_kwh=np.maximum(due.need_kwh - less_kwh, 0.0))
        saved = Scheduler(HEDGED).solve(replace(problem, deadlines=easier), 30.0)
        # A convex cost falls by no more than its slope says.
        falls = solved.solution.objective - saved.solution.objective
        assert -1e-7 <= falls <= less_kwh * worth.sum() + 1e-6


CHEAP_LATE = [0.5] * 8 + [0.1] * 8


def test_energy_is_in_the_car_by_each_milestone_though_later_is_cheaper():
    early = state(site(1), van((1.0, 6.0), (1.5, 12.0)), prices=CHEAP_LATE)
    so_far_kwh = 0.25 * solved(early).power_kw[0].cumsum()
    assert so_far_kwh[3] >= 6.0 - 1e-6
    assert so_far_kwh[[5, 7, 15]] == pytest.approx([12.0, 12.0, 30.0])
    plan = Controller(site(1)).step(early)
    assert plan.schedule.energy_kwh[0, :6].sum() >= 12.0 - 1e-6
    assert not plan.notes


def test_a_plan_says_which_milestone_it_does_not_reach():
    late = state(site(1, limit_kw=6.9), van((1.0, 11.9)))
    (note,) = Controller(site(1)).step(late).notes
    assert "5.0 kWh short of its milestone at 2026-06-01T09:00:00+00:00" in note


def test_what_was_delivered_before_counts():
    done = van((1.0, 6.0), delivered_kwh=6.0)
    plan = Controller(site(1)).step(state(site(1), done, prices=CHEAP_LATE))
    assert plan.schedule.energy_kwh[0, :8].sum() == pytest.approx(0.0)


def test_a_milestone_comes_before_what_others_want_and_not_before_what_they_were_promised():
    wants = car("E2", 30.0, leaves_h=1.0, priority=50.0)
    scarce = state(site(2, limit_kw=6.0), van((1.0, 6.0)), wants)
    power_kw = solved(scarce).power_kw
    assert power_kw[0, :4].sum() * 0.25 == pytest.approx(6.0)
    promised = replace(wants, minimum_kwh=6.0, priority=1.1)
    power_kw = solved(replace(scarce, sessions=(scarce.sessions[0], promised))).power_kw
    assert power_kw[1, :4].sum() * 0.25 == pytest.approx(6.0)


def solved(of):
    return Scheduler(PlanOptions()).solve(problem_of(of, Topology.of(of.site), PlanOptions()), 30.0).planned


def test_a_milestone_between_two_slots_counts_the_part_of_the_slot_before_it():
    one = van((0.375, 22.08 * 0.375))
    power_kw = solved(state(site(1), one, prices=CHEAP_LATE)).power_kw[0]
    assert power_kw[:2] == pytest.approx([22.08, 22.08])


def test_a_site_without_milestones_has_no_law_for_them():
    scheduler, plain = Scheduler(PlanOptions()), state(site(1), car("E1", 10.0))
    top = Topology.of(plain.site)
    scheduler.solve(problem_of(plain, top, PlanOptions()), 30.0)
    with_one = replace(plain, sessions=(van((1.0, 5.0), target_kwh=10.0),))
    assert scheduler.solve(problem_of(with_one, top, PlanOptions()), 30.0).rebuild == "law_added"
    assert scheduler.solve(problem_of(plain, top, PlanOptions()), 30.0).rebuild is None


def test_deadlines_of_cars_that_follow_each_other_are_counted_in_their_own_time():
    first = van((1.0, 4.0), target_kwh=4.0, leaves_h=1.0)
    second = replace(
        van((2.5, 5.0), target_kwh=9.0, leaves_h=4.0, session_id="next"),
        arrival=at(1.0) + timedelta(minutes=15),
    )
    power_kw = solved(state(site(1), first, second, prices=[0.5] * 10 + [0.1] * 6)).power_kw[0] * 0.25
    assert power_kw[:4].sum() == pytest.approx(4.0)
    assert power_kw[5:10].sum() == pytest.approx(5.0)
    assert power_kw.sum() == pytest.approx(13.0)
