"""What every test of the gateway asks: no connection handler has failed behind its back."""

import pytest


@pytest.fixture(autouse=True)
def no_connection_handler_fails(caplog):
    yield
    assert [record.getMessage() for record in caplog.records if record.name.startswith("websockets")] == []
