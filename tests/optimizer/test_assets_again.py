"""Assets are planned again for real pilots: every limit holds, it costs no more, and the program goes on as before."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from api.examples import examples, state_of
from models.assets import Battery, SiteAssets
from models.grid.site import Evse
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.scheduling.check import breaches
from optimizer.solver.live import LiveProgram, SolverFailedError
from optimizer.solver.outcome import RebuildReason, SolverOutcome
from tests.optimizer.builders import car, site, state
from tests.reference.limits import excesses
from tests.rich_strategies import rich_states, rich_walks

OPTIONS = PlanOptions(deadline_s=30.0)
HOME = site(evses=(Evse("E1"),))
BATTERY = Battery("B", "grid", 0.0, 20.0, 10.0, 10.0, 10.0)


def without_it(controller):
    """The same controller, whose assets do what was planned for them."""
    controller._assets_again = as_planned
    return controller


def as_planned(_following, sent, _attempt, _until_s):
    return sent


@given(of=rich_states())
@settings(max_examples=22)
def test_it_costs_no_more_and_every_limit_holds(of):
    plan = Controller(of.site, OPTIONS).step(of)
    before = without_it(Controller(of.site, OPTIONS)).step(of)
    assert breaches(of, plan.schedule, OPTIONS.load_quantile) == ()
    assert excesses(of, plan.schedule, OPTIONS.load_quantile) == []
    assert plan.report.objective <= before.report.objective + 1e-6 * (1.0 + abs(before.report.objective))


def test_it_saves_where_rounded_cars_leave_batteries_something_to_mend():
    of = state_of(examples()["microgrid"]).to_domain().state
    plan = Controller(of.site, OPTIONS).step(of)
    before = without_it(Controller(of.site, OPTIONS)).step(of)
    assert plan.report.objective < before.report.objective - 0.01


class Second:
    """A solver that is real for a step's program, and ``ends`` where assets are to be planned again."""

    def __init__(self, live, ends):
        self._live, self._ends, self._is_aside = live, ends, False

    def __getattr__(self, name):
        return getattr(self._live, name)

    def stands(self):
        self._is_aside = True
        return self._live.stands()

    def stand(self, stood, numbers):
        self._is_aside = False
        self._live.stand(stood, numbers)

    def solve(self, numbers, coefficients, deadline_s):
        if self._is_aside:
            self._ends()
        return self._live.solve(numbers, coefficients, deadline_s)


def dies():
    raise SolverFailedError(SolverOutcome.MISJUDGED, "infeasible", 0.0)


def breaks():
    raise ArithmeticError("a matrix went bad")


@pytest.mark.parametrize("ends", [dies, breaks])
def test_where_it_fails_the_plan_stands_and_the_next_step_is_as_good(ends):
    of = state_of(examples()["microgrid"]).to_domain().state
    controller = Controller(of.site, OPTIONS)
    controller._scheduler._load = lambda *args: Second(LiveProgram(*args), ends)
    before = without_it(Controller(of.site, OPTIONS)).step(of)
    for _ in range(2):
        plan = controller.step(of)
        assert breaches(of, plan.schedule, OPTIONS.load_quantile) == ()
        assert plan.report.bound == pytest.approx(before.report.bound)
    assert plan.report.rebuild is RebuildReason.SOLVER_LOST


def test_a_car_that_is_full_before_the_next_one_comes_loses_no_solver():
    cars = (
        car("E1", 2.0, leaves_h=0.6),
        car("E1", 8.0, session_id="next", arrives_h=0.6, leaves_h=4.0),
    )
    of = replace(state(HOME, *cars), assets=SiteAssets(batteries=(BATTERY,)))
    controller = Controller(of.site, OPTIONS)
    for _ in range(2):
        plan = controller.step(of)
    assert plan.report.rebuild is None


@given(walk=rich_walks())
@settings(max_examples=11)
def test_what_is_solved_next_is_as_good_as_if_it_had_not_been(walk):
    for plan, other in zip(steps(Controller(walk[0].site, OPTIONS), walk), anew(walk), strict=True):
        if plan.basis is not None and other.basis is not None:
            slack = 1e-6 * (1.0 + abs(other.basis.bound))
            assert abs(plan.basis.bound - other.basis.bound) <= slack


def steps(controller, walk):
    return [controller.step(state) for state in walk]


def anew(walk):
    """What a fresh controller makes of each state."""
    return [without_it(Controller(state.site, OPTIONS)).step(state) for state in walk]
