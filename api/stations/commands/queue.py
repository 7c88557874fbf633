"""SQL of commands that wait for their station; the caller owns the transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.stations.commands.errors import KeyTakenError, UnknownCommandError
from api.storage.station_tables import CommandRow

LEASE: Final = timedelta(minutes=3)
"""A command that is on its way and was not settled by then is sent again: its sender is gone."""

_BACK_OFF_S: Final = 5.0
_BACK_OFF_MOST_S: Final = 300.0


class CommandState(StrEnum):
    """Where a queued command stands."""

    QUEUED = "queued"
    SENDING = "sending"
    ANSWERED = "answered"
    REFUSED = "refused"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


OPEN: Final = (CommandState.QUEUED, CommandState.SENDING)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command that somebody wants a station to get; ``key`` names it for ever."""

    station_id: str
    action: str
    payload: Mapping[str, Any]
    key: str
    expires_at: datetime


def put(session: Session, wanted: Wanted, now: datetime) -> tuple[CommandRow, bool]:
    """Queue a command, and tell whether it is new: the same key is the same command.

    Raises
    ------
    KeyTakenError
        The key belongs to another command for this station.
    """
    known = session.scalar(
        select(CommandRow).where(CommandRow.station_id == wanted.station_id, CommandRow.key == wanted.key)
    )
    if known is not None:
        if (known.action, known.payload) != (wanted.action, dict(wanted.payload)):
            raise KeyTakenError(f"the idempotency key {wanted.key!r} belongs to another command")
        return known, False
    row = CommandRow(
        command_id=uuid4().hex,
        station_id=wanted.station_id,
        action=wanted.action,
        payload=dict(wanted.payload),
        key=wanted.key,
        state=CommandState.QUEUED,
        attempts=0,
        created_at=now,
        not_before=now,
        expires_at=wanted.expires_at,
    )
    session.add(row)
    session.flush()
    return row, True


def waiting_stations(session: Session, now: datetime) -> list[str]:
    """Return the stations for which something is due."""
    return list(
        session.scalars(
            select(CommandRow.station_id)
            .where(CommandRow.state.in_(OPEN), CommandRow.not_before <= now)
            .distinct()
            .order_by(CommandRow.station_id)
        )
    )


def claim(session: Session, station_id: str, now: datetime) -> CommandRow | None:
    """Take the oldest command of a station, if it is due: they are sent in the order in which they were queued."""
    row = session.scalar(
        select(CommandRow)
        .where(CommandRow.station_id == station_id, CommandRow.state.in_(OPEN))
        .order_by(CommandRow.number)
        .limit(1)
    )
    if row is None or row.not_before > now or row.expires_at <= now:
        return None
    row.state = CommandState.SENDING
    row.attempts += 1
    row.not_before = now + LEASE
    return row


def settle(
    session: Session,
    command_id: str,
    state: CommandState,
    now: datetime,
    *,
    answer: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    """Note what has become of a command."""
    row = find(session, command_id)
    row.state, row.settled_at = state, now
    row.answer = None if answer is None else dict(answer)
    row.error = error


def put_back(session: Session, command_id: str, now: datetime, error: str) -> None:
    """Try again after a while that doubles with each attempt."""
    row = find(session, command_id)
    row.state = CommandState.QUEUED
    row.not_before = now + timedelta(seconds=min(_BACK_OFF_S * 2.0 ** (row.attempts - 1), _BACK_OFF_MOST_S))
    row.error = error


def release(session: Session, station_id: str, now: datetime) -> None:
    """Make all that waits for a station due: it is back, and what was on its way got no answer."""
    session.execute(
        update(CommandRow)
        .where(CommandRow.station_id == station_id, CommandRow.state.in_(OPEN))
        .values(state=CommandState.QUEUED, not_before=now)
    )


def stations_with_open(session: Session) -> set[str]:
    """Return the stations for which something waits, or is on its way."""
    return set(session.scalars(select(CommandRow.station_id).where(CommandRow.state.in_(OPEN)).distinct()))


def expire(session: Session, now: datetime) -> list[CommandRow]:
    """Give up what has waited too long, and return it."""
    rows = session.scalars(
        select(CommandRow).where(CommandRow.state == CommandState.QUEUED, CommandRow.expires_at <= now)
    ).all()
    for row in rows:
        row.state, row.settled_at = CommandState.EXPIRED, now
    return list(rows)


def cancel(session: Session, command_id: str, now: datetime) -> bool:
    """Give up a command that was not sent yet; False if it was."""
    row = find(session, command_id)
    if row.state == CommandState.CANCELLED:
        return True
    if row.state != CommandState.QUEUED or row.attempts:
        return False
    row.state, row.settled_at = CommandState.CANCELLED, now
    return True


def find(session: Session, command_id: str) -> CommandRow:
    """Return a command.

    Raises
    ------
    UnknownCommandError
        None was queued under this name.
    """
    row = session.scalar(select(CommandRow).where(CommandRow.command_id == command_id))
    if row is None:
        raise UnknownCommandError(f"no command {command_id!r} was queued")
    return row


def of_station(session: Session, station_id: str, most: int) -> list[CommandRow]:
    """Return the newest commands of a station, the newest first."""
    rows = select(CommandRow).where(CommandRow.station_id == station_id)
    return list(session.scalars(rows.order_by(CommandRow.number.desc()).limit(most)))
