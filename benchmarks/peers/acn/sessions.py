"""Recorded sessions on the clock of ACN-Sim: whole periods, real needs, what drivers declared, batteries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.beliefs import UNKNOWN_KWH, UNKNOWN_STAY
from benchmarks.peers.acn.networks import VOLTAGE_V
from benchmarks.peers.acn.options import Batteries, Inputs
from benchmarks.peers.acn.portal import Foreign, portal
from models.demand.arrivals import Visit
from models.units import W_PER_KW

if TYPE_CHECKING:
    from collections.abc import Iterable

PERIOD: Final = timedelta(minutes=5)
PERIOD_MIN: Final = 5
PERIOD_H: Final = PERIOD_MIN / 60.0
CAR_KW: Final = 32.0 * VOLTAGE_V / W_PER_KW
"""Greatest power of a car [kW]: what the strongest EVSE gives."""

LARGEST_BATTERY_KWH: Final = 100.0
"""Largest battery that acnportal fits; a car that takes more in one session has just such a one."""


@dataclass(frozen=True, slots=True)
class Stay:
    """One session in whole periods since the start of the simulation.

    Parameters
    ----------
    visit : Visit
        The session as recorded.
    arrival, departure : int
        First period, and first period after the last one.
    need_kwh : float
        Energy that the car takes where nobody holds it back [kWh].
    """

    visit: Visit
    arrival: int
    departure: int
    need_kwh: float

    @property
    def session_id(self) -> str:
        """Identity of the session."""
        return self.visit.session.session_id

    @property
    def station_id(self) -> str:
        """The EVSE."""
        return self.visit.session.evse_id


def stays_of(visits: "Iterable[Visit]", start: datetime, end: datetime) -> tuple[Stay, ...]:
    """Return the sessions that arrive in ``[start, end)``, in whole periods, both ends rounded down as acnportal does.

    A need that cannot fit is cut to what the EVSE could give; who comes and goes in one period is left out.
    """
    found = []
    for visit in visits:
        session = visit.session
        if not start <= session.arrival < end:
            continue
        arrival = (session.arrival - start) // PERIOD
        departure = (session.departure.median - start) // PERIOD
        if departure > arrival:
            fits_kwh = CAR_KW * PERIOD_H * (departure - arrival)
            found.append(Stay(visit, arrival, departure, min(session.target_kwh, fits_kwh)))
    return tuple(found)


def declared_kwh(visit: Visit) -> float:
    """Return the energy that a driver asked for, what is usual where nothing was declared [kWh]."""
    return UNKNOWN_KWH if visit.stated_energy_kwh is None else visit.stated_energy_kwh


def declared_departure(visit: Visit) -> datetime:
    """Return when a driver said to leave, what is usual where nothing was declared."""
    return visit.stated_departure or visit.session.arrival + UNKNOWN_STAY


def events_of(stays: "Iterable[Stay]", start: datetime, inputs: Inputs, batteries: Batteries) -> Foreign:
    """Return the queue of arrivals for a simulation; each car is told of as ``inputs`` says."""
    acnsim = portal().acnsim
    plugs = [acnsim.PluginEvent(stay.arrival, _car(stay, start, inputs, batteries)) for stay in stays]
    return acnsim.EventQueue(plugs)


def _car(stay: Stay, start: datetime, inputs: Inputs, batteries: Batteries) -> Foreign:
    requested_kwh, departure = stay.need_kwh, stay.departure
    if inputs is Inputs.DECLARED:
        requested_kwh = declared_kwh(stay.visit)
        departure = max((declared_departure(stay.visit) - start) // PERIOD, stay.arrival + 1)
    return portal().models.EV(
        stay.arrival,
        stay.departure,
        requested_kwh,
        stay.station_id,
        stay.session_id,
        _battery(stay, batteries),
        departure,
    )


def _battery(stay: Stay, batteries: Batteries) -> Foreign:
    """Return a battery that is full when the car has what it needs.

    A real one is fitted by acnportal: the smallest and fullest that could still take it all, at full power.
    """
    models = portal().models
    if batteries is Batteries.IDEAL:
        return models.Battery(stay.need_kwh, 0.0, CAR_KW)
    fit = models.battery.batt_cap_fn
    n_periods = stay.departure - stay.arrival
    need_kwh = min(stay.need_kwh, LARGEST_BATTERY_KWH)
    try:
        capacity_kwh, charge_kwh = fit(need_kwh, n_periods, VOLTAGE_V, PERIOD_MIN)
    except ValueError:  # no battery takes all of it in that time: one that takes most
        capacity_kwh, charge_kwh = LARGEST_BATTERY_KWH, 0.0
    return models.Linear2StageBattery(capacity_kwh, charge_kwh, CAR_KW)
