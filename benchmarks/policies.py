"""Rivals of the engine, and the engine itself, as policies of the closed loop.

The rivals are strong and honest: they give only pilots that the EVSE has, keep every limit of every node in
kW and in amperes of each phase, and take back what cars show not to use, because they are told the same as the
engine. They look at one moment and no price. Round robin, earliest deadline and least laxity are described
with real pilots in Z. J. Lee et al., "Adaptive Charging Networks," IEEE Trans. Smart Grid 12(5), 2021,
doi:10.1109/TSG.2021.3074437.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np

from models.arrays import FloatArray
from models.grid.site import N_PHASES, Site
from models.sessions import ChargingSession
from models.state import SiteState
from models.units import SECONDS_PER_HOUR, W_PER_KW
from optimizer.fast import Envelope
from optimizer.mpc import Controller
from optimizer.options import PlanOptions

LOAD_LEVEL: Final = 0.9
"""Quantile of the uncontrolled load that is left room for, the same as the engine's."""


class PolicyName(StrEnum):
    """Policies by the name that a command takes."""

    OURS = "ours"
    UNCONTROLLED = "uncontrolled"
    EQUAL_SHARE = "equal_share"
    EARLIEST_DEADLINE = "earliest_deadline"
    LEAST_LAXITY = "least_laxity"


class Wish(NamedTuple):
    """A car that wants energy: its row, the pilots that it can use, power per ampere, the node rows above."""

    session: ChargingSession
    row: int
    levels_a: tuple[float, ...]
    kw_per_a: float
    phases: tuple[int, ...]
    nodes: tuple[int, ...]

    @property
    def laxity_s(self) -> float:
        """Departure less the time that the rest takes at full power [s since the epoch]."""
        full_kw = self.levels_a[-1] * self.kw_per_a
        needed_s = SECONDS_PER_HOUR * self.session.remaining_kwh / full_kw
        return self.session.departure.median.timestamp() - needed_s


class Room:
    """What is left below every limit now."""

    def __init__(self, state: SiteState) -> None:
        nodes = state.site.nodes
        self._kw = np.array([np.inf if node.limit_kw is None else node.limit_kw for node in nodes])
        no_limit = (np.inf,) * N_PHASES
        self._a = np.array([no_limit if node.limit_a is None else node.limit_a for node in nodes])
        rows = {node.node_id: row for row, node in enumerate(nodes)}
        slot = state.grid.slot_at(state.now)
        for limit in state.limits:
            row = rows[limit.node_id]
            if limit.limit_kw is not None:
                self._kw[row] = min(self._kw[row], limit.limit_kw[slot])
            if limit.limit_a is not None:
                self._a[row] = np.minimum(self._a[row], limit.limit_a[:, slot])
        for load in state.loads:
            power_kw = load.at(LOAD_LEVEL)[slot]
            above = [rows[node_id] for node_id in state.site.path_to_root(load.node_id)]
            self._kw[above] -= power_kw
            self._a[above] -= power_kw * load.phase_share * W_PER_KW / state.site.voltage_v

    def most_a(self, wish: Wish) -> float:
        """Return how many amperes more the car could be given."""
        nodes = list(wish.nodes)
        by_power_a = self._kw[nodes].min() / wish.kw_per_a
        by_phase_a = self._a[np.ix_(nodes, list(wish.phases))].min()
        return float(max(min(by_power_a, by_phase_a), 0.0)) + 1e-9

    def take(self, wish: Wish, current_a: float) -> None:
        """Give amperes to a car."""
        nodes = list(wish.nodes)
        self._kw[nodes] -= current_a * wish.kw_per_a
        self._a[np.ix_(nodes, list(wish.phases))] -= current_a


def wishes(state: SiteState) -> list[Wish]:
    """Return the cars that are here and want energy, in the order of their arrival."""
    site = state.site
    node_rows = {node.node_id: row for row, node in enumerate(site.nodes)}
    rows = {evse_id: row for row, evse_id in enumerate(site.evse_ids)}
    node_of = {evse.evse_id: station.node_id for station in site.stations for evse in station.evses}
    evses = site.evses
    found = []
    for session in sorted(state.sessions, key=lambda one: (one.arrival, one.session_id)):
        if session.arrival > state.now or session.remaining_kwh <= 0.0:
            continue
        evse = evses[rows[session.evse_id]]
        phases = tuple(int(phase) for phase in evse.phases[: session.n_phases or N_PHASES])
        kw_per_a = len(phases) * site.voltage_v / W_PER_KW
        nodes = tuple(node_rows[node_id] for node_id in site.path_to_root(node_of[session.evse_id]))
        levels_a = _usable(session, evse.levels_a, kw_per_a)
        found.append(Wish(session, rows[session.evse_id], levels_a, kw_per_a, phases, nodes))
    return found


def _usable(session: ChargingSession, levels_a: tuple[float, ...], kw_per_a: float) -> tuple[float, ...]:
    """Return the pilots up to the first one that carries all that the car can take."""
    most_a = np.inf if session.max_current_a is None else session.max_current_a
    if session.max_power_kw is not None:
        most_a = min(most_a, session.max_power_kw / kw_per_a)
    n_below = sum(level_a < most_a - 1e-9 for level_a in levels_a)
    return levels_a[: n_below + 1]


def greedy(state: SiteState, ordered: Iterable[Wish]) -> FloatArray:
    """Give each car in turn the largest pilot that still fits, shape (n_evses,) [A]."""
    room = Room(state)
    pilot_a = np.zeros(len(state.site.evses))
    for wish in ordered:
        most_a = room.most_a(wish)
        fitting = [level_a for level_a in wish.levels_a if level_a <= most_a]
        if fitting:
            pilot_a[wish.row] = fitting[-1]
            room.take(wish, fitting[-1])
    return pilot_a


def uncontrolled(state: SiteState) -> FloatArray:
    """Everybody charges as fast as car and EVSE can, whatever the site's limits."""
    pilot_a = np.zeros(len(state.site.evses))
    for wish in wishes(state):
        pilot_a[wish.row] = wish.levels_a[-1]
    return pilot_a


def equal_share(state: SiteState) -> FloatArray:
    """First come, equal share: everybody gets one pilot step more in turn while it fits."""
    room = Room(state)
    pilot_a = np.zeros(len(state.site.evses))
    growing = [(wish, 0) for wish in wishes(state)]
    while growing:
        still = []
        for wish, step in growing:
            extra_a = wish.levels_a[step] - pilot_a[wish.row]
            if extra_a > room.most_a(wish):
                continue
            pilot_a[wish.row] += extra_a
            room.take(wish, extra_a)
            if step + 1 < len(wish.levels_a):
                still.append((wish, step + 1))
        growing = still
    return pilot_a


def earliest_deadline(state: SiteState) -> FloatArray:
    """Who leaves first charges first."""
    return greedy(state, sorted(wishes(state), key=lambda wish: wish.session.departure.median))


def least_laxity(state: SiteState) -> FloatArray:
    """Who can wait least charges first."""
    return greedy(state, sorted(wishes(state), key=lambda wish: wish.laxity_s))


@dataclass(frozen=True, slots=True)
class Rule:
    """A policy without memory: one function of the state."""

    name: str
    decide: Callable[[SiteState], FloatArray]

    def pilots(self, state: SiteState) -> FloatArray:
        """Return the pilot of every EVSE from now on, shape (n_evses,) [A]."""
        return self.decide(state)

    def envelope(self, state: SiteState) -> Envelope:
        """Return these pilots for the fast clock, which hands out what they leave, least laxity first."""
        return Envelope.of_pilots(state, self.decide(state))


CAREFUL: Final = PlanOptions(departure_quantile=0.1, ready_before_h=0.5)
"""Options that the engine is measured with: care for batteries that taper and for drivers who leave early.

Chosen on nine days of August 2019 at the Caltech garage, not on the month that is reported: with 0 and 30 minutes
77.6 and 77.8 % of the energy at 30 kW, 98.2 and 99.3 % at 80 kW.
"""


class Ours:
    """The engine: the first slot of the plan that the controller makes."""

    name = str(PolicyName.OURS)

    def __init__(self, site: Site, options: PlanOptions = CAREFUL) -> None:
        self._controller = Controller(site, options)

    def pilots(self, state: SiteState) -> FloatArray:
        """Return the pilot of every EVSE from now on, shape (n_evses,) [A]."""
        schedule = self._controller.step(state).schedule
        return np.asarray(schedule.pilot_a[:, schedule.grid.slot_at(state.now)], dtype=np.float64)

    def envelope(self, state: SiteState) -> Envelope:
        """Return the plan for the fast clock."""
        return Envelope.of_plan(state, self._controller.step(state))


def policy_named(name: PolicyName, site: Site) -> Ours | Rule:
    """Return a fresh policy for a site."""
    match name:
        case PolicyName.OURS:
            return Ours(site)
        case PolicyName.UNCONTROLLED:
            return Rule(str(name), uncontrolled)
        case PolicyName.EQUAL_SHARE:
            return Rule(str(name), equal_share)
        case PolicyName.EARLIEST_DEADLINE:
            return Rule(str(name), earliest_deadline)
        case PolicyName.LEAST_LAXITY:
            return Rule(str(name), least_laxity)
