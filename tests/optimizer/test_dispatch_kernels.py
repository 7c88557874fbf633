"""Every kernel of dispatch does what its naive twin does."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.problem import Problem
from optimizer.scheduling import pilots
from optimizer.scheduling.dispatch import wires_of
from optimizer.scheduling.pilots import Demand, Granted, Ledger, Room, Wants, Wires
from tests.reference import dispatch as reference
from tests.strategies import problems


@dataclass(frozen=True, slots=True)
class Case:
    """A problem in the words of the kernels, with a plan and a state of affairs drawn at random."""

    problem: Problem
    demand: Demand
    wires: Wires
    rng: np.random.Generator

    @property
    def shape(self):
        return self.demand.connected_h.shape

    def slot(self):
        return int(self.rng.integers(self.shape[2]))

    def evse(self):
        return int(self.rng.integers(self.shape[0]))

    def room(self, slot):
        limits, share = self.problem.limits, self.rng.choice([0.0, 0.4, 1.0])
        offset = limits.offset[:, slot]
        size = np.where(self.problem.topology.rows.is_power, offset.real, np.abs(offset))
        limit = size + share * (limits.limit[:, slot].clip(max=1e3) - size).clip(min=0.0)
        return Room(np.stack([offset.real, offset.imag], axis=-1), limit, self.problem.n_lines[:, slot])

    def wants(self, slot):
        most_a = self.demand.max_a[:, slot]
        want_a = most_a * self.rng.random(self.shape[0])
        return Wants(
            want_a=want_a,
            held_a=np.maximum(want_a, np.minimum(most_a, 6.0) * self.rng.choice([0.0, 1.0], self.shape[0])),
            most_a=most_a,
            urgency=self.rng.integers(0, 3, self.shape[0]) / 2.0,
            round_at=self.rng.choice([0.0, 0.5], self.shape[0]),
            pressed=self.rng.random(self.shape[0]) < 0.3,
            at_last=(most_a > 0) & (self.rng.random(self.shape[0]) < 0.3),
        )

    def ledger(self):
        return Ledger(
            self.demand.need_kwh * self.rng.choice([0.0, 0.5, 1.0], self.shape[:2]),
            self.demand.connected_h.sum(axis=2),
            self.rng.normal(size=self.shape[0]),
            self.rng.random(self.shape[0]) < 0.5,
        )


@st.composite
def cases(draw):
    problem = draw(problems())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    need_kwh = np.array(problem.need_kwh)
    demand = Demand(
        target_kw=problem.max_kw * rng.choice([0.0, 0.3, 0.55, 1.0], problem.max_kw.shape),
        max_a=np.array(problem.max_a),
        connected_h=np.array(problem.connected_h),
        need_kwh=need_kwh,
        priority=np.array(problem.priority),
        short_kwh=need_kwh * rng.choice([0.0, 0.0, 0.5, 1.0], need_kwh.shape),
        pressed=rng.random(need_kwh.shape) < 0.3,
        charging=rng.choice([False, True], need_kwh.shape[0]),
    )
    return Case(problem, demand, wires_of(problem), rng)


def copied(record):
    """A record of arrays that may be changed without changing the original."""
    return type(record)(*(np.array(values) for values in record))


def assert_same(ours, theirs):
    for name, mine, other in zip(ours._fields, ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12, err_msg=name)


@given(case=cases())
@settings(max_examples=22)
def test_room_is_the_least_that_is_left_above(case):
    room = case.room(case.slot())
    for evse in range(case.shape[0]):
        ours = pilots.room_kernel(evse, case.wires, room)
        assert ours == pytest.approx(reference.room(evse, case.wires, room), rel=1e-7, abs=1e-6)


@given(
    levels_a=st.lists(st.integers(60, 800).map(lambda tenths: tenths / 10), max_size=8, unique=True),
    most_a=st.one_of(st.floats(-5.0, 90.0), st.integers(60, 800).map(lambda tenths: tenths / 10)),
)
def test_a_level_is_the_greatest_that_fits(levels_a, most_a):
    padded = np.array([*sorted(levels_a), np.inf])
    assert pilots.level_kernel(padded, most_a) == reference.level(padded, most_a)


@given(case=cases(), extra_a=st.floats(0.0, 32.0))
@settings(max_examples=22)
def test_a_grant_is_taken_off_every_node_above_and_nowhere_else(case, extra_a):
    evse, ours = case.evse(), case.room(case.slot())
    theirs = copied(ours)
    pilots.grant_kernel(evse, extra_a, case.wires, ours)
    reference.grant(evse, extra_a, case.wires, theirs)
    assert_same(ours, theirs)


@given(case=cases())
@settings(max_examples=22)
def test_a_goal_is_the_next_level_where_the_want_is_near_enough(case):
    evse, wants = case.evse(), case.wants(case.slot())
    for pilot_a in (0.0, *case.wires.levels_a[evse]):
        if np.isfinite(pilot_a):
            ours = pilots.goal_kernel(evse, pilot_a, wants, case.wires)
            assert ours == reference.goal(evse, pilot_a, wants, case.wires)


@given(case=cases())
@settings(max_examples=22)
def test_wants_are_the_plan_and_what_is_owed(case):
    t, ours = case.slot(), case.ledger()
    theirs, step_h = copied(ours), case.problem.grid.step_h
    wants = pilots.wants_kernel(t, case.demand, case.wires, ours, step_h)
    assert_same(wants, reference.wants(t, case.demand, case.wires, theirs, step_h))
    assert_same(ours, theirs)


@given(case=cases())
@settings(max_examples=22)
def test_pilots_are_handed_out_most_urgent_first(case):
    t = case.slot()
    wants, ours = case.wants(t), case.room(t)
    theirs = copied(ours)
    pilot_a = pilots.pilots_kernel(wants, case.wires, ours)
    np.testing.assert_allclose(pilot_a, reference.pilots(wants, case.wires, theirs), atol=1e-12)
    assert_same(ours, theirs)


@given(case=cases())
@settings(max_examples=22)
def test_a_slot_is_settled_with_what_pilots_give(case):
    t, ours = case.slot(), case.ledger()
    theirs = copied(ours)
    pilot_a = case.demand.max_a[:, t] * case.rng.choice([0.0, 0.5, 1.0, 1.2], case.shape[0])
    given_kwh = pilots.settle_kernel(t, pilot_a, case.demand, case.wires, ours)
    expected = reference.settle(t, pilot_a, case.demand, case.wires, theirs)
    np.testing.assert_allclose(given_kwh, expected, atol=1e-12)
    assert_same(ours, theirs)


@given(case=cases(), least_a=st.sampled_from([0.0, 1e-6]))
@settings(max_examples=22)
def test_what_rounding_lost_is_given_back_where_there_is_room(case, least_a):
    t, room = case.slot(), case.room(0)
    pilot_a = np.where(case.rng.random((case.shape[0], case.shape[2])) < 0.5, 0.0, case.wires.levels_a[:, :1])
    ours = Granted(pilot_a, np.zeros(case.shape), case.demand.need_kwh * 0.2)
    theirs, left = copied(ours), copied(room)
    pilots.top_up_kernel(t, least_a, case.demand, case.wires, room, ours)
    reference.top_up(t, least_a, case.demand, case.wires, left, theirs)
    assert_same(ours, theirs)
    assert_same(room, left)


@given(case=cases())
@settings(max_examples=22)
def test_dispatch_is_the_sum_of_its_parts(case):
    offset, limit = case.problem.limits.offset.T, case.problem.limits.limit.T.copy(order="C")
    total = np.stack([offset.real, offset.imag], axis=-1)
    arguments = (case.demand, case.wires, case.problem.n_lines.T.copy(order="C"))
    theirs = reference.dispatch(*arguments, total.copy(), limit, case.problem.grid.step_h)
    ours = pilots.dispatch_kernel(*arguments, total, limit, case.problem.grid.step_h)
    np.testing.assert_allclose(ours[0], theirs[0], atol=1e-9)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-9)


def tenths(low, high):
    """Whole tenths, without those that no current has."""
    return st.integers(low, high).map(lambda number: number / 10)


@given(
    total=st.tuples(tenths(-500, 500), tenths(-500, 500)),
    weight=st.tuples(tenths(-20, 20), tenths(-13, 13)),
    spare=tenths(0, 400),
    is_power=st.booleans(),
)
def test_a_step_ends_where_the_phasor_meets_its_circle(total, weight, spare, is_power):
    size = total[0] if is_power else float(np.hypot(*total))
    arguments = (np.array(total), np.array(weight), size + spare, is_power)
    step_a = pilots.step_kernel(*arguments)
    assert step_a == pytest.approx(reference.step(*arguments), rel=1e-6, abs=1e-6)
    if np.isfinite(step_a):
        reached = complex(*total) + step_a * complex(*weight)
        assert (reached.real if is_power else abs(reached)) <= size + spare + 1e-6
