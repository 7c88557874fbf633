"""One HiGHS kept alive: it holds a compiled program, takes changes as vectors and solves again from its basis."""

import time
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import highspy
import numpy as np
from highspy._core import _Highs

from models.arrays import FloatArray, IntArray, frozen
from models.errors import ChargingError
from optimizer.solver.compiled import Compiled
from optimizer.solver.health import Health
from optimizer.solver.outcome import Setting, SolverOutcome

REPRICED_SHARE = 0.05
"""Share of moved costs from which they are solved for first, by the primal simplex.

A basis stays primal feasible when prices move and dual feasible when bounds move. At 1,000 EVSEs x 96 slots
with every price moved the primal simplex took 0.04 s from the old basis, the dual 0.64 s, a cold start
0.34 s; a tick moves 1 % of the costs. The interior point was behind the simplex at every size, cold as well.
"""

_Options: TypeAlias = tuple[tuple[str, str | int | bool], ...]

OPTIONS: Final = MappingProxyType[Setting, _Options](
    {
        Setting.DUAL: (("solver", "simplex"), ("simplex_strategy", 1), ("simplex_scale_strategy", 1)),
        Setting.PRIMAL: (("solver", "simplex"), ("simplex_strategy", 4), ("simplex_scale_strategy", 1)),
        Setting.AFRESH: (("solver", "simplex"), ("simplex_strategy", 1), ("simplex_scale_strategy", 4)),
        Setting.INTERIOR: (("solver", "ipm"), ("run_crossover", "on")),
    }
)
"""What HiGHS is told: strategy 1 is the dual simplex and 4 the primal, scaling 1 its own choice and 4 by the
greatest value of each row and column."""

RETRIES: Final = (Setting.AFRESH, Setting.INTERIOR)
"""Settings that are tried, one after the other, where the first one led into numerical trouble."""

OUTCOMES: Final = MappingProxyType[str, SolverOutcome](
    {
        "kOptimal": SolverOutcome.OPTIMAL,
        "kModelEmpty": SolverOutcome.OPTIMAL,
        "kTimeLimit": SolverOutcome.LATE,
        "kIterationLimit": SolverOutcome.STOPPED,
        "kSolutionLimit": SolverOutcome.STOPPED,
        "kObjectiveBound": SolverOutcome.STOPPED,
        "kObjectiveTarget": SolverOutcome.STOPPED,
        "kInterrupt": SolverOutcome.STOPPED,
        "kHighsInterrupt": SolverOutcome.STOPPED,
        "kInfeasible": SolverOutcome.MISJUDGED,
        "kUnboundedOrInfeasible": SolverOutcome.MISJUDGED,
        "kUnbounded": SolverOutcome.MISJUDGED,
        "kUnknown": SolverOutcome.UNSURE,
        "kMemoryLimit": SolverOutcome.OUT_OF_MEMORY,
        "kNotset": SolverOutcome.BROKEN,
        "kLoadError": SolverOutcome.BROKEN,
        "kModelError": SolverOutcome.BROKEN,
        "kPresolveError": SolverOutcome.BROKEN,
        "kSolveError": SolverOutcome.BROKEN,
        "kPostsolveError": SolverOutcome.BROKEN,
    }
)
"""What each status of HiGHS means to us, by its name: versions differ in the names that they have."""


class SolverFailedError(ChargingError):
    """The solver left nothing that can be used: it was late, was stopped, or broke."""

    def __init__(self, outcome: SolverOutcome, solver_says: str, run_s: float) -> None:
        super().__init__(f"the solver gave no solution: {solver_says}")
        self.outcome = outcome
        self.solver_says = solver_says
        self.run_s = run_s


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of a program but its coefficients; shapes as in :class:`Compiled`.

    ``constant`` is what the objective begins with.
    """

    cost: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    constant: float = 0.0


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Coefficients that differ from those of the last move: one row, column and value each."""

    row: IntArray
    column: IntArray
    value: FloatArray

    @classmethod
    def none(cls) -> "Coefficients":
        """Return no coefficients: all are as they were."""
        nothing = np.empty(0, dtype=np.int64)
        return cls(nothing, nothing, frozen(np.empty(0)))


@dataclass(frozen=True, slots=True)
class Solution:
    """What the solver left: values (n_columns,), duals of the rows (n_rows,), and what it took.

    ``outcome`` is OPTIMAL or LATE. What was late need not even be feasible: it is a wish, which dispatch turns
    into pilots that keep every limit, and its duals still give a bound.
    """

    outcome: SolverOutcome
    values: FloatArray
    row_duals: FloatArray
    objective: float
    n_iterations: int
    run_s: float

    @property
    def is_optimal(self) -> bool:
        """Whether the solver says that it solved to the end."""
        return self.outcome is SolverOutcome.OPTIMAL


@dataclass(frozen=True, slots=True)
class Basis:
    """Where a solver stood: one byte for each column and row. Any basis is a valid start for the same structure."""

    columns: bytes
    rows: bytes


class Solver(Protocol):
    """What holds a compiled program and solves it again and again; :class:`LiveProgram` is one."""

    def solve(self, numbers: Numbers, coefficients: Coefficients, deadline_s: float) -> Solution:
        """Take on new numbers and solve.

        Raises
        ------
        SolverFailedError
            It left nothing that can be used.
        """
        ...

    def basis(self) -> Basis | None:
        """Return where it stands; None before it stands anywhere."""
        ...

    def stands(self) -> object:
        """Return where it stands, for :meth:`stand`."""
        ...

    def stand(self, stood: object, numbers: Numbers) -> None:
        """Go back to where it stood, and to the bounds of then."""
        ...


class LiveProgram:
    """A compiled program in a HiGHS of its own. One thread at a time; the GIL is free while it solves."""

    def __init__(self, compiled: Compiled, health: Health | None = None, basis: Basis | None = None) -> None:
        self._health = health or Health()
        self._numbers = Numbers(
            compiled.cost,
            compiled.col_lower,
            compiled.col_upper,
            compiled.row_lower,
            compiled.row_upper,
            compiled.offset,
        )
        self._highs = _loaded(compiled)
        self._is_new = True
        if basis is not None:
            self._highs.setBasis(_highs_basis(basis))

    def solve(self, numbers: Numbers, coefficients: Coefficients, deadline_s: float) -> Solution:
        """Take on new numbers, of which only what differs is passed on, and solve from the last basis.

        What is late keeps its basis: the next call goes on from there.

        Raises
        ------
        SolverFailedError
            It left nothing that can be used within ``deadline_s`` seconds; the program must be loaded again.
        """
        run_s = 0.0
        n_repriced = self._pass_costs(numbers)
        if not self._is_new and n_repriced > REPRICED_SHARE * numbers.cost.size:
            run_s = self._run_once(Setting.PRIMAL, deadline_s)[1]
        self._pass_bounds(numbers)
        self._pass_coefficients(coefficients)
        self._numbers = numbers
        self._is_new = False
        return self._run(Setting.DUAL, deadline_s, run_s)

    def stands(self) -> object:
        """Return where the simplex stands, for :meth:`stand`; cheaper than :meth:`basis`."""
        return self._highs.getBasis()

    def stand(self, stood: object, numbers: Numbers) -> None:
        """Go back to where the simplex stood, and to the bounds of then: the next call goes on from there."""
        self._pass_bounds(numbers)
        self._numbers = numbers
        self._highs.setBasis(stood)

    def solve_as_is(self, deadline_s: float) -> Solution:
        """Solve with the numbers that were compiled.

        Raises
        ------
        SolverFailedError
            It left nothing that can be used within ``deadline_s`` seconds.
        """
        return self._run(Setting.DUAL, deadline_s, 0.0)

    def basis(self) -> Basis | None:
        """Return where the simplex stands; None before it stands anywhere."""
        basis = self._highs.getBasis()
        if not basis.valid:
            return None
        return Basis(*(bytes(map(int, part)) for part in (basis.col_status, basis.row_status)))

    def _pass_costs(self, numbers: Numbers) -> int:
        """Returns how many costs changed."""
        changed = _differing(self._numbers.cost, numbers.cost)
        self._highs.changeColsCost(changed.size, changed, numbers.cost[changed])
        if numbers.constant != self._numbers.constant:
            self._highs.changeObjectiveOffset(numbers.constant)
        return int(changed.size)

    def _pass_bounds(self, numbers: Numbers) -> None:
        old, highs = self._numbers, self._highs
        columns = _differing(old.col_upper, numbers.col_upper, old.col_lower, numbers.col_lower)
        highs.changeColsBounds(columns.size, columns, numbers.col_lower[columns], numbers.col_upper[columns])
        rows = _differing(old.row_upper, numbers.row_upper, old.row_lower, numbers.row_lower)
        highs.changeRowsBounds(rows.size, rows, numbers.row_lower[rows], numbers.row_upper[rows])

    def _pass_coefficients(self, coefficients: Coefficients) -> None:
        triples = (coefficients.row.tolist(), coefficients.column.tolist(), coefficients.value.tolist())
        for row, column, value in zip(*triples, strict=True):
            self._highs.changeCoeff(row, column, value)

    def _run(self, setting: Setting, deadline_s: float, run_s: float) -> Solution:
        """Run, and again with other settings where that led into numerical trouble; ``run_s`` is used up already.

        Raises
        ------
        SolverFailedError
            No setting left anything that can be used.
        """
        outcome, took_s = self._run_once(setting, deadline_s - run_s)
        run_s += took_s
        for retry in RETRIES:
            if outcome in (SolverOutcome.OPTIMAL, SolverOutcome.LATE, SolverOutcome.OUT_OF_MEMORY):
                break
            self._highs.clearSolver()
            outcome, took_s = self._run_once(retry, deadline_s - run_s)
            run_s += took_s
        if outcome not in (SolverOutcome.OPTIMAL, SolverOutcome.LATE):
            raise SolverFailedError(outcome, self._says(), run_s)
        return self._solution(outcome, run_s)

    def _run_once(self, setting: Setting, deadline_s: float) -> tuple[SolverOutcome, float]:
        """Run with one setting; returns what came of it and the time that it took [s].

        Raises
        ------
        SolverFailedError
            It broke, as the binding tells exceptions in C++; what it holds can no longer be trusted.
        """
        highs = self._highs
        for option, value in OPTIONS[setting]:
            highs.setOptionValue(option, value)
        highs.setOptionValue("time_limit", highs.getRunTime() + max(deadline_s, 0.0))
        self._health.runs[setting] += 1
        started = time.perf_counter()
        try:
            highs.run()
        except (RuntimeError, MemoryError) as error:
            run_s = time.perf_counter() - started
            raise SolverFailedError(SolverOutcome.BROKEN, f"it broke: {error}", run_s) from error
        run_s = time.perf_counter() - started
        return OUTCOMES.get(highs.getModelStatus().name, SolverOutcome.BROKEN), run_s

    def _says(self) -> str:
        return str(self._highs.modelStatusToString(self._highs.getModelStatus()))

    def _solution(self, outcome: SolverOutcome, run_s: float) -> Solution:
        info, solution = self._highs.getInfo(), self._highs.getSolution()
        n_rows, n_columns = self._numbers.row_lower.size, self._numbers.cost.size
        values = _array(solution.col_value) if solution.value_valid else None
        if values is None or values.size != n_columns:
            raise SolverFailedError(outcome, f"{self._says()}, without a point", run_s)
        duals = _array(solution.row_dual) if solution.dual_valid else np.zeros(n_rows)
        return Solution(
            outcome=outcome,
            values=values,
            row_duals=duals,
            objective=float(info.objective_function_value),
            n_iterations=int(max(info.simplex_iteration_count, 0) + max(info.ipm_iteration_count, 0)),
            run_s=run_s,
        )


def _array(values: list[float]) -> FloatArray:
    """Return a list of floats as an array; ``fromiter`` takes half of the time of ``asarray``."""
    array = np.fromiter(values, dtype=np.float64, count=len(values))
    array.flags.writeable = False
    return array


def _differing(*pairs: FloatArray) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
    """Return where any of the (old, new) pairs of arrays differ."""
    differs = pairs[0] != pairs[1]
    for old, new in zip(pairs[2::2], pairs[3::2], strict=True):
        differs |= old != new
    return np.nonzero(differs)[0].astype(np.int32)


def _highs_basis(basis: Basis) -> Any:  # noqa: ANN401 - highspy is untyped
    out = highspy.HighsBasis()
    statuses = list(map(highspy.HighsBasisStatus, range(5)))
    out.col_status = [statuses[value] for value in basis.columns]
    out.row_status = [statuses[value] for value in basis.rows]
    out.valid = True
    return out


def _loaded(compiled: Compiled) -> Any:  # noqa: ANN401 - highspy is untyped
    # The bare solver object: its Python subclass registers callbacks that take the GIL while it solves,
    # and prints a banner before it can be silenced.
    highs = _Highs()
    for option, value in (
        ("output_flag", False),
        ("threads", 1),
        ("parallel", "off"),
        ("presolve", "choose"),
    ):
        highs.setOptionValue(option, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = compiled.matrix.shape
    lp.col_cost_, lp.offset_ = compiled.cost, compiled.offset
    lp.col_lower_, lp.col_upper_ = compiled.col_lower, compiled.col_upper
    lp.row_lower_, lp.row_upper_ = compiled.row_lower, compiled.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = compiled.matrix.indptr
    lp.a_matrix_.index_ = compiled.matrix.indices
    lp.a_matrix_.value_ = compiled.matrix.data
    highs.passModel(lp)
    return highs
