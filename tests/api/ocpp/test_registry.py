"""What stations are believed to hold (C1, C16, C21), and who is at the door."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose, ProfileSelection
from api.ocpp.dialects import DIALECTS
from api.ocpp.handshake import password_of_header, station_of_path
from api.ocpp.periods import SchedulePeriod
from api.ocpp.registry import LinkClosed, Registry
from api.ocpp.session_events import Oddity

CAUTIOUS = StationCapabilities(OcppVersion.V16)
PLAN = ChargingProfile(
    profile_id=11,
    purpose=ProfilePurpose.TX,
    evse_number=1,
    stack_level=1,
    unit=RateUnit.CURRENT,
    start=datetime(2024, 5, 1, tzinfo=UTC),
    duration_s=900,
    periods=(SchedulePeriod(0, 16.0, 3),),
    transaction_id="7",
)
DEFAULT = replace(
    PLAN, profile_id=2, purpose=ProfilePurpose.TX_DEFAULT, evse_number=0, stack_level=0, transaction_id=None
)


class StandIn:
    """A connection over which nothing is sent."""

    dialect = DIALECTS[OcppVersion.V16]
    oddities: Mapping[Oddity, int] = MappingProxyType({})

    async def call(self, _):
        return LinkClosed()


def record_of(registry):
    record = registry.record("CS1")
    assert record is not None
    return record


@pytest.fixture
def registry():
    registry = Registry()
    registry.attach("CS1", StandIn(), CAUTIOUS)
    registry.note_installed("CS1", PLAN)
    registry.note_installed("CS1", DEFAULT)
    return registry


def installed(registry):
    return record_of(registry).installed


@pytest.mark.parametrize(
    ("newer", "is_replaced"),
    [
        (replace(PLAN, stack_level=3), True),  # same number
        (replace(PLAN, profile_id=99), True),  # same purpose, level and EVSE
        (replace(PLAN, profile_id=99, stack_level=2), False),
        (replace(PLAN, profile_id=99, evse_number=2), False),
    ],
)
def test_c1_a_profile_replaces_its_number_and_its_place(registry, newer, is_replaced):
    registry.note_installed("CS1", newer)
    assert newer in installed(registry)
    assert (PLAN not in installed(registry)) == is_replaced
    assert DEFAULT in installed(registry)


def test_c16_and_k02_fr_05_a_txprofile_ends_with_its_transaction(registry):
    registry.note_transaction_ended("CS1", "7")
    assert installed(registry) == (DEFAULT,)


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        (ProfileSelection(), ()),
        (ProfileSelection(profile_id=11, purpose=ProfilePurpose.STATION_MAX), (DEFAULT,)),
        (ProfileSelection(purpose=ProfilePurpose.TX_DEFAULT), (PLAN,)),
        (ProfileSelection(purpose=ProfilePurpose.TX_DEFAULT, stack_level=1), (PLAN, DEFAULT)),
        (ProfileSelection(evse_number=1), (DEFAULT,)),
    ],
)
def test_c21_a_number_counts_alone_and_criteria_together(registry, selection, left):
    registry.note_cleared("CS1", selection)
    assert installed(registry) == left


def test_c16_profiles_and_capabilities_outlive_a_connection():
    registry = Registry()
    first, second = StandIn(), StandIn()
    registry.attach("CS1", first, CAUTIOUS)
    registry.learn("CS1", replace(CAUTIOUS, max_periods=24))
    registry.note_installed("CS1", DEFAULT)
    assert registry.attach("CS1", second, CAUTIOUS) is first
    assert not registry.detach("CS1", first)
    assert record_of(registry).is_online
    assert registry.detach("CS1", second)
    record = record_of(registry)
    assert (record.is_online, record.installed, record.capabilities.max_periods) == (False, (DEFAULT,), 24)


def test_a_station_that_speaks_another_version_is_known_anew(registry):
    registry.attach("CS1", StandIn(), StationCapabilities(OcppVersion.V201))
    assert installed(registry) == ()
    assert registry.capabilities("CS1").version is OcppVersion.V201


def test_a_station_that_was_never_there_has_no_record():
    registry = Registry()
    registry.note_installed("CS9", PLAN)
    registry.note_refused("CS9", "no")
    assert registry.record("CS9") is None
    assert registry.link("CS9") is None
    assert registry.capabilities("CS9") == CAUTIOUS


@pytest.mark.parametrize(
    ("target", "identity"),
    [
        ("/ocpp/CS-001", "CS-001"),
        ("/ocpp/CS%2D001?x=1", "CS-001"),
        ("/ocpp/" + "a" * 48, "a" * 48),
        ("/ocpp/" + "a" * 49, None),
        ("/ocpp/", None),
        ("/ocpp", None),
        ("/other/CS-001", None),
        ("/ocpp/a/b", None),
        ("/ocpp/a%2Fb", None),
        ("/ocpp/..", None),
        ("/ocpp/%00", None),
        ("/ocpp/%FF", None),
    ],
)
def test_the_path_names_the_station(target, identity):
    assert station_of_path(target, "/ocpp") == identity


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "password"),
    [
        (basic("CS1:secret"), b"secret"),
        (basic("CS1:with:colon"), b"with:colon"),
        (basic("CS1:"), b""),
        (basic("CS1"), None),
        (basic("CS2:secret"), None),
        ("Bearer abc", None),
        ("Basic !!!", None),
        ("Basic é", None),
        ("", None),
        (None, None),
    ],
)
def test_a00_fr_204_the_user_must_be_the_station(header, password):
    assert password_of_header(header, "CS1") == password
