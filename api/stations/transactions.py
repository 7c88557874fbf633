"""What stations tell of transactions is stored: once, whenever it comes, and whatever was lost before it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy.orm import Session

from api.ocpp.events import ChargingState, TransactionEnded, TransactionStarted, TransactionUpdated
from api.ocpp.plausibility import MeterBounds, Register, time_fault
from api.stations import happenings, heard, meter_book, repository
from api.stations.happenings import Event, Happening
from api.stations.meter_book import Metered
from api.storage.tables import TransactionRow

_Event: TypeAlias = TransactionStarted | TransactionUpdated | TransactionEnded


@dataclass(frozen=True, slots=True)
class Seen:
    """What an update has brought: the EVSE, whether it is newly known, and whether the driver is."""

    evse_number: int
    is_placed: bool
    has_learned: bool


def start(
    session: Session, station_id: str, event: TransactionStarted, bounds: MeterBounds | None = None
) -> tuple[str, bool]:
    """Store a transaction that has begun; return its identity, and whether it is new, or newly has its EVSE."""
    transaction_id, is_new = repository.start_transaction(session, station_id, event)
    row = repository.transaction(session, station_id, transaction_id)
    if row is not None:
        _meter(session, row, event, bounds)
        if is_new:
            _tell(session, Happening.TRANSACTION_STARTED, row, event.at, offline=event.offline)
    return transaction_id, is_new


def update(
    session: Session, station_id: str, event: TransactionUpdated, bounds: MeterBounds | None = None
) -> Seen:
    """Store what has changed in a transaction."""
    row = _row_of(session, station_id, event)
    has_learned = event.id_token is not None and row.id_token != event.id_token
    row.id_token = event.id_token or row.id_token
    is_placed = repository.place_transaction(session, row, event.evse_number, event.at)
    is_other = _note_state(row, event.charging_state)
    _meter(session, row, event, bounds)
    if is_placed or has_learned or is_other:
        _tell(session, Happening.TRANSACTION_UPDATED, row, event.at, offline=event.offline)
    return Seen(row.evse_number, is_placed, has_learned)


def end(
    session: Session, station_id: str, event: TransactionEnded, bounds: MeterBounds | None = None
) -> None:
    """Store the end of a transaction; the first end that is told counts."""
    row = _row_of(session, station_id, event)
    was_open = row.ended_at is None
    _meter(session, row, event, bounds)
    _note_stop(row, event, bounds)
    repository.end_transaction(row, event.at, event.reason)
    if was_open:
        _tell(session, Happening.TRANSACTION_ENDED, row, event.at, offline=event.offline)


def _note_stop(row: TransactionRow, event: TransactionEnded, bounds: MeterBounds | None) -> None:
    """Take over the register at the end, unless it or its time cannot be true."""
    kwh = event.meter_stop_kwh
    if kwh is None:
        return
    fault = "register is negative" if kwh < 0.0 else None
    if fault is None and bounds is not None:
        fault = time_fault(event.at, bounds.now)
    if fault is not None:
        row.doubts = row.doubts or f"at the end: {fault}"
        return
    meter_book.note_register(row, Register(kwh, event.at), bounds)


def _row_of(
    session: Session, station_id: str, event: TransactionUpdated | TransactionEnded
) -> TransactionRow:
    row = repository.transaction(session, station_id, event.transaction_id)
    if row is not None:
        return row
    return repository.transaction_of_lost_start(
        session, station_id, event.transaction_id, event.evse_number, event.at
    )


def _note_state(row: TransactionRow, state: ChargingState | None) -> bool:
    """Note whether the car charges; tell whether that is another state than before."""
    if state is None or row.charging_state == state.value:
        return False
    row.charging_state = state.value
    return True


def _meter(session: Session, row: TransactionRow, event: _Event, bounds: MeterBounds | None) -> None:
    """Store the readings of a message once, however often it comes."""
    session.flush()
    comes_again = row.ended_at is not None and isinstance(event, TransactionEnded)
    if event.seq_no is not None:
        comes_again = heard.has(row.seen_seq or (), event.seq_no)
        row.seen_seq = heard.adding(row.seen_seq or (), event.seq_no)
    readings = event.readings
    if comes_again and readings:  # some stations count nothing: only what is there already came again
        stored = repository.reading_times(session, row.station_id, row.transaction_id)
        readings = tuple(reading for reading in readings if reading.at not in stored)
    meter_book.save(session, [Metered(row.station_id, row.evse_number, row.transaction_id, readings, bounds)])


def _tell(session: Session, kind: Happening, row: TransactionRow, at: datetime, *, offline: bool) -> None:
    session.flush()
    data = {
        "transaction_id": row.transaction_id,
        "evse": row.evse_number,
        "charging_state": row.charging_state,
        "delivered_kwh": row.delivered_kwh,
        "reason": row.stop_reason,
        "offline": offline,
    }
    happenings.note(session, Event(kind, at, row.station_id, data=data))
