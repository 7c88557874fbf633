"""The same databases as for the API's own tests."""

from tests.api.conftest import new_url, postgresql_server

__all__ = ["new_url", "postgresql_server"]
