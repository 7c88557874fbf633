"""A program that is compiled once and moved, beside the same problem stated anew and solved through Pyomo."""

from dataclasses import replace

import pyomo.environ as pyo
import pytest

from models.assets import SiteAssets
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, state_program
from optimizer.scheduling.scheduler import Scheduler
from optimizer.scheduling.worth import total_of, worth
from optimizer.topology import Topology

OPTIONS = PlanOptions()
_PATIENCE_S = 60.0
"""A busy machine is no reason to compare less: the deadline of plans has tests of its own."""


def solved_by_pyomo(problem, epoch_s, options=OPTIONS):
    """Objective of the problem stated anew and solved cold through Pyomo's own interface."""
    weights = Weights.of(problem, options)
    structure = Structure.of(problem)
    model = state_program(problem, structure, Moment(weights, epoch_s, structure.has_bill))
    if not list(model.component_data_objects(pyo.Var)):
        return pyo.value(model.cost)  # fixed costs
    solver = pyo.SolverFactory("appsi_highs")
    solver.options["presolve"] = "off"  # with it HiGHS gives up where a shortfall costs 3e10 per kWh
    outcome = solver.solve(model)
    assert pyo.check_optimal_termination(outcome)
    return pyo.value(model.cost)


def solved_walk(walk, options=OPTIONS):
    """Yield (problem, what came of it) for states that one scheduler solves in turn."""
    scheduler, topology = Scheduler(options), Topology.of(walk[0].site)
    for state in walk:
        problem = problem_of(state, topology, options)
        yield problem, scheduler.solve(problem, _PATIENCE_S), scheduler.epoch_s


def assert_moved_is_anew(walk, options=OPTIONS):
    """The relaxed objective is that of the program stated anew, and the terms sum to the objective."""
    for problem, solved, epoch_s in solved_walk(walk, options):
        relaxed = pytest.approx(solved.relaxed, rel=1e-6, abs=1e-5)
        assert solved_by_pyomo(problem, epoch_s, options) == relaxed
        objective = pytest.approx(solved.solution.objective, rel=1e-6, abs=1e-5)
        assert sum(term.value for term in solved.planned.terms) == objective
        if problem.assets == SiteAssets() and not solved.moment.has_bill:
            cars = Delivery.of_power(problem, solved.planned.power_kw)
            delivery = replace(cars, coming_kw=solved.planned.coming_kw)
            assert total_of(worth(problem, solved.moment, delivery)) == objective
