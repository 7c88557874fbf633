"""A plan says what it could not do, why, and who set the limit."""

import numpy as np
import pytest
from hypothesis import given, settings

from models.arrays import frozen
from models.grid.limits import NodeLimit
from models.grid.site import Evse
from models.load import LoadForecast
from models.sessions import Departure
from optimizer.mpc import Controller
from optimizer.plan import UnmetReason
from tests.optimizer.builders import FULL_KW, at, car, limit, site, state
from tests.strategies import state_walks


def planned(of):
    return Controller(of.site).step(of)


def only_unmet(of):
    (unmet,) = planned(of).unmet
    return unmet


def test_too_little_time_is_time():
    unmet = only_unmet(state(site(1), car("E1", 60.0, leaves_h=1.0)))
    assert unmet.reason is UnmetReason.TIME
    assert unmet.target_kwh == pytest.approx(60.0 - FULL_KW, abs=1e-3)
    assert unmet.minimum_kwh == 0.0


def test_too_little_room_is_a_limit_and_names_the_node():
    unmet = only_unmet(state(site(1, limit_kw=6.9), car("E1", 40.0, minimum_kwh=30.0)))
    assert unmet.reason is UnmetReason.LIMIT
    assert "'grid'" in unmet.detail
    assert unmet.target_kwh == pytest.approx(40.0 - 27.6, abs=1e-3)
    assert unmet.minimum_kwh == pytest.approx(30.0 - 27.6, abs=1e-3)


def test_a_limit_below_the_least_pilot_is_the_steps():
    unmet = only_unmet(state(site(1, limit_kw=3.0), car("E1", 6.0)))
    assert unmet.reason is UnmetReason.STEPS
    assert unmet.target_kwh == pytest.approx(6.0)


def test_a_car_that_stays_beyond_the_horizon_is_planned_on():
    unmet = only_unmet(state(site(1), car("E1", 100.0, leaves_h=10.0)))
    assert unmet.reason is UnmetReason.HORIZON
    assert unmet.target_kwh == pytest.approx(100.0 - 4 * FULL_KW, abs=1e-3)


def test_a_car_that_leaves_with_the_horizon_lacks_time():
    assert only_unmet(state(site(1), car("E1", 100.0, leaves_h=4.0))).reason is UnmetReason.TIME


def test_a_car_that_may_stay_but_is_expected_to_leave_lacks_time():
    doubtful = Departure((0.5, 0.9), (at(1.0), at(10.0)))
    unmet = only_unmet(state(site(1), car("E1", 60.0, departure=doubtful)))
    assert unmet.reason is UnmetReason.TIME


def test_limits_below_the_load_pause_cars_and_say_who_set_them():
    building = LoadForecast.certain("grid", frozen(np.full(16, 30.0)))
    signal = limit([50.0] * 4 + [25.0] * 4 + [50.0] * 8, source="grid company")
    plan = planned(state(site(1), car("E1", 20.0), loads=(building,), limits=(signal,)))
    assert not plan.schedule.pilot_a[0, 4:8].any()
    assert plan.schedule.energy_kwh.sum() == pytest.approx(20.0, abs=0.06)
    (note,) = plan.notes
    assert "grid company" in note
    assert "4 slot(s) from 2026-06-01T09:00:00+00:00" in note


def test_a_phase_below_its_load_pauses_only_the_cars_on_it():
    phases = site(
        evses=tuple(Evse(f"E{p + 1}", (p,)) for p in Evse("any").phases), limit_a=(20.0, 20.0, 20.0)
    )
    lift = LoadForecast("grid", frozen([0.5]), frozen(np.full((1, 16), 5.75)), frozen([1.0, 0.0, 0.0]))
    cars = [car(f"E{p + 1}", 6.0) for p in range(3)]
    plan = planned(state(phases, *cars, loads=(lift,)))
    assert plan.schedule.energy_kwh.sum(axis=1) == pytest.approx([0.0, 6.0, 6.0], abs=0.06)
    assert any("L1 limit (rating) of 'grid'" in note for note in plan.notes)


def test_the_tightest_source_is_named_slot_by_slot():
    signals = (
        limit([9.0] * 8 + [30.0] * 8, source="utility"),
        limit([30.0] * 8 + [9.0] * 8, source="operator"),
    )
    plan = planned(state(site(1, limit_kw=25.0), car("E1", 90.0), limits=signals))
    found = {one.source: one.slots for one in plan.binding if one.quantity == "kW"}
    assert found == {"utility": tuple(range(8)), "operator": tuple(range(8, 16))}


def test_a_current_limit_binds_by_phase_and_names_its_source():
    fuse = NodeLimit("grid", "fuse", None, frozen([[10.0] * 16, [40.0] * 16, [np.inf] * 16]))
    plan = planned(state(site(1), car("E1", 90.0), limits=(fuse,)))
    assert {(one.quantity, one.source) for one in plan.binding} == {("L1", "fuse")}
    assert plan.schedule.pilot_a[0].tolist() == [10.0] * 16


def test_the_shadow_price_is_what_one_more_kwh_would_save():
    prices = [0.10] * 8 + [0.40] * 8
    tight = state(site(1, limit_kw=6.9), car("E1", 20.7), prices=prices)
    plan = planned(tight)
    shadow = np.zeros(16)
    for one in plan.binding:
        shadow[list(one.slots)] = one.shadow_price_per_kwh
    assert shadow[:8] == pytest.approx(np.full(8, 0.30), abs=1e-3)
    assert plan.marginal_per_kwh[:8] == pytest.approx(np.full(8, 0.40), abs=1e-3)


@given(walk=state_walks(max_size=2))
@settings(max_examples=40)
def test_binding_limits_are_those_that_the_plan_uses_up(walk):
    controller = Controller(walk[0].site)
    for moment in walk:
        plan = controller.step(moment)
        ids = {one.node_id for one in moment.site.nodes}
        sources = {"rating", *(one.source for one in moment.limits)}
        for one in plan.binding:
            assert one.node_id in ids
            assert one.source in sources
            assert len(one.slots) == len(one.shadow_price_per_kwh)
            assert min(one.shadow_price_per_kwh) > 0
            assert 0 <= min(one.slots) <= max(one.slots) < moment.grid.n_slots
