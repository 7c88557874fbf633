"""The independent check: every limit, on what is really sent, from the site's records and nothing else.

It shares no array and no code with the program and the dispatch, so that a fault there cannot hide here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from models.arrays import FloatArray
from models.grid.site import N_PHASES, CircuitNode, Evse
from models.schedule import Schedule
from models.state import SiteState
from models.units import TOLERANCE_A, TOLERANCE_KW, W_PER_KW


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that a schedule would exceed; ``excess`` in kW or A, whatever ``quantity`` says."""

    where: str
    quantity: str
    slot: int
    excess: float


def breaches(state: SiteState, schedule: Schedule, load_quantile: float) -> tuple[Breach, ...]:
    """Return every limit that ``schedule`` would exceed; none means that it may be sent.

    Where the uncontrolled load alone is above a limit, EVSEs below must not add to it.
    """
    found = list(_pilot_breaches(state, schedule))
    current_a = {
        evse.evse_id: _current_a(state, evse, schedule.pilot_a[row])
        for row, evse in enumerate(state.site.evses)
    }
    for node in state.site.nodes:
        found += _node_breaches(state, node, current_a, load_quantile)
    return tuple(found)


def _pilot_breaches(state: SiteState, schedule: Schedule) -> Iterator[Breach]:
    """Every pilot must be 0 or one that the EVSE can give, and 0 where nobody is plugged in."""
    plugged = {evse_id: np.zeros(state.grid.n_slots, dtype=np.bool_) for evse_id in state.site.evse_ids}
    for session in state.sessions:
        begin, end = max(session.arrival, state.now), max(session.departure.times)
        if end <= state.now:  # it should have left, and is still there: for a slot's length, for all we know
            end = state.now + timedelta(seconds=state.grid.step_s)
        plugged[session.evse_id] |= state.grid.overlap_h(begin, end) > 0
    for row, evse in enumerate(state.site.evses):
        pilot_a = schedule.pilot_a[row]
        distance_a = np.abs(pilot_a[:, None] - np.array([0.0, *evse.levels_a])[None, :]).min(axis=1)
        wrong = (distance_a > TOLERANCE_A) | ((pilot_a > 0) & ~plugged[evse.evse_id])
        for slot in np.nonzero(wrong)[0]:
            yield Breach(evse.evse_id, "pilot", int(slot), float(pilot_a[slot]))


def _current_a(state: SiteState, evse: Evse, pilot_a: FloatArray) -> FloatArray:
    """Return the current on each site phase at a pilot, shape (3, n_slots) [A]: of cars within the horizon."""
    used = [
        min(session.n_phases or N_PHASES, len(evse.phases))
        for session in state.sessions
        if session.evse_id == evse.evse_id and session.arrival < state.grid.end
    ]
    out = np.zeros((N_PHASES, pilot_a.size))
    for phase in evse.phases[: max(used, default=len(evse.phases))]:
        out[phase] += pilot_a
    return out


def _node_breaches(
    state: SiteState, node: CircuitNode, current_a: dict[str, FloatArray], load_quantile: float
) -> Iterator[Breach]:
    parent_of = {other.node_id: other.parent_id for other in state.site.nodes}
    cars_a = np.zeros((N_PHASES, state.grid.n_slots))
    for station in state.site.stations:
        if _is_below(station.node_id, node.node_id, parent_of):
            cars_a += sum((current_a[evse.evse_id] for evse in station.evses), np.zeros_like(cars_a))
    load_a = np.zeros_like(cars_a)
    for load in state.loads:
        if _is_below(load.node_id, node.node_id, parent_of):
            power_kw = load.at(load_quantile)
            load_a += load.phase_share[:, None] * power_kw * W_PER_KW / state.site.voltage_v
    kw_per_a = state.site.voltage_v / W_PER_KW
    limit_kw, limit_a = _limits(state, node)
    spare_kw = np.maximum(limit_kw - load_a.sum(axis=0) * kw_per_a, 0.0)
    yield from _over(node.node_id, "kW", cars_a.sum(axis=0) * kw_per_a - spare_kw, TOLERANCE_KW)
    for phase in range(N_PHASES):
        spare_a = np.maximum(limit_a[phase] - load_a[phase], 0.0)
        yield from _over(node.node_id, f"L{phase + 1}", cars_a[phase] - spare_a, TOLERANCE_A)


def _limits(state: SiteState, node: CircuitNode) -> tuple[FloatArray, FloatArray]:
    limit_kw = np.full(state.grid.n_slots, np.inf if node.limit_kw is None else node.limit_kw)
    limit_a = np.full((N_PHASES, state.grid.n_slots), np.inf)
    if node.limit_a is not None:
        limit_a = np.minimum(limit_a, np.array(node.limit_a)[:, None])
    for limit in state.limits:
        if limit.node_id == node.node_id and limit.limit_kw is not None:
            limit_kw = np.minimum(limit_kw, limit.limit_kw)
        if limit.node_id == node.node_id and limit.limit_a is not None:
            limit_a = np.minimum(limit_a, limit.limit_a)
    return limit_kw, limit_a


def _over(where: str, quantity: str, excess: FloatArray, tolerance: float) -> Iterator[Breach]:
    for slot in np.nonzero(excess > tolerance)[0]:
        yield Breach(where, quantity, int(slot), float(excess[slot]))


def _is_below(node_id: str, above_id: str, parent_of: dict[str, str | None]) -> bool:
    current: str | None = node_id
    while current is not None:
        if current == above_id:
            return True
        current = parent_of[current]
    return False
