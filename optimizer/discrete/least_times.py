"""How often pilots switch sooner than contactors and cars should: the least times of runs and pauses."""

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from optimizer.discrete.manner import Manner, contactors_of
from optimizer.discrete.reply import Contactors
from optimizer.problem import Problem
from optimizer.scheduling.switching import FULL_KWH
from optimizer.scheduling.taken import offered_kwh


def n_hasty(problem: Problem, pilot_a: FloatArray, manner: Manner) -> int:
    """Return how many runs and pauses of pilots (E, T) [A] are shorter than they should be.

    A run ends when its car is full or leaves, and at the end of the horizon, whatever its length.
    """
    contactors = contactors_of(problem, frozen(np.zeros_like(pilot_a)), manner)
    is_held = (contactors.least_run > 1) | (contactors.least_pause > 1) | (contactors.still > 0)
    if not is_held.any():
        return 0
    kwh = offered_kwh(problem, pilot_a)
    count = 0
    for evse in np.nonzero(is_held)[0].tolist():
        taken = np.zeros(pilot_a.shape[1], dtype=np.bool_)
        for seat in range(problem.n_seats):
            mine = (problem.connected_h[evse, seat] > 0) & ~taken
            taken |= mine
            before_kwh = np.cumsum(np.append(0.0, kwh[evse, seat]))[:-1]
            wants = mine & (before_kwh < problem.need_kwh[evse, seat] - FULL_KWH)
            here = bool(mine[0])
            count += _of_session((pilot_a[evse] > 0)[wants], evse, contactors, is_here=here)
    return count


def _of_session(is_on: BoolArray, evse: int, contactors: Contactors, *, is_here: bool) -> int:
    """Return the same of one session, from its pilots while it wants energy."""
    count, was_on = 0, bool(contactors.charging[evse]) and is_here
    length = int(contactors.least_run[evse] - 1 - contactors.still[evse]) if was_on else 0
    has_run = was_on
    for k, on in enumerate(is_on.tolist()):
        if on != was_on:
            least = contactors.least_run[evse] if was_on else contactors.least_pause[evse]
            if not was_on and not has_run:
                count += is_here and k < contactors.still[evse]
            else:
                count += length < least
            length = 0
        length, was_on, has_run = length + 1, on, has_run or on
    return count
