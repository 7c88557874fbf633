"""What never changes while a site is planned: its tree, its EVSEs and their pilots, as arrays."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.grid.site import N_PHASES, CircuitNode, Evse, Site
from models.units import W_PER_KW


@dataclass(frozen=True, slots=True)
class Topology:
    """A site as arrays; E EVSEs, N nodes, at most L pilots above 0 and D nodes on a path to the root.

    Parameters
    ----------
    evse_ids, node_ids : tuple of str
        Row orders.
    root : int
        Row of the grid connection point.
    below : (N, E) bool
        Whether an EVSE hangs below (or at) a node.
    ancestors : (E, D) int64
        Nodes above an EVSE, its own first, the root last; padded with -1.
    on_phase : (E, 3) bool
        Site phases that an EVSE is connected to.
    phase_order : (E, 3) int64
        Site phase behind the EVSE's own L1, L2, L3; padded with -1.
    levels_a : (E, L) float64
        Pilots above 0, ascending, padded with inf [A].
    min_a, max_a : (E,) float64
        Least and greatest pilot above 0 [A].
    rated_kw : (N,) float64
        Node ratings [kW], inf where there is none.
    rated_a : (N, 3) float64
        Node ratings by phase [A], inf where there is none.
    voltage_v : float
        Nominal line-to-neutral voltage [V].
    """

    evse_ids: tuple[str, ...]
    node_ids: tuple[str, ...]
    root: int
    below: BoolArray
    ancestors: IntArray
    on_phase: BoolArray
    phase_order: IntArray
    levels_a: FloatArray
    min_a: FloatArray
    max_a: FloatArray
    rated_kw: FloatArray
    rated_a: FloatArray
    voltage_v: float

    @classmethod
    def of(cls, site: Site) -> "Topology":
        """Return the arrays of a valid site."""
        node_ids = tuple(node.node_id for node in site.nodes)
        ancestors = _ancestors(site, node_ids)
        below = np.zeros((len(node_ids), len(site.evses)), dtype=np.bool_)
        for row, path in enumerate(ancestors):
            below[path[path >= 0], row] = True
        phase_order = _padded([list(evse.phases) for evse in site.evses], N_PHASES)
        levels_a = _levels(site.evses)
        limit_a = [[np.inf] * N_PHASES if node.limit_a is None else node.limit_a for node in site.nodes]
        return cls(
            evse_ids=site.evse_ids,
            node_ids=node_ids,
            root=node_ids.index(site.root.node_id),
            below=below,
            ancestors=ancestors,
            on_phase=_on_phase(phase_order),
            phase_order=phase_order,
            levels_a=levels_a,
            min_a=frozen([evse.levels_a[0] for evse in site.evses]),
            max_a=frozen([evse.levels_a[-1] for evse in site.evses]),
            rated_kw=frozen([_rating(node) for node in site.nodes]),
            rated_a=frozen(np.asarray(limit_a, dtype=np.float64).reshape(-1, N_PHASES)),
            voltage_v=site.voltage_v,
        )

    @property
    def n_evses(self) -> int:
        """Number of EVSEs."""
        return len(self.evse_ids)

    @property
    def n_nodes(self) -> int:
        """Number of circuit nodes."""
        return len(self.node_ids)

    @property
    def connected_kw(self) -> FloatArray:
        """Power of each EVSE at its greatest pilot on all its phases, shape (E,) [kW]."""
        return frozen(self.max_a * self.on_phase.sum(axis=1) * self.voltage_v / W_PER_KW)


def _rating(node: CircuitNode) -> float:
    return np.inf if node.limit_kw is None else node.limit_kw


def _padded(rows: list[list[int]], width: int) -> IntArray:
    out = np.full((len(rows), width), -1, dtype=np.int64)
    for row, values in enumerate(rows):
        out[row, : len(values)] = values
    return out


def _ancestors(site: Site, node_ids: tuple[str, ...]) -> IntArray:
    index = {node_id: row for row, node_id in enumerate(node_ids)}
    path_of = {
        station.node_id: [index[node_id] for node_id in site.path_to_root(station.node_id)]
        for station in site.stations
    }
    paths = [path_of[station.node_id] for station in site.stations for _ in station.evses]
    return _padded(paths, max((len(path) for path in paths), default=1))


def _on_phase(phase_order: IntArray) -> BoolArray:
    on_phase = np.zeros(phase_order.shape, dtype=np.bool_)
    rows, places = np.nonzero(phase_order >= 0)
    on_phase[rows, phase_order[rows, places]] = True
    return on_phase


def _levels(evses: tuple[Evse, ...]) -> FloatArray:
    levels = [evse.levels_a for evse in evses]
    out = np.full((len(levels), max((len(row) for row in levels), default=1)), np.inf)
    for row, values in enumerate(levels):
        out[row, : len(values)] = values
    return frozen(out)
