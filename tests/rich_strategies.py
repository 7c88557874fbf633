"""Hypothesis strategies of states that use everything that a site can have: :func:`rich_states` is the way in."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
from hypothesis import strategies as st

from models.arrays import frozen
from models.assets import Battery, Generator, SiteAssets, SolarPlant
from models.flexibility import CalledReduction, Direction, Flexibility, ReserveProduct
from models.grid.fuse import GG_FUSE, Fuse
from models.grid.limits import NodeLimit
from models.grid.site import CurrentType, LineLimit, Wiring
from models.load import LoadForecast
from models.prices import EnergyTariff, PeakCharge, Subscription
from models.sessions import Acceptance, Departure, DischargeOffer, Milestone
from models.state import Conduct, ExpectedArrivals, SiteState, StationCondition
from models.timegrid import TimeGrid
from tests.strategies import PHASE_SHARES, PLANNING_NOWS, planning_sites, session

STEPS_S = st.sampled_from([300, 900, 1800, 3600])
FUSES = (None, GG_FUSE, Fuse((1.3, 2.0), (1000.0, 5.0)), Fuse((1.1,), (60.0,)))

HOLIDAYS = st.lists(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=2).map(tuple)


def tenths(low, high):
    """A number of whole tenths: what people write."""
    return st.integers(round(low * 10), round(high * 10)).map(lambda value: value / 10)


def row(draw, n_slots, low, high):
    """A row of whole tenths by slot, from one drawn number: many of them still fit into one example."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    return frozen(rng.integers(round(low * 10), round(high * 10) + 1, n_slots) / 10)


def maybe(draw, strategy):
    """Nothing, or something drawn."""
    return draw(strategy) if draw(st.booleans()) else None


# --- sites ----------------------------------------------------------------------------------------


@st.composite
def rich_sites(draw, max_stations=3):
    """A site of :func:`planning_sites` with delta wiring, fuses, shared cabinets and phasor limits."""
    site = draw(planning_sites())
    stations = tuple(rich_station(draw, one) for one in site.stations[:max_stations])
    site = replace(site, nodes=tuple(rich_node(draw, one) for one in site.nodes), stations=stations)
    country, subdivision = draw(st.sampled_from([(None, None), ("NL", None), ("DE", "BY")]))
    site = replace(site, country=country, subdivision=subdivision, holidays=draw(HOLIDAYS))
    return replace(site, lines=tuple(draw(st.lists(lines(site), max_size=2, unique_by=lambda x: x.line_id))))


def rich_node(draw, node):
    return replace(
        node,
        limit_kva=maybe(draw, tenths(5, 80)),
        export_kw=maybe(draw, tenths(0, 40)),
        unbalance_a=maybe(draw, tenths(5, 60)),
        fuse=None if node.limit_a is None else draw(st.sampled_from(FUSES)),
    )


def rich_station(draw, station):
    module_kw = draw(st.sampled_from([None, None, 10.0, 12.5]))
    limit_kw = maybe(draw, tenths(5, 60)) if module_kw is None else module_kw * draw(st.integers(1, 6))
    return replace(
        station,
        evses=tuple(rich_evse(draw, one) for one in station.evses),
        limit_kw=limit_kw,
        module_kw=module_kw,
        offline_a=draw(st.sampled_from([0.0, 6.0, 10.0])),
    )


def rich_evse(draw, evse):
    can_delta = evse.current_type is CurrentType.AC and len(evse.phases) > 1
    return replace(
        evse,
        wiring=draw(st.sampled_from(Wiring)) if can_delta else Wiring.WYE,
        power_factor=draw(st.sampled_from([1.0, 1.0, 0.95, 0.8])),
        min_run_s=draw(st.sampled_from([0.0, 300.0, 1800.0])),
        min_pause_s=draw(st.sampled_from([0.0, 120.0, 1800.0])),
        max_discharge_a=draw(st.sampled_from([0.0, 16.0])),
    )


@st.composite
def lines(draw, site):
    """A conductor that carries any sum of the phasors of a site's EVSEs."""
    evse_ids = draw(st.lists(st.sampled_from(site.evse_ids), min_size=1, max_size=4, unique=True))
    weights = tuple((one, complex(draw(tenths(-2, 2)), draw(tenths(-2, 2)))) for one in evse_ids)
    return LineLimit(f"line {draw(st.integers(0, 3))}", weights, draw(tenths(0, 80)))


# --- cars -----------------------------------------------------------------------------------------


@st.composite
def rich_sessions(draw, site, now):
    """Cars of a site, at most two at each EVSE in turn; some have stayed past their departure."""
    found = []
    for one in site.evses:
        n_cars = draw(st.integers(0, 2))
        first = draw(session(one, now))
        if n_cars and first.arrival <= now and draw(st.integers(0, 4)) == 0:
            late = now - timedelta(minutes=draw(st.integers(0, 200)))
            first = replace(first, arrival=late - timedelta(hours=3), departure=Departure.at(late))
        found += [first] if n_cars else []
        if n_cars == 2:
            comes = max(first.departure.median, now) + timedelta(minutes=draw(st.integers(1, 90)))
            leaves = Departure.at(comes + timedelta(minutes=draw(st.integers(20, 300))))
            follower = draw(session(one, now))
            found.append(
                replace(follower, session_id=f"next at {one.evse_id}", arrival=comes, departure=leaves)
            )
    return tuple(rich_session(draw, one) for one in found)


def rich_session(draw, car):
    return replace(
        car,
        promised_kwh=draw(st.sampled_from([0.0, 0.0, 6.0, 30.0])),
        milestones=milestones(draw, car),
        acceptance=maybe(draw, acceptances()),
        discharge=maybe(draw, discharge_offers()),
        start_delay_s=draw(st.sampled_from([0.0, 30.0, 600.0])),
    )


def milestones(draw, car):
    """Up to three deadlines within the stay, their energy rising to at most the target."""
    stay = max(car.departure.times) - car.arrival
    places = sorted(draw(st.sets(st.integers(1, 10), max_size=3)))
    energies = sorted(draw(st.lists(st.integers(0, 10), min_size=len(places), max_size=len(places))))
    return tuple(
        Milestone(car.arrival + stay * place / 10, car.target_kwh * energy / 10)
        for place, energy in zip(places, energies, strict=True)
    )


@st.composite
def acceptances(draw):
    """How a car's power falls; one that came nearly full has its knee below 0."""
    full_kwh = draw(tenths(0, 60))
    knee_kwh = full_kwh - draw(tenths(1, 30))
    return Acceptance(
        knee_kwh, full_kwh, draw(st.sampled_from([3.7, 11.0, 50.0])), draw(st.sampled_from([0.0, 0.1]))
    )


@st.composite
def discharge_offers(draw):
    """What a car may give back; it may hold less than its reserve, or more than its capacity."""
    capacity_kwh = draw(tenths(10, 80))
    return DischargeOffer(
        max_kw=draw(tenths(0, 11)),
        stored_kwh=draw(tenths(0, 90)),
        reserve_kwh=capacity_kwh * draw(st.integers(0, 10)) / 10,
        capacity_kwh=capacity_kwh,
        charge_efficiency=draw(st.sampled_from([1.0, 0.95, 0.7])),
        discharge_efficiency=draw(st.sampled_from([1.0, 0.95, 0.7])),
        wear_per_kwh=draw(st.sampled_from([0.0, 0.05])),
    )


# --- money ----------------------------------------------------------------------------------------


@st.composite
def rich_tariffs(draw, grid):
    """What a site pays: negative prices and a spike of 10,000, export, carbon, peaks, a subscription."""
    n_slots = grid.n_slots
    energy = np.array(row(draw, n_slots, -1, 1))
    if draw(st.integers(0, 7)) == 0:
        energy[draw(st.integers(0, n_slots - 1))] = 1e4
    has_carbon = draw(st.booleans())
    return EnergyTariff(
        energy_per_kwh=frozen(energy),
        network_per_kwh=row(draw, n_slots, 0, 1),
        demand_charge_per_kw=draw(st.sampled_from([0.0, 5.0])),
        export_per_kwh=row(draw, n_slots, -0.5, 0.5) if draw(st.booleans()) else None,
        carbon_kg_per_kwh=row(draw, n_slots, 0, 1) if has_carbon else None,
        carbon_per_kg=draw(st.sampled_from([0.0, 0.1])),
        peaks=tuple(draw(st.lists(peak_charges(n_slots), max_size=2))),
        subscription=maybe(draw, st.builds(Subscription, tenths(0, 60), tenths(0, 2))),
        switch_cost=draw(st.sampled_from([0.0, 0.02])),
        fixed_cost=draw(st.sampled_from([0.0, 3.5, -1.0])),
    )


@st.composite
def peak_charges(draw, n_slots):
    """A charge on peaks, of all slots or of some."""
    flags = draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=n_slots, max_size=n_slots))
    return PeakCharge(
        per_kw=draw(tenths(0, 20)),
        window_s=draw(st.sampled_from([900, 1800, 3600])),
        so_far_kw=draw(tenths(0, 40)),
        expected_kw=draw(tenths(0, 40)),
        applies=frozen(flags) if draw(st.booleans()) else None,
        window_kwh=draw(tenths(0, 10)),
    )


@st.composite
def flexibility(draw, n_slots):
    """Reserves and calls."""
    reserves = tuple(
        ReserveProduct(f"reserve {number}", draw(st.sampled_from(Direction)), row(draw, n_slots, 0, 20), 0.02)
        for number in range(draw(st.integers(0, 2)))
    )
    calls = tuple(
        CalledReduction(
            product_id=f"call {number}",
            baseline_kw=row(draw, n_slots, -10, 60),
            called_kw=row(draw, n_slots, 0, 20),
            pays_per_kwh=draw(tenths(0, 1)),
            penalty_per_kwh=draw(tenths(0, 1)),
        )
        for number in range(draw(st.integers(0, 1)))
    )
    return Flexibility(reserves, calls)


# --- what stands there ----------------------------------------------------------------------------


@st.composite
def assets(draw, site, n_slots):
    """Batteries, a solar plant, a generator, at any node."""
    node_ids = st.sampled_from([node.node_id for node in site.nodes])
    batteries = tuple(
        draw(batteries_at(f"battery {number}", draw(node_ids))) for number in range(draw(st.integers(0, 2)))
    )
    plants = tuple(
        solar_plant(draw, f"plant {number}", draw(node_ids), n_slots)
        for number in range(draw(st.integers(0, 1)))
    )
    generators = st.builds(
        Generator, st.just("generator"), node_ids, tenths(0, 30), tenths(0, 1), st.just(0.7)
    )
    return SiteAssets(batteries, plants, tuple(draw(st.lists(generators, max_size=1))))


@st.composite
def batteries_at(draw, asset_id, node_id):
    """A battery; it may hold less or more than it is kept between."""
    max_kwh = draw(tenths(0, 60))
    return Battery(
        asset_id=asset_id,
        node_id=node_id,
        min_kwh=max_kwh * draw(st.integers(0, 10)) / 10,
        max_kwh=max_kwh,
        stored_kwh=draw(tenths(0, 70)),
        charge_kw=draw(tenths(0, 30)),
        discharge_kw=draw(tenths(0, 30)),
        charge_efficiency=draw(st.sampled_from([1.0, 0.95])),
        discharge_efficiency=draw(st.sampled_from([1.0, 0.9])),
        wear_per_kwh=draw(st.sampled_from([0.0, 0.02])),
        end_kwh=max_kwh * draw(st.integers(0, 10)) / 10 if draw(st.booleans()) else None,
    )


def solar_plant(draw, asset_id, node_id, n_slots):
    low_kw = row(draw, n_slots, 0, 20)
    rows, levels = [low_kw], [0.5]
    if draw(st.booleans()):
        rows, levels = [low_kw, low_kw + row(draw, n_slots, 0, 5)], [0.1, 0.5]
    return SolarPlant(asset_id, node_id, frozen(levels), frozen(rows), draw(st.booleans()))


def loads(draw, site, n_slots):
    found = []
    for node in site.nodes:
        if draw(st.booleans()):
            low_kw = row(draw, n_slots, 0, 25)
            rows = frozen([low_kw, low_kw + row(draw, n_slots, 0, 5)])
            share = frozen(draw(st.sampled_from(PHASE_SHARES)))
            found.append(LoadForecast(node.node_id, frozen([0.5, 0.95]), rows, share))
    return tuple(found)


def limits(draw, site, n_slots):
    found = []
    for node in site.nodes[:2]:
        if draw(st.booleans()):
            limit_a = frozen([row(draw, n_slots, 0, 90) for _ in range(3)]) if draw(st.booleans()) else None
            found.append(NodeLimit(node.node_id, "signal", row(draw, n_slots, 0, 80), limit_a))
    return tuple(found)


@st.composite
def rich_states(draw, max_stations=3):
    """A valid state that may use all that a site can have, bad days included."""
    site, now = draw(rich_sites(max_stations)), draw(st.sampled_from(PLANNING_NOWS))
    return draw(rich_states_at(site, TimeGrid.around(now, draw(STEPS_S), draw(st.integers(1, 16))), now))


@st.composite
def rich_walks(draw, max_size=3, max_stations=2):
    """States of one site, one after the other; nearly everything but the site changes from one to the next."""
    site, now = draw(rich_sites(max_stations)), draw(st.sampled_from(PLANNING_NOWS))
    step_s, n_slots = draw(STEPS_S), draw(st.integers(1, 12))
    states = []
    for _ in range(draw(st.integers(1, max_size))):
        states.append(draw(rich_states_at(site, TimeGrid.around(now, step_s, n_slots), now)))
        now += timedelta(seconds=step_s * draw(st.sampled_from([0.0, 0.3, 1.0, 1.0, 5.5])))
    return tuple(states)


@st.composite
def rich_states_at(draw, site, grid, now):
    """A state of a site at a moment."""
    n_slots = grid.n_slots
    obeying = tuple(station.station_id for station in site.stations)
    strange = draw(st.lists(st.sampled_from(obeying), max_size=2, unique=True))
    return SiteState(
        site=site,
        now=now,
        grid=grid,
        sessions=draw(rich_sessions(site, now)),
        tariff=draw(rich_tariffs(grid)),
        loads=loads(draw, site, n_slots),
        limits=limits(draw, site, n_slots),
        billing_peak_kw=draw(st.sampled_from([0.0, 20.0])),
        assets=draw(assets(site, n_slots)),
        flexibility=draw(flexibility(n_slots)),
        conditions=tuple(StationCondition(one, draw(st.sampled_from(Conduct))) for one in strange),
        expected=ExpectedArrivals(row(draw, n_slots, 0, 10), draw(tenths(0.1, 8)), row(draw, n_slots, 0, 30))
        if draw(st.booleans())
        else None,
    )
