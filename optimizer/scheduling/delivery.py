"""What a schedule delivers, in the terms of the program: power, energy, and the energy of each session."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True)
class Delivery:
    """What cars get: ``power_kw`` and ``energy_kwh`` (E, T), ``session_kwh`` (E, S).

    ``power_kw`` is the mean power while somebody can charge. Where one car leaves and the next arrives within a
    slot it is the power that both may draw; one of them may get full and stop.
    """

    power_kw: FloatArray
    energy_kwh: FloatArray
    session_kwh: FloatArray

    @classmethod
    def of_power(cls, problem: Problem, power_kw: FloatArray) -> "Delivery":
        """Return what planned power (E, T) [kW] delivers: nobody gets full within a slot."""
        session_kwh = np.einsum("et,eqt->eq", power_kw, problem.connected_h)
        return cls(power_kw, frozen(power_kw * problem.slot_h), frozen(session_kwh))

    @classmethod
    def of_pilots(
        cls, problem: Problem, pilot_a: FloatArray, energy_kwh: FloatArray, session_kwh: FloatArray
    ) -> "Delivery":
        """Return what pilots (E, T) [A] deliver; a car draws no more than it can."""
        drawn_kw = np.minimum(pilot_a, problem.max_a) * problem.kw_per_a[:, None]
        hours = np.where(problem.slot_h > 0, problem.slot_h, np.inf)
        power_kw = np.where(shared_cells(problem), drawn_kw, energy_kwh / hours)
        return cls(frozen(power_kw), energy_kwh, session_kwh)


def shared_cells(problem: Problem) -> BoolArray:
    """Return where one car leaves an EVSE and the next arrives within a slot, shape (E, T)."""
    shared: BoolArray = (problem.connected_h > 0).sum(axis=1) > 1
    return shared
