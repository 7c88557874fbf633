"""What stations say and are told: counted, timed and logged, in batches beside the event loop.

The gateway hands every frame over with one append. What it means is found out later, on the thread of the
writer, from the first characters of the frame; only what may hide a secret is parsed.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from api.ocpp.registry import Clock, utc_now
from api.stations.log.frames import NAMED, Direction, FrameHead, FrameKind, RawFrame, head_of
from api.stations.log.redaction import redacted

_ROUTINE: Final = frozenset({"Heartbeat", "MeterValues"})
_LONGEST: Final = 20_000
"""A frame is logged up to so many characters."""

_SMOOTHING: Final = 0.3
"""Share of the newest answer in a station's latency."""


class LogScope(StrEnum):
    """Which messages are logged."""

    ALL = "all"
    NOTABLE = "notable"
    """All but heartbeats and meter values that came alone, and their answers."""
    NOTHING = "nothing"


@dataclass(slots=True)
class StationTraffic:
    """What went between a station and us since this process began.

    Parameters
    ----------
    last_seen_at : datetime or None
    latency_s : float or None
        How long the station takes to answer a call of ours, the newest weighing most [s].
    n_received, n_sent : int
        Frames.
    """

    last_seen_at: datetime | None = None
    latency_s: float | None = None
    n_received: int = 0
    n_sent: int = 0


class LoggedFrame(NamedTuple):
    """A frame as it may be read."""

    station_id: str
    at: datetime
    direction: Direction
    head: FrameHead
    action: str | None
    text: str


Label: TypeAlias = tuple[Direction, FrameKind, str]
"""What frames are counted by: way, kind and action; the action of one that nobody knows is ``other``."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a batch of frames comes to.

    Parameters
    ----------
    frames : tuple of LoggedFrame
        What is to be logged.
    counts : mapping of Label to int
    theirs_s, ours_s : tuple of float
        How long stations took to answer calls of ours, and we to answer theirs [s].
    """

    frames: tuple[LoggedFrame, ...]
    counts: Mapping[Label, int]
    theirs_s: tuple[float, ...]
    ours_s: tuple[float, ...]


class TrafficBook:
    """Keeps frames until they are digested; the oldest are dropped, and counted, if too many wait.

    Parameters
    ----------
    actions : iterable of str
        Messages that are counted by name.
    scope : LogScope
    clock : callable
    most_waiting : int
    """

    def __init__(
        self,
        actions: Iterable[str],
        scope: LogScope = LogScope.ALL,
        clock: Clock = utc_now,
        most_waiting: int = 50_000,
    ) -> None:
        self.stations: dict[str, StationTraffic] = {}
        self.touched: set[str] = set()
        self.n_dropped = 0
        self._actions = frozenset(actions)
        self._scope = scope
        self._clock = clock
        self._waiting: deque[RawFrame] = deque(maxlen=most_waiting)
        self._open: dict[tuple[str, Direction], tuple[str, str, datetime]] = {}

    # --- on the event loop ----------------------------------------------------------------------------

    def received(self, station_id: str, text: str | bytes) -> None:
        """Keep a frame of a station."""
        self._keep(station_id, Direction.IN, text)

    def sent(self, station_id: str, text: str) -> None:
        """Keep a frame of ours."""
        self._keep(station_id, Direction.OUT, text)

    def _keep(self, station_id: str, direction: Direction, text: str | bytes) -> None:
        self.n_dropped += len(self._waiting) == self._waiting.maxlen
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        self._waiting.append(RawFrame(station_id, self._clock(), direction, text))

    @property
    def n_waiting(self) -> int:
        """Frames that are not digested yet."""
        return len(self._waiting)

    # --- on the writer's thread -----------------------------------------------------------------------

    def digest(self, most: int = 5_000) -> Digest:
        """Return what the oldest frames come to; one thread at a time may ask."""
        counts: Counter[Label] = Counter()
        frames: list[LoggedFrame] = []
        took_s: dict[Direction, list[float]] = {Direction.IN: [], Direction.OUT: []}
        for _ in range(min(most, len(self._waiting))):
            raw = self._waiting.popleft()
            head = head_of(raw.text)
            action = self._action_of(raw, head, took_s)
            counts[raw.direction, head.kind, action if action in self._actions else "other"] += 1
            if self._is_logged(head, action):
                text = redacted(raw.text)[:_LONGEST]
                frames.append(LoggedFrame(raw.station_id, raw.at, raw.direction, head, action, text))
        return Digest(tuple(frames), counts, tuple(took_s[Direction.IN]), tuple(took_s[Direction.OUT]))

    def _action_of(
        self, raw: RawFrame, head: FrameHead, took_s: Mapping[Direction, list[float]]
    ) -> str | None:
        """Note a frame of a station; return its action, of an answer that of the call."""
        traffic = self.stations.setdefault(raw.station_id, StationTraffic())
        self.touched.add(raw.station_id)
        if raw.direction is Direction.IN:
            traffic.last_seen_at = raw.at
            traffic.n_received += 1
        else:
            traffic.n_sent += 1
        if head.kind in NAMED:
            if head.kind is FrameKind.CALL and head.action is not None:
                self._open[raw.station_id, raw.direction] = (head.message_id, head.action, raw.at)
            return head.action
        return self._answered(raw, head, traffic, took_s)

    def _answered(
        self,
        raw: RawFrame,
        head: FrameHead,
        traffic: StationTraffic,
        took_s: Mapping[Direction, list[float]],
    ) -> str | None:
        asked = Direction.OUT if raw.direction is Direction.IN else Direction.IN
        call = self._open.get((raw.station_id, asked))
        if call is None or call[0] != head.message_id:
            return None
        del self._open[raw.station_id, asked]
        seconds = max((raw.at - call[2]).total_seconds(), 0.0)
        took_s[raw.direction].append(seconds)
        if raw.direction is Direction.IN:
            before = seconds if traffic.latency_s is None else traffic.latency_s
            traffic.latency_s = before + _SMOOTHING * (seconds - before)
        return call[1]

    def _is_logged(self, head: FrameHead, action: str | None) -> bool:
        match self._scope:
            case LogScope.ALL:
                return True
            case LogScope.NOTHING:
                return False
        return action not in _ROUTINE or head.kind in (FrameKind.ERROR, FrameKind.MALFORMED)
