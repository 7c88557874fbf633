"""Flows that go one way at a time: a battery charges or discharges, a meter imports or exports.

A linear program cannot say "or". It has no reason to do both unless energy is worth less than nothing, or
exports earn more than imports cost. Where it does, the smaller flow of each such pair is held at 0 and the
program is solved again from its basis. What it cost before stays a bound: no schedule is cheaper.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.units import TOLERANCE_KW
from optimizer.solver.live import Coefficients, Numbers, Solution, Solver

ROUNDS: Final = 4
"""Solves with pairs held one way, at most; in the last one every pair is."""

Pairs = tuple[tuple[IntArray, IntArray], ...]
"""Columns of flows against each other, two by two."""


@dataclass(frozen=True, slots=True)
class OneWay:
    """The ``solution`` in which no pair flows both ways, and that of the program that was ``free`` to."""

    solution: Solution
    free: Solution


def solve_one_way(
    live: Solver, numbers: Numbers, coefficients: Coefficients, pairs: Pairs, deadline_s: float
) -> OneWay:
    """Solve a program, and again while flows go both ways.

    Raises
    ------
    SolverFailedError
        The solver left nothing that can be used within ``deadline_s`` seconds.
    """
    free = solution = live.solve(numbers, coefficients, deadline_s)
    held = numbers
    nothing = Coefficients.none()
    for left in reversed(range(ROUNDS)):
        smaller = _smaller(solution.values, pairs, with_all=left == 0)
        if not solution.is_optimal or not _crossing(solution.values, pairs).any():
            break
        upper = np.array(held.col_upper)
        upper[smaller] = np.minimum(upper[smaller], held.col_lower[smaller])
        held = replace(held, col_upper=frozen(upper))
        again = live.solve(held, nothing, deadline_s - solution.run_s)
        solution = replace(
            again,
            run_s=solution.run_s + again.run_s,
            n_iterations=solution.n_iterations + again.n_iterations,
        )
    return OneWay(solution, free)


def _crossing(values: FloatArray, pairs: Pairs) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    flows = [np.minimum(values[one], values[other]) > TOLERANCE_KW for one, other in pairs]
    return np.concatenate([np.zeros(0, dtype=np.bool_), *flows])


def _smaller(values: FloatArray, pairs: Pairs, *, with_all: bool) -> IntArray:
    """Return the column with the smaller flow of every pair that flows both ways, or of every pair."""
    found = [np.zeros(0, dtype=np.int64)]
    for one, other in pairs:
        chosen = np.where(values[one] < values[other], one, other)
        crosses = np.minimum(values[one], values[other]) > TOLERANCE_KW
        found.append(chosen[crosses | with_all])
    return np.concatenate(found)
