"""How fast a station may talk: a bucket of messages that fills again with time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """What one station may send.

    Parameters
    ----------
    messages_per_s : float
        In the long run [1/s].
    burst : int
        At once, after it was quiet: what it has kept while it was offline, for example.
    """

    messages_per_s: float = 20.0
    burst: int = 100


class TokenBucket:
    """Counts the messages of one station.

    Whoever is too fast is made to wait, which costs nobody else anything: nothing is dropped.

    Parameters
    ----------
    pace : Pace
    now : float
        Any steady clock [s].
    """

    __slots__ = ("_pace", "_tokens", "_updated_at")

    def __init__(self, pace: Pace, now: float) -> None:
        self._pace = pace
        self._tokens = float(pace.burst)
        self._updated_at = now

    def take(self, now: float) -> float:
        """Count one message; return how long the next one has to wait [s]."""
        pace = self._pace
        filled = self._tokens + (now - self._updated_at) * pace.messages_per_s
        self._tokens = min(filled, pace.burst) - 1.0
        self._updated_at = now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / pace.messages_per_s
