"""What meters tell of a car in ACN-Sim: how much it can use, and that it is full."""

from dataclasses import dataclass
from typing import Final

IDLE_A: Final = 0.5
"""A car that draws less than this, and less than half of its pilot, is full [A]."""

SPARE_A: Final = 0.5
"""How far below its pilot a car must draw to show a limit of its own [A]."""

STOPPED_SHARE: Final = 0.6
"""A car that takes less than this part of what it took a period before, at no lower a pilot, has stopped.

A tapering battery keeps more: acnportal's smallest one still 70 % from one period to the next. On four workdays of
each of five weeks at JPL, half capacity, what declared least laxity delivered rose from 91.8 to 92.3 % by it.
"""


@dataclass(slots=True)
class Watch:
    """A car at the plug as its meter shows it.

    Parameters
    ----------
    levels_a : tuple of float
        Pilots of its EVSE, ascending [A].
    usable_a : float or None
        Least pilot that carries what it draws [A]; None until it draws less than its pilot.
    is_full : bool
        It stopped by itself.
    last_a : float
        What it drew in the last period [A].
    """

    levels_a: tuple[float, ...]
    usable_a: float | None = None
    is_full: bool = False
    last_a: float = 0.0

    def read(self, pilot_a: float, drawn_a: float) -> None:
        """Learn from the mean current of a period under one pilot [A]."""
        before_a, self.last_a = self.last_a, drawn_a
        if pilot_a <= 0.0:
            return
        stopped = drawn_a < STOPPED_SHARE * min(before_a, pilot_a) - SPARE_A
        self.is_full = stopped or drawn_a < min(IDLE_A, 0.5 * pilot_a)
        if drawn_a < pilot_a - SPARE_A:
            self.usable_a = self._level(drawn_a + SPARE_A)
        elif self.usable_a is not None:  # it took all it was offered: perhaps it takes more
            self.usable_a = self._level(pilot_a + SPARE_A)

    def _level(self, least_a: float) -> float:
        return next((level_a for level_a in self.levels_a if level_a >= least_a), self.levels_a[-1])
