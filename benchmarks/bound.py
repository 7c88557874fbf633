"""What no policy can beat: the offline optimum of a month, known beforehand, currents from 0, ideal batteries."""

from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack, vstack

from models.arrays import FloatArray, IntArray
from models.demand.arrivals import Visit
from models.errors import ChargingError
from models.grid.site import N_PHASES
from models.units import SECONDS_PER_HOUR, W_PER_KW
from optimizer.closed_loop import World

STEP_S: Final = 900


def most_energy_kwh(world: World) -> float:
    """Greatest energy that any policy could deliver in a world [kWh].

    max sum e[s, t] subject to e[s, t] <= full power x presence in the slot (of the EVSE and the car), sum over
    t of e[s, t] <= need, and for every node and slot the limits in kW and in A of each phase times the slot.
    A mean over a slot of 15 minutes may be kept where its parts are not: the bound errs upwards.

    Raises
    ------
    ChargingError
        The solver gave no optimum.
    """
    if not world.visits:
        return 0.0
    cells = _Cells(world)
    found = _solved(-np.ones_like(cells.most_kwh), cells.laws(), cells.most_kwh)
    return float(found.sum())


def least_peak_kw(world: World) -> float:
    """Least peak of a slot with which as much energy can be delivered as possible at all [kW].

    The second of two tiers: after :func:`most_energy_kwh`, min p subject to the same laws, the sum of e at its
    greatest, and the sum over s of e[s, t] <= p times the slot.

    Raises
    ------
    ChargingError
        The solver gave no optimum.
    """
    if not world.visits:
        return 0.0
    cells = _Cells(world)
    most_kwh = most_energy_kwh(world)
    n_cells = cells.most_kwh.size
    matrix, limits = cells.laws()
    everybody, _ = cells.slot_rows(np.ones(len(world.visits)), 0.0)
    column = coo_array(np.full((everybody.shape[0], 1), -STEP_S / SECONDS_PER_HOUR))
    empty = coo_array((matrix.shape[0], 1))
    total = coo_array(-np.ones((1, n_cells)))
    left, right_column = vstack([matrix, everybody, total]), vstack([empty, column, coo_array((1, 1))])
    rows = coo_array(hstack([left, right_column]))
    right = np.concatenate([limits, np.zeros(everybody.shape[0]), [-most_kwh * (1 - 1e-6)]])
    cost = np.append(np.zeros(n_cells), 1.0)
    found = _solved(cost, (rows, right), np.append(cells.most_kwh, np.inf))
    return float(found[-1])


def _solved(cost: FloatArray, laws: tuple[coo_array, FloatArray], most: FloatArray) -> FloatArray:
    rows = LinearConstraint(csr_array(laws[0]), -np.inf, laws[1])
    found = milp(cost, constraints=rows, bounds=Bounds(0.0, most))
    if not found.success:
        raise ChargingError(f"no bound: {found.message}")
    return np.asarray(found.x, dtype=np.float64)


class _Cells:
    """Where a car is present: one cell for each session and slot, with the energy that fits in it."""

    def __init__(self, world: World) -> None:
        self._site = world.site
        self._visits = world.visits
        self._origin_s = min(visit.session.arrival for visit in world.visits).timestamp()
        pieces = [self._presence(visit) for visit in world.visits]
        sizes = [slots.size for slots, _ in pieces]
        self.session = np.repeat(np.arange(len(pieces)), sizes)
        self.slot = np.concatenate([slots for slots, _ in pieces])
        self.most_kwh = np.concatenate([most_kwh for _, most_kwh in pieces])

    def laws(self) -> tuple[coo_array, FloatArray]:
        """Return all rows and their right-hand sides."""
        rows = [self.need_rows(), *self.node_rows()]
        return coo_array(vstack([row[0] for row in rows])), np.concatenate([row[1] for row in rows])

    def need_rows(self) -> tuple[coo_array, FloatArray]:
        """Return one row for each session: all of its cells together stay below its need."""
        ones = np.ones_like(self.most_kwh)
        shape = (len(self._visits), ones.size)
        needs = np.array([visit.session.target_kwh for visit in self._visits])
        return coo_array((ones, (self.session, np.arange(ones.size))), shape=shape), needs

    def node_rows(self) -> list[tuple[coo_array, FloatArray]]:
        """Return rows by slot for every limit of every node."""
        slot_h = STEP_S / SECONDS_PER_HOUR
        found = []
        for node in self._site.nodes:
            below = np.array([self._is_below(visit, node.node_id) for visit in self._visits])
            use = self._phase_use() * below[:, None]
            if node.limit_kw is not None:
                found.append(self.slot_rows(below.astype(np.float64), node.limit_kw * slot_h))
            if node.limit_a is not None:
                found += [
                    self.slot_rows(use[:, phase], limit_a * slot_h)
                    for phase, limit_a in enumerate(node.limit_a)
                    if np.isfinite(limit_a)
                ]
        return found

    def slot_rows(self, weight: FloatArray, limit: float) -> tuple[coo_array, FloatArray]:
        """Return one row for each slot: the weighted sum over sessions stays below ``limit`` [kWh]."""
        n_slots = int(self.slot.max()) + 1
        columns = np.arange(self.slot.size)
        matrix = coo_array((weight[self.session], (self.slot, columns)), shape=(n_slots, columns.size))
        return matrix, np.full(n_slots, limit)

    def _presence(self, visit: Visit) -> tuple[IntArray, FloatArray]:
        session = visit.session
        begin_s = session.arrival.timestamp() - self._origin_s
        end_s = session.departure.median.timestamp() - self._origin_s
        slots = np.arange(int(begin_s // STEP_S), int(np.ceil(end_s / STEP_S)), dtype=np.int64)
        edges = slots * float(STEP_S)
        inside_s = np.minimum(edges + STEP_S, end_s) - np.maximum(edges, begin_s)
        return slots, self._full_kw(visit) * inside_s / SECONDS_PER_HOUR

    def _full_kw(self, visit: Visit) -> float:
        session = visit.session
        evse = next(evse for evse in self._site.evses if evse.evse_id == session.evse_id)
        n_phases = min(session.n_phases or N_PHASES, len(evse.phases))
        full_a = min(evse.levels_a[-1], np.inf if session.max_current_a is None else session.max_current_a)
        full_kw = full_a * n_phases * self._site.voltage_v / W_PER_KW
        return full_kw if session.max_power_kw is None else min(full_kw, session.max_power_kw)

    def _phase_use(self) -> FloatArray:
        """Return the amperes on each phase that a kW of each session draws, shape (n_sessions, 3)."""
        evses = {evse.evse_id: evse for evse in self._site.evses}
        use = np.zeros((len(self._visits), N_PHASES))
        for row, visit in enumerate(self._visits):
            phases = evses[visit.session.evse_id].phases[: visit.session.n_phases or N_PHASES]
            use[row, list(phases)] = W_PER_KW / self._site.voltage_v / len(phases)
        return use

    def _is_below(self, visit: Visit, node_id: str) -> bool:
        return node_id in self._site.path_to_root(self._site.station_of(visit.session.evse_id).node_id)
