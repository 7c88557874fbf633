"""What a plan's binding limits add to the price of a slot."""

import numpy as np

from models.arrays import FloatArray, frozen
from optimizer.explain import BINDING_PER_KWH
from optimizer.problem import Problem
from optimizer.scheduling.extract import PlannedPower


def scarcity_per_kwh(planned: PlannedPower, problem: Problem, most_per_kwh: float) -> FloatArray:
    """Return the scarcity of each slot, shape (T,) [currency/kWh].

    For one EVSE it is the sum of the shadow prices that bind above it, a current limit counted for the part of
    the power that flows through its phase, and at most ``most_per_kwh``. For the site it is the mean of its
    EVSEs by connected power: a feeder that is full makes the site as scarce as the part of it that hangs there.
    """
    top = problem.topology
    if top.n_evses == 0:
        return frozen(np.zeros(problem.grid.n_slots))
    of_evse = planned.prices.of_evses(top.n_evses, BINDING_PER_KWH * problem.grid.step_h)
    per_kwh = np.clip(of_evse / problem.grid.step_h, 0.0, most_per_kwh)
    return frozen(np.average(per_kwh, axis=0, weights=top.connected_kw))
