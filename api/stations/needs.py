"""What cars ask for by ISO 15118 (K15): kept, and planned with as the input of their sessions."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.ocpp.notices import ChargingNeedsTold
from api.planning.request import PlanRequest
from api.stations import repository
from api.stations.repository import Plugged
from api.storage.station_tables import ChargingNeedsRow
from models.sessions import ChargingSession, Departure
from models.timegrid import aware_utc

_BEFORE_START: Final = timedelta(minutes=15)
"""A car may tell its needs this long before its transaction begins: the driver is still to show a token."""


def keep(session: Session, station_id: str, told: ChargingNeedsTold, now: datetime) -> bool:
    """Store what a car asks for; tell whether its transaction runs already."""
    running = repository.running_at(session, station_id, told.evse_number)
    delivered_kwh = 0.0 if running is None else running.delivered_kwh
    session.merge(
        ChargingNeedsRow(
            station_id=station_id,
            evse_number=told.evse_number,
            transaction_id=None if running is None else running.transaction_id,
            transfer=told.transfer,
            departure=told.departure,
            target_kwh=None if told.energy_kwh is None else delivered_kwh + told.energy_kwh,
            max_power_kw=told.max_power_kw,
            max_current_a=told.max_current_a,
            n_phases=told.n_phases,
            most_periods=told.most_periods,
            told_at=now,
        )
    )
    return running is not None


def kept(session: Session, station_ids: Sequence[str]) -> tuple[ChargingNeedsRow, ...]:
    """Return what cars at some stations have asked for last."""
    rows = select(ChargingNeedsRow).where(ChargingNeedsRow.station_id.in_(station_ids))
    return tuple(session.scalars(rows))


def knowing(
    request: PlanRequest, plugged: Iterable[Plugged], needs: Iterable[ChargingNeedsRow]
) -> PlanRequest:
    """Return a request whose sessions are as their cars have asked for.

    Time and energy are those of whoever has spoken last, the car or its driver; the car's own limits hold beside
    those that the driver has named. The station's schedules get no longer than its car can read (K15.FR.07).
    """
    of_place = {(row.station_id, row.evse_number): row for row in needs}
    asked = {
        f"{car.transaction.station_id}/{car.transaction.transaction_id}": (car, row)
        for car in plugged
        if (row := of_place.get((car.transaction.station_id, car.transaction.evse_number))) is not None
        and _is_of(row, car)
    }
    phases = {evse.evse_id: len(evse.phases) for evse in request.state.site.evses}
    sessions = tuple(
        _with_phases(_asking(one, *asked[one.session_id], request.state.now), phases[one.evse_id])
        if one.session_id in asked
        else one
        for one in request.state.sessions
    )
    shorter = dict(request.capabilities)
    for _, row in asked.values():
        known = shorter.get(row.station_id)
        if known is not None and row.most_periods is not None:
            shorter[row.station_id] = replace(
                known, max_periods=max(min(known.max_periods, row.most_periods), 1)
            )
    return replace(request, state=replace(request.state, sessions=sessions), capabilities=shorter)


def _is_of(row: ChargingNeedsRow, car: Plugged) -> bool:
    """Tell whether needs were told by the car that is there now."""
    if row.transaction_id is not None:
        return row.transaction_id == car.transaction.transaction_id
    return row.told_at >= aware_utc(car.transaction.started_at) - _BEFORE_START


def _asking(session: ChargingSession, car: Plugged, row: ChargingNeedsRow, now: datetime) -> ChargingSession:
    """Return the session with what its car asks for."""
    said = car.declaration
    if said is None or said.said_at <= row.told_at:
        if row.departure is not None and row.departure > now:
            session = replace(session, departure=Departure.at(row.departure))
        if row.target_kwh is not None:
            least_kwh = min(session.minimum_kwh, row.target_kwh)
            session = replace(session, target_kwh=row.target_kwh, minimum_kwh=least_kwh)
    return replace(
        session,
        max_power_kw=_least(session.max_power_kw, row.max_power_kw),
        max_current_a=_least(session.max_current_a, row.max_current_a),
        n_phases=_fewest(session.n_phases, row.n_phases),
    )


def _with_phases(session: ChargingSession, n_phases: int) -> ChargingSession:
    """Return the session of a car that uses no more phases than its EVSE has."""
    return replace(session, n_phases=None if session.n_phases is None else min(session.n_phases, n_phases))


def _least(known: float | None, told: float | None) -> float | None:
    """Return the smaller of two limits that may be unknown."""
    return min((one for one in (known, told) if one is not None), default=None)


def _fewest(known: int | None, told: int | None) -> int | None:
    """Return the fewer of two numbers of phases that may be unknown."""
    return min((one for one in (known, told) if one is not None), default=None)
