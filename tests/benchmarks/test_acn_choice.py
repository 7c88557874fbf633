"""What is run in ACN-Sim is read from words, sessions get whole periods, meters tell what a car can use."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.beliefs import Kinship
from benchmarks.peers.acn.choice import Choice
from benchmarks.peers.acn.options import OPTIONS, Inputs, NetworkName, Pilots
from benchmarks.peers.acn.sessions import CAR_KW, PERIOD_H, stays_of
from benchmarks.peers.acn.watch import SPARE_A, Watch
from models.demand.arrivals import Visit
from models.errors import InvalidInputError
from models.sessions import ChargingSession, Departure
from optimizer.closed_loop import Seen

LEVELS_A = (6.0, 8.0, 16.0, 24.0, 32.0)
NOON = datetime(2019, 9, 9, 12, tzinfo=UTC)
USUAL = {option.name: option.default for option in OPTIONS}


def chosen(**words):
    return Choice.of(USUAL | {name: tuple(value.split()) for name, value in words.items()})


def visit(minutes, stay_min, need_kwh):
    arrival = NOON + timedelta(minutes=minutes)
    departure = Departure.at(arrival + timedelta(minutes=stay_min))
    return Visit(ChargingSession("S", "CA-303", arrival, departure, need_kwh))


def test_the_defaults_can_be_run():
    choice = Choice.of(USUAL)
    assert choice.network is NetworkName.CALTECH
    assert choice.sessions is None
    assert choice.end - choice.start == timedelta(days=7)
    assert choice.start.isoformat() == "2019-09-09T00:00:00-07:00"


@pytest.mark.parametrize("word", ["20%", "0.2", "39"])
def test_a_cap_is_a_share_or_a_power(word):
    assert chosen(network="jpl", cap=word).cap_shares == (pytest.approx(0.2),)


def test_values_come_as_words_or_with_commas():
    choice = chosen(cap="20%,40% 1", pilots="ideal,quantised", inputs="true declared", sessions="a.csv")
    assert choice.cap_shares == pytest.approx((0.2, 0.4, 1.0))
    assert choice.pilots == (Pilots.IDEAL, Pilots.QUANTISED)
    assert choice.inputs == (Inputs.TRUE, Inputs.DECLARED)
    assert choice.sessions == Path("a.csv")


def test_every_value_that_cannot_be_used_is_named():
    with pytest.raises(InvalidInputError) as caught:
        chosen(network="mars", cap="-3 fast", start="soon", days="0", policies="ours luck", pilots="round")
    assert [issue.where for issue in caught.value.issues] == [
        "--network",
        "--network",
        "--cap",
        "--cap",
        "--pilots",
        "--policies",
        "--start",
        "--days",
    ]


@given(
    minutes=st.integers(-30, 300),
    stay_min=st.integers(1, 900),
    need_kwh=st.floats(0.1, 80.0, allow_nan=False),
)
def test_a_session_lies_on_whole_periods_and_its_need_fits(minutes, stay_min, need_kwh):
    stays = stays_of([visit(minutes, stay_min, need_kwh)], NOON, NOON + timedelta(hours=4))
    for stay in stays:
        assert 0 <= stay.arrival < stay.departure
        assert stay.arrival == minutes // 5
        assert stay.need_kwh <= min(need_kwh, CAR_KW * PERIOD_H * (stay.departure - stay.arrival)) + 1e-12
    assert bool(stays) == (0 <= minutes < 240 and (minutes + stay_min) // 5 > minutes // 5)


@given(pilot_a=st.sampled_from(LEVELS_A), share=st.floats(0.0, 1.0), steps=st.integers(1, 6))
def test_a_meter_shows_a_pilot_that_carries_what_was_drawn(pilot_a, share, steps):
    watch = Watch(LEVELS_A)
    for _ in range(steps):
        drawn_a = share * pilot_a
        watch.read(pilot_a, drawn_a)
        carried_a = pilot_a if watch.usable_a is None else watch.usable_a
        assert carried_a >= min(drawn_a + SPARE_A, pilot_a)
        assert carried_a in LEVELS_A
        pilot_a = carried_a


def test_a_pause_tells_nothing_and_a_car_that_takes_all_may_take_more():
    watch = Watch(LEVELS_A)
    watch.read(0.0, 0.0)
    assert (watch.usable_a, watch.is_full) == (None, False)
    watch.read(32.0, 12.0)
    assert watch.usable_a == 16.0
    watch.read(16.0, 15.9)
    assert watch.usable_a == 24.0
    watch.read(16.0, 0.1)
    assert watch.is_full


def test_a_car_that_suddenly_takes_less_has_stopped_and_one_that_tapers_has_not():
    tapering = Watch(LEVELS_A)
    for drawn_a in (32.0, 25.0, 20.0, 16.0):
        tapering.read(32.0, drawn_a)
        assert not tapering.is_full
    stopping = Watch(LEVELS_A)
    stopping.read(32.0, 32.0)
    stopping.read(32.0, 11.0)
    assert stopping.is_full
    paused = Watch(LEVELS_A)
    paused.read(32.0, 32.0)
    paused.read(0.0, 0.0)
    paused.read(8.0, 8.0)
    assert not paused.is_full


def seen(**changes):
    told = {"delivered_kwh": 0.0, "usable_a": None, "is_full": False, "stated_energy_kwh": 16.0}
    return Seen("now", "CA-303", NOON, stated_departure=NOON + timedelta(hours=3), **(told | changes))


def regular(days_ago, evse_id="CA-303", stated_kwh=16.0, stay_h=9.0, energy_kwh=9.4):
    arrival = NOON - timedelta(days=days_ago)
    session = ChargingSession(
        "old", evse_id, arrival, Departure.at(arrival + timedelta(hours=stay_h)), energy_kwh
    )
    return Visit(session, arrival + timedelta(hours=3), stated_kwh)


def test_who_says_what_was_said_before_is_believed_to_do_what_was_done_before():
    others = [regular(day, "CA-148", 30.0, 2.0, 25.0) for day in range(1, 60)]
    session = Kinship([regular(7), regular(14), regular(21), *others], "UTC")(seen(), NOON)
    assert session.departure.median == NOON + timedelta(hours=9)
    assert session.target_kwh == pytest.approx(9.4)


def test_what_a_car_has_outlasted_is_believed_no_more():
    past = [
        regular(7, stay_h=2.0, energy_kwh=3.0),
        *(regular(day, stay_h=8.0, energy_kwh=20.0) for day in (8, 9)),
    ]
    late = NOON + timedelta(hours=3)
    session = Kinship(past, "UTC")(seen(delivered_kwh=5.0), late)
    assert session.departure.quantile(0.05) == NOON + timedelta(hours=8)
    assert session.target_kwh == 20.0


@pytest.mark.parametrize("past", [[], [regular(7, stay_h=1.0)]])
def test_whom_nobody_is_like_lingers_and_a_full_car_wants_nothing(past):
    late = NOON + timedelta(hours=20)
    believed = Kinship(past, "UTC")
    assert believed(seen(delivered_kwh=4.0), late).remaining_kwh > 0.0
    assert believed(seen(delivered_kwh=4.0), late).departure.median > late
    assert believed(seen(delivered_kwh=4.0, is_full=True), late).remaining_kwh == 0.0


@given(
    stays_h=st.lists(st.floats(0.2, 30.0), min_size=1, max_size=30),
    hours=st.floats(0.0, 20.0),
    silent=st.booleans(),
)
def test_departures_are_believed_in_order_and_to_come(stays_h, hours, silent):
    past = [regular(day + 1, stay_h=stay_h) for day, stay_h in enumerate(stays_h)]
    now = NOON + timedelta(hours=hours)
    session = Kinship(past, "UTC")(seen(stated_energy_kwh=None) if silent else seen(), now)
    times = session.departure.times
    assert list(times) == sorted(times)
    assert times[0] > now
