"""How a problem's numbers find their places in a compiled program whose horizon is a ring."""

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.objective import (
    Weights,
    band_widths_kwh,
    energy_per_kwh,
    shortfall_per_kwh,
)
from optimizer.scheduling.program import Structure
from optimizer.solver.compiled import NOWHERE, Compiled
from optimizer.solver.live import Coefficients, Numbers


class Mover:
    """Turns problems of one structure into numbers for one compiled program.

    Slot ``t`` of a problem lives in place ``step mod n_slots``: when time moves on by one slot, one place
    changes its meaning and all others keep theirs, and the basis with them.
    """

    def __init__(self, compiled: Compiled, structure: Structure, stated: Problem) -> None:
        self._compiled = compiled
        self._structure = structure
        self._connected_h = np.array(stated.connected_h)
        self._a_per_kw = np.array(stated.a_per_kw)

    def numbers(self, problem: Problem, weights: Weights, epoch_s: float) -> Numbers:
        """Return every cost and bound that ``problem`` gives the program."""
        columns = self._compiled.columns
        cost, col_lower, col_upper = (
            np.array(x) for x in (self._compiled.cost, self._compiled.col_lower, self._compiled.col_upper)
        )
        power = columns["power_kw"][:, problem.grid.ring]
        per_kwh = energy_per_kwh(problem, weights, epoch_s)
        hours = np.where(problem.slot_h > 0, problem.slot_h, problem.grid.step_h)
        cost[power] = per_kwh * hours
        col_upper[power] = problem.max_kw
        short = columns["short_kwh"]
        n_seats = problem.n_seats
        cost[short[:, :n_seats]] = shortfall_per_kwh(problem, weights)
        col_upper[short] = 0.0
        col_upper[short[:, :n_seats]] = band_widths_kwh(problem)
        if "peak_kw" in columns:
            cost[columns["peak_kw"]] = problem.demand_charge_per_kw
            col_lower[columns["peak_kw"]] = problem.billing_peak_kw
        row_lower, row_upper = self._row_bounds(problem)
        return Numbers(frozen(cost), frozen(col_lower), frozen(col_upper), row_lower, row_upper)

    def coefficients(self, problem: Problem) -> Coefficients:
        """Return the coefficients that differ from the last problem's, and remember these."""
        parts = [*self._energy_coefficients(problem), *self._phase_coefficients(problem)]
        if not parts:
            nothing = np.empty(0, dtype=np.int64)
            return Coefficients(nothing, nothing, frozen([]))
        row, column, value = (np.concatenate(part) for part in zip(*parts, strict=True))
        return Coefficients(row, column, frozen(value))

    def _row_bounds(self, problem: Problem) -> tuple[FloatArray, FloatArray]:
        rows, ring = self._compiled.rows, problem.grid.ring
        row_lower, row_upper = np.array(self._compiled.row_lower), np.array(self._compiled.row_upper)
        energy = rows["session_energy"]
        open_seats = problem.connected_h.any(axis=2)
        need_kwh = np.zeros(energy.shape)
        need_kwh[:, : problem.n_seats] = np.where(open_seats, problem.need_kwh, 0.0)
        row_lower[energy] = need_kwh
        row_upper[energy] = need_kwh
        if self._structure.kw_nodes:
            nodes = np.array(self._structure.kw_nodes)
            row_upper[rows["node_limit"][nodes][:, ring]] = problem.headroom_kw[nodes]
        if self._structure.phase_nodes:
            nodes, phases = np.array(self._structure.phase_nodes).T
            row_upper[rows["phase_limit"][nodes, phases][:, ring]] = problem.headroom_a[nodes, phases]
        if self._structure.has_demand_charge:
            row_upper[rows["demand_peak"][ring]] = -problem.load_kw
        return frozen(row_lower), frozen(row_upper)

    def _energy_coefficients(self, problem: Problem) -> "list[tuple[IntArray, IntArray, FloatArray]]":
        """Return changed hours; a cell in which nobody can charge keeps its old ones, its bound is 0."""
        ring = problem.grid.ring
        new_h = _seated(problem.connected_h, self._structure.n_seats)
        old_h = self._connected_h[:, :, ring]
        is_open = (problem.slot_h > 0)[:, None, :]
        evse, seat, slot = np.nonzero(is_open & (new_h != old_h))
        if not evse.size:
            return []
        self._connected_h[evse, seat, ring[slot]] = new_h[evse, seat, slot]
        row = self._compiled.rows["session_energy"][evse, seat]
        column = self._compiled.columns["power_kw"][evse, ring[slot]]
        return [(row, column, new_h[evse, seat, slot])]

    def _phase_coefficients(self, problem: Problem) -> "list[tuple[IntArray, IntArray, FloatArray]]":
        """Return the phase rows of EVSEs whose car uses other phases than the last one."""
        changed = np.argwhere(problem.a_per_kw != self._a_per_kw)
        parts = []
        for evse, phase in changed:
            nodes = [
                n for n, p in self._structure.phase_nodes if p == phase and problem.topology.below[n, evse]
            ]
            rows = (
                self._compiled.rows["phase_limit"][nodes, phase].reshape(-1)
                if nodes
                else np.empty(0, np.int64)
            )
            columns = np.tile(self._compiled.columns["power_kw"][evse], len(nodes))
            parts.append((rows, columns, np.full(rows.size, problem.a_per_kw[evse, phase])))
        self._a_per_kw = np.array(problem.a_per_kw)
        return [part for part in parts if part[0].size]

    def power_kw(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return planned power in the order of time, shape (E, T) [kW]."""
        power = values[self._compiled.columns["power_kw"][:, problem.grid.ring]]
        return frozen(np.where(problem.max_kw > 0, np.clip(power, 0.0, problem.max_kw), 0.0))

    def short_kwh(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return the shortfall by band, shape (E, S, n_bands) [kWh]."""
        short = values[self._compiled.columns["short_kwh"][:, : problem.n_seats]]
        return frozen(np.maximum(short, 0.0))

    def peak_kw(self, values: FloatArray) -> float | None:
        """Return the planned billing peak [kW], None where no peak is billed."""
        column = self._compiled.columns.get("peak_kw")
        return None if column is None else float(values[column])

    def node_duals(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what one more kW through each node is worth, shape (N, T) [currency/kW], not negative."""
        return self._duals("node_limit", (problem.topology.n_nodes,), problem, row_duals)

    def phase_duals(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what one more A through each node and phase is worth, shape (N, 3, T) [currency/A]."""
        return self._duals("phase_limit", (problem.topology.n_nodes, 3), problem, row_duals)

    def _duals(
        self, family: str, shape: tuple[int, ...], problem: Problem, row_duals: FloatArray
    ) -> FloatArray:
        out = np.zeros((*shape, problem.grid.n_slots))
        rows = self._compiled.rows.get(family)
        if rows is not None:
            window = tuple(slice(0, size) for size in rows.shape[:-1])
            rows = rows[..., problem.grid.ring]
            out[window] = np.where(rows == NOWHERE, 0.0, np.maximum(-row_duals[rows], 0.0))
        return frozen(out)


def _seated(connected_h: FloatArray, n_seats: int) -> FloatArray:
    """Return hours with as many seats as the program has; empty seats have no hours."""
    missing = n_seats - connected_h.shape[1]
    return connected_h if missing == 0 else np.pad(connected_h, ((0, 0), (0, missing), (0, 0)))
