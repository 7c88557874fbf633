"""Every kernel that plans the slots of one session does what its naive twin does."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.discrete import runs
from optimizer.discrete.runs import Due, Switching, Taper, Want, Window
from tests.reference import discrete as reference

LEVELS_A = np.array([6.0, 8.0, 10.0, 13.0, 16.0, 32.0, np.inf])
PRICES = np.array([-0.05, 0.1, 0.2, 0.21, 0.3])


@st.composite
def switchings(draw):
    least_run, least_pause = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    is_on = draw(st.booleans())
    still = draw(st.integers(0, least_run - 1 if is_on else 2))
    return Switching(draw(st.sampled_from([0.0, 0.01, 0.3])), least_run, least_pause, is_on, still)


@st.composite
def windows(draw, most=7):
    n = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    high_a = rng.choice([0.0, 6.0, 10.0, 16.0, 32.0], n)
    return Window(
        slot=np.arange(n, dtype=np.int64),
        price=rng.choice(PRICES, n) + 1e-4 * rng.random(n),
        low_a=np.where(high_a > 0, 6.0, 0.0),
        high_a=high_a,
        useful_a=rng.choice([7.0, 16.0, 32.0], n),
        kwh_per_a=rng.choice([0.0575, 0.1], n),
        taper=Taper(
            np.full(n, 0.25),
            np.full(n, draw(st.sampled_from([0.0, 0.5, 2.0]))),
            np.full(n, draw(st.sampled_from([4.0, 9.0]))),
        ),
    )


@st.composite
def dues(draw, n):
    """Deadlines within a window of ``n`` slots, some of them within a slot."""
    n_dues = draw(st.integers(0, 2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    until = rng.uniform(0.2, n, (n_dues, 1))
    share = np.clip(until - np.arange(n), 0.0, 1.0)
    need_kwh = rng.choice([0.5, 3.0], n_dues)
    width_kwh = np.stack([need_kwh / 2, np.full(n_dues, np.inf)], axis=1)
    late_per_kwh = rng.choice([0.02, 5.0], (n_dues, 1)) * np.array([[1.0, 1.1]])
    return Due(share, need_kwh, width_kwh, late_per_kwh, rng.choice([0.0, 0.1], n_dues) @ share)


@st.composite
def wants(draw, n):
    need_kwh = draw(st.integers(1, 120)) / 10
    width_kwh = np.array([need_kwh / 2, need_kwh / 4, np.inf])
    worth = draw(st.sampled_from([0.0, 0.15, 0.25, 5.0]))
    return Want(need_kwh, worth, width_kwh, np.array([5.0, 5.1, 50.0]), draw(dues(n)))


@st.composite
def wishes(draw):
    """A window and what is wanted in it."""
    window = draw(windows())
    return window, draw(wants(window.slot.size))


def pilots_for(window, seed):
    """Any pilots of what a window allows."""
    rng = np.random.default_rng(seed)
    return np.where(
        rng.random(window.slot.size) < 0.6, np.minimum(window.high_a, rng.choice(LEVELS_A[:-1])), 0.0
    )


SEEDS = st.integers(0, 2**32 - 1)


@given(switching=switchings())
def test_pauses_and_runs_grow_up_to_their_least_time(switching):
    for state in range(switching.least_pause + switching.least_run + 1):
        for turns_on in (False, True):
            ours = runs.after_kernel(state, turns_on, switching)
            assert ours == reference.after(state, turns_on, switching)


@given(switching=switchings())
def test_only_a_restart_costs_and_least_times_are_kept(switching):
    for state in range(switching.least_pause + switching.least_run + 1):
        for turns_on in (False, True):
            for is_blocked in (False, True):
                ours = runs.toll_kernel(state, turns_on, is_blocked, switching)
                assert ours == reference.toll(state, turns_on, is_blocked, switching)


@given(window=windows(), switching=switchings(), worth=st.sampled_from([-1.0, 0.0, 0.15, 0.2051, 0.25, 5.0]))
def test_no_sequence_of_pilots_is_cheaper_than_the_chosen_one(window, switching, worth):
    ours = runs.chosen_kernel(worth, window, switching)
    theirs = reference.chosen(worth, window, switching)
    cost = reference.lagrangian(ours, worth, window, switching)
    assert cost == pytest.approx(reference.lagrangian(theirs, worth, window, switching), abs=1e-9)


@given(window=windows(), seed=SEEDS)
def test_a_car_draws_what_it_can_of_its_pilot(window, seed):
    pilot_a = pilots_for(window, seed)
    np.testing.assert_allclose(runs.kwh_kernel(pilot_a, window), reference.kwh(pilot_a, window))


@given(wish=wishes(), switching=switchings(), seed=SEEDS)
def test_pilots_cost_energy_what_lacks_what_is_late_and_restarts(wish, switching, seed):
    window, want = wish
    pilot_a = pilots_for(window, seed)
    ours = runs.cost_kernel(pilot_a, window, want, switching)
    assert ours == pytest.approx(reference.cost(pilot_a, window, want, switching), abs=1e-9)


@given(window=windows(), switching=switchings(), seed=SEEDS)
def test_a_slot_may_go_only_at_an_end_of_a_run_that_is_long_enough(window, switching, seed):
    pilot_a = pilots_for(window, seed)
    for k in range(pilot_a.size):
        assert runs.end_kernel(k, pilot_a, switching) == reference.end(k, pilot_a, switching)


@given(window=windows(), switching=switchings(), surplus_kwh=st.floats(0.0, 12.0), seed=SEEDS)
def test_the_dearest_slots_are_dropped_first(window, switching, surplus_kwh, seed):
    ours = pilots_for(window, seed)
    theirs = ours.copy()
    left_kwh = runs.drop_kernel(ours, surplus_kwh, window, switching)
    assert left_kwh == pytest.approx(reference.drop(theirs, surplus_kwh, window, switching))
    np.testing.assert_array_equal(ours, theirs)


@given(window=windows(), seed=SEEDS)
def test_a_trimmed_pilot_carries_what_was_drawn_and_no_level_less_does(window, seed):
    ours = pilots_for(window, seed)
    theirs, before_a = ours.copy(), ours.copy()
    runs.trim_kernel(ours, window, LEVELS_A)
    reference.trim(theirs, window, LEVELS_A)
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(reference.kwh(ours, window), reference.kwh(before_a, window), atol=1e-9)


@given(window=windows(), surplus_kwh=st.floats(0.0, 12.0), seed=SEEDS)
def test_the_dearest_slots_are_lowered_first(window, surplus_kwh, seed):
    ours = pilots_for(window, seed)
    theirs, before_a = ours.copy(), ours.copy()
    runs.lower_kernel(ours, surplus_kwh, window, LEVELS_A)
    reference.lower(theirs, surplus_kwh, window, LEVELS_A)
    np.testing.assert_array_equal(ours, theirs)
    assert ((ours > 0) == (before_a > 0)).all()
    lost_kwh = (reference.kwh(before_a, window) - reference.kwh(ours, window)).sum()
    assert lost_kwh <= surplus_kwh + 1e-6


@given(amount_kwh=st.floats(0.0, 9.0), seed=SEEDS)
def test_bands_fill_one_after_the_other(amount_kwh, seed):
    rng = np.random.default_rng(seed)
    width_kwh, per_kwh = np.append(rng.uniform(0.0, 3.0, 3), np.inf), rng.uniform(0.0, 9.0, 4)
    ours = runs.bands_kernel(amount_kwh, width_kwh, per_kwh)
    assert ours == pytest.approx(reference.bands(amount_kwh, width_kwh, per_kwh))


@given(wish=wishes(), switching=switchings())
@settings(max_examples=60)
def test_timely_pilots_cost_what_those_of_the_twin_cost(wish, switching):
    window, want = wish
    ours = runs.timely_kernel(want, window, switching, LEVELS_A)
    theirs = reference.timely(want, window, switching, LEVELS_A)
    cost = reference.cost(ours, window, want, switching)
    assert cost == pytest.approx(reference.cost(theirs, window, want, switching), abs=1e-6)
    assert (ours <= window.high_a).all()


@given(wish=wishes(), switching=switchings())
@settings(max_examples=60)
def test_planned_pilots_cost_what_those_of_the_twin_cost(wish, switching):
    window, want = wish
    ours = runs.planned_kernel(want, window, switching, LEVELS_A)
    theirs = reference.planned(want, window, switching, LEVELS_A)
    cost = reference.cost(ours, window, want, switching)
    assert cost == pytest.approx(reference.cost(theirs, window, want, switching), abs=1e-9)
    assert set(ours.tolist()) <= {0.0, *LEVELS_A.tolist()}
    assert (ours <= window.high_a).all()
