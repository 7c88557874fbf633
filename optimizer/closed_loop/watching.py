"""What is learned from meters while a loop turns: of each car, and of each circuit node."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from models.demand.arrivals import Visit
from models.grid.site import Site
from models.simulation import Metered
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR, TOLERANCE_A, TOLERANCE_KW
from optimizer.closed_loop.result import Exceedance
from optimizer.closed_loop.world import Seen

STEADY_S = 90.0
"""How long a pilot must stand before a reading tells of the car rather than of its ramp [s]."""

IDLE_A = 0.5
"""A car that draws less than this at a standing pilot is full [A]."""

SPARE_A = 0.5
"""How far below its pilot a car must draw to show a limit of its own [A]."""


@dataclass(slots=True)
class Present:
    """A car at the plug, with what was seen of it so far; ``steady_s`` is how long its pilot has not changed."""

    visit: Visit
    row: int
    levels_a: tuple[float, ...]
    pilot_a: float = 0.0
    steady_s: float = 0.0
    delivered_kwh: float = 0.0
    usable_a: float | None = None
    is_full: bool = False
    n_switches: int = 0
    leaves_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.leaves_s = self.visit.session.departure.median.timestamp()

    def watch(self, pilot_a: float, drawn_a: float, energy_kwh: float, seconds: float) -> None:
        """Learn from a meter reading: a limit of the car, or that it is full."""
        self.steady_s = self.steady_s + seconds if pilot_a == self.pilot_a else 0.0
        self.pilot_a = pilot_a
        self.delivered_kwh += energy_kwh
        if pilot_a <= 0.0 or self.steady_s < STEADY_S:
            return
        self.is_full = drawn_a < IDLE_A
        if drawn_a < pilot_a - SPARE_A:
            self.usable_a = next((a for a in self.levels_a if a >= drawn_a + SPARE_A), self.levels_a[-1])

    def seen(self) -> Seen:
        """Return what an operator knows of it."""
        session = self.visit.session
        return Seen(
            session_id=session.session_id,
            evse_id=session.evse_id,
            arrival=session.arrival,
            stated_departure=self.visit.stated_departure,
            stated_energy_kwh=self.visit.stated_energy_kwh,
            delivered_kwh=self.delivered_kwh,
            usable_a=self.usable_a,
            is_full=self.is_full,
        )


class Meters:
    """Reads every node and keeps what exceeded, and the site's energy by slot."""

    def __init__(self, site: Site, grid: TimeGrid) -> None:
        self._site = site
        self._grid = grid
        self._root = site.nodes.index(site.root)
        no_limit = (np.inf, np.inf, np.inf)
        kw = [np.inf if node.limit_kw is None else node.limit_kw for node in site.nodes]
        amperes = [no_limit if node.limit_a is None else node.limit_a for node in site.nodes]
        self._limits = np.column_stack((np.array(kw) + TOLERANCE_KW, np.array(amperes) + TOLERANCE_A))
        self._worst: dict[tuple[int, int], Exceedance] = {}
        self.energy_kwh = np.zeros(grid.n_slots)

    def read(self, metered: Metered, now_s: float) -> None:
        """Book one span that began at ``now_s``."""
        slot = int((now_s - self._grid.start.timestamp()) // self._grid.step_s)
        self.energy_kwh[slot] += metered.node_kw[self._root] * metered.seconds / SECONDS_PER_HOUR
        over = np.column_stack((metered.node_kw, metered.node_a)) - self._limits
        for node, column in np.argwhere(over > 0):
            self._note(int(node), int(column), float(over[node, column]), metered.seconds, now_s)

    def _note(self, node: int, column: int, excess: float, seconds: float, now_s: float) -> None:
        quantity = ("kW", "L1", "L2", "L3")[column]
        at = datetime.fromtimestamp(now_s, UTC)
        found = Exceedance(self._site.nodes[node].node_id, quantity, seconds, excess, at)
        before = self._worst.get((node, column))
        if before is not None:
            worse = found if excess > before.worst else before
            found = Exceedance(found.node_id, quantity, before.seconds + seconds, worse.worst, worse.at)
        self._worst[node, column] = found

    @property
    def exceedances(self) -> tuple[Exceedance, ...]:
        """All that exceeded, by node and quantity."""
        return tuple(self._worst[key] for key in sorted(self._worst))
