"""Records of a station, from rows to the wire."""

from collections import defaultdict
from collections.abc import Sequence

from api.stations.state.queries import Page
from api.stations.state.schemas import (
    ConnectorHistoryOut,
    ConnectorOut,
    MessageOut,
    MessagesOut,
    MeterValueOut,
    MeterValuesOut,
    ReportOut,
    ReportsOut,
    SecurityEventOut,
    SecurityEventsOut,
    TransactionOut,
    TransactionsOut,
)
from api.storage.station_tables import ConnectorChangeRow, LoggedMessageRow, ReportPartRow, SecurityEventRow
from api.storage.tables import MeterValueRow, TransactionRow


def _next(numbers: Sequence[int], page: Page) -> int | None:
    """Return where the next page begins, None where this one was not full."""
    return numbers[-1] if len(numbers) == page.most else None


def connector_history_out(rows: Sequence[ConnectorChangeRow], page: Page) -> ConnectorHistoryOut:
    """Return states of connectors on the wire."""
    changes = tuple(
        ConnectorOut(
            evse=row.evse_number,
            connector=row.connector_number,
            status=row.status,
            error_code=row.error_code,
            at=row.at,
        )
        for row in rows
    )
    return ConnectorHistoryOut(changes=changes, next=_next([row.change_id for row in rows], page))


def transactions_out(rows: Sequence[TransactionRow], page: Page) -> TransactionsOut:
    """Return transactions on the wire."""
    shown = tuple(map(TransactionOut.of, rows))
    return TransactionsOut(transactions=shown, next=_next([row.number for row in rows], page))


def meter_values_out(rows: Sequence[MeterValueRow], page: Page) -> MeterValuesOut:
    """Return readings on the wire."""
    shown = tuple(
        MeterValueOut(
            evse=row.evse_number,
            transaction_id=row.transaction_id,
            at=row.at,
            energy_kwh=row.energy_kwh,
            power_kw=row.power_kw,
            current_a=row.current_a,
            soc_percent=row.soc,
            faults=row.faults,
        )
        for row in rows
    )
    return MeterValuesOut(meter_values=shown, next=_next([row.reading_id for row in rows], page))


def messages_out(rows: Sequence[LoggedMessageRow], page: Page) -> MessagesOut:
    """Return messages on the wire."""
    shown = tuple(
        MessageOut(
            at=row.at,
            direction=row.direction,
            kind=row.kind,
            action=row.action,
            message_id=row.message_id,
            frame=row.frame,
        )
        for row in rows
    )
    return MessagesOut(messages=shown, next=_next([row.log_id for row in rows], page))


def security_events_out(rows: Sequence[SecurityEventRow], page: Page) -> SecurityEventsOut:
    """Return what touched security on the wire."""
    shown = tuple(
        SecurityEventOut(kind=row.kind, source=row.source, info=row.info, at=row.at, noted_at=row.noted_at)
        for row in rows
    )
    return SecurityEventsOut(events=shown, next=_next([row.event_id for row in rows], page))


def reports_out(rows: Sequence[ReportPartRow], *, with_parts: bool) -> ReportsOut:
    """Return reports on the wire, each with the parts that came of it."""
    of_report: dict[tuple[str, int], list[ReportPartRow]] = defaultdict(list)
    for row in rows:
        of_report[row.action, row.request_id].append(row)
    return ReportsOut(
        reports=tuple(
            ReportOut(
                action=action,
                request_id=request_id,
                complete=any(part.is_last for part in parts),
                at=max(part.at for part in parts),
                parts=tuple(part.payload for part in parts) if with_parts else None,
            )
            for (action, request_id), parts in of_report.items()
        )
    )
