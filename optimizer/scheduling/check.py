"""The independent check: every limit, on what is really sent, from the site's records and nothing else.

It shares no array and no code with the program and the dispatch, so that a fault there cannot hide here.
Currents are phasors of the lines, all against the voltage of L1; power is ``sum_p V_p conj(I_p)``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from models.arrays import ComplexArray, FloatArray
from models.grid.limits import NodeLimit
from models.grid.site import N_PHASES, CircuitNode, Evse, Site, Station, Wiring
from models.schedule import Schedule
from models.state import Conduct, SiteState
from models.units import TOLERANCE_A, TOLERANCE_KW, W_PER_KW

VOLTAGES = np.exp(-2j * np.pi / 3 * np.arange(N_PHASES))
"""Directions of the voltages of L1, L2 and L3."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that a schedule would exceed; ``excess`` in kW, kVA or A, whatever ``quantity`` says."""

    where: str
    quantity: str
    slot: int
    excess: float


@dataclass(frozen=True, slots=True)
class _Lines:
    """Line currents of everything on a site, (3, n_slots) complex each [A].

    ``cars`` is by EVSE what pilots allow, ``fixed`` by node what nobody controls.
    """

    cars: dict[str, ComplexArray]
    fixed: dict[str, ComplexArray]


def breaches(state: SiteState, schedule: Schedule, load_quantile: float) -> tuple[Breach, ...]:
    """Return every limit that ``schedule`` would exceed; none means that it may be sent.

    Where what nobody controls is above a limit by itself, pilots must not add to it.
    """
    found = list(_pilot_breaches(state, schedule))
    cars = {
        evse.evse_id: _line_by_slot_a(state, evse) * schedule.pilot_a[row]
        for row, evse in enumerate(state.site.evses)
    }
    lines = _Lines(cars, _fixed_a(state, load_quantile))
    for node in state.site.nodes:
        found += _node_breaches(state, node, lines)
    for station in state.site.stations:
        found += _station_breaches(state.site, station, schedule)
    found += _line_breaches(state, schedule)
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


def _line_by_slot_a(state: SiteState, evse: Evse) -> ComplexArray:
    """Return the current of L1, L2 and L3 at a pilot of 1 A in every slot, shape (3, n_slots) [A].

    The car counts that may be there then; where there may be two of them the one that uses more phases.
    """
    n_used = np.zeros(state.grid.n_slots, dtype=np.int64)
    for session in state.sessions:
        if session.evse_id == evse.evse_id:
            begin, end = max(session.arrival, state.now), max(session.departure.times)
            stays = end <= state.now  # it should have left, and is still there
            there = state.grid.overlap_h(begin, max(end, state.grid.end) if stays else end) > 0
            uses = min(session.n_phases or N_PHASES, len(evse.phases))
            n_used = np.where(there, np.maximum(n_used, uses), n_used)
    of_number = [_line_a(evse, number or len(evse.phases)) for number in range(N_PHASES + 1)]
    return np.stack(of_number, axis=1)[:, n_used]


def _line_a(evse: Evse, n_used: int) -> ComplexArray:
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


def _fixed_a(state: SiteState, load_quantile: float) -> dict[str, ComplexArray]:
    """Return the line currents that nobody controls, by the node that they are drawn at."""
    shape = (N_PHASES, state.grid.n_slots)
    out = {node.node_id: np.zeros(shape, dtype=np.complex128) for node in state.site.nodes}
    for load in state.loads:
        current_a = (
            np.multiply.outer(load.phase_share, load.at(load_quantile)) * W_PER_KW / state.site.voltage_v
        )
        out[load.node_id] += VOLTAGES[:, None] * current_a
    for plant in state.assets.solar:
        if not plant.can_curtail:
            given_kw = plant.at(1.0 - load_quantile)
            out[plant.node_id] -= np.multiply.outer(VOLTAGES, given_kw) * (
                W_PER_KW / N_PHASES / state.site.voltage_v
            )
    for station in state.site.stations:
        for evse in station.evses:
            drawn_a = _drawn_anyway_a(state, station, evse)
            if drawn_a > 0.0:
                out[station.node_id] += _line_a(evse, len(evse.phases))[:, None] * drawn_a
    return out


def _drawn_anyway_a(state: SiteState, station: Station, evse: Evse) -> float:
    """Return the pilot that an EVSE counts at because its station cannot be told [A]."""
    for condition in state.conditions:
        if condition.station_id == station.station_id:
            most_a = evse.levels_a[-1]
            return min(station.offline_a, most_a) if condition.conduct is Conduct.OFFLINE else most_a
    return 0.0


def _node_breaches(state: SiteState, node: CircuitNode, lines: _Lines) -> Iterator[Breach]:
    parent_of = {other.node_id: other.parent_id for other in state.site.nodes}
    shape = (N_PHASES, state.grid.n_slots)
    cars_a, fixed_a = np.zeros(shape, dtype=np.complex128), np.zeros(shape, dtype=np.complex128)
    for other in state.site.nodes:
        if _is_below(other.node_id, node.node_id, parent_of):
            fixed_a += lines.fixed[other.node_id]
    for station in state.site.stations:
        if _is_below(station.node_id, node.node_id, parent_of):
            cars_a += sum((lines.cars[evse.evse_id] for evse in station.evses), np.zeros_like(cars_a))
    volts = state.site.voltage_v / W_PER_KW
    limit_kw, limit_a = _limits(state, node)
    for quantity, all_of_it, fixed, limit in _quantities(node, fixed_a + cars_a, fixed_a, volts):
        set_limit = np.full(state.grid.n_slots, limit)
        if quantity == "kW":
            set_limit = limit_kw
        elif quantity in ("L1", "L2", "L3"):
            set_limit = limit_a[int(quantity[1]) - 1]
        most = np.maximum(set_limit, fixed)
        tolerance = TOLERANCE_KW if quantity.startswith("k") else TOLERANCE_A
        yield from _over(node.node_id, quantity, all_of_it - most, tolerance)


def _quantities(
    node: CircuitNode, all_a: ComplexArray, fixed_a: ComplexArray, kv: float
) -> Iterator[tuple[str, FloatArray, FloatArray, float]]:
    """Yield (quantity, with cars, without cars, the node's own limit) of all that a node limits."""
    power = [(VOLTAGES[:, None] * np.conj(current)).sum(axis=0) * kv for current in (all_a, fixed_a)]
    yield "kW", power[0].real, power[1].real, np.inf
    for phase in range(N_PHASES):
        yield f"L{phase + 1}", np.abs(all_a[phase]), np.abs(fixed_a[phase]), np.inf
    if node.limit_kva is not None:
        yield "kVA", np.abs(power[0]), np.abs(power[1]), node.limit_kva
    if node.unbalance_a is not None:
        own = [current * np.conj(VOLTAGES)[:, None] for current in (all_a, fixed_a)]
        for one, other in ((0, 1), (1, 2), (2, 0)):
            apart = [np.abs(current[one] - current[other]) for current in own]
            yield f"L{one + 1}-L{other + 1}", apart[0], apart[1], node.unbalance_a


def _station_breaches(site: Site, station: Station, schedule: Schedule) -> Iterator[Breach]:
    """What the ports of a station occupy together must exist: power, or whole modules of it."""
    if station.limit_kw is None:
        return
    occupied_kw = np.zeros(schedule.grid.n_slots)
    for evse in station.evses:
        per_a = site.voltage_v / W_PER_KW * evse.power_factor
        is_pair = evse.wiring is Wiring.DELTA and len(evse.phases) < N_PHASES
        kw = schedule.pilot_a[schedule.row(evse.evse_id)] * per_a
        kw = kw * (np.sqrt(3.0) if is_pair else len(evse.phases))
        if station.module_kw is not None:
            kw = np.ceil(kw / station.module_kw - TOLERANCE_KW) * station.module_kw
        occupied_kw += kw
    yield from _over(f"station {station.station_id}", "kW", occupied_kw - station.limit_kw, TOLERANCE_KW)


def _line_breaches(state: SiteState, schedule: Schedule) -> Iterator[Breach]:
    anyway_a = {
        evse.evse_id: _drawn_anyway_a(state, station, evse)
        for station in state.site.stations
        for evse in station.evses
    }
    for line in state.site.lines:
        fixed = sum((weight * anyway_a[evse_id] for evse_id, weight in line.weights), 0j)
        total = np.full(state.grid.n_slots, fixed)
        for evse_id, weight in line.weights:
            total += weight * schedule.pilot_a[schedule.row(evse_id)]
        most_a = max(line.limit_a, abs(fixed))
        yield from _over(line.line_id, "A", np.abs(total) - most_a, TOLERANCE_A)


def _limits(state: SiteState, node: CircuitNode) -> tuple[FloatArray, FloatArray]:
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
