"""Turns of those who write: who came first goes first."""

from collections import deque
from threading import Lock
from types import TracebackType
from typing import Self


class Turns:
    """A lock that is given to those who wait in the order of their coming.

    SQLite lets its writers ask again and again instead: one that writes without a pause, in a storm of boots,
    would keep others out until they give up.
    """

    def __init__(self) -> None:
        self._guard = Lock()
        self._is_taken = False
        self._waiting: deque[Lock] = deque()

    def __enter__(self) -> Self:
        with self._guard:
            if not self._is_taken:
                self._is_taken = True
                return self
            mine = Lock()
            mine.acquire()
            self._waiting.append(mine)
        mine.acquire()  # released by whoever leaves before us, who hands the turn over
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_taken = False
