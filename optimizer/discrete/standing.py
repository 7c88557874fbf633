"""How contactors stand: who charges now, and since when."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen, read_only
from models.units import SECONDS_PER_HOUR
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True)
class Standing:
    """The contactors of E EVSEs.

    Parameters
    ----------
    charging : (E,) bool
        Whether the pilot is above 0.
    since_s : (E,) float64
        When that began [s since the Unix epoch]; -inf where it is not known.
    """

    charging: BoolArray
    since_s: FloatArray

    @classmethod
    def unknown(cls, n_evses: int) -> "Standing":
        """Return contactors that are open, and free to close."""
        return cls(read_only(np.zeros(n_evses, dtype=np.bool_)), frozen(np.full(n_evses, -np.inf)))

    def told(self, pilot_a: FloatArray, now: datetime) -> "Standing":
        """Return how contactors stand once these pilots, shape (E,) [A], are told."""
        charging = pilot_a > 0
        since_s = np.where(charging == self.charging, self.since_s, now.timestamp())
        return Standing(read_only(charging), frozen(since_s))

    def charging_of(self, problem: Problem) -> BoolArray:
        """Return who charges the car that is there now, shape (E,).

        A contactor that closed before that car came, closed for another one.
        """
        came_s = problem.arrival_h * SECONDS_PER_HOUR - problem.grid.step_s
        return read_only(self.charging & (self.since_s >= came_s))
