"""A reserve is only sold where cars can wait and batteries hold enough, and draws power to where it pays."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.assets import Battery, SiteAssets
from models.flexibility import Direction, Flexibility, ReserveProduct
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.reasons import ReasonKind
from tests.optimizer.anew import assert_moved_is_anew
from tests.optimizer.builders import NOW, car, site, state
from tests.optimizer.parts.solving import OPTIONS, site_draw_kw, solved
from tests.rich_strategies import rich_states

TERM = "reserves"
CLOSE = 1e-4
BOUGHT = (0.0, 0.0, 0.0, 10.0, 10.0, 0.0, 0.0, 0.0)
BATTERY = Battery(
    asset_id="battery",
    node_id="grid",
    stored_kwh=6.0,
    min_kwh=1.0,
    max_kwh=20.0,
    charge_kw=10.0,
    discharge_kw=10.0,
    end_kwh=1.0,
    discharge_efficiency=0.8,
)


def reserved(target_kwh=6.0, pays=1.0, shift=0, now=NOW, direction=Direction.DOWN, **facts):
    """A car for two hours; a band of 10 kW is bought in the middle."""
    grid = TimeGrid.around(now, 900, 8)
    of = state(site(1), car("E1", target_kwh, 2.0), n_slots=8, start=grid.start, now=now, **facts)
    bought = ReserveProduct("band", direction, frozen(np.roll(BOUGHT, shift)), pays)
    return replace(of, flexibility=Flexibility(reserves=(bought,)))


def backed_kw(state, outcome):
    """What cars that could catch up draw, and what batteries could stop drawing or give for a slot."""
    problem, power_kw = outcome.problem, outcome.flow("power_kw")
    total = np.zeros(state.grid.n_slots)
    for e, ids in enumerate(problem.session_ids):
        for t in range(state.grid.n_slots):
            here = [q for q, name in enumerate(ids) if name is not None and problem.connected_h[e, q, t] > 0]
            later = [
                (problem.max_kw[e, t + 1 :] * problem.connected_h[e, q, t + 1 :]).sum()
                >= problem.need_kwh[e, q] - 1e-9
                for q in here
            ]
            total[t] += power_kw[e, t] if here and all(later) else 0.0
    for battery, charge_kw, discharge_kw, stored_kwh in zip(
        sorted(state.assets.batteries, key=lambda one: one.asset_id),
        *(outcome.flow(name) for name in ("charge_kw", "discharge_kw", "stored_kwh"))
        if state.assets.batteries
        else ((), (), ()),
        strict=True,
    ):
        least_kwh = min(battery.min_kwh, battery.stored_kwh)
        lasts_kw = (stored_kwh - least_kwh) * battery.discharge_efficiency / state.grid.step_h
        total += np.minimum(charge_kw - discharge_kw + battery.discharge_kw, lasts_kw)
    return total


@given(state=rich_states())
@settings(max_examples=33)
def test_no_more_is_sold_than_backs_it_and_may_be_fed_back(state):
    outcome = solved(state)
    sold_kw = outcome.flow("reserve_kw")
    down = [one for one in state.flexibility.reserves if one.direction is Direction.DOWN]
    if sold_kw is None:
        assert not any(one.pays_per_kw_h > 0 and one.most_kw.any() for one in down)
        return
    assert (sold_kw.sum(axis=0) <= backed_kw(state, outcome) + CLOSE).all()
    floor_kw = outcome.problem.limits.floor[outcome.problem.topology.root_row]
    assert (sold_kw.sum(axis=0) <= site_draw_kw(outcome) - np.minimum(floor_kw, 0.0) + CLOSE).all()
    hours = state.grid.overlap_h(state.now, state.grid.end)
    paid = sum(one.pays_per_kw_h * (kw @ hours) for one, kw in zip(_sold(state), sold_kw, strict=True))
    assert outcome.terms[TERM] == pytest.approx(-paid, abs=CLOSE)


def _sold(state):
    down = [one for one in state.flexibility.reserves if one.direction is Direction.DOWN]
    return sorted((one for one in down if one.most_kw.any()), key=lambda one: one.product_id)


@given(
    minutes=st.lists(st.integers(0, 90), min_size=2, max_size=4),
    shifts=st.lists(st.integers(0, 7), min_size=4, max_size=4),
    has_battery=st.booleans(),
)
@settings(max_examples=22)
def test_reserves_move_with_the_horizon(minutes, shifts, has_battery):
    moments = [NOW + timedelta(minutes=minute) for minute in sorted(minutes)]
    assets = SiteAssets(batteries=(BATTERY,)) if has_battery else SiteAssets()
    pairs = zip(moments, shifts, strict=False)
    assert_moved_is_anew(tuple(reserved(shift=shift, now=now, assets=assets) for now, shift in pairs))


def test_a_car_charges_where_its_pause_is_bought():
    outcome = solved(reserved())
    power_kw = outcome.flow("power_kw")[0]
    assert power_kw[3:5] == pytest.approx([10.0, 10.0])
    assert outcome.terms[TERM] == pytest.approx(-2 * 10.0 * 0.25)


def test_a_car_that_could_not_catch_up_backs_nothing():
    outcome = solved(reserved(target_kwh=40.0))
    assert outcome.terms[TERM] == pytest.approx(0.0)
    assert outcome.flow("power_kw")[0, :7] == pytest.approx(22.08)


def test_a_battery_backs_what_it_can_give_for_a_whole_slot():
    outcome = solved(reserved(target_kwh=40.0, pays=9.0, assets=SiteAssets(batteries=(BATTERY,))))
    assert outcome.flow("stored_kwh")[0, 3] >= 1.0 + CLOSE
    assert outcome.flow("reserve_kw")[0, 3:5] == pytest.approx([10.0, 10.0])


def test_a_band_upwards_is_not_sold():
    assert TERM not in solved(reserved(direction=Direction.UP)).terms


def test_the_plan_tells_what_real_pilots_back():
    of = reserved()
    plan = Controller(of.site, OPTIONS).step(of)
    (sold,) = plan.sold
    assert sold.product_id == "band"
    assert (sold.power_kw <= plan.schedule.power_kw.sum(axis=0) + CLOSE).all()
    paid = float(sold.power_kw @ of.grid.overlap_h(of.now, of.grid.end))
    assert {term.name: term.value for term in plan.report.terms}[TERM] == pytest.approx(-paid)
    assert plan.why("at E1").kind is ReasonKind.FLEXIBILITY


def test_the_fixed_cost_is_a_term_of_the_bill():
    of = reserved()
    dearer = replace(of, tariff=replace(of.tariff, fixed_cost=3.5))
    assert solved(dearer).terms["fixed cost"] == pytest.approx(3.5)
    plan = Controller(of.site, OPTIONS).step(dearer)
    assert plan.report.objective == pytest.approx(
        Controller(of.site, OPTIONS).step(of).report.objective + 3.5
    )
