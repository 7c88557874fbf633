"""Public holidays are those of a country and of its part, in any year; what is not known is named."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import IssueList
from models.forecasting.features import DayType, SiteCalendar
from models.public_holidays import check_region, public_holidays

EPIPHANY = date(2026, 1, 6)


def faults(country, subdivision):
    issues = IssueList()
    check_region(country, subdivision, ("country", "subdivision"), issues)
    return {issue.where: issue.what for issue in issues.issues}


@pytest.mark.parametrize("year", [1995, 2026, 2060])
def test_unity_day_is_a_holiday_of_every_year_since(year):
    assert date(year, 10, 3) in public_holidays("DE", None, year)


def test_a_part_of_a_country_has_holidays_of_its_own():
    assert EPIPHANY in public_holidays("DE", "BY", 2026)
    assert EPIPHANY not in public_holidays("DE", None, 2026)


def test_codes_of_two_and_three_letters_of_either_case_are_the_same():
    assert public_holidays("deu", None, 2026) == public_holidays("DE", None, 2026)


@pytest.mark.parametrize(
    ("country", "subdivision", "where", "named"),
    [
        ("XX", None, "country", "DE"),
        ("DE", "ZZ", "subdivision", "BY"),
        ("AF", "ZZ", "subdivision", "there are none"),
        (None, "BY", "subdivision", "needs a country"),
    ],
)
def test_an_unknown_region_is_named_with_those_that_are_known(country, subdivision, where, named):
    assert named in faults(country, subdivision)[where]


@pytest.mark.parametrize("region", [(None, None), ("DE", None), ("de", "BY"), ("USA", "CA")])
def test_a_known_region_is_no_fault(region):
    assert faults(*region) == {}


@given(first=st.dates(date(2000, 1, 1), date(2040, 1, 1)), n_days=st.integers(1, 400))
def test_a_region_gives_the_same_days_as_its_dates_would(first, n_days):
    region = SiteCalendar("Europe/Berlin", country="DE", subdivision="BY")
    days = [first + timedelta(days=back) for back in range(-1, n_days + 1)]
    dates = SiteCalendar("Europe/Berlin", frozenset(day for day in days if region.is_holiday(day)))
    step = (first - date(1970, 1, 1)).days * 24
    one, other = (calendar.features(step, 24 * n_days, 3600).as_rows() for calendar in (region, dates))
    assert np.array_equal(one, other)
    assert [region.day_type(day) for day in days] == [dates.day_type(day) for day in days]


def test_dates_that_are_given_are_holidays_beside_those_of_the_region():
    calendar = SiteCalendar("UTC", frozenset({date(2026, 3, 3)}), "DE", "BY")
    assert calendar.day_type(date(2026, 3, 3)) is DayType.SUNDAY_OR_HOLIDAY
    assert calendar.day_type(EPIPHANY) is DayType.SUNDAY_OR_HOLIDAY
    assert calendar.day_type(date(2026, 3, 4)) is DayType.WORKDAY
