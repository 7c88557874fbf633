"""Arithmetic of limits and setpoints: from A to W and back, lowest, highest, sum; in total or phase by phase."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from api.ocpp.capabilities import RateUnit
from api.ocpp.periods import floor_to_tenth
from api.ocpp.smart.profiles import MOST_PHASES, PhaseValues, Rate


@dataclass(frozen=True, slots=True)
class Scale:
    """The unit that rates are compared in, over so many phases of a nominal voltage [V]."""

    unit: RateUnit
    n_phases: int
    voltage_v: float

    def of(self, rate: Rate, unit: RateUnit) -> Rate:
        """Return a rate of another unit in this one (1.6 E3.69: I = P / (U x phases))."""
        if rate.by_phase is not None:
            return self._by_phase(rate.by_phase, unit)
        if unit is self.unit:
            return rate
        per_a = self.voltage_v * self.n_phases
        return Rate(rate.value / per_a if unit is RateUnit.POWER else rate.value * per_a)

    def lowest(self, rates: list[Rate]) -> Rate:
        """Return the lowest of rates of this unit, on each phase if any of them tells phases apart."""
        return self._joined(rates, min)

    def highest(self, rates: list[Rate]) -> Rate:
        """Return the highest of rates of this unit."""
        return self._joined(rates, max)

    def total(self, rates: list[Rate]) -> Rate:
        """Return the sum of rates of this unit."""
        return self._joined(rates, lambda a, b: a + b)

    def _by_phase(self, values: PhaseValues, unit: RateUnit) -> Rate:
        """Return values of phases in this unit; a single phase gets the lowest of them, since it may be any."""
        per_a = self.voltage_v
        factor = 1.0 if unit is self.unit else (1 / per_a if unit is RateUnit.POWER else per_a)
        first, second, third = (value * factor for value in values)
        if self.n_phases == 1:
            return Rate(min(first, second, third, key=abs))
        return Rate(first, (first, second, third))

    def _joined(self, rates: list[Rate], join: Callable[[float, float], float]) -> Rate:
        """Return one rate of several."""
        if all(rate.by_phase is None for rate in rates):
            return Rate(reduce(join, (rate.value for rate in rates)))
        first, second, third = (
            reduce(join, column) for column in zip(*map(self._spread, rates), strict=True)
        )
        return Rate(first, (first, second, third))

    def _spread(self, rate: Rate) -> PhaseValues:
        """Return a rate phase by phase; a total in W is shared equally."""
        if rate.by_phase is not None:
            return rate.by_phase
        share = rate.value if self.unit is RateUnit.CURRENT else rate.value / min(self.n_phases, MOST_PHASES)
        return share, share, share


def rounded(rate: Rate) -> Rate:
    """Return a rate rounded towards zero to one decimal (1.6 7.14: at most one; never more than was allowed)."""
    if rate.by_phase is None:
        return Rate(towards_zero(rate.value))
    first, second, third = (towards_zero(value) for value in rate.by_phase)
    return Rate(first, (first, second, third))


def towards_zero(value: float) -> float:
    """Return a value rounded towards zero to one decimal; infinity stays."""
    if math.isinf(value):
        return value
    return floor_to_tenth(value) if value >= 0 else 0.0 - floor_to_tenth(-value)
