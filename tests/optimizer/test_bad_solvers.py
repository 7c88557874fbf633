"""Solvers that die, lie or muddle: every step is answered, no limit is exceeded, nothing is claimed that is not so."""

from dataclasses import replace

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from optimizer.mpc import Controller
from optimizer.solver.live import OUTCOMES, RETRIES, LiveProgram, SolverFailedError
from optimizer.solver.outcome import RebuildReason, Setting, SolverOutcome, SolveStatus
from tests.optimizer.builders import alive_in, bound_of, car, site, state
from tests.reference.limits import excesses
from tests.strategies import state_walks

TWO = site(2, limit_kw=20.0)
CARS = (car("E1", 20.0), car("E2", 20.0))


class Stand:
    """A solver that answers like the real one, but for what ``bend`` makes of the answer."""

    def __init__(self, live, bend):
        self._live, self._bend = live, bend

    def __getattr__(self, name):
        return getattr(self._live, name)

    def solve(self, numbers, coefficients, deadline_s):
        return self._bend(self._live.solve(numbers, coefficients, deadline_s))


def with_solver(controller, bend):
    """A controller of which every solver from now on is bent."""
    scheduler = controller._scheduler
    scheduler._load = lambda *args: Stand(LiveProgram(*args), bend)
    return controller


def dies(_):
    raise SolverFailedError(SolverOutcome.BROKEN, "it died", 0.0)


def breaks(_):
    raise ArithmeticError("a matrix went bad")


def gives_no_numbers(found):
    return replace(found, values=frozen(np.full(found.values.size, np.nan)))


def gives_infinite_duals(found):
    return replace(found, row_duals=frozen(np.full(found.row_duals.size, np.inf)))


def is_late(found):
    return replace(found, outcome=SolverOutcome.LATE)


def lies_about_power(found):
    return replace(found, values=frozen(found.values * 7.0 + 3.0))


def lies_about_nothing_to_do(found):
    return replace(found, values=frozen(np.zeros(found.values.size)), row_duals=frozen(found.row_duals * 0.0))


def lies_about_duals(found):
    return replace(found, row_duals=frozen(-5.0 * found.row_duals - 1.0))


def lies_about_its_objective(found):
    return replace(found, objective=found.objective - 1e6)


FAILING = (dies, breaks, gives_no_numbers, gives_infinite_duals)
LYING = (lies_about_power, lies_about_nothing_to_do, lies_about_duals, lies_about_its_objective)


@given(walk=state_walks(max_size=2), bend=st.sampled_from((*FAILING, *LYING, is_late)))
@settings(max_examples=50)
def test_whatever_the_solver_does_every_step_keeps_every_limit(walk, bend):
    controller = with_solver(Controller(walk[0].site), bend)
    for one in walk:
        plan = controller.step(one)
        assert excesses(one, plan.schedule, 0.9) == []
        assert plan.report.status is not SolveStatus.PROVED or bend in LYING


@given(walk=state_walks(max_size=2), bend=st.sampled_from(LYING))
@settings(max_examples=30)
def test_a_lie_proves_nothing(walk, bend):
    liar, honest = with_solver(Controller(walk[0].site), bend), Controller(walk[0].site)
    for one in walk:
        told, truth = liar.step(one).report, honest.step(one).report
        if told.bound is not None:
            assert bound_of(told) <= truth.objective + 1e-6 * max(1.0, abs(truth.objective))
            assert bound_of(told) <= bound_of(truth) + 1e-6 * max(1.0, abs(bound_of(truth)))


@pytest.mark.parametrize("bend", FAILING, ids=lambda bend: bend.__name__)
def test_a_solver_that_fails_is_answered_for_and_loaded_again(bend):
    controller = with_solver(Controller(TWO), bend)
    here = state(TWO, *CARS)
    failed = controller.step(here).report
    assert (failed.status, failed.outcome) == (SolveStatus.DISPATCHED, SolverOutcome.BROKEN)
    controller._scheduler._load = LiveProgram
    mended = controller.step(here).report
    assert (mended.status.is_planned, mended.rebuild) == (True, RebuildReason.SOLVER_LOST)
    assert mended.bound == pytest.approx(bound_of(Controller(TWO).step(here).report))
    assert controller.step(here).report.rebuild is None


class Ending:
    """A HiGHS that says of its first runs what it is told to, and then what is so."""

    def __init__(self, highs, says, n_runs):
        self._highs, self._says, self._n_left = highs, says, n_runs

    def __getattr__(self, name):
        return getattr(self._highs, name)

    def run(self):
        self._n_left -= 1
        return self._highs.run()

    def getModelStatus(self):  # noqa: N802 - HiGHS calls it so
        return self._says if self._n_left >= 0 else self._highs.getModelStatus()


def ending(says, n_runs):
    controller = Controller(TWO)
    controller.step(state(TWO, *CARS))
    live = alive_in(controller._scheduler).live
    live._highs = Ending(live._highs, says, n_runs)
    return controller


NUMERIC = [
    name for name, outcome in OUTCOMES.items() if outcome in (SolverOutcome.MISJUDGED, SolverOutcome.UNSURE)
]


@pytest.mark.parametrize("n_failures", [1, 2])
@pytest.mark.parametrize("name", NUMERIC)
def test_numerical_trouble_is_met_with_another_setting_and_counted(name, n_failures):
    controller = ending(highspy.HighsModelStatus.__members__[name], n_failures)
    moved = state(TWO, car("E1", 15.0), car("E2", 20.0))
    report = controller.step(moved).report
    assert report.status.is_planned
    assert report.bound == pytest.approx(bound_of(Controller(TWO).step(moved).report))
    counts = {count.name: count.n for count in report.counts}
    assert [counts.get(f"runs, {setting}", 0) for setting in RETRIES] == [1, n_failures - 1]


@pytest.mark.parametrize("name", sorted(highspy.HighsModelStatus.__members__))
def test_every_status_of_the_solver_has_an_answer(name):
    assert name in OUTCOMES
    controller = ending(highspy.HighsModelStatus.__members__[name], 99)
    moved = state(TWO, car("E1", 15.0), car("E2", 20.0))
    report = controller.step(moved).report
    assert report.outcome is OUTCOMES[name]
    if report.outcome is not SolverOutcome.OPTIMAL:
        assert report.status is not SolveStatus.PROVED


def test_every_setting_says_what_the_solver_knows():
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    from optimizer.solver.live import OPTIONS

    assert set(OPTIONS) == set(Setting)
    for options in OPTIONS.values():
        for option, value in options:
            assert highs.setOptionValue(option, value) == highspy.HighsStatus.kOk


def test_the_report_says_how_far_the_numbers_lie_apart():
    report = Controller(TWO).step(state(TWO, *CARS)).report
    assert {one.of for one in report.ranges} == {"coefficient", "cost", "bound"}
    assert all(0.0 < one.least <= one.greatest < 1e9 for one in report.ranges)
