"""All that a site can have: a drawn state is valid, and each fault in it is named by its path."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.assets import Battery, Generator, SiteAssets, SolarPlant
from models.errors import InvalidInputError
from models.flexibility import CalledReduction, Direction, Flexibility, ReserveProduct
from models.grid.fuse import GG_FUSE, Fuse
from models.grid.site import CircuitNode, CurrentType, Evse, LineLimit, Phase, Site, Station, Wiring
from models.prices import PeakCharge, Subscription
from models.sessions import Acceptance, Departure, DischargeOffer, Milestone
from models.state import Conduct, ExpectedArrivals, StationCondition
from models.timegrid import TimeGrid
from models.validate import validate_state
from tests.optimizer.builders import NOW, at, car, site, state
from tests.strategies import rich_states


def faults(state):
    with pytest.raises(InvalidInputError) as raised:
        validate_state(state)
    return [issue.where for issue in raised.value.issues]


@given(state=rich_states())
@settings(max_examples=50)
def test_a_state_with_everything_is_valid(state):
    validate_state(state)


def leaves(record, path="") -> Iterator[tuple[str, tuple[object, ...]]]:
    """Every number of a record: its path as people write it, and the steps to it."""
    if isinstance(record, float | complex) or (isinstance(record, np.ndarray) and record.size):
        yield path, ()
    elif is_dataclass(record) and not isinstance(record, TimeGrid):
        for field in fields(record):
            below = f"{path}.{field.name}" if path else field.name
            for where, steps in leaves(getattr(record, field.name), below):
                yield where, (field.name, *steps)
    elif isinstance(record, tuple):
        for place, part in enumerate(record):
            for where, steps in leaves(part, f"{path}[{place}]"):
                yield where, (place, *steps)


def spoiled(record, steps, number):
    """The record with one number, or one number of an array, replaced."""
    if not steps:
        if not isinstance(record, np.ndarray):
            return number
        values = np.array(record)
        values.flat[values.size // 2] = number
        return frozen(values)
    first, *others = steps
    if isinstance(record, tuple):
        return (*record[:first], spoiled(record[first], others, number), *record[first + 1 :])
    return replace(record, **{first: spoiled(getattr(record, first), others, number)})


@given(state=rich_states(), data=st.data())
@settings(max_examples=100)
def test_a_number_that_is_none_is_named_wherever_it_stands(state, data):
    where, steps = data.draw(st.sampled_from(list(leaves(state))))
    named = faults(spoiled(state, steps, float("nan")))
    assert any(where.startswith(one) for one in named), (where, named)


ROW = frozen(np.ones(16))
NODE = CircuitNode("grid", limit_a=(63.0, 63.0, 63.0))
BATTERY = Battery("b", "grid", 2.0, 20.0, 10.0, 5.0, 5.0)
PLANT = SolarPlant("p", "grid", frozen([0.1, 0.9]), frozen([ROW, 2 * ROW]))
GENERATOR = Generator("g", "grid", 10.0, 0.5)
OFFER = DischargeOffer(7.0, 30.0, 20.0, 60.0)
CURVE = Acceptance(20.0, 40.0, 11.0)
RESERVE = ReserveProduct("r", Direction.DOWN, ROW, 0.02)
CALL = CalledReduction("c", ROW, ROW, 0.2)
EXPECTED = ExpectedArrivals(ROW, 3.0, ROW)
GOOD = state(site(2), car("E1", 10.0), car("E2", 10.0))


def with_evse(**facts):
    return state(Site("s", "UTC", (NODE,), (Station("S", "grid", (Evse("E1", **facts),)),)))


def with_station(**facts):
    return state(Site("s", "UTC", (NODE,), (Station("S", "grid", (Evse("E1"),), **facts),)))


def with_node(**facts):
    return replace(GOOD, site=replace(GOOD.site, nodes=(replace(NODE, **facts),)))


def with_lines(*lines):
    return replace(GOOD, site=replace(GOOD.site, lines=lines))


def with_car(**facts):
    return replace(GOOD, sessions=(replace(GOOD.sessions[0], **facts), GOOD.sessions[1]))


def with_milestones(*pairs):
    return with_car(milestones=tuple(Milestone(at(hours), energy_kwh) for hours, energy_kwh in pairs))


def with_tariff(**facts):
    return replace(GOOD, tariff=replace(GOOD.tariff, **facts))


def with_peak(**facts):
    return with_tariff(peaks=(PeakCharge(**{"per_kw": 5.0} | facts),))


def with_assets(*batteries, **others):
    return replace(GOOD, assets=SiteAssets(batteries, **others))


def with_battery(**facts):
    return with_assets(replace(BATTERY, **facts))


def selling(*reserves, calls=()):
    return replace(GOOD, flexibility=Flexibility(reserves, calls))


def in_condition(*names):
    return replace(GOOD, conditions=tuple(StationCondition(name, Conduct.OFFLINE) for name in names))


EVSE, STATION, SHORT = "site.stations[0].evses[0]", "site.stations[0]", frozen(np.ones(15))
FAULTS = {
    "a delta of one phase": (f"{EVSE}.phases", with_evse(wiring=Wiring.DELTA, phases=(Phase.L1,))),
    "a delta that gives DC": (
        f"{EVSE}.wiring",
        with_evse(wiring=Wiring.DELTA, current_type=CurrentType.DC),
    ),
    "a power factor of nothing": (f"{EVSE}.power_factor", with_evse(power_factor=0.0)),
    "a power factor above one": (f"{EVSE}.power_factor", with_evse(power_factor=1.01)),
    "a run that is negative": (f"{EVSE}.min_run_s", with_evse(min_run_s=-1.0)),
    "a pause of more than a day": (f"{EVSE}.min_pause_s", with_evse(min_pause_s=1e5)),
    "a discharge that is negative": (f"{EVSE}.max_discharge_a", with_evse(max_discharge_a=-6.0)),
    "a pilot that is negative": (f"{EVSE}.pilots_a[1]", with_evse(pilots_a=(8.0, -8.0))),
    "a cabinet below zero": (f"{STATION}.limit_kw", with_station(limit_kw=-1.0)),
    "modules without a cabinet": (f"{STATION}.module_kw", with_station(module_kw=10.0)),
    "modules that do not fill it": (f"{STATION}.module_kw", with_station(module_kw=40.0, limit_kw=150.0)),
    "modules of nothing": (f"{STATION}.module_kw", with_station(module_kw=0.0, limit_kw=150.0)),
    "modules without number": (f"{STATION}.module_kw", with_station(module_kw=0.001, limit_kw=150.0)),
    "a safe share below zero": (f"{STATION}.offline_a", with_station(offline_a=-1.0)),
    "a negative apparent power": ("site.nodes[0].limit_kva", with_node(limit_kva=-1.0)),
    "a negative export": ("site.nodes[0].export_kw", with_node(export_kw=-1.0)),
    "a negative unbalance": ("site.nodes[0].unbalance_a", with_node(unbalance_a=-1.0)),
    "a fuse for nothing": ("site.nodes[0].fuse", with_node(limit_a=None, fuse=GG_FUSE)),
    "a fuse without points": ("site.nodes[0].fuse", with_node(fuse=Fuse((), ()))),
    "a fuse of fewer times": ("site.nodes[0].fuse", with_node(fuse=Fuse((1.5, 2.0), (9.0,)))),
    "fuse currents that fall": ("site.nodes[0].fuse", with_node(fuse=Fuse((2.0, 1.5), (9.0, 5.0)))),
    "a fuse that trips at its rating": ("site.nodes[0].fuse", with_node(fuse=Fuse((1.0,), (9.0,)))),
    "fuse times that rise": ("site.nodes[0].fuse", with_node(fuse=Fuse((1.5, 2.0), (5.0, 9.0)))),
    "a fuse that holds for no time": ("site.nodes[0].fuse", with_node(fuse=Fuse((1.5,), (0.0,)))),
    "a line of an unknown EVSE": (
        "site.lines[0].weights[1]",
        with_lines(LineLimit("n", (("E1", 1 + 0j), ("E9", 1j)), 32.0)),
    ),
    "a line of no EVSE": ("site.lines[0].weights", with_lines(LineLimit("n", (), 32.0))),
    "an EVSE twice on a line": (
        "site.lines[0].weights",
        with_lines(LineLimit("n", (("E1", 1j), ("E1", 1j)), 32.0)),
    ),
    "a line below zero": ("site.lines[0].limit_a", with_lines(LineLimit("n", (("E1", 1j),), -1.0))),
    "a line twice": ("site.lines", with_lines(*[LineLimit("n", (("E1", 1j),), 9.0)] * 2)),
    "a milestone after the departure": ("sessions[0].milestones[0].by", with_milestones((5.0, 3.0))),
    "a milestone before the arrival": ("sessions[0].milestones[0].by", with_milestones((-2.0, 3.0))),
    "a milestone above the target": ("sessions[0].milestones[0].energy_kwh", with_milestones((1.0, 11.0))),
    "milestones at once": ("sessions[0].milestones[1].by", with_milestones((1.0, 3.0), (1.0, 4.0))),
    "milestones that fall back": ("sessions[0].milestones[1].by", with_milestones((2.0, 3.0), (1.0, 4.0))),
    "milestones that need less": (
        "sessions[0].milestones[1].energy_kwh",
        with_milestones((1.0, 3.0), (2.0, 2.0)),
    ),
    "a milestone without zone": (
        "sessions[0]",
        with_car(milestones=(Milestone(NOW.replace(tzinfo=None), 1.0),)),
    ),
    "a knee above full": (
        "sessions[0].acceptance.knee_kwh",
        with_car(acceptance=replace(CURVE, knee_kwh=41.0)),
    ),
    "a knee at full": ("sessions[0].acceptance.knee_kwh", with_car(acceptance=replace(CURVE, knee_kwh=40.0))),
    "a car that takes no power": (
        "sessions[0].acceptance.full_power_kw",
        with_car(acceptance=replace(CURVE, full_power_kw=0.0)),
    ),
    "a power that does not fall": (
        "sessions[0].acceptance.end_share",
        with_car(acceptance=replace(CURVE, end_share=1.0)),
    ),
    "a reserve above capacity": (
        "sessions[0].discharge.reserve_kwh",
        with_car(discharge=replace(OFFER, reserve_kwh=61.0)),
    ),
    "a battery of nothing in a car": (
        "sessions[0].discharge.capacity_kwh",
        with_car(discharge=replace(OFFER, capacity_kwh=0.0, reserve_kwh=0.0)),
    ),
    "a car that returns more than it took": (
        "sessions[0].discharge.discharge_efficiency",
        with_car(discharge=replace(OFFER, discharge_efficiency=1.1)),
    ),
    "a promise below zero": ("sessions[0].promised_kwh", with_car(promised_kwh=-1.0)),
    "a start of more than a day": ("sessions[0].start_delay_s", with_car(start_delay_s=1e5)),
    "export by too few slots": ("tariff.export_per_kwh", with_tariff(export_per_kwh=SHORT)),
    "export beyond sense": ("tariff.export_per_kwh", with_tariff(export_per_kwh=1e7 * ROW)),
    "carbon in grams": ("tariff.carbon_kg_per_kwh", with_tariff(carbon_kg_per_kwh=380 * ROW)),
    "carbon below zero": ("tariff.carbon_kg_per_kwh", with_tariff(carbon_kg_per_kwh=-ROW)),
    "a carbon price below zero": ("tariff.carbon_per_kg", with_tariff(carbon_per_kg=-0.1)),
    "a switch that earns": ("tariff.switch_cost", with_tariff(switch_cost=-0.1)),
    "a fixed cost without end": ("tariff.fixed_cost", with_tariff(fixed_cost=float("inf"))),
    "a window of ten minutes": ("tariff.peaks[0].window_s", with_peak(window_s=600)),
    "a peak that earns": ("tariff.peaks[0].per_kw", with_peak(per_kw=-1.0)),
    "a peak of too few slots": ("tariff.peaks[0].applies", with_peak(applies=SHORT)),
    "a peak that half applies": ("tariff.peaks[0].applies", with_peak(applies=0.5 * ROW)),
    "windows that slots do not fill": (
        "tariff.peaks[0].window_s",
        replace(with_peak(), grid=TimeGrid(NOW, 1200, 16)),
    ),
    "an excess that earns": (
        "tariff.subscription.excess_per_kwh",
        with_tariff(subscription=Subscription(20.0, -1.0)),
    ),
    "a battery at no node": ("assets.batteries[0].node_id", with_battery(node_id="x")),
    "a battery twice": ("assets", with_assets(BATTERY, BATTERY)),
    "a name for two kinds": ("assets", with_assets(BATTERY, solar=(replace(PLANT, asset_id="b"),))),
    "a least above the most": ("assets.batteries[0].min_kwh", with_battery(min_kwh=21.0)),
    "an end above the most": ("assets.batteries[0].end_kwh", with_battery(end_kwh=21.0)),
    "energy below zero": ("assets.batteries[0].stored_kwh", with_battery(stored_kwh=-0.1)),
    "a battery that gains": ("assets.batteries[0].charge_efficiency", with_battery(charge_efficiency=1.2)),
    "a battery that loses all": (
        "assets.batteries[0].discharge_efficiency",
        with_battery(discharge_efficiency=0.0),
    ),
    "sunshine that crosses": (
        "assets.solar[0].available_kw",
        with_assets(solar=(replace(PLANT, available_kw=frozen([2 * ROW, ROW])),)),
    ),
    "sunshine below zero": (
        "assets.solar[0].available_kw",
        with_assets(solar=(replace(PLANT, available_kw=frozen([-ROW, ROW])),)),
    ),
    "sunshine of too few slots": (
        "assets.solar[0].available_kw",
        with_assets(solar=(replace(PLANT, available_kw=frozen([SHORT, SHORT])),)),
    ),
    "sunny levels that fall": (
        "assets.solar[0].levels",
        with_assets(solar=(replace(PLANT, levels=frozen([0.9, 0.1])),)),
    ),
    "a generator at no node": (
        "assets.generators[0].node_id",
        with_assets(generators=(replace(GENERATOR, node_id="x"),)),
    ),
    "fuel that earns": (
        "assets.generators[0].cost_per_kwh",
        with_assets(generators=(replace(GENERATOR, cost_per_kwh=-1.0),)),
    ),
    "a band of too few slots": ("flexibility.reserves[0].most_kw", selling(replace(RESERVE, most_kw=SHORT))),
    "a band that costs": (
        "flexibility.reserves[0].pays_per_kw_h",
        selling(replace(RESERVE, pays_per_kw_h=-1.0)),
    ),
    "a product twice": ("flexibility", selling(RESERVE, calls=(replace(CALL, product_id="r"),))),
    "a call below zero": (
        "flexibility.calls[0].called_kw",
        selling(calls=(replace(CALL, called_kw=-ROW),)),
    ),
    "a baseline of too few slots": (
        "flexibility.calls[0].baseline_kw",
        selling(calls=(replace(CALL, baseline_kw=SHORT),)),
    ),
    "a penalty that pays": (
        "flexibility.calls[0].penalty_per_kwh",
        selling(calls=(replace(CALL, penalty_per_kwh=-1.0),)),
    ),
    "a station that is not there": ("conditions[0].station_id", in_condition("nowhere")),
    "a station in two conditions": ("conditions[1].station_id", in_condition("S E1", "S E1")),
    "arrivals in too few slots": (
        "expected.energy_kwh",
        replace(GOOD, expected=replace(EXPECTED, energy_kwh=SHORT)),
    ),
    "guests who do not stay": ("expected.stay_h", replace(GOOD, expected=replace(EXPECTED, stay_h=0.0))),
    "guests who give": ("expected.most_kw", replace(GOOD, expected=replace(EXPECTED, most_kw=-ROW))),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_by_its_path(name):
    where, bad = FAULTS[name]
    assert faults(bad) == [where]


DEFINED = {
    "a battery above its most": with_battery(stored_kwh=25.0),
    "a battery below its least": with_battery(stored_kwh=0.0),
    "a car that gave back more than it got": with_car(discharge=OFFER, delivered_kwh=-3.0),
    "a car above its capacity": with_car(discharge=replace(OFFER, stored_kwh=70.0)),
    "a car below its reserve": with_car(discharge=replace(OFFER, stored_kwh=1.0)),
    "a car that came with more than the knee": with_car(acceptance=replace(CURVE, knee_kwh=-3.0)),
    "a promise above the target": with_car(promised_kwh=50.0),
    "milestones that have passed": with_car(
        departure=Departure.at(at(-0.2)), milestones=(Milestone(at(-0.5), 4.0), Milestone(at(-0.2), 9.0))
    ),
    "prices below zero": with_tariff(energy_per_kwh=-ROW, export_per_kwh=-ROW),
    "a spike": with_tariff(energy_per_kwh=1e4 * ROW),
    "a call below an export": selling(calls=(replace(CALL, baseline_kw=-5 * ROW),)),
    "a window shorter than a slot": replace(with_peak(window_s=900), grid=TimeGrid(NOW, 3600, 16)),
    "a cabinet of whole modules": with_station(module_kw=12.5, limit_kw=150.0),
    "an offer that the EVSE cannot take": with_car(discharge=OFFER),
}


@pytest.mark.parametrize("name", DEFINED)
def test_a_bad_day_is_no_fault_of_the_input(name):
    validate_state(DEFINED[name])
