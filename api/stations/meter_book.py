"""Meter values go into the database in batches: one insert, and each transaction's register once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.ocpp.metering import MeterReading
from api.ocpp.plausibility import ANY_EVSE_KW, MeterBounds, Register, plausible, register_fault
from api.stations import repository
from api.storage.bulk import plain_table
from api.storage.tables import MeterValueRow, TransactionRow
from api.storage.types import plain_text
from models.timegrid import aware_utc

_READINGS: Final = plain_table(MeterValueRow)
_AT_ONCE: Final = 500
"""SQLite takes no more than some thousand values in one query."""

_EARLIER: Final = timedelta(days=1)
"""A station that sets its clock within a transaction may be wrong by its time zone."""


@dataclass(frozen=True, slots=True)
class Metered:
    """Readings of one EVSE, and what bounds them; OCPP 1.6 leaves it open whether they name their transaction."""

    station_id: str
    evse_number: int
    transaction_id: str | None
    readings: tuple[MeterReading, ...]
    bounds: MeterBounds | None = None


def save(session: Session, batch: Sequence[Metered]) -> None:
    """Store readings, and note in each transaction what was delivered; what cannot be true is marked."""
    if not any(one.readings for one in batch):
        return
    running = _Running(session, {one.station_id for one in batch})
    values = []
    for one in batch:
        row = running.transaction_of(one)
        for reading in one.readings:
            counted = _counted(row, one, reading)
            values.append(_value(one, counted))
    session.execute(_READINGS.insert(), values)


def _counted(row: TransactionRow | None, one: Metered, reading: MeterReading) -> MeterReading:
    """Let a reading count for its transaction; return it without what cannot be true."""
    if one.bounds is not None:
        reading = plausible(reading, one.bounds)
    is_of_it = row is not None and (one.transaction_id is not None or reading.at >= row.started_at)
    if row is None or not is_of_it or reading.energy_kwh is None:
        return reading
    if row.started_at - reading.at > _EARLIER:
        fault: str | None = f"before its transaction began, register {reading.energy_kwh:.3f} kWh"
    else:
        fault = note_register(row, Register(reading.energy_kwh, reading.at), one.bounds)
    if fault is None:
        return reading
    return replace(reading, energy_kwh=None, faults=(*reading.faults, fault))


def note_register(row: TransactionRow, told: Register, bounds: MeterBounds | None = None) -> str | None:
    """Take over a meter's register, unless it cannot be true; return why not.

    The first one counts as the start where none was told.
    """
    most_kw = ANY_EVSE_KW if bounds is None else bounds.most_kw
    if row.meter_start_kwh is None:
        row.meter_start_kwh, row.metered_at = told.kwh, told.at
        return None
    before = Register(row.meter_start_kwh + row.delivered_kwh, row.metered_at or row.started_at)
    fault = register_fault(before, told, most_kw)
    if fault is not None:
        row.doubts = row.doubts or fault
        return fault
    row.delivered_kwh = max(row.delivered_kwh, told.kwh - row.meter_start_kwh)
    if told.at is not None and (row.metered_at is None or told.at > row.metered_at):
        row.metered_at = told.at
    return None


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
        "station_id": plain_text(one.station_id),
        "evse_number": one.evse_number,
        "transaction_id": None if one.transaction_id is None else plain_text(one.transaction_id),
        "at": aware_utc(reading.at),
        "energy_kwh": reading.energy_kwh,
        "power_kw": reading.power_kw,
        "current_a": max(currents, default=None),
        "soc": reading.soc_percent,
        "faults": plain_text("; ".join(reading.faults)) or None,
    }
