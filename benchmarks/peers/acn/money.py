"""What an operator earns and pays on a network of ACN-Sim."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.peers.acn.networks import ZONE
from benchmarks.peers.acn.sessions import PERIOD, PERIOD_H
from benchmarks.peers.acn.simulate import Case
from benchmarks.tariffs import Tariff, sce_tou_ev_4
from models.arrays import FloatArray
from models.timegrid import TimeGrid

REVENUE_PER_KWH: Final = 0.30
"""What drivers pay [USD/kWh], as in the study that shares of the offline optimum were published in."""

DAYS_PER_MONTH: Final = 30.0


@dataclass(frozen=True, slots=True)
class Money:
    """Prices over the periods of a simulation.

    Parameters
    ----------
    price_per_kwh : (T,) float64
        What energy costs [USD/kWh].
    demand_per_kw : float
        What the greatest power of a period costs [USD/kW]: the share of a month's demand charge that the
        simulated days are of 30.
    """

    price_per_kwh: FloatArray
    demand_per_kw: float

    @classmethod
    def of(cls, case: Case, n_days: float, prices: Tariff = sce_tou_ev_4) -> "Money":
        """Return the prices of a case; schedule TOU-EV-4 of Southern California Edison unless told otherwise."""
        grid = TimeGrid(case.start, int(PERIOD.total_seconds()), max(case.n_periods, 1))
        tariff = prices(grid, ZONE)
        return cls(tariff.import_per_kwh, tariff.demand_charge_per_kw * n_days / DAYS_PER_MONTH)

    def energy_cost(self, power_kw: FloatArray) -> float:
        """Return what the energy costs [USD]; ``power_kw`` (T,) [kW]."""
        return float(self.price_per_kwh[: power_kw.size] @ power_kw) * PERIOD_H

    def demand_cost(self, power_kw: FloatArray) -> float:
        """Return what the greatest power costs [USD]; ``power_kw`` (T,) [kW]."""
        return self.demand_per_kw * float(np.max(power_kw, initial=0.0))

    def profit(self, power_kw: FloatArray) -> float:
        """Return what is left of the revenue [USD]; ``power_kw`` (T,) [kW]."""
        revenue = REVENUE_PER_KWH * float(power_kw.sum()) * PERIOD_H
        return revenue - self.energy_cost(power_kw) - self.demand_cost(power_kw)
