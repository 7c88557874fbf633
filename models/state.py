"""The state of a site: everything that a plan is made from."""

from dataclasses import dataclass
from datetime import datetime

from models.grid.limits import NodeLimit
from models.grid.site import Site
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import ChargingSession
from models.timegrid import TimeGrid


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
    """

    site: Site
    now: datetime
    grid: TimeGrid
    sessions: tuple[ChargingSession, ...]
    tariff: EnergyTariff
    loads: tuple[LoadForecast, ...] = ()
    limits: tuple[NodeLimit, ...] = ()
    billing_peak_kw: float = 0.0
