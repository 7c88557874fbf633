"""A site that we run, on the wire: what holds whatever the time is."""

from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Discriminator, Field, Tag

from api.forecasts.schemas import PhaseShare
from api.planning.schemas import HorizonWire, OptionsWire
from api.pricing.schemas import SubscriptionWire
from api.sites.schemas import SiteWire
from api.wire.schemas import (
    Amperes,
    CarbonIntensity,
    Cost,
    Identity,
    KilowattHours,
    Kilowatts,
    Moment,
    Price,
    Value,
    WireModel,
)
from models.arrays import FloatArray, frozen
from models.grid.limits import NodeLimit
from models.load import LoadForecast
from models.prices import EnergyTariff, PeakCharge
from models.timegrid import TimeGrid

_HOURS = 24


def _form(value: object) -> str:
    return "by_hour" if isinstance(value, list | tuple) else "constant"


ByHour: TypeAlias = Annotated[
    Annotated[Value, Tag("constant")]
    | Annotated[tuple[Value, ...], Field(min_length=_HOURS, max_length=_HOURS), Tag("by_hour")],
    Discriminator(_form),
]
"""One value, or one for each hour of the local day."""


def by_local_hour(values: float | tuple[float, ...], grid: TimeGrid, zone: str) -> FloatArray:
    """Return the value of the local hour in which each slot starts, shape (n_slots,)."""
    if isinstance(values, int | float):
        return frozen(np.full(grid.n_slots, float(values)))
    return frozen([values[start.hour] for start in grid.local_starts(zone)])


class StandingPeak(WireModel):
    """A charge on the greatest mean import of a window in a billing period."""

    per_kw: Annotated[Cost, Field(description="price of a kW of that peak [currency/kW]")]
    window_s: Annotated[Literal[900, 1800, 3600], Field(description="length of the windows [s]")] = 900
    so_far_kw: Annotated[
        Kilowatts, Field(description="peak of this period so far, or what a ratchet bills anyway [kW]")
    ] = 0.0
    expected_kw: Annotated[
        Kilowatts, Field(description="peak that the rest of the period will need anyway [kW]")
    ] = 0.0
    applies: Annotated[
        tuple[bool, ...] | None,
        Field(
            min_length=_HOURS,
            max_length=_HOURS,
            description="whether each hour of the local day counts; null: all",
        ),
    ] = None

    def on(self, grid: TimeGrid, zone: str) -> PeakCharge:
        """Return the charge over a horizon."""
        applies = None if self.applies is None else by_local_hour(self.applies, grid, zone)
        return PeakCharge(self.per_kw, self.window_s, self.so_far_kw, self.expected_kw, applies)


class StandingTariff(WireModel):
    """What the site pays, by hour of its local day."""

    energy_per_kwh: Annotated[
        ByHour[Price], Field(description="energy, one price or one for each hour [currency/kWh]")
    ]
    network_per_kwh: Annotated[ByHour[Price], Field(description="its transport [currency/kWh]")] = 0.0
    demand_charge_per_kw: Annotated[
        float,
        Field(ge=0, le=1e6, description="price of the billing period's greatest slot mean [currency/kW]"),
    ] = 0.0
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217")] = "EUR"
    export_per_kwh: Annotated[
        ByHour[Price] | None,
        Field(description="what energy fed into the grid earns [currency/kWh]; null: nothing"),
    ] = None
    carbon_kg_per_kwh: Annotated[
        ByHour[CarbonIntensity] | None, Field(description="emissions of imported energy [kg/kWh]")
    ] = None
    carbon_per_kg: Annotated[Cost, Field(description="price of emissions [currency/kg]")] = 0.0
    peaks: Annotated[
        tuple[StandingPeak, ...],
        Field(max_length=20, description="charges on peaks, beside demand_charge_per_kw"),
    ] = ()
    subscription: Annotated[
        SubscriptionWire | None, Field(description="subscribed import power; null: none")
    ] = None
    switch_cost: Annotated[Cost, Field(description="price of switching a car on or off [currency]")] = 0.0

    def on(self, grid: TimeGrid, zone: str) -> EnergyTariff:
        """Return the tariff of a horizon."""
        export, carbon = self.export_per_kwh, self.carbon_kg_per_kwh
        return EnergyTariff(
            energy_per_kwh=by_local_hour(self.energy_per_kwh, grid, zone),
            network_per_kwh=by_local_hour(self.network_per_kwh, grid, zone),
            demand_charge_per_kw=self.demand_charge_per_kw,
            currency=self.currency,
            export_per_kwh=None if export is None else by_local_hour(export, grid, zone),
            carbon_kg_per_kwh=None if carbon is None else by_local_hour(carbon, grid, zone),
            carbon_per_kg=self.carbon_per_kg,
            peaks=tuple(peak.on(grid, zone) for peak in self.peaks),
            subscription=None if self.subscription is None else self.subscription.to_domain(),
            switch_cost=self.switch_cost,
        )


class StandingLoad(WireModel):
    """Load below a node that nobody controls, by hour of the local day; ``high_kw`` is its 90 % quantile."""

    node_id: Annotated[Identity, Field(description="circuit node that carries it")]
    power_kw: Annotated[ByHour[Kilowatts], Field(description="median, one value or one for each hour [kW]")]
    high_kw: Annotated[
        ByHour[Kilowatts] | None, Field(description="90 % quantile [kW]; null: the median is certain")
    ] = None
    phase_share: Annotated[
        PhaseShare | None, Field(description="part on L1, L2, L3; balanced unless given")
    ] = None

    def on(self, grid: TimeGrid, zone: str) -> LoadForecast:
        """Return the load of a horizon."""
        median_kw = by_local_hour(self.power_kw, grid, zone)
        high_kw = median_kw if self.high_kw is None else by_local_hour(self.high_kw, grid, zone)
        shares = frozen(np.full(3, 1 / 3) if self.phase_share is None else self.phase_share)
        rows = frozen([median_kw, np.maximum(high_kw, median_kw)])
        return LoadForecast(self.node_id, frozen([0.5, 0.9]), rows, shares)


class LimitWindow(WireModel):
    """A limit on a node from ``start`` until ``end``."""

    node_id: Annotated[Identity, Field(description="circuit node that is limited")]
    source: Annotated[str, Field(min_length=1, max_length=255, description="who set it")]
    start: Annotated[Moment, Field(description="from then on")]
    end: Annotated[Moment, Field(description="until then")]
    limit_kw: Annotated[Kilowatts | None, Field(description="greatest power [kW]; null: none")] = None
    limit_a: Annotated[Amperes | None, Field(description="each phase [A]")] = None

    def on(self, grid: TimeGrid) -> NodeLimit:
        """Return the limit over a horizon; a slot that the window touches is limited whole."""
        inside = grid.overlap_h(self.start, self.end) > 0
        limit_kw = None if self.limit_kw is None else frozen(np.where(inside, self.limit_kw, np.inf))
        limit_a = None
        if self.limit_a is not None:
            limit_a = frozen(np.tile(np.where(inside, self.limit_a, np.inf), (3, 1)))
        return NodeLimit(self.node_id, self.source, limit_kw, limit_a)


class AssumedNeed(WireModel):
    """What is assumed of a driver who has said nothing."""

    target_kwh: Annotated[KilowattHours, Field(description="energy wanted [kWh]")] = 25.0
    minimum_kwh: Annotated[
        KilowattHours, Field(description="part of it that weighs far more than the rest [kWh]")
    ] = 0.0
    stay_hours: Annotated[float, Field(gt=0, le=168, description="time from plug-in to departure [h]")] = 8.0


class StandingWire(WireModel):
    """A site that is planned again and again: everything but the time and who is plugged in."""

    site: Annotated[SiteWire, Field(description="the site, with all that hangs on it")]
    tariff: Annotated[StandingTariff, Field(description="what the site pays and earns")]
    horizon: Annotated[HorizonWire, Field(description="how far to look")] = HorizonWire()
    loads: Annotated[
        tuple[StandingLoad, ...], Field(max_length=1000, description="loads that nobody controls")
    ] = ()
    limits: Annotated[
        tuple[LimitWindow, ...], Field(max_length=1000, description="limits beside the ratings")
    ] = ()
    billing_peak_kw: Annotated[
        Kilowatts, Field(description="greatest slot mean of the billing period so far, load included [kW]")
    ] = 0.0
    assumed: Annotated[AssumedNeed, Field(description="what is assumed of a driver who has said nothing")] = (
        AssumedNeed()
    )
    options: Annotated[OptionsWire, Field(description="choices of the operator")] = OptionsWire(
        ready_before_minutes=30.0
    )


class DeclarationWire(WireModel):
    """What a driver has said: when they leave and what they need."""

    departure: Annotated[Moment, Field(description="when the car leaves")]
    target_kwh: Annotated[KilowattHours, Field(description="energy wanted over the whole session [kWh]")]
    minimum_kwh: Annotated[
        KilowattHours, Field(description="part of it that weighs far more than the rest [kWh]")
    ] = 0.0
    max_power_kw: Annotated[
        float | None, Field(gt=0, le=1e4, description="the vehicle's limit in total [kW]")
    ] = None
    n_phases: Annotated[int | None, Field(ge=1, le=3, description="phases that the car really uses")] = None
