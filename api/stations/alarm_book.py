"""What goes wrong at the door and on connections is kept as security events, few for many."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.ocpp.alarms import Alarm, AlarmKind
from api.ocpp.registry import Clock
from api.stations.meter_book import Metered
from api.stations.notices import BY_GATEWAY, note_security
from api.storage.station_tables import SecurityEventRow
from api.storage.writer import GroupWriter

_KEPT: Final = frozenset(
    {
        AlarmKind.REFUSED,
        AlarmKind.THROTTLED,
        AlarmKind.CROWDED_OUT,
        AlarmKind.FLAPPING,
        AlarmKind.GIVEN_UP,
    }
)
"""What people should read; that a connection was replaced happens after every outage, and is only counted."""

_CUT_EVERY: Final = 100
_SOMEBODY: Final = ""


@dataclass(frozen=True, slots=True)
class AlarmLimits:
    """How much is kept: whoever tries identities invents them, and must not fill the disk.

    Parameters
    ----------
    window_s : float
        Of the same kind at the same station one is kept in this time, and then how many more there were [s].
    open_windows : int
        Stations and kinds at a time; what goes beyond is kept without the station.
    rows : int
        The newest so many rows of the gateway are kept.
    """

    window_s: float = 60.0
    open_windows: int = 1_000
    rows: int = 20_000


class AlarmBook:
    """Keeps alarms.

    Parameters
    ----------
    writer : GroupWriter
    spawn : callable
        Runs a write beside everything else.
    clock : callable
    limits : AlarmLimits
    """

    def __init__(
        self,
        writer: GroupWriter[Metered],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
        clock: Clock,
        limits: AlarmLimits = AlarmLimits(),
    ) -> None:
        self._writer, self._spawn, self._clock = writer, spawn, clock
        self._limits = limits
        self._more: dict[tuple[str, AlarmKind], int] = {}
        self._closing: dict[tuple[str, AlarmKind], asyncio.TimerHandle] = {}
        self._n_kept = 0

    def hear(self, alarm: Alarm) -> None:
        """Keep an alarm, or count it where the same was kept a moment ago."""
        if alarm.kind not in _KEPT:
            return
        name = (alarm.station_id, alarm.kind)
        if name not in self._more and len(self._more) >= self._limits.open_windows:
            name = (_SOMEBODY, alarm.kind)
        if name in self._more:
            self._more[name] += 1
            return
        self._more[name] = 0
        loop = asyncio.get_running_loop()
        self._closing[name] = loop.call_later(self._limits.window_s, self._close, name)
        self._keep(name, alarm.detail)

    def stop(self) -> None:
        """Keep what was counted so far."""
        for name, timer in tuple(self._closing.items()):
            timer.cancel()
            self._close(name)

    def _close(self, name: tuple[str, AlarmKind]) -> None:
        """At the end of a window, keep how often the same has happened again."""
        del self._closing[name]
        n_more = self._more.pop(name)
        if n_more:
            self._keep(name, f"{n_more} times more within {self._limits.window_s:g} s")

    def _keep(self, name: tuple[str, AlarmKind], info: str) -> None:
        now = self._clock()
        station_id, kind = name
        self._spawn(
            self._writer.write(
                lambda session: self._note(
                    session,
                    SecurityEventRow(
                        station_id=station_id,
                        source=BY_GATEWAY,
                        kind=kind.value,
                        info=info or None,
                        at=now,
                        noted_at=now,
                    ),
                )
            )
        )

    def _note(self, session: Session, row: SecurityEventRow) -> None:
        note_security(session, row)
        self._n_kept += 1
        if self._n_kept % _CUT_EVERY:
            return
        ours = SecurityEventRow.source == BY_GATEWAY
        newest_first = (
            select(SecurityEventRow.event_id).where(ours).order_by(SecurityEventRow.event_id.desc())
        )
        oldest_kept = session.scalar(newest_first.offset(self._limits.rows).limit(1))
        if oldest_kept is not None:
            session.execute(delete(SecurityEventRow).where(ours, SecurityEventRow.event_id <= oldest_kept))
