"""What would grow for ever is cut: of each table that is only looked into, the newest rows stay.

Transactions, meter values and plans are not cut: bills and forecasts are made of them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from api.storage.station_tables import (
    CommandRow,
    ConnectorChangeRow,
    EventRow,
    ReportPartRow,
    SecurityEventRow,
)

BOUNDS: Final[Mapping[Any, int]] = MappingProxyType(
    {
        EventRow.event_id: 100_000,  # at 10,000 stations an hour or two
        ConnectorChangeRow.change_id: 1_000_000,
        SecurityEventRow.event_id: 1_000_000,
        ReportPartRow.part_id: 100_000,
    }
)
"""Most rows of each table, by the number that grows with them."""

SETTLED_KEPT: Final = timedelta(days=90)
"""So long it can be asked what has become of a queued command, and its key means the same command."""


def cut(session: Session, now: datetime, bounds: Mapping[Any, int] = BOUNDS) -> None:
    """Forget what is beyond the bounds."""
    for number, most in bounds.items():
        newest = session.scalar(select(func.max(number))) or 0
        session.execute(delete(number.class_).where(number <= newest - most))
    session.execute(delete(CommandRow).where(CommandRow.settled_at < now - SETTLED_KEPT))
