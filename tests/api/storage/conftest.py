"""A fresh, migrated database in a file."""

import pytest

from api.storage.engine import Database


@pytest.fixture
def database(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'test.sqlite'}")
    database.migrate()
    yield database
    database.close()
