"""The writer of many: what it has answered is stored, whoever else fails, and nothing is stored twice."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.storage.engine import Database
from api.storage.tables import SiteRow
from api.storage.writer import GroupWriter, WriterLimits

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def site(name):
    return SiteRow(site_id=name, standing={}, updated_at=NOW)


def save(session, names):
    if "impossible" in names:
        raise ValueError("impossible")
    session.add_all(site(name) for name in names)


def stored(database):
    with database.read() as session:
        return set(session.scalars(select(SiteRow.site_id)))


def adding(name):
    def work(session):
        if name.startswith("bad"):
            session.add(site(name))
            session.flush()
            raise KeyError(name)
        session.add(site(name))
        return name

    return work


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(st.sampled_from("abcdefgh"), unique=True),
    bad=st.sets(st.integers(0, 9), max_size=3),
    size=st.integers(1, 4),
)
def test_every_work_gets_its_own_result_and_a_failed_one_leaves_nothing(database, names, bad, size):
    example = uuid4().hex
    works = [f"{'bad' if place in bad else 'good'} {example} {name}" for place, name in enumerate(names)]

    async def scenario():
        async with GroupWriter(database, save, WriterLimits(works=size)) as writer:
            asked = (writer.write(adding(name)) for name in works)
            return await asyncio.gather(*asked, return_exceptions=True)

    outcomes = asyncio.run(scenario())
    good = {name for name in works if not name.startswith("bad")}
    assert {name for name in stored(database) if example in name} == good
    for name, outcome in zip(works, outcomes, strict=True):
        assert outcome == name if name in good else isinstance(outcome, KeyError)


def test_what_is_handed_over_is_stored_soon_and_at_the_end(database):
    async def scenario():
        limits = WriterLimits(linger_s=0.05)
        async with GroupWriter(database, save, limits) as writer:
            committed = asyncio.Event()
            writer.follow(committed.set)
            writer.hand_over("soon")
            async with asyncio.timeout(60):
                await committed.wait()
            assert stored(database) == {"soon"}
            for name in "abc":
                writer.hand_over(name)
        return writer.figures

    figures = asyncio.run(scenario())
    assert stored(database) == {"soon", "a", "b", "c"}
    assert (figures.n_items, figures.n_refused) == (4, 0)


def test_many_writes_at_once_share_their_transactions(database):
    async def scenario():
        async with GroupWriter(database, save) as writer:
            await asyncio.gather(*(writer.write(adding(f"{i}")) for i in range(200)))
            return writer.figures

    figures = asyncio.run(scenario())
    assert len(stored(database)) == 200
    assert figures.n_transactions < 20


def test_an_item_that_cannot_be_stored_costs_nobody_else(database):
    names = ("a", "b", "impossible", "c")

    async def scenario():
        async with GroupWriter(database, save) as writer:
            asked = [writer.hand_over(name) for name in names]
            return await asyncio.gather(*asked, writer.write(adding("work")), return_exceptions=True)

    outcomes = asyncio.run(scenario())
    assert stored(database) == {"a", "b", "c", "work"}
    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, False, True, False, False]


def test_whoever_hands_over_hears_when_it_is_stored(database):
    async def scenario():
        async with GroupWriter(database, save) as writer:
            await writer.hand_over("a")
            assert stored(database) == {"a"}

    asyncio.run(scenario())


def test_while_the_database_is_locked_what_was_handed_over_waits(tmp_path, caplog):
    """Of SQLite: PostgreSQL's server waits by itself."""
    url = f"sqlite:///{tmp_path / 'locked.sqlite'}"
    database = Database(url)
    database.migrate()
    other = Database(url)
    for engine in (database.engine,):
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=1")

    async def scenario():
        async with GroupWriter(database, save, WriterLimits(linger_s=0.0)) as writer:
            with other.write() as session:
                session.execute(select(func.count()).select_from(SiteRow))
                late = writer.hand_over("late")
                while not caplog.records:  # noqa: ASYNC110 - a log raises no event
                    await asyncio.sleep(0.05)
                assert stored(database) == set()
                assert not late.done()
            async with asyncio.timeout(60):
                await late

    asyncio.run(scenario())
    assert stored(database) == {"late"}
    other.close()
    database.close()


def test_a_writer_that_does_not_run_says_so(database):
    writer = GroupWriter(database, save)
    with pytest.raises(RuntimeError, match="does not run"):
        asyncio.run(writer.write(adding("a")))
