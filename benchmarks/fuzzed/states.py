"""States that nobody wishes for, each about one trouble, with others mixed in; all of them valid."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np

from benchmarks.fuzzed.sites import drawn_site, odds, one_of
from models.arrays import FloatArray, frozen
from models.grid.limits import NodeLimit
from models.grid.site import Evse, Site
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import Acceptance, ChargingSession, Departure, Milestone
from models.state import Conduct, SiteState, StationCondition
from models.timegrid import TimeGrid

STEPS_S: Final = (60, 240, 300, 600, 720, 900, 900, 900, 1800, 3600)
NOWS: Final = (
    datetime(2026, 1, 15, 17, 7, 30, tzinfo=UTC),
    datetime(2026, 3, 28, 23, 50, tzinfo=UTC),
    datetime(2026, 10, 24, 22, tzinfo=UTC),
    datetime(2028, 2, 29, 6, 59, 59, tzinfo=UTC),
)
SHARES: Final = ((1 / 3, 1 / 3, 1 / 3), (0.5, 0.3, 0.2), (0.0, 0.0, 1.0))
SPIKES: Final = (1e4, 1e4, -1e4, 1e6)
"""Prices of a kWh that have been seen or could be [currency/kWh]; the last one is the greatest that is taken."""


class Trouble(StrEnum):
    """What a state is about."""

    MIXED = "a little of everything"
    FLAT = "one price, many equal cars"
    NEGATIVE = "negative prices"
    SPIKE = "a price of 1e4 to 1e6"
    ZERO_LIMIT = "a limit of 0 for hours"
    OVERLOAD = "load above the limit"
    CONTRADICTION = "needs that cannot be"
    QUEUE = "many cars for few EVSEs"
    PAST = "cars past their departure"
    WIRING = "delta, phasors, modules"
    STEPS = "a minimum above the limit"


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all draws of one state share."""

    rng: np.random.Generator
    trouble: Trouble
    site: Site
    now: datetime
    grid: TimeGrid

    def is_about(self, *troubles: Trouble, chance: float) -> bool:
        """Return True for these troubles, and by chance for a mixed state."""
        return self.trouble in troubles or (self.trouble is Trouble.MIXED and odds(self.rng, chance))


def drawn_state(seed: int, number: int) -> tuple[Trouble, SiteState]:
    """Return state ``number`` of a seed: the same one always, whatever was drawn before."""
    rng = np.random.default_rng([seed, number])
    trouble = tuple(Trouble)[number % len(Trouble)]
    n_stations = int(rng.integers(1, 4) if trouble is Trouble.QUEUE else rng.integers(1, 9))
    if number % 97 == 0 and trouble is not Trouble.QUEUE:
        n_stations = 40
    is_plain = trouble not in (Trouble.WIRING, Trouble.MIXED)
    site = drawn_site(rng, n_stations, is_plain=is_plain)
    now = NOWS[rng.integers(len(NOWS))] + timedelta(minutes=int(rng.integers(600)))
    grid = TimeGrid.around(now, int(STEPS_S[rng.integers(len(STEPS_S))]), int(rng.integers(1, 49)))
    frame = _Frame(rng, trouble, site, now, grid)
    sessions = tuple(car for evse in site.evses for car in _queue(frame, evse))
    return trouble, SiteState(
        site=site,
        now=now,
        grid=grid,
        sessions=sessions,
        tariff=_tariff(frame),
        loads=_loads(frame),
        limits=_limits(frame),
        billing_peak_kw=one_of(rng, (0.0, 0.0, 20.0, 500.0)),
        conditions=_conditions(frame),
    )


def moved_on(state: SiteState, seed: int, number: int) -> SiteState:
    """Return a state of the same site a little later: other prices, some energy delivered, some cars gone."""
    rng = np.random.default_rng([seed, number, 1])
    now = state.now + timedelta(seconds=int(state.grid.step_s * one_of(rng, (0.0, 0.4, 1.0, 3.0))))
    grid = state.grid.moved_to(now)
    tariff = replace(state.tariff, energy_per_kwh=frozen(rng.permutation(state.tariff.energy_per_kwh)))
    arrived = {car.evse_id: car for car in state.sessions if car.arrival <= now}
    sessions = tuple(
        replace(car, delivered_kwh=car.delivered_kwh + one_of(rng, (0.0, 1.7, 1e3)))
        for car in state.sessions
        if car.arrival > now or (arrived[car.evse_id] is car and max(car.departure.times) > now)
    )
    return replace(state, now=now, grid=grid, tariff=tariff, sessions=sessions)


# --- cars -----------------------------------------------------------------------------------------


def _queue(frame: _Frame, evse: Evse) -> list[ChargingSession]:
    """Return the cars of one EVSE, one after the other; the next often comes when the last one leaves."""
    rng = frame.rng
    n_cars = int(rng.integers(0, 3))
    if frame.trouble is Trouble.QUEUE:
        n_cars = int(rng.integers(2, 40))
    elif frame.trouble is Trouble.FLAT:
        n_cars = 1
    cars: list[ChargingSession] = []
    arrival = frame.now + timedelta(minutes=int(rng.integers(-300, 60)))
    for number in range(n_cars):
        longest = 60 if frame.trouble is Trouble.QUEUE else 900
        begins = max(arrival, frame.now)
        leaves = begins + timedelta(seconds=int(rng.integers(30, longest * 60)))
        cars.append(_car(frame, evse, f"{evse.evse_id} {number}", (arrival, leaves)))
        arrival = max(cars[-1].departure.times) + timedelta(minutes=one_of(rng, (0.0, 0.0, 1.0, 20.0)))
    if cars and cars[0].arrival <= frame.now and frame.is_about(Trouble.PAST, chance=0.1):
        late = frame.now - timedelta(minutes=int(rng.integers(0, 500)))
        cars[0] = replace(
            cars[0], arrival=late - timedelta(hours=3), departure=Departure.at(late), milestones=()
        )
    return cars


def _car(frame: _Frame, evse: Evse, name: str, stay: tuple[datetime, datetime]) -> ChargingSession:
    rng, (arrival, leaves) = frame.rng, stay
    if frame.trouble is Trouble.FLAT:
        return ChargingSession(name, evse.evse_id, arrival, Departure.at(leaves), 20.0)
    departure = Departure.at(leaves)
    if odds(rng, 0.3):
        departure = Departure((0.1, 0.5, 0.9), tuple(leaves + timedelta(minutes=9) * n for n in range(3)))
    is_odd = frame.is_about(Trouble.CONTRADICTION, chance=0.2)
    target_kwh = one_of(rng, (0.0, 1e-3, 0.04, 500.0)) if is_odd else round(float(rng.uniform(0, 60)), 2)
    return ChargingSession(
        session_id=name,
        evse_id=evse.evse_id,
        arrival=arrival,
        departure=departure,
        target_kwh=target_kwh,
        minimum_kwh=target_kwh * one_of(rng, (0.0, 0.0, 0.5, 1.0)),
        delivered_kwh=one_of(rng, (0.0, 0.0, 3.3, 1e3)) if is_odd else 0.0,
        max_current_a=one_of(rng, (0.5, 5.9, 16.0)) if odds(rng, 0.3) else None,
        max_power_kw=one_of(rng, (0.1, 1.4, 3.7, 11.0)) if odds(rng, 0.3) else None,
        n_phases=int(rng.integers(1, len(evse.phases) + 1)) if odds(rng, 0.4) else None,
        priority=one_of(rng, (0.01, 0.5, 3.0, 100.0)) if is_odd else 1.0,
        promised_kwh=one_of(rng, (0.0, 6.0, 1e3)) if is_odd else 0.0,
        milestones=_milestones(rng, arrival, leaves, target_kwh) if odds(rng, 0.15) else (),
        acceptance=Acceptance(target_kwh * 0.7, target_kwh + 1.0, one_of(rng, (3.7, 11.0)))
        if odds(rng, 0.1)
        else None,
        start_delay_s=one_of(rng, (0.0, 0.0, 30.0, 600.0)),
    )


def _milestones(
    rng: np.random.Generator, arrival: datetime, leaves: datetime, target_kwh: float
) -> tuple[Milestone, ...]:
    shares = np.sort(rng.integers(1, 10, 2)) / 10
    if shares[0] == shares[1]:
        shares = shares[:1]
    stay = leaves - arrival
    return tuple(Milestone(arrival + stay * float(share), target_kwh * float(share)) for share in shares)


# --- money, load and limits ---------------------------------------------------------------------------


def _tariff(frame: _Frame) -> EnergyTariff:
    rng, n_slots = frame.rng, frame.grid.n_slots
    prices = (
        rng.choice([0.1, 0.3], n_slots) if odds(rng, 0.5) else np.round(rng.uniform(0.05, 0.6, n_slots), 4)
    )
    if frame.is_about(Trouble.FLAT, chance=0.2):
        prices = np.full(n_slots, one_of(rng, (0.0, 0.3)))
    if frame.is_about(Trouble.NEGATIVE, chance=0.2):
        prices = prices - one_of(rng, (0.2, 1.0))
    if frame.is_about(Trouble.SPIKE, chance=0.1):
        prices = np.where(rng.random(n_slots) < 0.2, one_of(rng, SPIKES), prices)  # noqa: PLR2004 - a fifth
    demand_per_kw = one_of(rng, (0.0, 0.0, 5.0, 120.0))
    return EnergyTariff(frozen(prices), frozen(np.full(n_slots, one_of(rng, (0.0, 0.07)))), demand_per_kw)


def _loads(frame: _Frame) -> tuple[LoadForecast, ...]:
    rng, n_slots = frame.rng, frame.grid.n_slots
    found = []
    for node in frame.site.nodes:
        is_over = frame.is_about(Trouble.OVERLOAD, chance=0.1)
        if is_over or odds(rng, 0.3):
            most = 120.0 if is_over else 6.0
            low = np.round(rng.uniform(-5.0, most, n_slots), 2)
            rows = frozen([low, low + np.round(rng.uniform(0, 5, n_slots), 2)])
            share = frozen(SHARES[rng.integers(len(SHARES))])
            found.append(LoadForecast(node.node_id, frozen([0.5, 0.95]), rows, share))
    return tuple(found)


def _limits(frame: _Frame) -> tuple[NodeLimit, ...]:
    rng, n_slots = frame.rng, frame.grid.n_slots
    found = []
    for node in frame.site.nodes:
        if frame.is_about(Trouble.ZERO_LIMIT, chance=0.1):
            closed = _hours(rng, n_slots)
            limit_a = frozen(np.tile(closed, (3, 1))) if odds(rng, 0.3) else None
            found.append(NodeLimit(node.node_id, "grid operator", closed, limit_a))
        elif frame.trouble is Trouble.STEPS:
            low_kw = frozen(np.round(rng.uniform(0.0, 5.0, n_slots), 2))
            found.append(NodeLimit(node.node_id, "below the least pilot", low_kw))
        elif odds(rng, 0.2):
            limit_a = frozen(np.round(rng.uniform(0, 90, (3, n_slots)), 1)) if odds(rng, 0.5) else None
            found.append(NodeLimit(node.node_id, "signal", frozen(rng.uniform(0, 80, n_slots)), limit_a))
    return tuple(found)


def _hours(rng: np.random.Generator, n_slots: int) -> FloatArray:
    """Return a limit that is 0 for a while, and none before and after."""
    first, last = np.sort(rng.integers(0, n_slots + 1, 2))
    limit = np.full(n_slots, np.inf)
    limit[first:last] = 0.0
    return frozen(limit)


def _conditions(frame: _Frame) -> tuple[StationCondition, ...]:
    if not frame.is_about(Trouble.CONTRADICTION, chance=0.3) or odds(frame.rng, 0.5):
        return ()
    conduct = Conduct.OFFLINE if odds(frame.rng, 0.5) else Conduct.NOT_FOLLOWING
    return (StationCondition(frame.site.stations[0].station_id, conduct),)
