"""Simulated stations that fail, and meter values that arrive late: what a controller has to live with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import GridMismatchError
from models.grid.site import CircuitNode, Evse, Site, Station
from models.metering import MeterSamples
from models.simulation import DelayedMeters, FaultKind, MeterDelay, SimulatedStations, StationFault
from models.simulation.stations import FALL_BACK_S

STATIONS = (
    Station("S1", "grid", (Evse("E1"), Evse("E2", max_current_a=16.0)), offline_a=6.0),
    Station("S2", "grid", (Evse("E3"),)),
)
SITE = Site("site", "UTC", (CircuitNode("grid"),), STATIONS)
TOLD_A = np.array([10.0, 14.0, 20.0])


def samples(*rows):
    """Samples from (EVSE, time, current of L1)."""
    evse, at_s, current_a = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    lines_a = np.column_stack((current_a, np.zeros((len(rows), 2))))
    return MeterSamples(evse.astype(np.int64), at_s, lines_a, current_a * 0.23)


def failing(kind):
    return SimulatedStations(SITE, (StationFault("S1", kind, 100.0, 900.0),))


def test_a_station_without_a_fault_gives_what_it_is_told():
    assert SimulatedStations(SITE).given_a(TOLD_A, 50.0).tolist() == TOLD_A.tolist()
    assert SimulatedStations(SITE).connected(50.0).all()
    assert SimulatedStations(SITE).changes_after_s(50.0) == np.inf


def test_a_deaf_station_gives_all_that_its_evses_have_and_the_others_obey():
    assert failing(FaultKind.DEAF).given_a(TOLD_A, 100.0).tolist() == [32.0, 16.0, 20.0]
    assert failing(FaultKind.DEAF).given_a(TOLD_A, 900.0).tolist() == TOLD_A.tolist()


def test_a_greedy_station_gives_more_than_it_is_told_but_not_more_than_it_has():
    assert failing(FaultKind.GREEDY).given_a(TOLD_A, 100.0).tolist() == [12.5, 16.0, 20.0]


def test_an_offline_station_keeps_what_it_was_told_for_a_while_and_then_gives_its_safe_share():
    stations = failing(FaultKind.OFFLINE)
    stations.given_a(TOLD_A, 90.0)
    assert stations.given_a(0.0 * TOLD_A, 100.0).tolist() == [10.0, 14.0, 0.0]
    assert stations.given_a(0.0 * TOLD_A, 100.0 + FALL_BACK_S).tolist() == [6.0, 6.0, 0.0]
    assert stations.connected(899.0).tolist() == [False, False, True]
    assert stations.given_a(TOLD_A, 900.0).tolist() == TOLD_A.tolist()


def test_it_is_known_when_a_station_next_changes_by_itself():
    stations = failing(FaultKind.OFFLINE)
    assert [stations.changes_after_s(at_s) for at_s in (0.0, 100.0, 200.0, 900.0)] == [
        100.0,
        100.0 + FALL_BACK_S,
        900.0,
        np.inf,
    ]


def test_a_fault_of_a_station_that_is_not_there_is_refused():
    with pytest.raises(KeyError, match="S9"):
        SimulatedStations(SITE, (StationFault("S9", FaultKind.DEAF, 0.0, 1.0),))


@given(seed=st.integers(0, 1000), mean_s=st.floats(0.5, 60.0), lost_share=st.sampled_from([0.0, 0.3]))
def test_every_sample_arrives_once_and_late_unless_it_is_lost(seed, mean_s, lost_share):
    meters = DelayedMeters(MeterDelay(0.5, mean_s, lost_share, 0.0), seed)
    sent = [samples((0, at_s, 6.0), (2, at_s, 7.0)) for at_s in range(0, 100, 10)]
    for one in sent:
        meters.sent(one)
    seen = []
    for now_s in np.arange(0.0, 3000.0, 7.0):
        here = meters.arrived(now_s)
        assert (here.at_s + 0.5 <= now_s).all()
        seen += list(zip(here.evse.tolist(), here.at_s.tolist(), strict=True))
    assert len(seen) == len(set(seen))
    assert len(seen) == 20 or (lost_share > 0 and len(seen) < 20)


def test_a_meter_shows_a_current_that_flows_a_little_wrong_and_one_that_does_not_flow_right():
    meters = DelayedMeters(MeterDelay(0.0, 0.0, 0.0, 0.5), seed=1)
    meters.sent(samples((0, 1.0, 16.0), (2, 1.0, 0.0)))
    shown_a = meters.arrived(1.0).current_a
    assert shown_a[0, 0] != 16.0
    assert shown_a[1].tolist() == [0.0, 0.0, 0.0]


@given(data=st.data())
def test_samples_in_order_do_not_depend_on_how_they_came(data):
    cell = st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 3))
    rows = data.draw(st.lists(cell, min_size=1, max_size=12))
    shuffled = data.draw(st.permutations(rows + data.draw(st.lists(st.sampled_from(rows), max_size=4))))
    one, other = samples(*rows).in_order(), samples(*shuffled).in_order()
    for field in ("evse", "at_s", "current_a", "power_kw"):
        assert np.array_equal(getattr(one, field), getattr(other, field))
    moments = list(zip(one.evse.tolist(), one.at_s.tolist(), strict=True))
    assert moments == sorted(set(moments))


def test_samples_of_different_lengths_are_refused():
    with pytest.raises(GridMismatchError, match="2 moments"):
        MeterSamples(np.zeros(2, dtype=np.int64), np.zeros(1), np.zeros((2, 3)), np.zeros(2))
