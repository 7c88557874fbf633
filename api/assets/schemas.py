"""Batteries, solar plants and generators on the wire."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from api.forecasts.schemas import PowerQuantiles
from api.wire.schemas import (
    BySlot,
    CarbonIntensity,
    Cost,
    Efficiency,
    Identity,
    KilowattHours,
    Kilowatts,
    WireModel,
    by_slot,
    members,
)
from models.arrays import frozen
from models.assets import Battery, Generator, SiteAssets, SolarPlant
from models.errors import IssueList

_MAX_ASSETS = 100


class BatteryWire(WireModel):
    """A stationary battery; if it holds more or less than it is kept between, the plan brings it back."""

    asset_id: Annotated[Identity, Field(description="unique among the site's assets")]
    node_id: Annotated[Identity, Field(description="circuit node that it is connected to")]
    min_kwh: Annotated[KilowattHours, Field(description="least energy that it is kept at [kWh]")]
    max_kwh: Annotated[KilowattHours, Field(description="greatest energy that it is kept at [kWh]")]
    stored_kwh: Annotated[KilowattHours, Field(description="energy in it now [kWh]")]
    charge_kw: Annotated[Kilowatts, Field(description="greatest power from the site [kW]")]
    discharge_kw: Annotated[Kilowatts, Field(description="greatest power to the site [kW]")]
    charge_efficiency: Annotated[
        Efficiency, Field(description="part of the energy drawn that is stored, in (0, 1]")
    ] = 0.95
    discharge_efficiency: Annotated[
        Efficiency, Field(description="part of the energy taken out that arrives, in (0, 1]")
    ] = 0.95
    wear_per_kwh: Annotated[
        Cost, Field(description="what a kWh that is discharged costs in wear [currency/kWh]")
    ] = 0.02
    end_kwh: Annotated[
        KilowattHours | None,
        Field(
            description="least energy at the end of the horizon [kWh]; "
            "null: what is stored now, or what can be reached of it"
        ),
    ] = None

    @classmethod
    def from_domain(cls, battery: Battery) -> "BatteryWire":
        """Return a battery as it stands on the wire."""
        return cls(**members(battery))

    def to_domain(self) -> Battery:
        """Return the battery."""
        return Battery(**dict(self))


class SolarWire(WireModel):
    """A solar plant: what it can give is known by slot, or forecast as quantiles."""

    asset_id: Annotated[Identity, Field(description="unique among the site's assets")]
    node_id: Annotated[Identity, Field(description="circuit node that it is connected to")]
    available_kw: Annotated[
        BySlot[Kilowatts] | None, Field(description="power that it can give, one value or one per slot [kW]")
    ] = None
    quantiles: Annotated[
        PowerQuantiles | None, Field(description="quantiles of the power that it can give, instead of it")
    ] = None
    can_curtail: Annotated[bool, Field(description="whether it can be told to give less")] = True

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.available_kw is None) == (self.quantiles is None):
            raise ValueError("exactly one of available_kw and quantiles is needed")
        return self

    @classmethod
    def from_domain(cls, plant: SolarPlant) -> "SolarWire":
        """Return a solar plant as it stands on the wire."""
        quantiles = PowerQuantiles.from_domain(plant.levels, plant.available_kw)
        certain = quantiles.levels == (0.5,)
        return cls(
            asset_id=plant.asset_id,
            node_id=plant.node_id,
            available_kw=quantiles.power_kw[0] if certain else None,
            quantiles=None if certain else quantiles,
            can_curtail=plant.can_curtail,
        )

    def to_domain(self, n_slots: int, where: str, issues: IssueList) -> SolarPlant:
        """Return the plant over a horizon of ``n_slots`` slots."""
        levels = frozen([0.5])
        if self.quantiles is not None:
            levels, available_kw = self.quantiles.to_domain(n_slots, f"{where}.quantiles", issues)
        else:
            given_kw = 0.0 if self.available_kw is None else self.available_kw
            available_kw = frozen([by_slot(given_kw, n_slots, f"{where}.available_kw", issues)])
        return SolarPlant(self.asset_id, self.node_id, levels, available_kw, self.can_curtail)


class GeneratorWire(WireModel):
    """A generator that burns fuel."""

    asset_id: Annotated[Identity, Field(description="unique among the site's assets")]
    node_id: Annotated[Identity, Field(description="circuit node that it is connected to")]
    max_kw: Annotated[Kilowatts, Field(description="greatest power [kW]")]
    cost_per_kwh: Annotated[Cost, Field(description="fuel and wear [currency/kWh]")]
    carbon_kg_per_kwh: Annotated[
        CarbonIntensity, Field(description="its emissions, priced as those of imported energy [kg/kWh]")
    ] = 0.0

    @classmethod
    def from_domain(cls, generator: Generator) -> "GeneratorWire":
        """Return a generator as it stands on the wire."""
        return cls(**members(generator))

    def to_domain(self) -> Generator:
        """Return the generator."""
        return Generator(**dict(self))


class AssetsWire(WireModel):
    """What a site has beside EVSEs; balanced over the phases."""

    batteries: Annotated[
        tuple[BatteryWire, ...], Field(max_length=_MAX_ASSETS, description="stationary batteries")
    ] = ()
    solar: Annotated[tuple[SolarWire, ...], Field(max_length=_MAX_ASSETS, description="solar plants")] = ()
    generators: Annotated[
        tuple[GeneratorWire, ...], Field(max_length=_MAX_ASSETS, description="generators")
    ] = ()

    @classmethod
    def from_domain(cls, assets: SiteAssets) -> "AssetsWire":
        """Return assets as they stand on the wire."""
        return cls(
            batteries=tuple(BatteryWire.from_domain(battery) for battery in assets.batteries),
            solar=tuple(SolarWire.from_domain(plant) for plant in assets.solar),
            generators=tuple(GeneratorWire.from_domain(generator) for generator in assets.generators),
        )

    def to_domain(self, n_slots: int, issues: IssueList) -> SiteAssets:
        """Return the assets over a horizon of ``n_slots`` slots."""
        return SiteAssets(
            batteries=tuple(battery.to_domain() for battery in self.batteries),
            solar=tuple(
                plant.to_domain(n_slots, f"assets.solar[{place}]", issues)
                for place, plant in enumerate(self.solar)
            ),
            generators=tuple(generator.to_domain() for generator in self.generators),
        )
