"""The outbox: what stations must be told, until they have confirmed it.

A profile is written in the transaction that stores its plan, and sent at least once: a crash between
sending and noting it sends again, and the profile's number makes the second replace the first. Of what
governs the same place (a slot: EVSE and purpose) only the newest profile counts; older ones are dropped.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from api.storage.tables import OutboxRow, PlanRow

LEASE: Final = timedelta(seconds=60)
"""A claimed message that was not settled by then is claimed again: its sender is gone."""

_BACK_OFF_S: Final = 5.0
_BACK_OFF_MOST_S: Final = 300.0


class OutboxState(StrEnum):
    """Where a message stands."""

    PENDING = "pending"
    CLAIMED = "claimed"
    SENT = "sent"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


OPEN: Final = (OutboxState.PENDING, OutboxState.CLAIMED)
_RELEASE: Final = (
    update(OutboxRow)
    .where(OutboxRow.station_id == bindparam("back"), OutboxRow.state.in_(OPEN))
    .values(state=OutboxState.PENDING, not_before=bindparam("due"))
)
"""Stated once: it runs for each of ten thousand stations that come back together."""


@dataclass(frozen=True, slots=True)
class Message:
    """A profile to send; ``key`` names it for ever, ``slot`` is what it governs."""

    key: str
    station_id: str
    slot: str
    profile: dict[str, Any]
    plan_id: int | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that its claimer must settle."""

    outbox_id: int
    attempts: int
    message: Message


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """A message of a site's plan that its station has not confirmed."""

    site_id: str
    message: Message
    is_refused: bool


def put(session: Session, messages: Iterable[Message], now: datetime) -> None:
    """Queue messages in the caller's transaction; a key that is known already is not queued again."""
    for message in messages:
        if session.scalar(select(OutboxRow.outbox_id).where(OutboxRow.key == message.key)) is not None:
            continue
        _supersede(session, message, now)
        session.add(
            OutboxRow(
                key=message.key,
                station_id=message.station_id,
                slot=message.slot,
                plan_id=message.plan_id,
                profile=message.profile,
                state=OutboxState.PENDING,
                attempts=0,
                not_before=now,
                created_at=now,
            )
        )
        session.flush()


def claim(session: Session, now: datetime, station_ids: Collection[str], most: int = 100) -> list[Claimed]:
    """Take messages that are due for stations that are there, oldest first."""
    due = (
        select(OutboxRow)
        .where(OutboxRow.state.in_(OPEN), OutboxRow.not_before <= now, OutboxRow.station_id.in_(station_ids))
        .order_by(OutboxRow.outbox_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    claimed = []
    for row in session.scalars(due).all():
        if _has_newer(session, row):  # it was on the way when the newer one was written, and got lost
            _settle(session, row.outbox_id, OutboxState.SUPERSEDED, now)
            continue
        row.state = OutboxState.CLAIMED
        row.attempts += 1
        row.not_before = now + LEASE
        claimed.append(Claimed(row.outbox_id, row.attempts, _message(row)))
    return claimed


def last_told(session: Session, purpose: str) -> list[Message]:
    """Return, of each slot of a purpose, the last message that was confirmed, and then all that were tried since.

    A slot of which none was confirmed, or is remembered, is left out: nobody knows what holds there.
    """
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.slot.endswith(f"/{purpose}", autoescape=True), OutboxRow.attempts > 0)
        .where(OutboxRow.state != OutboxState.REFUSED)
        .order_by(OutboxRow.outbox_id)
    )
    told: dict[tuple[str, str], list[Message]] = {}
    for row in rows:
        place, message = (row.station_id, row.slot), _message(row)
        if row.state == OutboxState.SENT:
            told[place] = [message]
        elif place in told:
            told[place].append(message)
    return [message for messages in told.values() for message in messages]


def is_known(session: Session, station_id: str) -> bool:
    """Tell whether a station was ever to be told something that belongs to no plan."""
    rows = select(OutboxRow.outbox_id).where(OutboxRow.station_id == station_id, OutboxRow.plan_id.is_(None))
    return session.scalar(rows.limit(1)) is not None


def mark_sent(session: Session, outbox_id: int, now: datetime) -> None:
    """Note that the station has confirmed a message."""
    _settle(session, outbox_id, OutboxState.SENT, now)


def put_back(session: Session, outbox_id: int, now: datetime) -> None:
    """Give back a claimed message that must wait for others, or has more to say; it stays due."""
    row = session.get(OutboxRow, outbox_id)
    if row is None or row.state != OutboxState.CLAIMED:
        return
    if _has_newer(session, row):
        _settle(session, outbox_id, OutboxState.SUPERSEDED, now)
        return
    row.state = OutboxState.PENDING
    row.attempts -= 1
    row.not_before = now


def is_outdated(session: Session, outbox_id: int) -> bool:
    """Tell whether a claimed message is not worth sending any more: a newer one counts, or it was forgotten."""
    row = session.get(OutboxRow, outbox_id)
    return row is None or _has_newer(session, row)


def unconfirmed(session: Session, plan_ids: Collection[int]) -> list[Unconfirmed]:
    """Return what stations have not confirmed of some plans, or have refused."""
    rows = (
        select(OutboxRow, PlanRow.site_id)
        .join(PlanRow, PlanRow.plan_id == OutboxRow.plan_id)
        .where(OutboxRow.plan_id.in_(plan_ids), OutboxRow.state.in_((*OPEN, OutboxState.REFUSED)))
    )
    return [
        Unconfirmed(
            site_id,
            _message(row),
            is_refused=row.state == OutboxState.REFUSED,
        )
        for row, site_id in session.execute(rows)
    ]


def drop_older_plans(session: Session, site_id: str, plan_id: int, now: datetime) -> None:
    """Drop what older plans of a site still have to say: a newer one speaks for every car that is there."""
    older = select(PlanRow.plan_id).where(PlanRow.site_id == site_id, PlanRow.plan_id < plan_id)
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.plan_id.in_(older), OutboxRow.state == OutboxState.PENDING)
        .values(state=OutboxState.SUPERSEDED, settled_at=now)
    )


def mark_refused(session: Session, outbox_id: int, now: datetime, error: str) -> None:
    """Note that the station does not take a message, nor anything simpler; it is not sent again."""
    _settle(session, outbox_id, OutboxState.REFUSED, now, error)


def mark_failed(session: Session, outbox_id: int, now: datetime, error: str) -> None:
    """Note that a message did not get through; it is due again after a while that doubles with each attempt."""
    row = session.get(OutboxRow, outbox_id)
    if row is None or row.state != OutboxState.CLAIMED:
        return
    if _has_newer(session, row):
        _settle(session, outbox_id, OutboxState.SUPERSEDED, now, error)
        return
    delay_s = min(_BACK_OFF_S * 2.0 ** (row.attempts - 1), _BACK_OFF_MOST_S)
    row.state = OutboxState.PENDING
    row.not_before = now + timedelta(seconds=delay_s)
    row.last_error = error


def release(session: Session, station_id: str, now: datetime) -> None:
    """Make all that is open for a station due at once: it is back, and what was on the way is lost."""
    session.execute(_RELEASE, {"back": station_id, "due": now})


def _message(row: OutboxRow) -> Message:
    return Message(row.key, row.station_id, row.slot, row.profile, row.plan_id)


def _supersede(session: Session, message: Message, now: datetime) -> None:
    """Drop older messages of a slot that wait; one on the way is left to its sender."""
    session.execute(
        update(OutboxRow)
        .where(
            OutboxRow.station_id == message.station_id,
            OutboxRow.slot == message.slot,
            OutboxRow.state == OutboxState.PENDING,
        )
        .values(state=OutboxState.SUPERSEDED, settled_at=now)
    )


def _has_newer(session: Session, row: OutboxRow) -> bool:
    newer = select(OutboxRow.outbox_id).where(
        OutboxRow.station_id == row.station_id,
        OutboxRow.slot == row.slot,
        OutboxRow.outbox_id > row.outbox_id,
    )
    return session.scalar(newer.limit(1)) is not None


def _settle(
    session: Session, outbox_id: int, state: OutboxState, now: datetime, error: str | None = None
) -> None:
    row = session.get(OutboxRow, outbox_id)
    if row is None:  # forgotten with its plan while it was on the way
        return
    row.state = state
    row.settled_at = now
    row.last_error = error
