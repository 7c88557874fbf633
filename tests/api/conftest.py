"""Fresh databases: SQLite in a file, and on demand (`-m postgres`) a PostgreSQL server of the tests' own."""

import itertools

import pytest

from api.storage.engine import Database
from tests import postgresql


@pytest.fixture(scope="session")
def postgresql_server():
    with postgresql.server() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def new_url(request, tmp_path):
    """What makes an empty database and returns its URL."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_server").new_url
    numbers = itertools.count()
    return lambda: f"sqlite:///{tmp_path / f'{next(numbers)}.sqlite'}"


@pytest.fixture
def database(new_url):
    """A migrated database."""
    database = Database(new_url())
    database.migrate()
    yield database
    database.close()
