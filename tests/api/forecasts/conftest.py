"""One service for all tests of the forecasting API."""

import pytest

from api.app import create_app
from api.settings import Settings
from tests.serving import serving


@pytest.fixture(scope="session")
def client():
    with serving(create_app(Settings())) as client:
        yield client
