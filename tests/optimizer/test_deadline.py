"""Every step is answered by its deadline, and what was not ready is there the next time."""

import time
from dataclasses import replace
from threading import Thread

import numpy as np
import pytest

from models.arrays import frozen
from models.errors import InvalidInputError
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.scheduling.scheduler import Scheduler
from optimizer.solver.outcome import RebuildReason, SolverOutcome, SolveStatus
from tests.optimizer.builders import alive_in, bound_of, car, site, state
from tests.reference.limits import excesses

NOW = PlanOptions(deadline_s=0.0)


def crowd(n_evses=40, n_slots=48):
    """A state that takes HiGHS some iterations."""
    large = site(n_evses, limit_kw=60.0)
    cars = [car(f"E{one + 1}", 10.0 + one % 7, leaves_h=3.0 + one % 9) for one in range(n_evses)]
    return state(large, *cars, prices=np.sin(np.arange(n_slots)), demand_charge=10.0)


def repriced(moment):
    prices = frozen(np.cos(np.arange(moment.grid.n_slots)))
    return replace(moment, tariff=replace(moment.tariff, energy_per_kwh=prices))


def test_without_time_to_state_the_program_dispatch_answers():
    late = crowd()
    plan = Controller(late.site, NOW).step(late)
    assert (plan.report.status, plan.report.outcome) == (SolveStatus.DISPATCHED, SolverOutcome.NOT_STATED)
    assert (plan.report.bound, plan.report.gap) == (None, None)
    assert any("least laxity first" in note for note in plan.notes)
    assert plan.schedule.energy_kwh.sum() > 0
    assert excesses(late, plan.schedule, 0.9) == []


def test_what_was_prepared_is_found_by_the_next_step():
    moment = crowd()
    controller = Controller(moment.site, replace(NOW, deadline_s=30.0))
    controller._scheduler._stated_cell_s = 1e6
    assert controller.step(moment).report.outcome is SolverOutcome.NOT_STATED
    thread = Thread(target=controller.prepare, args=(moment,))
    thread.start()
    thread.join()
    found = controller.step(moment).report
    assert found.status.is_planned
    assert found.rebuild is RebuildReason.FIRST
    assert not controller.prepare(moment)


@pytest.mark.parametrize("before", [(), (site(2),)])
def test_what_is_prepared_for_a_site_that_no_step_has_seen_is_found_too(before):
    moment = crowd()
    controller = Controller(moment.site, replace(NOW, deadline_s=30.0))
    for other in before:
        controller.step(state(other, car("E1", 10.0)))
    assert controller.prepare(moment)
    controller._scheduler._stated_cell_s = 1e6
    report = controller.step(moment).report
    assert report.status.is_planned
    assert report.rebuild is (RebuildReason.SITE_CHANGED if before else RebuildReason.FIRST)
    assert report.n_rebuilds == len(before) + 1


def test_what_is_prepared_beside_a_step_changes_nothing_that_the_step_rests_on():
    moment, other = crowd(), state(site(2), car("E1", 10.0))
    controller = Controller(moment.site)
    controller.step(moment)
    before = (controller._known_site, controller._standing, controller._told)
    controller.prepare(other)
    after = (controller._known_site, controller._standing, controller._told)
    assert all(one is same for one, same in zip(before, after, strict=True))


def test_a_site_that_nobody_has_checked_is_checked_by_whoever_comes_first():
    sound = state(site(2), car("E1", 10.0))
    broken = replace(sound, site=replace(sound.site, voltage_v=float("nan")))
    controller = Controller(broken.site)
    controller.step(sound)
    for ask in (controller.prepare, controller.step):
        with pytest.raises(InvalidInputError) as caught:
            ask(broken)
        assert [issue.where for issue in caught.value.issues] == ["site.voltage_v"]
    assert controller.step(sound).report.rebuild is None


def test_a_law_that_comes_later_is_prepared_beside_the_program_that_runs():
    calm = state(site(2), car("E1", 10.0), car("E2", 10.0))
    tight = replace(calm, tariff=replace(calm.tariff, demand_charge_per_kw=3.0))
    controller = Controller(calm.site)
    controller.step(calm)
    controller._scheduler._stated_cell_s = 1e6
    assert controller.step(tight).report.outcome is SolverOutcome.NOT_STATED
    assert controller.prepare(tight)
    assert controller.step(tight).report.rebuild is RebuildReason.LAW_ADDED
    assert controller.step(calm).report.rebuild is None


def test_a_late_step_is_followed_by_a_good_one_from_where_it_stood():
    moment = crowd()
    controller = Controller(moment.site)
    controller.step(moment)
    controller._options = NOW
    moved = repriced(moment)
    late = controller.step(moved).report
    assert (late.status, late.outcome) == (SolveStatus.DISPATCHED, SolverOutcome.LATE)
    assert "Time limit" in late.solver_says
    controller._options = PlanOptions()
    recovered = controller.step(moved).report
    assert (recovered.status.is_planned, recovered.rebuild) == (True, None)
    fresh = Controller(moment.site).step(moved).report
    assert bound_of(recovered) == pytest.approx(bound_of(fresh), rel=1e-6)


class CutShort:
    """A solver whose every run has no time: what it leaves is where it began."""

    def __init__(self, live):
        self._live = live

    def __getattr__(self, name):
        return getattr(self._live, name)

    def solve(self, numbers, coefficients, _):
        return self._live.solve(numbers, coefficients, 0.0)


def test_a_solve_that_is_cut_short_is_never_called_proved_and_never_worse_than_dispatch():
    moment = crowd()
    controller = Controller(moment.site)
    controller.step(moment)
    moved = repriced(moment)
    alone = Controller(moment.site, NOW).step(moved).report
    alive = alive_in(controller._scheduler)
    controller._scheduler._alive = replace(alive, live=CutShort(alive.live))
    plan = controller.step(moved)
    assert plan.report.outcome is SolverOutcome.LATE
    assert plan.report.status in (SolveStatus.FEASIBLE, SolveStatus.DISPATCHED)
    assert plan.report.objective <= alone.objective + 1e-6
    assert any("late" in note for note in plan.notes)
    assert excesses(moved, plan.schedule, 0.9) == []
    best = Controller(moment.site).step(moved).report
    assert plan.report.bound is None or bound_of(plan.report) <= bound_of(best) + 1e-6 * abs(bound_of(best))


def test_the_estimate_of_stating_a_program_is_what_it_took():
    moment = crowd()
    controller = Controller(moment.site)
    started = time.perf_counter()
    controller.step(moment)
    took_s = time.perf_counter() - started
    n_cells = len(moment.site.evses) * moment.grid.n_slots
    assert 0.0 <= controller._scheduler._stated_cell_s * n_cells <= took_s


def test_a_program_that_comes_back_starts_from_its_basis():
    moment = crowd()
    first = Controller(moment.site)
    cold = first.step(moment).report
    moved = replace(moment, billing_peak_kw=moment.billing_peak_kw + 1.0)
    back = Controller(moment.site, parked=first.parked()).step(moved).report
    fresh = Controller(moment.site).step(moved).report
    assert back.rebuild is RebuildReason.RETURNED
    assert back.bound == pytest.approx(bound_of(fresh), rel=1e-6)
    assert cold.n_iterations > 50
    assert back.n_iterations < 0.2 * fresh.n_iterations


def test_a_program_that_was_never_solved_is_parked_as_nothing():
    assert Controller(site(1)).parked() is None
    assert Scheduler(PlanOptions()).parked() is None
