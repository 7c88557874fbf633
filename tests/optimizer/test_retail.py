"""Prices: parts add up exactly, guard rails hold, scarcity is capped and stands only where something binds."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.grid.site import CircuitNode, Evse, Site, Station
from models.prices import EnergyTariff
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.pricing.retail import PricingRules, retail_prices
from tests.optimizer.builders import NOW, car, site, state
from tests.strategies import states

CENTS = st.integers(0, 200).map(lambda cents: Decimal(cents) / 100)
PARTS = ("energy_per_kwh", "network_per_kwh", "scarcity_per_kwh", "margin_per_kwh", "guard_rail_per_kwh")


@st.composite
def rules(draw):
    """Rules with sound guard rails, of any precision."""
    floor, above = draw(CENTS), draw(CENTS)
    fine = draw(st.sampled_from([Decimal(0), Decimal("0.00003"), Decimal("0.00007")]))
    return PricingRules(
        draw(CENTS) + fine,
        draw(CENTS),
        draw(st.sampled_from([0.1, 1.0, 3.0, 100.0])),
        floor + fine,
        floor + above + Decimal("0.001") + fine,
    )


@st.composite
def markets(draw):
    """A grid, its tariff and shadow prices, some far above the import price."""
    n_slots = draw(st.integers(1, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    tariff = EnergyTariff(frozen(rng.normal(0.2, 0.3, n_slots)), frozen(rng.random(n_slots)))
    shadow = rng.choice([0.0, 0.0, 1e-4, 0.3, 1e4], n_slots)
    grid = TimeGrid(NOW, draw(st.sampled_from([300, 900, 3600])), n_slots)
    return grid, tariff, frozen(shadow)


@given(market=markets(), rules=rules())
def test_parts_add_up_to_the_shown_price_within_the_guard_rails(market, rules):
    grid, tariff, shadow = market
    schedule = retail_prices(grid, tariff, shadow, rules)
    assert len(schedule.slots) == grid.n_slots
    for slot, total in zip(schedule.slots, schedule.total_per_kwh, strict=True):
        assert sum((getattr(slot, part) for part in PARTS), Decimal(0)) == total
        assert rules.floor_per_kwh <= total <= rules.ceiling_per_kwh
        assert total == total.quantize(Decimal("0.0001"))


@given(market=markets(), rules=rules())
def test_scarcity_is_capped_and_stands_only_near_slots_that_bind(market, rules):
    grid, tariff, shadow = market
    schedule = retail_prices(grid, tariff, shadow, rules)
    reach = round(rules.smoothing_h / grid.step_h) // 2 + 1
    for place, slot in enumerate(schedule.slots):
        assert 0 <= slot.scarcity_per_kwh <= rules.max_scarcity_per_kwh
        if not shadow[max(place - reach, 0) : place + reach + 1].any():
            assert slot.scarcity_per_kwh == 0


@given(state=states())
@settings(max_examples=30)
def test_a_plan_shows_a_price_for_every_slot(state):
    plan = Controller(state.site).step(state)
    assert plan.prices.grid == state.grid
    assert len(plan.prices.slots) == state.grid.n_slots
    if not plan.binding:
        assert all(slot.scarcity_per_kwh == 0 for slot in plan.prices.slots)


def test_a_limit_that_binds_makes_its_slots_dearer():
    tight = state(site(1, limit_kw=6.9), car("E1", 20.7), prices=[0.10] * 8 + [0.20] * 8)
    prices = Controller(tight.site).step(tight).prices.slots
    assert prices[0].scarcity_per_kwh == pytest.approx(Decimal("0.1000"), abs=Decimal("0.0010"))
    assert prices[15].scarcity_per_kwh == 0


def two_panels(limit_kw=None, limit_a=None):
    """Two panels of one EVSE each, of which the first may be tight, and a car that has to hurry at each."""
    nodes = (
        CircuitNode("grid", None),
        CircuitNode("tight", "grid", limit_kw, limit_a),
        CircuitNode("wide", "grid"),
    )
    stations = (Station("S1", "tight", (Evse("E1"),)), Station("S2", "wide", (Evse("E2"),)))
    return state(Site("site", "UTC", nodes, stations), car("E1", 80.0), car("E2", 80.0))


@pytest.mark.parametrize("limit", [{"limit_kw": 6.9}, {"limit_a": (10.0, 10.0, 10.0)}])
def test_a_feeder_that_binds_makes_the_site_as_scarce_as_the_part_of_it_that_hangs_there(limit):
    tight = two_panels(**limit)
    plan = Controller(tight.site).step(tight)
    assert {bound.node_id for bound in plan.binding} == {"tight"}
    rules = PricingRules()
    assert {slot.scarcity_per_kwh for slot in plan.prices.slots} == {rules.max_scarcity_per_kwh / 2}


def test_a_phase_that_binds_counts_for_the_power_that_flows_through_it():
    lone = replace(two_panels(limit_a=(10.0, 40.0, 40.0)), sessions=(car("E1", 80.0),))
    plan = Controller(lone.site).step(lone)
    [bound] = plan.binding
    assert (bound.node_id, bound.quantity) == ("tight", "L1")
    generous = PricingRules(max_scarcity_per_kwh=Decimal(10_000), ceiling_per_kwh=Decimal(10_000))
    [first, *_] = Controller(lone.site, rules=generous).step(lone).prices.slots
    assert float(first.scarcity_per_kwh) == pytest.approx(bound.shadow_price_per_kwh[0] / 3 / 2, rel=1e-3)


def test_the_guard_rail_shows_what_it_took_away():
    grid, tariff = TimeGrid(NOW, 900, 1), EnergyTariff.flat(2.0, 1)
    (slot,) = retail_prices(grid, tariff, frozen([0.0]), PricingRules()).slots
    assert slot.total_per_kwh == Decimal("0.9900")
    assert slot.guard_rail_per_kwh == Decimal("-1.0600")


def test_a_price_just_below_zero_is_not_shown_as_minus_zero():
    grid, tariff = TimeGrid(NOW, 900, 1), EnergyTariff.flat(-1e-6, 1)
    (slot,) = retail_prices(grid, tariff, frozen([0.0]), PricingRules()).slots
    assert str(slot.energy_per_kwh) == "0.0000"


def test_guard_rails_that_cross_are_refused():
    with pytest.raises(ValueError, match="above the ceiling"):
        PricingRules(floor_per_kwh=Decimal("0.50"), ceiling_per_kwh=Decimal("0.40"))
