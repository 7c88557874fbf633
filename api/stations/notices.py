"""What stations tell beyond transactions is kept: reports, security events, and that it was told."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.ocpp.notice_listener import HarmlessNotices
from api.ocpp.notices import Noticed, ReportPart, SecurityEventTold
from api.ocpp.registry import Clock
from api.stations import happenings
from api.stations.happenings import Event, Happening
from api.stations.log.redaction import redacted_document
from api.stations.meter_book import Metered
from api.storage.station_tables import ReportPartRow, SecurityEventRow
from api.storage.writer import GroupWriter

_TOO_MANY: Final = frozenset({"NotifyPeriodicEventStream"})
"""Streams of values: they stand in the message log, and are no news."""

BY_STATION: Final = "station"
BY_GATEWAY: Final = "gateway"


class KeptNotices(HarmlessNotices):
    """Keeps what is told; to what is asked it says what :class:`HarmlessNotices` says.

    Parameters
    ----------
    writer : GroupWriter
    clock : callable
    """

    def __init__(self, writer: GroupWriter[Metered], clock: Clock) -> None:
        self._writer, self._clock = writer, clock

    async def noticed(self, station_id: str, event: Noticed) -> None:
        """Tell those who follow events."""
        if event.action in _TOO_MANY:
            return
        data = {"action": event.action, "message": redacted_document(event.action, event.message)}
        told = Event(Happening.STATION_TOLD, self._clock(), station_id, data=data)
        await self._writer.write(lambda session: happenings.note(session, told))

    async def security_event(self, station_id: str, event: SecurityEventTold) -> None:
        """Keep it."""
        now = self._clock()
        row = {"kind": event.kind, "info": event.info, "at": event.at, "noted_at": now}
        await self._writer.write(
            lambda session: note_security(
                session, SecurityEventRow(station_id=station_id, source=BY_STATION, **row)
            )
        )

    async def reported(self, station_id: str, event: ReportPart) -> None:
        """Keep a part of a report, in the place of the same one if it comes again."""
        await self._writer.write(self._keeping(station_id, event))

    def _keeping(self, station_id: str, event: ReportPart) -> Callable[[Session], None]:
        now = self._clock()

        def keep(session: Session) -> None:
            report = select(ReportPartRow).where(
                ReportPartRow.station_id == station_id,
                ReportPartRow.action == event.action,
                ReportPartRow.request_id == event.request_id,
            )
            number = event.number
            if number is None:
                number = session.scalar(select(func.count()).select_from(report.subquery())) or 0
            row = session.scalar(report.where(ReportPartRow.part == number))
            if row is None:
                row = ReportPartRow(
                    station_id=station_id, action=event.action, request_id=event.request_id, part=number
                )
                session.add(row)
            row.payload = redacted_document(event.action, event.message)
            row.is_last, row.at = event.is_last, now
            if event.is_last:
                data = {"action": event.action, "request_id": event.request_id, "parts": number + 1}
                happenings.note(session, Event(Happening.STATION_TOLD, now, station_id, data=data))

        return keep


def note_security(session: Session, row: SecurityEventRow) -> None:
    """Store an event that touches security, and tell of it."""
    session.add(row)
    data = {"kind": row.kind, "info": row.info, "source": row.source}
    happenings.note(session, Event(Happening.STATION_SECURITY, row.noted_at, row.station_id, data=data))
