"""The meters of the site: what was drawn at every node and phase, and where it was more than allowed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from benchmarks.demo.day import BUILDING_PHASES, DemoDay
from models.arrays import FloatArray, frozen
from models.grid.site import N_PHASES
from models.simulation import Metered
from models.units import SECONDS_PER_HOUR, TOLERANCE_A, TOLERANCE_KW, W_PER_KW

SLOT_S: Final = 900
"""Slot of the peak that is billed, and of the plots [s]."""

QUANTITIES: Final = ("kW", "L1", "L2", "L3")


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """The most that one node's meter has shown of one quantity, and for how long it was above its limit.

    Parameters
    ----------
    node_id, quantity : str
        ``quantity`` is ``kW``, ``L1``, ``L2`` or ``L3``.
    limit, most : float
        In kW or A.
    over_s : float
        Time above the limit [s].
    """

    node_id: str
    quantity: str
    limit: float
    most: float
    over_s: float


class DayMeters:
    """Books every span of a day.

    Parameters
    ----------
    day : DemoDay
    """

    def __init__(self, day: DemoDay) -> None:
        self._day = day
        nodes = day.site.nodes
        self._root = nodes.index(day.site.root)
        kw = [[np.inf if node.limit_kw is None else node.limit_kw] for node in nodes]
        amperes = [(np.inf,) * N_PHASES if node.limit_a is None else node.limit_a for node in nodes]
        self._limits = np.hstack((np.array(kw), np.array(amperes)))
        self._slack = np.array([TOLERANCE_KW, TOLERANCE_A, TOLERANCE_A, TOLERANCE_A])
        self._most = np.zeros_like(self._limits)
        self._over_s = np.zeros_like(self._limits)
        n_slots = round((day.end - day.start).total_seconds() / SLOT_S)
        self._evse_kwh = np.zeros((len(day.site.evses), n_slots))
        self._building_kwh = np.zeros(n_slots)
        self.now_kw = 0.0

    def book(self, metered: Metered, building_kw: float, began: datetime) -> None:
        """Note a span that began at ``began``; the building is metered at the root only."""
        shown = np.column_stack((metered.node_kw, metered.node_a))
        phases_a = np.array(BUILDING_PHASES) * building_kw * W_PER_KW / self._day.site.voltage_v
        shown[self._root] += (building_kw, *phases_a)
        self._most = np.maximum(self._most, shown)
        self._over_s += metered.seconds * (shown > self._limits + self._slack)
        slot = int((began - self._day.start).total_seconds() // SLOT_S)
        self._evse_kwh[:, slot] += metered.energy_kwh
        self._building_kwh[slot] += building_kw * metered.seconds / SECONDS_PER_HOUR
        self.now_kw = float(shown[self._root, 0])

    @property
    def records(self) -> tuple[NodeRecord, ...]:
        """Every quantity of every node that has a limit."""
        return tuple(
            NodeRecord(
                node.node_id,
                quantity,
                float(self._limits[row, column]),
                float(self._most[row, column]),
                float(self._over_s[row, column]),
            )
            for row, node in enumerate(self._day.site.nodes)
            for column, quantity in enumerate(QUANTITIES)
            if np.isfinite(self._limits[row, column])
        )

    @property
    def over_s(self) -> float:
        """Longest time that any quantity of any node was above its limit [s]."""
        return float(self._over_s.max())

    @property
    def evse_kw(self) -> FloatArray:
        """Mean power by slot, shape (n_evses, n_slots) [kW]."""
        return frozen(self._evse_kwh * (SECONDS_PER_HOUR / SLOT_S))

    @property
    def building_kw(self) -> FloatArray:
        """Mean load of the building by slot, shape (n_slots,) [kW]."""
        return frozen(self._building_kwh * (SECONDS_PER_HOUR / SLOT_S))
