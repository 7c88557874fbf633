"""Hypothesis strategies that the tests of several packages share."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import strategies as st

from api.ocpp.profiles import OcppVersion, PilotRow, RateUnit, StationCapabilities
from models.arrays import frozen
from models.demand.arrivals import Visit
from models.grid.limits import NodeLimit
from models.grid.site import ALL_PHASES, CircuitNode, CurrentType, Evse, Phase, Site, Station
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.topology import Topology

# --- OCPP -----------------------------------------------------------------------------------------


@st.composite
def station_capabilities(draw, version=None):
    """Capabilities of a station, poor and rich ones."""
    units = draw(st.sets(st.sampled_from(RateUnit), min_size=1))
    return StationCapabilities(
        version=version or draw(st.sampled_from(OcppVersion)),
        rate_units=frozenset(units),
        max_stack_level=draw(st.integers(0, 10)),
        max_periods=draw(st.integers(1, 30)),
        max_profiles=draw(st.integers(1, 10)),
        voltage_v=draw(st.sampled_from([110.0, 120.0, 230.0, 230.9, 277.0])),
    )


@st.composite
def pilot_rows(draw, current_type=None):
    """Planned pilots of one EVSE: decimals, whole amperes, float noise, pauses."""
    pilot = st.one_of(
        st.just(0.0),
        st.integers(0, 80).map(float),
        st.integers(0, 800).map(lambda tenths: sum([0.1] * tenths)),
        st.floats(0.0, 80.0),
    )
    return PilotRow(
        start=datetime(2024, 3, 30, 22, tzinfo=UTC) + timedelta(minutes=5) * draw(st.integers(0, 500)),
        step_s=draw(st.sampled_from([60, 300, 900, 3600])),
        pilot_a=np.array(draw(st.lists(pilot, min_size=1, max_size=40))),
        evse_number=draw(st.integers(1, 4)),
        n_phases=draw(st.integers(1, 3)),
        current_type=current_type or draw(st.sampled_from(CurrentType)),
    )


# --- sites and states -----------------------------------------------------------------------------

WIRINGS = (ALL_PHASES, (Phase.L2, Phase.L3, Phase.L1), (Phase.L1,), (Phase.L2,), (Phase.L1, Phase.L3))


def series(draw, n_slots, low, high):
    """A series of whole tenths: what people write, and exact enough to compare."""
    tenths = st.lists(st.integers(low * 10, high * 10), min_size=n_slots, max_size=n_slots)
    return frozen(np.array(draw(tenths)) / 10)


@st.composite
def sites(draw, max_stations=4, min_stations=0):
    """A valid site: a small tree, stations of one or two EVSEs, AC and DC, wired in different ways."""
    limits_kw = st.one_of(st.none(), st.integers(5, 80).map(float))
    limits_a = st.one_of(st.none(), st.tuples(*[st.integers(10, 125).map(float)] * 3))
    n_nodes = draw(st.integers(1, 4))
    nodes = tuple(
        CircuitNode(
            node_id=f"n{place}",
            parent_id=f"n{draw(st.integers(0, place - 1))}" if place else None,
            limit_kw=draw(limits_kw),
            limit_a=draw(limits_a),
        )
        for place in range(n_nodes)
    )
    stations = []
    for number in range(draw(st.integers(min_stations, max_stations))):
        node_id = f"n{draw(st.integers(0, n_nodes - 1))}"
        evses = tuple(draw(evse(f"s{number}e{place}")) for place in range(draw(st.integers(1, 2))))
        stations.append(Station(f"s{number}", node_id, evses))
    return Site("drawn", draw(st.sampled_from(["UTC", "Europe/Amsterdam"])), nodes, tuple(stations))


@st.composite
def evse(draw, evse_id):
    """One EVSE."""
    if draw(st.booleans()):
        return Evse(
            evse_id, draw(st.sampled_from(WIRINGS)), max_current_a=draw(st.sampled_from([16.0, 32.0]))
        )
    if draw(st.booleans()):
        return Evse(evse_id, ALL_PHASES, 8.0, 32.0, pilots_a=(8.0, 16.0, 24.0, 32.0))
    return Evse(evse_id, ALL_PHASES, 2.0, 80.0, CurrentType.DC, step_a=0.5)


@st.composite
def site_states(draw, max_stations=4):
    """A valid state: cars that are there or expected, loads, limits; some need more than can fit."""
    site = draw(sites(max_stations))
    now = datetime(2026, 3, 28, 20, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 600)))
    n_slots = draw(st.integers(1, 24))
    grid = TimeGrid.around(now, draw(st.sampled_from([300, 900, 3600])), n_slots)
    node_ids = [node.node_id for node in site.nodes]
    return SiteState(
        site=site,
        now=now,
        grid=grid,
        sessions=tuple(draw(session(one, now)) for one in site.evses if draw(st.booleans())),
        tariff=EnergyTariff(
            series(draw, n_slots, -1, 1), series(draw, n_slots, 0, 1), draw(st.sampled_from([0.0, 5.0]))
        ),
        loads=tuple(draw(load(node_id, n_slots)) for node_id in node_ids if draw(st.booleans())),
        limits=tuple(
            NodeLimit(node_id, "signal", series(draw, n_slots, 0, 80))
            for node_id in node_ids
            if draw(st.booleans())
        ),
        billing_peak_kw=draw(st.sampled_from([0.0, 20.0])),
    )


@st.composite
def session(draw, at, now):
    """A car at an EVSE: there already or expected, leaving at a time or at quantiles of it."""
    arrival = now + timedelta(minutes=draw(st.integers(-300, 60)))
    first = max(arrival, now) + timedelta(minutes=draw(st.integers(10, 900)))
    departure = Departure.at(first)
    if draw(st.booleans()):
        departure = Departure(
            (0.1, 0.5, 0.9), tuple(first + timedelta(minutes=30) * step for step in range(3))
        )
    target_kwh = draw(st.integers(0, 80)) / 1.0
    return ChargingSession(
        session_id=f"at {at.evse_id}",
        evse_id=at.evse_id,
        arrival=arrival,
        departure=departure,
        target_kwh=target_kwh,
        minimum_kwh=min(draw(st.integers(0, 20)) / 1.0, target_kwh),
        delivered_kwh=draw(st.integers(0, 30)) / 1.0,
        max_current_a=draw(st.sampled_from([None, 16.0])),
        max_power_kw=draw(st.sampled_from([None, 3.7, 11.0])),
        n_phases=draw(st.one_of(st.none(), st.integers(1, len(at.phases)))),
        priority=draw(st.sampled_from([0.5, 1.0, 3.0])),
    )


@st.composite
def load(draw, node_id, n_slots):
    """Load below a node, certain or as two quantiles."""
    low_kw = series(draw, n_slots, 0, 30)
    if draw(st.booleans()):
        return LoadForecast.certain(node_id, low_kw)
    rows = frozen([low_kw, low_kw + series(draw, n_slots, 0, 10)])
    return LoadForecast(node_id, frozen([0.5, 0.9]), rows, frozen([0.5, 0.25, 0.25]))


# --- closed loops ---------------------------------------------------------------------------------


@st.composite
def visits(draw, site, hours=12):
    """Cars that follow each other on the EVSEs of a site, each with what its driver declared."""
    start = datetime(2026, 3, 28, 6, tzinfo=UTC)
    found = []
    for one in site.evses:
        clock = start + timedelta(seconds=draw(st.integers(0, 3600 * hours)))
        for number in range(draw(st.integers(0, 2))):
            stay = timedelta(seconds=draw(st.integers(60, 3600 * hours)))
            session = ChargingSession(
                session_id=f"{one.evse_id} {number}",
                evse_id=one.evse_id,
                arrival=clock,
                departure=Departure.at(clock + stay),
                target_kwh=draw(st.floats(0.0, 40.0)),
                max_current_a=draw(st.sampled_from([None, 16.0])),
                max_power_kw=draw(st.sampled_from([None, 3.7, 11.0])),
                n_phases=draw(st.one_of(st.none(), st.integers(1, 3))),
            )
            stated_stay = timedelta(minutes=draw(st.integers(-30, 60 * hours)))
            stated = draw(st.sampled_from([None, clock + stated_stay]))
            found.append(Visit(session, stated, draw(st.one_of(st.none(), st.floats(0.0, 80.0)))))
            clock += stay + timedelta(seconds=draw(st.sampled_from([0, 90, 4000])))
    return tuple(found)


# --- planning: states of one site, one after the other -----------------------------------------------

PLANNING_NOWS = (
    datetime(2026, 1, 15, 17, 7, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 50, tzinfo=UTC),  # the clock changes in Amsterdam at 01:00 UTC
    datetime(2026, 10, 24, 22, tzinfo=UTC),  # and back
    datetime(2028, 2, 29, 6, 59, 59, tzinfo=UTC),
)
PHASE_SHARES = ((1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2), (0.0, 0.0, 1.0))


@st.composite
def planning_sites(draw):
    """A site of :func:`sites` with at least one station; some EVSEs have odd steps."""
    site = draw(sites(min_stations=1))
    stations = tuple(
        replace(station, evses=tuple(odd_steps(draw, one) for one in station.evses))
        for station in site.stations
    )
    return replace(site, stations=stations)


def odd_steps(draw, one):
    if one.current_type is CurrentType.DC or one.pilots_a is not None or draw(st.booleans()):
        return one
    return replace(one, min_current_a=6.5, step_a=draw(st.sampled_from([0.1, 2.7])))


@dataclass(frozen=True, slots=True)
class Weather:
    """Prices, loads and limits by absolute slot, so that a state that moves on sees the same ones shifted."""

    seed: int
    has_demand_charge: bool
    load_nodes: tuple[tuple[str, tuple[float, float, float]], ...]
    limit_nodes: tuple[tuple[str, bool], ...]

    def series(self, grid, salt, low, high):
        """Whole tenths that depend on the slot's number alone; a tariff of few levels, as tariffs are."""
        rows = [np.random.default_rng([self.seed, salt, int(step)]) for step in grid.steps]
        return frozen([rng.integers(low * 10, high * 10) / 10 for rng in rows])

    def tariff(self, grid):
        return EnergyTariff(
            self.series(grid, 0, -1, 1), self.series(grid, 1, 0, 1), 12.5 if self.has_demand_charge else 0.0
        )

    def loads(self, grid):
        found = []
        for salt, (node_id, share) in enumerate(self.load_nodes):
            low_kw = self.series(grid, 10 + salt, -5, 25)
            rows = frozen([low_kw, low_kw + self.series(grid, 30 + salt, 0, 5)])
            found.append(LoadForecast(node_id, frozen([0.5, 0.95]), rows, frozen(share)))
        return tuple(found)

    def limits(self, grid):
        found = []
        for salt, (node_id, by_phase) in enumerate(self.limit_nodes):
            limit_kw = self.series(grid, 50 + salt, 0, 60)
            limit_a = frozen([self.series(grid, 70 + 3 * salt + p, 0, 90) for p in range(3)])
            found.append(NodeLimit(node_id, f"signal {salt}", limit_kw, limit_a if by_phase else None))
        return tuple(found)


@st.composite
def weathers(draw, site):
    node_ids = st.sampled_from([node.node_id for node in site.nodes])
    return Weather(
        seed=draw(st.integers(0, 2**16)),
        has_demand_charge=draw(st.booleans()),
        load_nodes=tuple(draw(st.lists(st.tuples(node_ids, st.sampled_from(PHASE_SHARES)), max_size=2))),
        limit_nodes=tuple(draw(st.lists(st.tuples(node_ids, st.booleans()), max_size=2))),
    )


@st.composite
def queues(draw, site, now):
    """Cars of a site: at every EVSE none, one, or one and another that follows."""
    found = []
    for one in site.evses:
        n_cars = draw(st.integers(0, 2))
        if n_cars:
            found.append(draw(session(one, now)))
        if n_cars == 2:
            first = found[-1]
            left = max(first.departure.median, now) + timedelta(minutes=draw(st.integers(1, 90)))
            after = replace(draw(session(one, now)), session_id=f"next at {one.evse_id}", arrival=left)
            stay = timedelta(minutes=draw(st.integers(20, 300)))
            found.append(replace(after, departure=Departure.at(left + stay)))
    return tuple(found)


def still_there(sessions, now):
    """Sessions that a later state may still hold: not departed, and not replaced by the next car."""
    arrived = {one.evse_id: one for one in sorted(sessions, key=lambda s: s.arrival) if one.arrival <= now}
    return tuple(
        one
        for one in sessions
        if max(one.departure.times) > now and arrived.get(one.evse_id, one).arrival <= one.arrival
    )


@st.composite
def state_walks(draw, min_size=1, max_size=4):
    """Valid states of one site: time moves on by 0, 1 or several slots, cars come and go, numbers change."""
    site = draw(planning_sites())
    now = draw(st.sampled_from(PLANNING_NOWS))
    step_s, n_slots = draw(st.sampled_from([300, 900, 1800, 3600])), draw(st.integers(1, 24))
    weather, sessions = draw(weathers(site)), draw(queues(site, now))
    states = []
    for _ in range(draw(st.integers(min_size, max_size))):
        grid = TimeGrid.around(now, step_s, n_slots)
        states.append(
            SiteState(
                site,
                now,
                grid,
                sessions,
                weather.tariff(grid),
                weather.loads(grid),
                weather.limits(grid),
                draw(st.sampled_from([0.0, 20.0])),
            )
        )
        now += timedelta(seconds=step_s * draw(st.sampled_from([0.0, 0.3, 1.0, 1.0, 5.5])))
        if draw(st.booleans()):
            weather = draw(weathers(site))
        sessions = tuple(
            replace(one, delivered_kwh=one.delivered_kwh + draw(st.sampled_from([0.0, 1.7])))
            for one in still_there(sessions, now)
        )
        if draw(st.booleans()):
            sessions = draw(queues(site, now))
    return tuple(states)


def states():
    """A valid state of a small site."""
    return state_walks(max_size=1).map(lambda walk: walk[0])


def problems():
    """The problem of a drawn state."""
    return states().map(lambda state: problem_of(state, Topology.of(state.site), PlanOptions()))


def rich_states(max_stations=3):
    """A valid state that may use all that a site can have; its parts are in :mod:`tests.rich_strategies`."""
    from tests.rich_strategies import rich_states as drawn

    return drawn(max_stations)
