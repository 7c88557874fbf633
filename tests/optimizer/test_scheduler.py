"""The program that is compiled once and moved equals the Pyomo model that is stated anew."""

import numpy as np
import pytest
from hypothesis import given, settings

from optimizer.problem import problem_of
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology
from tests.optimizer.anew import OPTIONS, assert_moved_is_anew
from tests.rich_strategies import rich_walks
from tests.strategies import state_walks


@given(walk=state_walks())
@settings(max_examples=33)
def test_the_moved_program_has_the_objective_of_the_program_stated_anew_and_its_terms_sum_to_it(walk):
    assert_moved_is_anew(walk)


@given(walk=rich_walks())
@settings(max_examples=33)
def test_so_has_the_program_of_a_site_that_has_everything(walk):
    assert_moved_is_anew(walk)


@given(walk=state_walks(max_size=3))
@settings(max_examples=16)
def test_planned_power_keeps_every_law(walk):
    scheduler, topology = Scheduler(OPTIONS), Topology.of(walk[0].site)
    for state in walk:
        problem = problem_of(state, topology, OPTIONS)
        planned = scheduler.solve(problem, 30.0).planned
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
