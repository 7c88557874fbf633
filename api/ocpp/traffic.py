"""Who may watch the frames between stations and the gateway: a message log, and figures."""

from typing import Protocol


class TrafficWatch(Protocol):
    """Is shown every frame on the event loop, so it must be quick and never fail."""

    def received(self, station_id: str, text: str | bytes) -> None:
        """A station has sent a frame; nobody has looked at it yet."""

    def sent(self, station_id: str, text: str) -> None:
        """A frame is on its way to a station."""


class NobodyWatches:
    """Looks at nothing."""

    def received(self, station_id: str, text: str | bytes) -> None:
        """Pass over a frame."""

    def sent(self, station_id: str, text: str) -> None:
        """Pass over a frame."""
