"""What a plan's binding limits add to the price of a slot."""

import numpy as np

from models.arrays import FloatArray, frozen
from models.units import W_PER_KW
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
    per_kwh = _binding(planned.node_per_kw / problem.grid.step_h)
    per_phase = _binding(planned.phase_per_a * (W_PER_KW / top.voltage_v / problem.grid.step_h))
    part = top.on_phase / top.on_phase.sum(axis=1, keepdims=True)
    scarce = per_kwh.any(axis=1) | per_phase.any(axis=(1, 2))
    above = top.below[scarce].T.astype(np.float64)
    of_evse = above @ per_kwh[scarce]
    for phase in range(per_phase.shape[1]):
        of_evse += part[:, phase, None] * (above @ per_phase[scarce, phase])
    return frozen(np.average(np.minimum(of_evse, most_per_kwh), axis=0, weights=top.connected_kw))


def _binding(price_per_kwh: FloatArray) -> FloatArray:
    """Return shadow prices of limits that bind; below them are only preferences of time."""
    return frozen(np.where(price_per_kwh > BINDING_PER_KWH, price_per_kwh, 0.0))
