"""How much every row of a site carries now, and what is on it already: the room that a decision shares."""

from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.grid.site import N_PHASES, Site
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.options import PlanOptions
from optimizer.row_limits import row_limits
from optimizer.rows import evse_phasors
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
    """

    grid: TimeGrid
    limit: FloatArray
    load: FloatArray

    @classmethod
    def of(cls, state: SiteState, topology: Topology, options: PlanOptions) -> "Ceilings":
        """Return what holds in a valid state, as plans count it; who does not obey is counted by the clock."""
        limits = row_limits(replace(state, conditions=()), topology, options)
        parts = np.stack([limits.offset.real, limits.offset.imag], axis=-1)
        return cls(state.grid, limits.set_limit, frozen(parts))

    def room(self, now_s: float) -> Room:
        """Return what rows carry at a moment while no car draws anything; after the last slot it holds on."""
        slot = int((now_s - self.grid.start.timestamp()) // self.grid.step_s)
        slot = min(max(slot, 0), self.grid.n_slots - 1)
        return Room(self.load[:, slot].copy(), self.limit[:, slot].copy())


class CarWires:
    """What a pilot loads, by the number of lines that its car uses.

    Parameters
    ----------
    site : Site
    topology : Topology
        Of this site.
    """

    def __init__(self, site: Site, topology: Topology) -> None:
        rows = topology.rows
        weights = []
        for n_lines in range(1, N_PHASES + 1):
            phasors = np.array([evse_phasors(evse, n_lines) for evse in site.evses]).reshape(-1, N_PHASES)
            weight = rows.weights(phasors)
            weights.append(np.stack([weight.real, weight.imag], axis=-1))
        self._weight = frozen(weights)
        self._frame = Wires(topology.levels_a, rows.of_evse, self._weight[0], rows.is_power, frozen([]))
        self._evses = np.arange(topology.n_evses)

    def using(self, n_lines: IntArray) -> Wires:
        """Return the wires of cars that use so many lines, shape (E,)."""
        return self._frame._replace(weight=self._weight[n_lines - 1, self._evses])
