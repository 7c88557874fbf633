"""What a closed loop is made of: the true world, what is seen of it, the policy that decides."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

import numpy as np

from models.arrays import FloatArray
from models.demand.arrivals import Visit
from models.errors import IssueList
from models.grid.site import Site
from models.prices import EnergyTariff
from models.sessions import ChargingSession
from models.simulation import Car, MeterDelay, StationFault
from models.state import ExpectedArrivals, SiteState
from models.timegrid import TimeGrid
from optimizer.closed_loop.signals import Signal
from optimizer.fast import Envelope


@dataclass(frozen=True, slots=True)
class Seen:
    """What an operator knows about a car at the plug: what was declared, and what is metered.

    Parameters
    ----------
    session_id, evse_id : str
    arrival : datetime
    stated_departure : datetime or None
    stated_energy_kwh : float or None
        None where the driver said nothing.
    delivered_kwh : float
        Energy metered so far [kWh].
    usable_a : float or None
        Least pilot that would carry what the car draws [A]; None until it draws less than its pilot.
    is_full : bool
        The car stopped by itself.
    n_phases : int or None
        Lines that it was seen to use; None until it draws enough to tell.
    """

    session_id: str
    evse_id: str
    arrival: datetime
    stated_departure: datetime | None
    stated_energy_kwh: float | None
    delivered_kwh: float
    usable_a: float | None
    is_full: bool
    n_phases: int | None = None


Believe: TypeAlias = Callable[[Seen, datetime], ChargingSession]
"""Turns what is seen at a moment into the session that a policy plans with."""


Expect: TypeAlias = Callable[[TimeGrid, datetime], ExpectedArrivals | None]
"""Takes a horizon and a moment, and says who is still to come."""


def nobody(_grid: TimeGrid, _now: datetime) -> ExpectedArrivals | None:
    """Expect nobody."""
    return None


class Policy(Protocol):
    """Decides on pilots; keeps what it likes between decisions."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def pilots(self, state: SiteState) -> FloatArray:
        """Return the pilot of every EVSE from now on, shape (n_evses,) [A]."""
        ...


class Planner(Protocol):
    """Plans for the minutes that the fast clock then fills."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def envelope(self, state: SiteState) -> Envelope:
        """Return what everybody is due, and who may use what becomes free."""
        ...


def default_car(visit: Visit) -> Car:
    """Return a car with this visit's true need and limits, and default ramps and taper."""
    session = visit.session
    return Car(
        need_kwh=session.target_kwh,
        max_current_a=np.inf if session.max_current_a is None else session.max_current_a,
        max_power_kw=np.inf if session.max_power_kw is None else session.max_power_kw,
        n_phases=session.n_phases or 3,
    )


@dataclass(frozen=True, slots=True)
class World:
    """What really happens: the site, the visits with their true needs and departures, the tariff.

    Parameters
    ----------
    site : Site
        A valid site.
    visits : tuple of Visit
        ``visit.session`` is the truth; on one EVSE they follow each other.
    tariff : callable
        Gives the site's tariff on a grid.
    car_of : callable
        Gives the car of a visit.
    expected_peak_kw : float
        Peak that the operator expects to be billed anyway [kW]; policies are told that it was there already. An
        engine that does not expect it defers energy to shave a peak that a later arrival causes all the same.
    signals : tuple of Signal
        Limits that come suddenly.
    faults : tuple of StationFault
        Stations that do not obey for a while.
    expect : callable
        What policies are told of cars still to come; nothing unless given.
    """

    site: Site
    visits: tuple[Visit, ...]
    tariff: Callable[[TimeGrid], EnergyTariff]
    car_of: Callable[[Visit], Car] = default_car
    expected_peak_kw: float = 0.0
    signals: tuple[Signal, ...] = ()
    faults: tuple[StationFault, ...] = ()
    expect: Expect = nobody


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How the loop turns.

    Parameters
    ----------
    control_s : int
        A policy decides at every multiple of this time while cars are there, and at every plug [s].
    meter_s : float
        Every EVSE sends a sample at every multiple of this time [s].
    settle_s : float
        Lower pilots are sent first, higher ones so much later [s]: cars may take 5 s to follow, and current
        must have been given back before it is handed out again.
    fast_s : float
        With two clocks: the fast one decides at every multiple of this time, with the samples that are there [s].
    delay : MeterDelay or None
        How late samples arrive; None: at once, all and without noise.
    seed : int
        Of the delays.
    step_s, n_slots : int
        Horizon that policies see.
    progress : callable
        Takes the share of the visits that are over.
    """

    control_s: int = 300
    meter_s: float = 60.0
    settle_s: float = 10.0
    fast_s: float = 10.0
    delay: MeterDelay | None = None
    seed: int = 0
    step_s: int = 900
    n_slots: int = 96
    progress: Callable[[float], None] = field(default=lambda _share: None)


def validate_world(world: World) -> None:
    """Refuse visits that do not fit the site, or that share an EVSE at a time.

    Raises
    ------
    InvalidInputError
        Names every such visit.
    """
    issues = IssueList()
    known = set(world.site.evse_ids)
    last: dict[str, Visit] = {}
    for visit in sorted(world.visits, key=lambda visit: visit.session.arrival):
        session = visit.session
        where = f"visits[{session.session_id}]"
        issues.require(session.evse_id in known, where, f"there is no EVSE {session.evse_id}")
        issues.require(session.departure.median > session.arrival, where, "leaves before it comes")
        before = last.get(session.evse_id)
        if before is not None:
            free = before.session.departure.median <= session.arrival
            issues.require(free, where, f"{session.evse_id} is still taken by {before.session.session_id}")
        last[session.evse_id] = visit
    issues.raise_if_any()
