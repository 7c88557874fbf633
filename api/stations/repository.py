"""SQL of stations, transactions and what drivers have said; the caller owns the transaction."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from api.ocpp.events import Booted, StatusChanged, TransactionStarted
from api.stations import late_start
from api.storage.station_tables import ConnectorChangeRow
from api.storage.tables import (
    ConnectorRow,
    DeclarationRow,
    MeterValueRow,
    SiteRow,
    StationRow,
    TransactionRow,
)

_PROTOCOL_CHANGED: Final = "ProtocolChanged"
_SUPERSEDED: Final = "Superseded"
_END_LOST: Final = (_PROTOCOL_CHANGED, _SUPERSEDED)
"""Reasons of our own for the end of a transaction that no station told."""


@dataclass(frozen=True, slots=True)
class Plugged:
    """A car that is plugged in: its transaction, and what its driver has said."""

    transaction: TransactionRow
    declaration: DeclarationRow | None


def save_site(session: Session, site_id: str, standing: dict[str, Any], now: datetime) -> None:
    """Store a site, or replace it."""
    session.merge(SiteRow(site_id=site_id, standing=standing, updated_at=now))


def standing_of(session: Session, site_id: str) -> dict[str, Any] | None:
    """Return a site as it was stored."""
    return session.scalar(select(SiteRow.standing).where(SiteRow.site_id == site_id))


def all_standing(session: Session) -> list[dict[str, Any]]:
    """Return every site as it was stored."""
    return list(session.scalars(select(SiteRow.standing).order_by(SiteRow.site_id)))


def versions(session: Session) -> dict[str, str]:
    """Return the protocol of every station that has connected."""
    rows = session.execute(
        select(StationRow.station_id, StationRow.version).where(StationRow.connected_at.is_not(None))
    )
    return {row.station_id: row.version for row in rows}


def note_connected(
    session: Session, station_id: str, version: str, now: datetime, held_by: str | None = None
) -> None:
    """Note that a station is there, at the process ``held_by``."""
    row = session.get(StationRow, station_id)
    if row is None:
        session.add(StationRow(station_id=station_id, version=version, connected_at=now, held_by=held_by))
        return
    if row.version not in (
        "",
        version,
    ):  # other firmware: its transactions are over, and their names mean nothing
        open_ones = update(TransactionRow).where(TransactionRow.ended_at.is_(None))
        session.execute(
            open_ones.where(TransactionRow.station_id == station_id).values(
                ended_at=now, stop_reason=_PROTOCOL_CHANGED
            )
        )
    row.version, row.connected_at, row.lost_at, row.held_by = version, now, None, held_by


def note_lost(session: Session, station_id: str, now: datetime, held_by: str | None = None) -> None:
    """Note that a station has gone from a process, unless it has come to another one meanwhile."""
    session.execute(
        update(StationRow)
        .where(StationRow.station_id == station_id, StationRow.held_by.is_not_distinct_from(held_by))
        .values(lost_at=now)
    )


def note_all_lost(session: Session, held_by: str, now: datetime) -> None:
    """Note that whoever was connected to a process when it was killed is not any more."""
    session.execute(
        update(StationRow)
        .where(StationRow.held_by == held_by, StationRow.lost_at.is_(None))
        .values(lost_at=now)
    )


def note_boot(session: Session, station_id: str, event: Booted, now: datetime) -> None:
    """Note what a station says that it is."""
    row = session.get(StationRow, station_id)
    if row is None:
        row = StationRow(station_id=station_id, version="")
        session.add(row)
    row.vendor, row.model = event.vendor, event.model
    row.serial_number, row.firmware_version = event.serial_number, event.firmware_version
    row.booted_at = now


def note_status(session: Session, station_id: str, event: StatusChanged, now: datetime) -> bool:
    """Note the state of a connector, and tell whether it is another one than before."""
    place = (station_id, event.evse_number, event.connector_number)
    row = session.get(ConnectorRow, place)
    if row is None:
        row = ConnectorRow(
            station_id=station_id, evse_number=event.evse_number, connector_number=event.connector_number
        )
        session.add(row)
    is_new = (row.status, row.error_code) != (event.status.value, event.error_code)
    row.status, row.error_code, row.at = event.status.value, event.error_code, event.at or now
    if is_new:
        session.add(
            ConnectorChangeRow(
                station_id=station_id,
                evse_number=event.evse_number,
                connector_number=event.connector_number,
                status=row.status,
                error_code=row.error_code,
                at=row.at,
            )
        )
    return is_new


def start_transaction(session: Session, station_id: str, event: TransactionStarted) -> tuple[str, bool]:
    """Return the identity of a transaction, and whether it is new.

    The same event gets the same identity. An older transaction that is still open on the EVSE is over: its
    end was lost. So is this one, until its end is told, if it comes late and a newer one has begun there.
    """
    known = session.scalar(_same_start(station_id, event))
    if known is not None:
        return known.transaction_id, late_start.take(known, event)
    if event.evse_number > 0:  # many may have begun without an EVSE so far
        _supersede(session, station_id, event.evse_number, event.at)
    row = TransactionRow(
        station_id=station_id,
        transaction_id=event.transaction_id or f"new at {event.evse_number}",
        evse_number=event.evse_number,
        id_token=event.id_token,
        started_at=event.at,
        meter_start_kwh=late_start.start_register(event),
        delivered_kwh=0.0,
        connector_number=event.connector_number,
        charging_state=None if event.charging_state is None else event.charging_state.value,
        was_offline=event.offline,
    )
    followed_at = _newer_begin(session, station_id, event)
    if followed_at is not None:
        row.ended_at, row.stop_reason = followed_at, _SUPERSEDED
    session.add(row)
    session.flush()
    row.transaction_id = event.transaction_id or str(row.number)
    return row.transaction_id, True


def _newer_begin(session: Session, station_id: str, event: TransactionStarted) -> datetime | None:
    """Return when the next transaction began on an EVSE, if one has; of EVSE 0 nobody knows."""
    if event.evse_number <= 0:
        return None
    return session.scalar(
        select(func.min(TransactionRow.started_at)).where(
            TransactionRow.station_id == station_id,
            TransactionRow.evse_number == event.evse_number,
            TransactionRow.started_at > event.at,
        )
    )


def place_transaction(session: Session, row: TransactionRow, evse_number: int | None, at: datetime) -> bool:
    """Note the EVSE of a transaction that had none; tell whether it is new."""
    if row.evse_number > 0 or not evse_number:
        return False
    _supersede(session, row.station_id, evse_number, at)
    row.evse_number = evse_number
    return True


def _supersede(session: Session, station_id: str, evse_number: int, at: datetime) -> None:
    """End what is still open on an EVSE from before."""
    session.execute(
        update(TransactionRow)
        .where(
            TransactionRow.station_id == station_id,
            TransactionRow.evse_number == evse_number,
            TransactionRow.ended_at.is_(None),
            TransactionRow.started_at <= at,
        )
        .values(ended_at=at, stop_reason=_SUPERSEDED)
    )


def transaction_of_lost_start(
    session: Session, station_id: str, transaction_id: str, evse_number: int | None, at: datetime
) -> TransactionRow:
    """Return a transaction of which nobody has heard the start: what is told of it later is kept all the same.

    A number that we are said to have given, and have not, gets a name that no other transaction will have.
    """
    name = f"lost {transaction_id}" if transaction_id.isdecimal() else transaction_id
    row = transaction(session, station_id, name)
    if row is None:
        row = TransactionRow(
            station_id=station_id,
            transaction_id=name,
            evse_number=evse_number or 0,
            started_at=at,
            delivered_kwh=0.0,
            was_offline=True,
        )
        session.add(row)
    return row


def end_transaction(row: TransactionRow, at: datetime, reason: str | None) -> None:
    """Note that a transaction is over; the first end that is told counts, and more than one that we assumed."""
    if row.ended_at is None or row.stop_reason in _END_LOST:
        row.ended_at, row.stop_reason = at, reason


def transaction(session: Session, station_id: str, transaction_id: str) -> TransactionRow | None:
    """Return a transaction."""
    return session.scalar(
        select(TransactionRow).where(
            TransactionRow.station_id == station_id, TransactionRow.transaction_id == transaction_id
        )
    )


def reading_times(session: Session, station_id: str, transaction_id: str) -> set[datetime]:
    """Return the times of a transaction's readings."""
    times = select(MeterValueRow.at).where(
        MeterValueRow.station_id == station_id, MeterValueRow.transaction_id == transaction_id
    )
    return set(session.scalars(times))


def running_at(session: Session, station_id: str, evse_number: int) -> TransactionRow | None:
    """Return the newest transaction that runs on an EVSE."""
    rows = select(TransactionRow).where(
        TransactionRow.station_id == station_id,
        TransactionRow.evse_number == evse_number,
        TransactionRow.ended_at.is_(None),
    )
    return session.scalar(rows.order_by(TransactionRow.number.desc()).limit(1))


def plugged_in(session: Session, station_ids: Collection[str]) -> list[Plugged]:
    """Return the cars that are plugged in at some stations; of an EVSE the newest."""
    rows = session.execute(
        select(TransactionRow, DeclarationRow)
        .join(DeclarationRow, DeclarationRow.id_token == TransactionRow.id_token, isouter=True)
        .where(TransactionRow.station_id.in_(station_ids), TransactionRow.ended_at.is_(None))
        .order_by(TransactionRow.started_at, TransactionRow.number)
    )
    newest = {(row.station_id, row.evse_number): Plugged(row, said) for row, said in rows}
    return list(newest.values())


def ended(session: Session, station_ids: Collection[str], since: datetime, most: int) -> list[TransactionRow]:
    """Return the newest transactions at some stations that began after a moment and are over, the oldest first.

    Those whose end was lost are left out: nobody knows when the car left.
    """
    rows = session.scalars(
        select(TransactionRow)
        .where(
            TransactionRow.station_id.in_(station_ids),
            TransactionRow.started_at >= since,
            TransactionRow.ended_at > TransactionRow.started_at,
            func.coalesce(TransactionRow.stop_reason, "").not_in(_END_LOST),
        )
        .order_by(TransactionRow.started_at.desc(), TransactionRow.number.desc())
        .limit(most)
    )
    return list(rows)[::-1]


def declare(session: Session, row: DeclarationRow) -> None:
    """Store what a driver has said."""
    session.merge(row)


def _same_start(station_id: str, event: TransactionStarted) -> Any:  # noqa: ANN401 - a select of one row
    rows = select(TransactionRow).where(TransactionRow.station_id == station_id)
    if event.transaction_id is not None:
        return rows.where(TransactionRow.transaction_id == event.transaction_id)
    return rows.where(
        TransactionRow.evse_number == event.evse_number,
        TransactionRow.started_at == event.at,
        TransactionRow.id_token == event.id_token,
    )
