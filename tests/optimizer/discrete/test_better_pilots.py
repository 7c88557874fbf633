"""Better pilots: within every limit, on the EVSEs' steps, never dearer, no promise broken, contactors spared."""

from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.assets import SiteAssets
from models.grid.site import Evse
from models.sessions import Acceptance, Departure, DischargeOffer, Milestone
from optimizer.discrete.manner import cars_of
from optimizer.discrete.reply import Grid, window_kernel
from optimizer.discrete.runs import kwh_kernel
from optimizer.discrete.standing import Standing
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.promises import broken_kwh
from optimizer.scheduling.check import breaches
from optimizer.scheduling.dispatch import wires_of
from optimizer.scheduling.scheduler import Scheduler
from optimizer.scheduling.switching import n_restarts
from optimizer.scheduling.taken import taken_kwh
from optimizer.topology import Topology
from tests.optimizer.builders import FULL_KW, at, car, site, state
from tests.reference.limits import excesses
from tests.strategies import problems, rich_states, states

PATIENT = PlanOptions(deadline_s=60.0, search_s=30.0)
EXPLORED = (Phase.explicit, Phase.reuse, Phase.generate)
"""A step takes too long for a failing example to be made small."""


def plans(moment, options=PATIENT):
    """The plan without the search and with it."""
    return [
        Controller(moment.site, replace(options, search_s=search_s)).step(moment) for search_s in (0.0, 30.0)
    ]


@given(moment=st.one_of(states(), rich_states()))
@settings(max_examples=22, phases=EXPLORED)
def test_better_pilots_keep_every_limit_and_the_steps_of_their_evse(moment):
    schedule = Controller(moment.site, PATIENT).step(moment).schedule
    assert breaches(moment, schedule, PATIENT.load_quantile) == ()
    levels_a = Topology.of(moment.site).levels_a
    for row, allowed in zip(schedule.pilot_a, levels_a, strict=True):
        nearest = np.abs(np.subtract.outer(row, [0.0, *allowed[np.isfinite(allowed)]])).min(axis=1)
        assert (nearest <= 1e-9).all()


@given(moment=st.one_of(states(), rich_states()))
@settings(max_examples=22, phases=EXPLORED)
def test_better_pilots_keep_every_limit_counted_car_by_car(moment):
    bare = replace(moment, assets=SiteAssets())
    schedule = Controller(bare.site, PATIENT).step(bare).schedule
    assert excesses(bare, schedule, PATIENT.load_quantile) == []


@given(moment=st.one_of(states(), rich_states()))
@settings(max_examples=22, phases=EXPLORED)
def test_better_pilots_cost_no_more_and_break_no_more_promises(moment):
    rounded, better = plans(with_free_contactors(moment))
    noise = 1e-6 * max(1.0, abs(rounded.report.objective))
    assert better.report.objective <= rounded.report.objective + noise
    assert broken_kwh(better.promises) <= broken_kwh(rounded.promises) + 1e-6


def with_free_contactors(moment):
    """The same without least times: those come before cost."""
    stations = tuple(
        replace(one, evses=tuple(replace(evse, min_run_s=0.0, min_pause_s=0.0) for evse in one.evses))
        for one in moment.site.stations
    )
    return replace(moment, site=replace(moment.site, stations=stations))


def held_site(n_evses, min_run_s, min_pause_s):
    evses = tuple(Evse(f"E{k + 1}", min_run_s=min_run_s, min_pause_s=min_pause_s) for k in range(n_evses))
    return site(n_evses, evses=evses)


@st.composite
def held_states(draw):
    """A site whose contactors have least times, and prices that would have them chatter."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    held = held_site(3, 900.0 * draw(st.integers(0, 3)), 900.0 * draw(st.integers(0, 3)))
    cars = [car(one, rng.uniform(3.0, 30.0), leaves_h=rng.uniform(2.0, 4.0)) for one in held.evse_ids]
    return state(held, *cars, prices=rng.choice([0.1, 0.2, 0.3], 16))


def lengths(row, wants):
    """(is on, slots) of every run and pause while a car wants energy."""
    return [(is_on, len(list(group))) for is_on, group in groupby((row > 0)[wants].tolist())]


@given(moment=held_states())
@settings(max_examples=16)
def test_where_nothing_limits_them_runs_and_pauses_last_as_long_as_they_must(moment):
    plan = Controller(moment.site, PATIENT).step(moment)
    run, pause = (moment.site.evses[0].min_run_s / 900.0, moment.site.evses[0].min_pause_s / 900.0)
    for row, energy, one in zip(
        plan.schedule.pilot_a, plan.schedule.energy_kwh, moment.sessions, strict=True
    ):
        before_kwh = np.cumsum(energy) - energy
        spans = lengths(row, before_kwh < min(one.target_kwh, energy.sum()) - 1e-6)
        inner = spans[1:-1] if spans and not spans[0][0] else spans[:-1]
        assert all(n >= (run if is_on else pause) for is_on, n in inner)


def test_a_car_that_was_just_switched_on_runs_on_and_one_that_was_switched_off_pauses():
    held = held_site(1, 2700.0, 2700.0)
    cheap_now = state(held, car("E1", 15.0), prices=[0.1] * 3 + [0.5] * 13)
    controller = Controller(held, PATIENT)
    assert controller.step(cheap_now).schedule.pilot_a[0, 0] > 0
    later = state(held, car("E1", 15.0), prices=[9.0] * 2 + [0.1] * 14, start=at(0.25))
    plan = controller.step(later)
    assert (plan.schedule.pilot_a[0, :2] > 0).all()
    controller._standing = Standing(np.array([False]), np.array([at(0.2).timestamp()]))
    cheap = state(held, car("E1", 15.0), prices=[0.1] * 2 + [0.5] * 14, start=at(0.25))
    assert not controller.step(cheap).schedule.pilot_a[0, :2].any()


@given(seed=st.integers(0, 2**16), switch_cost=st.sampled_from([0.02, 0.5]))
@settings(max_examples=14)
def test_a_price_of_switching_makes_plans_calmer_and_is_counted(seed, switch_cost):
    rng = np.random.default_rng(seed)
    crowded = site(4, limit_kw=1.7 * FULL_KW)
    cars = [car(one, rng.uniform(5.0, 25.0), leaves_h=rng.uniform(2.0, 4.0)) for one in crowded.evse_ids]
    cheap = state(crowded, *cars, prices=rng.uniform(0.1, 0.4, 16))
    dear = replace(cheap, tariff=replace(cheap.tariff, switch_cost=switch_cost))
    free = Controller(crowded, replace(PATIENT, calm_per_switch=0.0)).step(cheap)
    plan = Controller(crowded, PATIENT).step(dear)
    counts = [restarts_of(one, moment) for one, moment in ((free, cheap), (plan, dear))]
    assert counts[1] <= counts[0]
    terms = {term.name: term.value for term in plan.report.terms}
    assert terms["wear of switching"] == pytest.approx(2 * counts[1] * switch_cost)
    assert terms["calm"] == pytest.approx(2 * counts[1] * PATIENT.calm_per_switch)


def restarts_of(plan, moment):
    problem = problem_of(moment, Topology.of(moment.site), PATIENT)
    nobody = np.zeros(problem.topology.n_evses, dtype=bool)
    return int(n_restarts(problem, plan.schedule.pilot_a, nobody).sum())


@given(problem=problems(), seed=st.integers(0, 2**16))
@settings(max_examples=33)
def test_restarts_are_what_is_switched_on_again_while_a_car_wants_energy(problem, seed):
    rng = np.random.default_rng(seed)
    pilot_a = np.where(rng.random(problem.max_a.shape) < 0.5, problem.max_a, 0.0)
    charging = rng.random(len(pilot_a)) < 0.5
    expected = []
    for evse, row in enumerate(pilot_a):
        count, taken = 0, set()
        for seat in range(problem.n_seats):
            slots = [t for t in np.nonzero(problem.connected_h[evse, seat])[0] if t not in taken]
            taken |= set(slots)
            was_on = has_run = bool(charging[evse] and 0 in slots)
            left_kwh = problem.need_kwh[evse, seat]
            for t in np.nonzero(problem.connected_h[evse, seat])[0]:
                is_on = bool(row[t] > 0)
                if t in slots:
                    count += is_on and has_run and not was_on and left_kwh > 1e-6
                    was_on, has_run = is_on, has_run or is_on
                left_kwh -= row[t] * problem.kw_per_a[evse, t] * problem.connected_h[evse, seat, t]
        expected.append(count)
    assert n_restarts(problem, pilot_a, charging).tolist() == expected


def test_a_search_without_time_sends_what_was_rounded():
    crowded = site(4, limit_kw=1.7 * FULL_KW)
    moment = state(crowded, *(car(one, 12.0) for one in crowded.evse_ids), prices=np.linspace(0.4, 0.1, 16))
    rounded, better = plans(moment)
    hurried = Controller(crowded, replace(PATIENT, search_s=1e-9)).step(moment)
    assert hurried.schedule.pilot_a.tolist() == rounded.schedule.pilot_a.tolist()
    assert better.report.objective < rounded.report.objective


def test_pilots_are_better_where_a_promise_was_made():
    crowded = site(3, limit_kw=FULL_KW)
    cars = [car("E1", 12.0, promised_kwh=12.0), car("E2", 15.0), car("E3", 15.0)]
    rounded, better = plans(state(crowded, *cars, prices=np.linspace(0.1, 0.4, 16)))
    assert better.report.objective <= rounded.report.objective
    assert all(one.is_kept for one in better.promises)


def test_better_pilots_are_less_late_for_milestones_in_a_crowd():
    crowded = site(4, limit_kw=1.2 * FULL_KW)
    milestone = (Milestone(at(2.0), 8.0),)
    cars = [car(one, 15.0, milestones=milestone) for one in crowded.evse_ids]
    rounded, better = plans(state(crowded, *cars, prices=np.linspace(0.4, 0.1, 16)))
    late = [
        next(term.value for term in one.report.terms if term.name == "energy late for a milestone")
        for one in (rounded, better)
    ]
    assert late[1] <= late[0]
    assert better.report.objective < rounded.report.objective


def test_better_pilots_fill_batteries_that_accept_less_and_less():
    crowded = site(4, limit_kw=1.7 * FULL_KW)
    tapers = Acceptance(knee_kwh=6.0, full_kwh=16.0, full_power_kw=FULL_KW)
    cars = [car(one, 14.0, acceptance=tapers) for one in crowded.evse_ids]
    rounded, better = plans(state(crowded, *cars, prices=np.linspace(0.4, 0.1, 16)))
    assert sum(better.session_kwh.values()) >= sum(rounded.session_kwh.values())
    assert better.report.objective < rounded.report.objective


@given(moment=rich_states())
@settings(max_examples=14, phases=EXPLORED)
def test_better_pilots_cost_no_more_where_early_leavers_are_hedged(moment):
    hedged = replace(PATIENT, departure_quantile=0.7, hedge_quantiles=(0.2, 0.5))
    rounded, better = plans(with_free_contactors(moment), hedged)
    noise = 1e-6 * max(1.0, abs(rounded.report.objective))
    assert better.report.objective <= rounded.report.objective + noise


def tapering(n_evses=3):
    """Cars whose power falls from half of their need on."""
    crowded = site(n_evses, limit_kw=1.7 * FULL_KW)
    tapers = Acceptance(knee_kwh=6.0, full_kwh=16.0, full_power_kw=FULL_KW)
    cars = [car(one, 14.0, acceptance=tapers) for one in crowded.evse_ids]
    later = car("E1", 9.0, leaves_h=4.0, arrives_h=2.1, session_id="next")
    first = replace(cars[0], departure=Departure.at(at(2.1)))
    return state(crowded, first, later, *cars[1:])


@given(seed=st.integers(0, 2**16))
@settings(max_examples=22)
def test_the_search_counts_the_energy_that_cars_are_said_to_take(seed):
    moment = tapering()
    problem = problem_of(moment, Topology.of(moment.site), PATIENT)
    planned = Scheduler(PATIENT).solve(problem, 30.0).planned
    cars = cars_of(problem, planned, Scheduler(PATIENT).moment_of(problem))
    rng = np.random.default_rng(seed)
    pilot_a = np.where(rng.random(problem.max_a.shape) < 0.6, rng.integers(6, 33, problem.max_a.shape), 0.0)
    pilot_a = np.where(problem.max_a > 0, pilot_a, 0.0)
    taken = taken_kwh(problem, pilot_a, np.zeros_like(pilot_a))
    offset = problem.limits.offset.T
    total = np.ascontiguousarray(np.stack([offset.real, offset.imag], axis=-1))
    lines = problem.n_lines.T.copy(order="C")
    grid = Grid(wires_of(problem), total, np.full(total.shape[:2], np.inf), lines)
    for evse in range(len(pilot_a)):
        for seat in range(problem.n_seats):
            window = window_kernel(evse, seat, 0, cars, grid)
            offered = np.cumsum(kwh_kernel(pilot_a[evse][window.slot], window))
            counted = np.minimum(offered, problem.need_kwh[evse, seat])
            assert counted == pytest.approx(np.cumsum(taken[evse, seat, window.slot]), abs=1e-9)


def test_restarts_of_a_tapering_car_count_until_it_is_full():
    tapers = Acceptance(knee_kwh=2.0, full_kwh=15.0, full_power_kw=FULL_KW)
    moment = state(site(1), car("E1", 14.0, acceptance=tapers))
    problem = problem_of(moment, Topology.of(moment.site), PATIENT)
    pilot_a = np.full((1, 16), 32.0)
    pilot_a[0, [2, 4]] = 0.0
    assert taken_kwh(problem, pilot_a, np.zeros_like(pilot_a))[0, 0, :5].sum() < 12.0
    assert n_restarts(problem, pilot_a, np.array([False])).tolist() == [2]


def test_no_bill_rises_for_better_pilots_beside_a_car_that_gives_back():
    evses = (Evse("E1", max_discharge_a=16.0), Evse("E2"), Evse("E3"))
    crowded = site(evses=evses, limit_kw=2.0 * FULL_KW)
    offer = DischargeOffer(8.0, 40.0, 20.0, 60.0, 0.95, 0.95, 0.01)
    cars = [car("E1", 0.0, discharge=offer), *(car(one, 15.0, leaves_h=1.2) for one in ("E2", "E3"))]
    moment = state(crowded, *cars, prices=np.linspace(0.4, 0.1, 16), demand_charge=9.0)
    rounded, better = plans(moment)
    assert rounded.schedule.back
    peaks = [max((one.schedule.power_kw - one.schedule.back_kw()).sum(axis=0)) for one in (rounded, better)]
    assert peaks[1] <= peaks[0] + 1e-6
    assert better.report.objective <= rounded.report.objective + 1e-6


def test_contactors_that_closed_for_another_car_do_not_hold_this_one():
    moment = state(site(1), car("E1", 10.0, arrives_h=-0.1))
    problem = problem_of(moment, Topology.of(moment.site), PATIENT)
    standing = Standing(np.array([True]), frozen([at(-5.0).timestamp()]))
    assert not standing.charging_of(problem).any()
    assert replace(standing, since_s=frozen([at(0.0).timestamp()])).charging_of(problem).all()
    again = standing.told(np.array([6.0]), moment.now)
    assert again.since_s.tolist() == standing.since_s.tolist()
