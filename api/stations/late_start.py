"""The start of a transaction that comes when others have told of it already, or comes again."""

from api.ocpp.events import TransactionStarted
from api.ocpp.plausibility import ANY_EVSE_KW, Register, register_fault
from api.storage.tables import TransactionRow


def take(row: TransactionRow, event: TransactionStarted) -> bool:
    """Complete a transaction of which the start comes late; tell whether its EVSE is newly known.

    A start that comes again changes nothing.
    """
    is_placed = row.evse_number <= 0 < event.evse_number
    if is_placed:
        row.evse_number = event.evse_number
    row.id_token = row.id_token or event.id_token
    row.connector_number = row.connector_number or event.connector_number
    if event.at < row.started_at:
        _begin_earlier(row, event)
    return is_placed and row.ended_at is None


def start_register(event: TransactionStarted) -> float | None:
    """Return the register at the start [kWh]; one that is negative is none."""
    kwh = event.meter_start_kwh
    return None if kwh is None or kwh < 0.0 else kwh


def _begin_earlier(row: TransactionRow, event: TransactionStarted) -> None:
    """Count from the start that was told now, instead of from the first thing that was heard."""
    started_kwh = start_register(event)
    row.started_at = event.at
    if started_kwh is None:
        return
    if row.meter_start_kwh is None:
        row.meter_start_kwh = started_kwh
        return
    newest = Register(row.meter_start_kwh + row.delivered_kwh, row.metered_at)
    fault = register_fault(Register(started_kwh, event.at), newest, ANY_EVSE_KW)
    row.meter_start_kwh = started_kwh
    row.delivered_kwh = 0.0 if fault is not None else newest.kwh - started_kwh
    row.doubts = row.doubts or fault
