"""A Pyomo program as sparse arrays, with the row and column numbers of every family of laws."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from scipy import sparse

from models.arrays import FloatArray, IntArray, frozen
from optimizer.scheduling.laws import Model

NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Compiled:
    """Minimise ``cost x`` with ``lower <= matrix x <= upper`` and ``col_lower <= x <= col_upper``.

    Parameters
    ----------
    matrix : (n_rows, n_columns) CSC
    cost, col_lower, col_upper : (n_columns,) float64
    row_lower, row_upper : (n_rows,) float64
    offset : float
        Constant of the objective.
    rows, columns : mapping of str to int64 array
        For every family the numbers of its rows or columns, shaped by its index:
        ``rows["node_limit"][n, t]``; -1 where a member does not exist.
    """

    matrix: "sparse.csc_array[np.float64]"
    cost: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    offset: float
    rows: Mapping[str, IntArray]
    columns: Mapping[str, IntArray]


def compile_program(model: Model) -> Compiled:
    """Return the arrays of a linear Pyomo model."""
    form = LinearStandardFormCompiler().write(model, mixed_form=True)
    row_lower, row_upper = _row_bounds(form)
    return Compiled(
        matrix=sparse.csc_array(form.A),
        cost=frozen(np.asarray(form.c.todense()).reshape(-1)),
        col_lower=frozen([_bound(var.lb, -np.inf) for var in form.columns]),
        col_upper=frozen([_bound(var.ub, np.inf) for var in form.columns]),
        row_lower=row_lower,
        row_upper=row_upper,
        offset=float(form.c_offset[0]),
        rows=_families(row.constraint for row in form.rows),
        columns=_families(iter(form.columns)),
    )


def _bound(value: float | None, default: float) -> float:
    return default if value is None else float(value)


def _row_bounds(form: Any) -> tuple[FloatArray, FloatArray]:  # noqa: ANN401 - Pyomo is untyped
    """Return both bounds of every row; a mixed form keeps rows as ``<=`` (1), ``>=`` (-1) and ``==`` (0)."""
    kind = np.array([row.bound_type for row in form.rows])
    rhs = np.asarray(form.rhs, dtype=np.float64)
    return frozen(np.where(kind <= 0, rhs, -np.inf)), frozen(np.where(kind >= 0, rhs, np.inf))


def _families(members: Iterator[Any]) -> Mapping[str, IntArray]:
    """Return the place of every member in an array shaped by its family's index."""
    places: dict[str, dict[tuple[int, ...], int]] = {}
    for place, member in enumerate(members):
        index = member.index()
        key = () if index is None else index if isinstance(index, tuple) else (index,)
        places.setdefault(member.parent_component().local_name, {})[key] = place
    return MappingProxyType({name: _table(members_of) for name, members_of in places.items()})


def _table(place_of: Mapping[tuple[int, ...], int]) -> IntArray:
    keys = np.array(list(place_of), dtype=np.int64).reshape(len(place_of), -1)
    places = np.array(list(place_of.values()), dtype=np.int64)
    if not keys.shape[1]:
        return places.reshape(())
    table = np.full(tuple(keys.max(axis=0) + 1), NOWHERE, dtype=np.int64)
    table[tuple(keys.T)] = places
    table.flags.writeable = False
    return table
