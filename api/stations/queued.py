"""Transactions that a station has begun while it was away: it tells them later, and their end may follow at once."""

from datetime import datetime, timedelta
from typing import Final

from api.ocpp.events import TransactionStarted
from models.timegrid import aware_utc

DRAIN_S: Final = 10.0
"""Time that a station is left to tell the rest of what it has queued before its site is planned [s]."""

_PROMPT: Final = timedelta(minutes=2)
"""A start that is told later than this was queued: OCPP 1.6 does not say so itself (5.16.1)."""


def is_queued(event: TransactionStarted, now: datetime) -> bool:
    """Tell whether a start was queued: a profile for it may come too late (C4)."""
    return event.offline or aware_utc(now) - aware_utc(event.at) > _PROMPT
