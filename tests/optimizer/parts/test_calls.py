"""A called reduction pays for what the site draws less than agreed, and is kept where it pays."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.flexibility import CalledReduction, Flexibility
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.reasons import ReasonKind
from tests.optimizer.anew import assert_moved_is_anew
from tests.optimizer.builders import NOW, car, site, state
from tests.optimizer.parts.solving import site_plans_kw, solved
from tests.rich_strategies import rich_states

TERM = "called reductions"
CLOSE = 1e-4
CALLED = (0.0, 0.0, 6.0, 6.0, 0.0, 0.0, 0.0, 0.0)


def called(target_kwh=20.0, pays=0.5, penalty=0.0, shift=0, now=NOW, **facts):
    """A car for two hours; in the second half-hour the site is asked to draw 6 kW less than 8."""
    grid = TimeGrid.around(now, 900, 8)
    of = state(site(1), car("E1", target_kwh, 24.0), n_slots=8, start=grid.start, now=now, **facts)
    called_kw = frozen(np.roll(CALLED, shift))
    call = CalledReduction("call", frozen(np.full(8, 8.0)), called_kw, pays, penalty)
    return replace(of, flexibility=Flexibility(calls=(call,)))


def paid(state, site_kw):
    """What calls pay for a site's power, worked out slot by slot."""
    total = 0.0
    hours = state.grid.overlap_h(state.now, state.grid.end)
    for call in state.flexibility.calls:
        if not call.called_kw.any() or call.pays_per_kwh + call.penalty_per_kwh == 0.0:
            continue
        for t in np.nonzero(call.called_kw)[0]:
            missing_kw = max(site_kw[t] - (call.baseline_kw[t] - call.called_kw[t]), 0.0)
            total += hours[t] * call.pays_per_kwh * (call.called_kw[t] - missing_kw)
            total -= hours[t] * call.penalty_per_kwh * missing_kw
    return total


@given(state=rich_states())
@settings(max_examples=33)
def test_what_calls_pay_is_that_of_the_planned_exchange(state):
    outcome = solved(state)
    expected = -paid(state, site_plans_kw(outcome))
    assert outcome.terms.get(TERM, 0.0) == pytest.approx(expected, rel=1e-5, abs=CLOSE)


@given(
    minutes=st.lists(st.integers(0, 90), min_size=2, max_size=4),
    shifts=st.lists(st.integers(0, 7), min_size=4, max_size=4),
)
@settings(max_examples=22)
def test_calls_move_with_the_horizon(minutes, shifts):
    moments = [NOW + timedelta(minutes=minute) for minute in sorted(minutes)]
    assert_moved_is_anew(
        tuple(called(shift=shift, now=now) for now, shift in zip(moments, shifts, strict=False))
    )


def test_a_car_with_time_steps_aside():
    outcome = solved(called())
    assert outcome.flow("power_kw")[0, 2:4].max() <= 2.0 + CLOSE
    assert outcome.terms[TERM] == pytest.approx(-0.5 * 6.0 * 0.5)


def test_a_car_without_time_charges_and_pays_the_penalty():
    outcome = solved(called(target_kwh=40.0, penalty=0.25))
    site_kw = outcome.flow("power_kw")[0]
    assert outcome.terms[TERM] == pytest.approx(-paid(called(target_kwh=40.0, penalty=0.25), site_kw))
    assert site_kw[2:4].mean() > 8.0
    assert outcome.terms[TERM] > 0.0


def test_a_call_that_pays_nothing_changes_nothing():
    assert TERM not in solved(called(pays=0.0)).terms


def test_rounded_pilots_keep_to_what_was_called():
    of = called()
    plan = Controller(of.site).step(of)
    assert plan.schedule.power_kw[0, 2:4].max() <= 2.0 + CLOSE
    reason = plan.why("at E1")
    assert (reason.kind, reason.subject) == (ReasonKind.FLEXIBILITY, "call")
