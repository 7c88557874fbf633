"""Watches the stations of this process: their messages are logged and counted, their facts stored."""

import asyncio
import contextlib
import logging
from typing import Final

from sqlalchemy.orm import Session

from api.ocpp.registry import utc_now
from api.stations.facts import FactsBook
from api.stations.facts import save as save_facts
from api.stations.figures import Figures
from api.stations.log.store import MessageLog
from api.stations.log.traffic import TrafficBook
from api.stations.meter_book import Metered
from api.storage.bounds import cut
from api.storage.writer import GroupWriter

_log = logging.getLogger(__name__)

DIGEST_EVERY_S: Final = 0.5
_FACTS_EVERY: Final = 4
"""Facts are stored with every so many-th batch of messages: every two seconds."""

_TIDY_EVERY: Final = 240


class StationWatch:
    """Digests what stations say, and stores it; at the end all that has been said.

    Parameters
    ----------
    traffic : TrafficBook
    log : MessageLog
    facts : FactsBook
    figures : Figures
    writer : GroupWriter
    every_s : float
        [s].
    """

    def __init__(
        self,
        traffic: TrafficBook,
        log: MessageLog,
        facts: FactsBook,
        figures: Figures,
        writer: GroupWriter[Metered],
        every_s: float = DIGEST_EVERY_S,
    ) -> None:
        self._traffic, self._messages, self._facts = traffic, log, facts
        self._figures, self._writer = figures, writer
        self._running: asyncio.Task[None] | None = None
        self._ends = asyncio.Event()
        self._every_s = every_s
        self._n_rounds = 0

    def start(self) -> None:
        """Begin to watch."""
        self._running = asyncio.create_task(self._run(), name="watch stations")

    async def stop(self) -> None:
        """Store what is left."""
        self._ends.set()
        if self._running is not None:
            await self._running
        await self.look(with_facts=True)

    async def look(self, *, with_facts: bool) -> None:
        """Store what has come since the last time."""
        digests = []
        while self._traffic.n_waiting:
            digest = await asyncio.to_thread(self._traffic.digest)
            self._figures.count(digest)
            digests.append(digest)

        facts = await asyncio.to_thread(self._facts.due) if with_facts else []

        def save(session: Session) -> None:
            for digest in digests:
                self._messages.save(session, digest.frames)
            save_facts(session, facts)

        if digests or facts:
            await self._writer.write(save)

    async def _run(self) -> None:
        while not self._ends.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._ends.wait()
            self._n_rounds += 1
            try:
                await self.look(with_facts=self._n_rounds % _FACTS_EVERY == 0)
                if self._n_rounds % _TIDY_EVERY == 0:
                    await self._writer.write(lambda session: cut(session, utc_now()))
            except Exception:  # noqa: BLE001 - stations are served whether or not they are watched
                _log.exception("messages of stations were not logged")
