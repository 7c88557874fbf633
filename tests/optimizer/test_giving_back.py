"""What cars are told to give back: it can be done, every limit holds with it and without, and no driver pays for it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.grid.site import Evse
from models.load import LoadForecast
from models.sessions import Acceptance, ChargingSession, Departure, DischargeOffer, Milestone
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.scheduling.check import breaches
from tests.optimizer.builders import FULL_KW, at, car, limit, site, state
from tests.rich_strategies import rich_sites, rich_states_at, tenths
from tests.strategies import PLANNING_NOWS

OPTIONS = PlanOptions()
NEAR_KWH = 0.06
"""Energy that rounding to steps may lose [kWh]."""

OFFER = DischargeOffer(11.0, 30.0, 20.0, 60.0, 0.9, 0.9, 0.05)
HOME = site(evses=(Evse("E1", max_discharge_a=16.0),))
PEAK = [0.1] * 4 + [0.5] * 4 + [0.1] * 8


@st.composite
def giving_states(draw):
    """Rich states in which cars stay that hold more than they need, and prices that make them give it back."""
    site, now = draw(rich_sites()), PLANNING_NOWS[0]
    site = replace(site, stations=tuple(both_ways(draw, one) for one in site.stations))
    of = draw(rich_states_at(site, TimeGrid.around(now, 900, draw(st.integers(4, 12))), now))
    n_slots = of.grid.n_slots
    dear = np.array(draw(st.lists(st.booleans(), min_size=n_slots, max_size=n_slots)))
    prices = np.where(dear, draw(st.sampled_from([0.6, 2.0])), draw(st.sampled_from([0.05, -0.1])))
    tariff = replace(
        of.tariff,
        energy_per_kwh=frozen(prices),
        network_per_kwh=frozen(np.zeros(n_slots)),
        export_per_kwh=frozen(prices * draw(st.sampled_from([0.2, 0.9]))),
    )
    return replace(
        of,
        sessions=tuple(staying(draw, of, evse_id) for evse_id in site.evse_ids),
        tariff=tariff,
        loads=draw(st.sampled_from([(), of.loads])),
        limits=draw(st.sampled_from([(), (), of.limits])),
        conditions=draw(st.sampled_from([(), (), of.conditions])),
    )


def both_ways(draw, station):
    """EVSEs that feed back."""
    evses = tuple(
        replace(
            evse,
            max_discharge_a=draw(st.sampled_from([8.0, 16.0, 32.0])),
            pilots_a=None,
        )
        for evse in station.evses
    )
    return replace(station, evses=evses, limit_kw=None if station.module_kw is None else station.limit_kw)


def staying(draw, of, evse_id):
    """A car that stays for hours, needs little and holds much."""
    leaves = Departure.at(of.now + timedelta(minutes=draw(st.integers(50, 300))))
    capacity_kwh, target_kwh = draw(tenths(30, 70)), draw(tenths(0, 6))
    return ChargingSession(
        session_id=f"stays at {evse_id}",
        evse_id=evse_id,
        arrival=of.now - timedelta(hours=1),
        departure=leaves,
        target_kwh=target_kwh,
        minimum_kwh=target_kwh * draw(st.sampled_from([0.0, 0.5, 1.0])),
        n_phases=draw(st.sampled_from([None, 1])),
        discharge=DischargeOffer(
            max_kw=draw(tenths(2, 20)),
            stored_kwh=capacity_kwh * draw(st.sampled_from([0.5, 0.9, 1.0])),
            reserve_kwh=capacity_kwh * draw(st.sampled_from([0.2, 0.45])),
            capacity_kwh=capacity_kwh,
            charge_efficiency=draw(st.sampled_from([1.0, 0.9])),
            discharge_efficiency=draw(st.sampled_from([1.0, 0.9])),
            wear_per_kwh=draw(st.sampled_from([0.0, 0.05])),
        ),
        acceptance=draw(st.sampled_from([None, None, Acceptance(2.0, 20.0, 11.0, 0.1)])),
    )


def plan_of(of):
    return Controller(of.site).step(of)


def back_of(plan):
    return plan.schedule.back_kw()


@given(of=giving_states())
@settings(max_examples=22)
def test_what_cars_are_told_to_give_passes_the_check(of):
    plan = plan_of(of)
    assert breaches(of, plan.schedule, OPTIONS.load_quantile) == ()
    assert not any("check" in note for note in plan.notes)


@given(of=giving_states(), data=st.data())
@settings(max_examples=19)
def test_every_limit_holds_whoever_fails_to_give(of, data):
    schedule = plan_of(of).schedule
    some = tuple(one for one in schedule.back if data.draw(st.booleans()))
    assert breaches(of, replace(schedule, back=some), OPTIONS.load_quantile) == ()


@given(of=giving_states())
@settings(max_examples=19)
def test_a_car_that_gives_still_gets_its_minimum_and_keeps_its_reserve(of):
    plan, hours = plan_of(of), of.grid.overlap_h(of.now, of.grid.end)
    giving = {one.evse_id: one for one in plan.schedule.back}
    for one in of.sessions:
        told = giving.get(one.evse_id)
        here = of.grid.overlap_h(max(one.arrival, of.now), max(one.departure.times))
        if told is None or not told.energy_kwh[(here > 0) & (hours > 0)].any():
            continue
        if sum(other.evse_id == one.evse_id for other in of.sessions) > 1:
            continue  # whose energy it is in a slot that cars share is not told
        energy_kwh = plan.schedule.energy_kwh[plan.schedule.row(one.evse_id)]
        offer = one.discharge
        holds_kwh = offer.stored_kwh + np.cumsum(
            offer.charge_efficiency * energy_kwh - told.energy_kwh / offer.discharge_efficiency
        )
        assert (holds_kwh[told.current_a > 0] >= offer.reserve_kwh - 1e-4).all()
        assert plan.session_kwh[one.session_id] >= one.remaining_minimum_kwh - NEAR_KWH
        assert (plan.schedule.pilot_a[plan.schedule.row(one.evse_id)][told.current_a > 0] == 0.0).all()


def home(offer=OFFER, prices=PEAK, earns=None, load_kw=0.0, of=HOME, **facts):
    """One car at home, and a price of what is fed in: nine tenths of that of a kWh drawn."""
    one = state(
        of,
        car("E1", facts.pop("target_kwh", 10.0), discharge=offer, **facts),
        prices=prices,
        loads=(LoadForecast.certain("grid", frozen(np.full(16, load_kw))),),
    )
    earned = 0.9 * np.asarray(prices) if earns is None else np.full(16, earns)
    return replace(one, tariff=replace(one.tariff, export_per_kwh=frozen(earned)))


def test_a_car_sells_in_steps_of_its_evse_when_it_is_dear():
    plan = plan_of(home())
    assert plan.schedule.back[0].current_a.tolist() == [0.0] * 4 + [15.0] * 4 + [0.0] * 8
    assert plan.session_kwh["at E1"] == pytest.approx(10.0, abs=NEAR_KWH)
    assert plan.unmet == ()


def test_less_than_the_least_current_is_not_given():
    assert not back_of(plan_of(home(replace(OFFER, max_kw=4.0)))).any()


def test_a_home_is_fed_and_nothing_is_given_away():
    given_kw = back_of(plan_of(home(earns=0.0, load_kw=5.0)))[0]
    assert given_kw[4:8] == pytest.approx([7 * 0.69] * 4)
    assert not given_kw[:4].any()


def test_a_careful_plan_gives_only_what_the_least_load_takes_where_nothing_may_be_exported():
    nodes = tuple(replace(node, export_kw=0.0) for node in HOME.nodes)
    of = home(earns=0.0, of=replace(HOME, nodes=nodes))
    quantiles = frozen(np.repeat([[4.5], [9.0]], 16, axis=1))
    plan = plan_of(
        replace(of, loads=(LoadForecast("grid", frozen([0.1, 0.9]), quantiles, frozen([1 / 3] * 3)),))
    )
    assert back_of(plan)[0, 4:8] == pytest.approx([6 * 0.69] * 4)


def test_no_limit_leans_on_a_car_that_gives():
    here = site(evses=(Evse("E1", max_discharge_a=16.0), Evse("E2")))
    other = car("E2", 10.0, minimum_kwh=10.0, leaves_h=2.0)
    plan = plan_of(
        replace(state(here, car("E1", 0.0, discharge=OFFER), other, prices=PEAK, limits=(limit(7.0),)))
    )
    assert (plan.schedule.power_kw.sum(axis=0) <= 7.0 + 1e-6).all()


@pytest.mark.parametrize(
    "facts",
    [
        {"leaves_h": 1.0, "target_kwh": 25.0, "minimum_kwh": 25.0},
        {"milestones": (Milestone(at(0.5), 12.0),), "target_kwh": 12.0},
    ],
)
def test_a_car_that_cannot_have_what_it_needs_in_time_gives_nothing(facts):
    plan = plan_of(home(prices=[0.5] * 4 + [0.1] * 12, **facts))
    assert not back_of(plan).any()


def test_a_car_that_gave_back_more_than_it_got_is_charged_again():
    plan = plan_of(home(prices=[0.1] * 16, delivered_kwh=-4.0))
    assert plan.session_kwh["at E1"] == pytest.approx(14.0, abs=NEAR_KWH)
    assert plan.unmet == ()


def test_negative_prices_burn_nothing():
    schedule = plan_of(home(prices=[-0.5] * 16, earns=-0.4)).schedule
    assert not (schedule.back_kw() * schedule.pilot_a).any()


def changed(schedule, **facts):
    return replace(schedule, back=(replace(schedule.back[0], **facts),))


@pytest.mark.parametrize(
    ("amps", "quantity"), [(15.5, "A back"), (32.0, "A back"), (16.0, "kW back"), (15.0, "kWh")]
)
def test_the_check_sees_what_a_car_cannot_give(amps, quantity):
    of = home()
    schedule = plan_of(of).schedule
    every_slot = (
        np.full(16, amps) if quantity == "kWh" else np.where(schedule.back[0].current_a > 0, amps, 0.0)
    )
    told = changed(
        schedule,
        current_a=frozen(every_slot),
        power_kw=frozen(every_slot * 0.69),
        energy_kwh=frozen(every_slot * 0.69 / 4),
    )
    assert quantity in {one.quantity for one in breaches(of, told, OPTIONS.load_quantile)}


def test_the_check_sees_what_flows_back_through_a_fuse_or_over_the_export_limit():
    of = home()
    schedule = plan_of(of).schedule
    for change, quantity in (
        ({"limit_a": (14.0,) * 3}, "L1 back"),
        ({"export_kw": 10.0}, "kW back"),
        ({"limit_kva": 10.0}, "kVA back"),
    ):
        nodes = tuple(replace(node, **change) for node in of.site.nodes)
        found = breaches(replace(of, site=replace(of.site, nodes=nodes)), schedule, OPTIONS.load_quantile)
        assert ("grid", quantity) in {(one.where, one.quantity) for one in found}


def test_the_check_sees_a_minimum_that_was_given_away():
    of = home(minimum_kwh=10.0)
    schedule = plan_of(of).schedule
    hungry = replace(schedule, energy_kwh=frozen(schedule.energy_kwh * 0.5))
    assert "kWh owed" in {one.quantity for one in breaches(of, hungry, OPTIONS.load_quantile)}


@given(of=giving_states())
@settings(max_examples=14)
def test_the_search_beside_cars_that_give_back_costs_no_more_and_keeps_what_they_were_told(of):
    free = tuple(
        replace(one, evses=tuple(replace(evse, min_run_s=0.0, min_pause_s=0.0) for evse in one.evses))
        for one in of.site.stations
    )
    of = replace(of, site=replace(of.site, stations=free))
    rounded, better = (
        Controller(of.site, PlanOptions(deadline_s=60.0, search_s=search_s)).step(of)
        for search_s in (0.0, 30.0)
    )
    noise = 1e-6 * max(1.0, abs(rounded.report.objective))
    assert better.report.objective <= rounded.report.objective + noise
    assert breaches(of, better.schedule, OPTIONS.load_quantile) == ()
    assert back_of(better).tolist() == back_of(rounded).tolist()


def test_others_are_searched_for_while_one_car_gives_back():
    evses = (Evse("E1", max_discharge_a=16.0), Evse("E2"), Evse("E3"), Evse("E4"))
    crowded = site(evses=evses, limit_kw=1.7 * FULL_KW)
    giver = car("E1", 0.0, discharge=replace(OFFER, max_kw=8.0), leaves_h=3.0)
    cars = [car(one, 12.0) for one in ("E2", "E3", "E4")]
    prices = np.linspace(0.9, 0.1, 16)
    of = state(crowded, giver, *cars, prices=prices)
    of = replace(of, tariff=replace(of.tariff, export_per_kwh=frozen(0.9 * prices)))
    rounded, better = (
        Controller(crowded, PlanOptions(deadline_s=60.0, search_s=search_s)).step(of)
        for search_s in (0.0, 30.0)
    )
    assert back_of(rounded).any()
    assert back_of(better).tolist() == back_of(rounded).tolist()
    assert better.report.objective < rounded.report.objective - 1e-6
