"""The program that is compiled once and moved equals the Pyomo model that is stated anew."""

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given, settings

from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, state_program
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.strategies import state_walks

OPTIONS = PlanOptions()


def solved_by_pyomo(problem, epoch_s):
    """Objective of the problem stated anew and solved cold through Pyomo's own interface."""
    weights = Weights.of(problem, OPTIONS)
    model = state_program(problem, Structure.of(problem), Moment(weights, epoch_s, has_bill=False))
    if not list(model.component_data_objects(pyo.Var)):
        return 0.0
    outcome = pyo.SolverFactory("appsi_highs").solve(model)
    assert pyo.check_optimal_termination(outcome)
    return pyo.value(model.cost)


@given(walk=state_walks())
@settings(max_examples=60)
def test_the_moved_program_has_the_objective_of_the_program_stated_anew(walk):
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for state in walk:
        problem = problem_of(state, topology, OPTIONS)
        solved = scheduler.solve(problem)
        expected = solved_by_pyomo(problem, scheduler.epoch_s)
        assert solved.solution.objective == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(walk=state_walks(max_size=3))
@settings(max_examples=30)
def test_the_terms_sum_to_the_objective(walk):
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for state in walk:
        solved = scheduler.solve(problem_of(state, topology, OPTIONS))
        terms = sum(term.value for term in solved.planned.terms)
        assert terms == pytest.approx(solved.solution.objective, rel=1e-6, abs=1e-6)


@given(walk=state_walks(max_size=3))
@settings(max_examples=30)
def test_planned_power_keeps_every_law(walk):
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for state in walk:
        problem = problem_of(state, topology, OPTIONS)
        planned = scheduler.solve(problem).planned
        assert (planned.power_kw >= 0).all()
        assert (planned.power_kw <= problem.max_kw + 1e-9).all()
        drawn_kw = topology.below @ planned.power_kw
        for node, node_id in enumerate(topology.node_ids):
            row = topology.rows.place(node_id, "kW")
            load_kw, limit_kw = problem.limits.offset[row].real, problem.limits.limit[row]
            assert (load_kw + drawn_kw[node] <= limit_kw + 1e-6).all()
        given_kwh = np.einsum("et,eqt->eq", planned.power_kw, problem.connected_h)
        used = problem.connected_h.any(axis=2)
        short_kwh = planned.short_kwh.sum(axis=2)
        assert given_kwh[used] + short_kwh[used] == pytest.approx(problem.need_kwh[used], abs=1e-5)
