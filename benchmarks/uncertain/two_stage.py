"""A plan against several days to come at once: what cars get in the near slots is the same in all of them.

The program of a site is compiled once and moved to every scenario; the moved programs stand beside each other as one
linear program, in which the powers of present cars in the near slots are the same columns. It minimises the mean
objective: near power is chosen so that every later course can be answered, instead of for the mean of all.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

import highspy
import numpy as np
from highspy._core import _Highs
from scipy import sparse

from models.arrays import FloatArray, IntArray, frozen
from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.scheduling.bands import short_by_band_kwh
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.moving import Mover
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, widest
from optimizer.scheduling.ring import compiled_ring
from optimizer.scheduling.scheduler import Scheduler, Solved
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Coefficients, Numbers
from optimizer.topology import Topology

Draw: TypeAlias = Callable[[Problem], tuple[Problem, ...]]
"""Takes a problem and returns equally likely ones that differ in what is to come, in numbers only."""

NEAR_S: Final = 1800
"""How long what cars get is the same in every scenario [s]."""


class _Stated(NamedTuple):
    """The program of a site, compiled, and what moves it."""

    topology: Topology
    structure: Structure
    compiled: Compiled
    mover: Mover
    matrix: "sparse.lil_array"
    epoch_s: float


class _Places(NamedTuple):
    """Where the columns of every scenario stand: (K, n) numbers, and how many there are."""

    of: IntArray
    n_columns: int


@dataclass(frozen=True, slots=True)
class TwoStage:
    """Mean power over all scenarios (E, T) [kW], in the near slots the same in all of them; the time it took [s]."""

    power_kw: FloatArray
    run_s: float


class ScenarioScheduler(Scheduler):
    """A scheduler whose plan is that of the two-stage program; bound and prices are those of the mean problem."""

    def __init__(self, options: PlanOptions, draw: Draw) -> None:
        super().__init__(options)
        self._draw = draw
        self._stage: _Stated | None = None
        self.run_s: list[float] = []

    def solve(self, problem: Problem, deadline_s: float | None = None) -> Solved:
        """Return the optimum of a problem with the power that the scenarios agree on."""
        solved = super().solve(problem, deadline_s)
        problems = self._draw(problem)
        if not problems or not (problem.need_kwh > 0).any():
            return solved
        found = self._two_stage(problems)
        self.run_s.append(found.run_s)
        delivery = Delivery.of_power(problem, found.power_kw)
        short_kwh = short_by_band_kwh(problem, solved.moment.weights, delivery.session_kwh)
        planned = replace(solved.planned, power_kw=found.power_kw, short_kwh=short_kwh)
        return replace(solved, planned=planned)

    def _two_stage(self, problems: tuple[Problem, ...]) -> TwoStage:
        started = time.perf_counter()
        stage = self._held(problems)
        moment = Moment(Weights.of(problems[0], self._options), stage.epoch_s, stage.structure.has_bill)
        numbers = [stage.mover.numbers(one, moment) for one in problems]
        _take(stage.matrix, stage.mover.coefficients(problems[0]))
        places = _places(stage.compiled, problems[0], len(problems))
        values = _solved(sparse.csc_array(stage.matrix), numbers, places)
        power_kw = [
            stage.mover.charging.power_kw(problems[0], frozen(values[columns])) for columns in places.of
        ]
        return TwoStage(frozen(np.mean(power_kw, axis=0)), time.perf_counter() - started)

    def _held(self, problems: tuple[Problem, ...]) -> _Stated:
        """Return a program that holds all of the problems."""
        structure = Structure.of(problems[0])
        for one in problems[1:]:
            structure = structure.joined(Structure.of(one))
        held = self._stage
        if held is not None and held.topology is problems[0].topology and held.structure.holds(structure):
            return held
        if held is not None and held.topology is problems[0].topology:
            structure = held.structure.joined(structure)
        epoch_s = problems[0].grid.start.timestamp()
        moment = Moment(Weights.of(problems[0], self._options), epoch_s, structure.has_bill)
        compiled = compiled_ring(problems[0], structure, moment)
        mover = Mover(compiled, structure, widest(problems[0], structure))
        matrix = sparse.lil_array(compiled.matrix)
        self._stage = _Stated(problems[0].topology, structure, compiled, mover, matrix, epoch_s)
        return self._stage


def _take(matrix: "sparse.lil_array", coefficients: Coefficients) -> None:
    for row, column, value in zip(
        coefficients.row.tolist(), coefficients.column.tolist(), coefficients.value.tolist(), strict=True
    ):
        matrix[row, column] = value


def _places(compiled: Compiled, problem: Problem, n_scenarios: int) -> _Places:
    """Return the columns of every scenario: those of near power are the first one's."""
    n_each = compiled.cost.size
    n_near = max(NEAR_S // problem.grid.step_s, 1)
    shared = np.unique(compiled.columns["power_kw"][:, problem.grid.ring[:n_near]])
    own = np.setdiff1d(np.arange(n_each), shared)
    places = np.tile(np.arange(n_each), (n_scenarios, 1))
    for number in range(1, n_scenarios):
        places[number, own] = n_each + (number - 1) * own.size + np.arange(own.size)
    return _Places(places, n_each + (n_scenarios - 1) * own.size)


def _solved(matrix: "sparse.csc_array", numbers: list[Numbers], places: _Places) -> FloatArray:
    """Return the values of all columns at the optimum of the mean objective."""
    entries = sparse.coo_array(matrix)
    row, column = entries.coords
    n_rows, n_scenarios = matrix.shape[0], len(numbers)
    rows = np.concatenate([row + number * n_rows for number in range(n_scenarios)])
    columns = np.concatenate([of[column] for of in places.of])
    shape = (n_rows * n_scenarios, places.n_columns)
    stacked = sparse.csc_array(
        sparse.coo_array((np.tile(entries.data, n_scenarios), (rows, columns)), shape=shape)
    )
    cost, lower, upper = np.zeros(shape[1]), np.empty(shape[1]), np.empty(shape[1])
    for of, one in zip(places.of, numbers, strict=True):
        np.add.at(cost, of, one.cost / n_scenarios)
        lower[of], upper[of] = one.col_lower, one.col_upper
    moves = np.nonzero((lower != 0.0) | (upper != 0.0))[0]  # nobody is at most EVSEs at most times
    stacked = stacked[:, moves]
    program = highspy.HighsLp()
    program.num_row_, program.num_col_ = stacked.shape
    program.col_cost_, program.col_lower_, program.col_upper_ = cost[moves], lower[moves], upper[moves]
    program.row_lower_ = np.concatenate([one.row_lower for one in numbers])
    program.row_upper_ = np.concatenate([one.row_upper for one in numbers])
    program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    program.a_matrix_.start_, program.a_matrix_.index_ = stacked.indptr, stacked.indices
    program.a_matrix_.value_ = stacked.data
    solver = _Highs()  # bare: the subclass prints a banner before it can be silenced
    for option, value in (("output_flag", False), ("threads", 1), ("parallel", "off")):
        solver.setOptionValue(option, value)
    solver.passModel(program)
    solver.run()
    values = np.zeros(shape[1])
    values[moves] = solver.getSolution().col_value
    return frozen(values)
