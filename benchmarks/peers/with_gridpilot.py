"""Our own scheduler on a case: the only file of this folder that knows the engine."""

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import numpy as np

from benchmarks.peers.case import Case, drawn_case
from benchmarks.peers.child import Answer, Rival, Run, main
from models.arrays import frozen
from models.grid.site import CircuitNode, Evse, Phase, Site, Station
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.mpc import Controller
from optimizer.options import PlanOptions
from optimizer.problem import problem_of
from optimizer.scheduling.scheduler import Scheduler
from optimizer.topology import Topology

START: Final = datetime(2026, 6, 1, 6, tzinfo=UTC)
PATIENT: Final = PlanOptions(deadline_s=600.0, early_per_kwh=0.0)
"""No truncated solve, and no preference beside the cost: the program that the rivals are given."""
WARM_UP_SEED: Final = 1


def cold(base: Case, _changed: Case) -> Run:
    """Return the linear program of the scheduler, from the site's state to powers, with nothing kept."""
    state = state_of(base)
    topology = Topology.of(state.site)
    return lambda: _planned(base, state, topology, Scheduler(PATIENT))


def warm(base: Case, changed: Case) -> Run:
    """Return the same after a change of needs, by the scheduler that has just planned the base case."""
    state = state_of(base)
    topology, scheduler = Topology.of(state.site), Scheduler(PATIENT)
    _planned(base, state, topology, scheduler)
    again = state_of(changed, state.site)
    return lambda: _planned(changed, again, topology, scheduler, changed=True)


def step_cold(base: Case, _changed: Case) -> Run:
    """Return the first step of a controller: pilots of 0 or 6 to 32 A in whole amperes, checked."""
    state = state_of(base)
    return lambda: _stepped(state, Controller(state.site, PATIENT))


def step_warm(base: Case, changed: Case) -> Run:
    """Return a step after a change of needs."""
    state = state_of(base)
    controller = Controller(state.site, PATIENT)
    controller.step(state)
    again = state_of(changed, state.site)
    return lambda: _stepped(again, controller, changed=True)


def state_of(case: Case, site: Site | None = None) -> SiteState:
    """Return a case as the state of a site; cars that arrive later are expected."""
    grid = TimeGrid(START, case.step_s, case.n_slots)
    step = timedelta(seconds=case.step_s)
    sessions = tuple(
        ChargingSession(
            session_id=f"session-{row}",
            evse_id=f"evse-{row}",
            arrival=START + int(case.first[row]) * step,
            departure=Departure.at(START + int(case.end[row]) * step),
            target_kwh=float(case.need_kwh[row]),
        )
        for row in range(case.n_evses)
    )
    tariff = EnergyTariff(case.price_per_kwh, frozen(np.zeros(case.n_slots)))
    return SiteState(site or site_of(case), START, grid, sessions, tariff)


def site_of(case: Case) -> Site:
    """Return the site: power limits only, since the rivals know no phases."""
    nodes = [CircuitNode("grid", None, case.site_kw)]
    nodes += [CircuitNode(f"panel-{row}", "grid", float(kw)) for row, kw in enumerate(case.panel_kw)]
    stations = [
        Station(f"cs-{row}", f"panel-{panel}", (Evse(f"evse-{row}", (Phase(row % 3),)),))
        for row, panel in enumerate(case.panel)
    ]
    return Site(f"panels-{case.n_evses}", "Europe/Berlin", tuple(nodes), tuple(stations))


def _planned(
    case: Case, state: SiteState, topology: Topology, scheduler: Scheduler, *, changed: bool = False
) -> Answer:
    solved = scheduler.solve(problem_of(state, topology, PATIENT))
    power_kw = solved.planned.power_kw
    return Answer(power_kw, frozen(power_kw * case.step_h), "solved", None, changed)


def _stepped(state: SiteState, controller: Controller, *, changed: bool = False) -> Answer:
    plan = controller.step(state)
    schedule = plan.schedule
    return Answer(schedule.power_kw, schedule.energy_kwh, plan.report.status.value, None, changed)


def _load_kernels() -> None:
    """Plan something small, so that no run pays for compiled kernels that a service loads when it starts."""
    step_cold(*[drawn_case(4, 8, 900, WARM_UP_SEED)] * 2)()


RIVALS: Final = MappingProxyType[str, Rival](
    {"cold": cold, "warm": warm, "step_cold": step_cold, "step_warm": step_warm}
)

if __name__ == "__main__":
    _load_kernels()
    main(RIVALS, ("gridpilot", "highspy"))
