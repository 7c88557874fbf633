"""Every kernel that shares room does what its naive twin does, and no row carries more than its limit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.fast import sharing as fast
from optimizer.fast.sharing import Claims, Room
from tests.reference import fast as reference

SEEDS = st.integers(0, 2**32 - 1)
N_EVSES, N_ROWS = 5, 6
LEVELS_A = np.array([[6.0, 7.0, 8.0, 16.0, 32.0], [8.0, 16.0, 24.0, 32.0, np.inf]])[[0, 1, 0, 0, 1]]


class Case:
    """Rows of phasors with any load below (or, sometimes, above) their limits."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        of_evse = np.array([rng.permutation(N_ROWS)[:3] for _ in range(N_EVSES)])
        of_evse[:, 2] = np.where(rng.random(N_EVSES) < 0.3, -1, of_evse[:, 2])
        angle = rng.choice([0.0, 0.0, np.pi / 6, -np.pi / 6], of_evse.shape)
        limit = rng.choice([np.inf, 0.0, 30.0, 55.5], N_ROWS, p=[0.2, 0.1, 0.3, 0.4])
        load = rng.uniform(-5.0, 20.0, N_ROWS) * np.exp(1j * rng.choice([0.0, 1.0], N_ROWS))
        weight = (rng.uniform(0.2, 1.0, of_evse.shape) * np.exp(1j * angle)).astype(np.complex128)
        self.room = Room(of_evse, weight, limit, load.astype(np.complex128))

    def fresh(self):
        return self.room._replace(limit=self.room.limit.copy(), load=self.room.load.copy())

    def pilots(self):
        return np.array([self.rng.choice([0.0, *row[np.isfinite(row)]]) for row in LEVELS_A])

    def claims(self):
        must_a = np.where(self.rng.random(N_EVSES) < 0.3, LEVELS_A[:, 0], 0.0)
        return Claims(must_a, self.pilots(), self.pilots(), must_a[::-1].copy(), self.rng.random(N_EVSES))


@given(seed=SEEDS)
def test_the_room_above_an_evse_is_that_of_its_naive_twin_and_is_taken_alike(seed):
    case = Case(seed)
    for evse in range(N_EVSES):
        assert fast.most_kernel(evse, case.room) == pytest.approx(
            reference.most(evse, case.room), abs=1e-6, rel=1e-6
        )
    one, other = case.fresh(), case.fresh()
    fast.take_kernel(2, 7.5, one)
    reference.take(2, 7.5, other)
    assert one.load == pytest.approx(other.load)


@given(most_a=st.floats(0.0, 40.0))
def test_the_greatest_level_that_fits_is_that_of_its_naive_twin(most_a):
    for levels_a in LEVELS_A:
        assert fast.rung_kernel(levels_a, most_a) == reference.rung(levels_a, most_a)


@settings(max_examples=200)
@given(seed=SEEDS)
def test_everybody_is_served_and_shared_with_as_by_the_naive_twins(seed):
    case = Case(seed)
    goal_a, order = case.pilots(), case.rng.permutation(N_EVSES)
    one, other = np.zeros(N_EVSES), np.zeros(N_EVSES)
    fast.serve_kernel(order, goal_a, one, LEVELS_A, case.fresh())
    reference.serve(order, goal_a, other, LEVELS_A, case.fresh())
    assert one.tolist() == other.tolist()
    claims, tight = case.claims(), case.rng.choice([np.inf, 10.0], N_ROWS)
    shared_a = fast.share_kernel(claims, LEVELS_A, case.fresh(), tight)
    assert shared_a.tolist() == reference.share(claims, LEVELS_A, case.fresh(), tight)


@settings(max_examples=200)
@given(seed=SEEDS)
def test_the_way_to_a_goal_is_that_of_the_naive_twin(seed):
    case = Case(seed)
    held_a, urgency = (case.pilots(), case.pilots()), case.rng.random(N_EVSES)
    goal_a = case.pilots()
    stepped_a = fast.step_kernel(goal_a, held_a, urgency, LEVELS_A, case.fresh())
    assert stepped_a.tolist() == reference.step(goal_a, held_a, urgency, LEVELS_A, case.fresh())


@settings(max_examples=200)
@given(seed=SEEDS)
def test_what_is_shared_breaks_no_row_that_was_whole_before(seed):
    case = Case(seed)
    was_whole = abs(case.room.load) <= case.room.limit
    room = case.fresh()
    pilot_a = fast.share_kernel(case.claims(), LEVELS_A, room, np.full(N_ROWS, np.inf))
    broken = np.unique(case.room.of_evse[pilot_a > 0.0])
    assert was_whole[broken[broken >= 0]].all()
    assert (abs(room.load)[was_whole] <= case.room.limit[was_whole] + 1e-5).all()
