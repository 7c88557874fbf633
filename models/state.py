"""The state of a site: everything that a plan is made from."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from models.arrays import FloatArray
from models.assets import SiteAssets
from models.flexibility import Flexibility
from models.grid.limits import NodeLimit
from models.grid.site import Site
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import ChargingSession
from models.timegrid import TimeGrid


class Conduct(StrEnum):
    """How a station behaves that does not obey."""

    OFFLINE = "offline"
    """Not connected: its EVSEs may draw their safe share."""
    NOT_FOLLOWING = "not_following"
    """Connected, but its meter shows more than it was told: its EVSEs count at full power."""


@dataclass(frozen=True, slots=True)
class StationCondition:
    """A station that cannot be told what to do; its EVSEs count as load, and are not planned."""

    station_id: str
    conduct: Conduct


@dataclass(frozen=True, slots=True)
class ExpectedArrivals:
    """Charging of cars that are still to come, as a reserve at the site's root.

    Parameters
    ----------
    energy_kwh : (n_slots,) float64
        Energy that cars arriving in each slot are expected to need [kWh].
    stay_h : float
        How long they stay [h]: their energy can be given in the slots of their stay.
    most_kw : (n_slots,) float64
        Greatest power that all of them together can take in each slot [kW].
    """

    energy_kwh: FloatArray
    stay_h: float
    most_kw: FloatArray


@dataclass(frozen=True, slots=True)
class SiteState:
    """A site at one moment, with its horizon.

    Parameters
    ----------
    site : Site
    now : datetime
        Aware; lies in the first slot of ``grid``.
    grid : TimeGrid
    sessions : tuple of ChargingSession
        At most one at a time on an EVSE.
    tariff : EnergyTariff
    loads : tuple of LoadForecast
    limits : tuple of NodeLimit
    billing_peak_kw : float
        Greatest mean power of a slot in this billing period so far [kW], uncontrolled load included.
    assets : SiteAssets
        Batteries, solar plants and generators.
    flexibility : Flexibility
        What is sold beside charging.
    conditions : tuple of StationCondition
        Stations that are offline or do not follow; all others are taken to obey.
    expected : ExpectedArrivals or None
        Cars still to come, for which room and power are kept; None: nobody is expected.
    """

    site: Site
    now: datetime
    grid: TimeGrid
    sessions: tuple[ChargingSession, ...]
    tariff: EnergyTariff
    loads: tuple[LoadForecast, ...] = ()
    limits: tuple[NodeLimit, ...] = ()
    billing_peak_kw: float = 0.0
    assets: SiteAssets = field(default_factory=SiteAssets)
    flexibility: Flexibility = field(default_factory=Flexibility)
    conditions: tuple[StationCondition, ...] = ()
    expected: ExpectedArrivals | None = None
