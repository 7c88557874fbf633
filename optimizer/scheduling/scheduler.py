"""The scheduler of one site: keeps the program alive and moves it from problem to problem."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from models.arrays import FloatArray, frozen
from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.scheduling.bands import short_by_band_kwh
from optimizer.scheduling.delivery import AssetPower, Delivery, shared_cells
from optimizer.scheduling.extract import PlannedPower, planned_power
from optimizer.scheduling.moving import Mover
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.one_way import solve_one_way
from optimizer.scheduling.parts.charging import dearest_per_kwh
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, widest
from optimizer.scheduling.ring import compiled_ring
from optimizer.solver.bound import Proof, usable_duals
from optimizer.solver.compiled import Compiled
from optimizer.solver.health import Health
from optimizer.solver.live import (
    Basis,
    Coefficients,
    LiveProgram,
    Numbers,
    Solution,
    Solver,
    SolverFailedError,
)
from optimizer.solver.outcome import Range, RebuildReason, SolverOutcome
from optimizer.topology import Topology

MOST_SLOWER = 4.0
"""How many times slower than expected a statement is believed to be: one slow moment is not the machine."""

STATED_S, STATED_CELL_S = 0.02, 15e-6
"""What stating and compiling takes before it was measured, at least and for an (EVSE, slot) [s].

On a quiet core it takes 0.02 s at 20 x 96, 0.06 s at 100 x 96 and 1.0 s at 1,000 x 96.
"""

LOADED_CELL_S = 2e-6
"""What loading a compiled program takes for an (EVSE, slot) [s]."""

Loader: TypeAlias = Callable[[Compiled, Health, Basis | None], Solver]
"""Makes a solver that holds a compiled program and begins at a basis."""


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver left, in the words of the site.

    ``numbers`` are those of the program, ``relaxed`` is its objective with flows against each other free;
    ``bound`` is what no schedule costs less than [currency], None where none is proved; ``update_s`` is what
    stating or moving took [s].
    """

    planned: PlannedPower
    solution: Solution
    moment: Moment
    numbers: Numbers
    relaxed: float
    bound: float | None
    ranges: tuple[Range, ...]
    update_s: float
    rebuild: RebuildReason | None


@dataclass(frozen=True, slots=True)
class Parked:
    """What is kept of a program that was put away: what it is made of, and where its solver stood."""

    structure: Structure
    epoch_s: float
    basis: Basis | None


@dataclass(frozen=True, slots=True)
class _Alive:
    """A program in the solver, with all that is needed to move it, to load it again and to prove a bound."""

    topology: Topology
    structure: Structure
    compiled: Compiled
    mover: Mover
    live: Solver
    proof: Proof
    epoch_s: float


class Scheduler:
    """Solves the problems of one site, each from the basis of the last.

    One thread at a time, except that :meth:`prepare` may run beside :meth:`solve`.
    """

    def __init__(
        self, options: PlanOptions, parked: Parked | None = None, load: Loader = LiveProgram
    ) -> None:
        self._options = options
        self._parked = parked
        self._load = load
        self._alive: _Alive | None = None
        self._prepared: deque[tuple[_Alive, RebuildReason]] = deque(maxlen=1)
        self._lost = False
        self._stated_cell_s: float | None = None
        self.health = Health()

    def solve(self, problem: Problem, deadline_s: float | None = None) -> Solved:
        """Return the optimum of a problem, or what there is of it after ``deadline_s`` (that of the options).

        Raises
        ------
        SolverFailedError
            There was no time to state the program, or the solver was late or broke with nothing to show.
        """
        started = time.perf_counter()
        left_s = self._options.deadline_s if deadline_s is None else deadline_s
        alive, reason = self._ready(problem, left_s)
        left_s -= time.perf_counter() - started
        if left_s <= 0.0:
            raise self._failed(SolverOutcome.LATE, "Time limit reached")
        moment = self._moment(problem, alive.structure, alive.epoch_s)
        self._lost = True  # until there is a solution: whatever goes wrong, the next call loads afresh
        numbers = alive.mover.numbers(problem, moment)
        coefficients = alive.mover.coefficients(problem)
        alive.proof.take(coefficients)
        try:
            one_way = solve_one_way(alive.live, numbers, coefficients, alive.mover.exclusive(problem), left_s)
        except SolverFailedError as error:
            self.health.outcomes[error.outcome] += 1
            raise
        solution = one_way.solution
        if not (np.isfinite(solution.values).all() and np.isfinite(solution.row_duals).all()):
            raise self._failed(SolverOutcome.BROKEN, "numbers that are none", solution.run_s)
        self._lost = False
        self.health.outcomes[solution.outcome] += 1
        planned = planned_power(solution, alive.mover, problem, moment)
        return Solved(
            planned=planned if solution.is_optimal else _mended(planned, problem, moment),
            solution=solution,
            moment=moment,
            numbers=numbers,
            relaxed=one_way.free.objective,
            bound=_bound(alive, problem, moment, numbers, one_way.free.row_duals),
            ranges=alive.proof.ranges(numbers),
            update_s=time.perf_counter() - started - solution.run_s,
            rebuild=reason,
        )

    def assets_beside(
        self, problem: Problem, solved: Solved, cars: Delivery, left_s: float
    ) -> AssetPower | None:
        """Return what assets do best beside cars that draw and give back what is said.

        ``solved`` is what was made of this problem just now. None where there is no time, or the solver leaves
        nothing. What a car takes of a slot that it shares with the next is left free, as the program knows one
        power for both.
        """
        alive = self._alive
        if alive is None or self._lost or left_s <= 0.0:
            return None
        held = alive.mover.holding(problem, solved.numbers, cars.power_kw, cars.back_kw)
        stood = alive.live.stands()
        self._lost = True  # as in solve
        try:
            pairs = alive.mover.exclusive(problem)
            solution = solve_one_way(alive.live, held, Coefficients.none(), pairs, left_s).solution
        except SolverFailedError as error:
            self.health.outcomes[error.outcome] += 1
            return None
        alive.live.stand(stood, solved.numbers)
        self._lost = False
        is_usable = solution.is_optimal and bool(np.isfinite(solution.values).all())
        return alive.mover.asset_kw(problem, solution.values) if is_usable else None

    def prepare(self, problem: Problem) -> bool:
        """State the program that a problem needs, so that the next :meth:`solve` finds it; may run on a thread.

        Returns whether there was anything to state.
        """
        reason = self._rebuild_reason(problem)
        if reason is None or reason is RebuildReason.SOLVER_LOST:
            return False
        self._prepared.append((self._stated(problem, reason), reason))
        return True

    def parked(self) -> Parked | None:
        """Return what is needed to come back warm after the program was put away; None before the first solve."""
        if self._alive is None:
            return self._parked
        basis = None if self._lost else self._alive.live.basis()
        return Parked(self._alive.structure, self._alive.epoch_s, basis)

    def moment_of(self, problem: Problem) -> Moment:
        """Return what the objective of a problem depends on beside it."""
        epoch_s = self.epoch_s or problem.grid.start.timestamp()
        return self._moment(problem, Structure.of(problem), epoch_s)

    @property
    def epoch_s(self) -> float:
        """Moment that the early preference counts from [s since the Unix epoch]; 0 before the first solve."""
        return 0.0 if self._alive is None else self._alive.epoch_s

    @property
    def n_rebuilds(self) -> int:
        """How often the program was stated or loaded again, the first time included."""
        return self.health.n_rebuilds

    def _moment(self, problem: Problem, structure: Structure, epoch_s: float) -> Moment:
        return Moment(Weights.of(problem, self._options), epoch_s, structure.has_bill)

    def _failed(self, outcome: SolverOutcome, says: str, run_s: float = 0.0) -> SolverFailedError:
        self.health.outcomes[outcome] += 1
        return SolverFailedError(outcome, says, run_s)

    def _ready(self, problem: Problem, left_s: float) -> tuple[_Alive, RebuildReason | None]:
        """Return a program that holds the problem: the one that is alive, a prepared one, or a new one.

        Raises
        ------
        SolverFailedError
            To state it would take longer than is left.
        """
        reason = self._rebuild_reason(problem)
        if reason is None and self._alive is not None:
            return self._alive, None
        if self._prepared:
            self._alive, prepared_for = self._prepared.popleft()
            self._lost = False
            self.health.rebuilds[prepared_for] += 1
            reason = self._rebuild_reason(problem)
            if reason is None:
                return self._alive, prepared_for
        reason = reason or RebuildReason.FIRST
        is_lost = reason is RebuildReason.SOLVER_LOST
        if self._ready_in_s(problem, is_lost=is_lost) > left_s:
            raise self._failed(SolverOutcome.NOT_STATED, "no time to state the program")
        self._alive = self._loaded_again(problem) if is_lost else self._stated(problem, reason)
        self._lost = False
        self.health.rebuilds[reason] += 1
        return self._alive, reason

    def _ready_in_s(self, problem: Problem, *, is_lost: bool) -> float:
        """Return how long it takes to load a program that was lost, or to state a new one [s]."""
        n_cells = problem.topology.n_evses * problem.grid.n_slots
        if is_lost:
            return n_cells * LOADED_CELL_S
        if self._stated_cell_s is None:
            return STATED_S + n_cells * STATED_CELL_S
        return STATED_S + n_cells * self._stated_cell_s

    def _rebuild_reason(self, problem: Problem) -> RebuildReason | None:
        alive = self._alive
        if alive is None:
            return RebuildReason.FIRST if self._parked is None else RebuildReason.RETURNED
        if alive.topology is not problem.topology:
            return RebuildReason.SITE_CHANGED
        held, wanted = alive.structure, Structure.of(problem)
        if (held.n_slots, held.step_s) != (wanted.n_slots, wanted.step_s):
            return RebuildReason.HORIZON_CHANGED
        if not held.holds(wanted):
            return RebuildReason.LAW_ADDED
        return RebuildReason.SOLVER_LOST if self._lost else None

    def _stated(self, problem: Problem, reason: RebuildReason) -> _Alive:
        """State, compile and load the program that a problem needs; keeps laws that there were already."""
        started = time.perf_counter()
        structure, epoch_s, basis = Structure.of(problem), problem.grid.start.timestamp(), None
        if reason is RebuildReason.LAW_ADDED and self._alive is not None:
            structure = self._alive.structure.joined(structure)
        if reason is RebuildReason.RETURNED and self._parked is not None:
            if self._parked.structure.holds(structure):
                structure, basis = self._parked.structure, self._parked.basis
            epoch_s = self._parked.epoch_s
        stated = widest(problem, structure)
        compiled = compiled_ring(problem, structure, self._moment(problem, structure, epoch_s))
        live = self._load(compiled, self.health, basis)
        mover = Mover(compiled, structure, stated)
        n_cells = max(problem.topology.n_evses * problem.grid.n_slots, 1)
        took_s = time.perf_counter() - started
        self._stated_cell_s = min(max(took_s - STATED_S, 0.0) / n_cells, MOST_SLOWER * STATED_CELL_S)
        return _Alive(problem.topology, structure, compiled, mover, live, Proof(compiled), epoch_s)

    def _loaded_again(self, problem: Problem) -> _Alive:
        """Load the program that is there into a new solver: it need not be stated again."""
        old = self._alive
        if old is None:  # pragma: no cover - only what was alive can be lost
            return self._stated(problem, RebuildReason.FIRST)
        mover = Mover(old.compiled, old.structure, widest(problem, old.structure))
        live = self._load(old.compiled, self.health, None)
        return _Alive(
            old.topology, old.structure, old.compiled, mover, live, Proof(old.compiled), old.epoch_s
        )


def _mended(planned: PlannedPower, problem: Problem, moment: Moment) -> PlannedPower:
    """Return what the solver had found when it was late, with the shortfall and the peak of its own power."""
    delivery = Delivery.of_power(problem, planned.power_kw, planned.back_kw, planned.asset_kw)
    delivery = replace(delivery, coming_kw=planned.coming_kw)
    short_kwh = short_by_band_kwh(problem, moment.weights, delivery.session_kwh)
    site_kw = delivery.site_kw(problem)
    cap_kw = None if planned.site_cap_kw is None else frozen(np.full(site_kw.size, site_kw.max()))
    return replace(planned, short_kwh=short_kwh, site_cap_kw=cap_kw)


def _bound(
    alive: _Alive, problem: Problem, moment: Moment, numbers: Numbers, row_duals: FloatArray
) -> float | None:
    """Return what no schedule of a problem costs less than [currency].

    Where one car leaves and the next arrives within a slot, the program lets both draw the same power; a real
    car may get full and stop. What that could save is taken off the reduced costs of these cells.
    """
    duals = usable_duals(numbers, row_duals)
    reduced = alive.proof.reduced_costs(numbers, duals)
    evse, slot = np.nonzero(shared_cells(problem))
    if evse.size:
        worth_per_kwh = alive.mover.charging.worth_per_kwh(problem, duals)[evse]
        per_kwh = dearest_per_kwh(problem, moment)[evse, slot, None]
        saved = (problem.connected_h[evse, :, slot] * np.maximum(per_kwh - worth_per_kwh, 0.0)).sum(axis=1)
        columns = alive.compiled.columns["power_kw"][evse, problem.grid.ring[slot]]
        lower = np.array(reduced)
        lower[columns] -= saved
        reduced = frozen(lower)
    return alive.proof.bound(numbers, duals, reduced)
