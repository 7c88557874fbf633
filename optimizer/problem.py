"""A site's horizon as arrays: all that the program, the dispatch and the check are told."""

from dataclasses import dataclass

import numpy as np

from models.arrays import ComplexArray, FloatArray, FloatBySlot, IntArray, IntBySlot, frozen, read_only
from models.assets import SiteAssets
from models.errors import GridMismatchError
from models.flexibility import Flexibility
from models.prices import EnergyTariff
from models.sessions import ChargingSession
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.asset_rows import asset_reach, curtailable_kw, tapped_by
from optimizer.car_batteries import CarBatteries
from optimizer.coming import Coming
from optimizer.deadlines import Deadlines
from optimizer.lines_used import kw_per_a_of, used_lines
from optimizer.options import PlanOptions
from optimizer.peak_meters import PeakMeter, peak_meters
from optimizer.row_limits import RowLimits, balanced_room_kw, row_limits
from optimizer.seats import Seats
from optimizer.topology import Topology


@dataclass(frozen=True, slots=True)
class Problem:
    """One horizon of one site; E EVSEs, S seats (sessions that follow each other on an EVSE), T slots, N nodes.

    Parameters
    ----------
    topology : Topology
    grid : TimeGrid
    session_ids : tuple of tuple of (str or None)
        Session in each (EVSE, seat).
    connected_h : (E, S, T) float64
        How long the session can charge in the slot [h].
    arrival_h : (E,) float64
        Arrival of the first of these sessions [h since the Unix epoch]; 0 where there is none.
    need_kwh, minimum_kwh, priority : (E, S) float64
        Energy to the target and to the minimum [kWh], weight of a shortfall.
    promised_kwh, floor_kwh : (E, S) float64
        Part of the minimum that the driver was promised, and of the target that no priority takes away [kWh].
    deadlines : Deadlines
        Energy that is due before the departure.
    batteries : CarBatteries
        How the cars' power falls as they fill.
    max_a : (E, T) float64
        Greatest useful pilot [A]; 0 where nobody is plugged in.
    n_lines : (E, T) int64
        Phases that the car uses.
    kw_per_a : (E, T) float64
        Power at a pilot of 1 A [kW].
    limits : RowLimits
        What the rows may carry, and what is on them already.
    tapped, pushed : (R,) float64
        What assets and cars to come can add to each row, and what assets can take from it.
    open_h : (T,) float64
        What is left of each slot [h].
    assets : SiteAssets
    solar_kw : (P, T) float64
        What each solar plant can give, at a careful quantile [kW]; 0 where it cannot be told: that is load.
    tariff : EnergyTariff
        Its series go along the slots of the state; what a program takes from them stands here.
    export_per_kwh : (T,) float64
        What a kWh that is fed in earns [currency/kWh].
    flexibility : Flexibility
    coming : Coming
        Cars that are expected, for which room is kept.
    load_kw : (T,) float64
        What the whole site draws with every car paused, load at the planned quantile [kW].
    import_per_kwh : (T,) float64
        Price of a kWh drawn [currency/kWh].
    demand_charge_per_kw, billing_peak_kw : float
        Price of the greatest mean power of a slot, and that peak so far.
    meters : tuple of PeakMeter
        That charge and all others on peaks.
    """

    topology: Topology
    grid: TimeGrid
    session_ids: tuple[tuple[str | None, ...], ...]
    connected_h: FloatBySlot
    arrival_h: FloatArray
    need_kwh: FloatArray
    minimum_kwh: FloatArray
    priority: FloatArray
    promised_kwh: FloatArray
    floor_kwh: FloatArray
    deadlines: Deadlines
    batteries: CarBatteries
    max_a: FloatBySlot
    n_lines: IntBySlot
    kw_per_a: FloatBySlot
    limits: RowLimits
    tapped: FloatArray
    pushed: FloatArray
    open_h: FloatBySlot
    assets: SiteAssets
    solar_kw: FloatBySlot
    tariff: EnergyTariff
    export_per_kwh: FloatBySlot
    flexibility: Flexibility
    coming: Coming
    load_kw: FloatBySlot
    import_per_kwh: FloatBySlot
    demand_charge_per_kw: float
    billing_peak_kw: float
    meters: tuple[PeakMeter, ...]

    @property
    def n_seats(self) -> int:
        """Greatest number of sessions that follow each other on one EVSE."""
        return int(self.need_kwh.shape[1])

    @property
    def max_kw(self) -> FloatArray:
        """Power of each EVSE at its greatest useful pilot, shape (E, T) [kW]."""
        return frozen(self.max_a * self.kw_per_a)

    def weight(self, evse: IntArray, place: IntArray) -> ComplexArray:
        """Return what 1 A of pilots puts on rows above them, shape (P, T), by pairs of EVSE and ``rows.of_evse``."""
        return read_only(self.topology.rows.weight[self.n_lines[evse], evse[:, None], place[:, None]])

    @property
    def slot_h(self) -> FloatArray:
        """How long anybody can charge at each EVSE in each slot, shape (E, T) [h]."""
        return frozen(self.connected_h.sum(axis=1))


def problem_of(state: SiteState, topology: Topology, options: PlanOptions) -> Problem:
    """Return the arrays of a valid state.

    Raises
    ------
    GridMismatchError
        A series of the state has another number of slots than its grid.
    """
    _require_slots(state)
    seats = Seats.of(state, topology, options)
    used = used_lines(state, topology)
    limits = row_limits(state, topology, options)
    solar_kw = curtailable_kw(state, options)
    reach, coming = asset_reach(state.assets, topology, solar_kw), Coming.of(state.expected, state.grid)
    kw_per_a = kw_per_a_of(used.n_lines, topology)
    batteries = CarBatteries.of(seats, frozen(topology.most_back_a[:, None] * kw_per_a))
    return Problem(
        topology=topology,
        grid=state.grid,
        session_ids=seats.ids(),
        connected_h=seats.spread(seats.connected_h),
        arrival_h=seats.arrival_h(),
        need_kwh=seats.spread(np.array([s.remaining_kwh for s in seats.sessions])),
        minimum_kwh=seats.spread(np.array([s.remaining_minimum_kwh for s in seats.sessions])),
        priority=seats.spread(np.array([s.priority for s in seats.sessions]), empty=1.0),
        promised_kwh=seats.spread(np.array([s.remaining_promised_kwh for s in seats.sessions])),
        floor_kwh=seats.spread(_floors_kwh(seats, options)),
        deadlines=Deadlines.of(seats, state, options),
        batteries=batteries,
        max_a=frozen(np.where(used.is_contested, 0.0, _max_a(seats, topology, kw_per_a))),
        n_lines=used.n_lines,
        kw_per_a=kw_per_a,
        limits=limits,
        tapped=frozen(reach.tapped + tapped_by(topology, topology.root, float(coming.most_kw.max()))),
        pushed=reach.pushed,
        open_h=state.grid.overlap_h(state.now, state.grid.end),
        assets=state.assets,
        solar_kw=solar_kw,
        tariff=state.tariff,
        export_per_kwh=_earned_per_kwh(state),
        flexibility=state.flexibility,
        coming=coming,
        load_kw=frozen(limits.offset[topology.root_row].real),
        import_per_kwh=state.tariff.import_per_kwh,
        demand_charge_per_kw=state.tariff.demand_charge_per_kw,
        billing_peak_kw=state.billing_peak_kw,
        meters=peak_meters(state),
    )


def site_limit_kw(problem: Problem) -> FloatArray:
    """Return the greatest power at the site's root, shape (T,) [kW].

    Its power limit, or the load and what its phases can carry beside it, whichever is less.
    """
    top = problem.topology
    by_phases_kw = problem.load_kw + balanced_room_kw(problem.limits, top)
    return frozen(np.minimum(problem.limits.set_limit[top.root_row], by_phases_kw))


def _max_a(seats: Seats, topology: Topology, kw_per_a: FloatArray) -> FloatArray:
    """Return the greatest useful pilot by EVSE and slot [A].

    A car that takes less than the least pilot still needs that pilot to charge at all. Where one
    session ends and the next begins within a slot the smaller of both holds.
    """
    limits_a = np.array(
        [_session_a(s, row, topology, kw_per_a) for s, row in zip(seats.sessions, seats.row, strict=True)]
    )
    out = np.full((topology.n_evses, seats.connected_h.shape[1]), np.inf)
    by_session = np.where(seats.connected_h > 0, limits_a.reshape(seats.connected_h.shape), np.inf)
    for seat in range(seats.shape[1]):
        here = seats.seat == seat
        out[seats.row[here]] = np.minimum(out[seats.row[here]], by_session[here])
    return frozen(np.where(np.isfinite(out), out, 0.0))


def _floors_kwh(seats: Seats, options: PlanOptions) -> FloatArray:
    """Return what no priority takes away from each session [kWh]; nothing where all have the same priority."""
    nothing = frozen(np.zeros(len(seats.sessions)))
    if len({session.priority for session in seats.sessions}) <= 1:
        return nothing
    if len({session.priority for session in seats.sessions if session.remaining_kwh > 0.0}) <= 1:
        return nothing
    share = options.floor_share
    return frozen([max(share * s.target_kwh - s.delivered_kwh, 0.0) for s in seats.sessions])


def _session_a(session: ChargingSession, row: int, topology: Topology, kw_per_a: FloatArray) -> FloatArray:
    """Return the greatest useful pilot of one session, shape (T,) [A]; 0 where its car is full and gives nothing."""
    if session.remaining_kwh <= 0 and session.discharge is None:
        return frozen(np.zeros(kw_per_a.shape[1]))
    most_kw = np.inf if session.max_power_kw is None else session.max_power_kw
    if session.acceptance is not None:
        most_kw = min(most_kw, session.acceptance.full_power_kw)
    most_a = np.inf if session.max_current_a is None else session.max_current_a
    limit_a = np.minimum(most_kw / kw_per_a[row], min(most_a, float(topology.max_a[row])))
    return frozen(np.maximum(limit_a, topology.min_a[row]))


def _earned_per_kwh(state: SiteState) -> FloatArray:
    earned = state.tariff.export_per_kwh
    return frozen(np.zeros(state.grid.n_slots)) if earned is None else earned


def _require_slots(state: SiteState) -> None:
    n_slots = state.grid.n_slots
    series = [state.tariff.energy_per_kwh, state.tariff.network_per_kwh]
    series += [load.power_kw for load in state.loads]
    series += [plant.available_kw for plant in state.assets.solar]
    series += [] if state.expected is None else [state.expected.energy_kwh, state.expected.most_kw]
    series += [x for limit in state.limits for x in (limit.limit_kw, limit.limit_a) if x is not None]
    if any(values.shape[-1] != n_slots for values in series):
        raise GridMismatchError(f"every series of a state needs {n_slots} slots")
