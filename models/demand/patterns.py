"""Fitted parameters of a day of arrivals, and how visits are drawn from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from models.arrays import FloatArray, frozen

N_VARIABLES = 4
"""Stay [h], energy [kWh], stated stay [h] and stated energy [kWh], in this order."""

_HOURS_PER_DAY = 24.0


@dataclass(frozen=True, slots=True)
class ArrivalClass:
    """Visits that begin in the same hours of the day.

    Parameters
    ----------
    begin_h, end_h : float
        Local hours of the day, half-open.
    quantiles : (4, n_levels) float64
        Quantiles of stay [h], energy [kWh], stated stay [h] and stated energy [kWh].
    correlation : (4, 4) float64
        Correlation matrix of the Gaussian copula that joins them.
    """

    begin_h: float
    end_h: float
    quantiles: FloatArray
    correlation: FloatArray

    def draw(self, rng: np.random.Generator, levels: FloatArray) -> FloatArray:
        """Return one visit's values, shape (4,), in the units of ``quantiles``."""
        normal = np.linalg.cholesky(self.correlation) @ rng.standard_normal(N_VARIABLES)
        places = ndtr(normal)
        return frozen([np.interp(p, levels, row) for p, row in zip(places, self.quantiles, strict=True)])


@dataclass(frozen=True, slots=True)
class DayPattern:
    """One kind of day.

    Parameters
    ----------
    sessions_per_evse : (n_levels,) float64
        Quantiles of the sessions that one EVSE sees in a day.
    arrival_share : (n_bins,) float64
        Part of the arrivals in each of ``n_bins`` equal parts of the local day; sums to 1.
    classes : tuple of ArrivalClass
        Cover the day, in order.
    """

    sessions_per_evse: FloatArray
    arrival_share: FloatArray
    classes: tuple[ArrivalClass, ...]

    def draw_count(self, rng: np.random.Generator, levels: FloatArray, n_evses: int) -> int:
        """Return how many sessions a site of ``n_evses`` sees in a day; the fraction is rounded at random."""
        expected = float(np.interp(rng.random(), levels, self.sessions_per_evse)) * n_evses
        return int(np.floor(expected + rng.random()))

    def draw_arrival_h(self, rng: np.random.Generator) -> float:
        """Return one arrival's local hour of the day."""
        edges = np.concatenate(([0.0], np.cumsum(self.arrival_share)))
        edges /= edges[-1]
        place = np.interp(rng.random(), edges, np.linspace(0.0, 1.0, edges.size))
        return float(place) * _HOURS_PER_DAY

    def class_at(self, arrival_h: float) -> ArrivalClass:
        """Return the class of an arrival at a local hour of the day."""
        ends = [member.end_h for member in self.classes[:-1]]
        return self.classes[int(np.searchsorted(ends, arrival_h, side="right"))]


def pattern_from(stored: Mapping[str, Any]) -> DayPattern:
    """Return the pattern of one kind of day from its stored form (see ``benchmarks/fit_arrivals.py``)."""
    return DayPattern(
        frozen(stored["sessions_per_evse"]),
        frozen(stored["arrival_share"]),
        tuple(_class_from(member) for member in stored["classes"]),
    )


def _class_from(stored: Mapping[str, Sequence[Any] | float]) -> ArrivalClass:
    quantiles, correlation = np.asarray(stored["quantiles"]), np.asarray(stored["correlation"])
    begin_h, end_h = float(np.asarray(stored["begin_h"])), float(np.asarray(stored["end_h"]))
    return ArrivalClass(begin_h, end_h, frozen(quantiles), frozen(correlation))
