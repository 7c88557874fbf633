"""The closed loop: what policies see, what cars get, what meters show."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays import frozen
from models.demand.arrivals import Visit
from models.errors import InvalidInputError
from models.grid.site import CircuitNode, Evse, Site, Station
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.simulation import Car
from models.state import ExpectedArrivals, SiteState
from optimizer.closed_loop import LoopOptions, World, default_car, run
from tests.strategies import sites, visits

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPTIONS = LoopOptions(n_slots=8)
ONE_EVSE = Site("one", "UTC", (CircuitNode("grid", limit_kw=5.0),), (Station("S1", "grid", (Evse("E1"),)),))


def flat(grid):
    return EnergyTariff.flat(0.25, grid.n_slots)


def declared(seen, now):
    """Believe any declaration, and correct it by what the meter shows."""
    departure = seen.stated_departure or seen.arrival + timedelta(hours=8)
    energy_kwh = seen.stated_energy_kwh or 10.0
    return ChargingSession(
        session_id=seen.session_id,
        evse_id=seen.evse_id,
        arrival=seen.arrival,
        departure=Departure.at(max(departure, now + timedelta(minutes=5))),
        target_kwh=seen.delivered_kwh if seen.is_full else max(energy_kwh, seen.delivered_kwh + 1.0),
        delivered_kwh=seen.delivered_kwh,
        max_current_a=seen.usable_a,
    )


@dataclass
class Told:
    """A policy that gives one pilot to everybody, or a list of pilots in turn, and keeps what it saw."""

    pilots_a: list[float]
    name: str = "told"
    states: list[SiteState] = field(default_factory=list)

    def pilots(self, state):
        self.states.append(state)
        pilot_a = self.pilots_a[(len(self.states) - 1) % len(self.pilots_a)]
        return np.full(len(state.site.evses), pilot_a)


def visit(need_kwh=5.0, hours=4.0, arrival=NOON, evse_id="E1", **limits):
    session = ChargingSession(
        f"{evse_id} {arrival:%H:%M}",
        evse_id,
        arrival,
        Departure.at(arrival + timedelta(hours=hours)),
        need_kwh,
        **limits,
    )
    return Visit(session)


@settings(max_examples=30)
@given(data=st.data(), pilots_a=st.lists(st.sampled_from([0.0, 6.0, 16.0, 32.0]), min_size=1, max_size=4))
def test_no_car_gets_more_than_it_needs_and_the_meter_of_the_site_shows_the_sum(data, pilots_a):
    site = data.draw(sites(max_stations=2))
    world = World(site, data.draw(visits(site, hours=4)), flat)
    result = run(Told(pilots_a), world, declared, OPTIONS)
    assert len(result.sessions) == len(world.visits)
    for session in result.sessions:
        assert -1e-9 <= session.delivered_kwh <= session.need_kwh + 1e-9
    assert result.power_kw.sum() * result.grid.step_h == pytest.approx(result.delivered_kwh, abs=1e-6)


@settings(max_examples=30)
@given(data=st.data())
def test_a_policy_sees_only_cars_that_are_plugged_in_and_only_what_was_declared(data):
    site = data.draw(sites(max_stations=2))
    world = World(site, data.draw(visits(site, hours=4)), flat)
    policy = Told([16.0])
    run(policy, world, declared, OPTIONS)
    truth = {one.session.session_id: one for one in world.visits}
    for state in policy.states:
        assert state.sessions
        for session in state.sessions:
            real = truth[session.session_id]
            assert real.session.arrival <= state.now < real.session.departure.median
            assert session.n_phases is None
            assert session.max_power_kw is None


def test_a_car_alone_is_full_when_it_has_time_and_the_figures_follow():
    result = run(Told([16.0]), World(ONE_EVSE, (visit(5.0),), flat), declared, OPTIONS)
    assert result.met_share == pytest.approx(1.0)
    assert result.fully_met_share == 1.0
    assert result.energy_cost == pytest.approx(5.0 * 0.25, rel=1e-6)
    assert result.sessions[0].n_switches == 1
    assert result.decision_s.size == 4 * 12
    assert result.decision_ms(0.95) >= result.decision_ms(0.5) > 0.0


def test_a_limit_that_is_exceeded_is_reported_with_its_node_how_long_and_how_much():
    result = run(Told([16.0]), World(ONE_EVSE, (visit(11.0, 1.0),), flat), declared, OPTIONS)
    (found,) = result.exceedances
    assert (found.node_id, found.quantity) == ("grid", "kW")
    assert found.worst == pytest.approx(16 * 3 * 0.23 - 5.0, rel=1e-3)
    assert 2400 < found.seconds <= 3600


def test_current_is_handed_on_only_after_it_was_given_back():
    two = (Station("S1", "grid", (Evse("E1"),)), Station("S2", "grid", (Evse("E2"),)))
    site = Site("two", "UTC", (CircuitNode("grid", limit_a=(32.0, 32.0, 32.0)),), two)

    @dataclass
    class Swap:
        name: str = "swap"
        turn: int = 0

        def pilots(self, _state):
            self.turn += 1
            return np.array([32.0, 0.0] if self.turn % 2 else [0.0, 32.0])

    def eager(one):
        return replace(default_car(one), start_delay_s=0.0, ramp_up_a_per_s=100.0, ramp_down_a_per_s=3.5)

    world = World(site, (visit(50.0, evse_id="E1"), visit(50.0, evse_id="E2")), flat, eager)
    assert run(Swap(), world, declared, OPTIONS).exceedances == ()
    hasty = run(Swap(), world, declared, replace(OPTIONS, settle_s=0.0))
    assert hasty.exceedances != ()


def test_meters_tell_a_policy_what_a_car_can_use_and_when_it_is_full():
    policy = Told([32.0])
    world = World(ONE_EVSE, (visit(6.0, max_current_a=13.2, n_phases=1),), flat)
    run(policy, world, declared, OPTIONS)
    learned = [state.sessions[0] for state in policy.states]
    assert learned[0].max_current_a is None
    assert learned[2].max_current_a == 14.0
    assert learned[-1].remaining_kwh == 0.0


def test_a_ramp_is_not_taken_for_a_limit_of_the_car():
    policy = Told([8.0, 32.0])
    slow = World(ONE_EVSE, (visit(40.0, 2.0),), flat, lambda _: Car(40.0, taper_kwh=0.0, ramp_up_a_per_s=0.5))
    run(policy, slow, declared, OPTIONS)
    assert all(state.sessions[0].max_current_a is None for state in policy.states)


def test_a_peak_that_is_expected_is_told_to_the_policy_until_a_greater_one_was_metered():
    policy = Told([0.0, 0.0, 0.0, 32.0])
    world = World(ONE_EVSE, (visit(40.0),), flat, expected_peak_kw=3.0)
    run(policy, world, declared, OPTIONS)
    told_kw = [state.billing_peak_kw for state in policy.states]
    assert told_kw[0] == 3.0
    assert told_kw[-1] > 3.0
    assert told_kw == sorted(told_kw)


def test_the_next_car_on_an_evse_starts_without_the_pilot_of_the_last():
    policy = Told([16.0, 0.0])
    world = World(ONE_EVSE, (visit(20.0, 1 / 30), visit(20.0, 0.9, NOON + timedelta(minutes=2))), flat)
    second = run(policy, world, declared, replace(OPTIONS, control_s=3600)).sessions[1]
    assert second.delivered_kwh == 0.0


def test_progress_ends_at_one():
    shares: list[float] = []
    options = replace(OPTIONS, progress=shares.append)
    run(
        Told([16.0]),
        World(ONE_EVSE, (visit(), visit(arrival=NOON + timedelta(days=9))), flat),
        declared,
        options,
    )
    assert shares == [0.5, 1.0]


def test_a_world_in_which_nobody_comes_has_figures_too():
    result = run(Told([16.0]), World(ONE_EVSE, (), flat), declared, OPTIONS)
    assert (result.met_share, result.fully_met_share, result.peak_kw) == (1.0, 1.0, 0.0)
    assert (result.switches_per_session, result.decision_ms(0.5)) == (0.0, 0.0)


def test_every_visit_that_does_not_fit_is_named():
    wrong = (
        visit(),
        visit(arrival=NOON + timedelta(hours=1)),
        visit(evse_id="E9"),
        visit(hours=-1.0, evse_id="E8"),
    )
    with pytest.raises(InvalidInputError) as caught:
        run(Told([16.0]), World(ONE_EVSE, wrong, flat), declared, OPTIONS)
    said = [issue.what for issue in caught.value.issues]
    assert said == [
        "there is no EVSE E9",
        "there is no EVSE E8",
        "leaves before it comes",
        "E1 is still taken by E1 12:00",
    ]


def test_a_policy_is_told_whom_the_world_expects_on_the_grid_that_it_plans_on():
    def expect(grid, now):
        return ExpectedArrivals(frozen(np.full(grid.n_slots, now.minute)), 2.0, frozen(np.ones(grid.n_slots)))

    policy = Told([6.0])
    run(policy, World(ONE_EVSE, (visit(hours=0.5),), flat, expect=expect), declared, OPTIONS)
    for state in policy.states:
        assert state.expected is not None
        assert state.expected.energy_kwh.tolist() == [state.now.minute] * OPTIONS.n_slots
    assert policy.states
