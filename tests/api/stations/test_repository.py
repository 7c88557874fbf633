"""What stations say comes back from every database as it was said, and twice told is stored once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.ocpp.events import Booted, TransactionStarted
from api.stations import repository
from api.storage.tables import StationRow, TransactionRow

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
# Surrogates are no text in UTF-8: a frame with one is refused when it is read.
SAID = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
EVSES = st.integers(1, 3)
ON_A_FRESH_DATABASE = settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def without_nul(said):
    return *said[:-1], said[-1].replace("\0", "")


def start(database, station_id, event):
    with database.write() as session:
        return repository.start_transaction(session, station_id, event)


def plugged(database, station_id):
    with database.read() as session:
        return {car.transaction.evse_number: car for car in repository.plugged_in(session, [station_id])}


@ON_A_FRESH_DATABASE
@given(vendor=SAID, model=SAID, at=st.datetimes(datetime(2000, 1, 1), timezones=st.timezones()))  # noqa: DTZ001 - the zone is drawn beside
def test_what_a_station_says_of_itself_comes_back_without_nul(database, vendor, model, at):
    with database.write() as session:
        repository.note_boot(session, "north", Booted(vendor, model), at)
    with database.read() as session:
        row = session.get_one(StationRow, "north")
    assert (row.vendor, row.model) == (vendor.replace("\0", ""), model.replace("\0", ""))
    assert row.booted_at == at.astimezone(UTC)


@ON_A_FRESH_DATABASE
@given(
    data=st.data(),
    starts=st.lists(st.tuples(EVSES, st.integers(0, 5), SAID), max_size=8, unique_by=without_nul),
)
def test_of_each_evse_the_car_that_came_last_is_plugged_in_however_often_it_is_told(database, data, starts):
    station_id = new_station(database)
    starts = sorted(starts, key=lambda one: one[1])
    for evse_number, minute, token in starts:
        event = TransactionStarted(evse_number, NOW + timedelta(minutes=minute), id_token=token)
        told = [start(database, station_id, event) for _ in range(data.draw(st.integers(1, 3)))]
        assert len({transaction_id for transaction_id, _ in told}) == 1
        assert not any(is_new for _, is_new in told[1:])
    last = {evse_number: token.replace("\0", "") for evse_number, _, token in starts}
    cars = plugged(database, station_id)
    assert {evse: car.transaction.id_token for evse, car in cars.items()} == last


def new_station(database):
    """Number the examples, which share one database: each has a station of its own."""
    with database.write() as session:
        number = session.scalar(select(func.count()).select_from(StationRow)) or 0
        repository.note_connected(session, str(number), "1.6", NOW)
        return str(number)


def test_a_start_that_arrives_over_two_connections_at_once_is_one_transaction(database):
    event = TransactionStarted(1, NOW, id_token="token", meter_start_kwh=3.0)
    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: start(database, "north", event), range(12)))
    assert len({transaction_id for transaction_id, _ in told}) == 1
    assert sum(is_new for _, is_new in told) == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(TransactionRow)) == 1
