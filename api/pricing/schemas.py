"""The site's tariff and the drivers' prices on the wire."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.wire.schemas import PriceBySlot, WireModel, by_slot
from models.errors import IssueList
from models.prices import EnergyTariff, PriceSchedule, SlotPrice


class TariffWire(WireModel):
    """What the site pays for energy; every price is before tax and may be negative."""

    energy_per_kwh: Annotated[
        PriceBySlot, Field(description="energy, one price or one for each slot [currency/kWh]")
    ]
    network_per_kwh: Annotated[PriceBySlot, Field(description="its transport [currency/kWh]")] = 0.0
    demand_charge_per_kw: Annotated[
        float,
        Field(ge=0, le=1e6, description="price of the billing period's greatest slot mean [currency/kW]"),
    ] = 0.0
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")] = "EUR"

    @classmethod
    def from_domain(cls, tariff: EnergyTariff) -> "TariffWire":
        """Return a tariff as it stands on the wire."""
        return cls(
            energy_per_kwh=tuple(tariff.energy_per_kwh.tolist()),
            network_per_kwh=tuple(tariff.network_per_kwh.tolist()),
            demand_charge_per_kw=tariff.demand_charge_per_kw,
            currency=tariff.currency,
        )

    def to_domain(self, n_slots: int, issues: IssueList) -> EnergyTariff:
        """Return the tariff of a horizon of ``n_slots`` slots."""
        return EnergyTariff(
            energy_per_kwh=by_slot(self.energy_per_kwh, n_slots, "tariff.energy_per_kwh", issues),
            network_per_kwh=by_slot(self.network_per_kwh, n_slots, "tariff.network_per_kwh", issues),
            demand_charge_per_kw=self.demand_charge_per_kw,
            currency=self.currency,
        )


class SlotPriceOut(WireModel):
    """What a kWh costs the driver in one slot, before tax, as exact decimals; the total is the sum."""

    start: datetime
    energy_per_kwh: str
    network_per_kwh: str
    scarcity_per_kwh: str
    margin_per_kwh: str
    guard_rail_per_kwh: str
    total_per_kwh: str

    @classmethod
    def from_domain(cls, start: datetime, price: SlotPrice) -> "SlotPriceOut":
        """Return one slot's price as it stands on the wire."""
        return cls(
            start=start,
            energy_per_kwh=f"{price.energy_per_kwh:f}",
            network_per_kwh=f"{price.network_per_kwh:f}",
            scarcity_per_kwh=f"{price.scarcity_per_kwh:f}",
            margin_per_kwh=f"{price.margin_per_kwh:f}",
            guard_rail_per_kwh=f"{price.guard_rail_per_kwh:f}",
            total_per_kwh=f"{price.total_per_kwh:f}",
        )


class PricesOut(WireModel):
    """Prices of every slot."""

    currency: str
    slots: tuple[SlotPriceOut, ...]

    @classmethod
    def from_domain(cls, prices: PriceSchedule) -> "PricesOut":
        """Return prices as they stand on the wire."""
        slots = zip(prices.grid.starts(), prices.slots, strict=True)
        return cls(
            currency=prices.currency,
            slots=tuple(SlotPriceOut.from_domain(start, slot) for start, slot in slots),
        )
