"""Tables that are only looked into keep their newest rows; what bills are made of is not cut."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from api.stations.commands import queue
from api.storage.bounds import BOUNDS, SETTLED_KEPT, cut
from api.storage.station_tables import CommandRow, ConnectorChangeRow
from api.storage.tables import MeterValueRow, PlanRow, TransactionRow

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_of_each_table_the_newest_rows_stay(database):
    with database.write() as session:
        for number in range(10):
            session.add(
                ConnectorChangeRow(
                    station_id="A", evse_number=1, connector_number=1, status=f"s{number}", at=NOW
                )
            )
    with database.write() as session:
        cut(session, NOW, {ConnectorChangeRow.change_id: 4})
    with database.read() as session:
        kept = session.scalars(select(ConnectorChangeRow.status).order_by(ConnectorChangeRow.change_id)).all()
    assert kept == ["s6", "s7", "s8", "s9"]


def test_commands_are_forgotten_long_after_they_were_settled_and_never_before(database):
    ages = {"old": SETTLED_KEPT + timedelta(days=1), "new": timedelta(days=1)}
    with database.write() as session:
        for key, age in ages.items():
            wanted = queue.Wanted("A", "Reset", {}, key, NOW)
            row, _ = queue.put(session, wanted, NOW - age)
            queue.settle(session, row.command_id, queue.CommandState.ANSWERED, NOW - age)
        queue.put(session, queue.Wanted("A", "Reset", {}, "waits", NOW), NOW - 2 * SETTLED_KEPT)
    with database.write() as session:
        cut(session, NOW)
    with database.read() as session:
        assert set(session.scalars(select(CommandRow.key))) == {"new", "waits"}


def test_what_bills_and_forecasts_are_made_of_is_not_cut(database):
    assert not {TransactionRow, MeterValueRow, PlanRow} & {number.class_ for number in BOUNDS}
    with database.write() as session:
        cut(session, NOW)  # also where there is nothing
        assert session.scalar(select(func.count()).select_from(CommandRow)) == 0
