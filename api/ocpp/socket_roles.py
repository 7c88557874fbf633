"""Bounds of a websocket, and the roles of those who use one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

if TYPE_CHECKING:
    from api.ocpp.websocket import WebSocket


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """Bounds of one websocket.

    Parameters
    ----------
    subprotocols : tuple of Subprotocol
        In the order of our preference; who offers none of them is refused.
    max_bytes : int
        Longest message; a longer one closes the connection (1009).
    ping_interval_s : float
        Time between pings, and the longest wait for their answer [s].
    open_timeout_s, close_timeout_s : float
        Longest time of the handshake, and of the closing [s].
    unsent_bytes : int
        Once so much waits to be sent to a slow reader, it is not heard before it has read.
    """

    subprotocols: tuple[Subprotocol, ...]
    max_bytes: int
    ping_interval_s: float = 30.0
    open_timeout_s: float = 10.0
    close_timeout_s: float = 10.0
    unsent_bytes: int = 64 * 1024


class SocketUser(Protocol):
    """Who is told what comes over one socket; called on the loop, and must not wait."""

    def received(self, message: str | bytes) -> None:
        """A message has come."""

    def writing_paused(self) -> None:
        """The peer reads too slowly."""

    def writing_resumed(self) -> None:
        """The peer has caught up."""

    def closed(self) -> None:
        """The connection has ended; told once."""


class SocketOwner(Protocol):
    """Who decides what becomes of new connections."""

    def entered(self, socket: "WebSocket") -> bool:
        """Tell whether a connection may begin its hand-shake."""

    def settled(self, socket: "WebSocket") -> None:
        """The hand-shake of a connection that has entered is over, whatever came of it."""

    async def refusal(self, socket: "WebSocket", request: Request) -> Response | None:
        """Return why a peer may not connect."""

    def opened(self, socket: "WebSocket") -> SocketUser:
        """Return who is told of a connection that is open now."""
