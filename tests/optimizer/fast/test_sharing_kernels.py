"""Every kernel that shares room does what its naive twin does, and no row carries more than its limit."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.fast import sharing as fast
from optimizer.fast.sharing import Claims
from optimizer.scheduling.pilots import Room, Wires
from tests.reference import fast as reference

SEEDS = st.integers(0, 2**32 - 1)
N_EVSES, N_ROWS = 5, 6
LEVELS_A = np.array([[6.0, 7.0, 8.0, 16.0, 32.0], [8.0, 16.0, 24.0, 32.0, np.inf]])[[0, 1, 0, 0, 1]]


def parts(phasors):
    return np.stack([phasors.real, phasors.imag], axis=-1)


class Case:
    """Rows of phasors with any load below (or, sometimes, above) their limits."""

    def __init__(self, seed):
        self.rng = rng = np.random.default_rng(seed)
        rows = np.array([rng.permutation(N_ROWS)[:3] for _ in range(N_EVSES)])
        rows[:, 2] = np.where(rng.random(N_EVSES) < 0.3, -1, rows[:, 2])
        angle = rng.choice([0.0, 0.0, np.pi / 6, -np.pi / 6], (4, *rows.shape))
        weight = parts(rng.uniform(0.2, 1.0, angle.shape) * np.exp(1j * angle))
        self.n_lines = rng.integers(1, 4, N_EVSES)
        is_power = rng.random(N_ROWS) < 0.3
        self.wires = Wires(LEVELS_A, rows, weight, is_power, np.zeros((0, 0)))
        load = rng.uniform(-5.0, 20.0, N_ROWS) * np.exp(1j * rng.choice([0.0, 1.0], N_ROWS))
        self.load, self.limit = parts(load), rng.choice([np.inf, 5.0, 30.0, 55.5], N_ROWS)

    def room(self):
        return Room(self.load.copy(), self.limit.copy(), self.n_lines)

    def pilots(self):
        return np.array([self.rng.choice([0.0, *row[np.isfinite(row)]]) for row in LEVELS_A])

    def claims(self):
        must_a = np.where(self.rng.random(N_EVSES) < 0.3, LEVELS_A[:, 0], 0.0)
        return Claims(must_a, self.pilots(), self.pilots(), must_a[::-1].copy(), self.rng.random(N_EVSES))

    def size(self, room):
        return np.where(self.wires.is_power, room.total[:, 0], np.hypot(*room.total.T))


@settings(max_examples=150)
@given(seed=SEEDS)
def test_everybody_is_served_and_shared_with_as_by_the_naive_twins(seed):
    case = Case(seed)
    goal_a, order = case.pilots(), case.rng.permutation(N_EVSES)
    one, other = np.zeros(N_EVSES), np.zeros(N_EVSES)
    is_raised = fast.serve_kernel(order, goal_a, one, case.wires, case.room())
    assert reference.serve(order, goal_a, other, case.wires, case.room()) is is_raised
    assert one.tolist() == other.tolist()
    claims, tight = case.claims(), case.rng.choice([np.inf, 10.0], N_ROWS)
    shared_a = fast.share_kernel(claims, case.wires, case.room(), tight)
    assert shared_a.tolist() == reference.share(claims, case.wires, case.room(), tight)


@given(seed=SEEDS)
def test_room_is_held_as_by_the_naive_twin(seed):
    case, one, other = Case(seed), np.zeros(N_ROWS), np.zeros(N_ROWS)
    for evse in range(N_EVSES):
        fast.hold_kernel(evse, 7.5, case.wires, case.room(), one)
        reference.hold(evse, 7.5, case.wires, case.room(), other)
    np.testing.assert_allclose(one, other)


@settings(max_examples=150)
@given(seed=SEEDS)
def test_the_way_to_a_goal_is_that_of_the_naive_twin(seed):
    case = Case(seed)
    drawn = (case.pilots(), case.pilots(), case.pilots(), case.rng.random(N_EVSES), case.wires)
    assert fast.climb_kernel(*drawn, case.room()).tolist() == reference.climb(*drawn, case.room())


@settings(max_examples=150)
@given(seed=SEEDS)
def test_what_is_shared_breaks_no_row_that_was_whole_before(seed):
    case = Case(seed)
    room = case.room()
    was_whole = case.size(room) <= case.limit
    pilot_a = fast.share_kernel(case.claims(), case.wires, room, np.full(N_ROWS, np.inf))
    assert (case.size(room)[was_whole] <= case.limit[was_whole] + 1e-6).all()
    for row in np.nonzero(~was_whole & case.wires.is_power)[0]:
        assert not pilot_a[(case.wires.rows == row).any(axis=1)].any()
