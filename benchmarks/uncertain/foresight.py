"""Who is to come, as a plan is told: nobody, what past days let expect, or the truth."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from benchmarks.peers.acn.algorithm import Foresee, Foreseen
from benchmarks.peers.acn.networks import ZONE
from benchmarks.peers.acn.sessions import CAR_KW, PERIOD
from benchmarks.peers.acn.simulate import Case
from benchmarks.uncertain.two_stage import Draw
from models.arrays import frozen
from models.demand.arrivals import Visit
from models.forecasting.features import SiteCalendar
from models.forecasting.stays import Stays
from models.forecasting.to_come import CarsToCome
from models.sessions import Departure
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR
from optimizer.asset_rows import tapped_by
from optimizer.coming import Coming
from optimizer.problem import Problem

WEEKS: Final = 8
HOURS_PER_WEEK: Final = 168


def cars_to_come(visits: Iterable[Visit], start: datetime) -> CarsToCome:
    """Return what the weeks before a local midnight say of cars to come; all stay as long as half of them did."""
    first = start - timedelta(weeks=WEEKS)
    past = [visit.session for visit in visits if first <= visit.session.arrival < start]
    stays_h = [(one.departure.median - one.arrival).total_seconds() / SECONDS_PER_HOUR for one in past]
    cars = CarsToCome(SiteCalendar(ZONE), float(np.median(stays_h)) if stays_h else 1.0)
    stays = Stays(
        np.zeros(len(past), dtype=np.int64),
        np.array([int(one.arrival.timestamp()) for one in past], dtype=np.int64),
        frozen([one.target_kwh for one in past]),
        frozen(np.full(len(past), CAR_KW)),
    )
    cars.record(stays, TimeGrid(first.astimezone(UTC), int(SECONDS_PER_HOUR), WEEKS * HOURS_PER_WEEK))
    return cars


def expecting(cars: CarsToCome) -> Foresee:
    """Return foresight that keeps room for what past days let expect."""
    return lambda grid, now: Foreseen(expected=cars.expected(grid, now))


def knowing(case: Case) -> Foresee:
    """Return foresight that names every car to come, its departure and its need."""
    sessions = [
        replace(
            stay.visit.session,
            arrival=case.start + PERIOD * stay.arrival,
            departure=Departure.at(case.start + PERIOD * stay.departure),
            target_kwh=stay.need_kwh,
        )
        for stay in case.stays
    ]

    def foresee(grid: TimeGrid, now: datetime) -> Foreseen:
        return Foreseen(tuple(one for one in sessions if now < one.arrival < grid.end))

    return foresee


def courses(cars: CarsToCome, n_scenarios: int) -> Draw:
    """Return what turns a problem into equally likely ones that differ in who comes; the same for a step of time."""

    def draw(problem: Problem) -> tuple[Problem, ...]:
        gone_h = problem.grid.step_h - float(problem.open_h[0])
        now = problem.grid.start + timedelta(hours=gone_h)
        drawn = cars.scenarios(problem.grid, now, n_scenarios, problem.grid.first_step)
        return tuple(_with(problem, Coming.of(one, problem.grid)) for one in drawn)

    return draw


def _with(problem: Problem, coming: Coming) -> Problem:
    top = problem.topology
    more_kw = max(float(coming.most_kw.max()) - float(problem.coming.most_kw.max()), 0.0)
    return replace(problem, coming=coming, tapped=frozen(problem.tapped + tapped_by(top, top.root, more_kw)))
