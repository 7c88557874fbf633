"""One service for all tests of the planning API: compiling the kernels takes seconds."""

import pytest

from api.app import create_app
from api.settings import Settings
from tests.serving import serving


@pytest.fixture(scope="session")
def client():
    with serving(create_app(Settings(max_body_bytes=2_000_000))) as client:
        yield client
