"""Every kernel with which EVSEs reply to each other does what its naive twin does."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.discrete import reply
from optimizer.discrete.reply import Cars, Contactors, Dues, Grid, Told
from optimizer.scheduling.dispatch import wires_of
from tests.reference import discrete as reference
from tests.strategies import problems

MOST_SLOTS = 6
"""The twins try every sequence of pauses and runs."""


@dataclass(frozen=True, slots=True)
class Case:
    """A few slots of a problem in the words of the kernels, with pilots drawn at random."""

    cars: Cars
    contactors: Contactors
    grid: Grid
    told: Told
    rng: np.random.Generator

    def copied(self):
        """The records that kernels change."""
        told = Told(self.told.pilot_a.copy(), self.told.cost.copy())
        return self.grid._replace(total=self.grid.total.copy()), told

    @property
    def order(self):
        return self.rng.permutation(self.told.cost.size)

    def evse(self):
        return int(self.rng.integers(self.told.cost.size))


@st.composite
def cases(draw):
    problem = draw(problems())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, (n_evses, n_seats) = min(MOST_SLOTS, problem.grid.n_slots), problem.need_kwh.shape
    need_kwh = problem.need_kwh * rng.choice([0.1, 0.5], problem.need_kwh.shape)
    widths_kwh = [need_kwh / 2, np.full(need_kwh.shape, np.inf)]
    cars = Cars(
        max_a=problem.max_a[:, :n].copy(),
        connected_h=problem.connected_h[:, :, :n].copy(),
        need_kwh=need_kwh,
        worth_per_kwh=rng.choice([0.1, 0.3], (n_evses, n_seats)),
        width_kwh=np.stack(widths_kwh, axis=2),
        short_per_kwh=np.stack([np.full(need_kwh.shape, 5.0), np.full(need_kwh.shape, 50.0)], axis=2),
        price_per_kwh=rng.choice([0.1, 0.2, 0.3], (n_evses, n)) + 1e-3 * rng.random((n_evses, n)),
        slope_per_h=rng.choice([0.0, 0.0, 1.0], (n_evses, 1)) * np.ones((1, n)),
        accepted_kw=rng.choice([5.0, 12.0], (n_evses, 1)) * np.ones((1, n)),
        dues=drawn_dues(rng, problem, n),
    )
    charging = rng.random(n_evses) < 0.5
    contactors = Contactors(
        cost=rng.choice([0.0, 0.01, 0.2], n_evses),
        least_run=np.where(charging, 3, rng.integers(1, 4, n_evses)),
        least_pause=rng.integers(1, 3, n_evses),
        charging=charging,
        still=rng.integers(0, 3, n_evses),
    )
    offset = problem.limits.offset[:, :n].T
    limit = problem.limits.limit[:, :n].T.clip(max=1e3)
    total, n_lines = np.stack([offset.real, offset.imag], axis=-1), problem.n_lines[:, :n].T.copy(order="C")
    grid = Grid(wires_of(problem), total, limit.copy(order="C"), n_lines)
    told = Told(np.zeros((n_evses, n)), np.zeros(n_evses))
    wished_a = np.where(rng.random((n_evses, n)) < 0.5, cars.max_a, 0.0)
    reference.carry(range(n_evses), wished_a, grid, told)
    return Case(cars, contactors, grid, told, rng)


def drawn_dues(rng, problem, n):
    """Up to two deadlines at each EVSE, of any of its sessions, each within the slots."""
    n_dues, (n_evses, n_seats) = int(rng.integers(3)), problem.need_kwh.shape
    shape = (n_evses, n_dues)
    until = rng.uniform(0.2, n, (*shape, 1))
    need_kwh = rng.choice([0.0, 0.5, 2.0], shape)
    width_kwh = np.stack([need_kwh / 2, np.full(shape, np.inf)], axis=2)
    return Dues(
        until_h=np.clip(until - np.arange(n), 0.0, 1.0) * problem.grid.step_h,
        need_kwh=need_kwh,
        seat=rng.integers(n_seats, size=shape) if n_seats else np.zeros(shape, dtype=np.int64),
        width_kwh=width_kwh,
        late_per_kwh=rng.choice([0.02, 5.0], (*shape, 1)) * np.array([1.0, 1.1]),
        worth_per_kwh=rng.choice([0.0, 0.1], shape),
    )


@given(case=cases())
@settings(max_examples=22)
def test_what_is_due_is_that_of_the_session_in_its_own_slots(case):
    evse = case.evse()
    for seat in range(case.cars.need_kwh.shape[1]):
        slot = np.nonzero(case.cars.connected_h[evse, seat] > 0)[0]
        ours = reply.due_kernel(evse, seat, slot, case.cars)
        theirs = reference.due(evse, seat, slot, case.cars)
        for name, mine, other in zip(ours._fields, ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other, atol=1e-12, err_msg=name)


def assert_same(ours, theirs):
    """Equal pilots of equal cost, and rows that carry the same."""
    (our_grid, our_told), (their_grid, their_told) = ours, theirs
    np.testing.assert_allclose(our_told.cost, their_told.cost, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(our_told.pilot_a, their_told.pilot_a, atol=1e-9)
    np.testing.assert_allclose(our_grid.total, their_grid.total, atol=1e-9)


@given(case=cases(), sign=st.sampled_from([1.0, -1.0]))
@settings(max_examples=22)
def test_pilots_are_put_on_the_rows_above_and_nowhere_else(case, sign):
    evse, ours, theirs = case.evse(), case.copied(), case.copied()
    reply.put_kernel(evse, sign, *ours)
    reference.put(evse, sign, *theirs)
    assert_same(ours, theirs)


@given(case=cases())
@settings(max_examples=22)
def test_pilots_of_before_are_told_as_far_as_there_is_room(case):
    pilot_a = np.where(case.rng.random(case.told.pilot_a.shape) < 0.5, case.cars.max_a, 0.0)
    order, ours, theirs = case.order, case.copied(), case.copied()
    for grid, told in (ours, theirs):
        for evse in range(told.cost.size):
            reference.put(evse, -1.0, grid, told)
        told.pilot_a[:] = 0.0
    reply.carry_kernel(order, pilot_a, *ours)
    reference.carry(order, pilot_a, *theirs)
    assert_same(ours, theirs)


@given(case=cases(), is_here=st.booleans())
@settings(max_examples=22)
def test_a_car_to_come_finds_an_open_contactor(case, is_here):
    for evse in range(case.told.cost.size):
        ours = reply.switching_kernel(evse, is_here, case.contactors)
        assert tuple(ours) == tuple(reference.switching(evse, is_here, case.contactors))


@given(case=cases(), begins=st.integers(0, 2))
@settings(max_examples=22)
def test_a_window_holds_what_others_leave(case, begins):
    evse, seats = case.evse(), range(case.cars.need_kwh.shape[1])
    for seat in seats:
        ours = reply.window_kernel(evse, seat, begins, case.cars, case.grid)
        theirs = reference.window(evse, seat, begins, case.cars, case.grid)
        names = (*ours._fields[:-1], *ours.taper._fields)
        for name, mine, other in zip(
            names, (*ours[:-1], *ours.taper), (*theirs[:-1], *theirs.taper), strict=True
        ):
            np.testing.assert_allclose(mine, other, atol=1e-12, err_msg=name)


@given(case=cases())
@settings(max_examples=16)
def test_an_evse_replies_with_its_cheapest_pilots(case):
    evse, ours, theirs = case.evse(), case.copied(), case.copied()
    reply.reply_kernel(evse, case.cars, case.contactors, *ours)
    reference.reply(evse, case.cars, case.contactors, *theirs)
    assert ours[1].cost[evse] == pytest.approx(theirs[1].cost[evse], abs=1e-9)
    assert_within(case, ours)


@given(case=cases())
@settings(max_examples=11)
def test_evses_reply_one_after_the_other(case):
    order, ours, theirs = case.order, case.copied(), case.copied()
    reply.replies_kernel(order, case.cars, case.contactors, *ours)
    reference.replies(order, case.cars, case.contactors, *theirs)
    assert_within(case, ours)


@given(case=cases())
@settings(max_examples=16)
def test_pilots_are_priced_as_they_are(case):
    order, ours, theirs = case.order, case.copied(), case.copied()
    reply.prices_kernel(order, case.cars, case.contactors, *ours)
    reference.prices(order, case.cars, case.contactors, *theirs)
    assert_same(ours, theirs)
    np.testing.assert_array_equal(ours[1].pilot_a, case.told.pilot_a)
    evse, alone = case.evse(), case.copied()
    reply.price_kernel(evse, case.cars, case.contactors, *alone)
    reference.price(evse, case.cars, case.contactors, *theirs)
    assert alone[1].cost[evse] == pytest.approx(theirs[1].cost[evse], abs=1e-9)


@given(case=cases(), begins=st.integers(0, 2))
@settings(max_examples=16)
def test_what_a_session_wants_is_read_from_its_own_row(case, begins):
    evse = case.evse()
    for seat in range(case.cars.need_kwh.shape[1]):
        window, switching, want = reply.sought_kernel(
            evse, seat, begins, case.cars, case.contactors, case.grid
        )
        theirs = reference.window(evse, seat, begins, case.cars, case.grid)
        is_here = begins == 0 and theirs.slot.size > 0 and theirs.slot[0] == 0
        assert window.slot.tolist() == theirs.slot.tolist()
        assert tuple(switching) == tuple(reference.switching(evse, is_here, case.contactors))
        assert want.need_kwh == case.cars.need_kwh[evse, seat]
        assert want.worth_per_kwh == case.cars.worth_per_kwh[evse, seat]
        assert want.width_kwh.tolist() == case.cars.width_kwh[evse, seat].tolist()
        assert want.short_per_kwh.tolist() == case.cars.short_per_kwh[evse, seat].tolist()


@given(case=cases())
@settings(max_examples=11)
def test_a_group_chooses_again_only_where_that_saves(case):
    group, ours, theirs = case.order[:3], case.copied(), case.copied()
    arguments = (case.cars, case.contactors)
    for grid, told in (ours, theirs):
        reference.prices(group, *arguments, grid, told)
    before = ours[1].cost.sum()
    saves = reply.rechoice_kernel(group, *arguments, *ours)
    assert saves == reference.rechoice(group, *arguments, *theirs)
    assert (ours[1].cost.sum() < before) == saves
    assert_within(case, ours)


def assert_within(case, changed):
    """No row carries more than it may, where it did not before, and what it carries is what pilots put on it."""
    grid, told = changed
    expected, without = case.copied()
    for evse in range(told.cost.size):
        reference.put(evse, -1.0, expected, without)
        reference.put(evse, 1.0, expected, told)
    np.testing.assert_allclose(grid.total, expected.total, atol=1e-9)
    is_power = grid.wires.is_power
    size = np.where(is_power, grid.total[..., 0], np.hypot(grid.total[..., 0], grid.total[..., 1]))
    before = np.where(is_power, case.grid.total[..., 0], np.hypot(*np.moveaxis(case.grid.total, -1, 0)))
    assert (size <= np.maximum(grid.limit, before) + 1e-6).all()
