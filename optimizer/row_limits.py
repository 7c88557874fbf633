"""How much every row may carry in each slot, and what is on it already."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.arrays import ComplexArray, ComplexBySlot, FloatArray, FloatBySlot, frozen, read_only
from models.grid.site import N_PHASES
from models.state import Conduct, SiteState
from models.units import W_PER_KW
from optimizer.options import PlanOptions
from optimizer.rows import PHASE_NAMES, POWER
from optimizer.topology import Topology


class Overload(NamedTuple):
    """A row that is above its limit, in these slots, with every car paused."""

    row: int
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RowLimits:
    """Limits of R rows in T slots, and what nobody controls.

    Parameters
    ----------
    set_limit : (R, T) float64
        Tightest limit of all sources, inf where there is none.
    limit, floor : (R, T) float64
        The same, but never so tight that pausing everybody would break it.
    offset : (R, T) complex128
        What uncontrolled load and stations that do not obey put on the row.
    least : (R, T) complex128
        The least of it: little load, much sun, and nothing drawn by stations that do not obey.
    sunny : (R, T) float64
        What solar plants that cannot be told may feed back beyond what the offset counts, on a sunny day.
    overloads : tuple of Overload
        Where the offset alone is above a limit.
    """

    set_limit: FloatBySlot
    limit: FloatBySlot
    floor: FloatBySlot
    offset: ComplexBySlot
    least: ComplexBySlot
    sunny: FloatBySlot
    overloads: tuple[Overload, ...]

    @property
    def headroom(self) -> FloatArray:
        """What a balanced, unity load could still add on each row, shape (R, T)."""
        return frozen(np.maximum(self.limit - np.abs(self.offset), 0.0))


def row_limits(state: SiteState, topology: Topology, options: PlanOptions) -> RowLimits:
    """Return the limits of a valid state; its uncontrolled load counts at the planned quantile."""
    rows = topology.rows
    set_limit = limits_of(state, topology)
    quantile, is_power = options.load_quantile, rows.is_power[:, None]
    offset = load_offset(state, topology, quantile) + _conduct_offset(state, topology)[:, None]
    offset = np.where(is_power, offset.real, offset)
    least = load_offset(state, topology, 1.0 - quantile)
    size = np.where(rows.is_power[:, None], offset.real, np.abs(offset))
    floor = np.repeat(rows.floor[:, None], state.grid.n_slots, axis=1)
    return RowLimits(
        set_limit=frozen(set_limit),
        limit=frozen(np.maximum(set_limit, size)),
        floor=frozen(np.minimum(floor, offset.real)),
        offset=read_only(offset),
        least=read_only(np.where(is_power, least.real, least)),
        sunny=_sunny(state, topology, options),
        overloads=_overloads(set_limit - size),
    )


def limits_of(state: SiteState, topology: Topology) -> FloatArray:
    """Return the tightest limits of all sources, shape (R, T), inf where there is none."""
    rows = topology.rows
    limit = np.repeat(rows.rated[:, None], state.grid.n_slots, axis=1)
    for signal in state.limits:
        if signal.limit_kw is not None:
            row = rows.place(signal.node_id, POWER)
            limit[row] = np.minimum(limit[row], signal.limit_kw)
        if signal.limit_a is not None:
            places = [rows.place(signal.node_id, name) for name in PHASE_NAMES]
            limit[places] = np.minimum(limit[places], signal.limit_a)
    return frozen(limit)


def load_offset(state: SiteState, topology: Topology, quantile: float) -> ComplexArray:
    """Return what the uncontrolled load puts on every row, less what solar plants give that cannot be told, (R, T).

    The load counts at a quantile and the sun at what is left of it: a careful plan counts on much load and little sun.
    """
    rows = topology.rows
    offset = np.zeros((len(rows.names), state.grid.n_slots), dtype=np.complex128)
    for load in state.loads:
        power_kw = load.at(quantile)
        above = rows.of_node[topology.node_ids.index(load.node_id)]
        a_per_kw = load.phase_share * (W_PER_KW / topology.voltage_v)
        offset[above] += np.multiply.outer(rows.response[above] @ a_per_kw, power_kw)
    for plant in state.assets.solar:
        if not plant.can_curtail:
            above, per_kw = rows.tap(topology.node_ids.index(plant.node_id), topology.voltage_v)
            offset[above] -= np.multiply.outer(per_kw, plant.at(1.0 - quantile))
    return read_only(offset)


def _sunny(state: SiteState, topology: Topology, options: PlanOptions) -> FloatArray:
    """Return what solar plants that cannot be told may feed back beyond what they count for, shape (R, T)."""
    rows = topology.rows
    sunny = np.zeros((len(rows.names), state.grid.n_slots))
    for plant in state.assets.solar:
        if not plant.can_curtail:
            more_kw = plant.at(options.load_quantile) - plant.at(1.0 - options.load_quantile)
            above, per_kw = rows.tap(topology.node_ids.index(plant.node_id), topology.voltage_v)
            sunny[above] += np.multiply.outer(per_kw, np.maximum(more_kw, 0.0))
    return frozen(sunny)


def disobedient(state: SiteState, topology: Topology) -> FloatArray:
    """Return the current that EVSEs of stations which cannot be told count at, shape (E,) [A]; nan elsewhere."""
    conduct = {condition.station_id: condition.conduct for condition in state.conditions}
    out = np.full(topology.n_evses, np.nan)
    if not conduct:
        return frozen(out)
    row = 0
    for station in state.site.stations:
        here = slice(row, row + len(station.evses))
        row = here.stop
        most_a = np.array([evse.levels_a[-1] for evse in station.evses])  # modules or not: it is not told
        if conduct.get(station.station_id) is Conduct.OFFLINE:
            out[here] = np.minimum(station.offline_a, most_a)
        elif conduct.get(station.station_id) is Conduct.NOT_FOLLOWING:
            out[here] = most_a
    return frozen(out)


def _conduct_offset(state: SiteState, topology: Topology) -> ComplexArray:
    """Return what stations that do not obey put on every row, shape (R,)."""
    rows = topology.rows
    out = np.zeros(len(rows.names), dtype=np.complex128)
    if state.conditions:
        drawn_a = np.nan_to_num(disobedient(state, topology))
        weight = rows.weight[-1] * drawn_a[:, None]
        there = rows.of_evse >= 0
        np.add.at(out, rows.of_evse[there], weight[there])
    return out


def _overloads(spare: FloatArray) -> tuple[Overload, ...]:
    found = []
    for row in np.nonzero((spare < 0).any(axis=1))[0].tolist():
        slots = np.nonzero(spare[row] < 0)[0]
        found.append(Overload(row, tuple(int(slot) for slot in slots)))
    return tuple(found)


def balanced_room_kw(limits: RowLimits, topology: Topology) -> FloatArray:
    """Return what the phases of the site's root carry beside the load, shape (T,) [kW]."""
    rows = topology.rows
    root = topology.node_ids[topology.root]
    places = [rows.place(root, name) for name in PHASE_NAMES[:N_PHASES]]
    return frozen(limits.headroom[places].sum(axis=0) * topology.voltage_v / W_PER_KW)
