"""The numbers of a plan, gathered for a reader: nothing here is decided, only summed."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray, frozen
from models.state import SiteState
from optimizer.plan import Plan

MAX_PARTS: Final = 10
"""A reader tells about ten colours or columns apart; smaller stations are shown as one."""

_RESOLVED_KWH: Final = 0.005
"""Below this a shortfall would show as 0.00."""


@dataclass(frozen=True, slots=True)
class Part:
    """Power of one station, or of the rest of them, by slot, shape (n_slots,) [kW]."""

    name: str
    power_kw: FloatArray


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """What a session gets by the plan [kWh]; ``missing_kwh`` is what its target lacks, and ``why``."""

    session_id: str
    evse_id: str
    departure: datetime
    wanted_kwh: float
    planned_kwh: float
    missing_kwh: float
    why: str


@dataclass(frozen=True, slots=True)
class HourFigures:
    """Means over one local hour [kW], one of ``parts_kw`` for each part, and the mean price shown."""

    start: datetime
    load_kw: float
    parts_kw: tuple[float, ...]
    total_kw: float
    limit_kw: float
    price_per_kwh: float


def station_parts(plan: Plan, state: SiteState, most: int = MAX_PARTS) -> tuple[Part, ...]:
    """Return the power of every station; where there are more than ``most``, the smaller ones as one."""
    schedule = plan.schedule
    parts = []
    for station in state.site.stations:
        rows = [schedule.row(evse.evse_id) for evse in station.evses]
        parts.append(Part(station.station_id, frozen(schedule.power_kw[rows].sum(axis=0))))
    if len(parts) <= most:
        return tuple(parts)
    ranked = sorted(parts, key=lambda part: -part.power_kw.sum())
    kept = {part.name for part in ranked[: most - 1]}
    rest = [part.power_kw for part in ranked[most - 1 :]]
    others = Part(f"{len(rest)} others", frozen(np.sum(rest, axis=0)))
    return (*(part for part in parts if part.name in kept), others)


def session_figures(plan: Plan, state: SiteState) -> tuple[SessionFigures, ...]:
    """Return what every session gets."""
    unmet = {short.session_id: short for short in plan.unmet}
    figures = []
    for session in state.sessions:
        short = unmet.get(session.session_id)
        missing_kwh = short.target_kwh if short else 0.0
        visible = short is not None and missing_kwh >= _RESOLVED_KWH
        figures.append(
            SessionFigures(
                session_id=session.session_id,
                evse_id=session.evse_id,
                departure=session.departure.median.astimezone(ZoneInfo(state.site.zone)),
                wanted_kwh=session.remaining_kwh,
                planned_kwh=session.remaining_kwh - missing_kwh,
                missing_kwh=missing_kwh if visible else 0.0,
                why=f"{short.reason.value}: {short.detail}" if short and visible else "",
            )
        )
    return tuple(figures)


def hour_figures(plan: Plan, state: SiteState, parts: tuple[Part, ...]) -> tuple[HourFigures, ...]:
    """Return means by local hour; an hour that the clock repeats stands twice."""
    starts = plan.schedule.grid.local_starts(state.site.zone)
    prices = np.array([float(price) for price in plan.prices.total_per_kwh])
    total_kw = plan.load_kw + plan.schedule.power_kw.sum(axis=0)
    hours = groupby(range(len(starts)), key=lambda slot: starts[slot].strftime("%Y-%m-%d %H %z"))
    figures = []
    for _, group in hours:
        slots = list(group)
        figures.append(
            HourFigures(
                start=starts[slots[0]],
                load_kw=float(plan.load_kw[slots].mean()),
                parts_kw=tuple(float(part.power_kw[slots].mean()) for part in parts),
                total_kw=float(total_kw[slots].mean()),
                limit_kw=float(plan.limit_kw[slots].mean()),
                price_per_kwh=float(prices[slots].mean()),
            )
        )
    return tuple(figures)


def energy_cost(plan: Plan, state: SiteState) -> float:
    """Return what the energy of the schedule costs the site, without the demand charge [currency]."""
    return float((plan.schedule.energy_kwh * state.tariff.import_per_kwh).sum())
