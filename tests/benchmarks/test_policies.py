"""The rivals are honest: real pilots, every limit, nothing left that somebody could use."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.beliefs import Analogues, Kinship, actual, stated
from benchmarks.policies import (
    LOAD_LEVEL,
    PolicyName,
    Room,
    equal_share,
    least_laxity,
    policy_named,
    uncontrolled,
    wishes,
)
from models.arrays import frozen
from models.demand.arrivals import Visit
from models.grid.site import CircuitNode, Evse, Site, Station
from models.prices import EnergyTariff
from models.schedule import Schedule
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.closed_loop import Seen
from optimizer.scheduling.check import breaches
from tests.strategies import site_states

RIVALS = (PolicyName.EQUAL_SHARE, PolicyName.EARLIEST_DEADLINE, PolicyName.LEAST_LAXITY)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def first_slot(state, pilot_a):
    """A schedule that gives these pilots now and nothing later."""
    pilots_a = np.zeros((len(state.site.evses), state.grid.n_slots))
    pilots_a[:, state.grid.slot_at(state.now)] = pilot_a
    nothing = frozen(np.zeros_like(pilots_a))
    return Schedule(state.grid, state.site.evse_ids, frozen(pilots_a), nothing, nothing)


def garage(limit_kw, *sessions, n_evses=3):
    nodes = (CircuitNode("grid", limit_kw=limit_kw),)
    stations = tuple(Station(f"S{n}", "grid", (Evse(f"E{n}"),)) for n in range(n_evses))
    grid = TimeGrid.around(NOW, 900, 16)
    return SiteState(Site("g", "UTC", nodes, stations), NOW, grid, sessions, EnergyTariff.flat(0.1, 16))


def car(number, hours=2.0, need_kwh=10.0, **more):
    arrival = NOW - timedelta(minutes=10 - number)
    leaves = Departure.at(NOW + timedelta(hours=hours))
    return ChargingSession(f"C{number}", f"E{number}", arrival, leaves, need_kwh, **more)


@settings(max_examples=60)
@given(state=site_states(), name=st.sampled_from(RIVALS))
def test_a_rival_gives_real_pilots_that_keep_every_limit(state, name):
    pilot_a = policy_named(name, state.site).pilots(state)
    assert breaches(state, first_slot(state, pilot_a), LOAD_LEVEL) == ()


@settings(max_examples=60)
@given(state=site_states(), name=st.sampled_from(RIVALS))
def test_a_rival_leaves_nothing_unused_that_a_waiting_car_could_use(state, name):
    pilot_a = policy_named(name, state.site).pilots(state)
    room = Room(state)
    waiting = wishes(state)
    for wish in waiting:
        room.take(wish, pilot_a[wish.row])
    for wish in waiting:
        higher = [level_a for level_a in wish.levels_a if level_a > pilot_a[wish.row]]
        assert not higher or higher[0] - pilot_a[wish.row] > room.most_a(wish)


@settings(max_examples=30)
@given(state=site_states())
def test_the_engine_gives_the_evse_pilots_that_keep_every_limit(state):
    pilot_a = policy_named(PolicyName.OURS, state.site).pilots(state)
    assert breaches(state, first_slot(state, pilot_a), LOAD_LEVEL) == ()


def test_uncontrolled_gives_everybody_what_the_car_takes():
    state = garage(1.0, car(0), car(1, max_current_a=12.5), car(2, need_kwh=0.0))
    assert uncontrolled(state).tolist() == [32.0, 13.0, 0.0]


def test_equal_share_gives_equal_amperes_and_the_odd_one_to_who_came_first():
    state = garage(3 * 0.23 * 25.0, car(0), car(1))
    assert equal_share(state).tolist() == [13.0, 12.0, 0.0]
    assert equal_share(garage(3 * 0.23 * 11.0, car(0), car(1))).tolist() == [11.0, 0.0, 0.0]


def test_least_laxity_looks_at_the_energy_and_earliest_deadline_does_not():
    state = garage(3 * 0.23 * 32.0, car(0, hours=1.0, need_kwh=1.0), car(1, hours=2.0, need_kwh=40.0))
    assert least_laxity(state).tolist() == [0.0, 32.0, 0.0]
    assert policy_named(PolicyName.EARLIEST_DEADLINE, state.site).pilots(state).tolist() == [32.0, 0.0, 0.0]


def seen(**more):
    facts = {"stated_departure": None, "stated_energy_kwh": None, "delivered_kwh": 0.0} | more
    return Seen("C1", "E1", NOW, usable_a=None, is_full=False, **facts)


def past(n_days, stay_h, energy_kwh):
    for day in range(1, n_days + 1):
        came = NOW - timedelta(days=day)
        leaves = Departure.at(came + timedelta(hours=stay_h))
        yield Visit(ChargingSession(f"P{day}{stay_h}", "E1", came, leaves, energy_kwh))


def test_the_actual_belief_is_the_truth_and_the_stated_one_is_what_was_said():
    truth = ChargingSession("C1", "E1", NOW, Departure.at(NOW + timedelta(hours=3)), 9.0)
    believed = actual([Visit(truth)])(seen(delivered_kwh=2.0), NOW)
    assert (believed.departure, believed.remaining_kwh) == (truth.departure, 7.0)
    said = stated(seen(stated_departure=NOW + timedelta(hours=1), stated_energy_kwh=30.0), NOW)
    assert (said.departure.median, said.target_kwh) == (NOW + timedelta(hours=1), 30.0)


def test_a_car_that_outlives_what_was_believed_is_believed_to_stay_and_to_want_more():
    late = NOW + timedelta(hours=2)
    said = stated(
        seen(stated_departure=NOW + timedelta(hours=1), stated_energy_kwh=5.0, delivered_kwh=6.0), late
    )
    assert said.departure.median > late
    assert said.remaining_kwh > 0.0
    unlike = Analogues(past(5, 1.0, 3.0), "UTC")(seen(delivered_kwh=6.0), late)
    assert unlike.departure.median > late
    assert unlike.remaining_kwh > 0.0


def test_analogues_forget_sessions_that_were_over_by_now():
    analogues = Analogues([*past(30, 1.0, 3.0), *past(10, 6.0, 12.0)], "UTC")
    fresh = analogues(seen(), NOW)
    assert fresh.departure.median == NOW + timedelta(hours=1)
    assert fresh.target_kwh == pytest.approx(3.0)
    later = analogues(seen(delivered_kwh=2.0), NOW + timedelta(hours=2))
    assert later.departure.median == NOW + timedelta(hours=6)
    assert later.target_kwh == pytest.approx(12.0)


def test_a_car_that_stopped_by_itself_wants_nothing_whatever_is_believed():
    full = Seen("C1", "E1", NOW, None, 50.0, 7.0, usable_a=8.0, is_full=True)
    assert stated(full, NOW).remaining_kwh == 0.0
    assert Analogues(past(3, 5.0, 30.0), "UTC")(full, NOW).remaining_kwh == 0.0


def test_kin_are_believed_to_do_what_they_did_and_meters_correct_them():
    kin = Kinship(past(30, 3.0, 12.0), "UTC")
    believed = kin(seen(delivered_kwh=2.0), NOW)
    assert believed.target_kwh == pytest.approx(12.0, rel=0.5)
    assert believed.departure.times[0] > NOW
    assert kin(Seen("C1", "E1", NOW, None, None, 7.0, usable_a=8.0, is_full=True), NOW).remaining_kwh == 0.0
    assert Kinship([], "UTC")(seen(delivered_kwh=2.0), NOW).remaining_kwh > 0.0
