"""Sessions that have ended, and what is read from them for a car that is plugged in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InvalidInputError
from models.forecasting.features import SiteCalendar
from models.forecasting.kin import Arrival, Likeness, Outcomes, Spread, code_of
from models.forecasting.kin_kernels import N_TRAITS, distances_kernel, kin_kernel, survivors_kernel
from models.forecasting.session_memory import Ended, SessionMemory
from tests.reference import kin as reference

START = datetime(2024, 3, 4, tzinfo=UTC)
CALENDAR = SiteCalendar("Europe/Oslo")
LEVELS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95])


def traits(rng, n):
    """Rows of a memory as they may be, with what is not known."""
    past = np.zeros((N_TRAITS, n))
    past[0] = np.sort(rng.uniform(0, 60, n))
    past[1] = rng.uniform(0, 24, n)
    past[2] = rng.integers(0, 7, n)
    past[3] = past[2] >= 5
    past[4:7] = rng.integers(-1, 3, (3, n))
    past[7] = np.log(rng.uniform(2, 11, n))
    past[8], past[9] = rng.integers(1, 5, n), rng.integers(1, 5, n) * 10.0
    past[10:] = rng.normal(0, 1, (3, n))
    past[8:10, rng.random(n) < 0.3] = np.nan
    past[7, rng.random(n) < 0.3] = np.nan
    past[10:, rng.random(n) < 0.3] = np.nan
    return past


@given(seed=st.integers(0, 10_000), n=st.sampled_from([1, 2, 30, 900]), known=st.booleans())
def test_kin_and_their_weights_are_those_of_the_naive_twin(seed, n, known):
    past = traits(np.random.default_rng(seed), n + 1)
    past, car = np.ascontiguousarray(past[:, :-1]), past[:, -1].copy()
    scales = (Likeness.of_stays_known() if known else Likeness.of_stays_stated()).as_array()
    distance, places, weights = np.empty(n), np.zeros(n, dtype=np.int64), np.zeros(n)
    distances_kernel(past, car, scales, distance)
    np.testing.assert_allclose(distance, reference.distances(past, car, scales), rtol=1e-9, atol=1e-9)
    n_kin = kin_kernel(past, car, scales, places, weights)
    dense = np.zeros(n)
    dense[places[:n_kin]] = weights[:n_kin]
    np.testing.assert_allclose(dense, reference.kin(past, car, scales), rtol=1e-7, atol=1e-12)


@given(
    rows=st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 5)), max_size=30),
    beyond=st.floats(-1, 60),
)
def test_quantiles_of_survivors_are_those_of_the_naive_twin_and_lie_beyond(rows, beyond):
    value = np.sort([row[0] for row in rows]).astype(np.float64)
    weight = np.array([row[1] for row in rows], dtype=np.float64)
    levels = LEVELS + 1e-7  # away from the steps, where rounding decides
    found = survivors_kernel(value, weight, levels, beyond, 0.5)
    np.testing.assert_array_equal(found, reference.survivors(value, weight, levels, beyond, 0.5))
    assert (found > beyond).all()
    assert (np.diff(found) >= 0.0).all()


def at(day, hour=8.0, user="ada"):
    return Arrival(START + timedelta(days=day, hours=hour), "garage", "e1", user)


def after(arrival, hours, kwh=10.0, power_kw=3.6):
    return Ended(arrival.time + timedelta(hours=hours), kwh, power_kw)


def taught(days, stay_h=lambda _: 9.0, kwh=lambda _: 10.0, user="ada", memory=None):
    memory = memory or SessionMemory.of_known_users(CALENDAR)
    for day in range(days):
        arrival = at(day, user=user)
        memory.learn(arrival, after(arrival, stay_h(day), kwh(day)))
    return memory


def median(outcomes, beyond=0.0):
    return outcomes.quantiles(np.array([0.5]), beyond, 0.5)[0]


def pair(memory):
    kin = memory.kin(at(30))
    return kin.stay_h, kin.energy_kwh


def test_nothing_is_known_of_a_car_before_a_session_has_ended():
    with pytest.raises(InvalidInputError, match="none has ended"):
        SessionMemory.of_known_users(CALENDAR).kin(at(0))


def test_a_regular_user_is_himself_and_a_new_one_is_the_population():
    memory = taught(40, kwh=lambda _: 10.0, user="bob")
    taught(40, lambda _: 3.0, lambda _: 25.0, "ada", memory)
    assert median(memory.kin(at(40, user="ada")).energy_kwh) == 25.0
    assert median(memory.kin(at(40, user="bob")).energy_kwh) == 10.0
    assert memory.knows("ada")
    assert not memory.knows("eve")
    assert 10.0 <= median(memory.kin(at(40, user="eve")).energy_kwh) <= 25.0


def test_what_was_stated_is_a_trait_and_never_the_truth():
    memory = SessionMemory.of_drivers_who_state(CALENDAR)
    for day in range(30):
        shy = replace(at(day, user=None), stated_stay_h=2.0, stated_kwh=40.0)
        open_ = replace(at(day, user=None), stated_stay_h=10.0, stated_kwh=8.0)
        memory.learn(shy, after(shy, 9.0, 12.0))
        memory.learn(open_, after(open_, 4.0, 7.0))
    kin = memory.kin(replace(at(30, user=None), stated_stay_h=2.0, stated_kwh=40.0))
    assert median(kin.stay_h) == pytest.approx(9.0, abs=0.5)  # the clock was put forward meanwhile
    assert median(kin.energy_kwh) == pytest.approx(12.0)


@given(elapsed_h=st.floats(0.0, 30.0), seed=st.integers(0, 50))
def test_a_car_that_is_still_there_leaves_later_than_now_and_quantiles_do_not_cross(elapsed_h, seed):
    rng = np.random.default_rng(seed)
    memory = taught(30, lambda _: rng.uniform(0.5, 20.0), lambda _: rng.uniform(1.0, 40.0))
    kin = memory.kin(at(30))
    stays = kin.stay_h.quantiles(LEVELS, elapsed_h, 0.5)
    assert (stays > elapsed_h).all()
    assert (np.diff(stays) >= 0.0).all()


@given(lower=st.floats(0.1, 2.0), upper=st.floats(0.1, 2.0))
def test_a_spread_moves_the_tails_in_their_order_and_never_the_median(lower, upper):
    read = Spread(lower, upper).of(LEVELS)
    assert read[3] == 0.5
    np.testing.assert_allclose(read, reference.spread(LEVELS, lower, upper), rtol=1e-12)
    assert (np.diff(read) >= 0.0).all()
    assert ((read > 0.0) & (read < 1.0)).all()
    np.testing.assert_allclose(Spread().of(LEVELS), LEVELS)


def test_the_spread_follows_until_the_tails_hold_what_they_say():
    rng = np.random.default_rng(3)
    outcomes = Outcomes(np.sort(rng.normal(0, 1, 400)), np.ones(400))
    spread, below, above = Spread(), 0, 0
    for n in range(6000):
        outcome = rng.normal(0, 1.5)
        low, high = replace(outcomes, spread=spread).quantiles(np.array([0.1, 0.9]), -np.inf, 0.5)
        below, above = below + (outcome < low) * (n >= 2000), above + (outcome > high) * (n >= 2000)
        spread = spread.after(outcomes.place(outcome), 0.03)
    assert below / 4000 == pytest.approx(0.1, abs=0.03)
    assert above / 4000 == pytest.approx(0.1, abs=0.03)
    assert spread.lower < 1.0
    assert spread.upper < 1.0


def test_a_full_memory_forgets_the_oldest_and_stays_as_large():
    memory = SessionMemory.of_known_users(CALENDAR, capacity=20)
    taught(20, kwh=lambda _: 5.0, memory=memory)
    for day in range(20, 40):
        memory.learn(at(day), after(at(day), 9.0, 30.0))
    assert len(memory) == 20
    assert memory.kin(at(40)).energy_kwh.value.min() == 30.0


def test_a_restored_memory_answers_as_the_one_that_was_stored():
    memory = taught(30, lambda day: 3.0 + day % 5, lambda day: 5.0 + day % 7)
    other = SessionMemory.of_known_users(CALENDAR)
    other.restore(memory.snapshot())
    for ours, theirs in zip(pair(memory), pair(other), strict=True):
        np.testing.assert_array_equal(ours.quantiles(LEVELS, 1.0, 0.5), theirs.quantiles(LEVELS, 1.0, 0.5))
    with pytest.raises(InvalidInputError, match="capacity"):
        SessionMemory.of_known_users(CALENDAR, capacity=9).restore(memory.snapshot())


def test_a_car_without_a_power_has_that_of_its_user_or_of_its_kin():
    memory = taught(10)
    arrival = at(10, user="eve")
    assert memory.kin(arrival).power_kw == pytest.approx(3.6)
    assert memory.kin(at(10)).power_kw == pytest.approx(3.6)
    assert memory.kin(replace(arrival, power_kw=7.4)).power_kw == pytest.approx(7.4)


def test_a_name_has_one_number_that_a_float_holds_exactly():
    assert code_of("garage") == code_of("garage")
    assert code_of("garage") != code_of("Garage")
    assert float(int(code_of("garage"))) == code_of("garage")


def test_drivers_who_once_stated_nothing_at_all_leave_energies_finite():
    memory = SessionMemory.of_drivers_who_state(CALENDAR)
    for day in range(10):
        arrival = replace(at(day), stated_stay_h=9.0, stated_kwh=0.0)
        memory.learn(arrival, after(arrival, 9.0))
    kin = memory.kin(replace(at(30), stated_stay_h=9.0, stated_kwh=10.0))
    assert np.isfinite(kin.energy_kwh.quantiles(LEVELS, 0.0, 1.0)).all()
