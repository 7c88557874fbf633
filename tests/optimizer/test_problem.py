"""A state becomes arrays: hours, needs and limits are what the records say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from models.arrays import frozen
from models.grid.site import CircuitNode
from models.load import LoadForecast
from models.sessions import Departure
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.topology import Topology
from tests.optimizer.builders import at, car, site, state
from tests.strategies import problems


def problem(of):
    return problem_of(of, Topology.of(of.site), PlanOptions())


@given(problem=problems())
def test_nobody_charges_longer_than_a_slot_lasts(problem):
    assert (problem.slot_h <= problem.grid.step_h + 1e-9).all()


@given(problem=problems())
def test_a_pilot_is_useful_where_somebody_can_charge_and_nowhere_else(problem):
    assert (problem.max_a[problem.slot_h == 0] == 0).all()
    assert (problem.max_a <= problem.topology.max_a[:, None] + 1e-9).all()
    limits = problem.limits
    assert (limits.limit >= limits.offset.real).all()
    assert (limits.headroom >= 0).all()


def test_a_car_that_stays_longer_than_expected_does_not_share_the_socket_with_the_next():
    late = Departure((0.1, 0.5, 0.9), (at(-0.5), at(0.1), at(1.0)))
    first = car("E1", 10.0, departure=late, arrives_h=-3.0)
    second = car("E1", 10.0, session_id="next", arrives_h=0.2, leaves_h=3.0)
    hours = problem(state(site(1), first, second)).slot_h
    assert hours.max() == pytest.approx(0.25)
    assert hours.sum() == pytest.approx(3.0)


def test_a_car_beyond_the_horizon_does_not_count_its_phases_now():
    one_phase = car("E1", 10.0, n_phases=1, leaves_h=2.0)
    later = car("E1", 10.0, session_id="next", arrives_h=9.0, leaves_h=12.0, n_phases=3)
    tight = state(site(1, limit_a=(20.0, 5.0, 5.0)), one_phase, later)
    plan = Controller(tight.site).step(tight)
    assert plan.report.status.is_planned
    assert plan.schedule.energy_kwh.sum() == pytest.approx(20.0 * 0.23 * 2.0)


def test_load_counts_at_its_node_and_at_every_node_above():
    nodes = (CircuitNode("grid", None, 50.0), CircuitNode("hall", "grid", 20.0), CircuitNode("yard", "grid"))
    tree = replace(site(1), nodes=nodes)
    lifts = LoadForecast("hall", frozen([0.9]), frozen(np.full((1, 16), 6.9)), frozen([1.0, 0.0, 0.0]))
    found = problem(state(tree, loads=(lifts,)))
    rows = [found.topology.rows.place(node.node_id, "kW") for node in nodes]
    assert found.limits.headroom[rows, 0].tolist() == pytest.approx([43.1, 13.1, np.inf])
    assert found.load_kw == pytest.approx(np.full(16, 6.9))


def test_current_of_the_load_is_taken_from_the_phase_that_carries_it():
    lifts = LoadForecast("grid", frozen([0.9]), frozen(np.full((1, 16), 6.9)), frozen([1.0, 0.0, 0.0]))
    found = problem(state(site(1, limit_a=(40.0, 40.0, 40.0)), loads=(lifts,)))
    rows = [found.topology.rows.place("grid", phase) for phase in ("L1", "L2", "L3")]
    assert found.limits.headroom[rows, 0] == pytest.approx([10.0, 40.0, 40.0])


def test_cars_are_ready_before_their_departure_or_halfway_to_it():
    patient, hasty = car("E1", 10.0, leaves_h=3.0), car("E2", 10.0, leaves_h=0.5)
    ready = PlanOptions(ready_before_h=0.5)
    here = state(site(2), patient, hasty)
    hours = problem_of(here, Topology.of(here.site), ready).slot_h.sum(axis=1)
    assert hours == pytest.approx([2.5, 0.25])
