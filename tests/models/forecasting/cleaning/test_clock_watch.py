"""A clock that is wrong by hours is told; changes of clocks, weekends and growth are not."""

from datetime import UTC, datetime

import numpy as np
import pytest

from models.forecasting.cleaning.clock_watch import ClockWatch
from models.forecasting.cleaning.findings import Fault
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples

STEP_S = 1800
START_S = int(datetime(2026, 2, 2, tzinfo=UTC).timestamp())
OSLO = SiteCalendar("Europe/Oslo")


def local_office(n_days, zone=OSLO, seed=0):
    """An office whose load follows local time, quieter at weekends."""
    steps = START_S // STEP_S + np.arange(n_days * 48)
    slots = zone.features(int(steps[0]), steps.size, STEP_S)
    hour = slots.local_slot / 2
    open_ = ((hour >= 7.5) & (hour < 17)) * np.where(slots.weekday > 4, 0.15, 1.0)
    return steps * STEP_S, 8 + 20 * open_ + np.random.default_rng(seed).normal(0, 1, steps.size)


def watched(time_s, value, zone=OSLO):
    return ClockWatch(1, STEP_S, zone).watch(Samples(time_s, np.zeros(time_s.size, dtype=np.int64), value))


@pytest.mark.parametrize("hours", [-5, -2, 1, 3])
def test_a_clock_that_is_put_wrong_by_hours_is_told_within_days(hours):
    time_s, value = local_office(50)
    wrong = np.where(np.arange(time_s.size) >= 30 * 48, np.roll(value, hours * 2), value)
    findings = watched(time_s, wrong)
    assert set(findings.fault) == {Fault.CLOCK_SHIFT}
    assert set(findings.given) == {float(hours)}
    assert START_S + 30 * 86_400 <= findings.step[0] * STEP_S <= START_S + 40 * 86_400


def test_weekends_growth_and_the_change_of_clocks_are_not_told():
    time_s, value = local_office(90)
    assert watched(time_s, value * np.linspace(1, 3, value.size)).fault.size == 0


def test_a_zone_that_was_not_said_shows_when_clocks_change():
    time_s, value = local_office(90)
    findings = watched(time_s, value, zone=SiteCalendar("UTC"))
    assert set(findings.given) == {-1.0}


def test_noise_and_idle_posts_are_not_told():
    rng = np.random.default_rng(3)
    time_s, _ = local_office(90)
    post = np.where(rng.random(time_s.size) < 0.05, 7.4, 0.0)
    assert watched(time_s, rng.normal(50, 5, time_s.size)).fault.size == 0
    assert watched(time_s, post).fault.size == 0


def test_at_once_or_in_parts_the_same_is_told():
    time_s, value = local_office(50)
    value = np.where(np.arange(time_s.size) >= 30 * 48, np.roll(value, 4), value)
    row, watch = np.zeros(time_s.size, dtype=np.int64), ClockWatch(1, STEP_S, OSLO)
    parts = [
        watch.watch(Samples(t, r, v))
        for t, r, v in zip(*(np.array_split(x, 37) for x in (time_s, row, value)), strict=True)
    ]
    whole = watched(time_s, value)
    np.testing.assert_array_equal(np.concatenate([part.step for part in parts]), whole.step)
    np.testing.assert_array_equal(np.concatenate([part.given for part in parts]), whole.given)
