"""Switching cars off and on again: how often a schedule does, and what the objective says of it."""

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, read_only
from optimizer.problem import Problem
from optimizer.scheduling.taken import offered_kwh

FULL_KWH = 1e-6
"""Energy below which a car counts as full [kWh]; the same as in :mod:`optimizer.discrete.runs`."""


def n_restarts(problem: Problem, pilot_a: FloatArray, charging: BoolArray) -> IntArray:
    """Return how often pilots (E, T) [A] switch each car off and on again while it is not full, shape (E,).

    ``charging`` (E,) marks those that charge the car that is there now. That a car begins to charge or ends
    is not counted: it must.
    """
    kwh = offered_kwh(problem, pilot_a)
    count = np.zeros(len(pilot_a), dtype=np.int64)
    taken = np.zeros(pilot_a.shape, dtype=np.bool_)
    for seat in range(problem.n_seats):
        mine = (problem.connected_h[:, seat] > 0) & ~taken
        taken |= mine
        before_kwh = np.pad(np.cumsum(kwh[:, seat], axis=1), ((0, 0), (1, 0)))[:, :-1]
        wants = mine & (before_kwh < problem.need_kwh[:, seat, None] - FULL_KWH)
        begins = charging & mine[:, 0]
        is_on = (pilot_a > 0) & mine
        has_run = np.logical_or.accumulate(np.column_stack([begins, is_on]), axis=1)[:, :-1]
        was_on = np.column_stack([begins, is_on])[:, :-1]
        count += (is_on & ~was_on & has_run & wants).sum(axis=1)
    return np.asarray(read_only(count))
