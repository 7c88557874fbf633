"""The door: every caller is admitted or gets one answer, and no answer tells which stations there are."""

import asyncio
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.ocpp.admission import Admitted, Doorkeeper, DoorSettings, HalfOpen
from api.ocpp.alarms import AlarmKind, Alarms
from api.ocpp.handshake import (
    Caller,
    CertificateSubject,
    Credentials,
    SecurityProfile,
    credentials_of,
    password_of_header,
    station_of_path,
    subject_of,
)
from api.ocpp.throttle import ThrottleSettings

SECRET = b"0123456789abcdef"
CERTIFICATE = {
    "subject": ((("organizationName", "Operator"),), (("commonName", "CS1"),)),
    "serialNumber": "01",
}


def basic(user, password):
    return "Basic " + base64.b64encode(user.encode() + b":" + password).decode()


class Known:
    """One station is known, and has one password."""

    def __init__(self):
        self.asked = []

    async def authenticate(self, shown):
        self.asked.append(shown)
        return (shown.station_id, shown.password) == ("CS1", SECRET)


class Door:
    def __init__(self, has_room=True, **settings):
        self.now = 0.0
        self.authenticator = Known()
        self.alarms = Alarms()
        self.keeper = Doorkeeper(
            self.authenticator, self.alarms, DoorSettings(**settings), lambda _: has_room, lambda: self.now
        )

    def admit(self, station="CS1", password=SECRET, address="192.0.2.1", user=None):
        header = () if password is None else (basic(user or station, password),)
        return asyncio.run(self.keeper.admit(Caller(f"/ocpp/{station}", header, address)))


def test_a00_fr_202_a_station_with_its_password_comes_in():
    assert Door().admit() == Admitted("CS1", SecurityProfile.BASIC)


WRONG = [
    pytest.param("CS1", b"wrong", None, id="wrong password"),
    pytest.param("CS2", SECRET, None, id="unknown station"),
    pytest.param("CS1", None, None, id="A00.FR.203 no password"),
    pytest.param("CS1", SECRET, "CS2", id="A00.FR.204 another user"),
]


@pytest.mark.parametrize(("station", "password", "user"), WRONG)
def test_who_fails_gets_one_and_the_same_answer_and_the_same_books_are_filled(station, password, user):
    door, usual = Door(), Door()
    refused, expected = door.admit(station, password, user=user), usual.admit("CS9", b"whatever")
    assert refused == expected
    assert (refused.status, refused.text) == (401, "not authorised\n")
    assert len(door.authenticator.asked) == len(usual.authenticator.asked) == 1
    assert door.keeper.throttle.n_remembered == usual.keeper.throttle.n_remembered
    assert door.alarms.totals() == usual.alarms.totals() == {AlarmKind.REFUSED: 1}


@pytest.mark.parametrize("station", ["CS1", "CS2"])
def test_brute_force_at_a_known_and_an_unknown_identity_is_slowed_down_alike(station):
    door = Door(throttle=ThrottleSettings(identity_failures=3))
    answers = [door.admit(station, b"guess", f"192.0.2.{i}") for i in range(5)]
    assert [answer.status for answer in answers] == [401, 401, 401, 401, 429]
    assert answers[-1].headers == {"Retry-After": "1"}
    asked = len(door.authenticator.asked)
    door.now = 1.5
    assert door.admit(station, b"guess", "192.0.2.9").status == 401
    assert len(door.authenticator.asked) == asked + 1
    assert door.alarms.counts(station) == {AlarmKind.REFUSED: 5, AlarmKind.THROTTLED: 1}


def test_a_scanner_of_identities_is_not_looked_at_any_more():
    door = Door(throttle=ThrottleSettings(address_failures=4, identity_failures=100))
    answers = [door.admit(f"CS{i}", None) for i in range(7)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 2
    assert door.admit().status == 429  # not even with the password: it is not looked at
    assert door.admit(address="192.0.2.2") == Admitted("CS1", SecurityProfile.BASIC)


def test_a_boot_storm_behind_one_address_is_not_slowed_down():
    door = Door()
    assert {door.admit() for _ in range(500)} == {Admitted("CS1", SecurityProfile.BASIC)}


def test_who_finds_no_room_is_told_to_come_back_and_only_after_proof():
    door = Door(has_room=False)
    assert door.admit("CS1", b"wrong").status == 401
    full = door.admit()
    assert (full.status, full.headers) == (503, {"Retry-After": "10"})


PATHS = [
    ("/ocpp/CS1", "CS1"),
    ("/ocpp/CS%201", None),
    ("/ocpp/%43S1", "CS1"),
    ("/ocpp/CS1?x=1", "CS1"),
    ("/ocpp/CS1/", None),
    ("/ocpp/a/b", None),
    ("/ocpp/%2e%2e", None),
    ("/ocpp/..", None),
    ("/ocpp/", None),
    ("/ocpp", None),
    ("/CS1", None),
    ("//[/ocpp/CS1", None),
    ("/ocpp/" + "x" * 49, None),
    ("/ocpp/CS1%00", None),
    ("/ocpp/C%C3%A9", None),
]


@pytest.mark.parametrize(("target", "station"), PATHS)
def test_the_identity_of_the_path_is_checked(target, station):
    assert station_of_path(target, "/ocpp") == station


@given(target=st.text(max_size=80) | st.from_regex(r"/ocpp/.{0,60}", fullmatch=True))
def test_whatever_is_asked_for_is_a_station_or_not(target):
    station = station_of_path(target, "/ocpp")
    assert station is None or 0 < len(station) <= 48


@given(header=st.none() | st.text(max_size=60) | st.text(max_size=40).map(lambda text: f"Basic {text}"))
def test_whatever_header_is_shown_is_a_password_or_not(header):
    password = password_of_header(header, "CS1")
    assert password is None or isinstance(password, bytes)


@given(password=st.binary(max_size=40))
def test_a00_fr_204_any_octets_are_a_password_and_an_identity_may_have_a_colon(password):
    for station in ("CS1", "EU:CS:1"):
        assert password_of_header(basic(station, password), station) == password
        assert password_of_header(basic(f"{station}x", password), station) is None


def test_a_request_with_two_headers_shows_none():
    twice = Caller("/ocpp/CS1", (basic("CS1", SECRET), basic("CS1", SECRET)))
    assert credentials_of(twice, "CS1").password is None


PROFILES = [
    (Caller("", ()), SecurityProfile.NONE),
    (Caller("", (basic("CS1", SECRET),)), SecurityProfile.BASIC),
    (Caller("", (), is_encrypted=True), SecurityProfile.NONE),
    (Caller("", (basic("CS1", SECRET),), is_encrypted=True), SecurityProfile.TLS_BASIC),
    (Caller("", (), is_encrypted=True, certificate=CERTIFICATE), SecurityProfile.TLS_CERTIFICATE),
]


@pytest.mark.parametrize(("caller", "profile"), PROFILES)
def test_a00_fr_001_what_is_shown_is_one_security_profile(caller, profile):
    assert credentials_of(caller, "CS1").profile is profile


def test_a00_fr_404_405_a_certificate_names_its_station_and_the_operator():
    subject = subject_of(CERTIFICATE)
    assert subject == CertificateSubject(frozenset({"CS1"}), frozenset({"Operator"}))
    asked = [("CS1", ""), ("CS1", "Operator"), ("CS1", "Other"), ("CS2", "Operator")]
    assert [subject.belongs_to(*one) for one in asked] == [True, True, False, False]
    assert not subject_of({}).belongs_to("CS1", "")
    assert Credentials("CS1", subject=subject).profile is SecurityProfile.TLS_CERTIFICATE


def test_half_open_connections_have_a_bound_in_all_and_by_address():
    half_open = HalfOpen(DoorSettings(half_open=5, half_open_per_address=3))
    assert [half_open.enter("a") for _ in range(4)] == [True, True, True, False]
    assert [half_open.enter("b") for _ in range(3)] == [True, True, False]
    half_open.leave("a")
    assert half_open.enter("b")
    for address in "aabbb":
        half_open.leave(address)
    assert len(half_open) == 0
    assert half_open._by_address == {}
