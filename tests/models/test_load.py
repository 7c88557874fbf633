"""Load quantiles are interpolated inside what is known and held outside."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arrays import frozen
from models.load import LoadForecast


@st.composite
def loads(draw):
    levels = sorted(draw(st.sets(st.integers(1, 99), min_size=1, max_size=5)))
    n_slots = draw(st.integers(1, 6))
    steps = draw(st.lists(st.floats(0.0, 9.0), min_size=n_slots, max_size=n_slots))
    rows = np.cumsum([steps for _ in levels], axis=0) - 5.0
    return LoadForecast("n", frozen(np.array(levels) / 100), frozen(rows), frozen([0.2, 0.3, 0.5]))


@given(load=loads())
def test_a_given_level_gives_its_own_row(load):
    for level, row in zip(load.levels, load.power_kw, strict=True):
        assert load.at(float(level)) == pytest.approx(row)


@given(load=loads(), low=st.floats(0.0, 1.0), high=st.floats(0.0, 1.0))
def test_a_more_careful_level_is_never_less(load, low, high):
    low, high = sorted((low, high))
    assert (load.at(low) <= load.at(high) + 1e-9).all()
    assert load.at(0.0) == pytest.approx(load.power_kw[0])
    assert load.at(1.0) == pytest.approx(load.power_kw[-1])


@given(load=loads(), level=st.floats(0.0, 1.0))
def test_interpolation_is_that_of_every_slot_alone(load, level):
    expected = [np.interp(level, load.levels, column) for column in load.power_kw.T]
    assert load.at(level) == pytest.approx(np.array(expected))


def test_a_certain_load_is_the_same_at_every_level_and_balanced():
    load = LoadForecast.certain("n", frozen([1.0, -2.0]))
    assert load.at(0.01).tolist() == load.at(0.99).tolist() == [1.0, -2.0]
    assert load.phase_share == pytest.approx(np.full(3, 1 / 3))
