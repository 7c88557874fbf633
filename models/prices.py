"""What energy costs the site by slot, and what it is sold for."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from models.arrays import FloatArray, FloatBySlot, frozen
from models.timegrid import TimeGrid


@dataclass(frozen=True, slots=True)
class PeakCharge:
    """A charge on the greatest mean import of a window in a billing period.

    Parameters
    ----------
    per_kw : float
        Price of a kW of that peak [currency/kW].
    window_s : int
        Length of the windows, which begin at whole multiples of it [s]: 15, 30 or 60 minutes.
    so_far_kw : float
        Peak of this period so far [kW]; also the part of earlier peaks that a ratchet bills anyway.
    expected_kw : float
        Peak that the rest of the period is expected to need [kW]: below it a plan saves nothing.
    applies : (n_slots,) float64 or None
        1 in slots that count, 0 elsewhere; None: all count.
    window_kwh : float
        Energy already imported in the window that contains now [kWh].
    """

    per_kw: float
    window_s: int = 900
    so_far_kw: float = 0.0
    expected_kw: float = 0.0
    applies: FloatBySlot | None = None
    window_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Subscription:
    """Subscribed import power; what exceeds it is billed by energy."""

    subscribed_kw: float
    excess_per_kwh: float


@dataclass(frozen=True, slots=True)
class EnergyTariff:
    """What the site pays by slot, the input of the scheduler.

    Parameters
    ----------
    energy_per_kwh, network_per_kwh : (n_slots,) float64
        Price of energy and of its transport [currency/kWh]; either may be negative.
    demand_charge_per_kw : float
        Price of the billing period's greatest mean power of a slot [currency/kW]; 0 where there is none.
    currency : str
        ISO 4217 code.
    export_per_kwh : (n_slots,) float64 or None
        What a kWh fed into the grid earns [currency/kWh]; None: nothing.
    carbon_kg_per_kwh : (n_slots,) float64 or None
        Emissions of imported energy [kg/kWh].
    carbon_per_kg : float
        Price of emissions [currency/kg].
    peaks : tuple of PeakCharge
        Further charges on peaks.
    subscription : Subscription or None
    switch_cost : float
        Price of switching a car on or off [currency].
    fixed_cost : float
        What the horizon costs anyway [currency].
    """

    energy_per_kwh: FloatBySlot
    network_per_kwh: FloatBySlot
    demand_charge_per_kw: float = 0.0
    currency: str = "EUR"
    export_per_kwh: FloatBySlot | None = None
    carbon_kg_per_kwh: FloatBySlot | None = None
    carbon_per_kg: float = 0.0
    peaks: tuple[PeakCharge, ...] = ()
    subscription: Subscription | None = None
    switch_cost: float = 0.0
    fixed_cost: float = 0.0

    @classmethod
    def flat(cls, price_per_kwh: float, n_slots: int) -> "EnergyTariff":
        """Return one price for every slot."""
        return cls(frozen(np.full(n_slots, price_per_kwh)), frozen(np.zeros(n_slots)))

    @property
    def import_per_kwh(self) -> FloatArray:
        """Energy plus network plus carbon, shape (n_slots,) [currency/kWh]."""
        per_kwh = self.energy_per_kwh + self.network_per_kwh
        if self.carbon_kg_per_kwh is not None:
            per_kwh = per_kwh + self.carbon_per_kg * self.carbon_kg_per_kwh
        return frozen(per_kwh)


@dataclass(frozen=True, slots=True)
class SlotPrice:
    """What a kWh costs the driver in one slot, before tax; ``total_per_kwh`` is exactly the sum of its parts.

    ``guard_rail_per_kwh`` is what the guard rails added (or, negative, took away).
    """

    energy_per_kwh: Decimal
    network_per_kwh: Decimal
    scarcity_per_kwh: Decimal
    margin_per_kwh: Decimal
    guard_rail_per_kwh: Decimal

    @property
    def total_per_kwh(self) -> Decimal:
        """The price that is shown."""
        parts = (self.energy_per_kwh, self.network_per_kwh, self.scarcity_per_kwh, self.margin_per_kwh)
        return sum(parts, self.guard_rail_per_kwh)


@dataclass(frozen=True, slots=True)
class PriceSchedule:
    """A price for every slot of a horizon."""

    grid: TimeGrid
    currency: str
    slots: tuple[SlotPrice, ...]

    @property
    def total_per_kwh(self) -> tuple[Decimal, ...]:
        """The shown price of every slot [currency/kWh]."""
        return tuple(slot.total_per_kwh for slot in self.slots)
