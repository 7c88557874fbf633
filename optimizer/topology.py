"""What never changes while a site is planned: its tree, its EVSEs and their pilots, as arrays."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.grid.site import N_PHASES, Site
from optimizer.facets import Reach, back_reach_of, reach_of
from optimizer.rows import POWER, Rows, kw_per_a, station_levels_a


@dataclass(frozen=True, slots=True)
class Topology:
    """A site as arrays; E EVSEs, N nodes, at most L pilots above 0.

    Parameters
    ----------
    evse_ids, node_ids : tuple of str
        Row orders.
    root : int
        Node of the grid connection point.
    root_row : int
        Row of its power.
    below : (N, E) bool
        Whether an EVSE hangs below (or at) a node.
    rows : Rows
        Every limit, and what hangs below it.
    reach : Reach
        How far pilots can push them.
    on_phase : (E, 3) bool
        Site phases that an EVSE is connected to.
    phase_order : (E, 3) int64
        Site phase behind the EVSE's own L1, L2, L3; padded with -1.
    levels_a : (E, L) float64
        Pilots above 0, ascending, padded with inf [A].
    min_a, max_a : (E,) float64
        Least and greatest pilot above 0 [A].
    back_levels_a : (E, B) float64
        Currents above 0 that it takes from a car, ascending, padded with inf [A]; it steps as its pilots do.
    most_back_a : (E,) float64
        The greatest of them [A]; 0 where it takes nothing back.
    back_reach : (R, N_FACETS) float64
        How far these can push the rows.
    least_run_s, least_pause_s : (E,) float64
        Least time that a car charges once it was switched on, and pauses once it was switched off [s].
    connected_kw : (E,) float64
        Power of each EVSE at its greatest pilot on all its phases [kW].
    voltage_v : float
        Nominal line-to-neutral voltage [V].
    """

    evse_ids: tuple[str, ...]
    node_ids: tuple[str, ...]
    root: int
    root_row: int
    below: BoolArray
    rows: Rows
    reach: Reach
    on_phase: BoolArray
    phase_order: IntArray
    levels_a: FloatArray
    min_a: FloatArray
    max_a: FloatArray
    back_levels_a: FloatArray
    most_back_a: FloatArray
    back_reach: FloatArray
    least_run_s: FloatArray
    least_pause_s: FloatArray
    connected_kw: FloatArray
    voltage_v: float

    @classmethod
    def of(cls, site: Site) -> "Topology":
        """Return the arrays of a valid site."""
        node_ids = tuple(node.node_id for node in site.nodes)
        rows = Rows.of(site)
        phase_order = _padded([list(evse.phases) for evse in site.evses], N_PHASES)
        levels_a, back_levels_a = _levels(site), _back_levels(site)
        max_a, most_back_a = _greatest(levels_a), _greatest(back_levels_a)
        return cls(
            evse_ids=site.evse_ids,
            node_ids=node_ids,
            root=node_ids.index(site.root.node_id),
            root_row=rows.place(site.root.node_id, POWER),
            below=_below(site, node_ids),
            rows=rows,
            reach=reach_of(rows, max_a),
            on_phase=_on_phase(phase_order),
            phase_order=phase_order,
            levels_a=levels_a,
            min_a=levels_a[:, 0],
            max_a=max_a,
            back_levels_a=back_levels_a,
            most_back_a=most_back_a,
            back_reach=back_reach_of(rows, most_back_a),
            least_run_s=frozen([evse.min_run_s for evse in site.evses]),
            least_pause_s=frozen([evse.min_pause_s for evse in site.evses]),
            connected_kw=frozen([max(evse.levels_a) * kw_per_a(evse, site) for evse in site.evses]),
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


def _padded(rows: list[list[int]], width: int) -> IntArray:
    out = np.full((len(rows), width), -1, dtype=np.int64)
    for row, values in enumerate(rows):
        out[row, : len(values)] = values
    return out


def _below(site: Site, node_ids: tuple[str, ...]) -> BoolArray:
    below = np.zeros((len(node_ids), len(site.evses)), dtype=np.bool_)
    path_of = {station.node_id: set(site.path_to_root(station.node_id)) for station in site.stations}
    paths = [path_of[station.node_id] for station in site.stations for _ in station.evses]
    for row, path in enumerate(paths):
        below[[node_id in path for node_id in node_ids], row] = True
    return below


def _on_phase(phase_order: IntArray) -> BoolArray:
    on_phase = np.zeros(phase_order.shape, dtype=np.bool_)
    rows, places = np.nonzero(phase_order >= 0)
    on_phase[rows, phase_order[rows, places]] = True
    return on_phase


def _levels(site: Site) -> FloatArray:
    return _padded_levels(
        [
            station_levels_a(station, evse, site.voltage_v)
            for station in site.stations
            for evse in station.evses
        ]
    )


def _back_levels(site: Site) -> FloatArray:
    return _padded_levels([evse.back_levels_a for evse in site.evses])


def _greatest(levels_a: FloatArray) -> FloatArray:
    return frozen(np.max(levels_a, axis=1, initial=0.0, where=np.isfinite(levels_a)))


def _padded_levels(levels: list[tuple[float, ...]]) -> FloatArray:
    out = np.full((len(levels), max((len(row) for row in levels), default=1)), np.inf)
    for row, values in enumerate(levels):
        out[row, : len(values)] = values
    return frozen(out)
