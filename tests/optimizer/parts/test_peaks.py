"""Charges on peaks are billed on the mean of their windows, whatever the slots."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.load import LoadForecast
from models.prices import PeakCharge
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.peak_meters import peak_meters
from tests.optimizer.anew import assert_moved_is_anew
from tests.optimizer.builders import NOW, car, site, state
from tests.optimizer.parts.solving import site_plans_kw, solved
from tests.rich_strategies import rich_states

CLOSE = 1e-4


def windows_of(state, charge):
    """Slots of every window, and the hours that it lasts, counted one by one."""
    found: dict[int, list[int]] = {}
    for t in range(state.grid.n_slots):
        begins = state.grid.slot_start(t).timestamp()
        window_s = max(charge.window_s, state.grid.step_s)
        found.setdefault(int(begins // window_s), []).append(t)
    return list(found.values())


def reached_kw(state, charge, site_kw):
    """The peak of a charge, worked out window by window."""
    hours = state.grid.overlap_h(state.now, state.grid.end)
    kwh = np.maximum(site_kw, 0.0) * hours
    peak_kw = max(charge.so_far_kw, charge.expected_kw)
    for number, slots in enumerate(windows_of(state, charge)):
        if charge.applies is not None and not charge.applies[slots].any():
            continue
        lasts_h, has_kwh = hours[slots].sum(), 0.0
        if number == 0 and charge.window_kwh > 0 and charge.window_s >= state.grid.step_s:
            begins_s = state.grid.slot_start(0).timestamp() // charge.window_s * charge.window_s
            lasts_h += (state.now.timestamp() - begins_s) / 3600
            has_kwh = charge.window_kwh
        peak_kw = max(peak_kw, (kwh[slots].sum() + has_kwh) / lasts_h)
    return peak_kw


@given(state=rich_states())
@settings(max_examples=33)
def test_the_planned_peak_is_that_of_the_planned_import(state):
    outcome = solved(state)
    net_kw = site_plans_kw(outcome)
    billed = [charge for charge in state.tariff.peaks if charge.per_kw > 0]
    expected = sum(charge.per_kw * reached_kw(state, charge, net_kw) for charge in billed)
    planned = sum(value for name, value in outcome.terms.items() if name.startswith("peak charge"))
    assert planned == pytest.approx(expected, rel=1e-5, abs=CLOSE)


@given(state=rich_states())
@settings(max_examples=33)
def test_a_meter_reads_what_is_counted_by_hand(state):
    site_kw = np.random.default_rng(state.grid.n_slots).uniform(-5.0, 40.0, state.grid.n_slots)
    billed = [charge for charge in state.tariff.peaks if charge.per_kw > 0]
    meters = [meter for meter in peak_meters(state) if meter.number >= 0]
    for charge, meter in zip(billed, meters, strict=True):
        assert meter.reached_kw(site_kw) == pytest.approx(reached_kw(state, charge, site_kw))


def hour_of_windows(now, charge, n_slots=12, target_kwh=4.0, **facts):
    """A car for an hour of slots of 5 minutes, at 0.30, with a charge on peaks."""
    grid = TimeGrid.around(now, 300, n_slots)
    of = state(
        site(1), car("E1", target_kwh, 24.0), n_slots=n_slots, step_s=300, start=grid.start, now=now, **facts
    )
    return replace(of, tariff=replace(of.tariff, peaks=(charge,)))


@given(
    minutes=st.lists(st.integers(0, 90), min_size=2, max_size=5),
    window_s=st.sampled_from([900, 1800, 3600]),
    n_slots=st.integers(1, 9),
    window_kwh=st.sampled_from([0.0, 1.5]),
)
@settings(max_examples=33)
def test_windows_move_with_the_horizon(minutes, window_s, n_slots, window_kwh):
    charge = PeakCharge(10.0, window_s, so_far_kw=2.0, window_kwh=window_kwh)
    moments = [NOW + timedelta(minutes=minute) for minute in sorted(minutes)]
    assert_moved_is_anew(tuple(hour_of_windows(now, charge, n_slots) for now in moments))


def test_a_window_of_which_much_is_used_leaves_little():
    charge = PeakCharge(10.0, 900, so_far_kw=4.0, window_kwh=0.9)
    outcome = solved(hour_of_windows(NOW + timedelta(minutes=10), charge, target_kwh=1.1))
    drawn_kw = outcome.flow("power_kw")[0]
    assert drawn_kw[0] == pytest.approx(1.2)  # of the window's 1 kWh 0.1 is left for its last 5 minutes
    assert drawn_kw[1:4].sum() / 12 == pytest.approx(1.0)


def test_within_a_window_power_may_go_up_and_down():
    facts = {"loads": (LoadForecast.certain("grid", frozen([12.0, 0.0, 0.0] * 4)),)}
    outcome = solved(hour_of_windows(NOW, PeakCharge(10.0, 900, so_far_kw=4.0), target_kwh=0.5, **facts))
    assert outcome.terms["peak charge 1"] > 40.0
    facts = {"loads": (LoadForecast.certain("grid", frozen([12.0, -1.0, -1.0] * 4)),)}
    outcome = solved(hour_of_windows(NOW, PeakCharge(10.0, 900, so_far_kw=4.0), target_kwh=0.5, **facts))
    assert outcome.terms["peak charge 1"] == pytest.approx(40.0)
    assert outcome.flow("power_kw").max() <= 1.0 + CLOSE  # import is counted, export is not


def test_a_peak_that_is_expected_anyway_costs_nothing_more():
    outcome = solved(hour_of_windows(NOW, PeakCharge(10.0, 900, expected_kw=30.0), target_kwh=4.0))
    assert outcome.terms["peak charge 1"] == pytest.approx(300.0)
    assert outcome.flow("power_kw")[0, 0] == pytest.approx(22.08)


def test_only_windows_that_are_billed_count():
    applies = frozen([1.0] * 6 + [0.0] * 6)
    outcome = solved(hour_of_windows(NOW, PeakCharge(10.0, 1800, applies=applies), target_kwh=5.0))
    assert outcome.terms["peak charge 1"] == pytest.approx(0.0)
    assert outcome.flow("power_kw")[0, 6:].sum() / 12 == pytest.approx(5.0)


def test_windows_shorter_than_a_slot_are_planned_by_slots():
    of = replace(hour_of_windows(NOW, PeakCharge(10.0, 900)), grid=TimeGrid(NOW, 1800, 12))
    outcome = solved(of)
    assert outcome.flow("window_kw") is None
    assert outcome.terms["peak charge 1"] == pytest.approx(10.0 * outcome.flow("power_kw").max())


def test_rounded_pilots_keep_the_planned_peak_of_their_windows():
    charge = PeakCharge(100.0, 1800, so_far_kw=5.0)
    of = hour_of_windows(NOW, charge, target_kwh=4.0)
    plan = Controller(of.site).step(of)
    assert plan.schedule.energy_kwh.sum() == pytest.approx(4.0, abs=0.05)
    assert reached_kw(of, charge, plan.schedule.power_kw.sum(axis=0)) <= 5.0 + 4.14 / 6 + CLOSE
