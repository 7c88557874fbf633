"""Cars to come are served beside a schedule as well as anybody could, and as wished where that loses nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from models.arrays import frozen
from models.state import ExpectedArrivals
from models.timegrid import TimeGrid
from optimizer.coming import Coming, missed_kwh, served_kw
from tests.optimizer.builders import NOW

CLOSE = 1e-6


@st.composite
def beside(draw):
    """Cars to come, the hours of the slots, what is left for them, and what is wished."""
    n_slots = draw(st.integers(2, 12))
    row = st.lists(st.integers(0, 20), min_size=n_slots, max_size=n_slots).map(
        lambda x: frozen(np.array(x, float))
    )
    expected = ExpectedArrivals(draw(row), draw(st.sampled_from([0.2, 0.5, 1.0, 1.7, 9.0])), draw(row))
    grid = TimeGrid(NOW, 1800, n_slots)
    open_h = np.full(n_slots, 0.5)
    open_h[0] = draw(st.sampled_from([0.1, 0.5]))
    return Coming.of(expected, grid), frozen(open_h), draw(row), draw(row)


def least_missed_kwh(expected_kwh, stays_kwh, most_kwh):
    """The least that can be missed, by a linear program with an amount for every arrival and slot."""
    n_slots = expected_kwh.size
    n_stay = next(
        n for n in range(1, n_slots + 99) if _stays(expected_kwh, n) == pytest.approx(stays_kwh.tolist())
    )
    pairs = [(a, t) for a in range(n_slots) for t in range(a, min(a + n_stay, n_slots))]
    due = [a for a in range(n_slots) if a + n_stay <= n_slots]
    given = np.zeros((n_slots, len(pairs)))
    taken = np.zeros((n_slots, len(pairs)))
    for column, (a, t) in enumerate(pairs):
        given[a, column], taken[t, column] = 1.0, 1.0
    worth = -given[due].sum(axis=0) if due else np.zeros(len(pairs))
    found = linprog(worth, np.vstack([given, taken]), np.concatenate([expected_kwh, most_kwh]))
    return float(expected_kwh[due].sum() + found.fun)


def _stays(energy_kwh, n_stay):
    return [float(energy_kwh[max(t - n_stay + 2, 0) : t + 1].sum()) for t in range(energy_kwh.size)]


@given(case=beside())
def test_no_more_is_missed_than_must_be(case):
    coming, open_h, left_kw, wished_kw = case
    most_kwh = np.minimum(coming.most_kw, left_kw) * open_h
    least = least_missed_kwh(coming.arriving_kwh, coming.stays_kwh, most_kwh)
    for wish in (None, wished_kw):
        given_kw = served_kw(coming, open_h, left_kw, wish)
        assert missed_kwh(coming, open_h, given_kw) == pytest.approx(least, abs=CLOSE)


@given(case=beside())
def test_nobody_is_given_more_than_is_left_or_than_has_arrived_and_nothing_at_once(case):
    coming, open_h, left_kw, wished_kw = case
    for wish in (None, wished_kw):
        given_kw = served_kw(coming, open_h, left_kw, wish)
        assert (given_kw >= 0).all()
        assert (given_kw <= np.minimum(left_kw, coming.most_kw) + CLOSE).all()
        assert given_kw[0] == 0.0
        assert (np.cumsum(given_kw * open_h) <= np.cumsum(coming.arriving_kwh) + CLOSE).all()


@given(case=beside())
def test_what_loses_nothing_is_given_as_wished(case):
    coming, open_h, left_kw, wished_kw = case
    once = served_kw(coming, open_h, left_kw, wished_kw)
    assert served_kw(coming, open_h, left_kw, once) == pytest.approx(once.tolist(), abs=CLOSE)


def test_energy_waits_for_the_length_of_a_stay():
    row = frozen([0.0, 10.0, 0.0, 0.0])
    coming = Coming.of(ExpectedArrivals(row, 1.0, frozen([20.0] * 4)), TimeGrid(NOW, 1800, 4))
    assert coming.here_kwh.tolist() == [0.0, 10.0, 10.0, 0.0]
    assert coming.stays_kwh.tolist() == [0.0, 10.0, 0.0, 0.0]


def test_nobody_is_expected_where_nothing_can_be_given():
    row, grid = frozen([0.0, 10.0]), TimeGrid(NOW, 1800, 2)
    assert not Coming.of(None, grid).is_anybody
    assert not Coming.of(ExpectedArrivals(row, 1.0, frozen([20.0, 0.0])), grid).is_anybody
    assert Coming.of(ExpectedArrivals(row, 1.0, frozen([0.0, 20.0])), grid).is_anybody
