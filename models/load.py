"""Load that nobody controls (a building, lifts, heat), as quantiles by slot."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.quantiles import at_level


@dataclass(frozen=True, slots=True)
class LoadForecast:
    """Uncontrolled load below one circuit node, EVSEs not included.

    Parameters
    ----------
    node_id : str
        Node that carries it (and every node above).
    levels : (n_levels,) float64
        Probabilities, ascending, in (0, 1).
    power_kw : (n_levels, n_slots) float64
        Quantiles of the load [kW]; rows do not decrease.
    phase_share : (3,) float64
        Part of the load on L1, L2, L3; sums to 1.
    """

    node_id: str
    levels: FloatArray
    power_kw: FloatArray
    phase_share: FloatArray

    @classmethod
    def certain(cls, node_id: str, power_kw: FloatArray) -> "LoadForecast":
        """Return a load that is known, shape (n_slots,) [kW], balanced over the phases."""
        return cls(node_id, frozen([0.5]), frozen(np.atleast_2d(power_kw)), frozen(np.full(3, 1 / 3)))

    def at(self, level: float) -> FloatArray:
        """Return the load at probability ``level``, shape (n_slots,) [kW].

        Between two given levels the quantile is interpolated; outside them the outermost one holds.
        """
        return at_level(self.levels, self.power_kw, level)
