"""Batteries, solar plants, generators and the exchange with the grid keep their laws on drawn sites."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.assets import Battery, Generator, SiteAssets, SolarPlant
from models.load import LoadForecast
from tests.optimizer.builders import car, site, state
from tests.optimizer.parts.solving import site_draw_kw, site_plans_kw, solved
from tests.rich_strategies import rich_states

CLOSE = 1e-5


def batteries_of(outcome):
    """The batteries in the order of the program's rows."""
    return sorted(outcome.problem.assets.batteries, key=lambda battery: battery.asset_id)


@given(state=rich_states())
@settings(max_examples=16)
def test_a_battery_stores_what_flows_in_less_what_flows_out(state):
    outcome = solved(state)
    for a, battery in enumerate(batteries_of(outcome)):
        charge, discharge = outcome.flow("charge_kw")[a], outcome.flow("discharge_kw")[a]
        hours = outcome.problem.open_h
        gained = hours * (charge * battery.charge_efficiency - discharge / battery.discharge_efficiency)
        stored = battery.stored_kwh + np.cumsum(gained + outcome.flow("lacking_kwh")[a])
        assert stored == pytest.approx(outcome.flow("stored_kwh")[a], abs=CLOSE)


@given(state=rich_states())
@settings(max_examples=16)
def test_a_battery_stays_within_its_limits_or_goes_back_to_them(state):
    outcome = solved(state)
    for a, battery in enumerate(batteries_of(outcome)):
        charge, discharge = outcome.flow("charge_kw")[a], outcome.flow("discharge_kw")[a]
        stored = outcome.flow("stored_kwh")[a] - np.cumsum(outcome.flow("lacking_kwh")[a])
        assert (charge <= battery.charge_kw + CLOSE).all()
        assert (discharge <= battery.discharge_kw + CLOSE).all()
        assert (stored >= min(battery.min_kwh, battery.stored_kwh) - CLOSE).all()
        assert (stored <= max(battery.max_kwh, battery.stored_kwh) + CLOSE).all()
        assert charge[0] == 0.0 or battery.stored_kwh <= battery.max_kwh
        assert discharge[0] == 0.0 or battery.stored_kwh >= battery.min_kwh


@given(state=rich_states())
@settings(max_examples=16)
def test_nothing_flows_both_ways(state):
    outcome = solved(state)
    for one, other in (("charge_kw", "discharge_kw"), ("import_kw", "export_kw")):
        if outcome.flow(one) is not None:
            assert np.minimum(outcome.flow(one), outcome.flow(other)).max(initial=0.0) <= CLOSE


@given(state=rich_states())
@settings(max_examples=16)
def test_what_is_imported_less_what_is_exported_is_what_the_site_draws(state):
    outcome = solved(state)
    if outcome.flow("import_kw") is not None:
        exchanged = outcome.flow("import_kw") - outcome.flow("export_kw")
        assert exchanged == pytest.approx(site_plans_kw(outcome), abs=1e-4)


@given(state=rich_states())
@settings(max_examples=16)
def test_the_site_feeds_back_no_more_than_it_may(state):
    outcome = solved(state)
    problem = outcome.problem
    root = problem.topology.root_row
    assert (site_draw_kw(outcome) >= problem.limits.floor[root] - 1e-4).all()
    assert (site_draw_kw(outcome) <= problem.limits.limit[root] + 1e-4).all()


@given(state=rich_states())
@settings(max_examples=16)
def test_sources_give_no_more_than_they_have(state):
    outcome = solved(state)
    if outcome.flow("solar_kw") is not None:
        assert (outcome.flow("solar_kw") <= outcome.problem.solar_kw.max(axis=0) + CLOSE).all()
    for one in outcome.problem.assets.generators:
        assert (outcome.flow("generator_kw") <= one.max_kw + CLOSE).all()


@given(state=rich_states(), spread=st.floats(0.0, 0.3))
@settings(max_examples=16)
def test_exports_that_earn_more_than_imports_cost_never_go_through_the_meter_both_ways(state, spread):
    tariff = replace(state.tariff, export_per_kwh=frozen(state.tariff.import_per_kwh + spread))
    outcome = solved(replace(state, tariff=tariff))
    if outcome.flow("import_kw") is not None:
        assert np.minimum(outcome.flow("import_kw"), outcome.flow("export_kw")).max() <= CLOSE
    assert outcome.one_way.free.objective <= outcome.one_way.solution.objective + 1e-4


def with_assets(*sessions, prices, **assets):
    """A site of one EVSE behind a connection without limits, hour by hour."""
    facts = {name: assets.pop(name) for name in ("loads", "limits") if name in assets}
    return state(site(1), *sessions, prices=prices, step_s=3600, assets=SiteAssets(**assets), **facts)


def test_a_battery_buys_cheap_and_sells_to_the_car_when_it_is_dear():
    battery = Battery("B", "grid", 0.0, 20.0, 0.0, 10.0, 10.0, 1.0, 0.5, wear_per_kwh=0.01, end_kwh=0.0)
    outcome = solved(with_assets(car("E1", 5.0, 2.0, arrives_h=1.0), prices=[0.1, 0.5], batteries=(battery,)))
    assert outcome.flow("charge_kw")[0].tolist() == pytest.approx([10.0, 0.0])
    assert outcome.flow("discharge_kw")[0].tolist() == pytest.approx([0.0, 5.0])
    assert outcome.terms["energy"] == pytest.approx(1.0)
    assert outcome.terms["battery wear"] == pytest.approx(0.05)


def test_a_battery_does_nothing_where_the_spread_is_eaten_by_losses_and_wear():
    battery = Battery("B", "grid", 0.0, 20.0, 0.0, 10.0, 10.0, 1.0, 0.5, wear_per_kwh=0.31, end_kwh=0.0)
    outcome = solved(with_assets(car("E1", 5.0, 2.0, arrives_h=1.0), prices=[0.1, 0.5], batteries=(battery,)))
    assert outcome.flow("charge_kw").max() == pytest.approx(0.0)


def test_a_battery_that_must_not_charge_into_a_full_store_loses_the_least():
    battery = Battery("B", "grid", 0.0, 10.0, 12.0, 10.0, 1.0, 1.0, 1.0, wear_per_kwh=0.0, end_kwh=0.0)
    outcome = solved(with_assets(prices=[-1.0, -1.0, -1.0], batteries=(battery,)))
    assert outcome.flow("charge_kw")[0, :2].tolist() == [0.0, 0.0]


def test_negative_prices_never_run_a_battery_in_a_circle():
    battery = Battery("B", "grid", 0.0, 10.0, 5.0, 10.0, 10.0, 0.9, 0.9, wear_per_kwh=0.0, end_kwh=0.0)
    outcome = solved(with_assets(prices=[-0.5] * 4, batteries=(battery,)))
    both = np.minimum(outcome.flow("charge_kw"), outcome.flow("discharge_kw"))
    assert both.max() <= CLOSE
    assert outcome.one_way.free.objective < outcome.one_way.solution.objective


def test_an_export_limit_holds_the_sun_back():
    plant = SolarPlant("P", "grid", frozen([0.5]), frozen([[8.0, 8.0]]))
    here = with_assets(prices=[0.3, 0.3], solar=(plant,))
    nodes = tuple(replace(node, export_kw=3.0) for node in here.site.nodes)
    tariff = replace(here.tariff, export_per_kwh=frozen([0.1, 0.1]))
    outcome = solved(replace(here, site=replace(here.site, nodes=nodes), tariff=tariff))
    assert outcome.flow("solar_kw")[0].tolist() == pytest.approx([3.0, 3.0])
    assert outcome.terms["energy"] == pytest.approx(-0.6)


def test_exports_at_a_loss_are_curtailed():
    plant = SolarPlant("P", "grid", frozen([0.5]), frozen([[8.0, 8.0]]))
    here = with_assets(prices=[0.3, 0.3], solar=(plant,))
    tariff = replace(here.tariff, export_per_kwh=frozen([0.1, -0.1]))
    outcome = solved(replace(here, tariff=tariff))
    assert outcome.flow("solar_kw")[0].tolist() == pytest.approx([8.0, 0.0])


def test_a_generator_runs_while_it_is_cheaper_than_the_grid_with_its_emissions():
    generator = Generator("G", "grid", 4.0, cost_per_kwh=0.2, carbon_kg_per_kwh=1.0)
    load = LoadForecast.certain("grid", frozen([10.0, 10.0, 10.0]))
    here = with_assets(prices=[0.15, 0.25, 0.5], generators=(generator,), loads=(load,))
    outcome = solved(replace(here, tariff=replace(here.tariff, carbon_per_kg=0.1)))
    assert outcome.flow("generator_kw")[0].tolist() == pytest.approx([0.0, 0.0, 4.0])
    assert outcome.terms["generator"] == pytest.approx(4.0 * 0.3)


def test_a_site_that_cannot_export_has_no_exchange():
    assert solved(state(site(1), car("E1", 5.0))).flow("import_kw") is None
