"""The same day without the engine: everybody at full power, and equal shares of what the limits leave."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from benchmarks.demo.cars import DayCars
from benchmarks.demo.day import DemoDay, stated_departure
from benchmarks.demo.outcome import DayOutcome, outcome_of
from benchmarks.policies import equal_share, uncontrolled
from models.arrays import FloatArray
from models.sessions import Departure
from models.state import SiteState
from models.timegrid import TimeGrid

STEP_S: Final = 60
"""Time between two decisions [s]: rivals see every change within a minute, and at once."""


def rivals_of(day: DemoDay) -> tuple[DayOutcome, ...]:
    """Return what comes of the day without the engine."""
    return (
        _simulated("uncontrolled", day, uncontrolled),
        _simulated("equal share", day, equal_share),
    )


def _simulated(name: str, day: DemoDay, decide: Callable[[SiteState], FloatArray]) -> DayOutcome:
    cars = DayCars(day)
    while not cars.is_over:
        list(cars.leave())
        list(cars.come())
        cars.advance(decide(_state(cars)) if cars.here else cars.no_pilots, STEP_S)
    list(cars.leave())
    return outcome_of(name, day, cars.meters, cars.delivered_kwh)


def _state(cars: DayCars) -> SiteState:
    """Return what a rival sees: the same site, building and statements as the engine."""
    grid = TimeGrid.around(cars.now, 900, 1)
    sessions = tuple(
        replace(
            session,
            departure=Departure.at(max(stated_departure(session), cars.now)),
            delivered_kwh=cars.given_kwh(row),
        )
        for row, session in cars.here.items()
    )
    return SiteState(cars.day.site, cars.now, grid, sessions, cars.day.tariff(grid), (cars.day.load(grid),))
