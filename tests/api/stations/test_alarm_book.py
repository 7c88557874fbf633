"""What goes wrong with stations is kept and shown, and nobody can fill the disk by going wrong."""

import asyncio
from datetime import UTC, datetime

from sqlalchemy import func, select

from api.ocpp.alarms import AlarmKind, Alarms
from api.ocpp.capabilities import OcppVersion
from api.stations import meter_book
from api.stations.alarm_book import AlarmBook, AlarmLimits
from api.storage.station_tables import EventRow, SecurityEventRow
from api.storage.writer import GroupWriter
from tests.api.stations.operator import operating

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def kept(database, happen, **limits):
    """Let alarms happen, and return what is kept: station, kind, info."""

    async def run():
        tasks = []
        async with GroupWriter(database, meter_book.save) as writer:
            alarms = Alarms(lambda: NOW)
            book = AlarmBook(
                writer,
                lambda work: tasks.append(asyncio.create_task(work)),
                lambda: NOW,
                AlarmLimits(**limits),
            )
            alarms.subscribe(book.hear)
            await happen(alarms)
            book.stop()
            await asyncio.gather(*tasks)

    asyncio.run(run())
    with database.read() as session:
        rows = session.scalars(select(SecurityEventRow).order_by(SecurityEventRow.event_id)).all()
        assert session.scalar(select(func.count()).select_from(EventRow)) >= len(rows)
    assert {row.source for row in rows} <= {"gateway"}
    return [(row.station_id, row.kind, row.info) for row in rows]


def test_of_a_thousand_refusals_one_is_kept_and_their_number(database):
    async def happen(alarms):
        for _ in range(1_000):
            alarms.sound(AlarmKind.REFUSED, "CS1", "from 192.0.2.1")
        alarms.sound(AlarmKind.FLAPPING, "CS1")
        alarms.sound(AlarmKind.REPLACED, "CS1")

    assert kept(database, happen) == [
        ("CS1", "refused at the door", "from 192.0.2.1"),
        ("CS1", "connects again and again", None),
        ("CS1", "refused at the door", "999 times more within 60 s"),
    ]


def test_after_a_while_the_same_is_kept_again(database):
    async def happen(alarms):
        for _ in range(2):
            alarms.sound(AlarmKind.GIVEN_UP, "CS1")
            await asyncio.sleep(0.05)

    assert len(kept(database, happen, window_s=0.01)) == 2


def test_identities_that_somebody_invents_fill_nothing(database):
    async def happen(alarms):
        for i in range(500):
            alarms.sound(AlarmKind.REFUSED, f"CS{i}", "")

    rows = kept(database, happen, open_windows=10)
    assert [station for station, _, _ in rows] == [*(f"CS{i}" for i in range(10)), "", ""]
    assert rows[-1][2] == "489 times more within 60 s"


def test_the_newest_rows_are_kept(database):
    async def happen(alarms):
        for i in range(250):
            alarms.sound(AlarmKind.REFUSED, f"CS{i}")

    rows = kept(database, happen, rows=50)
    assert 50 <= len(rows) <= 150
    assert rows[-1][0] == "CS249"


def test_an_abuse_is_shown_with_its_station(database):
    async def scenario():
        async with operating(database) as here:
            async with here.station(OcppVersion.V16, "A") as station:
                for _ in range(101):
                    await station.socket.send("garbage")
                await station.reader
            shown = await here.until("/v1/stations/A/security-events", lambda page: page.get("events"))
            (event,) = shown["events"]
            assert (event["source"], event["kind"]) == ("gateway", "closed after too many faulty messages")
            figures = (await here.get("/metrics")).text
            assert 'station_alarms_total{kind="closed after too many faulty messages"} 1.0' in figures

    asyncio.run(scenario())
