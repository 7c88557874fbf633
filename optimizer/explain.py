"""What a plan could not do, and why: unmet energy, binding limits, limits below the load."""

from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import BoolArray, FloatArray, read_only
from models.sessions import ChargingSession
from models.state import SiteState
from models.units import W_PER_KW
from optimizer.coming import missed_kwh
from optimizer.plan import BindingLimit, UnmetEnergy, UnmetReason
from optimizer.problem import Problem
from optimizer.rows import APPARENT, PHASE_NAMES, POWER
from optimizer.scheduling.extract import PlannedPower

UNMET_KWH = 0.05
"""Energy below which a session counts as served [kWh]: less than a whole-ampere step gives in a slot."""

HOURS_NOISE = 1e-9
"""Difference of hours that is float noise."""

BINDING_PER_KWH = 1e-3
"""Shadow price from which a limit counts as binding [currency/kWh]; below it are only preferences of time."""


def unmet_energy(
    state: SiteState, problem: Problem, session_kwh: FloatArray, planned: PlannedPower | None
) -> tuple[UnmetEnergy, ...]:
    """Return the sessions that do not get their energy, each with its reason.

    Parameters
    ----------
    session_kwh : (E, S) float64
        Energy that the schedule delivers to every session [kWh].
    planned : PlannedPower or None
        The optimum before rounding; None when the solver gave none.
    """
    session_of = {session.session_id: session for session in state.sessions}
    found = []
    for evse, seat in np.argwhere(problem.need_kwh - session_kwh > UNMET_KWH):
        session_id = problem.session_ids[evse][seat]
        if session_id is None:
            continue
        short_kwh = float(problem.need_kwh[evse, seat] - session_kwh[evse, seat])
        short_minimum_kwh = max(float(problem.minimum_kwh[evse, seat] - session_kwh[evse, seat]), 0.0)
        stays_on = _stays_on(state, session_of[session_id], problem.connected_h[evse, seat])
        reason, detail = _reason(problem, int(evse), int(seat), short_kwh, planned)
        if stays_on and reason is UnmetReason.TIME:
            reason, detail = (
                UnmetReason.HORIZON,
                "the car stays beyond the horizon; the rest is planned later",
            )
        found.append(
            UnmetEnergy(
                session_id=session_id,
                evse_id=problem.topology.evse_ids[evse],
                minimum_kwh=round(short_minimum_kwh, 3),
                target_kwh=round(short_kwh, 3),
                reason=reason,
                detail=detail,
            )
        )
    return tuple(found)


def _stays_on(state: SiteState, session: ChargingSession, connected_h: FloatArray) -> bool:
    """Return whether a car is planned to stay to the horizon's end, and beyond it."""
    until_end_h = state.grid.overlap_h(max(session.arrival, state.now), state.grid.end)
    to_the_end = bool((connected_h >= until_end_h - HOURS_NOISE).all())
    return to_the_end and max(session.departure.times) > state.grid.end


def _reason(
    problem: Problem, evse: int, seat: int, short_kwh: float, planned: PlannedPower | None
) -> tuple[UnmetReason, str]:
    hours = problem.connected_h[evse, seat]
    fits_kwh = float(problem.max_kw[evse] @ hours)
    need_kwh = float(problem.need_kwh[evse, seat])
    if need_kwh - fits_kwh >= short_kwh - UNMET_KWH:
        at_most = f"{fits_kwh:.1f} kWh fit into {hours.sum():.2f} h at full power"
        return UnmetReason.TIME, f"{need_kwh:.1f} kWh are needed, {at_most}"
    if planned is None:
        return UnmetReason.LIMIT, "planned without the solver, least laxity first"
    if float(planned.short_kwh[evse, seat].sum()) > UNMET_KWH:
        names = ", ".join(_scarce_nodes(problem, evse, hours, planned)) or "a limit"
        return UnmetReason.LIMIT, f"{names} leaves too little while the car is there"
    return UnmetReason.STEPS, "pilots are 0 or at least the minimum, in steps; the plan falls between them"


def _scarce_nodes(problem: Problem, evse: int, hours: FloatArray, planned: PlannedPower) -> list[str]:
    """Return what limits cost something above an EVSE while its car is there, nearest first."""
    rows = problem.topology.rows
    scarce = planned.prices.per_unit.sum(axis=1, where=(hours > 0)[None, :]) > 0
    above = [row for row in rows.of_evse[evse].tolist() if row >= 0 and scarce[row]]
    return list(dict.fromkeys(f"{rows.names[row].where!r}" for row in above))


def binding_limits(state: SiteState, problem: Problem, planned: PlannedPower) -> tuple[BindingLimit, ...]:
    """Return the limits that cost something, by node, quantity and source."""
    top = problem.topology
    found: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    kw_per_unit = np.where(unit_is_kw(problem), 1.0, top.voltage_v / W_PER_KW)
    price = planned.prices.per_unit / kw_per_unit[:, None] / problem.grid.step_h
    for row, slot in np.argwhere(price > BINDING_PER_KWH).tolist():
        name = top.rows.names[row]
        key = (name.where, name.quantity, source_of(state, name.where, name.quantity, slot))
        found.setdefault(key, []).append((slot, float(price[row, slot])))
    return tuple(
        BindingLimit(*key, tuple(slot for slot, _ in cells), tuple(price for _, price in cells))
        for key, cells in found.items()
    )


def unit_is_kw(problem: Problem) -> BoolArray:
    """Return whether each row is counted in kW or kVA; all others are in A."""
    names = problem.topology.rows.names
    return read_only(np.array([name.quantity in (POWER, APPARENT) for name in names], dtype=np.bool_))


def source_of(state: SiteState, where: str, quantity: str, slot: int) -> str:
    """Return who set the tightest limit of a row in a slot; ``rating`` is the site's own."""
    node = next((node for node in state.site.nodes if node.node_id == where), None)
    if node is None or quantity not in (POWER, *PHASE_NAMES):
        return "rating"
    tightest, source = np.inf, "rating"
    if quantity == POWER:
        tightest = np.inf if node.limit_kw is None else node.limit_kw
    elif node.limit_a is not None:
        tightest = node.limit_a[PHASE_NAMES.index(quantity)]
    for limit in state.limits:
        values = limit.limit_kw if quantity == POWER else limit.limit_a
        if limit.node_id != where or values is None:
            continue
        value = values[slot] if quantity == POWER else values[PHASE_NAMES.index(quantity), slot]
        if value < tightest:
            tightest, source = float(value), limit.source
    return source


def coming_notes(problem: Problem, planned: PlannedPower | None) -> tuple[str, ...]:
    """Return a sentence on what is kept for cars to come."""
    if planned is None or planned.coming_kw is None:
        return ()
    kept_kwh = float(planned.coming_kw @ problem.open_h)
    lost_kwh = missed_kwh(problem.coming, problem.open_h, planned.coming_kw)
    lost = f"; {lost_kwh:.1f} kWh of theirs find none" if lost_kwh > UNMET_KWH else ""
    return (f"room is kept for {kept_kwh:.1f} kWh of cars to come{lost}",)


def overload_notes(state: SiteState, problem: Problem) -> tuple[str, ...]:
    """Return a sentence for every limit that the uncontrolled load alone exceeds."""
    notes = []
    for row, slots in problem.limits.overloads:
        node_id, quantity = problem.topology.rows.names[row]
        source = source_of(state, node_id, quantity, slots[0])
        since = state.grid.slot_start(slots[0]).astimezone(ZoneInfo(state.site.zone)).isoformat()
        notes.append(
            f"the uncontrolled load alone exceeds the {quantity} limit ({source}) of {node_id!r} "
            f"in {len(slots)} slot(s) from {since}; cars below it pause there"
        )
    return tuple(notes)
