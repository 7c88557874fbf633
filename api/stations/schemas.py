"""A site that we run, on the wire: what holds whatever the time is."""

from typing import Annotated, TypeAlias

import numpy as np
from pydantic import Discriminator, Field, Tag

from api.forecasts.schemas import PhaseShare
from api.planning.schemas import HorizonWire, OptionsWire
from api.sites.schemas import SiteWire
from api.wire.schemas import Amperes, Identity, KilowattHours, Kilowatts, Moment, Price, WireModel
from models.arrays import FloatArray, frozen
from models.grid.limits import NodeLimit
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.timegrid import TimeGrid

_HOURS = 24


def _form(value: object) -> str:
    return "by_hour" if isinstance(value, list | tuple) else "constant"


PriceByHour: TypeAlias = Annotated[
    Annotated[Price, Tag("constant")]
    | Annotated[tuple[Price, ...], Field(min_length=_HOURS, max_length=_HOURS), Tag("by_hour")],
    Discriminator(_form),
]
"""One price, or one for each hour of the local day."""

PowerByHour: TypeAlias = Annotated[
    Annotated[Kilowatts, Tag("constant")]
    | Annotated[tuple[Kilowatts, ...], Field(min_length=_HOURS, max_length=_HOURS), Tag("by_hour")],
    Discriminator(_form),
]


def by_local_hour(values: float | tuple[float, ...], grid: TimeGrid, zone: str) -> FloatArray:
    """Return the value of the local hour in which each slot starts, shape (n_slots,)."""
    if isinstance(values, int | float):
        return frozen(np.full(grid.n_slots, float(values)))
    return frozen([values[start.hour] for start in grid.local_starts(zone)])


class StandingTariff(WireModel):
    """What the site pays, by hour of its local day."""

    energy_per_kwh: PriceByHour
    network_per_kwh: PriceByHour = 0.0
    demand_charge_per_kw: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"

    def on(self, grid: TimeGrid, zone: str) -> EnergyTariff:
        """Return the tariff of a horizon."""
        return EnergyTariff(
            by_local_hour(self.energy_per_kwh, grid, zone),
            by_local_hour(self.network_per_kwh, grid, zone),
            self.demand_charge_per_kw,
            self.currency,
        )


class StandingLoad(WireModel):
    """Load below a node that nobody controls, by hour of the local day; ``high_kw`` is its 90 % quantile."""

    node_id: Identity
    power_kw: PowerByHour
    high_kw: PowerByHour | None = None
    phase_share: PhaseShare | None = None

    def on(self, grid: TimeGrid, zone: str) -> LoadForecast:
        """Return the load of a horizon."""
        median_kw = by_local_hour(self.power_kw, grid, zone)
        high_kw = median_kw if self.high_kw is None else by_local_hour(self.high_kw, grid, zone)
        shares = frozen(np.full(3, 1 / 3) if self.phase_share is None else self.phase_share)
        rows = frozen([median_kw, np.maximum(high_kw, median_kw)])
        return LoadForecast(self.node_id, frozen([0.5, 0.9]), rows, shares)


class LimitWindow(WireModel):
    """A limit on a node from ``start`` until ``end``."""

    node_id: Identity
    source: Annotated[str, Field(min_length=1, max_length=255)]
    start: Moment
    end: Moment
    limit_kw: Kilowatts | None = None
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

    target_kwh: KilowattHours = 25.0
    minimum_kwh: KilowattHours = 0.0
    stay_hours: Annotated[float, Field(gt=0, le=168)] = 8.0


class StandingWire(WireModel):
    """A site that is planned again and again: everything but the time and who is plugged in."""

    site: SiteWire
    tariff: StandingTariff
    horizon: HorizonWire = HorizonWire()
    loads: Annotated[tuple[StandingLoad, ...], Field(max_length=1000)] = ()
    limits: Annotated[tuple[LimitWindow, ...], Field(max_length=1000)] = ()
    billing_peak_kw: Kilowatts = 0.0
    assumed: AssumedNeed = AssumedNeed()
    options: OptionsWire = OptionsWire(ready_before_minutes=30.0)


class DeclarationWire(WireModel):
    """What a driver has said: when they leave and what they need."""

    departure: Moment
    target_kwh: KilowattHours
    minimum_kwh: KilowattHours = 0.0
    max_power_kw: Annotated[float | None, Field(gt=0, le=1e4)] = None
    n_phases: Annotated[int | None, Field(ge=1, le=3)] = None
