"""The site's tariff and the drivers' prices on the wire."""

from datetime import datetime
from typing import Annotated, Literal, cast

from pydantic import Field

from api.wire.schemas import (
    MAX_SLOTS,
    BySlot,
    CarbonIntensity,
    Cost,
    KilowattHours,
    Kilowatts,
    PriceBySlot,
    WireModel,
    by_slot,
    members,
)
from models.arrays import FloatArray
from models.errors import IssueList
from models.prices import EnergyTariff, PeakCharge, PriceSchedule, SlotPrice, Subscription


class PeakWire(WireModel):
    """A charge on the greatest mean import of a window in a billing period."""

    per_kw: Annotated[Cost, Field(description="price of a kW of that peak [currency/kW]")]
    window_s: Annotated[
        Literal[900, 1800, 3600],
        Field(
            description="length of the windows, which begin at whole multiples of it [s]; slots fill a window, or "
            "windows fill a slot"
        ),
    ] = 900
    so_far_kw: Annotated[
        Kilowatts,
        Field(
            description="peak of this period so far [kW], or the part of an earlier peak that a ratchet bills "
            "anyway where that is more"
        ),
    ] = 0.0
    expected_kw: Annotated[
        Kilowatts,
        Field(
            description="peak that the rest of the period will need anyway [kW]: below it nothing is saved"
        ),
    ] = 0.0
    applies: Annotated[
        tuple[bool, ...] | None,
        Field(max_length=MAX_SLOTS, description="whether each slot counts; null: all do"),
    ] = None
    window_kwh: Annotated[
        KilowattHours, Field(description="energy already imported in the window that contains now [kWh]")
    ] = 0.0

    @classmethod
    def from_domain(cls, peak: PeakCharge) -> "PeakWire":
        """Return a charge on peaks as it stands on the wire."""
        return cls(
            per_kw=peak.per_kw,
            window_s=cast("Literal[900, 1800, 3600]", peak.window_s),
            so_far_kw=peak.so_far_kw,
            expected_kw=peak.expected_kw,
            applies=None if peak.applies is None else tuple(flag > 0 for flag in peak.applies.tolist()),
            window_kwh=peak.window_kwh,
        )

    def to_domain(self, n_slots: int, where: str, issues: IssueList) -> PeakCharge:
        """Return the charge over a horizon of ``n_slots`` slots."""
        applies = None
        if self.applies is not None:
            applies = by_slot(self.applies, n_slots, f"{where}.applies", issues)
        return PeakCharge(
            per_kw=self.per_kw,
            window_s=self.window_s,
            so_far_kw=self.so_far_kw,
            expected_kw=self.expected_kw,
            applies=applies,
            window_kwh=self.window_kwh,
        )


class SubscriptionWire(WireModel):
    """Subscribed import power; what exceeds it is billed by energy."""

    subscribed_kw: Annotated[Kilowatts, Field(description="power that is paid for anyway [kW]")]
    excess_per_kwh: Annotated[Cost, Field(description="price of each kWh above it [currency/kWh]")]

    @classmethod
    def from_domain(cls, subscription: Subscription) -> "SubscriptionWire":
        """Return a subscription as it stands on the wire."""
        return cls(**members(subscription))

    def to_domain(self) -> Subscription:
        """Return the subscription."""
        return Subscription(**dict(self))


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
    export_per_kwh: Annotated[
        PriceBySlot | None,
        Field(description="what energy fed into the grid earns [currency/kWh]; null: nothing"),
    ] = None
    carbon_kg_per_kwh: Annotated[
        BySlot[CarbonIntensity] | None,
        Field(description="emissions of imported energy, one value or one for each slot [kg/kWh]"),
    ] = None
    carbon_per_kg: Annotated[Cost, Field(description="price of emissions [currency/kg]")] = 0.0
    peaks: Annotated[
        tuple[PeakWire, ...],
        Field(
            max_length=20, description="charges on peaks, beside demand_charge_per_kw; each counts by itself"
        ),
    ] = ()
    subscription: Annotated[
        SubscriptionWire | None, Field(description="subscribed import power; null: none")
    ] = None
    switch_cost: Annotated[Cost, Field(description="price of switching a car on or off [currency]")] = 0.0
    fixed_cost: Annotated[
        float, Field(ge=-1e6, le=1e6, description="what the horizon costs anyway [currency]; it is reported")
    ] = 0.0

    @classmethod
    def from_domain(cls, tariff: EnergyTariff) -> "TariffWire":
        """Return a tariff as it stands on the wire."""
        return cls(
            energy_per_kwh=tuple(tariff.energy_per_kwh.tolist()),
            network_per_kwh=tuple(tariff.network_per_kwh.tolist()),
            demand_charge_per_kw=tariff.demand_charge_per_kw,
            currency=tariff.currency,
            export_per_kwh=None if tariff.export_per_kwh is None else tuple(tariff.export_per_kwh.tolist()),
            carbon_kg_per_kwh=None
            if tariff.carbon_kg_per_kwh is None
            else tuple(tariff.carbon_kg_per_kwh.tolist()),
            carbon_per_kg=tariff.carbon_per_kg,
            peaks=tuple(PeakWire.from_domain(peak) for peak in tariff.peaks),
            subscription=None
            if tariff.subscription is None
            else SubscriptionWire.from_domain(tariff.subscription),
            switch_cost=tariff.switch_cost,
            fixed_cost=tariff.fixed_cost,
        )

    def to_domain(self, n_slots: int, issues: IssueList) -> EnergyTariff:
        """Return the tariff of a horizon of ``n_slots`` slots."""

        def row(name: str) -> FloatArray | None:
            values = getattr(self, name)
            return None if values is None else by_slot(values, n_slots, f"tariff.{name}", issues)

        peaks = enumerate(self.peaks)
        return EnergyTariff(
            energy_per_kwh=by_slot(self.energy_per_kwh, n_slots, "tariff.energy_per_kwh", issues),
            network_per_kwh=by_slot(self.network_per_kwh, n_slots, "tariff.network_per_kwh", issues),
            demand_charge_per_kw=self.demand_charge_per_kw,
            currency=self.currency,
            export_per_kwh=row("export_per_kwh"),
            carbon_kg_per_kwh=row("carbon_kg_per_kwh"),
            carbon_per_kg=self.carbon_per_kg,
            peaks=tuple(peak.to_domain(n_slots, f"tariff.peaks[{i}]", issues) for i, peak in peaks),
            subscription=None if self.subscription is None else self.subscription.to_domain(),
            switch_cost=self.switch_cost,
            fixed_cost=self.fixed_cost,
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
