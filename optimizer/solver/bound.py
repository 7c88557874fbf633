r"""A bound on the optimum that needs no trust in the solver: weak duality, worked out from the duals that it gave.

For any row duals ``y`` the optimum of ``min c x`` with ``l <= A x <= u`` and ``v <= x <= w`` is at least

``constant + sum_i (y_i l_i where y_i > 0, y_i u_i elsewhere) + sum_j (r_j v_j where r_j > 0, r_j w_j elsewhere)``

with the reduced costs ``r = c - A'y``. Optimal duals make it the optimum itself; others only make it weak.

References
----------
.. [1] D. Bertsimas and J. N. Tsitsiklis, Introduction to Linear Optimization. Athena Scientific, 1997, ch. 4.
"""

import numpy as np
from scipy import sparse

from models.arrays import FloatArray, frozen
from optimizer.solver.compiled import Compiled
from optimizer.solver.health import ranges_of
from optimizer.solver.live import Coefficients, Numbers
from optimizer.solver.outcome import Range

DUAL_NOISE = 1e-6
"""Reduced cost of the wrong sign that counts as 0 where a variable has no bound, as a part of its cost: the
solver's own tolerance is 1e-7."""


class Proof:
    """The coefficients of a program as they are now, kept beside the solver, and the bound that duals prove."""

    def __init__(self, compiled: Compiled) -> None:
        given = compiled.matrix
        self._matrix = sparse.csc_array((given.data.copy(), given.indices, given.indptr), shape=given.shape)

    def take(self, coefficients: Coefficients) -> None:
        """Take on coefficients that differ, each named once."""
        row, column, value = coefficients.row, coefficients.column, coefficients.value
        if not row.size:
            return
        matrix = self._matrix
        begin, end = matrix.indptr[column], matrix.indptr[column + 1]
        near = begin[:, None] + np.arange(int((end - begin).max()))[None, :]
        is_it = (near < end[:, None]) & (matrix.indices[np.minimum(near, matrix.nnz - 1)] == row[:, None])
        there = is_it.any(axis=1)
        matrix.data[begin[there] + is_it[there].argmax(axis=1)] = value[there]
        if not there.all():
            new = ~there
            added = sparse.coo_array((value[new], (row[new], column[new])), shape=matrix.shape)
            self._matrix = sparse.csc_array(matrix + added)

    def ranges(self, numbers: Numbers) -> tuple[Range, ...]:
        """Return how far the numbers of the program lie apart."""
        return ranges_of(self._matrix, numbers)

    def reduced_costs(self, numbers: Numbers, row_duals: FloatArray) -> FloatArray:
        """Return ``c - A'y``, shape (n_columns,)."""
        return frozen(numbers.cost - self._matrix.T @ row_duals)

    def bound(self, numbers: Numbers, row_duals: FloatArray, reduced: FloatArray) -> float | None:
        """Return what no feasible point costs less than; None where these duals prove nothing.

        Parameters
        ----------
        numbers : Numbers
        row_duals : (n_rows,) float64
            From :func:`usable_duals`.
        reduced : (n_columns,) float64
            Reduced costs, or less.
        """
        at_column = np.where(reduced > 0, numbers.col_lower, numbers.col_upper)
        is_free = ~np.isfinite(at_column)
        noise = DUAL_NOISE * (1.0 + np.abs(numbers.cost))
        if (np.abs(reduced) > noise)[is_free].any():
            return None
        at_row = np.where(row_duals > 0, numbers.row_lower, numbers.row_upper)
        # Summed pairwise: a dot product of this length wakes the threads of the linear algebra, which takes longer.
        rows = (row_duals * np.where(row_duals == 0.0, 0.0, at_row)).sum()
        columns = (reduced * np.where(is_free, 0.0, at_column)).sum()
        return float(numbers.constant + rows + columns)


def usable_duals(numbers: Numbers, row_duals: FloatArray) -> FloatArray:
    """Return duals without those that press a row against a side on which it has no bound."""
    wrong = (row_duals > 0) & np.isneginf(numbers.row_lower)
    wrong |= (row_duals < 0) & np.isposinf(numbers.row_upper)
    return frozen(np.where(wrong, 0.0, row_duals))
