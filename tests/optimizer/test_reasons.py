"""Every car has one reason, and without it its plan is another."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from models.arrays import frozen
from models.errors import InvalidInputError
from optimizer.mpc import Controller
from optimizer.reasons import ReasonKind
from optimizer.sentences import sentence_of, span_of
from optimizer.what_if import LimitChange, change_of, what_if
from tests.optimizer.builders import FULL_KW, car, site, state
from tests.strategies import state_walks


def planned(of):
    return Controller(of.site).step(of)


def test_a_full_node_is_the_reason_and_names_who_goes_first():
    tight = state(site(2, limit_kw=FULL_KW), car("E1", 60.0, minimum_kwh=60.0), car("E2", 40.0))
    reason = planned(tight).why("at E2")
    assert (reason.kind, reason.subject) == (ReasonKind.LIMIT, "grid")
    assert reason.goes_first == ("at E1",)
    assert reason.per_kwh > 0


def test_a_dear_hour_is_the_reason_of_a_car_that_waits_for_a_cheap_one():
    price = frozen(np.where(np.arange(16) < 8, 0.5, 0.1))
    dear = state(site(1), car("E1", 10.0))
    dear = replace(dear, tariff=replace(dear.tariff, energy_per_kwh=price))
    reason = planned(dear).why("at E1")
    assert reason.kind is ReasonKind.PRICE
    assert reason.slots == (0, 1)
    assert reason.per_kwh == pytest.approx(0.4)


def test_a_billed_peak_is_the_reason_of_a_car_that_charges_slowly():
    calm = state(site(1), car("E1", 22.0))
    calm = replace(calm, tariff=replace(calm.tariff, demand_charge_per_kw=10.0))
    reason = planned(calm).why("at E1")
    assert (reason.kind, reason.subject) == (ReasonKind.PEAK, "demand charge")


def test_a_car_that_nothing_holds_back_has_its_own_power_or_need_as_reason():
    plan = planned(state(site(2), car("E1", 60.0), car("E2", 1.0)))
    assert plan.why("at E1").kind is ReasonKind.POWER
    assert plan.why("at E2").kind is ReasonKind.NEED


@given(walk=state_walks(max_size=2))
@settings(max_examples=30)
def test_every_planned_session_has_one_reason_and_a_sentence(walk):
    controller = Controller(walk[0].site)
    for of in walk:
        plan = controller.step(of)
        if plan.basis is None:
            assert plan.reasons == ()
            continue
        problem = plan.basis.problem
        wanting = {
            name
            for ids, needs in zip(problem.session_ids, problem.need_kwh, strict=True)
            for name, need in zip(ids, needs, strict=True)
            if name is not None and need > 0
        }
        assert [reason.session_id for reason in plan.reasons] == sorted(
            (reason.session_id for reason in plan.reasons), key=[r.session_id for r in plan.reasons].index
        )
        assert {reason.session_id for reason in plan.reasons} == wanting
        for reason in plan.reasons:
            assert reason.per_kwh >= 0
            assert reason.session_id not in reason.goes_first
            sentence = sentence_of(reason, of.grid, of.site.zone, "EUR")
            assert sentence.startswith(("waits", "charges"))


def test_a_session_or_slot_that_is_not_planned_has_no_reason():
    plan = planned(state(site(1), car("E1", 10.0)))
    with pytest.raises(KeyError):
        plan.why("nobody")
    with pytest.raises(IndexError):
        plan.why_slot(16)


def test_a_slot_says_what_it_costs_and_what_binds_there():
    tight = state(site(2, limit_kw=FULL_KW), car("E1", 60.0), car("E2", 40.0))
    slot = planned(tight).why_slot(0)
    assert [limit.node_id for limit in slot.binding] == ["grid"]
    assert slot.marginal_per_kwh > float(slot.price.energy_per_kwh)
    assert slot.charging


def test_more_room_gives_more_energy_and_shadow_prices_foretell_it():
    tight = state(site(2, limit_kw=10.0), car("E1", 60.0), car("E2", 60.0))
    found = what_if(tight, LimitChange("grid", extra_kw=2.0))
    assert found.energy_kwh == pytest.approx(2.0 * 4.0, abs=0.6)
    assert found.objective_change == pytest.approx(found.foretold, rel=0.05)
    assert sum(one.after_kwh - one.before_kwh for one in found.sessions) == pytest.approx(found.energy_kwh)


def test_a_change_is_read_as_it_is_written():
    assert change_of("grid=+10") == LimitChange("grid", extra_kw=10.0)
    assert change_of("a b=-2.5 kW") == LimitChange("a b", extra_kw=-2.5)
    assert change_of("grid=+16A") == LimitChange("grid", extra_a=16.0)
    with pytest.raises(InvalidInputError):
        change_of("grid 10")
    with pytest.raises(InvalidInputError):
        what_if(state(site(1), car("E1", 1.0)), LimitChange("nowhere", 1.0))


def test_slots_are_told_as_spans_of_clock_times():
    grid = state(site(1)).grid
    assert span_of((0, 1, 2, 6), grid, "UTC") == "08:00 to 08:45 and 1 more times"
    assert span_of((15,), grid, "Europe/Berlin") == "13:45 to the horizon's end"
