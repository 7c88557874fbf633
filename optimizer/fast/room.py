"""How much every node of a site carries now, and what is on it already: the room that a decision shares."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.grid.limits import NodeLimit
from models.grid.site import N_PHASES, Site
from models.load import LoadForecast
from models.timegrid import TimeGrid
from models.units import W_PER_KW
from optimizer.fast.sharing import ComplexArray, Room

ROWS_PER_NODE: Final = 1 + N_PHASES
"""Rows of a node: its power, then the current of each phase."""


@dataclass(frozen=True, slots=True)
class SiteRows:
    """The limits of a site as rows; R rows, E EVSEs, at most K rows above one.

    Parameters
    ----------
    site : Site
    of_evse : (E, K) int64
        Rows above each EVSE, padded with -1.
    weight : (3, E, K) complex128
        What 1 A of its pilot puts on each of them, for a car that uses 1, 2 or 3 lines.
    rated : (R,) float64
        The site's own limits, inf where there is none [kW or A].
    root : int
        Row of the power at the grid connection.
    """

    site: Site
    of_evse: IntArray
    weight: ComplexArray
    rated: FloatArray
    root: int

    @classmethod
    def of(cls, site: Site) -> "SiteRows":
        """Return the rows of a valid site."""
        place = {node.node_id: number for number, node in enumerate(site.nodes)}
        rated = np.full((len(site.nodes), ROWS_PER_NODE), np.inf)
        for number, node in enumerate(site.nodes):
            rated[number, 0] = np.inf if node.limit_kw is None else node.limit_kw
            if node.limit_a is not None:
                rated[number, 1:] = node.limit_a
        paths = [
            [place[node_id] for node_id in site.path_to_root(station.node_id)]
            for station in site.stations
            for _ in station.evses
        ]
        width = ROWS_PER_NODE * max((len(path) for path in paths), default=1)
        of_evse = np.full((len(paths), width), -1, dtype=np.int64)
        weight = np.zeros((N_PHASES, len(paths), width), dtype=np.complex128)
        for row, (evse, path) in enumerate(zip(site.evses, paths, strict=True)):
            for depth, number in enumerate(path):
                first = ROWS_PER_NODE * depth
                here = slice(first, first + ROWS_PER_NODE)
                of_evse[row, here] = ROWS_PER_NODE * number + np.arange(ROWS_PER_NODE)
                for n_lines in range(1, N_PHASES + 1):
                    used = [int(phase) for phase in evse.phases[:n_lines]]
                    weight[n_lines - 1, row, first] = len(used) * site.voltage_v / W_PER_KW
                    weight[n_lines - 1, row, [first + 1 + phase for phase in used]] = 1.0
        return cls(site, of_evse, weight, frozen(rated.ravel()), ROWS_PER_NODE * place[site.root.node_id])


@dataclass(frozen=True, slots=True)
class Ceilings:
    """Limits of all rows by slot, and the load that nobody controls.

    Parameters
    ----------
    grid : TimeGrid
    limit : (R, T) float64
        Tightest limit of all sources, inf where there is none.
    load : (R, T) complex128
        What uncontrolled load puts on each row.
    """

    grid: TimeGrid
    limit: FloatArray
    load: ComplexArray

    @classmethod
    def of(
        cls,
        rows: SiteRows,
        grid: TimeGrid,
        limits: tuple[NodeLimit, ...] = (),
        loads: tuple[LoadForecast, ...] = (),
        load_quantile: float = 0.9,
    ) -> "Ceilings":
        """Return what holds on a grid; series that are given must have its slots."""
        place = {node.node_id: ROWS_PER_NODE * number for number, node in enumerate(rows.site.nodes)}
        limit = np.repeat(rows.rated[:, None], grid.n_slots, axis=1)
        for one in limits:
            first = place[one.node_id]
            if one.limit_kw is not None:
                limit[first] = np.minimum(limit[first], one.limit_kw)
            if one.limit_a is not None:
                here = slice(first + 1, first + ROWS_PER_NODE)
                limit[here] = np.minimum(limit[here], one.limit_a)
        load = np.zeros(limit.shape, dtype=np.complex128)
        for forecast in loads:
            power_kw = forecast.at(load_quantile)
            phases_a = np.multiply.outer(forecast.phase_share, power_kw) * W_PER_KW / rows.site.voltage_v
            for node_id in rows.site.path_to_root(forecast.node_id):
                load[place[node_id]] += power_kw
                load[place[node_id] + 1 : place[node_id] + ROWS_PER_NODE] += phases_a
        return cls(grid, frozen(limit), load)

    def room(self, rows: SiteRows, n_lines: IntArray, now_s: float) -> Room:
        """Return what is left at a moment while no car draws anything; each uses so many lines, shape (E,).

        After the last slot its numbers hold on.
        """
        slot = int((now_s - self.grid.start.timestamp()) // self.grid.step_s)
        slot = min(max(slot, 0), self.grid.n_slots - 1)
        weight = rows.weight[n_lines - 1, np.arange(n_lines.size)]
        return Room(rows.of_evse, weight, self.limit[:, slot].copy(), self.load[:, slot].copy())
