"""The message log in the database: of each station the newest messages, as many as the operator wants."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.stations.log.traffic import LoggedFrame
from api.storage.bulk import plain_table
from api.storage.station_tables import LoggedMessageRow
from api.storage.types import plain_text

PER_STATION: Final = 500
_ENTRIES: Final = plain_table(LoggedMessageRow)


class MessageLog:
    """Stores frames, and forgets the oldest of a station a few at a time.

    Parameters
    ----------
    per_station : int
        At least so many messages of each station are kept, at most a quarter more.
    """

    def __init__(self, per_station: int = PER_STATION) -> None:
        self._per_station = per_station
        self._n_since: Counter[str] = Counter()

    def save(self, session: Session, frames: Sequence[LoggedFrame]) -> None:
        """Store frames in the caller's transaction."""
        if not frames:
            return
        session.execute(_ENTRIES.insert(), [_values(frame) for frame in frames])
        self._n_since.update(frame.station_id for frame in frames)
        due = [one for one, n in self._n_since.items() if n > self._per_station // 4]
        for station_id in due:
            del self._n_since[station_id]
            forget_old(session, station_id, self._per_station)


def forget_old(session: Session, station_id: str, most: int) -> None:
    """Forget all but the newest messages of a station."""
    of_station = select(LoggedMessageRow.log_id).where(LoggedMessageRow.station_id == station_id)
    oldest_kept = of_station.order_by(LoggedMessageRow.log_id.desc()).limit(1).offset(max(most, 1) - 1)
    session.execute(
        delete(LoggedMessageRow).where(
            LoggedMessageRow.station_id == station_id,
            LoggedMessageRow.log_id < oldest_kept.scalar_subquery(),
        )
    )


def _values(frame: LoggedFrame) -> dict[str, object]:
    return {
        "station_id": plain_text(frame.station_id),
        "at": frame.at,
        "direction": frame.direction.value,
        "kind": frame.head.kind.value,
        "action": frame.action,
        "message_id": plain_text(frame.head.message_id),
        "frame": plain_text(frame.text),
    }
