"""A valid state raises nothing; every fault is named with its path, all of them in one error."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.errors import InvalidInputError, IssueList
from models.grid.limits import NodeLimit
from models.grid.site import CircuitNode, CurrentType, Evse, Phase, Site, Station
from models.grid.validate import check_site
from models.load import LoadForecast
from models.sessions import Departure
from models.validate import validate_state
from tests.optimizer.builders import at, car, limit, site, state
from tests.strategies import state_walks

LOAD = LoadForecast.certain("grid", frozen(np.full(16, 2.0)))
GOOD = state(site(2), car("E1", 10.0), car("E2", 10.0), loads=(LOAD,), limits=(limit(20.0),))


def faults(state):
    with pytest.raises(InvalidInputError) as raised:
        validate_state(state)
    return [issue.where for issue in raised.value.issues]


def with_first(state, **facts):
    first, *others = state.sessions
    return replace(state, sessions=(replace(first, **facts), *others))


def with_evse(evse, **node):
    return state(Site("s", "UTC", (CircuitNode("grid", **node),), (Station("S", "grid", (evse,)),)))


def with_tariff(**facts):
    return replace(GOOD, tariff=replace(GOOD.tariff, **facts))


def with_load(**facts):
    return replace(GOOD, loads=(replace(LOAD, **facts),))


def with_nodes(*nodes):
    return replace(GOOD, site=replace(GOOD.site, nodes=nodes))


@given(walk=state_walks())
@settings(max_examples=60)
def test_a_drawn_state_is_valid_at_every_step(walk):
    for one in walk:
        validate_state(one)


BAD_NUMBERS = (-1.0, float("nan"), float("inf"), float("-inf"))


@given(
    walk=state_walks(max_size=1).filter(lambda walk: walk[0].sessions),
    field=st.sampled_from(
        ["target_kwh", "minimum_kwh", "delivered_kwh", "priority", "max_current_a", "max_power_kw"]
    ),
    number=st.sampled_from(BAD_NUMBERS),
    data=st.data(),
)
@settings(max_examples=60)
def test_a_bad_number_in_a_session_is_named_by_its_path(walk, field, number, data):
    (good,) = walk
    place = data.draw(st.integers(0, len(good.sessions) - 1))
    sessions = list(good.sessions)
    sessions[place] = replace(sessions[place], **{field: number})
    assert f"sessions[{place}].{field}" in faults(replace(good, sessions=tuple(sessions)))


@pytest.mark.parametrize("number", BAD_NUMBERS)
@pytest.mark.parametrize(
    ("where", "spoil"),
    [
        ("billing_peak_kw", lambda x: replace(GOOD, billing_peak_kw=x)),
        ("tariff.demand_charge_per_kw", lambda x: with_tariff(demand_charge_per_kw=x)),
        ("site.nodes[0].limit_kw", lambda x: with_nodes(CircuitNode("grid", None, x))),
        ("site.nodes[0].limit_a[1]", lambda x: with_nodes(CircuitNode("grid", None, None, (9, x, 9)))),
        ("site.voltage_v", lambda x: replace(GOOD, site=replace(GOOD.site, voltage_v=x))),
        ("site.stations[0].evses[0].step_a", lambda x: with_evse(Evse("E1", step_a=x))),
        ("site.stations[0].evses[0].max_current_a", lambda x: with_evse(Evse("E1", max_current_a=x))),
    ],
)
def test_a_bad_number_is_named_by_its_path(where, spoil, number):
    assert where in faults(spoil(number))


SHORT = frozen(np.ones(15))
FAULTS = {
    "an EVSE that is not there": ("sessions[0].evse_id", with_first(GOOD, evse_id="nowhere")),
    "a name twice": ("sessions[1].session_id", with_first(GOOD, session_id="at E2")),
    "two cars at once": ("sessions[1]", with_first(GOOD, evse_id="E2", arrival=at(-2))),
    "a departure before arrival": ("sessions[0].departure", with_first(GOOD, departure=Departure.at(at(-2)))),
    "an expected car that leaves before it comes": (
        "sessions[0].departure",
        with_first(GOOD, arrival=at(3), departure=Departure.at(at(2))),
    ),
    "times that fall": (
        "sessions[0].departure",
        with_first(GOOD, departure=Departure((0.1, 0.9), (at(3), at(2)))),
    ),
    "levels that fall": (
        "sessions[0].departure",
        with_first(GOOD, departure=Departure((0.9, 0.1), (at(2), at(3)))),
    ),
    "levels without times": ("sessions[0].departure", with_first(GOOD, departure=Departure((0.1,), ()))),
    "a level of one": ("sessions[0].departure", with_first(GOOD, departure=Departure((1.0,), (at(1),)))),
    "a time without zone": ("sessions[0]", with_first(GOOD, arrival=at(-1).replace(tzinfo=None))),
    "a minimum above the target": ("sessions[0].minimum_kwh", with_first(GOOD, minimum_kwh=11.0)),
    "a priority of nothing": ("sessions[0].priority", with_first(GOOD, priority=0.0)),
    "four phases": ("sessions[0].n_phases", with_first(GOOD, n_phases=4)),
    "no phases": ("sessions[0].n_phases", with_first(GOOD, n_phases=0)),
    "now without zone": ("now", replace(GOOD, now=at(0).replace(tzinfo=None))),
    "now before the horizon": ("now", replace(GOOD, now=at(-0.1))),
    "now after the first slot": ("now", replace(GOOD, now=at(0.3))),
    "a short tariff": ("tariff.energy_per_kwh", with_tariff(energy_per_kwh=SHORT)),
    "a tariff in two rows": ("tariff.network_per_kwh", with_tariff(network_per_kwh=frozen(np.ones((2, 16))))),
    "a price that is none": ("tariff.energy_per_kwh", with_tariff(energy_per_kwh=frozen([np.nan] * 16))),
    "a price beyond sense": ("tariff.energy_per_kwh", with_tariff(energy_per_kwh=frozen([1e300] * 16))),
    "a load at no node": ("loads[0].node_id", with_load(node_id="nowhere")),
    "a short load": ("loads[0].power_kw", with_load(power_kw=frozen(np.ones((1, 15))))),
    "a load in one row": ("loads[0].power_kw", with_load(power_kw=frozen(np.ones(16)))),
    "a load that is one number": ("loads[0].power_kw", with_load(power_kw=frozen(3.0))),
    "a load that is none": ("loads[0].power_kw", with_load(power_kw=frozen(np.full((1, 16), np.inf)))),
    "too few levels": ("loads[0].power_kw", with_load(power_kw=frozen(np.ones((2, 16))))),
    "quantiles that cross": (
        "loads[0].power_kw",
        with_load(levels=frozen([0.1, 0.9]), power_kw=frozen([[2.0] * 16, [1.0] * 16])),
    ),
    "load levels that fall": (
        "loads[0].levels",
        with_load(levels=frozen([0.9, 0.1]), power_kw=frozen(np.ones((2, 16)))),
    ),
    "a load on more than all phases": (
        "loads[0].phase_share",
        with_load(phase_share=frozen([0.5, 0.5, 0.5])),
    ),
    "a negative share": ("loads[0].phase_share", with_load(phase_share=frozen([1.5, -0.5, 0.0]))),
    "a limit at no node": ("limits[0].node_id", replace(GOOD, limits=(limit(9.0, node_id="nowhere"),))),
    "a short limit": ("limits[0].limit_kw", replace(GOOD, limits=(limit(9.0, n_slots=15),))),
    "a negative limit": ("limits[0].limit_kw", replace(GOOD, limits=(limit(-1.0),))),
    "a limit that is none": ("limits[0].limit_kw", replace(GOOD, limits=(limit(np.nan),))),
    "a current limit without phases": (
        "limits[0].limit_a",
        replace(GOOD, limits=(NodeLimit("grid", "x", None, frozen(np.ones(16))),)),
    ),
    "a current limit of two phases": (
        "limits[0].limit_a",
        replace(GOOD, limits=(NodeLimit("grid", "x", None, frozen(np.ones((2, 16)))),)),
    ),
    "no zone": ("site.zone", replace(GOOD, site=replace(GOOD.site, zone="Mars/Olympus"))),
    "two roots": ("site.nodes", with_nodes(CircuitNode("grid"), CircuitNode("other"))),
    "no nodes": ("site.nodes", with_nodes()),
    "an unknown parent": ("site.nodes[1].parent_id", with_nodes(CircuitNode("grid"), CircuitNode("a", "b"))),
    "parents in a circle": (
        "site.nodes[1].parent_id",
        with_nodes(CircuitNode("grid"), CircuitNode("a", "b"), CircuitNode("b", "a")),
    ),
    "a node twice": ("site.nodes", with_nodes(CircuitNode("grid"), CircuitNode("grid"))),
    "a station at no node": ("site.stations[0].node_id", with_nodes(CircuitNode("other"))),
    "an EVSE twice": ("site.evses", state(site(evses=(Evse("E1"), Evse("E1"))))),
    "an EVSE without phases": ("site.stations[0].evses[0].phases", with_evse(Evse("E1", ()))),
    "a phase twice": (
        "site.stations[0].evses[0].phases",
        with_evse(Evse("E1", (Phase.L1, Phase.L1))),
    ),
    "AC below six amperes": (
        "site.stations[0].evses[0].min_current_a",
        with_evse(Evse("E1", min_current_a=5.0)),
    ),
    "a range that is none": (
        "site.stations[0].evses[0].max_current_a",
        with_evse(Evse("E1", max_current_a=5.0)),
    ),
    "no pilot in range": ("site.stations[0].evses[0].pilots_a", with_evse(Evse("E1", pilots_a=(40.0,)))),
    "steps without number": ("site.stations[0].evses[0].step_a", with_evse(Evse("E1", step_a=1e-9))),
    "no connector": ("site.stations[0].evses[0].connectors", with_evse(Evse("E1", connectors=()))),
    "phases that the node does not have": (
        "site.stations[0].evses[0].phases",
        with_evse(Evse("E1"), limit_a=(32.0, 0.0, 0.0)),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_named_by_its_path(name):
    where, bad = FAULTS[name]
    assert where in faults(bad)


def test_the_state_that_they_spoil_is_good():
    validate_state(GOOD)


def test_faults_are_named_all_at_once():
    bad = with_first(GOOD, evse_id="nowhere", target_kwh=-1.0, departure=Departure.at(at(-1)))
    bad = replace(bad, billing_peak_kw=np.nan, limits=(limit(np.nan),), loads=(replace(LOAD, node_id="x"),))
    assert set(faults(bad)) >= {
        "sessions[0].evse_id",
        "sessions[0].target_kwh",
        "sessions[0].departure",
        "billing_peak_kw",
        "limits[0].limit_kw",
        "loads[0].node_id",
    }


def test_a_site_that_was_checked_is_not_checked_again_but_any_other_record_is():
    bad = with_evse(Evse("E1", max_current_a=-1.0))
    assert faults(bad)
    validate_state(bad, checked=bad.site)
    with pytest.raises(InvalidInputError):
        validate_state(replace(bad, site=replace(bad.site)), checked=bad.site)


def test_a_car_that_follows_is_no_overlap_but_one_that_is_there_is():
    first = car("E1", 10.0, departure=Departure((0.5, 0.9), (at(-1), at(2))), arrives_h=-4.0)
    validate_state(state(site(1), first, car("E1", 5.0, session_id="next", arrives_h=0.5)))
    assert faults(state(site(1), first, car("E1", 5.0, session_id="next", arrives_h=-0.5))) == ["sessions[1]"]


def test_a_dc_evse_may_go_below_six_amperes_and_limits_may_be_infinite():
    validate_state(with_evse(Evse("E1", min_current_a=1.0, current_type=CurrentType.DC)))
    validate_state(replace(GOOD, limits=(limit(np.inf),)))


@pytest.mark.parametrize("hours", [-0.9, -0.1, 0.0])
def test_a_car_that_stays_past_its_departure_is_taken(hours):
    validate_state(with_first(GOOD, departure=Departure.at(at(hours))))
    validate_state(with_first(GOOD, departure=Departure((0.1, 0.9), (at(-0.95), at(hours)))))


@given(n_cars=st.integers(400, 600), seed=st.integers(0, 2**16))
@settings(max_examples=10)
def test_hundreds_of_cars_may_queue_on_twenty_evses_and_one_that_pushes_in_is_named(n_cars, seed):
    order = np.random.default_rng(seed).permutation(n_cars)
    cars = [
        car(f"E{1 + i % 20}", 5.0, session_id=str(i), arrives_h=i // 20 * 0.5, leaves_h=i // 20 * 0.5 + 0.5)
        for i in order
    ]
    validate_state(state(site(20), *cars))
    place = int(np.argmax(order))
    pushed = replace(cars[place], arrival=cars[place].arrival - timedelta(minutes=1))
    assert faults(state(site(20), *cars[:place], pushed, *cars[place + 1 :])) == [f"sessions[{place}]"]


def test_an_empty_site_and_no_sessions_are_no_fault():
    validate_state(state(replace(site(1), stations=())))
    validate_state(state(site(1)))


def test_energy_that_cannot_fit_is_no_fault_of_the_input():
    validate_state(state(site(1), car("E1", 500.0, leaves_h=timedelta(minutes=10) / timedelta(hours=1))))


def test_a_phase_that_a_node_further_up_lacks_is_named_with_that_node():
    site = Site(
        site_id="two-phase-riser",
        zone="UTC",
        nodes=(
            CircuitNode("grid", limit_a=(63.0, 63.0, 0.0)),
            CircuitNode("panel", "grid", limit_a=(32.0, 32.0, 32.0)),
        ),
        stations=(Station("cs", "panel", (Evse("evse"),)),),
    )
    issues = IssueList()
    check_site(site, issues)
    assert [issue.what for issue in issues.issues] == ["node 'grid' does not have L3"]
