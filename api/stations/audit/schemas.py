"""The composite schedule of a station compared with what is expected, as the API answers it."""

import math

from api.ocpp.commands import Comparison
from api.ocpp.smart.prediction import Difference
from api.wire.schemas import WireModel


class DifferenceOut(WireModel):
    """A time in which the station says something else; null where it would not be limited."""

    start_s: int
    end_s: int
    expected: float | None
    told: float | None
    unit: str
    allows_more: bool

    @classmethod
    def of(cls, found: Difference) -> "DifferenceOut":
        """Return a difference as JSON."""
        return cls(
            start_s=found.start_s,
            end_s=found.end_s,
            expected=_finite(found.expected),
            told=_finite(found.told),
            unit=found.unit.value,
            allows_more=found.allows_more,
        )


class ComparisonOut(WireModel):
    """How a composite schedule differs from what is expected of the profiles that the station took."""

    outcome: str
    reason: str
    as_expected: bool
    allows_more: bool
    differences: tuple[DifferenceOut, ...]

    @classmethod
    def of(cls, found: Comparison) -> "ComparisonOut":
        """Return a comparison as JSON."""
        return cls(
            outcome=found.outcome.value,
            reason=found.reason,
            as_expected=found.is_as_expected,
            allows_more=found.allows_more,
            differences=tuple(map(DifferenceOut.of, found.differences)),
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
