"""What came of the day under one way to control it, in the figures that ways are compared by."""

from dataclasses import dataclass

import numpy as np

from benchmarks.demo.day import DemoDay
from benchmarks.demo.meters import SLOT_S, DayMeters, NodeRecord
from models.arrays import FloatArray
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class DayOutcome:
    """One day as it was metered.

    Parameters
    ----------
    name : str
    need_kwh, delivered_kwh : float
        Of all cars together.
    n_met, n_sessions : int
        Cars that left with at least 99 % of their need, and all cars.
    evse_kw : (n_evses, n_slots) float64
        Mean power by slot [kW].
    building_kw : (n_slots,) float64
    energy_cost : float
        Cost of the energy that the cars took [EUR].
    peak_kw : float
        Greatest mean of a slot at the grid connection, building included [kW].
    over_s : float
        Longest time that a quantity of a node was above its limit [s].
    records : tuple of NodeRecord
    """

    name: str
    need_kwh: float
    delivered_kwh: float
    n_met: int
    n_sessions: int
    evse_kw: FloatArray
    building_kw: FloatArray
    energy_cost: float
    peak_kw: float
    over_s: float
    records: tuple[NodeRecord, ...]

    @property
    def met_percent(self) -> float:
        """Energy delivered over energy needed [%]."""
        return 100.0 * self.delivered_kwh / self.need_kwh if self.need_kwh else 100.0

    @property
    def cost_per_kwh(self) -> float:
        """Mean price of the energy [EUR/kWh]."""
        return self.energy_cost / self.delivered_kwh if self.delivered_kwh else 0.0

    @property
    def site_kw(self) -> FloatArray:
        """Power at the grid connection by slot, shape (n_slots,) [kW]."""
        total: FloatArray = self.evse_kw.sum(axis=0) + self.building_kw
        return total


MET_SHARE = 0.99
"""From this share of its need on a car counts as served: the last percent is the battery's taper."""


def grid_of(day: DemoDay) -> TimeGrid:
    """Return the slots of a day."""
    n_slots = round((day.end - day.start).total_seconds() / SLOT_S)
    return TimeGrid(day.start, SLOT_S, n_slots)


def outcome_of(name: str, day: DemoDay, meters: DayMeters, delivered_kwh: dict[str, float]) -> DayOutcome:
    """Return the figures of a day; ``delivered_kwh`` is by session."""
    price = day.tariff(grid_of(day)).import_per_kwh
    evse_kw = meters.evse_kw
    met = [delivered_kwh.get(s.session_id, 0.0) >= MET_SHARE * s.target_kwh for s in day.sessions]
    return DayOutcome(
        name=name,
        need_kwh=day.need_kwh,
        delivered_kwh=sum(delivered_kwh.values()),
        n_met=sum(met),
        n_sessions=len(met),
        evse_kw=evse_kw,
        building_kw=meters.building_kw,
        energy_cost=float(evse_kw.sum(axis=0) @ price) * SLOT_S / SECONDS_PER_HOUR,
        peak_kw=float(np.max(evse_kw.sum(axis=0) + meters.building_kw, initial=0.0)),
        over_s=meters.over_s,
        records=meters.records,
    )
