"""Why cars give back: what a kWh is worth where it is given, what it costs to charge again, and their reserve."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.arrays import FloatArray
from models.schedule import BackSchedule, Schedule
from models.timegrid import TimeGrid
from optimizer.sentences import span_of

if TYPE_CHECKING:  # they bring Pyomo, which takes a second to import
    from optimizer.problem import Problem
    from optimizer.scheduling.extract import PlannedPower

NEAR_KWH = 0.5
"""Energy above its reserve from which down a car counts as empty down to it [kWh]: less than a slot gives."""


@dataclass(frozen=True, slots=True)
class Giving:
    """Why one session gives back.

    Parameters
    ----------
    session_id, evse_id : str
    slots : tuple of int
        When it gives.
    energy_kwh : float
        What the site gets of it [kWh].
    earns_per_kwh : float
        What a kWh is worth to the site then: not imported, or exported [currency/kWh].
    again_per_kwh : float
        What it costs to charge a kWh again, losses both ways included [currency/kWh].
    wear_per_kwh : float
        What it costs the battery [currency/kWh].
    spare_kwh : float
        What it holds above its reserve when it holds least, as energy to charge [kWh].
    """

    session_id: str
    evse_id: str
    slots: tuple[int, ...]
    energy_kwh: float
    earns_per_kwh: float
    again_per_kwh: float
    wear_per_kwh: float
    spare_kwh: float


def giving_of(problem: "Problem", planned: "PlannedPower", schedule: Schedule) -> tuple[Giving, ...]:
    """Return why every session gives back that is told to, in the order of EVSEs and seats."""
    found = []
    for told in schedule.back:
        evse = schedule.row(told.evse_id)
        for seat, session_id in enumerate(problem.session_ids[evse]):
            here = problem.connected_h[evse, seat] > 0
            if session_id is not None and told.energy_kwh[here].any():
                found.append(_giving(problem, planned, (evse, session_id, here), (schedule, told)))
    return tuple(found)


def _giving(
    problem: "Problem",
    planned: "PlannedPower",
    who: tuple[int, str, "np.ndarray[tuple[int], np.dtype[np.bool_]]"],
    what: tuple[Schedule, BackSchedule],
) -> Giving:
    (evse, session_id, here), (schedule, told), cars = who, what, problem.batteries
    back_kwh = np.where(here, told.energy_kwh, 0.0)
    into_kwh = np.where(here, schedule.energy_kwh[evse], 0.0)
    price = planned.energy_per_kwh
    again = float(_mean(price, into_kwh)) if into_kwh.any() else float(price[here].min())
    per_back = float(_mean(cars.per_back[evse], back_kwh))
    net_kwh = np.cumsum(into_kwh - cars.per_back[evse] * back_kwh)
    return Giving(
        session_id=session_id,
        evse_id=told.evse_id,
        slots=tuple(np.nonzero(back_kwh > 0)[0].tolist()),
        energy_kwh=float(back_kwh.sum()),
        earns_per_kwh=float(_mean(price, back_kwh)),
        again_per_kwh=per_back * again,
        wear_per_kwh=float(_mean(cars.wear_per_kwh[evse], back_kwh)),
        spare_kwh=float(max((net_kwh - cars.least_kwh[evse])[back_kwh > 0].min(), 0.0)),
    )


def _mean(values: FloatArray, weights: FloatArray) -> float:
    return float(values @ weights / weights.sum())


def giving_sentence(giving: Giving, grid: TimeGrid, zone: str, currency: str) -> str:
    """Return why a session gives back, as a driver or an operator can read it."""
    when = span_of(giving.slots, grid, zone)
    costs = giving.again_per_kwh + giving.wear_per_kwh
    kept = "down to its reserve" if giving.spare_kwh <= NEAR_KWH else "and stays above its reserve"
    return (
        f"gives {giving.energy_kwh:.1f} kWh back {when}, {kept}: a kWh is worth {giving.earns_per_kwh:.3f} "
        f"{currency} there, and costs {costs:.3f} to charge again and in wear"
    )
