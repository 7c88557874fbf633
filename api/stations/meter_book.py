"""Meter values go into the database in batches: one insert, and each transaction's register once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from api.ocpp.metering import MeterReading
from api.stations import repository
from api.storage.tables import MeterValueRow, TransactionRow

_AT_ONCE: Final = 500
"""SQLite takes no more than some thousand values in one query."""


@dataclass(frozen=True, slots=True)
class Metered:
    """Readings of one EVSE; OCPP 1.6 leaves it open whether they name their transaction."""

    station_id: str
    evse_number: int
    transaction_id: str | None
    readings: tuple[MeterReading, ...]


def save(session: Session, batch: Sequence[Metered]) -> None:
    """Store readings, and note in each transaction what was delivered."""
    values = [_value(one, reading) for one in batch for reading in one.readings]
    if not values:
        return
    session.execute(insert(MeterValueRow), values)
    running = _Running(session, {one.station_id for one in batch})
    for one in batch:
        row = running.transaction_of(one)
        if row is None:
            continue
        for reading in one.readings:
            if one.transaction_id is not None or reading.at >= row.started_at:
                repository.note_register(row, reading.energy_kwh)


class _Running:
    """The transactions that run at some stations, and others as they are asked for."""

    def __init__(self, session: Session, station_ids: Iterable[str]) -> None:
        self._session = session
        self._by_name: dict[tuple[str, str], TransactionRow | None] = {}
        self._by_place: dict[tuple[str, int], TransactionRow] = {}
        ids = sorted(station_ids)
        for first in range(0, len(ids), _AT_ONCE):
            rows = select(TransactionRow).where(
                TransactionRow.station_id.in_(ids[first : first + _AT_ONCE]),
                TransactionRow.ended_at.is_(None),
            )
            for row in session.scalars(rows.order_by(TransactionRow.number)):
                self._by_name[row.station_id, row.transaction_id] = row
                self._by_place[row.station_id, row.evse_number] = row

    def transaction_of(self, one: Metered) -> TransactionRow | None:
        """Return the transaction that readings belong to, also one that has ended before they came."""
        if one.transaction_id is None:
            return self._by_place.get((one.station_id, one.evse_number)) if one.evse_number > 0 else None
        name = (one.station_id, one.transaction_id)
        if name not in self._by_name:
            self._by_name[name] = repository.transaction(self._session, *name)
        return self._by_name[name]


def _value(one: Metered, reading: MeterReading) -> dict[str, object]:
    currents = [value for value in reading.current_a if value is not None]
    return {
        "station_id": one.station_id,
        "evse_number": one.evse_number,
        "transaction_id": one.transaction_id,
        "at": reading.at,
        "energy_kwh": reading.energy_kwh,
        "power_kw": reading.power_kw,
        "current_a": max(currents, default=None),
        "soc": reading.soc_percent,
        "faults": "; ".join(reading.faults) or None,
    }
