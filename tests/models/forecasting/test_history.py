"""The ring of samples: order, duplicates, gaps, and what falls out of it."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import GridMismatchError, InvalidInputError
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples
from models.forecasting.history import History
from models.timegrid import TimeGrid

STEP_S = 3600
FIRST = 480_000
values = st.one_of(st.floats(-100, 100), st.just(float("nan")))
rows = st.tuples(st.integers(0, 90), st.integers(0, 1), values)


def history():
    return History(2, STEP_S, 3, SiteCalendar("Europe/Oslo"))


def samples(entries):
    step, row, value = (np.array(column) for column in zip(*entries, strict=True))
    return Samples((FIRST + step) * STEP_S + 17, row, value.astype(np.float64))


def by_step(ring):
    known = ring.steps >= 0
    order = np.argsort(ring.steps[known])
    return ring.values[:, known][:, order][:, -72:]


@given(st.lists(rows, min_size=1, max_size=40, unique_by=lambda entry: entry[:2]), st.randoms())
def test_the_order_in_which_samples_come_does_not_matter(entries, random):
    at_once, one_by_one = history(), history()
    at_once.update(samples(entries))
    shuffled = list(entries)
    random.shuffle(shuffled)
    for entry in shuffled:
        one_by_one.update(samples([entry]))
    np.testing.assert_array_equal(
        at_once.lagged(grid(91), 0, FIRST + 99), one_by_one.lagged(grid(91), 0, FIRST + 99)
    )


def grid(n_slots):
    return TimeGrid(datetime.fromtimestamp(FIRST * STEP_S, UTC), STEP_S, n_slots)


@given(st.lists(rows, min_size=1, max_size=60))
def test_the_ring_holds_what_a_dict_would(entries):
    ring = history()
    ring.update(samples(entries))
    newest = max(step for step, _, _ in entries)
    wanted = {(row, step): value for step, row, value in entries if step > newest - 72}
    got = ring.lagged(grid(91), 0, FIRST + 99)
    for row in range(2):
        for step in range(91):
            np.testing.assert_array_equal(got[row, step], wanted.get((row, step), np.nan))
    np.testing.assert_array_equal(ring.slot_calendar[0][ring.steps >= 0], wall_hours(ring))


def wall_hours(ring):
    steps = ring.steps[ring.steps >= 0]
    return [SiteCalendar("Europe/Oslo").features(int(step), 1, STEP_S).local_slot[0] for step in steps]


def test_a_later_sample_replaces_an_earlier_one_and_a_gap_stays_a_gap():
    ring = history()
    assert ring.update(samples([(1, 0, 5.0), (1, 0, 7.0)])).stored == 2
    report = ring.update(samples([(1, 0, np.nan), (2, 0, np.nan)]))
    assert (report.gaps, report.replaced) == (2, 1)
    assert np.isnan(ring.lagged(grid(3), 0, FIRST + 3)).all()


def test_curtailed_infinite_and_ancient_samples_are_set_aside():
    ring = history()
    ring.update(samples([(80, 0, 1.0)]))
    new = replace(
        samples([(2, 0, 3.0), (80, 1, np.inf), (79, 0, 4.0)]), curtailed=np.array([False, False, True])
    )
    assert ring.update(new).set_aside == 3
    assert np.nansum(ring.values) == 1.0


def test_samples_of_unknown_series_or_unequal_columns_are_refused():
    with pytest.raises(InvalidInputError, match="row"):
        history().update(samples([(1, 2, 5.0)]))
    with pytest.raises(GridMismatchError):
        Samples(np.zeros(2, dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(2))
