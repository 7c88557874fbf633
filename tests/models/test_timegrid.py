"""Slots are half-open, equal and aware; local days have the hours that the clock gives them."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.timegrid import TimeGrid, aware_utc

STEPS_S = st.sampled_from([60, 300, 600, 900, 1800, 3600])
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants bounds without a zone


@st.composite
def grids(draw):
    return TimeGrid.around(draw(MOMENTS), draw(STEPS_S), draw(st.integers(1, 100)))


@given(grid=grids())
def test_the_ring_gives_every_slot_a_place_of_its_own(grid):
    assert sorted(grid.ring) == list(range(grid.n_slots))


@given(grid=grids(), later_s=st.integers(0, 400_000))
def test_a_slot_keeps_its_place_when_the_horizon_moves(grid, later_s):
    moved = grid.moved_to(grid.start + timedelta(seconds=later_s))
    place_of = dict(zip(grid.steps.tolist(), grid.ring.tolist(), strict=True))
    for step, place in zip(moved.steps.tolist(), moved.ring.tolist(), strict=True):
        assert place_of.get(step, place) == place


@given(now=MOMENTS, step_s=STEPS_S)
def test_the_first_slot_around_now_contains_now(now, step_s):
    grid = TimeGrid.around(now, step_s, 4)
    assert grid.slot_start(0) <= now < grid.slot_start(1)
    assert grid.slot_at(now) == 0
    assert grid.slot_at(grid.end) == 4
    assert grid.slot_at(grid.start - timedelta(microseconds=1)) == -1


@given(grid=grids(), begin_s=st.floats(-4e5, 8e5), length_s=st.floats(0.0, 8e5))
def test_overlaps_sum_to_the_part_of_the_span_that_lies_in_the_horizon(grid, begin_s, length_s):
    begin = grid.start + timedelta(seconds=begin_s)
    end = begin + timedelta(seconds=length_s)
    inside_s = max((min(end, grid.end) - max(begin, grid.start)).total_seconds(), 0.0)
    overlap_h = grid.overlap_h(begin, end)
    assert overlap_h.sum() == pytest.approx(inside_s / 3600, abs=1e-6)
    assert (overlap_h >= 0).all()
    assert (overlap_h <= grid.step_h + 1e-9).all()
    assert not overlap_h.flags.writeable


@given(grid=grids())
def test_two_spans_that_meet_share_no_time(grid):
    middle = grid.start + (grid.end - grid.start) * 0.37
    both = grid.overlap_h(grid.start, middle) + grid.overlap_h(middle, grid.end)
    assert both == pytest.approx(np.full(grid.n_slots, grid.step_h))


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Amsterdam", 23),
        (date(2026, 10, 25), "Europe/Amsterdam", 25),
        (date(2026, 7, 1), "Europe/Amsterdam", 24),
        (date(2026, 3, 8), "America/Los_Angeles", 23),
        (date(2026, 11, 1), "America/Los_Angeles", 25),
        (date(2026, 10, 4), "Australia/Lord_Howe", 23.5),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        (date(2026, 6, 1), "Asia/Kathmandu", 24),
        (date(2028, 2, 29), "Europe/Amsterdam", 24),
        (date(2026, 3, 29), "Atlantic/Azores", 23),  # at midnight: the day starts at 01:00
        (date(2026, 10, 25), "Atlantic/Azores", 25),  # its midnight comes twice
        (date(2026, 9, 6), "America/Santiago", 23),  # it has no midnight
    ],
)
@pytest.mark.parametrize("step_s", [300, 900])
def test_a_local_day_has_the_hours_that_the_clock_gives_it(day, zone, hours, step_s):
    grid = TimeGrid.local_day(day, zone, step_s)
    assert grid.n_slots * grid.step_h == hours
    local = grid.local_starts(zone)
    assert {one.date() for one in local} == {day}
    assert grid.end.astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)
    assert all(one.utcoffset() is not None for one in local)


@pytest.mark.parametrize(
    ("day", "zone"),
    [
        (date(2026, 6, 1), "Asia/Kathmandu"),  # 5:45 from UTC
        (date(2026, 10, 4), "Australia/Lord_Howe"),  # 10:30, then 11:00
        (date(2026, 4, 5), "Australia/Lord_Howe"),  # 11:00, then 10:30: the day is 24.5 h
    ],
)
def test_a_step_that_does_not_fit_the_local_day_is_refused(day, zone):
    with pytest.raises(ValueError, match="multiple"):
        TimeGrid.local_day(day, zone, 3600)


def test_a_day_that_a_zone_skipped_is_empty():
    with pytest.raises(ValueError, match="empty"):
        TimeGrid.local_day(date(2011, 12, 30), "Pacific/Apia", 900)


def test_a_start_is_kept_in_utc_and_equal_moments_give_equal_grids():
    here = datetime(2026, 6, 1, 10, tzinfo=timezone(timedelta(hours=2)))
    assert TimeGrid(here, 900, 4) == TimeGrid(datetime(2026, 6, 1, 8, tzinfo=UTC), 900, 4)
    assert TimeGrid(here, 900, 4).start.tzinfo is UTC


NAIVE = datetime(2026, 6, 1, 8)  # noqa: DTZ001 - it must be refused


@pytest.mark.parametrize(
    "use",
    [
        aware_utc,
        lambda naive: TimeGrid(naive, 900, 4),
        lambda naive: TimeGrid.around(naive, 900, 4),
        lambda naive: TimeGrid.around(datetime(2026, 6, 1, tzinfo=UTC), 900, 4).slot_at(naive),
        lambda naive: TimeGrid.around(datetime(2026, 6, 1, tzinfo=UTC), 900, 4).overlap_h(naive, naive),
    ],
)
def test_a_time_without_a_zone_is_refused(use):
    with pytest.raises(ValueError, match="no time zone"):
        use(NAIVE)


@pytest.mark.parametrize(
    ("step_s", "n_slots", "minute", "why"),
    [
        (0, 4, 0, "divide"),
        (-900, 4, 0, "divide"),
        (700, 4, 0, "divide"),
        (7200, 4, 0, "divide"),
        (900, 0, 0, "empty"),
        (900, 4, 7, "multiple"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(step_s, n_slots, minute, why):
    with pytest.raises(ValueError, match=why):
        TimeGrid(datetime(2026, 6, 1, 8, minute, tzinfo=UTC), step_s, n_slots)
