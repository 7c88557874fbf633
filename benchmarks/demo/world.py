"""The world around the engine: time passes, cars come and go, stations obey; nobody here knows a plan."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from benchmarks.demo.cars import DayCars
from benchmarks.demo.day import DemoDay
from benchmarks.demo.engine import Engine, SteppedClock
from benchmarks.demo.outcome import DayOutcome, outcome_of
from benchmarks.station_words import Reading
from benchmarks.stations import VirtualStation
from models.simulation import Metered

REPLAN_EVERY: Final = timedelta(minutes=15)
_TICKS_S: Final = (5, 10, 15, 20, 30, 60)
"""Spans that divide a slot, so that all stations change their limits between two of them."""

_TICK_WALL_S: Final = 0.03
_MOST_UNSAID: Final = 100
_LATE_S: Final = 0.2
_SETTLED_WITHIN: Final = timedelta(minutes=5)
_PATIENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the day passes.

    Parameters
    ----------
    speed : float
        Simulated seconds in a second.
    tick_s : int
        Simulated seconds between two looks at the stations.
    """

    speed: float
    tick_s: int

    @classmethod
    def of(cls, day: DemoDay, seconds: float) -> "Pace":
        """Return the pace at which a day takes so many seconds."""
        speed = (day.end - day.start).total_seconds() / seconds
        return cls(speed, next((t for t in _TICKS_S if t >= speed * _TICK_WALL_S), _TICKS_S[-1]))


class DemoWorld:
    """Plays a day with the engine in it.

    Parameters
    ----------
    day : DemoDay
    engine : Engine
    clock : SteppedClock
        Moved by this world, and by nobody else.
    pace : Pace
    """

    def __init__(self, day: DemoDay, engine: Engine, clock: SteppedClock, pace: Pace) -> None:
        self.day = day
        self.engine = engine
        self.cars = DayCars(day)
        self.pilot_a = self.cars.no_pilots
        self.power_kw = self.cars.no_pilots
        self._clock = clock
        self._pace = pace
        self._register_kwh = self.cars.no_pilots
        self._replan_due = day.start
        self._changed_at = self._quiet_at = day.start

    async def play(self, show: Callable[["DemoWorld"], None]) -> DayOutcome:
        """Let the day pass; ``show`` is called after every tick."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not self.cars.is_over:
            await self._tick()
            show(self)
            due = max(due + self._pace.tick_s / self._pace.speed, loop.time() - _LATE_S)
            await asyncio.sleep(max(due - loop.time(), 0.0))
            await self._wait_for_the_engine()
        for row, _ in self.cars.leave():
            self._station(row).unplug(1)
        return outcome_of("gridpilot", self.day, self.cars.meters, self.cars.delivered_kwh)

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self._clock()

    async def _wait_for_the_engine(self) -> None:
        """Let a slow machine keep up: time stands while the engine is too long behind, for a while at most."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while self._is_behind:  # noqa: ASYNC110 - while time stands there is no event to wait for
                    await asyncio.sleep(_TICK_WALL_S / 4)
        except TimeoutError:
            self._quiet_at = self.now

    @property
    def _is_behind(self) -> bool:
        """Whether messages pile up, or a change is unplanned or a plan undelivered for too long."""
        network, engine = self.engine.network, self.engine
        if network.is_quiet and engine.planned_at >= self._changed_at:
            self._quiet_at = self.now
        return self.now - self._quiet_at > _SETTLED_WITHIN or engine.n_unsaid > _MOST_UNSAID

    async def _tick(self) -> None:
        """Let one span pass."""
        for row, _ in self.cars.leave():
            self._station(row).unplug(1)
        for row, session in self.cars.come():
            self._changed_at = self.now
            token = f"DRIVER-{session.session_id[-3:]}"
            await self.engine.declare(token, session)
            self._station(row).plug(1, token)
        if self.now >= self._replan_due:
            self._replan_due += REPLAN_EVERY
            self.engine.network.trigger(self.day.site.site_id)
        self.pilot_a = np.array([station.pilot_a(1) for station in self.engine.stations])
        metered = self.cars.advance(self.pilot_a, self._pace.tick_s)
        self._clock.move_to(self.cars.now)
        self._read_meters(metered)

    def _read_meters(self, metered: Metered) -> None:
        """Let every station read its meter."""
        self.power_kw = metered.power_kw
        self._register_kwh = self._register_kwh + metered.energy_kwh
        full = self.cars.site.full
        for row, (station, evse) in enumerate(zip(self.engine.stations, self.day.site.evses, strict=True)):
            own_a = [float(metered.current_a[row, phase]) for phase in evse.phases]
            l1, l2, l3 = own_a + [0.0] * (3 - len(own_a))
            reading = Reading(
                float(self._register_kwh[row]), float(metered.power_kw[row]), (l1, l2, l3), bool(full[row])
            )
            station.tick({1: reading})

    def _station(self, row: int) -> VirtualStation:
        return self.engine.stations[row]
