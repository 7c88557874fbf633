"""The database: migrations, column types, and writers that wait for each other."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from api.storage.engine import Database, alembic_config, database_url
from api.storage.tables import SiteRow, StationRow, Table
from api.storage.types import ExactDecimal, UtcTime
from models.errors import InvalidInputError

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_the_migrations_make_exactly_the_tables_of_the_code(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_every_migration_can_be_undone(database):
    with database.engine.connect() as connection:
        config = alembic_config(database.url)
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert sa.inspect(connection).get_table_names() == ["alembic_version"]


def test_migrating_twice_changes_nothing(database):
    database.migrate()
    with database.read() as session:
        assert session.scalars(sa.select(SiteRow)).all() == []


@pytest.mark.parametrize(
    ("said", "kept"), [("a\0b", "ab"), ("a\ud800b", "a?b"), ("grün \U0001f50c", "grün \U0001f50c")]
)
def test_text_that_no_database_takes_is_made_plain(database, said, kept):
    """Hostile frames are logged as they came; one with half of a character must not cost the log of all others."""
    with database.write() as session:
        session.add(StationRow(station_id="north", version="1.6", vendor=said))
    with database.read() as session:
        assert session.get_one(StationRow, "north").vendor == kept


def test_processes_that_start_together_migrate_once(new_url):
    program = "import sys; from api.storage.engine import Database; Database(sys.argv[1]).migrate()"
    url = new_url()
    processes = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]


@given(
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone is drawn below
    offset_min=st.integers(-14 * 60, 14 * 60),
)
@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()], ids=["sqlite", "postgresql"])
def test_a_time_comes_back_as_the_same_instant_in_utc(dialect, moment, offset_min):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    stored = UtcTime().process_bind_param(aware, dialect)
    back = UtcTime().process_result_value(stored, dialect)
    assert back == aware
    assert back.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database):
    with pytest.raises(sa.exc.StatementError, match="no time zone"), database.write() as session:
        session.add(SiteRow(site_id="s", standing={}, updated_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - on purpose


@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9)
)
def test_a_decimal_comes_back_digit_by_digit(value):
    stored = ExactDecimal().process_bind_param(value, sqlite.dialect())
    back = ExactDecimal().process_result_value(stored, sqlite.dialect())
    assert str(back) == str(value)


def test_an_error_undoes_the_whole_transaction(database):
    with pytest.raises(RuntimeError), database.write() as session:  # noqa: PT012 - the error comes last
        session.add(SiteRow(site_id="s", standing={}, updated_at=NOW))
        session.flush()
        raise RuntimeError
    with database.read() as session:
        assert session.get(SiteRow, "s") is None


def test_writers_on_many_threads_wait_for_each_other_and_lose_nothing(database):
    with database.write() as session:
        session.add(StationRow(station_id="s", version="0"))

    def add_one(_):
        with database.write() as session:
            row = session.get_one(StationRow, "s")
            row.version = str(int(row.version) + 1)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(80)))
    with database.read() as session:
        assert session.get_one(StationRow, "s").version == "80"


def test_a_reader_sees_one_moment_while_others_write(database):
    def count(session):
        return session.scalar(sa.select(sa.func.count()).select_from(SiteRow))

    with database.read() as reader:
        assert count(reader) == 0
        with database.write() as writer:
            writer.add(SiteRow(site_id="s", standing={}, updated_at=NOW))
        assert count(reader) == 0
    with database.read() as reader:
        assert count(reader) == 1


def test_what_is_stored_outlives_the_connections(new_url):
    url = new_url()
    first = Database(url)
    first.migrate()
    with first.write() as session:
        session.add(StationRow(station_id="s", version="1.6", vendor="Lader\0", booted_at=NOW))
    first.close()
    second = Database(url)
    with second.read() as session:
        row = session.get_one(StationRow, "s")
    second.close()
    assert (row.vendor, row.booted_at) == ("Lader", NOW)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_url_of_postgresql_means_the_driver_that_is_pinned(scheme):
    url = database_url(f"{scheme}://us%40er:pass%25word@db:5433/grid")
    assert (
        url.render_as_string(hide_password=False) == "postgresql+psycopg://us%40er:pass%25word@db:5433/grid"
    )


def test_a_driver_that_is_not_installed_is_one_clear_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InvalidInputError, match=r"pip install gridpilot\[postgres\]") as told:
        Database("postgresql://user:secret@db/grid")
    [issue] = told.value.issues
    assert issue.where == "database_url"
    assert "secret" not in issue.what


@pytest.mark.parametrize(
    "text", ["", "grid.sqlite", "mysql://db/grid", "postgresql+asyncpg://db/grid", "no-such://x"]
)
def test_what_is_no_url_of_a_database_is_refused(text):
    with pytest.raises(InvalidInputError, match="database_url"):
        Database(text)


def test_a_connection_that_is_in_use_while_the_database_closes_is_closed_when_it_comes_back(new_url):
    database = Database(new_url())
    with database.read() as session:
        held = session.connection().connection.dbapi_connection
        database.close()
        session.execute(sa.text("SELECT 1"))
    assert held is not None
    with pytest.raises(Exception, match="closed"):
        held.cursor().execute("SELECT 1")
