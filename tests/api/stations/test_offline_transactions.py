"""Transactions in any order, late, twice, with parts lost: none is dropped, none is billed twice or too much."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import func, select

from api.ocpp.events import TransactionEnded, TransactionStarted, TransactionUpdated
from api.ocpp.metering import MeterReading
from api.ocpp.plausibility import MeterBounds
from api.stations import heard, meter_book, repository, transactions
from api.stations.meter_book import Metered
from api.storage.engine import Database
from api.storage.tables import MeterValueRow, TransactionRow

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
BOUNDS = MeterBounds(NOW + timedelta(hours=12), 22.0)
MINUTE = timedelta(minutes=1)


@given(st.lists(st.integers(0, 40), max_size=40))
def test_sequence_numbers_are_heard_once_and_gaps_are_counted_as_a_set_would(numbers):
    ranges: list[list[int]] = []
    known: set[int] = set()
    for number in numbers:
        assert heard.has(ranges, number) is (number in known)
        ranges = heard.adding(ranges, number)
        known.add(number)
        assert {n for first, last in ranges for n in range(first, last + 1)} == known
        assert heard.n_missing(ranges) == max(known) + 1 - len(known)


class World:
    """Transactions of one station as they really were; each draws 6 kW from its start to its end."""

    def __init__(self, database):
        self.database = database

    def tell(self, event):
        with self.database.write() as session:
            match event:
                case TransactionStarted():
                    transactions.start(session, "CS1", event, BOUNDS)
                case TransactionUpdated():
                    transactions.update(session, "CS1", event, BOUNDS)
                case TransactionEnded():
                    transactions.end(session, "CS1", event, BOUNDS)

    def rows(self):
        with self.database.read() as session:
            return {row.transaction_id: row for row in session.scalars(select(TransactionRow))}


def story(name, evse, begins_min, lasts_min):
    """All messages of one transaction of 2.x, in their order."""
    begins = NOW + begins_min * MINUTE
    register = 1_000.0 + begins_min / 10.0

    def reading(minute):
        return MeterReading(begins + minute * MINUTE, energy_kwh=register + minute / 10.0)

    middle = lasts_min // 2
    return (
        TransactionStarted(evse, begins, name, "token", register, 1, readings=(reading(0),), seq_no=0),
        TransactionUpdated(name, begins + middle * MINUTE, evse, readings=(reading(middle),), seq_no=1),
        TransactionEnded(
            name,
            begins + lasts_min * MINUTE,
            evse,
            meter_stop_kwh=register + lasts_min / 10.0,
            reason="Local",
            readings=(reading(lasts_min),),
            seq_no=2,
        ),
    )


@cache
def migrated_file():
    """An empty database as a file."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "empty.sqlite")
        database = Database(f"sqlite:///{file}")
        database.migrate()
        database.close()
        return file.read_bytes()


class Offline(RuleBasedStateMachine):
    """A station of 2.x whose messages come in any order, any number of times."""

    told = Bundle("told")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name, "offline.sqlite")
        file.write_bytes(migrated_file())
        self.database = Database(f"sqlite:///{file}")
        self.world = World(self.database)
        self.stories: dict[str, tuple[TransactionStarted, TransactionUpdated, TransactionEnded]] = {}
        self.heard: dict[str, set[int]] = {}

    @rule(target=told, evse=st.integers(1, 2), lasts_min=st.integers(2, 60))
    def happens(self, evse, lasts_min):
        """A transaction really takes place; nothing was told of it yet."""
        name = f"t{len(self.stories)}"
        self.stories[name] = story(name, evse, len(self.stories) * 61, lasts_min)
        self.heard[name] = set()
        return name

    @rule(name=told, part=st.integers(0, 2), twice=st.booleans())
    def is_told(self, name, part, twice):
        for _ in range(1 + twice):
            self.world.tell(self.stories[name][part])
        self.heard[name].add(part)

    @invariant()
    def no_transaction_is_dropped_or_told_twice(self):
        if not self.stories:
            return
        told = {name for name, parts in self.heard.items() if parts}
        assert set(self.world.rows()) == told

    @invariant()
    def nobody_is_billed_more_than_was_metered_and_all_that_was_heard_whole_is_billed(self):
        if not self.stories:
            return
        for name, row in self.world.rows().items():
            start, _, end = self.stories[name]
            assert end.meter_stop_kwh is not None and start.meter_start_kwh is not None  # noqa: PT018 - for the types
            whole_kwh = end.meter_stop_kwh - start.meter_start_kwh
            assert -1e-9 <= row.delivered_kwh <= whole_kwh + 1e-6
            if {0, 2} <= self.heard[name]:
                assert row.delivered_kwh == pytest.approx(whole_kwh, abs=1e-6)
                assert (row.started_at, row.ended_at) == (start.at, end.at)
                assert (row.evse_number, row.id_token, row.stop_reason) == (
                    start.evse_number,
                    "token",
                    "Local",
                )
            assert row.doubts is None

    @invariant()
    def every_reading_is_stored_once_and_gaps_are_known(self):
        if not self.stories:
            return
        with self.database.read() as session:
            n_rows = session.scalar(select(func.count()).select_from(MeterValueRow))
        assert n_rows == sum(len(parts) for parts in self.heard.values())
        for name, row in self.world.rows().items():
            parts = self.heard[name]
            assert heard.n_missing(row.seen_seq) == max(parts) + 1 - len(parts)

    def teardown(self):
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()


TestOffline = Offline.TestCase
TestOffline.settings = settings(max_examples=14, stateful_step_count=14, deadline=None)


def test_1_6_a_start_and_a_stop_that_come_again_are_one_transaction_and_one_bill(database):
    world = World(database)
    start = TransactionStarted(1, NOW, None, "token", 100.0, 1)
    world.tell(start)
    (name,) = world.rows()
    stop = TransactionEnded(
        name, NOW + 60 * MINUTE, meter_stop_kwh=110.0, readings=(MeterReading(NOW + 60 * MINUTE, 110.0),)
    )
    for event in (start, stop, stop, start, stop):
        world.tell(event)
    (row,) = world.rows().values()
    assert (row.delivered_kwh, row.ended_at, row.doubts) == (10.0, stop.at, None)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(MeterValueRow)) == 1


def test_1_6_two_starts_on_one_connector_and_the_stop_of_the_first_comes_last(database):
    world = World(database)
    world.tell(TransactionStarted(1, NOW, None, "one", 100.0, 1))
    (first,) = world.rows()
    world.tell(TransactionStarted(1, NOW + 60 * MINUTE, None, "two", 105.0, 1))
    assert world.rows()[first].stop_reason == "Superseded"
    world.tell(TransactionEnded(first, NOW + 30 * MINUTE, meter_stop_kwh=105.0, reason="Local"))
    row = world.rows()[first]
    assert (row.delivered_kwh, row.ended_at, row.stop_reason) == (5.0, NOW + 30 * MINUTE, "Local")
    assert sum(other.ended_at is None for other in world.rows().values()) == 1


def test_an_offline_start_that_comes_after_a_newer_one_is_not_taken_for_the_car_that_is_there(database):
    world = World(database)
    world.tell(TransactionStarted(1, NOW + 60 * MINUTE, None, "now", 105.0, 1))
    world.tell(TransactionStarted(1, NOW, None, "before", 100.0, 1, offline=True))
    with database.read() as session:
        (car,) = repository.plugged_in(session, ["CS1"])
    assert car.transaction.id_token == "now"


def test_1_6_a_stop_of_an_unknown_transaction_is_kept(database):
    world = World(database)
    world.tell(TransactionEnded("4711", NOW, meter_stop_kwh=5.0, reason="PowerLoss"))
    world.tell(TransactionEnded("4711", NOW, meter_stop_kwh=5.0, reason="PowerLoss"))
    (row,) = world.rows().values()
    assert (row.delivered_kwh, row.stop_reason) == (0.0, "PowerLoss")


LIES = [
    pytest.param(MeterReading(NOW + 5 * MINUTE, 90.0), "goes back", id="backwards"),
    pytest.param(MeterReading(NOW + 5 * MINUTE, 5_000.0), "jumps", id="a jump"),
    pytest.param(MeterReading(NOW + timedelta(days=900), 101.0), "future", id="from the future"),
    pytest.param(MeterReading(NOW - timedelta(days=9000), 101.0), "past", id="from the past"),
]


@pytest.mark.parametrize(("lie", "why"), LIES)
@pytest.mark.parametrize("by_name", [True, False])
def test_what_a_meter_cannot_mean_is_marked_in_its_row_and_never_billed(database, lie, why, by_name):
    world = World(database)
    world.tell(TransactionStarted(1, NOW, "t", "token", 100.0, 1))
    readings = (MeterReading(NOW + MINUTE, 100.2), lie, MeterReading(NOW + 10 * MINUTE, 102.0))
    with database.write() as session:
        meter_book.save(session, [Metered("CS1", 1, "t" if by_name else None, readings, BOUNDS)])
    assert world.rows()["t"].delivered_kwh == pytest.approx(2.0)
    with database.read() as session:
        rows = session.scalars(select(MeterValueRow).order_by(MeterValueRow.reading_id)).all()
    assert [row.energy_kwh for row in rows] == [100.2, None, 102.0]
    assert why in str(rows[1].faults)
    assert rows[0].faults is rows[2].faults is None


def test_a_reading_from_before_its_transaction_is_marked_and_never_billed(database):
    world = World(database)
    world.tell(TransactionStarted(1, NOW, "t", "token", 100.0, 1))
    with database.write() as session:
        lie = (MeterReading(NOW - timedelta(days=90), 101.0),)
        meter_book.save(session, [Metered("CS1", 1, "t", lie, BOUNDS)])
        assert "before its transaction began" in str(session.scalar(select(MeterValueRow.faults)))
    assert world.rows()["t"].delivered_kwh == 0.0


ENDS = [
    pytest.param({"meter_stop_kwh": 90.0}, "goes back", id="backwards"),
    pytest.param({"meter_stop_kwh": -5.0}, "negative", id="negative"),
    pytest.param({"meter_stop_kwh": 9e9}, "jumps", id="a jump"),
    pytest.param({"meter_stop_kwh": 101.0, "at": NOW + timedelta(days=900)}, "future", id="in the future"),
]


@pytest.mark.parametrize(("lie", "why"), ENDS)
def test_an_end_that_cannot_be_meant_ends_the_transaction_and_bills_what_was_metered_before(
    database, lie, why
):
    world = World(database)
    world.tell(TransactionStarted(1, NOW, "t", "token", 100.0, 1))
    world.tell(
        TransactionUpdated("t", NOW + 10 * MINUTE, 1, readings=(MeterReading(NOW + 10 * MINUTE, 102.0),))
    )
    end = replace(TransactionEnded("t", NOW + 20 * MINUTE, 1, reason="Local"), **lie)
    world.tell(end)
    row = world.rows()["t"]
    assert (row.delivered_kwh, row.stop_reason) == (pytest.approx(2.0), "Local")
    assert why in str(row.doubts)


def test_a_negative_register_at_the_start_is_none(database):
    world = World(database)
    world.tell(TransactionStarted(1, NOW, "t", "token", -100.0, 1))
    world.tell(TransactionEnded("t", NOW + 20 * MINUTE, 1, meter_stop_kwh=102.0, reason="Local"))
    assert world.rows()["t"].delivered_kwh == 0.0
