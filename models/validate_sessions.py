"""Can charging sessions be planned? Every fault is collected, with its path in the input."""

import math
from datetime import datetime
from itertools import pairwise

from models.checks import (
    MAX_PAUSE_S,
    require_efficiency,
    require_none_negative,
    require_not_negative,
    require_positive,
)
from models.errors import IssueList
from models.grid.site import Evse
from models.sessions import Acceptance, ChargingSession, Departure, DischargeOffer, Milestone
from models.state import SiteState


def check_sessions(state: SiteState, issues: IssueList) -> None:
    """Note every fault of a state's sessions, alone and in the queue at their EVSE."""
    evses = {evse.evse_id: evse for evse in state.site.evses}
    seen: set[str] = set()
    spans: dict[str, list[tuple[datetime, datetime, int]]] = {}
    for place, session in enumerate(state.sessions):
        where = f"sessions[{place}]"
        issues.require(session.session_id not in seen, f"{where}.session_id", "appears more than once")
        seen.add(session.session_id)
        _check_numbers(session, where, issues)
        _check_place(session, evses.get(session.evse_id), where, issues)
        if session.acceptance is not None:
            _check_acceptance(session.acceptance, f"{where}.acceptance", issues)
        if session.discharge is not None:
            _check_discharge(session.discharge, f"{where}.discharge", issues)
        if _check_times(session, where, issues):
            spans.setdefault(session.evse_id, []).append((session.arrival, session.departure.median, place))
    _check_overlaps(spans, state.now, issues)


def _check_numbers(session: ChargingSession, where: str, issues: IssueList) -> None:
    names = ("target_kwh", "minimum_kwh", "promised_kwh", "priority", "start_delay_s")
    require_none_negative(session, names, where, issues)
    if session.discharge is None or not math.isfinite(
        session.delivered_kwh
    ):  # others may have given more than got
        require_not_negative(session.delivered_kwh, f"{where}.delivered_kwh", issues)
    issues.require(session.priority != 0, f"{where}.priority", "must be above 0")
    if session.minimum_kwh > session.target_kwh:
        issues.add(f"{where}.minimum_kwh", "is above target_kwh")
    for name in ("max_current_a", "max_power_kw"):
        value = getattr(session, name)
        if value is not None:
            require_positive(value, f"{where}.{name}", issues)
    issues.require(not session.start_delay_s > MAX_PAUSE_S, f"{where}.start_delay_s", "is longer than a day")


def _check_place(session: ChargingSession, evse: Evse | None, where: str, issues: IssueList) -> None:
    if evse is None:
        issues.add(f"{where}.evse_id", f"no EVSE is called {session.evse_id!r}")
        return
    fits = session.n_phases is None or 1 <= session.n_phases <= len(evse.phases)
    issues.require(fits, f"{where}.n_phases", f"EVSE {evse.evse_id!r} has {len(evse.phases)} phase(s)")


def _check_acceptance(curve: Acceptance, where: str, issues: IssueList) -> None:
    """The knee may lie below 0: the car came with more than that."""
    require_positive(curve.full_power_kw, f"{where}.full_power_kw", issues)
    require_not_negative(curve.full_kwh, f"{where}.full_kwh", issues)
    issues.require(
        float("-inf") < curve.knee_kwh < curve.full_kwh,
        f"{where}.knee_kwh",
        f"{curve.knee_kwh:g} is not below full_kwh",
    )
    issues.require(
        0.0 <= curve.end_share < 1.0, f"{where}.end_share", f"{curve.end_share:g} does not lie in [0, 1)"
    )


def _check_discharge(offer: DischargeOffer, where: str, issues: IssueList) -> None:
    """More or less stored than is kept is no fault: the plan brings it back."""
    names = ("max_kw", "stored_kwh", "reserve_kwh", "wear_per_kwh")
    require_none_negative(offer, names, where, issues)
    require_positive(offer.capacity_kwh, f"{where}.capacity_kwh", issues)
    if offer.reserve_kwh > offer.capacity_kwh:
        issues.add(f"{where}.reserve_kwh", "is above capacity_kwh")
    for name in ("charge_efficiency", "discharge_efficiency"):
        require_efficiency(getattr(offer, name), f"{where}.{name}", issues)


def _check_times(session: ChargingSession, where: str, issues: IssueList) -> bool:
    """A car that stays past its departure is taken as it is; one that is to come leaves after it comes."""
    milestones = tuple(milestone.by for milestone in session.milestones)
    moments = (session.arrival, *session.departure.times, *milestones)
    if any(moment.tzinfo is None for moment in moments):
        issues.add(where, "a time has no time zone")
        return False
    if not _is_distribution(session.departure):
        issues.add(f"{where}.departure", "levels must rise within (0, 1) and times must not fall")
        return False
    _check_milestones(session, where, issues)
    after = session.departure.times[0] > session.arrival
    return issues.require(after, f"{where}.departure", "is not after the arrival")


def _is_distribution(departure: Departure) -> bool:
    levels, times = departure.levels, departure.times
    if not levels or len(levels) != len(times):
        return False
    inside = all(0.0 < level < 1.0 for level in levels)
    rising = all(a < b for a, b in pairwise(levels))
    return inside and rising and all(a <= b for a, b in pairwise(times))


def _check_milestones(session: ChargingSession, where: str, issues: IssueList) -> None:
    """Deadlines rise between arrival and the latest departure, their energy does not fall and fits the target."""
    latest = max(session.departure.times)
    before: Milestone | None = None
    for place, milestone in enumerate(session.milestones):
        at = f"{where}.milestones[{place}]"
        issues.require(milestone.by > session.arrival, f"{at}.by", "is not after the arrival")
        issues.require(milestone.by <= latest, f"{at}.by", "is after the latest departure")
        if require_not_negative(milestone.energy_kwh, f"{at}.energy_kwh", issues):
            within = milestone.energy_kwh <= session.target_kwh
            issues.require(within, f"{at}.energy_kwh", "is above target_kwh")
        if before is not None:
            issues.require(milestone.by > before.by, f"{at}.by", "is not after the milestone before")
            rises = milestone.energy_kwh >= before.energy_kwh
            issues.require(rises, f"{at}.energy_kwh", "is below that of the milestone before")
        before = milestone


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
