"""What a schedule delivers, in the terms of the program: power, energy, and the energy of each session."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from optimizer.problem import Problem

AssetPower: TypeAlias = Mapping[str, FloatArray]
"""What assets draw, (T,) [kW] each by their name; below 0 where they give."""

NO_ASSETS: Final[AssetPower] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Delivery:
    """What cars get: ``power_kw`` and ``energy_kwh`` (E, T), ``session_kwh`` (E, S).

    ``power_kw`` is the mean power while somebody can charge. Where one car leaves and the next arrives within a
    slot it is the power that both may draw; one of them may get full and stop. ``back_kw`` (E, T) is what they give
    back; ``session_kwh`` is net of it. ``asset_kw`` is what each asset draws beside them, (T,) by its name; assets
    that are not in it do nothing. ``coming_kw`` (T,) is what cars to come are given beside all of that; None:
    nothing. ``pilot_a`` (E, T) is what cars are told; None for power that no pilot gives.
    """

    power_kw: FloatArray
    energy_kwh: FloatArray
    session_kwh: FloatArray
    back_kw: FloatArray
    asset_kw: AssetPower = field(default_factory=lambda: NO_ASSETS)
    coming_kw: FloatArray | None = None
    pilot_a: FloatArray | None = None

    @classmethod
    def of_power(
        cls,
        problem: Problem,
        power_kw: FloatArray,
        back_kw: FloatArray | None = None,
        asset_kw: AssetPower | None = None,
    ) -> "Delivery":
        """Return what planned power (E, T) [kW] delivers: nobody gets full within a slot."""
        back = frozen(np.zeros(power_kw.shape)) if back_kw is None else back_kw
        net_kw = power_kw - problem.batteries.per_back * back
        session_kwh = np.einsum("et,eqt->eq", net_kw, problem.connected_h)
        energy_kwh = frozen(power_kw * problem.slot_h)
        return cls(power_kw, energy_kwh, frozen(session_kwh), back, asset_kw or NO_ASSETS)

    @classmethod
    def of_pilots(
        cls, problem: Problem, pilot_a: FloatArray, energy_kwh: FloatArray, session_kwh: FloatArray
    ) -> "Delivery":
        """Return what pilots (E, T) [A] deliver; a car draws no more than it can."""
        drawn_kw = np.minimum(pilot_a, problem.max_a) * problem.kw_per_a
        hours = np.where(problem.slot_h > 0, problem.slot_h, np.inf)
        power_kw = np.where(shared_cells(problem), drawn_kw, energy_kwh / hours)
        return cls(
            frozen(power_kw), energy_kwh, session_kwh, frozen(np.zeros(pilot_a.shape)), pilot_a=pilot_a
        )

    def site_kw(self, problem: Problem) -> FloatArray:
        """Return what the site draws, its load and cars to come included, (T,) [kW]; below 0 it feeds back."""
        beside_kw = sum(self.asset_kw.values(), np.zeros(problem.grid.n_slots))
        if self.coming_kw is not None:
            beside_kw = beside_kw + self.coming_kw
        cars_kw = (self.power_kw - self.back_kw).sum(axis=0)
        return frozen(problem.load_kw + cars_kw + beside_kw)


def shared_cells(problem: Problem) -> BoolArray:
    """Return where one car leaves an EVSE and the next arrives within a slot, shape (E, T)."""
    shared: BoolArray = (problem.connected_h > 0).sum(axis=1) > 1
    return shared
