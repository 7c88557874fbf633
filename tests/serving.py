"""A service that tests talk to over HTTP without a socket, its lifespan included."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI


class ApiClient:
    """A synchronous client of a service whose event loop runs on a thread of its own."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(self, method: str, url: str, **content) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, url, **content))

    def get(self, url: str) -> httpx.Response:
        return self.request("GET", url)

    def post(self, url: str, **content) -> httpx.Response:
        return self.request("POST", url, **content)

    def put(self, url: str, **content) -> httpx.Response:
        return self.request("PUT", url, **content)


@contextmanager
def serving(app: FastAPI) -> Iterator[ApiClient]:
    """Start the service, yield a client, stop it; errors of the service are answers, as over a socket."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
    ):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://test", timeout=120)
        with portal.wrap_async_context_manager(client):
            yield ApiClient(portal, client)
