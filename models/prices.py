"""What energy costs the site by slot, and what it is sold for."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from models.arrays import FloatArray, frozen
from models.timegrid import TimeGrid


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
    """

    energy_per_kwh: FloatArray
    network_per_kwh: FloatArray
    demand_charge_per_kw: float = 0.0
    currency: str = "EUR"

    @classmethod
    def flat(cls, price_per_kwh: float, n_slots: int) -> "EnergyTariff":
        """Return one price for every slot."""
        return cls(frozen(np.full(n_slots, price_per_kwh)), frozen(np.zeros(n_slots)))

    @property
    def import_per_kwh(self) -> FloatArray:
        """Energy plus network, shape (n_slots,) [currency/kWh]."""
        return frozen(self.energy_per_kwh + self.network_per_kwh)


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
