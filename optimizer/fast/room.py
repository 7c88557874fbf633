"""How much every row of a site carries now, and what is on it already: the room that a decision shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.schedule import AssetSchedule
from models.state import SiteState
from models.timegrid import TimeGrid
from models.units import W_PER_KW
from optimizer.fast.watch import FRESH_S
from optimizer.options import PlanOptions
from optimizer.row_limits import row_limits
from optimizer.scheduling.pilots import Room, Wires
from optimizer.topology import Topology


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Limits of R rows in T slots, and the load that nobody controls.

    Parameters
    ----------
    grid : TimeGrid
    limit : (R, T) float64
        Tightest limit of all sources, inf where there is none.
    load : (R, T, 2) float64
        What uncontrolled load puts on each row, real and imaginary part.
    planned_a : mapping of str to (3, T) float64
        What of it is drawn at each node, by phase [A].
    """

    grid: TimeGrid
    limit: FloatArray
    load: FloatArray
    planned_a: Mapping[str, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, state: SiteState, topology: Topology, options: PlanOptions) -> "Ceilings":
        """Return what holds in a valid state, as plans count it; who does not obey is counted by the clock."""
        limits = row_limits(replace(state, conditions=()), topology, options)
        parts = np.stack([limits.offset.real, limits.offset.imag], axis=-1)
        planned_a: dict[str, FloatArray] = {}
        for load in state.loads:
            power_kw = load.at(options.load_quantile)
            drawn_a = np.multiply.outer(load.phase_share, power_kw) * (W_PER_KW / topology.voltage_v)
            planned_a[load.node_id] = planned_a.get(load.node_id, 0.0) + drawn_a
        return cls(state.grid, limits.set_limit, frozen(parts), planned_a)

    def slot(self, now_s: float) -> int:
        """Return the slot of a moment; before the first and after the last slot these hold on."""
        return slot_at(self.grid, now_s)

    def room(self, now_s: float, n_lines: IntArray) -> Room:
        """Return what rows carry at a moment while no car, which would use ``n_lines`` (E,), draws anything."""
        slot = self.slot(now_s)
        return Room(self.load[:, slot].copy(), self.limit[:, slot].copy(), n_lines)


class LoadMeters:
    """What meters of loads that nobody controls just showed: it takes the place of what was planned.

    Parameters
    ----------
    topology : Topology
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._shown: dict[str, tuple[float, FloatArray]] = {}

    def read(self, node_id: str, drawn_a: FloatArray, at_s: float) -> None:
        """Take the current of each phase that is drawn at a node beside EVSEs, shape (3,) [A].

        Raises
        ------
        KeyError
            There is no such node.
        """
        if node_id not in self._topology.node_ids:
            raise KeyError(node_id)
        if at_s > self._shown.get(node_id, (-np.inf, drawn_a))[0]:
            self._shown[node_id] = (at_s, frozen(drawn_a))

    def correct(self, room: Room, ceilings: Ceilings, now_s: float) -> None:
        """Put the difference to the plan on the rows, where a meter spoke lately; changes the room in place."""
        rows, slot = self._topology.rows, ceilings.slot(now_s)
        for node_id, (at_s, drawn_a) in self._shown.items():
            if now_s - at_s <= FRESH_S:
                planned_a = ceilings.planned_a.get(node_id)
                more_a = drawn_a if planned_a is None else drawn_a - planned_a[:, slot]
                above = rows.of_node[self._topology.node_ids.index(node_id)]
                room.total[above, 0] += rows.response[above] @ more_a


@dataclass(frozen=True, slots=True)
class AssetLoad:
    """What assets put on R rows in T slots while they do as a plan says: ``load`` (R, T), in phase with the voltage."""

    grid: TimeGrid
    load: FloatArray

    @classmethod
    def of(
        cls, grid: TimeGrid, assets: tuple[AssetSchedule, ...], state: SiteState, topology: Topology
    ) -> "AssetLoad":
        """Return what the assets of a schedule draw, and take off the load where they give."""
        load = np.zeros((len(topology.rows.names), grid.n_slots))
        node_of = state.assets.node_of
        for asset in assets:
            node = topology.node_ids.index(node_of[asset.asset_id])
            rows, per_kw = topology.rows.tap(node, topology.voltage_v)
            load[rows] += np.multiply.outer(per_kw, asset.power_kw)
        return cls(grid, frozen(load))

    def at(self, now_s: float) -> FloatArray:
        """Return it at a moment, shape (R,); after the last slot it holds on."""
        return self.load[:, slot_at(self.grid, now_s)]


def slot_at(grid: TimeGrid, now_s: float) -> int:
    """Return the slot of a moment [s since the Unix epoch], the first or last where it lies outside."""
    slot = int((now_s - grid.start.timestamp()) // grid.step_s)
    return min(max(slot, 0), grid.n_slots - 1)


def car_wires(topology: Topology) -> Wires:
    """Return what a pilot loads, by the number of lines that its car uses; kernels of decisions ask for no power."""
    rows = topology.rows
    weight = np.stack([rows.weight.real, rows.weight.imag], axis=-1)
    return Wires(topology.levels_a, rows.of_evse, frozen(weight), rows.is_power, frozen(np.zeros((0, 0))))
