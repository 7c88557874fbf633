"""SQL of what is known of stations: each query reads all that an answer needs; the caller owns the transaction."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from api.storage.station_tables import (
    ConnectorChangeRow,
    ExternalLimitRow,
    LoggedMessageRow,
    ReportPartRow,
    SecurityEventRow,
    StationFactsRow,
)
from api.storage.tables import ConnectorRow, MeterValueRow, StationRow, TransactionRow


@dataclass(frozen=True, slots=True)
class StationQuery:
    """Which stations are asked for; what is None does not matter.

    Parameters
    ----------
    is_online : bool or None
    among : collection of str or None
        Their identities.
    status : str or None
        A connector has it.
    conduct : str or None
    after : str
        They come after this one.
    most : int
    """

    is_online: bool | None = None
    among: Collection[str] | None = None
    status: str | None = None
    conduct: str | None = None
    after: str = ""
    most: int = 100


@dataclass(frozen=True, slots=True)
class Known:
    """All that is stored of a station."""

    station: StationRow
    facts: StationFactsRow | None
    connectors: tuple[ConnectorRow, ...] = ()
    running: tuple[TransactionRow, ...] = ()
    metered: tuple[MeterValueRow, ...] = ()
    external: tuple[ExternalLimitRow, ...] = field(default=())

    @property
    def is_online(self) -> bool:
        """Whether it is connected to a process."""
        return self.station.connected_at is not None and self.station.lost_at is None


def stations(session: Session, query: StationQuery) -> list[Known]:
    """Return stations in the order of their identities, without what was metered."""
    rows = (
        select(StationRow, StationFactsRow)
        .join(StationFactsRow, StationFactsRow.station_id == StationRow.station_id, isouter=True)
        .where(StationRow.station_id > query.after)
        .order_by(StationRow.station_id)
        .limit(query.most)
    )
    if query.is_online is not None:
        online = and_(StationRow.connected_at.is_not(None), StationRow.lost_at.is_(None))
        rows = rows.where(online if query.is_online else ~online)
    if query.among is not None:
        rows = rows.where(StationRow.station_id.in_(query.among))
    if query.status is not None:
        with_status = select(ConnectorRow.station_id).where(ConnectorRow.status == query.status)
        rows = rows.where(StationRow.station_id.in_(with_status))
    if query.conduct is not None:
        rows = rows.where(StationFactsRow.conduct == query.conduct)
    found = [(station, facts) for station, facts in session.execute(rows)]
    return _with_places(session, found)


def station(session: Session, station_id: str) -> Known | None:
    """Return all that is known of one station."""
    row = session.get(StationRow, station_id)
    if row is None:
        return None
    [known] = _with_places(session, [(row, session.get(StationFactsRow, station_id))])
    external = session.scalars(select(ExternalLimitRow).where(ExternalLimitRow.station_id == station_id))
    return Known(
        known.station,
        known.facts,
        known.connectors,
        known.running,
        _newest_readings(session, station_id),
        tuple(external),
    )


def _with_places(session: Session, found: Sequence[tuple[StationRow, StationFactsRow | None]]) -> list[Known]:
    """Add connectors and running transactions."""
    ids = [row.station_id for row, _ in found]
    connectors: dict[str, list[ConnectorRow]] = defaultdict(list)
    for connector in session.scalars(
        select(ConnectorRow)
        .where(ConnectorRow.station_id.in_(ids))
        .order_by(ConnectorRow.station_id, ConnectorRow.evse_number, ConnectorRow.connector_number)
    ):
        connectors[connector.station_id].append(connector)
    running: dict[str, list[TransactionRow]] = defaultdict(list)
    for begun in session.scalars(
        select(TransactionRow)
        .where(TransactionRow.station_id.in_(ids), TransactionRow.ended_at.is_(None))
        .order_by(TransactionRow.number)
    ):
        running[begun.station_id].append(begun)
    return [
        Known(row, facts, tuple(connectors[row.station_id]), tuple(running[row.station_id]))
        for row, facts in found
    ]


def _newest_readings(session: Session, station_id: str) -> tuple[MeterValueRow, ...]:
    """Return the newest reading of each EVSE that has metered anything."""
    newest = (
        select(MeterValueRow.evse_number, func.max(MeterValueRow.reading_id).label("reading_id"))
        .where(MeterValueRow.station_id == station_id)
        .group_by(MeterValueRow.evse_number)
        .subquery()
    )
    rows = select(MeterValueRow).join(newest, newest.c.reading_id == MeterValueRow.reading_id)
    return tuple(session.scalars(rows.order_by(MeterValueRow.evse_number)))


@dataclass(frozen=True, slots=True)
class Page:
    """Which records of a station are asked for: newest first, those before one that was shown."""

    station_id: str
    before: int | None = None
    most: int = 100
    since: datetime | None = None
    until: datetime | None = None


def connector_history(session: Session, page: Page) -> list[ConnectorChangeRow]:
    """Return states that connectors have had."""
    table = ConnectorChangeRow
    return list(session.scalars(_paged(select(table), table.station_id, table.change_id, table.at, page)))


def security_events(session: Session, page: Page) -> list[SecurityEventRow]:
    """Return what touched security."""
    table = SecurityEventRow
    return list(session.scalars(_paged(select(table), table.station_id, table.event_id, table.at, page)))


def messages(session: Session, page: Page, action: str | None) -> list[LoggedMessageRow]:
    """Return messages, of one action if it is named."""
    table = LoggedMessageRow
    rows = select(table) if action is None else select(table).where(table.action == action)
    return list(session.scalars(_paged(rows, table.station_id, table.log_id, table.at, page)))


def transactions(session: Session, page: Page, *, open_only: bool) -> list[TransactionRow]:
    """Return transactions."""
    table = TransactionRow
    rows = select(table).where(table.ended_at.is_(None)) if open_only else select(table)
    return list(session.scalars(_paged(rows, table.station_id, table.number, table.started_at, page)))


def meter_values(
    session: Session, page: Page, evse_number: int | None, transaction_id: str | None
) -> list[MeterValueRow]:
    """Return readings, of one EVSE or one transaction if it is named."""
    table = MeterValueRow
    rows = select(table)
    if evse_number is not None:
        rows = rows.where(table.evse_number == evse_number)
    if transaction_id is not None:
        rows = rows.where(table.transaction_id == transaction_id)
    return list(session.scalars(_paged(rows, table.station_id, table.reading_id, table.at, page)))


def report(session: Session, station_id: str, request_id: int) -> list[ReportPartRow]:
    """Return the parts of a report."""
    table = ReportPartRow
    rows = select(table).where(table.station_id == station_id, table.request_id == request_id)
    return list(session.scalars(rows.order_by(table.action, table.part)))


def reports(session: Session, station_id: str, most: int) -> list[ReportPartRow]:
    """Return the last part that came of each report, the newest first."""
    table = ReportPartRow
    newest = (
        select(func.max(table.part_id))
        .where(table.station_id == station_id)
        .group_by(table.action, table.request_id)
    )
    rows = select(table).where(table.part_id.in_(newest)).order_by(table.part_id.desc()).limit(most)
    return list(session.scalars(rows))


def _paged(
    rows: Select[Any],
    of_station: Any,  # noqa: ANN401 - a column of any table
    number: Any,  # noqa: ANN401 - as above
    at: Any,  # noqa: ANN401 - as above
    page: Page,
) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = [of_station == page.station_id]
    if page.before is not None:
        conditions.append(number < page.before)
    if page.since is not None:
        conditions.append(at >= page.since)
    if page.until is not None:
        conditions.append(at < page.until)
    return rows.where(*conditions).order_by(number.desc()).limit(page.most)
