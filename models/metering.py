"""What meters of EVSEs show at single moments: the input of whatever follows seconds instead of slots."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.errors import GridMismatchError
from models.grid.site import N_PHASES


@dataclass(frozen=True, slots=True)
class MeterSamples:
    """Samples of n moments, in any order; the same one may come twice.

    Parameters
    ----------
    evse : (n,) int64
        Row of the EVSE in its site.
    at_s : (n,) float64
        When it was metered [s since the Unix epoch].
    current_a : (n, 3) float64
        On the EVSE's own L1, L2 and L3 [A]; nan where nothing was metered.
    power_kw : (n,) float64
        All phases [kW]; nan where it was not metered.

    Raises
    ------
    GridMismatchError
        The arrays are of different lengths.
    """

    evse: IntArray
    at_s: FloatArray
    current_a: FloatArray
    power_kw: FloatArray

    def __post_init__(self) -> None:
        n = self.evse.size
        if (self.at_s.shape, self.current_a.shape, self.power_kw.shape) != ((n,), (n, N_PHASES), (n,)):
            raise GridMismatchError(f"samples of {n} moments need {n} times, currents and powers")

    @classmethod
    def none(cls) -> "MeterSamples":
        """Return no samples."""
        return cls(np.zeros(0, dtype=np.int64), frozen([]), frozen(np.zeros((0, N_PHASES))), frozen([]))

    @classmethod
    def joined(cls, parts: Iterable["MeterSamples"]) -> "MeterSamples":
        """Return all samples of some parts."""
        found = [cls.none(), *parts]
        return cls(
            np.concatenate([part.evse for part in found]),
            frozen(np.concatenate([part.at_s for part in found])),
            frozen(np.concatenate([part.current_a for part in found])),
            frozen(np.concatenate([part.power_kw for part in found])),
        )

    def only(self, chosen: IntArray) -> "MeterSamples":
        """Return the samples at these places, in this order."""
        return MeterSamples(
            self.evse[chosen], self.at_s[chosen], self.current_a[chosen], self.power_kw[chosen]
        )

    def in_order(self) -> "MeterSamples":
        """Return every sample once, each EVSE's in the order of time.

        Of two that claim the same moment the one that shows more counts: nobody knows which is right.
        """
        shown = np.nan_to_num(np.column_stack((self.power_kw, self.current_a)))
        order = np.lexsort((*shown.T, self.at_s, self.evse))
        last = np.ones(order.size, dtype=np.bool_)
        evse, at_s = self.evse[order], self.at_s[order]
        last[:-1] = (evse[1:] != evse[:-1]) | (at_s[1:] != at_s[:-1])
        return self.only(order[last])
