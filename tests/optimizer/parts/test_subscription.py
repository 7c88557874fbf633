"""Import above the subscribed power is billed by energy, and a plan keeps below it where it can."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.load import LoadForecast
from models.prices import Subscription
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.reasons import ReasonKind
from optimizer.scheduling.parts.subscription import TERM
from tests.optimizer.anew import assert_moved_is_anew
from tests.optimizer.builders import NOW, car, site, state
from tests.optimizer.parts.solving import site_plans_kw, solved
from tests.rich_strategies import rich_states

CLOSE = 1e-4


def subscribed(subscribed_kw, per_kwh=1.0, target_kwh=8.0, now=NOW, **facts):
    """A car for two hours of quarter-hours at a site with subscribed power."""
    grid = TimeGrid.around(now, 900, 8)
    of = state(site(1), car("E1", target_kwh, 24.0), n_slots=8, start=grid.start, now=now, **facts)
    return replace(of, tariff=replace(of.tariff, subscription=Subscription(subscribed_kw, per_kwh)))


@given(state=rich_states())
@settings(max_examples=33)
def test_the_planned_excess_is_that_of_the_planned_import(state):
    outcome = solved(state)
    held = state.tariff.subscription
    if held is None or held.excess_per_kwh == 0.0:
        assert TERM not in outcome.terms
        return
    hours = state.grid.overlap_h(state.now, state.grid.end)
    excess_kwh = np.maximum(site_plans_kw(outcome) - held.subscribed_kw, 0.0) @ hours
    assert outcome.terms[TERM] == pytest.approx(held.excess_per_kwh * excess_kwh, rel=1e-5, abs=CLOSE)


@given(
    minutes=st.lists(st.integers(0, 90), min_size=2, max_size=4),
    subscribed_kw=st.lists(st.sampled_from([0.0, 3.0, 5.5, 40.0]), min_size=4, max_size=4),
)
@settings(max_examples=22)
def test_a_subscription_moves_with_the_horizon(minutes, subscribed_kw):
    moments = [NOW + timedelta(minutes=minute) for minute in sorted(minutes)]
    pairs = zip(moments, subscribed_kw, strict=False)
    assert_moved_is_anew(tuple(subscribed(most_kw, now=now) for now, most_kw in pairs))


def test_a_car_with_time_stays_below_the_subscribed_power():
    outcome = solved(subscribed(4.0))
    assert outcome.flow("power_kw").max() <= 4.0 + CLOSE
    assert outcome.terms[TERM] == pytest.approx(0.0, abs=CLOSE)


def test_a_car_without_time_pays_for_what_exceeds_it():
    outcome = solved(subscribed(3.0, per_kwh=0.5))
    assert outcome.terms[TERM] == pytest.approx(0.5 * (8.0 - 2 * 3.0))


def test_what_the_building_takes_leaves_less():
    loads = (LoadForecast.certain("grid", np.full(8, 2.0)),)
    assert solved(subscribed(6.0, loads=loads)).flow("power_kw").max() <= 4.0 + CLOSE


def test_rounded_pilots_keep_below_the_subscribed_power():
    of = subscribed(5.0, target_kwh=6.0)
    plan = Controller(of.site).step(of)
    assert plan.schedule.power_kw.max() <= 5.0 + CLOSE
    assert plan.session_kwh["at E1"] == pytest.approx(6.0, abs=0.05)
    reason = plan.why("at E1")
    assert (reason.kind, reason.subject) == (ReasonKind.PEAK, "subscribed power")
