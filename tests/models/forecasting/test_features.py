"""The calendar of slots, checked against the standard library's own clock."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.forecasting.features import DayType, SiteCalendar, day_type
from models.timegrid import TimeGrid

ZONES = ("UTC", "Europe/Oslo", "America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu")


@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 - the zone is set below
    zone=st.sampled_from(ZONES),
    step_s=st.sampled_from((300, 900, 1800)),
)
def test_local_slots_are_those_of_the_wall_clock(start, zone, step_s):
    grid = TimeGrid.around(start.replace(tzinfo=UTC), step_s, 60)
    slots = SiteCalendar(zone).features(grid.first_step, grid.n_slots, step_s)
    for slot, local in enumerate(grid.local_starts(zone)):
        assert slots.local_slot[slot] == (local.hour * 3600 + local.minute * 60) // step_s
        assert slots.local_day[slot] == local.date().toordinal()
        assert slots.weekday[slot] == local.weekday()
        assert slots.day_type[slot] == day_type(local.date())


@pytest.mark.parametrize(("day", "missing", "twice"), [(date(2024, 3, 31), 4, 0), (date(2024, 10, 27), 0, 4)])
def test_a_clock_change_drops_or_repeats_one_local_hour(day, missing, twice):
    grid = TimeGrid.local_day(day, "Europe/Oslo", 900)
    slots = SiteCalendar("Europe/Oslo").features(grid.first_step, grid.n_slots, 900)
    found, counts = np.unique(slots.local_slot, return_counts=True)
    assert 96 - found.size == missing
    assert (counts == 2).sum() == twice
    assert set(slots.local_day) == {day.toordinal()}


def test_a_holiday_is_a_sunday_from_local_midnight_to_midnight():
    holiday = date(2024, 5, 17)
    grid = TimeGrid(datetime(2024, 5, 16, 22, tzinfo=UTC), 3600, 26)  # the holiday, and two hours after it
    calendar = SiteCalendar("Europe/Oslo", frozenset({holiday}))
    slots = calendar.features(grid.first_step, grid.n_slots, 3600)
    assert (slots.day_type == DayType.SUNDAY_OR_HOLIDAY)[:24].all()
    assert (slots.weekday == 6)[:24].all()
    assert slots.day_type[24] == DayType.SATURDAY
    assert datetime(2024, 5, 17, tzinfo=ZoneInfo("Europe/Oslo")) == grid.start
