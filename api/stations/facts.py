"""What a station does, as this process sees it, is kept in the database, so that every process can show it."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from api.ocpp.capabilities import StationCapabilities
from api.ocpp.registry import Registry
from api.stations.log.traffic import StationTraffic, TrafficBook
from api.stations.state.kept.schemas import document_of_capabilities
from api.storage.station_tables import StationFactsRow
from models.state import Conduct

_INSERTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
)
"""Only these know how to insert what may be there already."""


@dataclass(slots=True)
class _Before:
    """What was counted before this process, or over earlier connections."""

    n_received: int = 0
    n_sent: int = 0
    oddities: Counter[str] = field(default_factory=Counter)
    link: object = None
    of_link: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Conducted:
    """Whether a station follows its limit, and since when."""

    conduct: str
    since: datetime


class FactsBook:
    """Gathers facts of stations that have said something, and stores them.

    Parameters
    ----------
    registry : Registry
    traffic : TrafficBook
    """

    def __init__(self, registry: Registry, traffic: TrafficBook) -> None:
        self.oddities: Counter[str] = Counter()
        self._registry, self._traffic = registry, traffic
        self._before: dict[str, _Before] = {}
        self._conduct: dict[str, Conducted] = {}
        self._documents: dict[StationCapabilities, dict[str, Any]] = {}

    @property
    def not_following(self) -> tuple[str, ...]:
        """Stations that draw more than they were told."""
        return tuple(one for one, said in self._conduct.items() if said.conduct == Conduct.NOT_FOLLOWING)

    def conducted(self, station_id: str, conduct: str, since: datetime) -> None:
        """Note whether a station follows its limit."""
        self._conduct[station_id] = Conducted(conduct, since)
        self._traffic.touched.add(station_id)

    def recall(self, session: Session) -> None:
        """Read what was known before this process began."""
        for row in session.scalars(select(StationFactsRow)):
            self._before[row.station_id] = _Before(row.n_received, row.n_sent, Counter(row.oddities))
            if row.conduct is not None and row.conduct_since is not None:  # until it is judged again
                self._conduct[row.station_id] = Conducted(row.conduct, row.conduct_since)

    def due(self) -> list[dict[str, Any]]:
        """Return the facts of all stations that have said something since the last time."""
        touched, self._traffic.touched = self._traffic.touched, set()
        return [self._row(station_id) for station_id in sorted(touched)]

    def _row(self, station_id: str) -> dict[str, Any]:
        before = self._before.setdefault(station_id, _Before())
        traffic = self._traffic.stations.get(station_id, StationTraffic())
        record = self._registry.record(station_id)
        conduct = self._conduct.get(station_id)
        return {
            "station_id": station_id,
            "last_seen_at": traffic.last_seen_at,
            "latency_s": traffic.latency_s,
            "security_profile": None if record is None else record.security_profile,
            "capabilities": None if record is None else self._document(record.capabilities),
            "last_refusal": None if record is None else record.last_refusal or None,
            "n_received": before.n_received + traffic.n_received,
            "n_sent": before.n_sent + traffic.n_sent,
            "oddities": self._oddities(station_id, before),
            "conduct": None if conduct is None else conduct.conduct,
            "conduct_since": None if conduct is None else conduct.since,
        }

    def _document(self, capabilities: StationCapabilities) -> Mapping[str, Any]:
        """Return capabilities as a document; ten thousand stations of one model share theirs."""
        if capabilities not in self._documents:
            self._documents[capabilities] = document_of_capabilities(capabilities)
        return self._documents[capabilities]

    def _oddities(self, station_id: str, before: _Before) -> dict[str, int]:
        """Count what is odd over all connections: each of them counts anew."""
        link = self._registry.link(station_id)
        if link is not before.link:
            before.oddities += before.of_link
            before.link, before.of_link = link, Counter()
        if link is not None:
            now = Counter({str(kind): n for kind, n in dict(link.oddities).items()})
            self.oddities += now - before.of_link
            before.of_link = now
        return dict(before.oddities + before.of_link)


def save(session: Session, rows: list[dict[str, Any]]) -> None:
    """Store facts in the place of older ones; what is not known now stays as it was."""
    if not rows:
        return
    new = _INSERTS[session.get_bind().dialect.name](StationFactsRow)
    table = StationFactsRow.__table__.c
    session.execute(
        new.on_conflict_do_update(
            index_elements=["station_id"],
            set_={
                column.name: func.coalesce(new.excluded[column.name], column)
                for column in table
                if column.name != "station_id"
            },
        ),
        rows,
    )
