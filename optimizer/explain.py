"""What a plan could not do, and why: unmet energy, binding limits, limits below the load."""

from zoneinfo import ZoneInfo

import numpy as np

from models.arrays import FloatArray
from models.sessions import ChargingSession
from models.state import SiteState
from models.units import W_PER_KW
from optimizer.plan import BindingLimit, UnmetEnergy, UnmetReason
from optimizer.problem import Problem
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
    """Return the nodes above an EVSE whose limits cost something while its car is there, nearest first."""
    present = hours > 0
    scarce = planned.node_per_kw.sum(axis=1, where=present[None, :]) > 0
    scarce |= planned.phase_per_a.sum(axis=(1, 2), where=present[None, None, :]) > 0
    path = [node for node in problem.topology.ancestors[evse] if node >= 0]
    return [f"{problem.topology.node_ids[node]!r}" for node in path if scarce[node]]


def binding_limits(state: SiteState, problem: Problem, planned: PlannedPower) -> tuple[BindingLimit, ...]:
    """Return the limits that cost something, by node, quantity and source."""
    top = problem.topology
    found: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
    kw_per_a = top.voltage_v / W_PER_KW
    for node, node_id in enumerate(top.node_ids):
        rows = [("kW", planned.node_per_kw[node])]
        rows += [(f"L{p + 1}", planned.phase_per_a[node, p] / kw_per_a) for p in range(3)]
        for quantity, per_kw in rows:
            price = per_kw / problem.grid.step_h
            for slot in np.nonzero(price > BINDING_PER_KWH)[0]:
                key = (node_id, quantity, source_of(state, node_id, quantity, int(slot)))
                found.setdefault(key, []).append((int(slot), float(price[slot])))
    return tuple(
        BindingLimit(*key, tuple(slot for slot, _ in cells), tuple(price for _, price in cells))
        for key, cells in found.items()
    )


def source_of(state: SiteState, node_id: str, quantity: str, slot: int) -> str:
    """Return who set the tightest limit of a node in a slot; ``rating`` is the node's own."""
    node = next(node for node in state.site.nodes if node.node_id == node_id)
    tightest, source = np.inf, "rating"
    if quantity == "kW":
        tightest = np.inf if node.limit_kw is None else node.limit_kw
    elif node.limit_a is not None:
        tightest = node.limit_a[int(quantity[1]) - 1]
    for limit in state.limits:
        if limit.node_id != node_id:
            continue
        values = limit.limit_kw if quantity == "kW" else limit.limit_a
        if values is None:
            continue
        value = values[slot] if quantity == "kW" else values[int(quantity[1]) - 1, slot]
        if value < tightest:
            tightest, source = float(value), limit.source
    return source


def overload_notes(state: SiteState, problem: Problem) -> tuple[str, ...]:
    """Return a sentence for every limit that the uncontrolled load alone exceeds."""
    notes = []
    for node, quantity, slots in problem.overloads:
        node_id = problem.topology.node_ids[node]
        source = source_of(state, node_id, quantity, slots[0])
        since = state.grid.slot_start(slots[0]).astimezone(ZoneInfo(state.site.zone)).isoformat()
        notes.append(
            f"the uncontrolled load alone exceeds the {quantity} limit ({source}) of {node_id!r} "
            f"in {len(slots)} slot(s) from {since}; cars below it pause there"
        )
    return tuple(notes)
