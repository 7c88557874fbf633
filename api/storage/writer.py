"""Writes of many callers in few transactions: who waits is answered when all is committed.

SQLite has one writer, and PostgreSQL's take turns here too; a transaction for each message of ten thousand
stations would be spent on waiting. What comes while one transaction is written goes together into the next.
So nothing that a station was answered is lost, whenever the process is killed: meter values are in the
database too before they are answered, and the window of a loss is zero.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from api.storage.engine import Database

_log = logging.getLogger(__name__)

Result = TypeVar("Result")
Item = TypeVar("Item")
Work: TypeAlias = Callable[[Session], Result]
"""May run twice: first beside others, and alone if one of them has failed."""

_RETRY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class WriterLimits:
    """How much is written at once, and how long items wait for each other.

    Parameters
    ----------
    works, items : int
        At most so many in one transaction. A work of a storm of boots takes 1 ms: with 256 of them whoever comes
        next waited 0.4 to 0.8 s at the median, with 16 less than 0.1 s, and the storm was over as soon.
    linger_s : float
        Time that the first item waits for others [s]; a work does not wait, and takes the items along.
    """

    works: int = 24
    items: int = 2_000
    linger_s: float = 0.02


@dataclass(slots=True)
class WriterFigures:
    """What a writer has done so far."""

    n_transactions: int = 0
    n_works: int = 0
    n_items: int = 0
    n_refused: int = 0
    longest_s: float = 0.0


class GroupWriter(Generic[Item]):
    """Writes for all who ask, on one thread.

    Use it as an asynchronous context manager: at its end all is written.

    Parameters
    ----------
    database : Database
    save : callable
        Stores items that were handed over, all at once.
    limits : WriterLimits
    """

    def __init__(
        self,
        database: Database,
        save: Callable[[Session, Sequence[Item]], None],
        limits: WriterLimits = WriterLimits(),
    ) -> None:
        self.figures = WriterFigures()
        self._database = database
        self._save = save
        self._limits = limits
        self._works: deque[tuple[Work[Any], asyncio.Future[Any]]] = deque()
        self._items: deque[tuple[Item, asyncio.Future[None]]] = deque()
        self._news = asyncio.Event()
        self._followers: list[Callable[[], None]] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run(), name="writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        running, self._running = self._running, None
        self._news.set()
        if running is not None:
            await running
        self._thread.shutdown()

    @property
    def n_waiting(self) -> int:
        """Works and items that are not committed yet."""
        return len(self._works) + len(self._items)

    def follow(self, committed: Callable[[], None]) -> None:
        """Call this on the event loop after every transaction."""
        self._followers.append(committed)

    async def write(self, work: Work[Result]) -> Result:
        """Run a work in a transaction, and return its result when it is committed.

        Raises
        ------
        Exception
            Whatever the work raises; then nothing of it is stored.
        RuntimeError
            The writer does not run.
        """
        if self._running is None:
            raise RuntimeError("the writer does not run")
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._works.append((work, done))
        self._news.set()
        return await done

    def hand_over(self, item: Item) -> "asyncio.Future[None]":
        """Store an item together with others; what is returned is done when it is committed.

        While the database cannot be written it waits. An item that can never be stored fails alone.

        Raises
        ------
        RuntimeError
            The writer does not run.
        """
        if self._running is None:
            raise RuntimeError("the writer does not run")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._items.append((item, done))
        self._news.set()
        return done

    # --- the writing ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        while self._running is not None or self.n_waiting:
            await self._news.wait()
            self._news.clear()
            if self._items and not self._works and self._running is not None:
                await self._linger()
            while self.n_waiting:
                await self._next_transaction()

    async def _linger(self) -> None:
        """Wait for more, but not once somebody waits for us."""
        try:
            async with asyncio.timeout(self._limits.linger_s):
                while not self._works and self._running is not None:
                    await self._news.wait()
                    self._news.clear()
                    if len(self._items) >= self._limits.items:
                        return
        except TimeoutError:
            pass

    async def _next_transaction(self) -> None:
        works = [self._works.popleft() for _ in range(min(len(self._works), self._limits.works))]
        items = [self._items.popleft() for _ in range(min(len(self._items), self._limits.items))]
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcomes, of_items = await loop.run_in_executor(
            self._thread, self._commit, [work for work, _ in works], [item for item, _ in items]
        )
        for (_, done), outcome in zip(works, outcomes, strict=True):
            _settle(done, outcome)
        waiting = []
        for item, outcome in zip(items, of_items, strict=True):
            if isinstance(outcome, _NotNow):
                waiting.append(item)
            else:
                _settle(item[1], outcome)
        self._count(len(works), len(items) - len(waiting), loop.time() - began)
        for follower in self._followers:
            follower()
        if waiting:
            await self._wait_for_the_database(waiting)

    async def _wait_for_the_database(self, waiting: "list[tuple[Item, asyncio.Future[None]]]") -> None:
        """Keep items until the database can be written; at the end nobody waits any more."""
        if self._running is not None:
            self._items.extendleft(reversed(waiting))
            await asyncio.sleep(_RETRY_S)
            return
        for _, done in waiting:
            _settle(done, _Failed(RuntimeError("the writer has stopped")))

    def _count(self, n_works: int, n_items: int, took_s: float) -> None:
        self.figures.n_transactions += 1
        self.figures.n_works += n_works
        self.figures.n_items += n_items
        self.figures.longest_s = max(self.figures.longest_s, took_s)

    # --- on the writer's thread -----------------------------------------------------------------------

    def _commit(self, works: list[Work[Any]], items: list[Item]) -> tuple[list[Any], list[Any]]:
        """Return what each work has returned or raised, and what has become of each item."""
        try:
            with self._database.write() as session:
                outcomes = [work(session) for work in works]
                if items:
                    self._save(session, items)
        except Exception:  # noqa: BLE001 - found out below whose fault it is
            return [self._alone(work) for work in works], self._saved_apart(items)
        return outcomes, [None] * len(items)

    def _alone(self, work: Work[Any]) -> Any:  # noqa: ANN401 - whatever the work returns, or raises
        try:
            with self._database.write() as session:
                return work(session)
        except Exception as error:  # noqa: BLE001 - its caller is told
            return _Failed(error)

    def _saved_apart(self, items: list[Item]) -> list[Any]:
        """Save items in halves, so that one that cannot be stored costs nobody else."""
        if not items:
            return []
        try:
            with self._database.write() as session:
                self._save(session, items)
        except OperationalError:
            _log.warning("the database cannot be written now", exc_info=True)
            return [_NotNow()] * len(items)
        except Exception as error:  # noqa: BLE001 - the one whose fault it is is told
            if len(items) == 1:
                self.figures.n_refused += 1
                return [_Failed(error)]
            half = len(items) // 2
            return [*self._saved_apart(items[:half]), *self._saved_apart(items[half:])]
        return [None] * len(items)


class _NotNow:
    """An item is to be tried again."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a work has raised."""

    error: Exception


def _settle(done: "asyncio.Future[Any]", outcome: object) -> None:
    if done.done():  # whoever asked has given up
        return
    if isinstance(outcome, _Failed):
        done.set_exception(outcome.error)
    else:
        done.set_result(outcome)
