"""The meters of a loop's circuit nodes: the site's energy by slot, and whatever exceeded a limit, for how long."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from models.arrays import FloatArray
from models.grid.fuse import Fuse
from models.grid.site import CircuitNode, Site
from models.simulation import Metered
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR, TOLERANCE_A, TOLERANCE_KW
from optimizer.closed_loop.result import Exceedance
from optimizer.closed_loop.signals import Signal

RATING = "rating"
QUANTITIES = ("kW", "L1", "L2", "L3")
_SLACK = np.array([TOLERANCE_KW, TOLERANCE_A, TOLERANCE_A, TOLERANCE_A])

SIGNAL_MARGIN_S = 60.0
"""How long a power may stay above a limit that was just signalled [s]: cars, stations and meters take their time."""

COOLING_S = 60.0
"""A fuse that carried no more than its rating for so long has forgotten what it carried before [s]."""


@dataclass(slots=True)
class _Run:
    """What a quantity of a node has been above a limit, in all and without a break."""

    found: Exceedance
    run_s: float = 0.0
    used: float = 0.0
    ended_s: float = -np.inf


class Meters:
    """Reads every node, and keeps what exceeded a rating or a signal.

    A rating may be exceeded for as long as the node's fuse holds: every second at a multiple of it uses up its
    part of the time that the fuse holds there. A node without a fuse holds nothing. A signal may be exceeded
    for :data:`SIGNAL_MARGIN_S`.

    Parameters
    ----------
    site : Site
    grid : TimeGrid
    signals : tuple of Signal
    """

    def __init__(self, site: Site, grid: TimeGrid, signals: tuple[Signal, ...] = ()) -> None:
        self._site = site
        self._grid = grid
        self._signals = signals
        self._place = {node.node_id: row for row, node in enumerate(site.nodes)}
        self._root = self._place[site.root.node_id]
        self._ratings = np.array([_limits(node) for node in site.nodes])
        self._runs: dict[tuple[str, int, int], _Run] = {}
        self.energy_kwh = np.zeros(grid.n_slots)

    def read(self, metered: Metered, now_s: float) -> None:
        """Book one span that began at ``now_s``."""
        slot = int((now_s - self._grid.start.timestamp()) // self._grid.step_s)
        self.energy_kwh[slot] += metered.node_kw[self._root] * metered.seconds / SECONDS_PER_HOUR
        shown = np.column_stack((metered.node_kw, metered.node_a))
        for node, column in np.argwhere(shown > self._ratings + _SLACK):
            key = (RATING, int(node), int(column))
            limit = float(self._ratings[node, column])
            self._note(key, (float(shown[node, column]), limit), metered.seconds, now_s)
        for signal in self._signals:
            if signal.begin_s <= now_s < signal.end_s:
                node = self._place[signal.node_id]
                for column in np.nonzero(shown[node] > signal.limits + _SLACK)[0]:
                    key = (signal.source, node, int(column))
                    limit = float(signal.limits[column])
                    self._note(key, (float(shown[node, column]), limit), metered.seconds, now_s)

    def _note(
        self, key: tuple[str, int, int], shown: tuple[float, float], seconds: float, now_s: float
    ) -> None:
        source, node, _ = key
        value, limit = shown
        run = self._runs.setdefault(key, _Run(self._nothing(key)))
        if now_s > run.ended_s + COOLING_S:
            run.run_s = run.used = 0.0
        run.run_s += seconds
        run.ended_s = now_s + seconds
        run.used += _used(self._site.nodes[node].fuse, value / limit if limit > 0.0 else np.inf, seconds)
        is_beyond = run.used >= 1.0 if source == RATING else run.run_s > SIGNAL_MARGIN_S
        found = run.found
        if value - limit > found.worst:
            found = replace(found, worst=value - limit, at=datetime.fromtimestamp(now_s, UTC))
        run.found = replace(
            found,
            seconds=found.seconds + seconds,
            longest_s=max(found.longest_s, run.run_s),
            is_beyond_margin=found.is_beyond_margin or is_beyond,
        )

    def _nothing(self, key: tuple[str, int, int]) -> Exceedance:
        source, node, column = key
        nodes = self._site.nodes
        return Exceedance(
            nodes[node].node_id, QUANTITIES[column], 0.0, 0.0, datetime.fromtimestamp(0, UTC), source
        )

    @property
    def exceedances(self) -> tuple[Exceedance, ...]:
        """All that exceeded, by who set the limit, node and quantity."""
        return tuple(self._runs[key].found for key in sorted(self._runs))


def _limits(node: CircuitNode) -> FloatArray:
    """Return the ratings of a node in the order of :data:`QUANTITIES`, inf where there is none."""
    limit_kw = np.inf if node.limit_kw is None else node.limit_kw
    return np.array([limit_kw, *(node.limit_a or (np.inf, np.inf, np.inf))])


def _used(fuse: Fuse | None, multiple: float, seconds: float) -> float:
    """Return the part of a fuse's patience that a span at a multiple of its rating uses up."""
    holds_s = 0.0 if fuse is None else fuse.holds_s(multiple)
    return seconds / holds_s if holds_s > 0.0 else np.inf
