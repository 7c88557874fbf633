"""A ring is alike at every place: a program of few slots, stated and compiled, laid around to many.

Stating 1,000 EVSEs x 96 slots in Pyomo takes seconds, 5 slots a fiftieth of that. What differs from slot to slot are
numbers, and they are moved anyway. A family of rows or columns goes along the slots where its last index has as
many values as there are slots, at every length. Entries between two such families keep their distance on the
ring; the first slot in time may be unlike the others, as chains begin there.

Nothing is taken on trust: what is laid from 5 slots to 6 must equal what was stated with 6. Where it does not (a
law over windows of several slots), the caller states the whole.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy import sparse

from models.arrays import FloatArray, IntArray, frozen, read_only
from optimizer.solver.compiled import NOWHERE, Compiled

FEW = 5
"""Slots that are stated: the first, the last, and three between them that must be alike."""

MIDDLE = 2
"""The slot, counted from the first in time, that stands for all between."""


class NotAlikeError(Exception):
    """Slots of a program are not alike, so that it cannot be laid around."""


class Statement(NamedTuple):
    """A compiled program of some slots; ``first`` is the ring's place of the first slot in time."""

    compiled: Compiled
    n_slots: int
    first: int


@dataclass(frozen=True, slots=True)
class _Side:
    """The rows or the columns of a program as families along the slots.

    Parameters
    ----------
    along : (n,) int64
        Slot in time of every row; NOWHERE where its family does not go along the slots.
    base : (n,) int64
        Number of the row among those of its slot, or among those of no slot.
    n_fixed, n_each : int
        Rows of no slot, and rows of each slot.
    """

    along: IntArray
    base: IntArray
    n_fixed: int
    n_each: int


def laid_around(state: Callable[[int], Statement], n_slots: int, first: int) -> Compiled:
    """Return a program of many slots, made from one of few.

    Parameters
    ----------
    state : callable
        Takes a number of slots, and states and compiles the program with so many.
    n_slots, first : int
        Slots that are wanted, and the ring's place of the first in time.

    Raises
    ------
    NotAlikeError
        The slots of this program are not alike.
    """
    few, more = state(FEW), state(FEW + 1)
    tables = _along_the_slots(few, more)
    tried = _laid(few, tables, FEW + 1, more.first)
    if not _same(tried, more.compiled):
        raise NotAlikeError("a slot more is not like the slots before")
    return _laid(few, tables, n_slots, first)


def _along_the_slots(few: Statement, more: Statement) -> frozenset[str]:
    """Return the families whose last index goes along the slots."""
    found = set()
    for ours, theirs in (
        (few.compiled.rows, more.compiled.rows),
        (few.compiled.columns, more.compiled.columns),
    ):
        if set(ours) != set(theirs):
            raise NotAlikeError("another number of slots brings other families")
        for name, table in ours.items():
            if table.shape == theirs[name].shape:
                continue
            grown = (*table.shape[:-1], few.n_slots), (*table.shape[:-1], more.n_slots)
            if (table.shape, theirs[name].shape) != grown:
                raise NotAlikeError(f"{name} grows otherwise than with the slots")
            found.add(name)
    return frozenset(found)


def _side(families: Mapping[str, IntArray], size: int, along: frozenset[str], few: Statement) -> _Side:
    slot_of, base = np.full(size, NOWHERE), np.full(size, NOWHERE)
    n_fixed = n_each = 0
    for name, table in families.items():
        if name not in along:
            members = table[table != NOWHERE]
            base[members] = n_fixed + np.arange(members.size)
            n_fixed += members.size
            continue
        there = table != NOWHERE
        if not (there == there[..., :1]).all():
            raise NotAlikeError(f"{name} is not there in every slot")
        lines = table[there[..., 0]]
        base[lines] = (n_each + np.arange(len(lines)))[:, None]
        slot_of[lines] = (np.arange(few.n_slots) - few.first) % few.n_slots
        n_each += len(lines)
    if (base == NOWHERE).any():
        raise NotAlikeError("a row or column belongs to no family")
    return _Side(read_only(slot_of), read_only(base), n_fixed, n_each)


def _laid(few: Statement, along: frozenset[str], n_slots: int, first: int) -> Compiled:
    small = few.compiled
    n_rows, n_columns = small.matrix.shape
    rows = _side(small.rows, n_rows, along, few)
    columns = _side(small.columns, n_columns, along, few)
    source = np.full(n_slots, MIDDLE)
    source[0], source[-1] = 0, few.n_slots - 1
    matrix = _matrix(few, rows, columns, source)
    around = (np.arange(n_slots) - first) % n_slots
    return Compiled(
        matrix=matrix,
        cost=_spread(small.cost, columns, source),
        col_lower=_spread(small.col_lower, columns, source),
        col_upper=_spread(small.col_upper, columns, source),
        row_lower=_spread(small.row_lower, rows, source),
        row_upper=_spread(small.row_upper, rows, source),
        offset=small.offset,
        rows=_tables(small.rows, rows, along, around),
        columns=_tables(small.columns, columns, along, around),
    )


def _number(side: _Side, base: IntArray, slot: IntArray) -> IntArray:
    """Return the numbers of rows in the laid program: those of no slot first, then slot by slot in time."""
    return np.where(slot == NOWHERE, base, side.n_fixed + slot * side.n_each + base)


def _matrix(few: Statement, rows: _Side, columns: _Side, source: IntArray) -> "sparse.csc_array[np.float64]":
    entries = sparse.coo_array(few.compiled.matrix)
    row, column = entries.coords
    value = entries.data
    row_slot, column_slot = rows.along[row], columns.along[column]
    leads = np.where(row_slot == NOWHERE, column_slot, row_slot)  # the slot that an entry is laid along
    apart = np.where((row_slot == NOWHERE) | (column_slot == NOWHERE), 0, column_slot - row_slot)
    apart = (apart + few.n_slots // 2) % few.n_slots - few.n_slots // 2
    parts = [_entries(np.nonzero(leads == NOWHERE)[0], NOWHERE)]
    of_slot = {slot: np.nonzero(leads == slot)[0] for slot in {*source.tolist()}}
    parts += [_entries(of_slot[slot], place) for place, slot in enumerate(source.tolist())]
    picked, slot = (np.concatenate(part) for part in zip(*parts, strict=True))
    at_row = np.where(row_slot[picked] == NOWHERE, NOWHERE, slot)
    at_column = np.where(column_slot[picked] == NOWHERE, NOWHERE, (slot + apart[picked]) % source.size)
    n_slots = source.size
    shape = (rows.n_fixed + n_slots * rows.n_each, columns.n_fixed + n_slots * columns.n_each)
    place = (
        _number(rows, rows.base[row[picked]], at_row),
        _number(columns, columns.base[column[picked]], at_column),
    )
    return sparse.csc_array(sparse.coo_array((value[picked], place), shape=shape))


def _entries(picked: IntArray, slot: int) -> tuple[IntArray, IntArray]:
    return picked, np.full(picked.size, slot)


def _spread(values: FloatArray, side: _Side, source: IntArray) -> FloatArray:
    """Return a number for every row or column of the laid program."""
    out = np.empty(side.n_fixed + source.size * side.n_each)
    fixed = side.along == NOWHERE
    out[side.base[fixed]] = values[fixed]
    table = np.empty((int(side.along.max(initial=0)) + 1, side.n_each))
    table[side.along[~fixed], side.base[~fixed]] = values[~fixed]
    if side.n_each:
        out[side.n_fixed :] = table[source].ravel()
    return frozen(out)


def _tables(
    families: Mapping[str, IntArray], side: _Side, along: frozenset[str], around: IntArray
) -> Mapping[str, IntArray]:
    """Return the numbers of all families in the laid program, by place of its ring."""
    out = {}
    for name, table in families.items():
        there = table != NOWHERE
        if name not in along:
            out[name] = read_only(np.where(there, side.base[table], NOWHERE))
            continue
        base = side.base[table[..., :1]]
        numbers = side.n_fixed + around * side.n_each + base
        out[name] = read_only(np.where(there[..., :1], numbers, NOWHERE))
    return MappingProxyType(out)


def _same(ours: Compiled, theirs: Compiled) -> bool:
    """Return whether two programs have the same coefficients under the same names."""
    if ours.matrix.shape != theirs.matrix.shape:
        return False
    to_row, to_column = (
        _renumbered(mine, other, size)
        for mine, other, size in zip(
            (ours.rows, ours.columns), (theirs.rows, theirs.columns), ours.matrix.shape, strict=True
        )
    )
    entries = sparse.coo_array(ours.matrix)
    row, column = entries.coords
    moved = sparse.csc_array(
        sparse.coo_array((entries.data, (to_row[row], to_column[column])), shape=ours.matrix.shape)
    )
    return bool(abs(moved - theirs.matrix).max() == 0.0) if moved.nnz or theirs.matrix.nnz else True


def _renumbered(ours: Mapping[str, IntArray], theirs: Mapping[str, IntArray], size: int) -> IntArray:
    out = np.full(size, NOWHERE)
    for name, table in ours.items():
        there = table != NOWHERE
        out[table[there]] = theirs[name][there]
    return read_only(out)
