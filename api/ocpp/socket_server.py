"""The port that stations connect to, and the websockets that are open on it."""

import asyncio
from typing import Any, Final

from api.ocpp.socket_roles import SocketOwner, SocketSettings
from api.ocpp.turnstile import Turnstile
from api.ocpp.websocket import WebSocket

_READ_BYTES: Final = 64 * 1024


class SocketServer:
    """Listens, and knows its connections.

    Parameters
    ----------
    owner : SocketOwner
    settings : SocketSettings
    """

    def __init__(self, owner: SocketOwner, settings: SocketSettings) -> None:
        self._owner = owner
        self._settings = settings
        self._shared = bytearray(_READ_BYTES)
        self._turnstile = Turnstile()
        self._sockets: set[WebSocket] = set()
        self._all_gone = asyncio.Event()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port that is listened on.

        Raises
        ------
        RuntimeError
            It is not started.
        """
        if self._server is None:
            raise RuntimeError("the gateway is not started")
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, host: str, port: int, **options: Any) -> None:  # noqa: ANN401 - of asyncio
        """Begin to listen; ``options`` are those of ``loop.create_server``, ``ssl`` for example."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._new_socket, host, port, **options)

    async def stop(self, code: int, reason: str) -> None:
        """Close every connection, and wait until all have ended."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for socket in tuple(self._sockets):
            socket.close(code, reason)
        if self._sockets:
            self._all_gone.clear()
            await self._all_gone.wait()

    def _new_socket(self) -> WebSocket:
        return WebSocket(
            self._owner, self._settings, self._shared, self._sockets.add, self._forget, self._turnstile
        )

    def _forget(self, socket: WebSocket) -> None:
        self._sockets.discard(socket)
        if not self._sockets:
            self._all_gone.set()
