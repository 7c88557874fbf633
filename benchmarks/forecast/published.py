"""The published table that every forecaster is measured against, and the figures of our own target."""

from collections.abc import Mapping
from typing import Final

from benchmarks.forecast.data import Kind

BY_RIVAL: Final[Mapping[str, tuple[float | None, ...]]] = {
    "seasonal naive, week": (0.351, 0.419, 0.719, 1.062, 0.422),
    "climatology": (0.247, 0.351, 0.491, 0.656, 0.324),
    "statsforecast MSTL": (0.297, 0.421, 0.660, None, 0.288),
    "statsforecast DynamicOptimizedTheta": (0.336, 0.537, 0.675, None, 0.499),
    "double-seasonal Holt-Winters": (0.260, 0.333, 0.569, 0.817, 0.277),
    "pooled ridge": (0.245, 0.393, 0.560, 0.716, 0.406),
    "LightGBM direct quantiles": (0.250, 0.326, 0.495, 0.651, 0.337),
}
"""WQL (feeders: SPL) by group, in the order of :class:`Kind`; rivals as they were measured on these files."""


def best_of_rivals(kind: Kind) -> float:
    """Return the least published loss of a group."""
    column = list(Kind).index(kind)
    return min(loss for row in BY_RIVAL.values() if (loss := row[column]) is not None)
