"""What came of a solve, as types."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class SolveStatus(StrEnum):
    """How a plan came about; never claims more than was shown."""

    PROVED = "proved"
    """What is sent costs as little as the program allows: its gap counts as none (:data:`PROVED_GAP`)."""
    FEASIBLE = "feasible"
    """What is sent follows the program and keeps every limit; the gap says how far from its bound it may be."""
    DISPATCHED = "dispatched"
    """The program was late or failed; the dispatch kernel answered alone."""
    CURTAILED = "curtailed"
    """A limit left no choice: what nobody controls exceeds it where cars wait, or every car has to pause."""

    @property
    def is_planned(self) -> bool:
        """Whether the pilots follow the program and no limit forced them."""
        return self in (SolveStatus.PROVED, SolveStatus.FEASIBLE)


PROVED_GAP = 1e-4
"""Gap that counts as none: a hundredth of a percent of what is at stake."""


class SolverOutcome(StrEnum):
    """What the solver made of a program; every status of HiGHS is one of these."""

    OPTIMAL = "optimal"
    LATE = "late"
    """The deadline came first; there may be a point, and a bound from its duals."""
    STOPPED = "stopped"
    """A limit other than time, or an interrupt, which nobody asked for."""
    MISJUDGED = "misjudged"
    """It says that there is no solution, or none that is finite: every program of ours has one."""
    UNSURE = "unsure"
    """It does not know what it found."""
    OUT_OF_MEMORY = "out of memory"
    BROKEN = "broken"
    """It raised an error, or gave numbers that are none."""
    NOT_STATED = "not stated"
    """There was no time to state the program; it was not asked."""
    NOT_NEEDED = "not needed"
    """Nothing to plan."""


class Setting(StrEnum):
    """How the solver is set for a run."""

    DUAL = "dual simplex"
    """From the last basis, after limits and needs moved."""
    PRIMAL = "primal simplex"
    """From the last basis, after prices moved."""
    AFRESH = "dual simplex afresh"
    """Without the last basis, with presolve and other scaling: the second setting."""
    INTERIOR = "interior point"
    """Without the last basis, and without the simplex: the third."""


class RebuildReason(StrEnum):
    """Why the program was stated and compiled again, or loaded again."""

    FIRST = "first"
    SITE_CHANGED = "site_changed"
    HORIZON_CHANGED = "horizon_changed"
    LAW_ADDED = "law_added"
    """A limit, a demand charge or a second session on an EVSE appeared that the program had no law for."""
    SOLVER_LOST = "solver_lost"
    """The solver broke: it is loaded again from the compiled program."""
    RETURNED = "returned"
    """It had been put away; it was stated again and starts from its last basis."""


@dataclass(frozen=True, slots=True)
class ObjectiveTerm:
    """One named part of the objective, in currency (preferences and shortfall at their weights)."""

    name: str
    value: float


def named(terms: Iterable[ObjectiveTerm]) -> tuple[ObjectiveTerm, ...]:
    """Return terms of which each has a name of its own: those of one name are added up."""
    found: dict[str, float] = {}
    for term in terms:
        found[term.name] = found.get(term.name, 0.0) + term.value
    return tuple(ObjectiveTerm(name, value) for name, value in found.items())


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened to a site's program since the site became known."""

    name: str
    n: int


@dataclass(frozen=True, slots=True)
class Range:
    """Least and greatest size of a kind of number of the program, zeros and infinities left out.

    ``of`` is ``cost``, ``bound`` or ``coefficient``; a solver tells numbers apart while they lie within
    about 1e9 of each other.
    """

    of: str
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class SolveReport:
    """Facts about one plan.

    Parameters
    ----------
    status : SolveStatus
    outcome : SolverOutcome
        What the solver made of the program.
    solver_says : str
        The same in its own words.
    objective : float
        Of the schedule that is sent [currency]; the sum of ``terms``.
    terms : tuple of ObjectiveTerm
    bound : float or None
        No schedule that keeps the program's rows costs less [currency]; None where the solver gave no duals to
        prove one, or where what is sent keeps a promise outside these rows, so that it says nothing of it.
    gap : float or None
        How much better a schedule could be at most, as a part of what is at stake in it
        (:func:`optimizer.scheduling.worth.at_stake`), how calm it is left aside; None without a bound.
    n_iterations : int
    update_s, run_s, dispatch_s : float
        Time for moving the numbers, in HiGHS, and for rounding and its check [s].
    rebuild : RebuildReason or None
        Why the program was stated again, if it was.
    n_rebuilds : int
    ranges : tuple of Range
        Sizes of the program's numbers.
    counts : tuple of Count
        Runs by setting, outcomes, rebuilds by reason.
    """

    status: SolveStatus
    outcome: SolverOutcome
    solver_says: str
    objective: float
    terms: tuple[ObjectiveTerm, ...]
    bound: float | None
    gap: float | None
    n_iterations: int
    update_s: float
    run_s: float
    dispatch_s: float
    rebuild: RebuildReason | None
    n_rebuilds: int
    ranges: tuple[Range, ...] = ()
    counts: tuple[Count, ...] = ()
