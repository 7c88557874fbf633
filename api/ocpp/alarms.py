"""What goes wrong with stations, counted by station and told: refusals, flapping, abuse, oddities of their messages."""

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from api.ocpp.registry import Clock, utc_now
from api.ocpp.session_events import Oddity

_LOG = logging.getLogger(__name__)
_MOST_STATIONS: Final = 20_000
_NAME_SHOWN: Final = 48


class AlarmKind(StrEnum):
    """What has happened at the door or on a connection."""

    REFUSED = "refused at the door"
    THROTTLED = "made to wait at the door"
    CROWDED_OUT = "no room for another connection"
    REPLACED = "replaced by a newer connection"
    FLAPPING = "connects again and again"
    GIVEN_UP = "closed after too many faulty messages"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that people should know.

    Parameters
    ----------
    at : datetime
    kind : AlarmKind
    station_id : str
        As it was claimed: a refused caller has not proved it. Empty where none was named.
    detail : str
        Never what the caller has shown as a secret.
    """

    at: datetime
    kind: AlarmKind
    station_id: str
    detail: str = ""


AlarmListener: TypeAlias = Callable[[Alarm], None]


class Alarms:
    """Counts alarms and oddities by station, and tells whoever has subscribed.

    Identities that are not proved are anybody's invention, so the book has a bound and forgets the oldest.

    Parameters
    ----------
    clock : Clock
    stations : int
        Stations that are remembered.
    """

    def __init__(self, clock: Clock = utc_now, stations: int = _MOST_STATIONS) -> None:
        self._clock = clock
        self._stations = stations
        self._counts: OrderedDict[str, Counter[AlarmKind | Oddity]] = OrderedDict()
        self._totals: Counter[AlarmKind | Oddity] = Counter()
        self._listeners: list[AlarmListener] = []

    def subscribe(self, listener: AlarmListener) -> None:
        """Tell a listener of every alarm from now on; it must not wait."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: AlarmListener) -> None:
        """Tell a listener no more."""
        self._listeners.remove(listener)

    def sound(self, kind: AlarmKind, station_id: str = "", detail: str = "") -> None:
        """Count an alarm, and tell it."""
        alarm = Alarm(self._clock(), kind, station_id[:_NAME_SHOWN], detail)
        self._book_of(alarm.station_id)[kind] += 1
        self._totals[kind] += 1
        for listener in self._listeners:
            try:
                listener(alarm)
            except Exception:  # noqa: BLE001 - one listener's fault must not close the door
                _LOG.exception("an alarm was not taken: %s", alarm)

    def add_oddities(self, station_id: str, oddities: Mapping[Oddity, int]) -> None:
        """Count what was odd in a conversation that has ended."""
        if oddities:
            self._book_of(station_id).update(oddities)
            self._totals.update(oddities)

    def counts(self, station_id: str) -> Mapping[AlarmKind | Oddity, int]:
        """Return what was counted of a station."""
        return dict(self._counts.get(station_id, {}))

    def totals(self) -> Mapping[AlarmKind | Oddity, int]:
        """Return what was counted of all."""
        return dict(self._totals)

    def _book_of(self, station_id: str) -> "Counter[AlarmKind | Oddity]":
        book = self._counts.setdefault(station_id, Counter())
        self._counts.move_to_end(station_id)
        if len(self._counts) > self._stations:
            self._counts.popitem(last=False)
        return book


class Flapping:
    """Notices a station that connects again and again: two clients with one identity, or a broken network.

    Parameters
    ----------
    often : int
        So many connections within the window are too many.
    window_s : float
        [s].
    stations : int
        Stations that are remembered.
    """

    def __init__(self, often: int = 5, window_s: float = 60.0, stations: int = _MOST_STATIONS) -> None:
        self._often = often
        self._window_s = window_s
        self._stations = stations
        self._times: OrderedDict[str, tuple[float, ...]] = OrderedDict()

    def came(self, station_id: str, now: float) -> bool:
        """Note a connection; True when it is one too many, and then the count begins anew."""
        recent = tuple(at for at in self._times.pop(station_id, ()) if now - at < self._window_s)
        recent = (*recent, now)
        is_flapping = len(recent) >= self._often
        self._times[station_id] = () if is_flapping else recent
        if len(self._times) > self._stations:
            self._times.popitem(last=False)
        return is_flapping
