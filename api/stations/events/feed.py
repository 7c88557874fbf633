"""Follows the events of the database, whichever process has written them."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from api.stations import happenings
from api.stations.happenings import EventFilter
from api.storage.engine import Database
from api.storage.station_tables import EventRow
from api.storage.writer import GroupWriter

_POLL_S: Final = 1.0
"""Events of other processes, and of those that do not write with others, are seen after so long [s]."""

_PAUSE_S: Final = 0.1
"""Least time between two looks: a busy gateway commits a hundred times a second."""

_ALIVE_EVERY: Final = 15
MOST_STREAMS: Final = 200


class TooManyStreamsError(Exception):
    """Everybody who follows costs a look at the database a second."""


@dataclass(frozen=True, slots=True)
class Look:
    """Events that came after one, the number of the last of them, and whether older ones were forgotten."""

    rows: tuple[EventRow, ...]
    last_id: int
    is_torn: bool


class EventFeed:
    """Gives events to whoever follows.

    Parameters
    ----------
    database : Database
    writer : GroupWriter
        Tells when there may be something new.
    """

    def __init__(self, database: Database, writer: GroupWriter[Any]) -> None:
        self._database = database
        self._news = asyncio.Event()
        self._n_streams = 0
        writer.follow(self._committed)

    @property
    def n_streams(self) -> int:
        """How many follow."""
        return self._n_streams

    async def recent(self, after: int | None, most: int) -> list[EventRow]:
        """Return the events after one, or the newest ones."""

        def read() -> list[EventRow]:
            with self._database.read() as session:
                if after is None:
                    return happenings.newest(session, most)
                return happenings.after(session, after, most)

        return await asyncio.to_thread(read)

    def check_room(self) -> None:
        """Check that one more may follow.

        Raises
        ------
        TooManyStreamsError
            No more may.
        """
        if self._n_streams >= MOST_STREAMS:
            raise TooManyStreamsError(f"{MOST_STREAMS} streams are open")

    async def stream(self, after: int | None, chosen: EventFilter) -> AsyncIterator[str]:
        """Yield events as text of server-sent events, from the one after ``after`` on; from now on if it is None."""
        self._n_streams += 1
        try:
            yield "retry: 2000\n\n"
            last_id = await asyncio.to_thread(self._newest) if after is None else after
            n_quiet = 0
            while True:
                news = self._news
                look = await asyncio.to_thread(self._look, last_id)
                if look.is_torn:
                    yield _text(look.rows[0].event_id - 1, "stream.torn", {"missed_after": last_id})
                for row in look.rows:
                    if chosen.takes(row):
                        yield _text_of(row)
                last_id = look.last_id
                if look.rows:
                    n_quiet = 0
                    continue
                n_quiet += 1
                if n_quiet % _ALIVE_EVERY == 0:
                    yield ": alive\n\n"  # whoever reads notices a broken connection
                await self._wait(news)
        finally:
            self._n_streams -= 1

    async def _wait(self, news: asyncio.Event) -> None:
        await asyncio.sleep(_PAUSE_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_POLL_S):
                await news.wait()

    def _committed(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _newest(self) -> int:
        with self._database.read() as session:
            return happenings.newest_id(session)

    def _look(self, last_id: int) -> Look:
        with self._database.read() as session:
            rows = tuple(happenings.after(session, last_id))
        is_torn = bool(rows) and last_id > 0 and rows[0].event_id > last_id + 1
        return Look(rows, rows[-1].event_id if rows else last_id, is_torn)


def event_of(row: EventRow) -> dict[str, Any]:
    """Return an event as JSON."""
    return {
        "id": row.event_id,
        "at": row.at.isoformat(),
        "kind": row.kind,
        "station_id": row.station_id,
        "site_id": row.site_id,
        "data": row.data,
    }


def _text_of(row: EventRow) -> str:
    return _text(row.event_id, row.kind, event_of(row))


def _text(event_id: int, kind: str, data: dict[str, Any]) -> str:
    """Return one server-sent event; JSON has no line ends of its own."""
    return f"id: {event_id}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
