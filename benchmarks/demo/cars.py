"""The cars of a day: they come, draw what pilots allow, and leave; the same for every way to control them."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from benchmarks.demo.day import DemoDay, car_of
from benchmarks.demo.meters import DayMeters
from models.arrays import FloatArray
from models.sessions import ChargingSession
from models.simulation import Metered, SimulatedSite


class DayCars:
    """Moves the cars of a day through time.

    Parameters
    ----------
    day : DemoDay
    """

    def __init__(self, day: DemoDay) -> None:
        self.day = day
        self.now = day.start
        self.meters = DayMeters(day)
        self.delivered_kwh: dict[str, float] = {}
        self.here: dict[int, ChargingSession] = {}
        self.site = SimulatedSite(day.site)
        self._row = {evse_id: row for row, evse_id in enumerate(day.site.evse_ids)}
        self._coming = sorted(day.sessions, key=lambda session: session.arrival, reverse=True)

    @property
    def is_over(self) -> bool:
        """Whether the day has ended."""
        return self.now >= self.day.end

    def leave(self) -> Iterator[tuple[int, ChargingSession]]:
        """Unplug the cars whose time has come, and yield their rows."""
        last = self.now + timedelta(seconds=1) >= self.day.end
        for row, session in list(self.here.items()):
            if last or session.departure.median <= self.now:
                self.delivered_kwh[session.session_id] = self.site.unplug(session.evse_id)
                del self.here[row]
                yield row, session

    def come(self) -> Iterator[tuple[int, ChargingSession]]:
        """Plug in the cars whose time has come, and yield their rows."""
        while self._coming and self._coming[-1].arrival <= self.now:
            session = self._coming.pop()
            row = self._row[session.evse_id]
            self.site.plug(session.evse_id, car_of(session))
            self.here[row] = session
            yield row, session

    def advance(self, pilot_a: FloatArray, seconds: float) -> Metered:
        """Let time pass and read the meters."""
        metered = self.site.advance(pilot_a, seconds)
        self.meters.book(metered, self.day.building.at(self.now), self.now)
        self.now += timedelta(seconds=seconds)
        return metered

    def given_kwh(self, row: int) -> float:
        """Return the energy that the car at an EVSE has got [kWh]."""
        return float(self.site.delivered_kwh[row])

    @property
    def no_pilots(self) -> FloatArray:
        """A pilot of 0 A for every EVSE, shape (n_evses,)."""
        return np.zeros(len(self._row))
