"""Promises: the energy of each session that may be shown to its driver as guaranteed.

A plan's schedule, in real pilots and with the load at its careful quantile, says what a car will have if it leaves
early. That may be shown. The caller carries it back in the next state as ``promised_kwh``; from then on it stands
above everything but the limits, and a plan that cannot keep it says so.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, frozen
from models.schedule import Schedule
from models.sessions import ChargingSession
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.seats import overlap_h, ready_by

KEPT_KWH = 0.05
"""Energy that a promise may lose before it counts as broken [kWh]: less than a whole-ampere step gives in a slot."""

LATE = "it comes too late for an early departure"


@dataclass(frozen=True, slots=True)
class Promise:
    """What one driver may be told.

    Parameters
    ----------
    session_id, evse_id : str
    energy_kwh : float
        Energy of the whole session that is guaranteed [kWh].
    by : datetime
        When it is in the car: its departure at the careful quantile.
    before_kwh : float
        What was promised before [kWh].
    broken : str
        Why that cannot be kept; empty where it is.
    """

    session_id: str
    evse_id: str
    energy_kwh: float
    by: datetime
    before_kwh: float
    broken: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether the driver still gets what was promised before."""
        return not self.broken


def promises_of(
    state: SiteState,
    problem: Problem,
    schedule: Schedule,
    options: PlanOptions,
    unmet: Mapping[str, str],
) -> tuple[Promise, ...]:
    """Return what the drivers of all cars that are plugged in may be told, in the order of the state.

    ``unmet`` says of each session that does not get all of its energy why.
    """
    here = [session for session in state.sessions if session.arrival <= state.now]
    by = [ready_by(session, state.now, state, options.promise_quantile, options) for session in here]
    sure_kwh = _sure_kwh(state, problem, schedule, here, by)
    return tuple(
        _promise(session, moment, float(kwh), unmet.get(session.session_id, LATE))
        for session, moment, kwh in zip(here, by, sure_kwh, strict=True)
    )


def broken_kwh(promises: tuple[Promise, ...]) -> float:
    """Return what all drivers together lose of what they were promised [kWh]."""
    return sum(one.before_kwh - one.energy_kwh for one in promises if not one.is_kept)


def _sure_kwh(
    state: SiteState, problem: Problem, schedule: Schedule, here: list[ChargingSession], by: list[datetime]
) -> FloatArray:
    """Return what each car has at a moment, energy of the slot in which it lies by time, shape (n_cars,) [kWh]."""
    left_h = state.grid.overlap_h(state.now, state.grid.end)
    in_time = overlap_h(state.grid, [state.now] * len(by), by) / left_h
    given_kwh = session_energy_kwh(problem, schedule)
    place_of = {
        session_id: (evse, seat)
        for evse, seats in enumerate(problem.session_ids)
        for seat, session_id in enumerate(seats)
    }
    sure_kwh = np.array([session.delivered_kwh for session in here])
    for number, session in enumerate(here):
        place = place_of.get(session.session_id)
        if place is not None:
            sure_kwh[number] += in_time[number] @ given_kwh[place]
    return frozen(sure_kwh)


def session_energy_kwh(problem: Problem, schedule: Schedule) -> FloatArray:
    """Return the energy of each session by slot, shape (E, S, T) [kWh]; less what must be charged again.

    Cars that share a slot share it by time.
    """
    slot_h = np.where(problem.slot_h > 0, problem.slot_h, np.inf)
    net_kwh = schedule.energy_kwh - problem.batteries.again_kwh(schedule.back_kw())
    return frozen(problem.connected_h / slot_h[:, None, :] * net_kwh[:, None, :])


def promise_notes(promises: tuple[Promise, ...], zone: str) -> tuple[str, ...]:
    """Return a sentence for every promise that cannot be kept."""
    return tuple(_broken(promises, ZoneInfo(zone)))


def _promise(session: ChargingSession, by: datetime, sure_kwh: float, why: str) -> Promise:
    before_kwh = session.delivered_kwh + session.remaining_promised_kwh if session.promised_kwh > 0 else 0.0
    is_kept = sure_kwh >= before_kwh - KEPT_KWH
    energy_kwh = max(sure_kwh, before_kwh) if is_kept else sure_kwh
    return Promise(session.session_id, session.evse_id, energy_kwh, by, before_kwh, "" if is_kept else why)


def _broken(promises: tuple[Promise, ...], zone: ZoneInfo) -> Iterator[str]:
    for one in promises:
        if not one.is_kept:
            when = one.by.astimezone(zone).isoformat(timespec="minutes")
            yield (
                f"{one.session_id!r} was promised {one.before_kwh:.1f} kWh and can be sure of "
                f"{one.energy_kwh:.1f} kWh by {when}: {one.broken}"
            )
