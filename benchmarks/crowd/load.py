"""A process with thousands of light stations that does what it is asked.

``python -m benchmarks.crowd.load PORT SEED FIRST``; FIRST is the number of the first station.
"""

import asyncio
import random
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from benchmarks.crowd.messages import BOOT, meter_values, now_text, start_transaction, stop_transaction
from benchmarks.crowd.pipes import Record, obey, raise_file_limit
from benchmarks.crowd.station import LightStation

TICK_S: Final = 0.01
PER_ADDRESS: Final = 5_000
"""Stations for each loopback address: the ports of one address are some 28,000."""

_LOOK_S: Final = 0.02
_PATIENCE_S: Final = 600.0


class Crowd:
    """Light stations, and what is measured of their answers.

    Parameters
    ----------
    port : int
    seed : int
    first : int
        Number of the first station.
    """

    def __init__(self, port: int, seed: int, first: int) -> None:
        self._port = port
        self._first = first
        self._random = random.Random(seed)  # noqa: S311 - when who comes back
        self._stations: list[LightStation] = []
        self._retry_s: float | None = None
        self._took_s: list[float] = []
        self._n_refused = 0
        self._chatter: asyncio.Task[None] | None = None
        self._back_at: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def do(self, order: str, details: Record) -> Record:
        """Do what is asked."""
        orders: dict[str, Callable[..., Any]] = {
            "connect": self.connect,
            "chatter": self.chatter,
            "hush": self.hush,
            "rush": self.rush,
            "begin": self.begin,
            "stir": self.stir,
            "back": self.back,
            "transactions": self.transactions,
            "count": self.count,
        }
        answer: Record = await orders[order](**details)
        return answer

    # --- coming -------------------------------------------------------------------------------

    async def connect(self, n: int, at_once: int) -> Record:
        """Let new stations connect and boot; answers when all have."""
        first = self._first + len(self._stations)
        new = [LightStation(f"S{i:06d}", self._on_open, self._on_lost) for i in range(first, first + n)]
        self._stations += new
        door, began = asyncio.Semaphore(at_once), time.monotonic()

        async def come(station: LightStation) -> None:
            async with door:
                await self._dial(station)
                await self._until(lambda: station.is_booted)

        await asyncio.gather(*map(come, new))
        return {"seconds": time.monotonic() - began, "n_booted": sum(s.is_booted for s in new)}

    async def _dial(self, station: LightStation) -> None:
        number = int(station.station_id[1:])
        host = f"127.0.0.{1 + number // PER_ADDRESS}"
        try:
            await asyncio.get_running_loop().create_connection(lambda: station, host, self._port)
        except OSError:
            self._on_lost(station)

    def _on_open(self, station: LightStation) -> None:
        if self._retry_s is None:
            station.call("BootNotification", dict(BOOT), lambda answer: self._on_boot(station, answer))
        else:  # who comes back does not boot (OCPP-J 5.4), but tells what was not answered
            station.is_booted = True
            self._tell(station)

    def _on_boot(self, station: LightStation, answer: Any) -> None:  # noqa: ANN401 - a payload
        if answer is None or answer["status"] != "Accepted":
            self._n_refused += 1
        else:
            station.is_booted = True

    def _on_lost(self, station: LightStation) -> None:
        wait_s = 1.0 if self._retry_s is None else self._retry_s
        loop = asyncio.get_running_loop()
        first = station.station_id not in self._back_at and self._retry_s is not None
        self._back_at.setdefault(station.station_id, 0.0)
        loop.call_later(wait_s * (self._random.random() if first else 1.0), self._dial_again, station)

    def _dial_again(self, station: LightStation) -> None:
        task = asyncio.create_task(self._dial(station))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- talking ------------------------------------------------------------------------------

    async def chatter(self, rate: float, n: int) -> Record:
        """Begin to send meter values of the first ``n`` stations, ``rate`` a second; answers at once."""
        self._took_s = []
        self._chatter = asyncio.create_task(self._talk(rate, n))
        return {}

    async def hush(self) -> Record:
        """End it; answers how long answers took."""
        if self._chatter is not None:
            self._chatter.cancel()
            self._chatter = None
        await self._until(lambda: all(station.n_waiting == 0 for station in self._stations))
        took_ms = 1e3 * np.array(self._took_s or [np.nan])
        return {
            "n_answered": len(self._took_s),
            "n_refused": self._n_refused,
            "p50_ms": float(np.quantile(took_ms, 0.5)),
            "p99_ms": float(np.quantile(took_ms, 0.99)),
            "worst_ms": float(took_ms.max()),
        }

    async def rush(self, seconds: float, at_once: int) -> Record:
        """Send meter values of all stations in turn, ``at_once`` at a time, as fast as they are answered."""
        loop = asyncio.get_running_loop()
        self._took_s, began, turn = [], loop.time(), 0

        def say() -> None:
            nonlocal turn
            if loop.time() - began < seconds:
                station = self._stations[turn % len(self._stations)]
                turn += 1
                payload = meter_values(turn, at, station.transaction)
                station.call("MeterValues", payload, lambda answer: heard(station, answer))

        def heard(station: LightStation, answer: Any) -> None:  # noqa: ANN401 - a payload
            self._on_metered(station, answer)
            say()

        at = now_text()
        for _ in range(at_once):
            say()
        await self._until(lambda: loop.time() - began >= seconds)
        return await self.hush() | {"seconds": loop.time() - began}

    async def _talk(self, rate: float, n: int) -> None:
        loop = asyncio.get_running_loop()
        began, n_sent, turn = loop.time(), 0, 0
        while True:
            due = int((loop.time() - began) * rate) - n_sent
            at = now_text()
            for _ in range(due):
                station = self._stations[turn % n]
                turn += 1
                n_sent += 1
                if station.is_booted and station.n_waiting == 0:
                    self._meter(station, turn, at)
            await asyncio.sleep(TICK_S)

    def _meter(self, station: LightStation, number: int, at: str) -> None:
        station.call(
            "MeterValues",
            meter_values(number, at, station.transaction),
            lambda answer: self._on_metered(station, answer),
        )

    def _on_metered(self, station: LightStation, answer: Any) -> None:  # noqa: ANN401 - a payload
        self._took_s.append(station.took_s)
        self._n_refused += answer is None

    # --- a server that dies -------------------------------------------------------------------

    async def begin(self, n: int) -> Record:
        """Begin a transaction at the first ``n`` stations."""
        for station in self._stations[:n]:
            station.started_at = now_text()
            self._say(station, "StartTransaction", start_transaction(station.station_id, station.started_at))
        await self._until(lambda: all(s.transaction is not None for s in self._stations[:n]))
        return {"n": n}

    async def stir(self, n: int, retry_s: float) -> Record:
        """Let ``n`` stations end their transactions and as many others begin one; answers before they are answered.

        From now on whoever loses the connection comes back within ``retry_s`` [s].
        """
        self._retry_s = retry_s
        self._back_at = {}
        at = now_text()
        for station in self._stations[:n]:
            station.stopped_at = at
            self._say(station, "StopTransaction", stop_transaction(station.transaction or 0, at))
        fresh = [s for s in self._stations if s.transaction is None and not s.started_at][:n]
        for station in fresh:
            station.started_at = at
            self._say(station, "StartTransaction", start_transaction(station.station_id, at))
        return {"n_stopping": n, "n_starting": len(fresh)}

    async def back(self) -> Record:
        """Wait until every station is back and has told what it had to; answers when the last one was (Unix time)."""
        n = len(self._stations)
        await self._until(lambda: len(self._back_at) == n and all(self._back_at.values()))
        await self._until(lambda: not any(s.untold for s in self._stations))
        return {"n_back": n, "last_at": max(self._back_at.values())}

    async def transactions(self) -> Record:
        """Return every transaction as its station knows it."""
        told = [
            [s.station_id, s.transaction, s.started_at, s.stopped_at] for s in self._stations if s.started_at
        ]
        return {"transactions": told}

    async def count(self) -> Record:
        """Return how many stations are there, and the profiles that they were sent."""
        return {
            "n_open": sum(station.is_open for station in self._stations),
            "n_profiles": sum(station.n_profiles for station in self._stations),
            "n_refused": self._n_refused,
        }

    def _say(self, station: LightStation, action: str, payload: dict[str, Any]) -> None:
        """Say something that has to be told, over the next connection if this one ends."""
        station.untold.append((action, payload))
        if len(station.untold) == 1 and station.is_open:
            self._tell(station)

    def _tell(self, station: LightStation) -> None:
        """Tell what is left; a station that has nothing left is back."""
        if not station.untold:
            station.call("Heartbeat", {}, lambda _: self._on_back(station))
            return
        action, payload = station.untold[0]
        station.call(action, payload, lambda answer: self._on_told(station, action, answer))

    def _on_told(self, station: LightStation, action: str, answer: Any) -> None:  # noqa: ANN401 - a payload
        if answer is None:
            self._n_refused += 1
        elif action == "StartTransaction":
            station.transaction = answer["transactionId"]
        station.untold.pop(0)
        if station.untold:
            self._tell(station)
        self._on_back(station)

    def _on_back(self, station: LightStation) -> None:
        if self._back_at.get(station.station_id) == 0.0:
            self._back_at[station.station_id] = time.time()

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(_PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - of many stations, looked at seldom
                await asyncio.sleep(_LOOK_S)


def main() -> None:
    """Do what is asked until the end."""
    import uvloop

    raise_file_limit()
    crowd = Crowd(*map(int, sys.argv[1:]))
    uvloop.run(obey(crowd.do, {"ready": True}))


if __name__ == "__main__":
    main()
