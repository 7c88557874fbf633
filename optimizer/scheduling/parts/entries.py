"""Coefficients that move: what stands in the matrix by member and place of the ring."""

from collections.abc import Iterator, Mapping

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen, read_only
from optimizer.scheduling.parts.part import Block
from optimizer.solver.compiled import NOWHERE


class Entries:
    """One coefficient for each of M members and T places.

    Parameters
    ----------
    rows, columns : (M, T) or (M, 1) int64
        Where they stand, by place of the ring; NOWHERE where there is none.
    stated : (M, T) float64
        What was compiled, by place.
    """

    def __init__(self, rows: IntArray, columns: IntArray, stated: FloatArray) -> None:
        self._rows = np.broadcast_to(rows, stated.shape)
        self._columns = np.broadcast_to(columns, stated.shape)
        self._there = (self._rows != NOWHERE) & (self._columns != NOWHERE)
        self._values = np.array(stated)

    def move(self, ring: IntArray, wanted: FloatArray, matters: BoolArray) -> Iterator[Block]:
        """Yield the coefficients that changed, and remember them.

        Parameters
        ----------
        ring : (T,) int64
            Place of every slot.
        wanted : (M, T) float64
            In the order of time.
        matters : (M, T) bool
            Where it must be so; elsewhere the old one may stay, as its column or row is without effect.
        """
        changed = matters & (wanted != self._values[:, ring]) & self._there[:, ring]
        member, slot = np.nonzero(changed)
        if member.size:
            place, value = ring[slot], wanted[member, slot]
            self._values[member, place] = value
            yield Block(self._rows[member, place], self._columns[member, place], frozen(value))


def back_columns(columns: Mapping[str, IntArray], shape: tuple[int, ...]) -> IntArray:
    """Return the column of what every EVSE gives back by place, shape (E, T); NOWHERE where nothing."""
    out = np.full(shape, NOWHERE)
    table = columns.get("back_kw")
    if table is not None:
        out[: table.shape[0]] = table
    return read_only(out)
