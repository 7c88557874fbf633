"""The database: SQLite with a write-ahead log by default, PostgreSQL by URL.

In both one transaction writes at a time, and the next one sees all that it left: what is read in a write
transaction is true until its end. SQLite has one writer anyway; on PostgreSQL an advisory lock says whose turn
it is, since several processes write there. A transaction that reads sees one moment in both.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from api.storage.turns import Turns
from models.errors import InvalidInputError, Issue

_WRITES: Final = "gridpilot_writes"
_BUSY_MS: Final = 10_000
"""How long a writer waits for another one [ms]."""

_PRAGMAS: Final = (
    f"PRAGMA busy_timeout={_BUSY_MS}",  # first: the others wait for processes that start at the same time
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)

_DRIVERS: Final = MappingProxyType(
    {
        "sqlite": "sqlite+pysqlite",
        "sqlite+pysqlite": "sqlite+pysqlite",
        "postgres": "postgresql+psycopg",
        "postgresql": "postgresql+psycopg",
        "postgresql+psycopg": "postgresql+psycopg",
    }
)
"""What a URL may begin with, and the driver that it gets: others are not tested."""

_WRITE_LOCK: Final = 0x67726964
"""Key of the advisory lock that a writer holds: any number, the same in every process."""


class Database:
    """One database, used from any thread.

    Parameters
    ----------
    url : str
        SQLAlchemy URL; ``postgresql://`` means the driver psycopg.

    Raises
    ------
    InvalidInputError
        The text is no such URL, or the driver that it needs is not installed.
    """

    def __init__(self, url: str) -> None:
        with_driver = database_url(url)
        self.url = with_driver.render_as_string(hide_password=False)
        if with_driver.get_backend_name() == "postgresql":
            self.engine, self._writer = _postgresql(with_driver)
        else:
            self.engine, self._writer = _sqlite(with_driver)
        self._is_closed = False
        self._turns = Turns()
        event.listen(self.engine, "checkin", self._returned)

    def migrate(self) -> None:
        """Bring the tables to the newest revision; processes that start together wait for the first."""
        with self._writer.connect() as connection:
            config = alembic_config(self.url)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that reads."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that writes: committed at the end, undone by an error."""
        with self._turns, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections; one that a thread still uses is closed when it is given back."""
        self._is_closed = True
        self.engine.dispose()

    def _returned(self, _connection: object, record: ConnectionPoolEntry) -> None:
        if self._is_closed:
            record.invalidate()


def database_url(text: str) -> URL:
    """Return a URL with the driver that we pin.

    Raises
    ------
    InvalidInputError
        The text is no URL of SQLite or PostgreSQL, or the driver is not installed.
    """
    try:
        url = make_url(text)
        url = url.set(drivername=_DRIVERS[url.drivername])
        url.get_dialect().import_dbapi()
    except (ArgumentError, KeyError) as error:  # without the text: it may hold a password
        what = "is neither sqlite:///<file> nor postgresql://<user>:<password>@<host>/<name>"
        raise InvalidInputError((Issue("database_url", what),)) from error
    except ImportError as error:
        what = f"{url.drivername}: {error}; `pip install gridpilot[postgres]` brings the driver of PostgreSQL"
        raise InvalidInputError((Issue("database_url", what),)) from error
    return url


def alembic_config(url: str) -> Config:
    """Return the configuration of the migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def _sqlite(url: URL) -> tuple[Engine, Engine]:
    """Return the engine that reads and the one that writes; they share their connections."""
    engine = create_engine(url)
    event.listen(engine, "connect", _tune_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine, engine.execution_options(**{_WRITES: True})


def _postgresql(url: URL) -> tuple[Engine, Engine]:
    """Return the engine that reads and the one that writes; they share their connections."""
    # The server may have been restarted since a connection was used: a ping tells before a transaction does.
    engine = create_engine(url, pool_pre_ping=True, isolation_level="REPEATABLE READ")
    event.listen(engine, "connect", _tune_postgresql)
    event.listen(engine, "begin", _begin_postgresql)
    # A writer must see what was committed while it waited for its turn, so it takes no snapshot before.
    return engine, engine.execution_options(**{_WRITES: True, "isolation_level": "READ COMMITTED"})


def _tune_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - a connection of the driver
    # The driver must not begin transactions by itself: it would begin them as readers, and two readers
    # that both want to write would be a deadlock that SQLite answers with an error.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _tune_postgresql(connection: Any, _record: object) -> None:  # noqa: ANN401 - a connection of the driver
    connection.execute(f"SET lock_timeout = {_BUSY_MS}")
    connection.commit()


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get(_WRITES, False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")
