"""What came of a solve, as types."""

from dataclasses import dataclass
from enum import StrEnum


class SolveStatus(StrEnum):
    """How a plan came about; never claims more than was shown."""

    PROVED = "proved"
    """What is sent costs as little as the program allows, up to the gap that counts as none."""
    FEASIBLE = "feasible"
    """What is sent follows the program and keeps every limit; the gap says how far from its bound it may be."""
    DISPATCHED = "dispatched"
    """The program was late or failed; the dispatch kernel answered alone."""
    CURTAILED = "curtailed"
    """A limit left no choice: every EVSE pauses."""

    @property
    def is_planned(self) -> bool:
        """Whether the pilots follow the program."""
        return self in (SolveStatus.PROVED, SolveStatus.FEASIBLE)


class RebuildReason(StrEnum):
    """Why the program was stated and compiled again."""

    FIRST = "first"
    SITE_CHANGED = "site_changed"
    HORIZON_CHANGED = "horizon_changed"
    LAW_ADDED = "law_added"
    """A limit, a demand charge or a second session on an EVSE appeared that the program had no law for."""
    SOLVER_LOST = "solver_lost"


@dataclass(frozen=True, slots=True)
class ObjectiveTerm:
    """One named part of the objective, in currency (preferences and shortfall at their weights)."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class SolveReport:
    """Facts about one solve.

    ``update_s`` is what moving the numbers took, ``run_s`` what HiGHS took, ``dispatch_s`` the rounding
    and its check [s]. ``gap`` is relative; 0 when optimal and None when the solver gave no answer.
    """

    status: SolveStatus
    solver_says: str
    objective: float | None
    terms: tuple[ObjectiveTerm, ...]
    gap: float | None
    n_iterations: int
    update_s: float
    run_s: float
    dispatch_s: float
    rebuild: RebuildReason | None
    n_rebuilds: int
