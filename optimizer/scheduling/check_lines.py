"""Currents of the lines of a site, worked out from its records for the check: what everything puts on L1, L2 and L3.

They are phasors, all against the voltage of L1; power is ``sum_p V_p conj(I_p)``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from models.arrays import ComplexArray, FloatArray, IntArray
from models.grid.limits import NodeLimit
from models.grid.site import N_PHASES, CircuitNode, Evse, Station, Wiring
from models.sessions import ChargingSession
from models.state import Conduct, SiteState
from models.units import W_PER_KW

VOLTAGES = np.exp(-2j * np.pi / 3 * np.arange(N_PHASES))
"""Directions of the voltages of L1, L2 and L3."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that a schedule would exceed; ``excess`` in kW, kVA or A, whatever ``quantity`` says."""

    where: str
    quantity: str
    slot: int
    excess: float


Through: TypeAlias = dict[str, tuple[ComplexArray, ComplexArray]]
"""Line currents through nodes by their ids, (3, n_slots) [A]: all of it, and what nobody controls."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Line currents of everything on a site, (3, n_slots) complex each [A].

    ``cars`` is by EVSE what pilots allow, ``assets`` by node what assets are told, ``fixed`` by node what
    nobody controls.
    """

    cars: dict[str, ComplexArray]
    assets: dict[str, ComplexArray]
    fixed: dict[str, ComplexArray]

    def through(self, state: SiteState) -> Through:
        """Return what flows through every node, all of it and what nobody controls: its own, and all below it."""
        told = {node_id: current_a.copy() for node_id, current_a in self.assets.items()}
        for station in state.site.stations:
            for evse in station.evses:
                told[station.node_id] += self.cars[evse.evse_id]
        fixed = {node_id: current_a.copy() for node_id, current_a in self.fixed.items()}
        for node in reversed(from_the_root(state)):
            if node.parent_id is not None:
                told[node.parent_id] += told[node.node_id]
                fixed[node.parent_id] += fixed[node.node_id]
        return {node_id: (fixed[node_id] + told[node_id], fixed[node_id]) for node_id in fixed}


def from_the_root(state: SiteState) -> list[CircuitNode]:
    """Return the nodes of a site, each after the one that it hangs below."""
    level = [node for node in state.site.nodes if node.parent_id is None]
    out = list[CircuitNode]()
    while level:
        out += level
        above = {node.node_id for node in level}
        level = [node for node in state.site.nodes if node.parent_id in above]
    return out


def lines_used(state: SiteState) -> dict[str, tuple[IntArray, IntArray]]:
    """Return by EVSE how many phases cars may use in every slot, (n_slots,) the most and the least.

    Where nobody is it is all of them. A car is there at most until the next one comes to its EVSE.
    """
    here: dict[str, list[ChargingSession]] = {evse_id: [] for evse_id in state.site.evse_ids}
    for session in sorted(state.sessions, key=lambda one: one.arrival):
        here[session.evse_id].append(session)
    return {evse.evse_id: _used_at(state, evse, here[evse.evse_id]) for evse in state.site.evses}


def _used_at(state: SiteState, evse: Evse, here: list[ChargingSession]) -> tuple[IntArray, IntArray]:
    n_all = len(evse.phases)
    all_of_them = np.full(state.grid.n_slots, n_all)
    if all((session.n_phases or N_PHASES) >= n_all for session in here):
        return all_of_them, all_of_them
    most, least = np.zeros(state.grid.n_slots, dtype=np.int64), all_of_them.copy()
    for number, session in enumerate(here):
        begin, end = max(session.arrival, state.now), max(session.departure.times)
        if end <= state.now:  # it should have left, and is still there
            end = state.grid.end
        if number + 1 < len(here):
            end = min(end, here[number + 1].arrival)
        there = state.grid.overlap_h(begin, end) > 0
        uses = min(session.n_phases or N_PHASES, n_all)
        most = np.where(there, np.maximum(most, uses), most)
        least = np.where(there, np.minimum(least, uses), least)
    return np.where(most > 0, most, n_all), least


def lines_per_a(state: SiteState, used: dict[str, IntArray]) -> dict[str, ComplexArray]:
    """Return by EVSE the current of L1, L2 and L3 at a pilot of 1 A, (3, n_slots) [A].

    ``used`` says how many phases are in use, by slot. EVSEs of one kind share what is worked out for it.
    """
    kinds: dict[tuple[object, ...], ComplexArray] = {}
    out = {}
    for evse in state.site.evses:
        kind = (evse.phases, evse.wiring, evse.power_factor)
        if kind not in kinds:
            kinds[kind] = np.stack([line_a(evse, number) for number in range(N_PHASES + 1)], axis=1)
        out[evse.evse_id] = kinds[kind][:, used[evse.evse_id]]
    return out


def line_a(evse: Evse, n_used: int) -> ComplexArray:
    """Return the current of L1, L2 and L3 at a pilot of 1 A, shape (3,) [A]."""
    behind = evse.power_factor - 1j * np.sqrt(1.0 - evse.power_factor**2)
    out = np.zeros(N_PHASES, dtype=np.complex128)
    phases = [int(phase) for phase in evse.phases]
    if evse.wiring is Wiring.DELTA and len(phases) < N_PHASES:
        between = VOLTAGES[phases[0]] - VOLTAGES[phases[1]]
        current = between / abs(between) * behind
        out[phases[0]], out[phases[1]] = current, -current
        return out
    used = phases[:n_used]
    out[used] = VOLTAGES[used] * behind
    return out


def nothing_by_node(state: SiteState) -> dict[str, ComplexArray]:
    """Return no current at every node, (3, n_slots) each."""
    shape = (N_PHASES, state.grid.n_slots)
    return {node.node_id: np.zeros(shape, dtype=np.complex128) for node in state.site.nodes}


def balanced_a(state: SiteState, power_kw: FloatArray) -> ComplexArray:
    """Return the line currents of power (n_slots,) [kW] that is the same on all phases, shape (3, n_slots)."""
    per_kw: ComplexArray = VOLTAGES * (W_PER_KW / N_PHASES / state.site.voltage_v)
    return per_kw[:, None] * power_kw


def uncontrolled_a(state: SiteState, load_quantile: float, sun_quantile: float) -> dict[str, ComplexArray]:
    """Return the line currents that nobody controls, by the node that they are drawn at."""
    out = nothing_by_node(state)
    for load in state.loads:
        current_a = (
            np.multiply.outer(load.phase_share, load.at(load_quantile)) * W_PER_KW / state.site.voltage_v
        )
        out[load.node_id] += VOLTAGES[:, None] * current_a
    for plant in state.assets.solar:
        if not plant.can_curtail:
            out[plant.node_id] -= balanced_a(state, plant.at(sun_quantile))
    for station in state.site.stations:
        for evse in station.evses:
            drawn_a = drawn_anyway_a(state, station, evse)
            if drawn_a > 0.0:
                out[station.node_id] += line_a(evse, len(evse.phases))[:, None] * drawn_a
    return out


def drawn_anyway_a(state: SiteState, station: Station, evse: Evse) -> float:
    """Return the pilot that an EVSE counts at because its station cannot be told [A]."""
    for condition in state.conditions:
        if condition.station_id == station.station_id:
            most_a = evse.levels_a[-1]
            return min(station.offline_a, most_a) if condition.conduct is Conduct.OFFLINE else most_a
    return 0.0


def limits_of_node(state: SiteState, node: CircuitNode) -> tuple[FloatArray, FloatArray]:
    """Return the tightest limits of a node by slot, (n_slots,) [kW] and (3, n_slots) [A]; inf where there is none."""
    limit_kw = np.full(state.grid.n_slots, np.inf if node.limit_kw is None else node.limit_kw)
    limit_a = np.full((N_PHASES, state.grid.n_slots), np.inf)
    if node.limit_a is not None:
        limit_a = np.minimum(limit_a, np.array(node.limit_a)[:, None])
    signals: list[NodeLimit] = [limit for limit in state.limits if limit.node_id == node.node_id]
    for limit in signals:
        if limit.limit_kw is not None:
            limit_kw = np.minimum(limit_kw, limit.limit_kw)
        if limit.limit_a is not None:
            limit_a = np.minimum(limit_a, limit.limit_a)
    return limit_kw, limit_a


def over(where: str, quantity: str, excess: FloatArray, tolerance: float) -> Iterator[Breach]:
    """Yield the slots in which something is above its limit by more than a tolerance."""
    for slot in np.nonzero(excess > tolerance)[0]:
        yield Breach(where, quantity, int(slot), float(excess[slot]))


def is_below(node_id: str, above_id: str, parent_of: dict[str, str | None]) -> bool:
    """Return whether a node hangs below another, or is it."""
    current: str | None = node_id
    while current is not None:
        if current == above_id:
            return True
        current = parent_of[current]
    return False
