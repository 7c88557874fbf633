"""The health of a solver: what happened to it, counted, and how far its numbers lie apart."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from models.arrays import FloatArray
from optimizer.solver.outcome import Count, Range, RebuildReason, Setting, SolverOutcome

if TYPE_CHECKING:
    from scipy import sparse

    from optimizer.solver.live import Numbers


@dataclass(slots=True)
class Health:
    """Counts of one site's program; they only grow."""

    runs: Counter[Setting] = field(default_factory=Counter)
    outcomes: Counter[SolverOutcome] = field(default_factory=Counter)
    rebuilds: Counter[RebuildReason] = field(default_factory=Counter)

    @property
    def n_rebuilds(self) -> int:
        """How often the program was stated or loaded again, the first time included."""
        return self.rebuilds.total()

    def counts(self) -> tuple[Count, ...]:
        """Return all counts above 0, each with a name that says what was counted."""
        named = [(f"runs, {setting}", n) for setting, n in self.runs.items()]
        named += [(f"outcome {outcome}", n) for outcome, n in self.outcomes.items()]
        named += [(f"rebuild, {reason}", n) for reason, n in self.rebuilds.items()]
        return tuple(Count(name, n) for name, n in sorted(named))


def ranges_of(matrix: "sparse.csc_array[np.float64]", numbers: "Numbers") -> tuple[Range, ...]:
    """Return how far the numbers of a program lie apart; kinds of which all are 0 are left out."""
    bounds = (numbers.col_lower, numbers.col_upper, numbers.row_lower, numbers.row_upper)
    kinds = (("coefficient", (matrix.data,)), ("cost", (numbers.cost,)), ("bound", bounds))
    found = ((of, _extremes(parts)) for of, parts in kinds)
    return tuple(Range(of, *extremes) for of, extremes in found if extremes is not None)


def _extremes(parts: tuple[FloatArray, ...]) -> tuple[float, float] | None:
    sizes = [np.abs(part[np.isfinite(part) & (part != 0.0)]) for part in parts]
    sizes = [size for size in sizes if size.size]
    if not sizes:
        return None
    return min(float(size.min()) for size in sizes), max(float(size.max()) for size in sizes)
