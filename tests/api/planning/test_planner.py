"""The planner keeps programs within its budget, states them in the background, and puts them away to come back warm."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from api.planning.planner import Planner
from models.arrays import frozen
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.solver.outcome import RebuildReason, SolverOutcome, SolveStatus
from tests.optimizer.builders import car, site, state

PATIENT = PlanOptions(deadline_s=60.0)


def crowd(name, n_evses=40, n_slots=48):
    """A state of a site of its own that takes the solver some iterations."""
    large = replace(site(n_evses, limit_kw=60.0), site_id=name)
    cars = [car(f"E{one + 1}", 10.0 + one % 7, leaves_h=3.0 + one % 9) for one in range(n_evses)]
    return state(large, *cars, prices=np.sin(np.arange(n_slots)), demand_charge=10.0)


@pytest.fixture
def make_planner():
    made = []

    def make(**facts):
        made.append(Planner(**facts))
        return made[-1]

    yield make
    for planner in made:
        planner.close()


def test_a_site_that_was_put_away_comes_back_from_its_basis(make_planner):
    planner = make_planner(max_live=1)
    here, there = crowd("here"), crowd("there")
    cold = planner.plan(here, PATIENT).report
    planner.plan(there, PATIENT)
    assert (planner.n_live, planner.n_parked) == (1, 1)
    moved = replace(here, billing_peak_kw=1.0)
    back = planner.plan(moved, PATIENT).report
    assert back.rebuild is RebuildReason.RETURNED
    assert back.n_iterations < 0.2 * cold.n_iterations
    assert back.bound == pytest.approx(planner.plan(moved, PATIENT).report.bound, rel=1e-6)


def test_what_is_kept_of_a_site_that_was_put_away_is_small(make_planner):
    planner = make_planner(max_live=1)
    planner.plan(crowd("here"), PATIENT)
    planner.plan(crowd("there"), PATIENT)
    (parked,) = planner._parked.values()
    assert len(parked.basis.columns) + len(parked.basis.rows) < 10_000


def test_a_program_that_is_in_use_is_not_put_away(make_planner):
    inside, go_on = threading.Event(), threading.Event()

    class Waiting(Controller):
        def step(self, one):
            if one.site.site_id == "busy":
                inside.set()
                assert go_on.wait(30)
            return super().step(one)

    planner = make_planner(max_live=1, controller=Waiting)
    busy = threading.Thread(target=planner.plan, args=(crowd("busy"), PATIENT))
    busy.start()
    assert inside.wait(30)
    planner.plan(crowd("other"), PATIENT)
    assert [structure.site.site_id for structure in planner._live] == ["busy"]
    go_on.set()
    busy.join()
    assert planner.n_live == 1


def test_a_program_that_there_was_no_time_for_is_stated_in_the_background(make_planner):
    class Hurried(Controller):
        def __init__(self, *args, **facts):
            super().__init__(*args, **facts)
            self._scheduler._stated_cell_s = 1e6

    planner = make_planner(controller=Hurried)
    here = crowd("here")
    first = planner.plan(here, PATIENT).report
    assert (first.status, first.outcome) == (SolveStatus.DISPATCHED, SolverOutcome.NOT_STATED)
    assert planner.settle()
    assert not planner.settle()
    second = planner.plan(here, PATIENT).report
    assert (second.outcome, second.rebuild) == (SolverOutcome.OPTIMAL, RebuildReason.FIRST)


def test_while_a_program_is_stated_plans_go_on_and_it_is_stated_once(make_planner):
    go_on, n_stated = threading.Event(), []

    class Slow(Controller):
        def __init__(self, *args, **facts):
            super().__init__(*args, **facts)
            self._scheduler._stated_cell_s = 1e6

        def prepare(self, one):
            n_stated.append(1)
            assert go_on.wait(30)
            return super().prepare(one)

    planner = make_planner(controller=Slow)
    here = crowd("here")
    for _ in range(3):
        report = planner.plan(here, PATIENT).report
        assert report.outcome is SolverOutcome.NOT_STATED
    go_on.set()
    planner.settle()
    assert n_stated == [1]
    moved = replace(here, tariff=replace(here.tariff, energy_per_kwh=frozen(np.cos(np.arange(48)))))
    assert planner.plan(moved, PATIENT).report.outcome is SolverOutcome.OPTIMAL
