"""Two clocks in the closed loop: plans, and what is done between them when cars, stations and limits surprise."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.grid.fuse import GG_FUSE, Fuse
from models.grid.site import CircuitNode, Evse, Site, Station
from models.simulation import Car, FaultKind, MeterDelay, StationFault
from optimizer.closed_loop import LoopOptions, Signal, World, default_car, run, run_two_clocks
from optimizer.fast import Envelope
from tests.optimizer.test_closed_loop import NOON, ONE_EVSE, OPTIONS, Told, declared, flat, visit
from tests.strategies import sites, visits

FAST = replace(OPTIONS, meter_s=10.0)
LATE = replace(FAST, delay=MeterDelay(0.5, 4.0, 0.02, 0.05))
START_S = NOON.timestamp()


def two_evses(fuse=None, offline_a=0.0):
    nodes = (CircuitNode("grid", limit_a=(32.0, 32.0, 32.0), fuse=fuse),)
    stations = tuple(Station(f"S{n}", "grid", (Evse(f"E{n}"),), offline_a=offline_a) for n in (1, 2))
    return Site("two", "UTC", nodes, stations)


@dataclass
class Due:
    """A planner that says what everybody is due; all may take what is free."""

    pilots_a: list[float]
    name: str = "due"

    def envelope(self, state):
        return Envelope.of_pilots(state, np.array(self.pilots_a))

    def pilots(self, _state):
        return np.array(self.pilots_a)


def pair(need_kwh=50.0, other_kwh=50.0, **facts):
    return World(
        facts.pop("site", two_evses()), (visit(need_kwh), visit(other_kwh, evse_id="E2")), flat, **facts
    )


@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 1000))
def test_cars_that_follow_exceed_nothing_however_late_their_meters_are(data, seed):
    site = data.draw(sites(max_stations=3))
    world = World(site, data.draw(visits(site, hours=2)), flat)
    due_a = [data.draw(st.sampled_from([0.0, evse.levels_a[-1]])) for evse in site.evses]
    result = run_two_clocks(Due(due_a), world, declared, replace(LATE, seed=seed))
    assert result.exceedances == ()
    assert result.power_kw.sum() * result.grid.step_h == pytest.approx(result.delivered_kwh, abs=1e-6)
    for session in result.sessions:
        assert session.delivered_kwh <= session.need_kwh + 1e-9


def test_what_a_full_car_leaves_is_used_by_the_other_long_before_the_next_plan():
    hourly = replace(FAST, control_s=3600)
    one = run(Due([16.0, 16.0]), pair(2.0, 90.0), declared, hourly)
    two = run_two_clocks(Due([16.0, 16.0]), pair(2.0, 90.0), declared, hourly)
    assert two.sessions[0].delivered_kwh == pytest.approx(2.0, abs=1e-3)
    assert two.sessions[1].delivered_kwh > 1.5 * one.sessions[1].delivered_kwh
    assert two.exceedances == ()
    assert two.fast_s.size > 1000
    assert two.fast_ms(0.99) >= two.fast_ms(0.5) > 0.0
    assert one.fast_ms(0.5) == 0.0


def test_a_limit_that_falls_without_notice_is_kept_within_the_time_that_cars_need():
    begin = NOON + timedelta(minutes=31, seconds=7)
    signal = Signal("grid", "signal", begin, begin + timedelta(minutes=20), limit_kw=6.0)
    result = run_two_clocks(Due([16.0, 16.0]), pair(signals=(signal,)), declared, FAST)
    (found,) = result.exceedances
    assert (found.source, found.quantity) == ("signal", "kW")
    assert found.longest_s <= 10.0
    assert not found.is_beyond_margin


def test_a_policy_alone_is_asked_when_a_limit_falls():
    signal = Signal("grid", "signal", NOON, NOON + timedelta(hours=1), limit_a=(8.0, 8.0, 8.0))
    policy = Told([16.0])
    result = run(policy, World(ONE_EVSE, (visit(11.0),), flat, signals=(signal,)), declared, OPTIONS)
    limited = [bool(state.limits) for state in policy.states]
    assert limited == [True] * 12 + [False] * 36
    signals = [found for found in result.exceedances if found.source == "signal"]
    assert [found.quantity for found in signals] == ["L1", "L2", "L3"]
    assert all(found.is_beyond_margin for found in signals)


@pytest.mark.parametrize(
    ("fuse", "is_beyond"),
    [(None, True), (GG_FUSE, False), (Fuse((1.5, 2.0), (600.0, 1.0)), True), (Fuse((1.2,), (9999.0,)), True)],
)
def test_what_exceeds_a_rating_is_judged_by_the_fuse_of_its_node(fuse, is_beyond):
    """Two cars draw 40 A instead of 32 A for an hour: 1.25 times, which a gG fuse holds for just so long."""
    world = World(two_evses(fuse), (visit(50.0, 0.9), visit(50.0, 0.9, evse_id="E2")), flat)
    result = run(Due([20.0, 20.0]), world, declared, OPTIONS)
    assert [found.quantity for found in result.exceedances] == ["L1", "L2", "L3"]
    assert [found.is_beyond_margin for found in result.exceedances] == [is_beyond] * 3
    assert all(3000.0 < found.longest_s <= found.seconds for found in result.exceedances)


def test_a_fuse_that_had_time_to_cool_forgets():
    weak = Fuse((1.5,), (400.0,))
    told = Told([20.0, 0.0])
    world = World(two_evses(weak), (visit(50.0, 2.0), visit(50.0, 2.0, evse_id="E2")), flat)
    result = run(told, world, declared, OPTIONS)
    assert all(found.seconds > 2000.0 and found.longest_s <= 300.0 for found in result.exceedances)
    assert not any(found.is_beyond_margin for found in result.exceedances)


@pytest.mark.parametrize("kind", [FaultKind.DEAF, FaultKind.GREEDY])
def test_a_station_that_does_not_follow_costs_the_others_their_share_but_no_fuse(kind):
    fault = StationFault("S1", kind, START_S + 1800.0, START_S + 5400.0, factor=1.6)
    world = pair(site=two_evses(GG_FUSE), faults=(fault,))
    result = run_two_clocks(Due([16.0, 16.0]), world, declared, LATE)
    assert result.exceedances != ()
    assert all(found.longest_s <= 60.0 and not found.is_beyond_margin for found in result.exceedances)
    assert result.sessions[1].delivered_kwh < 40.0


def test_an_offline_station_is_counted_and_counts_no_more_when_it_is_back():
    fault = StationFault("S1", FaultKind.OFFLINE, START_S + 1800.0, START_S + 5400.0)
    world = pair(site=two_evses(GG_FUSE, offline_a=10.0), faults=(fault,))
    result = run_two_clocks(Due([16.0, 16.0]), world, declared, LATE)
    assert result.exceedances == ()
    assert result.sessions[1].delivered_kwh > result.sessions[0].delivered_kwh + 3.0


def test_a_car_that_sleeps_is_woken():
    def sleepy(one):
        return replace(default_car(one), sleeps_after_s=600.0)

    @dataclass
    class Later:
        """Nothing for the first twenty minutes, then 16 A."""

        name: str = "later"

        def envelope(self, state):
            waits = state.now < NOON + timedelta(minutes=20)
            envelope = Envelope.of_pilots(state, np.array([0.0 if waits else 16.0]))
            return replace(envelope, may_take=np.zeros(1, dtype=np.bool_))

        def pilots(self, state):
            return self.envelope(state).pilot_a[:, 0]

    world = World(replace(ONE_EVSE, nodes=(CircuitNode("grid"),)), (visit(10.0),), flat, sleepy)
    assert run(Later(), world, declared, FAST).delivered_kwh == 0.0
    assert run_two_clocks(Later(), world, declared, FAST).delivered_kwh == pytest.approx(10.0, abs=0.01)


def test_what_happens_is_the_same_each_time():
    world = pair(20.0, faults=(StationFault("S1", FaultKind.DEAF, START_S + 600.0, START_S + 900.0),))
    one, other = (run_two_clocks(Due([16.0, 16.0]), world, declared, LATE) for _ in range(2))
    assert one.sessions == other.sessions
    assert one.exceedances == other.exceedances
    assert one.n_told == other.n_told > 0


def test_a_car_that_a_loop_gets_may_be_anything():
    world = World(ONE_EVSE, (visit(3.0),), flat, lambda _: Car(3.0, follow_share=0.9))
    assert run_two_clocks(Due([7.0]), world, declared, LoopOptions(meter_s=10.0)).delivered_kwh > 2.9
