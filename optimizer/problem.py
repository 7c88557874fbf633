"""A site's horizon as arrays: all that the program, the dispatch and the check are told."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, frozen
from models.errors import GridMismatchError
from models.grid.site import N_PHASES
from models.sessions import ChargingSession
from models.state import SiteState
from models.timegrid import TimeGrid
from models.units import W_PER_KW
from optimizer.options import PlanOptions
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
        Energy to the target and to the promised minimum [kWh], weight of a shortfall.
    max_a : (E, T) float64
        Greatest useful pilot [A]; 0 where nobody is plugged in.
    a_per_kw : (E, 3) float64
        Current on each site phase [A] for a kW drawn by the EVSE.
    kw_per_a : (E,) float64
        Power at a pilot of 1 A [kW].
    headroom_kw : (N, T) float64
        What each node has left beside the uncontrolled load [kW], never negative, inf where unlimited.
    headroom_a : (N, 3, T) float64
        The same by phase [A].
    load_kw : (T,) float64
        Uncontrolled load of the whole site at the planned quantile [kW].
    import_per_kwh : (T,) float64
        Price of a kWh drawn [currency/kWh].
    demand_charge_per_kw, billing_peak_kw : float
        Price of the greatest mean power of a slot, and that peak so far.
    overloads : tuple of (node row, quantity, slots)
        Where the uncontrolled load alone exceeds a limit.
    """

    topology: Topology
    grid: TimeGrid
    session_ids: tuple[tuple[str | None, ...], ...]
    connected_h: FloatArray
    arrival_h: FloatArray
    need_kwh: FloatArray
    minimum_kwh: FloatArray
    priority: FloatArray
    max_a: FloatArray
    a_per_kw: FloatArray
    kw_per_a: FloatArray
    headroom_kw: FloatArray
    headroom_a: FloatArray
    load_kw: FloatArray
    import_per_kwh: FloatArray
    demand_charge_per_kw: float
    billing_peak_kw: float
    overloads: tuple[tuple[int, str, tuple[int, ...]], ...]

    @property
    def n_seats(self) -> int:
        """Greatest number of sessions that follow each other on one EVSE."""
        return int(self.need_kwh.shape[1])

    @property
    def max_kw(self) -> FloatArray:
        """Power of each EVSE at its greatest useful pilot, shape (E, T) [kW]."""
        return frozen(self.max_a * self.kw_per_a[:, None])

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
    kw_per_a, a_per_kw = _phase_use(seats, topology)
    load_kw, load_a = _loads(state, topology, options)
    limit_kw, limit_a = limits_of(state, topology)
    return Problem(
        topology=topology,
        grid=state.grid,
        session_ids=seats.ids(),
        connected_h=seats.spread(seats.connected_h),
        arrival_h=seats.arrival_h(),
        need_kwh=seats.spread(np.array([s.remaining_kwh for s in seats.sessions])),
        minimum_kwh=seats.spread(np.array([s.remaining_minimum_kwh for s in seats.sessions])),
        priority=seats.spread(np.array([s.priority for s in seats.sessions]), empty=1.0),
        max_a=_max_a(seats, topology, kw_per_a),
        a_per_kw=a_per_kw,
        kw_per_a=kw_per_a,
        headroom_kw=frozen(np.maximum(limit_kw - load_kw, 0.0)),
        headroom_a=frozen(np.maximum(limit_a - load_a, 0.0)),
        load_kw=frozen(load_kw[topology.root]),
        import_per_kwh=state.tariff.import_per_kwh,
        demand_charge_per_kw=state.tariff.demand_charge_per_kw,
        billing_peak_kw=state.billing_peak_kw,
        overloads=_overloads(limit_kw - load_kw, limit_a - load_a),
    )


def limits_of(state: SiteState, topology: Topology) -> tuple[FloatArray, FloatArray]:
    """Return the tightest limits of all sources: (N, T) [kW] and (N, 3, T) [A], inf where there is none."""
    n_slots = state.grid.n_slots
    limit_kw = np.repeat(topology.rated_kw[:, None], n_slots, axis=1)
    limit_a = np.repeat(topology.rated_a[:, :, None], n_slots, axis=2)
    for limit in state.limits:
        node = topology.node_ids.index(limit.node_id)
        if limit.limit_kw is not None:
            limit_kw[node] = np.minimum(limit_kw[node], limit.limit_kw)
        if limit.limit_a is not None:
            limit_a[node] = np.minimum(limit_a[node], limit.limit_a)
    return limit_kw, limit_a


def site_limit_kw(state: SiteState, problem: Problem) -> FloatArray:
    """Return the greatest power at the site's root, shape (T,) [kW].

    Its power limit, or the load and what its phases can carry beside it, whichever is less.
    """
    top = problem.topology
    limit_kw, _ = limits_of(state, top)
    by_phases_kw = problem.load_kw + problem.headroom_a[top.root].sum(axis=0) * top.voltage_v / W_PER_KW
    return frozen(np.minimum(limit_kw[top.root], by_phases_kw))


def _phase_use(seats: Seats, topology: Topology) -> tuple[FloatArray, FloatArray]:
    """Return power per ampere (E,) and amperes per kW and site phase (E, 3).

    An EVSE with several sessions in the horizon counts every phase that any of them uses: never less
    than a node will carry.
    """
    n_connected = topology.on_phase.sum(axis=1)
    n_used = np.zeros(topology.n_evses, dtype=np.int64)
    for session, row in zip(seats.sessions, seats.row, strict=True):
        n_used[row] = max(n_used[row], min(session.n_phases or N_PHASES, n_connected[row]))
    n_used = np.where(n_used == 0, n_connected, n_used)
    kw_per_a = n_used * topology.voltage_v / W_PER_KW
    a_per_kw = np.zeros((topology.n_evses, N_PHASES))
    for place in range(N_PHASES):
        rows = np.nonzero(n_used > place)[0]
        a_per_kw[rows, topology.phase_order[rows, place]] = 1.0 / kw_per_a[rows]
    return frozen(kw_per_a), frozen(a_per_kw)


def _max_a(seats: Seats, topology: Topology, kw_per_a: FloatArray) -> FloatArray:
    """Return the greatest useful pilot by EVSE and slot [A].

    A car that takes less than the least pilot still needs that pilot to charge at all. Where one
    session ends and the next begins within a slot the smaller of both holds.
    """
    limits_a = np.array(
        [_session_a(s, row, topology, kw_per_a) for s, row in zip(seats.sessions, seats.row, strict=True)]
    )
    out = np.full((topology.n_evses, seats.connected_h.shape[1]), np.inf)
    by_session = np.where(seats.connected_h > 0, limits_a.reshape(-1, 1), np.inf)
    for seat in range(seats.shape[1]):
        here = seats.seat == seat
        out[seats.row[here]] = np.minimum(out[seats.row[here]], by_session[here])
    return frozen(np.where(np.isfinite(out), out, 0.0))


def _session_a(session: ChargingSession, row: int, topology: Topology, kw_per_a: FloatArray) -> float:
    """Return the greatest useful pilot of one session [A]; 0 where its car is full."""
    if session.remaining_kwh <= 0:
        return 0.0
    limit_a = float(topology.max_a[row])
    if session.max_current_a is not None:
        limit_a = min(limit_a, session.max_current_a)
    if session.max_power_kw is not None:
        limit_a = min(limit_a, session.max_power_kw / float(kw_per_a[row]))
    return max(limit_a, float(topology.min_a[row]))


def _loads(state: SiteState, topology: Topology, options: PlanOptions) -> tuple[FloatArray, FloatArray]:
    """Return the uncontrolled load through every node: (N, T) [kW] and (N, 3, T) [A]."""
    n_slots = state.grid.n_slots
    load_kw = np.zeros((topology.n_nodes, n_slots))
    load_a = np.zeros((topology.n_nodes, N_PHASES, n_slots))
    for load in state.loads:
        power_kw = load.at(options.load_quantile)
        nodes = [topology.node_ids.index(node_id) for node_id in state.site.path_to_root(load.node_id)]
        load_kw[nodes] += power_kw
        load_a[nodes] += np.multiply.outer(load.phase_share, power_kw) * W_PER_KW / topology.voltage_v
    return load_kw, load_a


def _overloads(spare_kw: FloatArray, spare_a: FloatArray) -> tuple[tuple[int, str, tuple[int, ...]], ...]:
    """Return where the uncontrolled load alone is above a limit."""
    found = []
    for node in np.nonzero((spare_kw < 0).any(axis=1) | (spare_a < 0).any(axis=(1, 2)))[0].tolist():
        rows = [("kW", spare_kw[node]), *((f"L{p + 1}", spare_a[node, p]) for p in range(N_PHASES))]
        for quantity, spare in rows:
            slots = np.nonzero(spare < 0)[0]
            if slots.size:
                found.append((node, quantity, tuple(int(slot) for slot in slots)))
    return tuple(found)


def _require_slots(state: SiteState) -> None:
    n_slots = state.grid.n_slots
    series = [state.tariff.energy_per_kwh, state.tariff.network_per_kwh]
    series += [load.power_kw for load in state.loads]
    series += [x for limit in state.limits for x in (limit.limit_kw, limit.limit_a) if x is not None]
    if any(values.shape[-1] != n_slots for values in series):
        raise GridMismatchError(f"every series of a state needs {n_slots} slots")
