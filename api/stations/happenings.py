"""What has happened, as others are told it: the events that the stream of the API carries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.storage.station_tables import EventRow


class Happening(StrEnum):
    """Kinds of events."""

    STATION_CONNECTED = "station.connected"
    STATION_DISCONNECTED = "station.disconnected"
    STATION_BOOTED = "station.booted"
    STATION_NOT_FOLLOWING = "station.not_following"
    STATION_FOLLOWS = "station.follows"
    STATION_SECURITY = "station.security"
    STATION_TOLD = "station.told"
    CONNECTOR_CHANGED = "connector.changed"
    TRANSACTION_STARTED = "transaction.started"
    TRANSACTION_UPDATED = "transaction.updated"
    TRANSACTION_ENDED = "transaction.ended"
    PLAN_MADE = "plan.made"
    PROFILE_ACCEPTED = "profile.accepted"
    PROFILE_REFUSED = "profile.refused"
    COMMAND_ANSWERED = "command.answered"
    COMMAND_FAILED = "command.failed"
    LIMIT_EXTERNAL = "limit.external"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened at a station or a site."""

    kind: str
    at: datetime
    station_id: str | None = None
    site_id: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are asked for; what is None does not matter.

    ``kinds`` are whole names, or beginnings such as ``transaction.``; ``of_site`` are the stations of ``site_id``.
    """

    kinds: tuple[str, ...] = ()
    station_id: str | None = None
    site_id: str | None = None
    of_site: frozenset[str] = frozenset()

    def takes(self, row: EventRow) -> bool:
        """Tell whether an event is asked for."""
        return (
            (not self.kinds or any(row.kind.startswith(kind) for kind in self.kinds))
            and self.station_id in (None, row.station_id)
            and (self.site_id in (None, row.site_id) or row.station_id in self.of_site)
        )


def note(session: Session, event: Event) -> None:
    """Store an event in the caller's transaction: it is told if, and only if, what it tells of is stored."""
    session.add(
        EventRow(
            at=event.at,
            kind=event.kind,
            station_id=event.station_id,
            site_id=event.site_id,
            data=dict(event.data),
        )
    )


def newest_id(session: Session) -> int:
    """Return the number of the newest event, 0 before the first."""
    return session.scalar(select(func.max(EventRow.event_id))) or 0


def after(session: Session, event_id: int, most: int = 500) -> list[EventRow]:
    """Return the events after one, the oldest first."""
    rows = select(EventRow).where(EventRow.event_id > event_id).order_by(EventRow.event_id).limit(most)
    return list(session.scalars(rows))


def newest(session: Session, most: int) -> list[EventRow]:
    """Return the newest events, the oldest of them first."""
    rows = select(EventRow).order_by(EventRow.event_id.desc()).limit(most)
    return list(session.scalars(rows))[::-1]
