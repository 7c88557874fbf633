"""What batteries, plants and generators are told can be done, and keeps every limit both ways."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from models.arrays import frozen
from models.assets import Battery, Generator, SiteAssets, SolarPlant
from models.load import LoadForecast
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.scheduling.check import breaches
from optimizer.solver.outcome import SolveStatus
from tests.optimizer.builders import car, limit, site, state
from tests.rich_strategies import rich_states

OPTIONS = PlanOptions()
BATTERY = Battery("B", "grid", 0.0, 20.0, 10.0, 10.0, 10.0, 1.0, 1.0, wear_per_kwh=0.0)


def plan_of(of):
    return Controller(of.site).step(of)


def told(plan, asset_id):
    return next(asset for asset in plan.schedule.assets if asset.asset_id == asset_id)


def here(*sessions, n_evses=1, export_kw=None, assets=None, **facts):
    """A site whose only node limits what is fed back."""
    of = site(n_evses)
    nodes = tuple(replace(node, export_kw=export_kw) for node in of.nodes)
    export = facts.pop("export", None)
    one = state(replace(of, nodes=nodes), *sessions, assets=assets or SiteAssets(), **facts)
    return replace(one, tariff=replace(one.tariff, export_per_kwh=export))


@given(state=rich_states())
@settings(max_examples=33)
def test_what_assets_are_told_passes_the_check(state):
    plan = plan_of(state)
    assert breaches(state, plan.schedule, OPTIONS.load_quantile) == ()
    names = {asset.asset_id for asset in plan.schedule.assets}
    assert names == {
        *(one.asset_id for one in state.assets.batteries),
        *(one.asset_id for one in state.assets.generators),
        *(one.asset_id for one in state.assets.solar if one.can_curtail),
    }


@given(state=rich_states())
@settings(max_examples=22)
def test_no_asset_fails_the_check_of_a_plan_that_is_rounded(state):
    names = tuple(state.assets.node_of)
    assert not any("check" in note and any(name in note for name in names) for note in plan_of(state).notes)


def test_a_car_charges_from_the_battery_where_the_grid_gives_too_little():
    of = here(car("E1", 10.0, 1.0), assets=SiteAssets((BATTERY,)), n_slots=4, limits=(limit(4.0, 4),))
    plan = plan_of(replace(of, assets=SiteAssets((replace(BATTERY, end_kwh=0.0),))))
    assert plan.schedule.energy_kwh.sum() == pytest.approx(10.0, abs=0.05)
    assert told(plan, "B").power_kw.min() < -2.0
    assert told(plan, "B").stored_kwh[-1] == pytest.approx(10.0 + told(plan, "B").power_kw.sum() / 4)


def test_without_a_plan_assets_do_nothing_and_the_sun_keeps_the_export_limit():
    plant = SolarPlant("P", "grid", frozen([0.1, 0.9]), frozen([[5.0] * 4, [9.0] * 4]))
    of = here(
        car("E1", 10.0),
        export_kw=4.0,
        assets=SiteAssets((BATTERY,), (plant,)),
        n_slots=4,
        export=frozen([0.1] * 4),
    )
    late = Controller(of.site, PlanOptions(deadline_s=1e-6)).step(of)
    assert late.report.status is SolveStatus.DISPATCHED
    assert told(late, "B").power_kw.tolist() == [0.0] * 4
    drawn_kw = late.schedule.energy_kwh.sum(axis=0) * 4
    assert told(late, "P").most_kw.tolist() == pytest.approx(np.minimum(9.0, 4.0 + drawn_kw).tolist())


def test_a_sunny_day_is_welcome_as_far_as_the_grid_takes_it():
    plant = SolarPlant("P", "grid", frozen([0.1, 0.9]), frozen([[5.0] * 4, [9.0] * 4]))
    facts = {"assets": SiteAssets((), (plant,)), "n_slots": 4, "export": frozen([0.1] * 4)}
    assert told(plan_of(here(**facts)), "P").most_kw.tolist() == pytest.approx([9.0] * 4)
    assert told(plan_of(here(export_kw=6.0, **facts)), "P").most_kw.tolist() == pytest.approx([6.0] * 4)
    assert told(plan_of(here(**facts | {"export": frozen([-0.1] * 4)})), "P").most_kw.max() == pytest.approx(
        0.0
    )


def test_a_plant_that_cannot_be_told_is_load_less_and_leaves_room_for_a_sunny_day():
    plant = SolarPlant("P", "grid", frozen([0.1, 0.9]), frozen([[5.0] * 4, [9.0] * 4]), can_curtail=False)
    battery = replace(BATTERY, end_kwh=0.0)
    of = here(assets=SiteAssets((battery,), (plant,)), n_slots=4, export=frozen([0.5] * 4), export_kw=10.0)
    plan = plan_of(of)
    assert plan.load_kw.tolist() == pytest.approx([-5.0] * 4)
    assert told(plan, "B").power_kw.min() == pytest.approx(-1.0)


def test_rounded_cars_leave_no_more_to_feed_back_than_may_be():
    plant = SolarPlant("P", "grid", frozen([0.5]), frozen([[6.0] * 4]))
    of = here(
        car("E1", 6.0, 1.0), export_kw=0.0, assets=SiteAssets((), (plant,)), n_slots=4, prices=[0.3] * 4
    )
    plan = plan_of(of)
    drawn_kw = plan.schedule.energy_kwh.sum(axis=0) * 4
    assert (told(plan, "P").most_kw <= drawn_kw + 1e-6).all()
    assert plan.schedule.energy_kwh.sum() == pytest.approx(6.0, abs=0.05)


@pytest.mark.parametrize(
    ("change", "quantity"),
    [
        (lambda kw: kw - 12.0, "kW"),
        (lambda kw: kw * 0.0 - 10.0, "kWh"),
        (lambda kw: kw * 0.0 + 10.0, "kWh"),
    ],
)
def test_the_check_sees_a_battery_that_does_what_it_cannot(change, quantity):
    of = here(car("E1", 5.0), assets=SiteAssets((BATTERY,)), n_slots=8)
    plan = plan_of(of)
    asset = replace(told(plan, "B"), power_kw=frozen(change(told(plan, "B").power_kw)))
    found = breaches(of, replace(plan.schedule, assets=(asset,)), OPTIONS.load_quantile)
    assert ("B", quantity) in {(one.where, one.quantity) for one in found}


def test_the_check_sees_what_assets_add_to_a_limit_and_feed_back_through_another():
    generator = Generator("G", "grid", 8.0, 1.0)
    of = here(car("E1", 5.0), export_kw=2.0, assets=SiteAssets((BATTERY,), (), (generator,)), n_slots=2)
    of = replace(of, limits=(limit(8.0, 2),), loads=(LoadForecast.certain("grid", frozen([1.0, 1.0])),))
    schedule = plan_of(of).schedule
    idle = replace(schedule, pilot_a=frozen([[0.0, 0.0]]), energy_kwh=frozen([[0.0, 0.0]]))

    def found(battery_kw, generator_kw):
        powers = {"B": battery_kw, "G": generator_kw}
        assets = tuple(
            replace(one, power_kw=frozen([powers[one.asset_id]] * 2), stored_kwh=None)
            for one in schedule.assets
        )
        outcome = breaches(of, replace(idle, assets=assets), OPTIONS.load_quantile)
        return {(one.where, one.quantity) for one in outcome}

    assert found(0.0, 0.0) == set()
    assert found(7.5, 0.0) == {("grid", "kW")}
    assert found(-2.0, -2.0) == {("grid", "kW back")}
    assert found(0.0, -9.0) == {("G", "kW"), ("grid", "kW back")}
