"""Events on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from api.storage.station_tables import EventRow
from api.wire.schemas import WireModel


class EventOut(WireModel):
    """Something that has happened."""

    id: Annotated[int, Field(description="grows with every event")]
    at: datetime
    kind: Annotated[str, Field(examples=["transaction.started"])]
    station_id: str | None
    site_id: str | None
    data: dict[str, JsonValue]

    @classmethod
    def of(cls, row: EventRow) -> "EventOut":
        """Return an event on the wire."""
        return cls(
            id=row.event_id,
            at=row.at,
            kind=row.kind,
            station_id=row.station_id,
            site_id=row.site_id,
            data=row.data,
        )


class EventsOut(WireModel):
    """Events, the oldest first."""

    events: tuple[EventOut, ...]
    next: Annotated[int, Field(description="ask for what comes later by after=...")]
