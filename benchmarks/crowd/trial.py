"""One server under one crowd, from the first connection to its violent end."""

import socket
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.crowd.pipes import Child, Record

KINDS: Final = ("alone", "service", "theirs")
AT_ONCE: Final = 64
"""Stations that send meter values at the same time, at full speed."""

DATABASE: Final = "gateway.sqlite"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is asked.

    Parameters
    ----------
    n_stations : int
    n_talking : int
        Others, in a process of their own, that were there before and send meter values meanwhile.
    rate : float
        Meter values of all of them together [1/s].
    seconds : float
        How long meter values are counted [s].
    at_once : int
        Stations that connect at the same time.
    retry_s : float
        Stations that lose their connection come back within this time [s].
    """

    n_stations: int
    n_talking: int
    rate: float
    seconds: float
    at_once: int
    retry_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of one server; None where it has no such figure."""

    n_connected: int
    rss_mb: float
    rush_us: float
    rush_per_s: float
    meter_us: float
    meter_p99_ms: float
    boot_s: float
    n_boots_lost: int
    boot_p99_ms: float
    profiles_cpu_s: float
    profiles_s: float
    n_profiles: int
    profiles_p99_ms: float
    down_s: float
    back_s: float
    n_not_back: int
    n_transactions: int | None
    n_lost: int | None
    n_refused: int


@dataclass(frozen=True, slots=True)
class Trial:
    """A server and a crowd on one machine.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    size : Size
    seed : int
    folder : pathlib.Path
        For the database.
    say : callable
        Takes one line of progress.
    """

    kind: str
    size: Size
    seed: int
    folder: Path
    say: Callable[[str], None]

    def run(self) -> Figures:
        """Measure."""
        port, n = _free_port(), self.size.n_stations
        server = self._server(port)
        crowd, talkers = (
            Child("benchmarks.crowd.load", (str(port), str(self.seed), str(first))) for first in (0, n)
        )
        try:
            for child in (server, crowd, talkers):
                child.start()
            return self._measured(server, crowd, talkers, port)
        finally:
            for child in (talkers, crowd, server):
                child.quit()

    def _measured(self, server: Child, crowd: Child, talkers: Child, port: int) -> Figures:
        size = self.size
        talkers.ask("connect", n=size.n_talking, at_once=size.at_once)
        boots, boot_chat = self._beside(
            talkers, lambda: crowd.ask("connect", n=size.n_stations, at_once=size.at_once)
        )
        self.say(f"{self.kind}: {size.n_stations} booted in {boots['seconds']:.1f} s")
        meter_us, meter_chat, held = self._meter(server, crowd)
        rush_us, rush_per_s = self._rush(server, crowd)
        self.say(
            f"{self.kind}: {held['rss_mb']:.0f} MB, a MeterValues {rush_us:.1f} us, slowly {meter_us:.1f} us"
        )
        profiles, profile_chat = self._beside(talkers, lambda: server.ask("profiles", n=size.n_stations))
        self.say(f"{self.kind}: {profiles['n_accepted']} profiles in {profiles['cpu_s']:.1f} s of CPU")
        n_refused = sum(child.ask("count")["n_refused"] for child in (crowd, talkers))
        talkers.quit()
        again = self._server(port)
        try:
            down_s, back_s, n_not_back, told = self._killed(server, again, crowd)
        finally:
            again.quit()
        self.say(f"{self.kind}: all back {back_s:.1f} s after it was up again")
        return Figures(
            n_connected=held["n_connected"],
            rss_mb=held["rss_mb"],
            rush_us=rush_us,
            rush_per_s=rush_per_s,
            meter_us=meter_us,
            meter_p99_ms=meter_chat["p99_ms"],
            boot_s=boots["seconds"],
            n_boots_lost=size.n_stations - boots["n_booted"],
            boot_p99_ms=boot_chat["p99_ms"],
            profiles_cpu_s=profiles["cpu_s"],
            profiles_s=profiles["seconds"],
            n_profiles=profiles["n_accepted"],
            profiles_p99_ms=profile_chat["p99_ms"],
            down_s=down_s,
            back_s=back_s,
            n_not_back=n_not_back,
            n_transactions=None if told is None else len(told),
            n_lost=None if told is None else lost_in(self.folder / DATABASE, told),
            n_refused=n_refused,
        )

    def _beside(self, talkers: Child, work: Callable[[], Record]) -> tuple[Record, Record]:
        """Do something while the talking stations talk."""
        talkers.ask("chatter", rate=self.size.rate, n=self.size.n_talking)
        return work(), talkers.ask("hush")

    def _rush(self, server: Child, crowd: Child) -> tuple[float, float]:
        """Return the CPU of a MeterValues at full speed [us], and how many there are in a second."""
        before = server.ask("used")
        rush = crowd.ask("rush", seconds=self.size.seconds, at_once=AT_ONCE)
        cpu_s = server.ask("used")["cpu_s"] - before["cpu_s"]
        return 1e6 * cpu_s / rush["n_answered"], rush["n_answered"] / rush["seconds"]

    def _meter(self, server: Child, crowd: Child) -> tuple[float, Record, Record]:
        """Return the CPU of a MeterValues [us], answers, and what the server uses.

        What the server takes while nobody says anything, to keep connections alive, is taken off.
        """
        size = self.size
        time.sleep(min(size.seconds, 2.0))  # what the last phase has left to do
        before = server.ask("used")
        time.sleep(size.seconds)
        quiet = server.ask("used")
        crowd.ask("chatter", rate=size.rate, n=size.n_stations)
        time.sleep(size.seconds)
        chat = crowd.ask("hush")
        after = server.ask("used")
        quiet_s = quiet["cpu_s"] - before["cpu_s"]
        meter_us = 1e6 * (after["cpu_s"] - quiet["cpu_s"] - quiet_s) / max(chat["n_answered"], 1)
        return meter_us, chat, after

    def _killed(
        self, server: Child, again: Child, crowd: Child
    ) -> tuple[float, float, int, list[list[object]] | None]:
        """Kill the server in the middle of transactions; return what the crowd tells afterwards."""
        size = self.size
        stores = self.kind == "service"
        n_running = size.n_stations // 2 if stores else 0
        if stores:
            crowd.ask("begin", n=n_running)
        crowd.ask("stir", n=n_running // 4, retry_s=size.retry_s)
        killed_at = time.time()
        server.kill()
        again.start()
        up_at = time.time()
        back = crowd.ask("back")
        told = crowd.ask("transactions")["transactions"] if stores else None
        return up_at - killed_at, back["last_at"] - up_at, size.n_stations - back["n_back"], told

    def _server(self, port: int) -> Child:
        if self.kind == "theirs":
            return Child("benchmarks.crowd.theirs", (str(port),))
        url = f"sqlite:///{self.folder / DATABASE}"
        return Child("benchmarks.crowd.ours", (self.kind, str(port), url))


def lost_in(database: Path, told: list[list[object]]) -> int:
    """Return how many transactions a database has not exactly once, as the stations know them."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("select station_id, transaction_id, ended_at from transactions").fetchall()
    stored: dict[tuple[str, str], list[object]] = {}
    for station_id, transaction_id, ended_at in rows:
        stored.setdefault((station_id, transaction_id), []).append(ended_at)
    n_wrong = max(len(rows) - len(told), 0)  # one that was stored twice has a number that no station knows
    for station_id, transaction, _started_at, stopped_at in told:
        ends = stored.get((str(station_id), str(transaction)), [])
        n_wrong += len(ends) != 1 or (ends[0] is not None) != bool(stopped_at)
    return n_wrong


def _free_port() -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("0.0.0.0", 0))  # noqa: S104 - as the servers do
        return int(probe.getsockname()[1])
