"""The independent check: every limit, on what is really sent, from the site's records and nothing else.

It shares no array and no code with the program and the dispatch, so that a fault there cannot hide here.
Currents are phasors of the lines, all against the voltage of L1; power is ``sum_p V_p conj(I_p)``.
"""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from models.arrays import BoolArray, ComplexArray, FloatArray
from models.grid.site import N_PHASES, CircuitNode, Station
from models.schedule import Schedule
from models.state import SiteState
from models.units import TOLERANCE_A, TOLERANCE_KW, W_PER_KW
from optimizer.scheduling.check_assets import asset_breaches, assets_a
from optimizer.scheduling.check_back import back_breaches
from optimizer.scheduling.check_lines import (
    VOLTAGES,
    Breach,
    Lines,
    Through,
    drawn_anyway_a,
    limits_of_node,
    line_a,
    lines_per_a,
    lines_used,
    over,
    uncontrolled_a,
)


def breaches(state: SiteState, schedule: Schedule, load_quantile: float) -> tuple[Breach, ...]:
    """Return every limit that ``schedule`` would exceed; none means that it may be sent.

    Where what nobody controls is above a limit by itself, pilots must not add to it.
    """
    found = list(_pilot_breaches(state, schedule))
    assets, fixed = assets_a(state, schedule), uncontrolled_a(state, load_quantile, 1.0 - load_quantile)
    used = lines_used(state)
    per_a = lines_per_a(state, {name: most for name, (most, _) in used.items()})
    cars = _cars_a(state, schedule, per_a)
    through = Lines(cars, assets, fixed).through(state)
    for node in state.site.nodes:
        found += _node_breaches(state, node, through)
    if any(
        (least < most).any() for most, least in used.values()
    ):  # the one who uses less may be there as well as the other
        per_a_of_least = lines_per_a(state, {name: least for name, (_, least) in used.items()})
        through = Lines(_cars_a(state, schedule, per_a_of_least), assets, fixed).through(state)
        for node in state.site.nodes:
            found += [one for one in _node_breaches(state, node, through) if one not in found]
    for station in state.site.stations:
        found += _station_breaches(
            station, _ports_a(station, schedule, cars), state.site.voltage_v / W_PER_KW
        )
    found += _line_breaches(state, schedule)
    found += asset_breaches(state, schedule, load_quantile, per_a)
    found += back_breaches(state, schedule, load_quantile, per_a)
    return tuple(found)


def _cars_a(state: SiteState, schedule: Schedule, per_a: dict[str, ComplexArray]) -> dict[str, ComplexArray]:
    """Return the line currents that pilots allow to cars with so much current at 1 A, by EVSE."""
    return {name: per_a[name] * schedule.pilot_a[row] for row, name in enumerate(state.site.evse_ids)}


def _pilot_breaches(state: SiteState, schedule: Schedule) -> Iterator[Breach]:
    """Every pilot must be 0 or one that the EVSE can give, and 0 where nobody is plugged in."""
    plugged = _plugged(state)
    kinds: dict[tuple[float, ...], list[int]] = {}
    for row, evse in enumerate(state.site.evses):
        kinds.setdefault(evse.levels_a, []).append(row)
    for levels_a, rows in kinds.items():
        pilot_a = schedule.pilot_a[rows]
        distance_a = np.abs(pilot_a)
        for level_a in levels_a:
            distance_a = np.minimum(distance_a, np.abs(pilot_a - level_a))
        wrong = (distance_a > TOLERANCE_A) | ((pilot_a > 0) & ~plugged[rows])
        for place, slot in np.argwhere(wrong):
            evse_id = state.site.evse_ids[rows[place]]
            yield Breach(evse_id, "pilot", int(slot), float(pilot_a[place, slot]))


def _plugged(state: SiteState) -> BoolArray:
    """Return when a car is plugged in, shape (E, n_slots)."""
    row_of = {evse_id: row for row, evse_id in enumerate(state.site.evse_ids)}
    plugged = np.zeros((len(row_of), state.grid.n_slots), dtype=np.bool_)
    edges_s = state.grid.step_s * np.arange(state.grid.n_slots + 1)
    for session in state.sessions:
        begin, end = max(session.arrival, state.now), max(session.departure.times)
        if end <= state.now:  # it should have left, and is still there: for a slot's length, for all we know
            end = state.now + timedelta(seconds=state.grid.step_s)
        begins_s, ends_s = ((moment - state.grid.start).total_seconds() for moment in (begin, end))
        plugged[row_of[session.evse_id]] |= (edges_s[1:] > begins_s) & (edges_s[:-1] < ends_s)
    return plugged


def _node_breaches(state: SiteState, node: CircuitNode, through: Through) -> Iterator[Breach]:
    all_a, fixed_a = through[node.node_id]
    volts = state.site.voltage_v / W_PER_KW
    limit_kw, limit_a = limits_of_node(state, node)
    for quantity, all_of_it, fixed, limit in _quantities(node, all_a, fixed_a, volts):
        set_limit = np.full(state.grid.n_slots, limit)
        if quantity == "kW":
            set_limit = limit_kw
        elif quantity in ("L1", "L2", "L3"):
            set_limit = limit_a[int(quantity[1]) - 1]
        most = np.maximum(set_limit, fixed)
        tolerance = TOLERANCE_KW if quantity.startswith("k") else TOLERANCE_A
        yield from over(node.node_id, quantity, all_of_it - most, tolerance)


def _quantities(
    node: CircuitNode, all_a: ComplexArray, fixed_a: ComplexArray, kv: float
) -> Iterator[tuple[str, FloatArray, FloatArray, float]]:
    """Yield (quantity, of everything, of what is fixed, the node's own limit) of all that a node limits."""
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


def _ports_a(station: Station, schedule: Schedule, cars: dict[str, ComplexArray]) -> list[ComplexArray]:
    """Return the line currents that count for a cabinet: of modules those of all phases, whatever the car uses."""
    if station.module_kw is None:
        return [cars[evse.evse_id] for evse in station.evses]
    return [
        line_a(evse, len(evse.phases))[:, None] * schedule.pilot_a[schedule.row(evse.evse_id)]
        for evse in station.evses
    ]


def _station_breaches(station: Station, ports_a: list[ComplexArray], kv: float) -> Iterator[Breach]:
    """What the ports of a station occupy together must exist: power, or whole modules of it."""
    if station.limit_kw is None:
        return
    by_port = [(VOLTAGES[:, None] * np.conj(port_a)).sum(axis=0).real * kv for port_a in ports_a]
    occupied_kw = np.array(by_port)
    if station.module_kw is not None:
        occupied_kw = np.ceil(occupied_kw / station.module_kw - TOLERANCE_KW) * station.module_kw
    excess_kw = occupied_kw.sum(axis=0) - station.limit_kw
    yield from over(f"station {station.station_id}", "kW", excess_kw, TOLERANCE_KW)


def _line_breaches(state: SiteState, schedule: Schedule) -> Iterator[Breach]:
    anyway_a = {
        evse.evse_id: drawn_anyway_a(state, station, evse)
        for station in state.site.stations
        for evse in station.evses
    }
    for line in state.site.lines:
        fixed = sum((weight * anyway_a[evse_id] for evse_id, weight in line.weights), 0j)
        total = np.full(state.grid.n_slots, fixed)
        for evse_id, weight in line.weights:
            total += weight * schedule.pilot_a[schedule.row(evse_id)]
        most_a = max(line.limit_a, abs(fixed))
        yield from over(line.line_id, "A", np.abs(total) - most_a, TOLERANCE_A)
