"""Can a state be planned? Every fault is collected and raised once, with its path in the input."""

from datetime import datetime
from itertools import pairwise

import numpy as np

from models.arrays import FloatArray
from models.errors import IssueList
from models.grid.limits import NodeLimit
from models.grid.site import N_PHASES, Site
from models.grid.validate import check_site, require_not_negative
from models.load import LoadForecast
from models.prices import EnergyTariff
from models.sessions import ChargingSession, Departure
from models.state import SiteState
from models.units import TOLERANCE_KW

MAX_PRICE_PER_KWH = 1e6
"""Beyond it a number is a mistake in any currency, and a solver can no longer tell prices apart [currency/kWh]."""

TOLERANCE_SHARE = 1e-6
"""How far three parts may be from a sum of 1."""


def validate_state(state: SiteState) -> None:
    """Check a state whole.

    Raises
    ------
    InvalidInputError
        Names every fault: unknown EVSEs and nodes, sessions that overlap on one EVSE, departures in the
        past, numbers that are negative, NaN or infinite, series of a wrong length, a tree that is none.
    """
    issues = IssueList()
    check_site(state.site, issues)
    if issues.require(state.now.tzinfo is not None, "now", "has no time zone"):
        issues.require(state.grid.slot_at(state.now) == 0, "now", "does not lie in the first slot")
        _check_sessions(state, issues)
    _check_tariff(state.tariff, state.grid.n_slots, issues)
    for place, load in enumerate(state.loads):
        _check_load(load, state, f"loads[{place}]", issues)
    for place, limit in enumerate(state.limits):
        _check_limit(limit, state, f"limits[{place}]", issues)
    require_not_negative(state.billing_peak_kw, "billing_peak_kw", issues)
    issues.raise_if_any()


def _check_sessions(state: SiteState, issues: IssueList) -> None:
    evses = {evse.evse_id: evse for evse in state.site.evses}
    seen: set[str] = set()
    spans: dict[str, list[tuple[datetime, datetime, int]]] = {}
    for place, session in enumerate(state.sessions):
        where = f"sessions[{place}]"
        issues.require(session.session_id not in seen, f"{where}.session_id", "appears more than once")
        seen.add(session.session_id)
        _check_numbers(session, where, issues)
        evse = evses.get(session.evse_id)
        if (
            issues.require(evse is not None, f"{where}.evse_id", f"no EVSE is called {session.evse_id!r}")
            and evse
        ):
            n_phases = session.n_phases
            fits = n_phases is None or 1 <= n_phases <= len(evse.phases)
            issues.require(
                fits, f"{where}.n_phases", f"EVSE {evse.evse_id!r} has {len(evse.phases)} phase(s)"
            )
        if _check_times(session, state.now, where, issues):
            spans.setdefault(session.evse_id, []).append((session.arrival, session.departure.median, place))
    _check_overlaps(spans, state.now, issues)


def _check_numbers(session: ChargingSession, where: str, issues: IssueList) -> None:
    for name in ("target_kwh", "minimum_kwh", "delivered_kwh", "priority"):
        require_not_negative(getattr(session, name), f"{where}.{name}", issues)
    issues.require(session.priority != 0, f"{where}.priority", "must be above 0")
    if session.minimum_kwh > session.target_kwh:
        issues.add(f"{where}.minimum_kwh", "is above target_kwh")
    for name in ("max_current_a", "max_power_kw"):
        value = getattr(session, name)
        if value is not None:
            sound = bool(np.isfinite(value)) and value > 0
            issues.require(sound, f"{where}.{name}", f"{value:g} is not a positive number")


def _check_times(session: ChargingSession, now: datetime, where: str, issues: IssueList) -> bool:
    moments = (session.arrival, *session.departure.times)
    if any(moment.tzinfo is None for moment in moments):
        issues.add(where, "a time has no time zone")
        return False
    if not _is_distribution(session.departure):
        issues.add(f"{where}.departure", "levels must rise within (0, 1) and times must not fall")
        return False
    latest = max(session.departure.times)
    if not issues.require(latest > now, f"{where}.departure", f"{latest.isoformat()} is not after now"):
        return False
    after = session.departure.times[0] > session.arrival
    return issues.require(after, f"{where}.departure", "is not after the arrival")


def _is_distribution(departure: Departure) -> bool:
    levels, times = departure.levels, departure.times
    if not levels or len(levels) != len(times):
        return False
    inside = all(0.0 < level < 1.0 for level in levels)
    rising = all(a < b for a, b in pairwise(levels))
    return inside and rising and all(a <= b for a, b in pairwise(times))


def _check_overlaps(
    spans: dict[str, list[tuple[datetime, datetime, int]]], now: datetime, issues: IssueList
) -> None:
    """Two cars cannot be plugged in at once, and only the first in line can be there now."""
    for evse_id, found in spans.items():
        in_order = sorted(found)
        for (_, leaves, earlier), (arrives, _, later) in pairwise(in_order):
            if arrives < leaves or arrives <= now:
                issues.add(
                    f"sessions[{later}]", f"is at EVSE {evse_id!r} at the same time as sessions[{earlier}]"
                )


def _check_tariff(tariff: EnergyTariff, n_slots: int, issues: IssueList) -> None:
    for name in ("energy_per_kwh", "network_per_kwh"):
        values: FloatArray = getattr(tariff, name)
        _require_shape(values, (n_slots,), f"tariff.{name}", issues)
        sound = bool((np.abs(values) <= MAX_PRICE_PER_KWH).all())
        issues.require(sound, f"tariff.{name}", f"has a NaN, infinite or price beyond {MAX_PRICE_PER_KWH:g}")
    require_not_negative(tariff.demand_charge_per_kw, "tariff.demand_charge_per_kw", issues)


def _check_load(load: LoadForecast, state: SiteState, where: str, issues: IssueList) -> None:
    _require_node(load.node_id, state.site, where, issues)
    fits = _require_shape(load.power_kw, (load.levels.size, state.grid.n_slots), f"{where}.power_kw", issues)
    issues.require(bool(np.isfinite(load.power_kw).all()), f"{where}.power_kw", "has a NaN or infinite value")
    levels = load.levels
    rising = bool(((levels > 0) & (levels < 1)).all() and (np.diff(levels) > 0).all())
    if issues.require(rising and levels.size > 0, f"{where}.levels", "must rise within (0, 1)") and fits:
        issues.require(
            bool((np.diff(load.power_kw, axis=0) >= -TOLERANCE_KW).all()),
            f"{where}.power_kw",
            "quantiles cross",
        )
    share = load.phase_share
    whole = (
        share.shape == (N_PHASES,)
        and bool((share >= 0).all())
        and abs(float(share.sum()) - 1.0) < TOLERANCE_SHARE
    )
    issues.require(whole, f"{where}.phase_share", "needs three parts of at least 0 that sum to 1")


def _check_limit(limit: NodeLimit, state: SiteState, where: str, issues: IssueList) -> None:
    _require_node(limit.node_id, state.site, where, issues)
    n_slots = state.grid.n_slots
    for name, shape in (("limit_kw", (n_slots,)), ("limit_a", (N_PHASES, n_slots))):
        values: FloatArray | None = getattr(limit, name)
        if values is not None:
            _require_shape(values, shape, f"{where}.{name}", issues)
            sound = not bool(np.isnan(values).any()) and bool((values >= 0).all())
            issues.require(sound, f"{where}.{name}", "has a NaN or negative value")


def _require_node(node_id: str, site: Site, where: str, issues: IssueList) -> None:
    known = {node.node_id for node in site.nodes}
    issues.require(node_id in known, f"{where}.node_id", f"no node is called {node_id!r}")


def _require_shape(values: FloatArray, shape: tuple[int, ...], where: str, issues: IssueList) -> bool:
    """Note a fault unless an array has a row of as many values as slots for everything that it is about."""
    length = values.shape[-1] if values.ndim else 0
    n_slots = shape[-1]
    long_enough = issues.require(
        length == n_slots, where, f"has {length} values, the horizon has {n_slots} slots"
    )
    rows, wanted = values.shape[:-1], shape[:-1]
    return (
        issues.require(rows == wanted, where, f"needs rows {wanted}, has {rows}; one per level or phase")
        and long_enough
    )
