"""Fuses: how long a current above the rating may flow before one trips."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Fuse:
    """The time-current curve of a fuse or breaker, as points that it surely holds.

    Parameters
    ----------
    multiples : tuple of float
        Currents as multiples of the rating, ascending, above 1.
    hold_s : tuple of float
        How long each of them is held at least [s], descending.
    """

    multiples: tuple[float, ...]
    hold_s: tuple[float, ...]

    def holds_s(self, multiple: float) -> float:
        """Return how long a current of ``multiple`` times the rating is held for sure [s].

        Up to the rating without end; above the last point not at all; between points at least as long as
        at the greater one, interpolated on logarithmic axes, on which such curves are drawn.
        """
        if multiple <= 1.0:
            return float("inf")
        if multiple > self.multiples[-1]:
            return 0.0
        if multiple <= self.multiples[0]:
            return self.hold_s[0]
        return float(np.exp(np.interp(np.log(multiple), np.log(self.multiples), np.log(self.hold_s))))


GG_FUSE = Fuse((1.25, 1.6, 3.0), (3600.0, 60.0, 1.0))
"""A gG fuse link up to 63 A: 1.25 times its rating is held for the conventional hour (IEC 60269-1); the other
points lie on the careful side of published melting curves."""
