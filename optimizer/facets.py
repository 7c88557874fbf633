"""Circles as polygons: the directions in which the phasor of a row is bounded.

A row whose phasors all point one way is a line: one facet. Where phases mix (wiring between lines, power
factors), the circle is drawn around by facets every 15 degrees, as far as phasors can point; a program may
then exceed the circle by at most 0.86 %, which dispatch, on the exact phasors, takes back.
"""

from typing import NamedTuple

import numpy as np

from models.arrays import ComplexArray, FloatArray, IntArray, frozen
from optimizer.rows import LINE, Rows

N_FACETS = 24
"""Directions in which a phasor can be bounded, 15 degrees apart."""

BACK = N_FACETS // 2
"""The facet against the voltage: power towards the grid."""

DIRECTIONS = np.exp(-2j * np.pi * np.arange(N_FACETS) / N_FACETS)

SMALL = 1e-9
"""Phasor per ampere below which a pilot does not load a row."""


class Facet(NamedTuple):
    """A direction in which the phasor of a row is bounded."""

    row: int
    facet: int


class Reach(NamedTuple):
    """How far pilots can push each row: ``facets`` by row, and ``most`` (R, N_FACETS) at greatest pilots."""

    facets: tuple[tuple[int, ...], ...]
    most: FloatArray


def reach_of(rows: Rows, max_a: FloatArray) -> Reach:
    """Return the directions that each row can point to, and how far, whatever phases cars use.

    Parameters
    ----------
    rows : Rows
    max_a : (E,) float64
        Greatest pilots [A].
    """
    evse, place = np.nonzero((rows.of_evse >= 0) & (np.abs(rows.weight) > SMALL).any(axis=0))
    row, by_lines = rows.of_evse[evse, place], rows.weight[:, evse, place]
    most = np.zeros((len(rows.names), N_FACETS))
    for facet in range(N_FACETS):
        along = np.maximum((by_lines * DIRECTIONS[facet]).real, 0.0).max(axis=0)
        np.add.at(most[:, facet], row, along * max_a[evse])
    found = []
    for number, name in enumerate(rows.names):
        base = (
            [] if name.quantity == LINE else [1.0 + 0.0j]
        )  # a node may carry load in phase with its voltage
        found.append(facets_of(np.array([*by_lines[:, row == number].ravel(), *base], dtype=np.complex128)))
    return Reach(tuple(found), frozen(most))


def back_reach_of(rows: Rows, most_a: FloatArray) -> FloatArray:
    """Return how far cars that give back can push every row along every facet, shape (R, N_FACETS).

    Parameters
    ----------
    rows : Rows
    most_a : (E,) float64
        Greatest current that each EVSE takes from a car [A].
    """
    out = np.zeros((len(rows.names), N_FACETS))
    evse, place = np.nonzero((rows.of_evse >= 0) & (most_a > 0)[:, None])
    weight = rows.weight[:, evse, place] * most_a[evse]
    added = added_by_back(weight[:, :, None], np.arange(N_FACETS)).max(axis=0)
    np.add.at(out, rows.of_evse[evse, place], added)
    return frozen(out)


def added_by_back(weight: ComplexArray, facet: IntArray) -> FloatArray:
    """Return what giving back adds along facets, of the phasors that drawing as much puts on rows; never below 0."""
    along = -(DIRECTIONS[facet] * weight).real
    return frozen(np.where(along > SMALL, along, 0.0))


def facets_of(phasors: ComplexArray) -> tuple[int, ...]:
    """Return the directions that sums of these phasors can point to, with one on either side."""
    turn = np.unique(
        np.round(np.angle(phasors[np.abs(phasors) > SMALL]) * N_FACETS / (2 * np.pi), 9) % N_FACETS
    )
    if not turn.size or (turn == 0.0).all():
        return (0,)
    gaps = np.diff(np.append(turn, turn[0] + N_FACETS))
    widest = int(np.argmax(gaps))
    if gaps[widest] <= N_FACETS / 2:
        return tuple(range(N_FACETS))
    begins = float(turn[(widest + 1) % turn.size])
    ends = begins + N_FACETS - float(gaps[widest])
    return tuple(step % N_FACETS for step in range(int(np.floor(begins)), int(np.ceil(ends)) + 1))
