"""A controller step after step: rebuilds have a reason, a lost solver is answered for, empty sites are no fault."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import highspy
import numpy as np
import pytest
from hypothesis import given, settings

from models.arrays import frozen
from models.errors import InvalidInputError
from models.grid.site import Evse
from models.load import LoadForecast
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.scheduling.scheduler import Scheduler
from optimizer.solver.outcome import RebuildReason, SolveStatus
from tests.optimizer.builders import NOW, at, car, limit, site, state
from tests.reference.limits import excesses
from tests.strategies import states

TWO = site(2, limit_kw=20.0)
CARS = (car("E1", 20.0), car("E2", 20.0))


def rebuilds(controller, *moments):
    return [controller.step(one).report.rebuild for one in moments]


def test_the_first_step_states_the_program_and_the_second_does_not():
    assert rebuilds(Controller(TWO), state(TWO, *CARS), state(TWO, *CARS)) == [RebuildReason.FIRST, None]


def test_a_site_that_changed_is_stated_again_and_one_that_equals_it_is_not():
    wider = site(2, limit_kw=25.0)
    again = site(2, limit_kw=25.0)
    found = rebuilds(Controller(TWO), state(TWO, *CARS), state(wider, *CARS), state(again, *CARS))
    assert found == [RebuildReason.FIRST, RebuildReason.SITE_CHANGED, None]


@pytest.mark.parametrize("shape", [{"n_slots": 8}, {"n_slots": 16, "step_s": 300}])
def test_another_horizon_is_stated_again(shape):
    controller = Controller(TWO)
    assert rebuilds(controller, state(TWO, *CARS), state(TWO, *CARS, **shape)) == [
        RebuildReason.FIRST,
        RebuildReason.HORIZON_CHANGED,
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"demand_charge": 10.0},
        {"limits": (limit(9.0),)},
        {"loads": (LoadForecast("grid", frozen([0.5]), frozen(np.full((1, 16), 15.0)), frozen([1, 0, 0])),)},
    ],
    ids=lambda more: next(iter(more)),
)
def test_a_law_that_was_not_stated_is_added_once_and_then_kept(more):
    roomy = site(1, limit_kw=100.0, limit_a=(90.0, 90.0, 90.0))
    plain, with_more = state(roomy, car("E1", 20.0)), state(roomy, car("E1", 20.0), **more)
    if "loads" in more:
        with_more = replace(with_more, site=roomy, limits=(limit(20.0),))
    found = rebuilds(Controller(roomy), plain, with_more, plain, with_more)
    assert found == [RebuildReason.FIRST, RebuildReason.LAW_ADDED, None, None]


def test_a_second_car_in_line_adds_a_law_once():
    first, follows = car("E1", 5.0, leaves_h=2.0), car("E1", 5.0, session_id="next", arrives_h=2.1)
    alone, queue = state(TWO, first), state(TWO, first, follows)
    found = rebuilds(Controller(TWO), alone, queue, alone)
    assert found == [RebuildReason.FIRST, RebuildReason.LAW_ADDED, None]


def test_a_day_that_moves_on_is_never_stated_again():
    controller = Controller(TWO)
    for tick in range(60):
        now = NOW + timedelta(minutes=7 * tick)
        hours = tick * 7 / 60
        cars = [car("E1", 20.0, arrives_h=hours - 0.5, leaves_h=hours + 1 + tick % 5, n_phases=1 + tick % 3)]
        cars += [car("E2", 30.0, arrives_h=hours + 0.2, leaves_h=hours + 3)] if tick % 4 else []
        prices = 0.3 + 0.1 * np.sin(np.arange(16) + tick)
        moment = state(TWO, *cars, prices=prices, start=TimeGrid.around(now, 900, 16).start, now=now)
        report = controller.step(moment).report
        assert (report.rebuild is None) == (tick > 0)
    assert report.n_rebuilds == 1


class Broken:
    """A HiGHS whose runs end badly."""

    def __init__(self, highs, ending):
        self._highs, self._ending = highs, ending

    def __getattr__(self, name):
        return getattr(self._highs, name)

    def run(self):
        return self._ending()

    def getModelStatus(self):  # noqa: N802 - HiGHS calls it so
        return highspy.HighsModelStatus.kSolveError


def error_status():
    return highspy.HighsStatus.kError


def raised():
    raise RuntimeError("the solver died")


@pytest.mark.parametrize("ending", [error_status, raised])
def test_a_solver_that_dies_is_answered_for_and_then_replaced(ending):
    controller = Controller(TWO)
    moment = state(TWO, *CARS)
    first = controller.step(moment)
    alive = controller._scheduler._alive
    assert alive is not None
    live: Any = alive.live
    live._highs = Broken(live._highs, ending)
    second = controller.step(state(TWO, *CARS, prices=[0.5] * 16))
    assert second.report.status is SolveStatus.DISPATCHED
    assert excesses(moment, second.schedule, 0.9) == []
    third = controller.step(moment)
    assert third.report.rebuild is RebuildReason.SOLVER_LOST
    assert third.report.status.is_planned
    assert third.report.objective == pytest.approx(first.report.objective)
    assert controller.step(moment).report.rebuild is None


class Muddled(Broken):
    """A HiGHS that does not know what it found from its old basis, as it happens with some; without it, it does."""

    def __init__(self, highs):
        super().__init__(highs, highs.run)
        self._is_muddled = True

    def clearSolver(self):  # noqa: N802 - HiGHS calls it so
        self._is_muddled = False
        return self._highs.clearSolver()

    def getModelStatus(self):  # noqa: N802 - HiGHS calls it so
        return highspy.HighsModelStatus.kUnknown if self._is_muddled else self._highs.getModelStatus()


def test_a_solver_that_its_old_basis_misleads_solves_without_it():
    controller = Controller(TWO)
    controller.step(state(TWO, *CARS))
    alive = controller._scheduler._alive
    assert alive is not None
    live: Any = alive.live
    live._highs = Muddled(live._highs)
    moved = state(TWO, *CARS, prices=[0.5] * 16)
    report = controller.step(moved).report
    assert (report.status.is_planned, report.rebuild) == (True, None)
    assert report.objective == pytest.approx(Controller(TWO).step(moved).report.objective)


@given(state=states())
@settings(max_examples=30)
def test_a_state_that_comes_twice_gives_one_plan(state):
    controller = Controller(state.site)
    first, second = controller.step(state), Controller(state.site).step(state)
    assert (first.schedule.pilot_a == second.schedule.pilot_a).all()
    assert first.prices == second.prices


def test_a_site_without_stations_has_an_empty_plan():
    empty = site(evses=())
    empty = replace(empty, stations=())
    plan = Controller(empty).step(state(empty))
    assert plan.report.status.is_planned
    assert plan.schedule.pilot_a.shape == (0, 16)
    assert len(plan.prices.slots) == 16


@pytest.mark.parametrize("n_slots", [1, 16])
def test_nobody_plugged_in_means_nobody_charges(n_slots):
    plan = Controller(TWO).step(state(TWO, n_slots=n_slots))
    assert plan.report.status.is_planned
    assert not plan.schedule.pilot_a.any()
    assert plan.unmet == ()


def test_all_cars_may_leave_and_come_back():
    controller = Controller(TWO)
    counts = [controller.step(state(TWO, *cars)).schedule.energy_kwh.sum() for cars in (CARS, (), CARS)]
    assert counts == pytest.approx([40.0, 0.0, 40.0])


def test_a_car_that_is_full_gets_nothing_and_lacks_nothing():
    full = state(TWO, car("E1", 10.0, delivered_kwh=12.0), car("E2", 0.0))
    plan = Controller(TWO).step(full)
    assert not plan.schedule.pilot_a.any()
    assert plan.unmet == ()


def test_one_slot_is_a_horizon():
    plan = Controller(TWO).step(state(TWO, *CARS, n_slots=1, now=at(0.1)))
    assert plan.report.status.is_planned
    assert plan.schedule.energy_kwh.sum() <= 20.0 * 0.15 + 1e-6


def test_a_state_that_is_refused_leaves_the_controller_as_it_was():
    controller = Controller(TWO)
    controller.step(state(TWO, *CARS))
    with pytest.raises(InvalidInputError):
        controller.step(state(TWO, car("nowhere", 5.0)))
    assert controller.step(state(TWO, *CARS)).report.rebuild is None


def test_a_bad_site_is_refused_at_first_and_after_a_good_one():
    bad = site(evses=(Evse("E1", max_current_a=-1.0), Evse("E2")))
    fresh, used = Controller(bad), Controller(TWO)
    used.step(state(TWO, *CARS))
    for controller in (fresh, used, used):
        with pytest.raises(InvalidInputError):
            controller.step(state(bad, *CARS))


@pytest.mark.parametrize("charging", [0, 1])
def test_alone_dispatch_does_not_switch_between_equal_cars(charging):
    tight = site(2, limit_kw=6 * 0.69)
    controller = Controller(tight, PlanOptions(deadline_s=0.0))
    alone = controller.step(state(tight, car(f"E{charging + 1}", 20.0)))
    both = controller.step(state(tight, car("E1", 20.0), car("E2", 20.0)))
    for plan in (alone, both):
        assert plan.schedule.pilot_a[charging, 0] == 6.0
        assert plan.schedule.pilot_a[1 - charging, 0] == 0.0


def test_whatever_breaks_in_the_scheduler_dispatch_answers_and_says_so(monkeypatch):
    here = state(site(2, limit_kw=8.0), car("E1", 10.0), car("E2", 10.0))
    controller = Controller(here.site)

    def broken(*_):
        raise ArithmeticError("a matrix went bad")

    with monkeypatch.context() as patched:
        patched.setattr(Scheduler, "solve", broken)
        plan = controller.step(here)
    assert plan.report.status is SolveStatus.DISPATCHED
    assert any("a matrix went bad" in note for note in plan.notes)
    assert plan.schedule.power_kw.sum(axis=0).max() <= 8.0 + 1e-6
    assert plan.schedule.energy_kwh.sum() > 0
    assert controller.step(here).report.status.is_planned
