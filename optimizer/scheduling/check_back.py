"""The check of cars that give back: each gives only what it can and need not keep, and no more flows back than may.

Power back may fail to come, so pilots are checked without it; here it is checked that everything still holds when all
of it comes while nobody charges, the load is small and the sun shines. Where currents do not point one way (unbalance,
free sums) any of the cars may fail to give: there the size of each current counts.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import numpy as np

from models.arrays import ComplexArray, FloatArray
from models.grid.site import N_PHASES, CircuitNode, Evse
from models.schedule import BackSchedule, Schedule
from models.sessions import ChargingSession, DischargeOffer
from models.state import SiteState
from models.units import TOLERANCE_A, TOLERANCE_KW, W_PER_KW
from optimizer.scheduling.check_assets import assets_a
from optimizer.scheduling.check_lines import (
    VOLTAGES,
    Breach,
    Lines,
    Through,
    drawn_anyway_a,
    is_below,
    limits_of_node,
    over,
    uncontrolled_a,
)

DIRECTIONS = np.exp(-2j * np.pi * np.arange(72) / 72)
"""Directions in which the greatest size of a sum is sought, 5 degrees apart."""

KEPT_KWH = 1e-5
"""Energy that a car may be below its reserve, or above its capacity [kWh]: float noise of a day."""

OWED_KWH = 0.051
"""Energy that a car which gives back may lack of its minimum [kWh]: what rounding to steps may lose, and noise."""


def back_breaches(
    state: SiteState, schedule: Schedule, load_quantile: float, per_a: dict[str, ComplexArray]
) -> Iterator[Breach]:
    """Yield what cars are told to give back that they cannot, or must not, and every limit that it would exceed.

    ``per_a`` is by EVSE the current of its lines at a pilot of 1 A, with all phases that its cars may use.
    """
    if not schedule.back:
        return
    evses = {evse.evse_id: evse for evse in state.site.evses}
    for told in schedule.back:
        kw_per_a = _kw_per_a(state, per_a[told.evse_id])
        yield from _evse_breaches(state, schedule, (evses[told.evse_id], kw_per_a), told)
    flows = _Flows.of(state, schedule, load_quantile, per_a)
    for node in state.site.nodes:
        yield from _node_breaches(state, node, flows)
    yield from _shared_breaches(state, schedule)


def _evse_breaches(
    state: SiteState, schedule: Schedule, of: tuple[Evse, FloatArray], told: BackSchedule
) -> Iterator[Breach]:
    """What an EVSE takes back is a step of its own, in a slot that one car has for itself, and that car offers it."""
    evse, kw_per_a = of
    row = schedule.row(evse.evse_id)
    there = {one.session_id: _hours(state, one) for one in state.sessions if one.evse_id == evse.evse_id}
    n_cars = np.sum([hours > 0 for hours in there.values()], axis=0)
    steps_a = np.array([0.0, *(a for a in evse.levels_a if a <= evse.max_discharge_a)])
    distance_a = np.abs(told.current_a[:, None] - steps_a).min(axis=1)
    gives = told.current_a > 0
    wrong = (distance_a > TOLERANCE_A) | (gives & ((n_cars != 1) | (schedule.pilot_a[row] > 0)))
    yield from over(evse.evse_id, "A back", np.where(wrong, told.current_a, 0.0), 0.0)
    yield from over(evse.evse_id, "kW back", np.abs(told.power_kw - told.current_a * kw_per_a), TOLERANCE_KW)
    for session in state.sessions:
        hours = there.get(session.session_id)
        if hours is not None and (gives & (hours > 0)).any():
            yield from _car_breaches(state, session, (schedule.energy_kwh[row], told), hours, n_cars)


def _car_breaches(
    state: SiteState,
    session: ChargingSession,
    flows: tuple[FloatArray, BackSchedule],
    hours: FloatArray,
    n_cars: FloatArray,
) -> Iterator[Breach]:
    """A car gives no more than it offers, keeps its reserve, and has its minimum and its milestones in time."""
    offer, (energy_kwh, told) = session.discharge, flows
    is_here = hours > 0
    back_kw = np.where(is_here, told.power_kw, 0.0)
    name = f"car {session.session_id}"
    if offer is None:
        yield from over(name, "kW back", back_kw, TOLERANCE_KW)
        return
    yield from over(name, "kW back", back_kw - offer.max_kw, TOLERANCE_KW)
    back_kwh = back_kw * hours
    yield from over(name, "kWh back", np.abs(np.where(is_here, told.energy_kwh, 0.0) - back_kwh), KEPT_KWH)
    sure_kwh = np.where(
        is_here & (n_cars == 1), energy_kwh, 0.0
    )  # of a slot that cars share it may get nothing
    yield from over(name, "kWh", _outside_kwh(offer, sure_kwh, back_kwh), KEPT_KWH)
    most_kwh = np.where(is_here, energy_kwh, 0.0)
    net_kwh = np.cumsum(most_kwh - back_kwh / (offer.charge_efficiency * offer.discharge_efficiency))
    owed_kwh = np.zeros(hours.size)
    owed_kwh[-1] = session.remaining_minimum_kwh - net_kwh[-1]
    for milestone in session.milestones:
        last = int(np.sum(state.grid.overlap_h(state.now, milestone.by) > 0)) - 1
        if last >= 0 and milestone.by <= state.grid.end:
            due_kwh = min(milestone.energy_kwh - session.delivered_kwh, session.remaining_kwh)
            owed_kwh[last] = max(owed_kwh[last], due_kwh - net_kwh[last])
    yield from over(name, "kWh owed", owed_kwh, OWED_KWH)


def _outside_kwh(offer: DischargeOffer, into_kwh: FloatArray, back_kwh: FloatArray) -> FloatArray:
    """Return how far a battery is below its reserve after it gave back, or above its capacity, (n_slots,) [kWh]."""
    gained_kwh = offer.charge_efficiency * into_kwh - back_kwh / offer.discharge_efficiency
    holds_kwh = offer.stored_kwh + np.cumsum(gained_kwh)
    below_kwh = np.where(back_kwh > 0, offer.reserve_kwh - holds_kwh, 0.0)
    return np.maximum(below_kwh, holds_kwh - max(offer.capacity_kwh, offer.stored_kwh))


def _hours(state: SiteState, session: ChargingSession) -> FloatArray:
    """Return how long a car may be there in each slot, shape (n_slots,) [h]."""
    begin, end = max(session.arrival, state.now), max(session.departure.times)
    if end <= state.now:  # it should have left, and is still there: for a slot's length, for all we know
        end = state.now + timedelta(seconds=state.grid.step_s)
    return state.grid.overlap_h(begin, end)


def _kw_per_a(state: SiteState, per_a: ComplexArray) -> FloatArray:
    """Return the power of an EVSE at 1 A with the car that is there, shape (n_slots,) [kW]."""
    volts = VOLTAGES[:, None] * (state.site.voltage_v / W_PER_KW)
    power: FloatArray = (volts * np.conj(per_a)).real.sum(axis=0)
    return power


def _node_breaches(state: SiteState, node: CircuitNode, flows: "_Flows") -> Iterator[Breach]:
    """All limits of a node hold both ways; its power also keeps what it may export."""
    below = [evse.evse_id for evse in _evses_below(state, node)]
    back_a = np.array([flows.back_a[evse_id] for evse_id in below if evse_id in flows.back_a])
    if not back_a.size:
        return
    bases, fixed = flows.at(node)
    kv, where = state.site.voltage_v / W_PER_KW, node.node_id
    most_kw = min(np.inf if limit is None else limit for limit in (node.export_kw, node.limit_kw))
    gives = np.abs(back_a).sum(axis=(0, 1)) > 0  # elsewhere it is not the cars that exceed anything
    all_kw = _power(bases[1] + back_a.sum(axis=0), kv).real
    excess_kw = -all_kw - np.maximum(most_kw, -_power(fixed[1], kv).real)
    yield from over(where, "kW back", np.where(gives, excess_kw, 0.0), TOLERANCE_KW)
    limits: list[tuple[str, FloatArray | float, Callable[[ComplexArray], ComplexArray]]] = [
        (f"L{phase + 1}", limits_of_node(state, node)[1][phase], partial(_phase, phase))
        for phase in range(N_PHASES)
    ]
    if node.limit_kva is not None:
        limits.append(("kVA", node.limit_kva, lambda current: _power(current, kv)))
    if node.unbalance_a is not None:
        limits += [
            (f"L{one + 1}-L{other + 1}", node.unbalance_a, partial(_apart, one, other))
            for one, other in ((0, 1), (1, 2), (2, 0))
        ]
    for quantity, limit, of in limits:
        most = np.maximum(limit, np.max([np.abs(of(current)) for current in fixed], axis=0))
        parts = np.array([of(current) for current in back_a])
        worst = np.max([_worst(of(base), parts) for base in bases], axis=0)
        yield from over(where, f"{quantity} back", np.where(gives, worst - most, 0.0), TOLERANCE_A)


def _phase(phase: int, current_a: ComplexArray) -> ComplexArray:
    of_phase: ComplexArray = current_a[phase]
    return of_phase


def _power(current_a: ComplexArray, kv: float) -> ComplexArray:
    power: ComplexArray = (VOLTAGES[:, None] * np.conj(current_a)).sum(axis=0) * kv
    return power


def _apart(one: int, other: int, current_a: ComplexArray) -> ComplexArray:
    """Return how far two phases are apart, each in the frame of its own voltage."""
    own = current_a * np.conj(VOLTAGES)[:, None]
    apart: ComplexArray = own[one] - own[other]
    return apart


def _worst(base: ComplexArray, parts: ComplexArray) -> FloatArray:
    """Return the greatest size of a sum of which any of some parts (n, n_slots) may be missing, (n_slots,).

    It is sought in :data:`DIRECTIONS`: what points against a direction is left out.
    """
    along = (DIRECTIONS[:, None] * base).real
    along = along + np.maximum((DIRECTIONS[:, None, None] * parts).real, 0.0).sum(axis=1)
    worst: FloatArray = along.max(axis=0)
    return worst


@dataclass(frozen=True, slots=True)
class _Flows:
    """Line currents [A]: ``back_a`` (3, n_slots) by EVSE that gives, and all others by two extremes.

    ``through`` nodes are these: everybody charges as told beside much load, and nobody charges beside the least load.
    """

    back_a: dict[str, ComplexArray]
    through: tuple[Through, Through]

    @classmethod
    def of(
        cls, state: SiteState, schedule: Schedule, load_quantile: float, per_a: dict[str, ComplexArray]
    ) -> "_Flows":
        """Return the currents of a schedule."""
        told = {one.evse_id: one.current_a for one in schedule.back}
        assets, row = assets_a(state, schedule), schedule.row
        charging = {evse_id: per_a[evse_id] * schedule.pilot_a[row(evse_id)] for evse_id in per_a}
        idle = {evse_id: np.zeros_like(per_a[evse_id]) for evse_id in per_a}
        much = uncontrolled_a(state, load_quantile, 1.0 - load_quantile)
        return cls(
            back_a={evse_id: -per_a[evse_id] * told[evse_id] for evse_id in told},
            through=(
                Lines(charging, assets, much).through(state),
                Lines(idle, assets, _least_a(state, load_quantile)).through(state),
            ),
        )

    def at(self, node: CircuitNode) -> tuple[list[ComplexArray], list[ComplexArray]]:
        """Return what flows through a node at both extremes, without what cars give back; all of it, what is fixed."""
        found = [through[node.node_id] for through in self.through]
        return [all_of_it for all_of_it, _ in found], [fixed for _, fixed in found]


def _least_a(state: SiteState, load_quantile: float) -> dict[str, ComplexArray]:
    """Return the least line currents that nobody controls, by node: stations that cannot be told may draw nothing."""
    return uncontrolled_a(replace(state, conditions=()), 1.0 - load_quantile, load_quantile)


def _evses_below(state: SiteState, node: CircuitNode) -> Iterator[Evse]:
    parent_of = {other.node_id: other.parent_id for other in state.site.nodes}
    for station in state.site.stations:
        if is_below(station.node_id, node.node_id, parent_of):
            yield from station.evses


def _shared_breaches(state: SiteState, schedule: Schedule) -> Iterator[Breach]:
    """A station's ports feed back no more than their cabinet has, and no free sum of currents exceeds its limit."""
    told = {one.evse_id: one for one in schedule.back}
    for station in state.site.stations:
        if station.limit_kw is not None:
            ports = [told[evse.evse_id].power_kw for evse in station.evses if evse.evse_id in told]
            back_kw = sum(ports, np.zeros(schedule.grid.n_slots))
            where = f"station {station.station_id}"
            yield from over(where, "kW back", back_kw - station.limit_kw, TOLERANCE_KW)
    anyway_a = {
        evse.evse_id: drawn_anyway_a(state, station, evse)
        for station in state.site.stations
        for evse in station.evses
    }
    for line in state.site.lines:
        parts = [-weight * told[evse_id].current_a for evse_id, weight in line.weights if evse_id in told]
        drawn = [weight * schedule.pilot_a[schedule.row(evse_id)] for evse_id, weight in line.weights]
        if parts:
            fixed = sum((weight * anyway_a[evse_id] for evse_id, weight in line.weights), 0j)
            bases = (fixed + np.sum(drawn, axis=0), np.zeros(schedule.grid.n_slots, dtype=np.complex128))
            worst = np.max([_worst(base, np.array(parts)) for base in bases], axis=0)
            excess_a = np.where(np.any(parts, axis=0), worst - max(line.limit_a, abs(fixed)), 0.0)
            yield from over(line.line_id, "A back", excess_a, TOLERANCE_A)
