"""The connection of a virtual station: one request at a time, answers to what it is asked."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from benchmarks.station_words import Payload, Saying

OnAnswer: TypeAlias = Callable[[Payload], None]
Obey: TypeAlias = Callable[[str, Payload], Payload | None]

_CALL: Final = 2
_RESULT: Final = 3
_ERROR: Final = 4
_ANSWER_WITHIN_S: Final = 30.0


@dataclass(slots=True)
class Traffic:
    """Messages so far: requests of the station, requests to it, and its requests that were refused."""

    sent: int = 0
    received: int = 0
    refused: int = 0


class StationSocket:
    """Says one thing after the other; what got no answer is said again over the next connection.

    Parameters
    ----------
    station_id : str
    subprotocol : str
    obey : callable
        Answers a request of the central system; None where the station cannot do it.
    """

    def __init__(self, station_id: str, subprotocol: str, obey: Obey) -> None:
        self.traffic = Traffic()
        self._station_id = station_id
        self._subprotocol = subprotocol
        self._obey = obey
        self._socket: ClientConnection | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._to_say: deque[tuple[Saying, OnAnswer]] = deque()
        self._has_news = asyncio.Event()
        self._answers: dict[str, asyncio.Future[Payload]] = {}
        self._n_calls = 0

    async def connect(self, url: str, first: Saying, on_answer: OnAnswer) -> None:
        """Connect to ``{url}/{identity}`` and say ``first`` before all that waits."""
        self._socket = await connect(
            f"{url}/{self._station_id}", subprotocols=[Subprotocol(self._subprotocol)], compression=None
        )
        self._to_say.appendleft((first, on_answer))
        self._has_news.set()
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._speak())]

    async def close(self) -> None:
        """Drop the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    @property
    def n_unsaid(self) -> int:
        """Messages that wait for their turn or their answer."""
        return len(self._to_say)

    def say(self, saying: Saying, on_answer: OnAnswer = lambda _: None) -> None:
        """Say something in its turn; ``on_answer`` gets the answer, empty where it was refused."""
        self._to_say.append((saying, on_answer))
        self._has_news.set()

    async def _speak(self) -> None:
        try:
            while True:
                while self._to_say:
                    saying, on_answer = self._to_say[0]
                    answer = await self._call(saying)
                    self._to_say.popleft()
                    on_answer(answer)
                self._has_news.clear()
                await self._has_news.wait()
        except (ConnectionClosed, TimeoutError):
            return  # the world decides when the station connects again

    async def _call(self, saying: Saying) -> Payload:
        self._n_calls += 1
        message_id = f"{self._n_calls}"
        waiter: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        self._answers[message_id] = waiter
        try:
            await self._send([_CALL, message_id, saying.action, saying.payload])
            self.traffic.sent += 1
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await waiter
        finally:
            del self._answers[message_id]

    async def _listen(self) -> None:
        if self._socket is None:
            return
        async for text in self._socket:
            kind, message_id, *rest = json.loads(text)
            if kind == _CALL:
                await self._send(self._answer(message_id, *rest))
            elif message_id in self._answers:
                self.traffic.refused += kind == _ERROR
                self._answers[message_id].set_result(rest[0] if kind == _RESULT else {})

    def _answer(self, message_id: str, action: str, payload: Payload) -> list[object]:
        """Return the answer to a request of the central system."""
        self.traffic.received += 1
        answer = self._obey(action, payload)
        if answer is None:
            return [_ERROR, message_id, "NotImplemented", "", {}]
        return [_RESULT, message_id, answer]

    async def _send(self, frame: list[object]) -> None:
        if self._socket is not None:
            await self._socket.send(json.dumps(frame, separators=(",", ":")))
