"""Every plan of a controller keeps every limit, gives nobody too much and can be executed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.check import breaches
from optimizer.scheduling.dispatch import dispatch_alone
from optimizer.solver.outcome import SolverOutcome, SolveStatus
from optimizer.topology import Topology
from tests.reference.limits import excesses
from tests.strategies import state_walks, states

OPTIONS = PlanOptions()


def alone(state):
    """The schedule of dispatch without a plan."""
    topology = Topology.of(state.site)
    return dispatch_alone(problem_of(state, topology, OPTIONS), np.zeros(topology.n_evses, dtype=np.bool_))


def need_of(state, evse_id):
    return sum(one.remaining_kwh for one in state.sessions if one.evse_id == evse_id)


def assert_executable(state, schedule):
    """Pilots are 0 or what the EVSE can give, where somebody is, and no energy is beyond pilot or need."""
    for row, evse in enumerate(state.site.evses):
        plugged = np.zeros(state.grid.n_slots)
        for one in state.sessions:
            if one.evse_id == evse.evse_id:
                plugged += state.grid.overlap_h(max(one.arrival, state.now), max(one.departure.times))
        pilot_a = schedule.pilot_a[row]
        assert all(min(abs(pilot - level) for level in (0.0, *evse.levels_a)) < 1e-6 for pilot in pilot_a)
        assert (pilot_a[plugged == 0] == 0).all()
        assert (schedule.energy_kwh[row] >= 0).all()
        assert (schedule.energy_kwh[row] <= schedule.power_kw[row] * plugged + 1e-6).all()
        assert schedule.energy_kwh[row].sum() <= need_of(state, evse.evse_id) + 1e-6


@given(walk=state_walks(max_size=3))
@settings(max_examples=35)
def test_no_node_or_phase_is_over_its_limit_after_dispatch(walk):
    controller = Controller(walk[0].site)
    for state in walk:
        plan = controller.step(state)
        assert excesses(state, plan.schedule, OPTIONS.load_quantile) == []
        assert_executable(state, plan.schedule)


@given(walk=state_walks(max_size=3))
@settings(max_examples=35)
def test_the_optimum_passes_its_check_at_every_step(walk):
    controller = Controller(walk[0].site)
    for state in walk:
        plan = controller.step(state)
        assert plan.report.outcome is SolverOutcome.OPTIMAL
        assert plan.report.status is not SolveStatus.DISPATCHED, plan.notes
        assert not any("check" in note for note in plan.notes)


@given(state=states())
@settings(max_examples=50)
def test_dispatch_alone_keeps_every_limit(state):
    schedule = alone(state).schedule
    assert excesses(state, schedule, OPTIONS.load_quantile) == []
    assert breaches(state, schedule, OPTIONS.load_quantile) == ()
    assert_executable(state, schedule)


@given(state=states(), data=st.data())
@settings(max_examples=50)
def test_the_check_finds_every_pilot_that_is_raised_beyond_a_limit(state, data):
    schedule = alone(state).schedule
    row = data.draw(st.integers(0, len(state.site.evses) - 1))
    slot = data.draw(st.integers(0, state.grid.n_slots - 1))
    pilot_a = np.array(schedule.pilot_a)
    pilot_a[row, slot] = data.draw(st.sampled_from(state.site.evses[row].levels_a))
    raised = replace(schedule, pilot_a=frozen(pilot_a))
    expected = excesses(state, raised, OPTIONS.load_quantile)
    assume(expected)
    found = {(one.where, one.quantity, one.slot) for one in breaches(state, raised, OPTIONS.load_quantile)}
    assert set(expected) <= found


@given(state=states(), data=st.data(), pilot_a=st.sampled_from([0.5, 3.0, 5.9, 33.3, 200.0, -6.0]))
def test_the_check_finds_a_pilot_that_no_evse_can_give(state, data, pilot_a):
    schedule = alone(state).schedule
    row = data.draw(st.integers(0, len(state.site.evses) - 1))
    assume(pilot_a not in state.site.evses[row].levels_a)
    assume(min(abs(level - pilot_a) for level in state.site.evses[row].levels_a) > 1e-3)
    pilots = np.array(schedule.pilot_a)
    pilots[row, 0] = pilot_a
    found = breaches(state, replace(schedule, pilot_a=frozen(pilots)), OPTIONS.load_quantile)
    assert (state.site.evses[row].evse_id, "pilot", 0) in {(f.where, f.quantity, f.slot) for f in found}


@given(state=states())
@settings(max_examples=35)
def test_what_is_unmet_is_what_the_schedule_does_not_give(state):
    plan = Controller(state.site).step(state)
    unmet = {one.session_id: one for one in plan.unmet}
    for row, evse in enumerate(state.site.evses):
        here = [one for one in state.sessions if one.evse_id == evse.evse_id]
        planned = [one for one in here if one.arrival < state.grid.end]
        need_kwh = sum(one.remaining_kwh for one in planned)
        short_kwh = sum(unmet[one.session_id].target_kwh for one in here if one.session_id in unmet)
        assert plan.schedule.energy_kwh[row].sum() + short_kwh == pytest.approx(need_kwh, abs=0.11)
        for one in here:
            if one.session_id in unmet:
                assert unmet[one.session_id].minimum_kwh <= one.remaining_minimum_kwh + 1e-3
                assert unmet[one.session_id].minimum_kwh <= unmet[one.session_id].target_kwh + 1e-3
