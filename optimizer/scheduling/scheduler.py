"""The scheduler of one site: keeps the program alive and moves it from problem to problem."""

import time
from dataclasses import dataclass

from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.scheduling.extract import PlannedPower, planned_power
from optimizer.scheduling.moving import Mover
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, widest
from optimizer.scheduling.ring import compiled_ring
from optimizer.solver.live import LiveProgram, Solution, SolverFailedError
from optimizer.solver.outcome import RebuildReason
from optimizer.topology import Topology


@dataclass(frozen=True, slots=True)
class Solved:
    """An optimum and how it was reached; ``update_s`` is what stating or moving took [s]."""

    planned: PlannedPower
    solution: Solution
    update_s: float
    rebuild: RebuildReason | None


@dataclass(frozen=True, slots=True)
class _Alive:
    """A program in the solver, with all that is needed to move it."""

    topology: Topology
    structure: Structure
    mover: Mover
    live: LiveProgram
    epoch_s: float


class Scheduler:
    """Solves the problems of one site, each from the basis of the last. Not thread-safe."""

    def __init__(self, options: PlanOptions) -> None:
        self._options = options
        self._alive: _Alive | None = None
        self._lost = False
        self.n_rebuilds = 0

    def solve(self, problem: Problem) -> Solved:
        """Return the optimum of a problem.

        Raises
        ------
        SolverFailedError
            The solver was late or broke; the next call starts afresh.
        """
        started = time.perf_counter()
        reason = self._rebuild_reason(problem)
        if reason is not None:
            self._rebuild(problem, reason)
        alive = self._alive
        if alive is None:  # pragma: no cover - _rebuild has just set it
            raise SolverFailedError("no program", 0.0)
        moment = Moment(Weights.of(problem, self._options), alive.epoch_s, has_bill=False)
        self._lost = True  # until there is a solution: whatever goes wrong, the next call starts afresh
        numbers = alive.mover.numbers(problem, moment)
        coefficients = alive.mover.coefficients(problem)
        solution = alive.live.solve(numbers, coefficients, self._options.deadline_s)
        self._lost = False
        planned = planned_power(solution, alive.mover, problem, moment)
        return Solved(planned, solution, time.perf_counter() - started - solution.run_s, reason)

    @property
    def epoch_s(self) -> float:
        """Moment that the early preference counts from [s since the Unix epoch]; 0 before the first solve."""
        return 0.0 if self._alive is None else self._alive.epoch_s

    def _rebuild_reason(self, problem: Problem) -> RebuildReason | None:
        if self._alive is None:
            return RebuildReason.FIRST
        if self._lost:
            return RebuildReason.SOLVER_LOST
        if self._alive.topology is not problem.topology:
            return RebuildReason.SITE_CHANGED
        held, wanted = self._alive.structure, Structure.of(problem)
        if (held.n_slots, held.step_s) != (wanted.n_slots, wanted.step_s):
            return RebuildReason.HORIZON_CHANGED
        return None if held.holds(wanted) else RebuildReason.LAW_ADDED

    def _rebuild(self, problem: Problem, reason: RebuildReason) -> None:
        structure = Structure.of(problem)
        if reason is RebuildReason.LAW_ADDED and self._alive is not None:
            structure = self._alive.structure.joined(structure)
        stated = widest(problem, structure)
        epoch_s = problem.grid.start.timestamp()
        moment = Moment(Weights.of(problem, self._options), epoch_s, has_bill=False)
        compiled = compiled_ring(problem, structure, moment)
        mover = Mover(compiled, structure, stated)
        self._alive = _Alive(problem.topology, structure, mover, LiveProgram(compiled), epoch_s)
        self._lost = False
        self.n_rebuilds += 1
