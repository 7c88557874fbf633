"""The judge of a plan: every limit, counted slot by slot and pilot by pilot from the site's records.

Deliberately naive, and sharing no code with the engine. A current is a phasor: the voltage of L1 points along
the real axis, L2 and L3 follow by 120 degrees each; a lagging current is turned back by ``arccos(power factor)``.
"""

import cmath
import math
from collections.abc import Iterator
from typing import Final, TypeAlias

from models.grid.site import CircuitNode, Evse, Station, Wiring
from models.schedule import Schedule
from models.state import Conduct, SiteState

TURN: Final = cmath.exp(-2j * math.pi / 3)
NODE_NOISE_KW: Final = 1e-9
"""Part of a module that is float noise [kW]."""


def worst_excess_a(state: SiteState, schedule: Schedule, load_quantile: float) -> float:
    """Return by how much a schedule exceeds the limit that it exceeds most [A]; 0 or less: none.

    Where what nobody controls is above a limit by itself, the limit is that: cars must not add to it. A power
    counts as the balanced current that carries it.
    """
    worst = -math.inf
    for slot in range(state.grid.n_slots):
        for used, limit, a_per_unit in _loadings(state, schedule, load_quantile, slot):
            worst = max(worst, (used - limit) * a_per_unit)
    return worst


def wrong_pilots(state: SiteState, schedule: Schedule) -> int:
    """Return how many pilots are none that their EVSE can give."""
    n_wrong = 0
    for evse in state.site.evses:
        levels = (0.0, *evse.levels_a)
        for pilot in schedule.pilot_a[schedule.row(evse.evse_id)].tolist():
            n_wrong += min(abs(pilot - level) for level in levels) > 1e-6  # noqa: PLR2004 - float noise
    return n_wrong


Loading: TypeAlias = tuple[float, float, float]
"""What is used, what may be, and the amperes of one of its units."""


def _loadings(state: SiteState, schedule: Schedule, load_quantile: float, slot: int) -> Iterator[Loading]:
    """Yield the loading of every limit in a slot: where two cars may be there, with either of them."""
    for which in (max, min):
        used = {evse.evse_id: which(_phases_used(state, evse, slot)) for evse in state.site.evses}
        for node in state.site.nodes:
            cars, fixed = _currents(state, schedule, load_quantile, (node.node_id, slot), used)
            yield from _node_loadings(state, node, slot, (cars, fixed))
    for station in state.site.stations:
        if station.limit_kw is not None:
            per_kw = 1000.0 / (3.0 * state.site.voltage_v)
            yield _occupied_kw(state, station, schedule, slot), station.limit_kw, per_kw
    for line in state.site.lines:
        pilots = {name: float(schedule.pilot_a[schedule.row(name), slot]) for name, _ in line.weights}
        fixed_a = sum((weight * _drawn_anyway_a(state, name) for name, weight in line.weights), 0j)
        total_a = fixed_a + sum((weight * pilots[name] for name, weight in line.weights), 0j)
        yield abs(total_a), max(line.limit_a, abs(fixed_a)), 1.0


def _node_loadings(
    state: SiteState, node: CircuitNode, slot: int, currents: tuple[list[complex], list[complex]]
) -> Iterator[Loading]:
    cars, fixed = currents
    both = [car + other for car, other in zip(cars, fixed, strict=True)]
    kv = state.site.voltage_v / 1000.0
    limit_kw, limit_a = _limits(state, node, slot)
    yield _power(both, kv).real, max(limit_kw, _power(fixed, kv).real), 1.0 / (3.0 * kv)
    for phase in range(3):
        yield abs(both[phase]), max(limit_a[phase], abs(fixed[phase])), 1.0
    if node.limit_kva is not None:
        yield abs(_power(both, kv)), max(node.limit_kva, abs(_power(fixed, kv))), 1.0 / (3.0 * kv)
    if node.unbalance_a is not None:
        for one, other in ((0, 1), (1, 2), (2, 0)):
            apart = [_turned(line[one], -one) - _turned(line[other], -other) for line in (both, fixed)]
            yield abs(apart[0]), max(node.unbalance_a, abs(apart[1])), 1.0


def _currents(
    state: SiteState,
    schedule: Schedule,
    load_quantile: float,
    place: tuple[str, int],
    used: dict[str, int],
) -> tuple[list[complex], list[complex]]:
    """Return the line currents below a node in a slot: of pilots, with so many phases in use, and of the rest."""
    (node_id, slot), cars, fixed = place, [0j, 0j, 0j], [0j, 0j, 0j]
    for load in state.loads:
        if node_id in _path(state, load.node_id):
            power_kw = float(load.at(load_quantile)[slot])
            for phase in range(3):
                amperes = float(load.phase_share[phase]) * power_kw * 1000.0 / state.site.voltage_v
                fixed[phase] += _turned(amperes, phase)
    for station in state.site.stations:
        if node_id not in _path(state, station.node_id):
            continue
        for evse in station.evses:
            pilot_a = float(schedule.pilot_a[schedule.row(evse.evse_id), slot])
            anyway_a = _drawn_anyway_a(state, evse.evse_id)
            pilots = _of_one_ampere(evse, used[evse.evse_id])
            anyway = _of_one_ampere(evse, len(evse.phases))
            for phase in range(3):
                cars[phase] += pilots[phase] * pilot_a
                fixed[phase] += anyway[phase] * anyway_a
    return cars, fixed


def _of_one_ampere(evse: Evse, n_used: int) -> list[complex]:
    """Return the line currents at a pilot of 1 A."""
    lag = cmath.rect(1.0, -math.acos(evse.power_factor))
    out = [0j, 0j, 0j]
    if evse.wiring is Wiring.DELTA and len(evse.phases) == 2:  # noqa: PLR2004 - between two lines
        one, other = (int(phase) for phase in evse.phases)
        between = TURN**one - TURN**other
        out[one] = between / abs(between) * lag
        out[other] = -out[one]
        return out
    for phase in evse.phases[:n_used]:
        out[phase] = TURN ** int(phase) * lag
    return out


def _phases_used(state: SiteState, evse: Evse, slot: int) -> list[int]:
    """Return how many phases each car uses that may be there in a slot; all where nobody is.

    Who is past its departure may stay, and nobody stays when the next one comes.
    """
    begin, end = max(state.grid.slot_start(slot), state.now), state.grid.slot_start(slot + 1)
    here = [car for car in state.sessions if car.evse_id == evse.evse_id]
    found = []
    for car in here:
        leaves = max(car.departure.times)
        leaves = end if leaves <= state.now else leaves
        leaves = min([leaves, *(other.arrival for other in here if other.arrival > car.arrival)])
        if car.arrival < end and leaves > begin:
            found.append(min(car.n_phases or 3, len(evse.phases)))
    return found or [len(evse.phases)]


def _drawn_anyway_a(state: SiteState, evse_id: str) -> float:
    """Return what an EVSE draws because its station cannot be told [A]."""
    station = state.site.station_of(evse_id)
    evse = next(one for one in station.evses if one.evse_id == evse_id)
    for condition in state.conditions:
        if condition.station_id == station.station_id:
            most_a = max(evse.levels_a)
            return min(station.offline_a, most_a) if condition.conduct is Conduct.OFFLINE else most_a
    return 0.0


def _occupied_kw(state: SiteState, station: Station, schedule: Schedule, slot: int) -> float:
    """Return what ports take of a cabinet: on the phases that cars use, or whole modules, whatever they use."""
    total_kw = 0.0
    for evse in station.evses:
        is_pair = evse.wiring is Wiring.DELTA and len(evse.phases) == 2  # noqa: PLR2004 - between two lines
        n_used = len(evse.phases) if station.module_kw is not None else max(_phases_used(state, evse, slot))
        width = math.sqrt(3.0) if is_pair else n_used
        per_a = state.site.voltage_v / 1000.0 * width * evse.power_factor
        kw = float(schedule.pilot_a[schedule.row(evse.evse_id), slot]) * per_a
        if station.module_kw is not None:
            kw = math.ceil(kw / station.module_kw - NODE_NOISE_KW) * station.module_kw
        total_kw += kw
    return total_kw


def _limits(state: SiteState, node: CircuitNode, slot: int) -> tuple[float, list[float]]:
    kw = math.inf if node.limit_kw is None else node.limit_kw
    amperes = [math.inf] * 3 if node.limit_a is None else list(node.limit_a)
    for limit in state.limits:
        if limit.node_id == node.node_id:
            if limit.limit_kw is not None:
                kw = min(kw, float(limit.limit_kw[slot]))
            if limit.limit_a is not None:
                amperes = [min(a, float(limit.limit_a[phase, slot])) for phase, a in enumerate(amperes)]
    return kw, amperes


def _power(line_a: list[complex], kv: float) -> complex:
    """Return the complex power of line currents [kW and kvar]."""
    return sum((TURN**phase * current.conjugate() for phase, current in enumerate(line_a)), 0j) * kv


def _turned(current: complex, phases: int) -> complex:
    return complex(current) * TURN**phases


def _path(state: SiteState, node_id: str) -> list[str]:
    parent_of = {node.node_id: node.parent_id for node in state.site.nodes}
    path: list[str] = []
    above: str | None = node_id
    while above is not None:
        path.append(above)
        above = parent_of[above]
    return path
