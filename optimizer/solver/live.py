"""One HiGHS kept alive: it holds a compiled program, takes changes as vectors and solves again from its basis."""

import time
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import highspy
import numpy as np
from highspy._core import _Highs

from models.arrays import FloatArray, IntArray
from models.errors import ChargingError
from optimizer.solver.compiled import Compiled

REPRICED_SHARE = 0.05
"""Share of moved costs from which they are solved for first, by the primal simplex.

A basis stays primal feasible when prices move and dual feasible when bounds move. At 1,000 EVSEs x 96 slots
with every price moved the primal simplex took 0.04 s from the old basis, the dual 0.64 s, a cold start
0.34 s; a tick moves 1 % of the costs. The interior point was behind the simplex at every size, cold as well.
"""


class SolverFailedError(ChargingError):
    """HiGHS gave no optimal solution: it was late, was stopped, or broke."""

    def __init__(self, solver_says: str, run_s: float) -> None:
        super().__init__(f"the solver gave no optimal solution: {solver_says}")
        self.solver_says = solver_says
        self.run_s = run_s


class Simplex(IntEnum):
    """The variant of the simplex, as HiGHS numbers it."""

    DUAL = 1
    PRIMAL = 4


@dataclass(frozen=True, slots=True)
class Numbers:
    """All numbers of a program but its coefficients; shapes as in :class:`Compiled`."""

    cost: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Coefficients that differ from those of the last move: one row, column and value each."""

    row: IntArray
    column: IntArray
    value: FloatArray


@dataclass(frozen=True, slots=True)
class Solution:
    """An optimal solution: values (n_columns,), duals of the rows (n_rows,), and what it took."""

    values: FloatArray
    row_duals: FloatArray
    objective: float
    gap: float
    n_iterations: int
    run_s: float


class LiveProgram:
    """A compiled program in a HiGHS of its own. One thread at a time; the GIL is free while it solves."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._numbers = Numbers(
            compiled.cost, compiled.col_lower, compiled.col_upper, compiled.row_lower, compiled.row_upper
        )
        self._is_cold = True
        self._highs = _loaded(compiled)

    def solve(self, numbers: Numbers, coefficients: Coefficients, deadline_s: float) -> Solution:
        """Take on new numbers, of which only what differs is passed on, and solve from the last basis.

        Raises
        ------
        SolverFailedError
            No optimal solution within ``deadline_s`` seconds; the program must be loaded again.
        """
        run_s = 0.0
        n_repriced = self._pass_costs(numbers)
        if not self._is_cold and n_repriced > REPRICED_SHARE * numbers.cost.size:
            run_s = self._run(Simplex.PRIMAL, deadline_s)
        self._pass_bounds(numbers)
        self._pass_coefficients(coefficients)
        self._numbers = numbers
        run_s += self._run(Simplex.DUAL, deadline_s - run_s)
        self._is_cold = False
        return self._solution(run_s)

    def solve_as_is(self, deadline_s: float) -> Solution:
        """Solve with the numbers that were compiled.

        Raises
        ------
        SolverFailedError
            No optimal solution within ``deadline_s`` seconds.
        """
        return self._solution(self._run(Simplex.DUAL, deadline_s))

    def _pass_costs(self, numbers: Numbers) -> int:
        """Returns how many costs changed."""
        changed = _differing(self._numbers.cost, numbers.cost)
        self._highs.changeColsCost(changed.size, changed, numbers.cost[changed])
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

    def _run(self, simplex: Simplex, deadline_s: float) -> float:
        """Run until optimal, once more without the old basis where that led into numerical trouble.

        Returns the time it took [s].

        Raises
        ------
        SolverFailedError
            It was late, stopped or broke.
        """
        try:
            return self._run_once(simplex, deadline_s)
        except SolverFailedError as failed:
            if self._highs.getModelStatus() != highspy.HighsModelStatus.kUnknown:
                raise
            self._highs.clearSolver()
            return failed.run_s + self._run_once(simplex, deadline_s - failed.run_s)

    def _run_once(self, simplex: Simplex, deadline_s: float) -> float:
        """Run until optimal; returns the time it took [s].

        Raises
        ------
        SolverFailedError
            It was late, stopped or broke.
        """
        self._highs.setOptionValue("simplex_strategy", simplex.value)
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + max(deadline_s, 0.0))
        started = time.perf_counter()
        try:
            self._highs.run()
        except (RuntimeError, MemoryError) as error:  # what the binding makes of exceptions in C++
            raise SolverFailedError(f"it broke: {error}", time.perf_counter() - started) from error
        run_s = time.perf_counter() - started
        status = self._highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverFailedError(self._highs.modelStatusToString(status), run_s)
        return run_s

    def _solution(self, run_s: float) -> Solution:
        info = self._highs.getInfo()
        solution = self._highs.getSolution()
        objective = float(info.objective_function_value)
        dual_objective = float(info.objective_function_value) - float(info.primal_dual_objective_error)
        return Solution(
            values=_array(solution.col_value),
            row_duals=_array(solution.row_dual),
            objective=objective,
            gap=abs(objective - dual_objective) / max(abs(objective), 1.0),
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
