"""A store of energy as a chain: what is in it after a slot follows from what was in it before.

On a ring every slot follows another, the first one in time too: there the link is cut, and what is stored now
stands on the right-hand side. When time moves on by a slot two links change, and nothing else.
"""

from collections.abc import Iterator

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen, read_only
from optimizer.scheduling.laws import Variable
from optimizer.scheduling.parts.part import Block
from optimizer.solver.compiled import NOWHERE


def link(
    stored: Variable, chain: int, t: int, n_slots: int, *, goes_on: bool
) -> list[tuple[float, Variable]]:
    """Return ``stored[chain, t] - stored[chain, t - 1]`` as terms; only the first where the chain begins."""
    terms = [(1.0, stored[chain, t])]
    return [*terms, (-1.0, stored[chain, (t - 1) % n_slots])] if goes_on and n_slots > 1 else terms


def from_now(n_chains: int, n_slots: int) -> BoolArray:
    """Return links of chains that all begin with the horizon, shape (n_chains, n_slots), in the order of time."""
    goes_on = np.ones((n_chains, n_slots), dtype=np.bool_)
    goes_on[:, :1] = False
    return read_only(goes_on)


def at_places(goes_on: BoolArray, ring: IntArray) -> BoolArray:
    """Return links in the order of the ring's places, as they are stated."""
    placed = np.empty_like(goes_on)
    placed[:, ring] = goes_on
    return read_only(placed)


class Links:
    """The links of C chains in a compiled program.

    Parameters
    ----------
    rows : (C, T) int64
        Row of ``stored[t] - stored[t - 1] - ... == given`` by chain and place; NOWHERE where there is none.
    columns : (C, T) int64
        Column of ``stored`` by chain and place.
    goes_on : (C, T) bool
        By place: whether the link to the place before was stated.
    """

    def __init__(self, rows: IntArray, columns: IntArray, goes_on: BoolArray) -> None:
        self._rows, self._columns = rows, columns
        self._goes_on = np.array(goes_on)

    def move(self, ring: IntArray, goes_on: BoolArray) -> Iterator[Block]:
        """Yield the links that changed since the last problem, and remember these.

        Parameters
        ----------
        ring : (T,) int64
            Place of every slot.
        goes_on : (C, T) bool
            In the order of time: False where a chain begins; it always begins in the first slot.
        """
        wanted = np.array(at_places(goes_on, ring))
        wanted[:, ring[0]] = False
        changed = (wanted != self._goes_on) & (self._rows != NOWHERE)
        chain, place = np.nonzero(changed)
        self._goes_on = wanted
        if chain.size and ring.size > 1:
            before = self._columns[chain, (place - 1) % ring.size]
            yield Block(self._rows[chain, place], before, frozen(np.where(wanted[chain, place], -1.0, 0.0)))


def stored_after(given_kwh: FloatArray, goes_on: BoolArray, gained_kwh: FloatArray) -> FloatArray:
    """Return what is stored after every slot, shape (C, T) [kWh]: the chain written out.

    Parameters
    ----------
    given_kwh : (C, T) float64
        What a chain begins with, where it begins [kWh].
    goes_on : (C, T) bool
    gained_kwh : (C, T) float64
        What flows into the store in each slot, less what flows out [kWh].
    """
    out = np.empty_like(gained_kwh)
    before = np.zeros(gained_kwh.shape[0])
    for t in range(gained_kwh.shape[1]):
        before = np.where(goes_on[:, t], before, given_kwh[:, t]) + gained_kwh[:, t]
        out[:, t] = before
    return frozen(out)
