"""Who fails at the door waits; honest stations do not, and memory has a bound."""

from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.alarms import Alarm, AlarmKind, Alarms, Flapping
from api.ocpp.session_events import Oddity
from api.ocpp.throttle import Throttle, ThrottleSettings

SETTINGS = ThrottleSettings(address_failures=10, identity_failures=3, longest_wait_s=60.0, entries=8)
STRANGER, HOME = "203.0.113.7", "198.51.100.1"


def test_the_wait_doubles_with_every_failure_and_has_an_end():
    throttle, waits = Throttle(SETTINGS), []
    for _ in range(12):
        throttle.failed(STRANGER, "CS1", 0.0)
        waits.append(throttle.identity_wait_s(STRANGER, "CS1", 0.0))
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert throttle.identity_wait_s(STRANGER, "CS1", 61.0) == 0.0


def test_guessing_at_an_identity_from_many_addresses_closes_it_to_strangers_but_not_to_its_own_station():
    throttle = Throttle(SETTINGS)
    throttle.succeeded(HOME, "CS1")
    for i in range(10):
        throttle.failed(f"203.0.113.{i}", "CS1", 0.0)
    assert throttle.identity_wait_s(STRANGER, "CS1", 0.0) > 0
    assert throttle.identity_wait_s(HOME, "CS1", 0.0) == 0.0


def test_an_address_that_tries_many_identities_waits_whatever_it_wants():
    throttle = Throttle(SETTINGS)
    for i in range(11):
        throttle.failed(STRANGER, f"CS{i}", 0.0)
    assert throttle.address_wait_s(STRANGER, 0.0) > 0
    assert throttle.address_wait_s(HOME, 0.0) == 0.0


def test_a_network_of_ipv6_is_one_peer_and_an_ipv4_address_in_ipv6_is_the_same_peer():
    throttle = Throttle(SETTINGS)
    for i in range(11):
        throttle.failed(f"2001:db8::{i}", None, 0.0)
        throttle.failed(f"::ffff:{STRANGER}", None, 0.0)
    assert throttle.address_wait_s("2001:db8::ffff%eth0", 0.0) > 0
    assert throttle.address_wait_s("2001:db8:1::1", 0.0) == 0.0
    assert throttle.address_wait_s(STRANGER, 0.0) > 0


def test_failures_of_long_ago_are_forgotten_and_success_forgives():
    throttle = Throttle(SETTINGS)
    for _ in range(5):
        throttle.failed(STRANGER, "CS1", 0.0)
    throttle.failed(STRANGER, "CS1", 4000.0)
    assert throttle.identity_wait_s(STRANGER, "CS1", 4000.0) == 0.0
    for _ in range(5):
        throttle.failed(STRANGER, "CS1", 4000.0)
    throttle.succeeded(HOME, "CS1")
    assert throttle.identity_wait_s(STRANGER, "CS1", 4000.0) == 0.0


ACTS = st.lists(st.tuples(st.booleans(), st.integers(0, 100), st.integers(0, 100)), max_size=200)


@given(acts=ACTS)
def test_memory_has_a_bound_whatever_comes(acts):
    throttle, alarms, flapping = Throttle(SETTINGS), Alarms(stations=8), Flapping(stations=8)
    for succeeds, address, station in acts:
        if succeeds:
            throttle.succeeded(f"a{address}", f"CS{station}")
        else:
            throttle.failed(f"a{address}", f"CS{station}", float(station))
        alarms.sound(AlarmKind.REFUSED, f"CS{station}")
        flapping.came(f"CS{station}", 0.0)
    assert throttle.n_remembered <= 3 * SETTINGS.entries
    assert len(alarms._counts) <= 8
    assert len(flapping._times) <= 8
    assert alarms.totals().get(AlarmKind.REFUSED, 0) == len(acts)


def test_alarms_are_counted_by_station_and_told_even_if_one_listener_fails(caplog):
    alarms = Alarms()
    heard: list[Alarm] = []

    def ill(_alarm):
        raise RuntimeError("ill")

    alarms.subscribe(ill)
    alarms.subscribe(heard.append)
    alarms.sound(AlarmKind.FLAPPING, "CS1", "why")
    alarms.add_oddities("CS1", {Oddity.MALFORMED: 3})
    alarms.unsubscribe(heard.append)
    alarms.sound(AlarmKind.FLAPPING, "CS1")
    assert [(alarm.kind, alarm.station_id, alarm.detail) for alarm in heard] == [
        (AlarmKind.FLAPPING, "CS1", "why")
    ]
    assert alarms.counts("CS1") == {AlarmKind.FLAPPING: 2, Oddity.MALFORMED: 3}
    assert alarms.counts("CS2") == {}
    assert "an alarm was not taken" in caplog.text


def test_flapping_is_told_once_for_every_burst():
    flapping = Flapping(often=3, window_s=60.0)
    assert [flapping.came("CS1", at) for at in (0, 10, 20, 30, 40, 50, 200, 300)] == [
        *(False, False, True, False, False, True, False, False),
    ]
