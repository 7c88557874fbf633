"""Limits that somebody else has set at stations (K11 to K14): kept until they are cleared, and planned with.

A station enforces such a limit itself. The next plan respects it all the same: what its cars cannot draw is
given to others, and promised to nobody.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from api.ocpp.capabilities import RateUnit
from api.ocpp.notices import ExternalLimitCleared, ExternalLimitSet, ExternalPeriod, ExternalSchedule
from api.planning.request import PlanRequest
from api.storage.station_tables import ExternalLimitRow
from models.arrays import FloatArray, frozen
from models.grid.limits import NodeLimit
from models.grid.site import CircuitNode, Site, Station
from models.sessions import ChargingSession
from models.state import SiteState
from models.timegrid import TimeGrid, aware_utc
from models.units import W_PER_KW

_STATION: Final = 0


@dataclass(frozen=True, slots=True)
class ExternalLimit:
    """A limit as it was told; a schedule that names no start began when it was told."""

    station_id: str
    evse_number: int
    source: str
    schedules: tuple[ExternalSchedule, ...]
    told_at: datetime


# --- kept -------------------------------------------------------------------------------------------


def keep(session: Session, station_id: str, told: ExternalLimitSet, now: datetime) -> None:
    """Store a limit, or replace the one of the same source; what is generated locally limits nothing."""
    if told.is_local_generation:
        return
    known = session.get(ExternalLimitRow, (station_id, told.evse_number, told.source))
    before = None if known is None else known.is_grid_critical
    session.merge(
        ExternalLimitRow(
            station_id=station_id,
            evse_number=told.evse_number,
            source=told.source,
            is_grid_critical=before if told.is_grid_critical is None else told.is_grid_critical,
            schedules=[_document(schedule) for schedule in told.schedules],
            at=now,
        )
    )


def forget(session: Session, station_id: str, cleared: ExternalLimitCleared) -> None:
    """Delete a limit; one that is cleared for the station is cleared for its EVSEs."""
    of_source = delete(ExternalLimitRow).where(
        ExternalLimitRow.station_id == station_id, ExternalLimitRow.source == cleared.source
    )
    if cleared.evse_number != _STATION:
        of_source = of_source.where(ExternalLimitRow.evse_number == cleared.evse_number)
    session.execute(of_source)


def kept(session: Session, station_ids: Sequence[str]) -> tuple[ExternalLimit, ...]:
    """Return the limits of some stations."""
    rows = session.scalars(
        select(ExternalLimitRow)
        .where(ExternalLimitRow.station_id.in_(station_ids))
        .order_by(ExternalLimitRow.station_id, ExternalLimitRow.evse_number, ExternalLimitRow.source)
    )
    return tuple(
        ExternalLimit(
            row.station_id,
            row.evse_number,
            row.source,
            tuple(_schedule(document) for document in row.schedules or ()),
            row.at,
        )
        for row in rows
    )


def _document(schedule: ExternalSchedule) -> dict[str, Any]:
    return {
        "unit": schedule.unit.value,
        "start": None if schedule.start is None else schedule.start.isoformat(),
        "duration_s": schedule.duration_s,
        "periods": [[period.start_s, period.limit, period.n_phases] for period in schedule.periods],
    }


def _schedule(document: dict[str, Any]) -> ExternalSchedule:
    start = document["start"]
    return ExternalSchedule(
        RateUnit(document["unit"]),
        None if start is None else datetime.fromisoformat(start),
        document["duration_s"],
        tuple(ExternalPeriod(*period) for period in document["periods"]),
    )


# --- planned with -----------------------------------------------------------------------------------


def respecting(request: PlanRequest, limits: Iterable[ExternalLimit]) -> PlanRequest:
    """Return a request that respects external limits.

    A limit of a station, or of the only EVSE of one, counts slot by slot, at a circuit node of its own above the
    station. A limit of one EVSE among several counts with what it is now, on the current of the car there: the
    site is planned again before long.
    """
    state = request.state
    for limit in limits:
        station = next((one for one in state.site.stations if one.station_id == limit.station_id), None)
        if station is None or not limit.schedules:
            continue
        if limit.evse_number == _STATION or len(station.evses) == 1:
            state = _with_node(state, station, limit)
        elif limit.evse_number <= len(station.evses):
            state = _with_car_limit(state, station, limit)
    return replace(request, state=state)


def limit_by_slot(limit: ExternalLimit, grid: TimeGrid, unit: RateUnit) -> FloatArray:
    """Return what the schedules in one unit allow, shape (n_slots,), [A] or [W]; inf where they say nothing.

    A slot has the least limit that holds at any time within it.
    """
    by_slot = np.full(grid.n_slots, np.inf)
    slots_s = np.arange(grid.n_slots, dtype=np.float64) * grid.step_s
    for schedule in limit.schedules:
        if schedule.unit is not unit:
            continue
        for begin_s, end_s, value in _pieces(schedule, limit.told_at, grid):
            touched = (slots_s < end_s) & (slots_s + grid.step_s > begin_s)
            by_slot[touched] = np.minimum(by_slot[touched], value)
    return frozen(by_slot)


def _pieces(
    schedule: ExternalSchedule, told_at: datetime, grid: TimeGrid
) -> Iterable[tuple[float, float, float]]:
    """Return begin and end [s after the grid's start] and limit of each period that limits charging."""
    origin_s = (aware_utc(schedule.start or told_at) - grid.start).total_seconds()
    starts_s = [float(period.start_s) for period in schedule.periods]
    duration_s = np.inf if schedule.duration_s is None else float(schedule.duration_s)
    ends_s = [*starts_s[1:], duration_s]
    for period, start_s, end_s in zip(schedule.periods, starts_s, ends_s, strict=True):
        until_s = min(end_s, duration_s)
        if period.limit is not None and start_s < until_s and origin_s + until_s > 0:
            yield origin_s + start_s, origin_s + until_s, max(period.limit, 0.0)


def _with_node(state: SiteState, station: Station, limit: ExternalLimit) -> SiteState:
    """Return the state with a circuit node above the station that carries the limit."""
    node_id = f"{limit.station_id}, limited by {limit.source}"
    if any(node.node_id == node_id for node in state.site.nodes):  # one for the station, and one for its EVSE
        node_id = f"{node_id} at EVSE {limit.evse_number}"
    amperes = limit_by_slot(limit, state.grid, RateUnit.CURRENT)
    watts = limit_by_slot(limit, state.grid, RateUnit.POWER)
    bound = NodeLimit(
        node_id,
        limit.source,
        limit_kw=frozen(watts / W_PER_KW) if np.isfinite(watts).any() else None,
        limit_a=frozen(np.tile(amperes, (3, 1))) if np.isfinite(amperes).any() else None,
    )
    if bound.limit_kw is None and bound.limit_a is None:
        return state
    return replace(state, site=_site_with(state.site, station, node_id), limits=(*state.limits, bound))


def _site_with(site: Site, station: Station, node_id: str) -> Site:
    """Return the site with one more node between a station and what it hangs on."""
    node = CircuitNode(node_id, parent_id=station.node_id)
    moved = tuple(
        replace(one, node_id=node_id) if one.station_id == station.station_id else one
        for one in site.stations
    )
    return replace(site, nodes=(*site.nodes, node), stations=moved)


def _with_car_limit(state: SiteState, station: Station, limit: ExternalLimit) -> SiteState:
    """Return the state whose car at one EVSE draws no more than the limit allows now."""
    evse = station.evses[limit.evse_number - 1]
    slot = TimeGrid(state.grid.start, state.grid.step_s, 1)
    amperes = float(limit_by_slot(limit, slot, RateUnit.CURRENT)[0])
    kilowatts = float(limit_by_slot(limit, slot, RateUnit.POWER)[0]) / W_PER_KW
    least_kw = evse.min_current_a * state.site.voltage_v / W_PER_KW  # on one phase
    may_charge = amperes >= evse.min_current_a and kilowatts >= least_kw
    return replace(
        state,
        sessions=tuple(
            one
            if one.evse_id != evse.evse_id
            else _bounded(one, amperes, kilowatts)
            if may_charge
            else _waiting(one)
            for one in state.sessions
        ),
    )


def _waiting(session: ChargingSession) -> ChargingSession:
    """Return the session of a car that cannot charge now: it wants nothing until that changes."""
    target_kwh = max(min(session.target_kwh, session.delivered_kwh), 0.0)
    return replace(session, target_kwh=target_kwh, minimum_kwh=min(session.minimum_kwh, target_kwh))


def _bounded(session: ChargingSession, amperes: float, kilowatts: float) -> ChargingSession:
    """Return the session of a car that may draw no more than this."""
    return replace(
        session,
        max_current_a=_least(session.max_current_a, amperes),
        max_power_kw=_least(session.max_power_kw, kilowatts),
    )


def _least(known: float | None, bound: float) -> float | None:
    """Return the smaller of two limits, of which one may be unknown and one infinite."""
    if not np.isfinite(bound):
        return known
    return bound if known is None else min(known, bound)
