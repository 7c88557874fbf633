"""Our controller as an algorithm of ACN-Sim.

It asks the simulator for no more than an operator sees: who is plugged in and since when, what was metered, the
pilots it gave itself. What a driver declared and what is believed of it is :mod:`benchmarks.beliefs`' business.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from benchmarks.peers.acn.networks import ZONE
from benchmarks.peers.acn.portal import Foreign
from benchmarks.peers.acn.sessions import PERIOD
from benchmarks.peers.acn.simulate import Case
from benchmarks.peers.acn.watch import Watch
from benchmarks.tariffs import Tariff, sce_tou_ev_4
from models.arrays import FloatArray
from models.grid.site import Site
from models.prices import EnergyTariff
from models.sessions import ChargingSession
from models.state import ExpectedArrivals, SiteState
from models.timegrid import TimeGrid
from optimizer.closed_loop import Believe, Policy, Seen


class Foreseen(NamedTuple):
    """What is believed of cars to come: sessions by name, or room that is kept for whoever comes."""

    sessions: tuple[ChargingSession, ...] = ()
    expected: ExpectedArrivals | None = None


Foresee: TypeAlias = Callable[[TimeGrid, datetime], Foreseen]
"""Takes a plan's horizon and the moment."""


def nobody(_grid: TimeGrid, _now: datetime) -> Foreseen:
    """Expect nobody."""
    return Foreseen()


@dataclass(frozen=True, slots=True)
class Setup:
    """What our policy is given beside the case.

    Parameters
    ----------
    believe : callable
        Turns what is seen of a car into the session that is planned with.
    expected_peak_kw : float
        Peak that will be billed anyway [kW]; inf where peaks do not matter.
    step_s, n_slots : int
        How fine and how far plans look.
    foresee : callable
        Says who is to come.
    tariff : callable
    root_kw : float or None
        What the site is told of its root beside the limits of the network [kW]; None: nothing.
    """

    believe: Believe
    expected_peak_kw: float = np.inf
    step_s: int = 300
    n_slots: int = 144
    foresee: Foresee = nobody
    tariff: Tariff = sce_tou_ev_4
    root_kw: float | None = None


class SiteAlgorithm:
    """A policy by the protocol of ACN-Sim: ``max_recompute``, ``register_interface``, ``run``, ``solve_stats``."""

    max_recompute: Final = 1

    def __init__(self, case: Case, policy: Policy, setup: Setup) -> None:
        self._case = case
        self._policy = policy
        self._setup = setup
        self._site = behind(case.network.site, setup.root_kw)
        self._stay_of = {stay.session_id: stay for stay in case.stays}
        self._told_a = np.zeros(len(case.network.wires.station_ids))
        self._watches: dict[str, Watch] = {}
        self._peak_kw = 0.0
        self._simulator: Foreign = None
        self.solve_stats: list[dict[str, float]] = []

    def register_interface(self, interface: Foreign) -> None:
        """Take the way to the simulation.

        acnportal's interface shows no car that has what its driver asked for, and shows when cars will really
        leave: neither is what an operator sees, so the EVSEs are asked.
        """
        self._simulator = interface._simulator  # noqa: SLF001 - see above

    def run(self) -> dict[str, list[float]]:
        """Return the pilot of every EVSE for the period that begins [A]."""
        cars = self._cars()
        self._read_meters(cars)
        started = time.perf_counter()
        pilot_a = self._decide(cars) if cars else np.zeros_like(self._told_a)
        self.solve_stats.append({"solve_time": time.perf_counter() - started, "active_sessions": len(cars)})
        self._told_a = np.zeros_like(pilot_a)
        self._told_a[list(cars)] = pilot_a[list(cars)]
        ids = self._case.network.wires.station_ids
        return {station_id: [float(a)] for station_id, a in zip(ids, self._told_a, strict=True)}

    def _cars(self) -> dict[int, Foreign]:
        """Return what is plugged in, by row of the EVSE."""
        evses = self._simulator.network._EVSEs.values()  # noqa: SLF001 - it has no public name
        return {row: evse.ev for row, evse in enumerate(evses) if evse.ev is not None}

    def _read_meters(self, cars: dict[int, Foreign]) -> None:
        """Learn from the period that has ended; a car that has just come was told nothing in it."""
        power_kw = 0.0
        for row, car in cars.items():
            watch = self._watches.get(car.session_id)
            if watch is None:
                levels_a = self._case.network.wires.levels_a[row]
                self._watches[car.session_id] = Watch(levels_a)
            else:
                watch.read(float(self._told_a[row]), float(car.current_charging_rate))
                power_kw += float(car.current_charging_rate) * self._case.network.wires.kw_per_a
        self._peak_kw = max(self._peak_kw, power_kw)

    def _decide(self, cars: dict[int, Foreign]) -> FloatArray:
        now = self._case.start + PERIOD * self._simulator.iteration
        grid = TimeGrid.around(now, self._setup.step_s, self._setup.n_slots)
        peak_kw = max(self._peak_kw, self._setup.expected_peak_kw)
        foreseen = self._setup.foresee(grid, now)
        here = tuple(self._setup.believe(self._seen(car), now) for car in cars.values())
        state = SiteState(
            site=self._site,
            now=now,
            grid=grid,
            sessions=(*here, *foreseen.sessions),
            tariff=self._tariff(grid, demand=np.isfinite(peak_kw)),
            billing_peak_kw=peak_kw if np.isfinite(peak_kw) else 0.0,
            expected=foreseen.expected,
        )
        return np.array(self._policy.pilots(state), dtype=np.float64)

    def _seen(self, car: Foreign) -> Seen:
        visit = self._stay_of[car.session_id].visit
        watch = self._watches[car.session_id]
        return Seen(
            session_id=car.session_id,
            evse_id=car.station_id,
            arrival=self._case.start + PERIOD * car.arrival,
            stated_departure=visit.stated_departure,
            stated_energy_kwh=visit.stated_energy_kwh,
            delivered_kwh=float(car.energy_delivered),
            usable_a=watch.usable_a,
            is_full=watch.is_full,
        )

    def _tariff(self, grid: TimeGrid, *, demand: bool) -> EnergyTariff:
        """Return what is paid on a grid, without the demand charge where peaks do not matter."""
        tariff = self._setup.tariff(grid, ZONE)
        return tariff if demand else replace(tariff, demand_charge_per_kw=0.0)


def behind(site: Site, root_kw: float | None) -> Site:
    """Return a site whose root has a limit [kW]; as it is where that is None."""
    if root_kw is None:
        return site
    nodes = (replace(node, limit_kw=root_kw) if node.parent_id is None else node for node in site.nodes)
    return replace(site, nodes=tuple(nodes))
