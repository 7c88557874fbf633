"""What stations have told and hold is kept: in batches as one by one, once, and over the end of a process."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.events import (
    ConnectorStatus,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.metering import MeterReading
from api.ocpp.periods import SchedulePeriod
from api.ocpp.registry import Registry
from api.stations import facts, happenings, installed_profiles, meter_book, repository, transactions
from api.stations.facts import FactsBook
from api.stations.happenings import Event, EventFilter, Happening
from api.stations.log.traffic import TrafficBook
from api.stations.meter_book import Metered
from api.stations.state.kept.schemas import capabilities_in, document_of_capabilities
from api.storage.bounds import cut
from api.storage.station_tables import ConnectorChangeRow, EventRow, StationFactsRow
from api.storage.tables import MeterValueRow, StationRow, TransactionRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PROFILE = ChargingProfile(
    profile_id=11,
    purpose=ProfilePurpose.TX,
    evse_number=1,
    stack_level=1,
    unit=RateUnit.CURRENT,
    start=NOW,
    duration_s=900,
    periods=(SchedulePeriod(0, 16.0, 3), SchedulePeriod(300, 0.0, 3)),
    transaction_id="7",
)


def rows(database, table):
    with database.read() as session:
        return session.scalars(select(table)).all()


def started(name, evse=1, meter=10.0, **more):
    return TransactionStarted(evse, NOW, name, "token", meter, **more)


METERED = st.builds(
    lambda station, name, evse, values: Metered(
        station,
        evse,
        name,
        tuple(MeterReading(NOW + timedelta(minutes=m), energy_kwh=10.0 + kwh) for m, kwh in values),
    ),
    st.sampled_from("AB"),
    st.none() | st.sampled_from(["one", "two", "unheard"]),
    st.integers(0, 2),
    st.lists(st.tuples(st.integers(-9, 9), st.floats(0, 50)), max_size=3),
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(METERED, max_size=6))
def test_a_batch_of_meter_values_comes_to_what_they_come_to_one_by_one(database, batch):
    example = uuid4().hex

    def delivered(way, batches):
        def named(one):
            return replace(one, station_id=f"{example} {way} {one.station_id}")

        with database.write() as session:
            for station in "AB":
                transactions.start(session, f"{example} {way} {station}", started("one"))
                transactions.start(session, f"{example} {way} {station}", started("two", evse=2))
            for some in batches:
                meter_book.save(session, [named(one) for one in some])
        mine = f"{example} {way} "
        metered = [row for row in rows(database, MeterValueRow) if row.station_id.startswith(mine)]
        begun = [row for row in rows(database, TransactionRow) if row.station_id.startswith(mine)]
        values = sorted((row.station_id[-1], row.evse_number, row.at, row.energy_kwh or 0) for row in metered)
        return values, sorted((row.station_id[-1], row.transaction_id, row.delivered_kwh) for row in begun)

    assert delivered("together", [batch]) == delivered("apart", [[one] for one in batch])


def test_readings_that_cannot_be_trusted_are_kept_with_the_reason(database):
    with database.write() as session:
        reading = MeterReading(NOW, faults=("Energy is negative", "Power is not a number"))
        meter_book.save(session, [Metered("A", 1, None, (reading,))])
    assert rows(database, MeterValueRow)[0].faults == "Energy is negative; Power is not a number"


@pytest.mark.parametrize("times", [1, 3])
def test_a_transaction_that_was_offline_arrives_late_and_once(database, times):
    for _ in range(times):
        with database.write() as session:
            transactions.start(session, "A", started("late", offline=True))
            transactions.update(session, "A", TransactionUpdated("late", NOW, offline=True))
            transactions.end(
                session,
                "A",
                TransactionEnded("late", NOW + timedelta(hours=1), meter_stop_kwh=17.5, offline=True),
            )
    [row] = rows(database, TransactionRow)
    assert (row.delivered_kwh, row.was_offline, row.ended_at) == (7.5, True, NOW + timedelta(hours=1))
    told = [row.kind for row in rows(database, EventRow)]
    assert told == [Happening.TRANSACTION_STARTED, Happening.TRANSACTION_ENDED]


@pytest.mark.parametrize("name", ["57", "no-number"])
def test_the_end_of_a_transaction_whose_start_was_lost_is_kept_once(database, name):
    for _ in range(2):
        with database.write() as session:
            transactions.end(session, "A", TransactionEnded(name, NOW, 1, meter_stop_kwh=3.0, reason="Local"))
    [row] = rows(database, TransactionRow)
    assert (row.ended_at, row.stop_reason) == (NOW, "Local")
    with database.write() as session:  # and no number that is given later is the same
        given_numbers = [transactions.start(session, "A", started(None, evse=i))[0] for i in range(1, 60)]
    assert len(set(given_numbers)) == 59


def test_of_a_connector_every_change_is_kept_and_no_repetition(database):
    for number, status in enumerate(
        ("Available", "Available", "Preparing", "Charging", "Charging", "Available")
    ):
        with database.write() as session:
            at = NOW + timedelta(minutes=number)
            repository.note_status(
                session, "A", StatusChanged(1, 1, ConnectorStatus(status), "NoError", at), NOW
            )
    told = [row.status for row in rows(database, ConnectorChangeRow)]
    assert told == ["Available", "Preparing", "Charging", "Available"]


def test_what_a_station_holds_outlives_the_process(database):
    other = replace(PROFILE, profile_id=12, purpose=ProfilePurpose.TX_DEFAULT, transaction_id=None)
    with database.write() as session:
        installed_profiles.save(session, "A", (PROFILE, other), NOW)
        installed_profiles.save(session, "B", (other,), NOW)
    with database.write() as session:
        installed_profiles.forget_transaction(session, "A", "7")
    with database.write() as session:
        changed = replace(other, stack_level=2)
        installed_profiles.save(session, "B", (changed,), NOW)
        assert installed_profiles.load(session) == {"A": (other,), "B": (changed,)}


def test_facts_are_added_to_what_was_counted_before(database):
    for number in range(2):
        registry, traffic = Registry(), TrafficBook(("Heartbeat",))
        can = StationCapabilities(OcppVersion.V201, frozenset(RateUnit), max_periods=24)
        registry.expect("A", can)
        book = FactsBook(registry, traffic)
        with database.read() as session:
            book.recall(session)
        traffic.received("A", '[2,"1","Heartbeat",{}]')
        traffic.digest()
        assert book.not_following == (("A",) if number else ())
        book.conducted("A", "not_following", NOW)
        due = book.due()
        with database.write() as session:
            facts.save(session, due)
        assert book.due() == []
    [row] = rows(database, StationFactsRow)
    assert (row.n_received, row.n_sent, row.conduct, row.conduct_since) == (2, 0, "not_following", NOW)
    assert row.capabilities is not None
    assert capabilities_in(row.capabilities) == can


@given(
    can=st.builds(
        StationCapabilities,
        st.sampled_from(OcppVersion),
        st.frozensets(st.sampled_from(RateUnit), min_size=1),
        st.integers(0, 9),
        st.integers(1, 99),
    )
)
def test_capabilities_come_back_as_they_were(can):
    assert capabilities_in(document_of_capabilities(can)) == can


def test_who_was_connected_to_a_process_that_was_killed_is_not_any_more(database):
    with database.write() as session:
        repository.note_connected(session, "ours", "ocpp1.6", NOW, "this")
        repository.note_connected(session, "other's", "ocpp1.6", NOW, "another")
        repository.note_all_lost(session, "this", NOW)
        repository.note_lost(session, "other's", NOW, "this")  # it has come to the other one meanwhile
    assert {row.station_id: row.lost_at for row in rows(database, StationRow)} == {
        "ours": NOW,
        "other's": None,
    }


@given(
    kinds=st.lists(st.sampled_from(["transaction.", "station.booted"]), max_size=2),
    station=st.none() | st.just("A"),
)
def test_a_filter_of_events_takes_what_it_names(kinds, station):
    chosen = EventFilter(tuple(kinds), station)
    row = EventRow(kind="transaction.started", station_id="A", site_id=None, at=NOW, data={})
    assert chosen.takes(row) == (not kinds or "transaction." in kinds)
    assert not EventFilter(station_id="B").takes(row)
    assert not EventFilter(site_id="S").takes(row)
    assert EventFilter(site_id="S", of_site=frozenset("A")).takes(row)


def test_only_the_newest_events_are_kept(database):
    with database.write() as session:
        for number in range(10):
            happenings.note(session, Event(f"e{number}", NOW))
        session.flush()
        cut(session, NOW, {EventRow.event_id: 3})
    with database.read() as session:
        assert [row.kind for row in happenings.after(session, 0)] == ["e7", "e8", "e9"]
        assert happenings.newest_id(session) == 10
