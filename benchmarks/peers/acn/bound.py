"""What nobody can beat on a network of ACN-Sim: the same days, known beforehand, as a linear program.

One cell for each session and period in which it is there; currents from 0 to 32 A, ideal batteries. A limit
``|I| <= L`` on a sum of phasors is the meeting of all half-planes ``Re(I exp(-j a)) <= L``: a few angles are stated
from the start, then the one at which a solution breaks a limit is added, until none is broken by more than
:data:`SLACK`. Fewer half-planes hold more currents, so what comes out errs upwards, by less than that.
"""

from dataclasses import dataclass
from typing import Final

import highspy
import numpy as np
from highspy._core import _Highs
from scipy.sparse import coo_array, csc_array, csr_array, vstack

from benchmarks.peers.acn.money import REVENUE_PER_KWH, Money
from benchmarks.peers.acn.networks import ComplexArray, Wires
from benchmarks.peers.acn.sessions import PERIOD_H
from benchmarks.peers.acn.simulate import Case, Outcome
from models.arrays import FloatArray, IntArray, frozen
from models.errors import ChargingError

MOST_A: Final = 32.0
N_FACETS: Final = 12
SLACK: Final = 1e-4
"""Part of a limit by which a solution may break it."""

MOST_ROUNDS: Final = 40


@dataclass(frozen=True, slots=True)
class _Kinds:
    """EVSEs that load every limit alike, as one; K kinds.

    Parameters
    ----------
    phasors : (C, K) complex128
        What 1 A on any EVSE of a kind puts on a limited conductor.
    of_evse : (E,) int64
    """

    phasors: ComplexArray
    of_evse: IntArray

    @classmethod
    def of(cls, wires: Wires) -> "_Kinds":
        phasors, of_evse = np.unique(wires.phasors.round(9), axis=1, return_inverse=True)
        return cls(phasors, np.asarray(of_evse, dtype=np.int64).ravel())


class Clairvoyant:
    """The linear program of a case.

    Columns are the current of every cell, then the current of every kind and period in which it is there, then the
    greatest power of a period.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self._wires = case.network.wires
        self._kinds = _Kinds.of(self._wires)
        n_each = np.array([stay.departure - stay.arrival for stay in case.stays], dtype=np.int64)
        self._session = np.repeat(np.arange(n_each.size), n_each)
        self._period = np.concatenate([np.arange(stay.arrival, stay.departure) for stay in case.stays])
        rows = [self._wires.station_ids.index(stay.station_id) for stay in case.stays]
        self._evse = np.array(rows, dtype=np.int64)[self._session]
        place = self._kinds.of_evse[self._evse] * case.n_periods + self._period
        self._places, self._place_of = np.unique(place, return_inverse=True)
        self._kwh_per_a = self._wires.kw_per_a * PERIOD_H

    @property
    def n_cells(self) -> int:
        """Number of sessions times periods."""
        return int(self._period.size)

    def most_energy(self) -> Outcome:
        """Return the run that delivers most.

        Raises
        ------
        ChargingError
            The solver gave no optimum.
        """
        return self._solved("most energy", np.full(self.n_cells, -self._kwh_per_a), 0.0)

    def most_profit(self, money: Money) -> Outcome:
        """Return the run that earns most; it may leave energy that costs more than it brings.

        Raises
        ------
        ChargingError
            The solver gave no optimum.
        """
        margin = REVENUE_PER_KWH - money.price_per_kwh[self._period]
        return self._solved("most profit", -margin * self._kwh_per_a, money.demand_per_kw)

    def _solved(self, name: str, cell_cost: FloatArray, peak_cost: float) -> Outcome:
        solver = self._solver(cell_cost, peak_cost)
        for _ in range(MOST_ROUNDS):
            solver.run()
            if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
                raise ChargingError(f"no bound: {solver.modelStatusToString(solver.getModelStatus())}")
            cell_a = np.asarray(solver.getSolution().col_value)[: self.n_cells]
            current_a = self._spread(cell_a)
            load = self._wires.phasors @ current_a
            over = np.abs(load) - self._wires.limit_a[:, None] * (1.0 + SLACK)
            limits, periods = np.nonzero(over > 0)
            if not limits.size:
                break
            rows, right = self._facets(limits, periods, np.angle(load[limits, periods]))
            _add_rows(solver, rows, right)
            solver.setOptionValue("solver", "simplex")  # warm: the last basis stays dual feasible
        nothing = frozen(np.zeros(0))
        return Outcome(self._case, name, current_a, current_a, nothing)

    def _spread(self, cell_a: FloatArray) -> FloatArray:
        current_a = np.zeros((len(self._wires.station_ids), self._case.n_periods))
        current_a[self._evse, self._period] = np.clip(cell_a, 0.0, MOST_A)
        return frozen(current_a)

    def _solver(self, cell_cost: FloatArray, peak_cost: float) -> highspy.Highs:
        blocks = [self._need_rows(), self._sum_rows(), self._peak_rows(), self._first_facets()]
        matrix = csc_array(vstack([rows for rows, _, _ in blocks]))
        n_places = self._places.size
        program = highspy.HighsLp()
        program.num_col_, program.num_row_ = matrix.shape[1], matrix.shape[0]
        program.col_cost_ = np.concatenate([cell_cost, np.zeros(n_places), [peak_cost]])
        program.col_lower_ = np.zeros(matrix.shape[1])
        program.col_upper_ = np.append(np.full(self.n_cells, MOST_A), np.full(n_places + 1, np.inf))
        program.row_lower_ = np.concatenate([lower for _, lower, _ in blocks])
        program.row_upper_ = np.concatenate([upper for _, _, upper in blocks])
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_ = matrix.indptr
        program.a_matrix_.index_ = matrix.indices
        program.a_matrix_.value_ = matrix.data
        solver = _Highs()  # bare: the subclass prints a banner before it can be silenced
        # One thread, as the engine's own solver: HiGHS keeps one pool for the whole process, of the first size asked.
        for option, value in (("output_flag", False), ("threads", 1), ("parallel", "off"), ("solver", "ipm")):
            solver.setOptionValue(option, value)
        solver.passModel(program)
        return solver

    @property
    def _n_columns(self) -> int:
        return self.n_cells + int(self._places.size) + 1

    def _rows(self, rows: IntArray, columns: IntArray, values: FloatArray, n_rows: int) -> coo_array:
        return coo_array((values, (rows, columns)), shape=(n_rows, self._n_columns))

    def _need_rows(self) -> tuple[coo_array, FloatArray, FloatArray]:
        """A session takes no more than it needs."""
        needs_kwh = np.array([stay.need_kwh for stay in self._case.stays])
        kwh = np.full(self.n_cells, self._kwh_per_a)
        rows = self._rows(self._session, np.arange(self.n_cells), kwh, needs_kwh.size)
        return rows, np.full(needs_kwh.size, -np.inf), needs_kwh

    def _sum_rows(self) -> tuple[coo_array, FloatArray, FloatArray]:
        """The current of a kind in a period is that of its cells."""
        n_places = self._places.size
        rows = np.concatenate([self._place_of, np.arange(n_places)])
        columns = np.arange(self.n_cells + n_places)
        values = np.append(np.ones(self.n_cells), -np.ones(n_places))
        return self._rows(rows, columns, values, n_places), np.zeros(n_places), np.zeros(n_places)

    def _peak_rows(self) -> tuple[coo_array, FloatArray, FloatArray]:
        """The greatest power covers every period."""
        n_periods = self._case.n_periods
        n_places = self._places.size
        rows = np.concatenate([self._places % n_periods, np.arange(n_periods)])
        columns = np.append(self.n_cells + np.arange(n_places), np.full(n_periods, self._n_columns - 1))
        values = np.append(np.full(n_places, self._wires.kw_per_a), -np.ones(n_periods))
        matrix = self._rows(rows, columns, values, n_periods)
        return matrix, np.full(n_periods, -np.inf), np.zeros(n_periods)

    def _first_facets(self) -> tuple[coo_array, FloatArray, FloatArray]:
        """Half-planes of every limit in every period in which all cars that are there could break it."""
        most_a = self._spread(np.full(self.n_cells, MOST_A))
        worst_a = np.abs(self._wires.phasors) @ most_a
        limits, periods = np.nonzero(worst_a > self._wires.limit_a[:, None])
        angles = np.arange(N_FACETS) * 2.0 * np.pi / N_FACETS
        matrix, right = self._facets(
            np.repeat(limits, N_FACETS), np.repeat(periods, N_FACETS), np.tile(angles, limits.size)
        )
        return matrix, np.full(right.size, -np.inf), right

    def _facets(
        self, limits: IntArray, periods: IntArray, angles: FloatArray
    ) -> tuple[coo_array, FloatArray]:
        """Half-planes ``Re(I exp(-j angle)) <= L`` over the currents of the kinds that are there."""
        weights = np.real(self._kinds.phasors[limits] * np.exp(-1j * angles)[:, None])
        rows, kinds = np.nonzero(np.abs(weights) > 1e-9)  # noqa: PLR2004 - float noise
        wanted = kinds * self._case.n_periods + periods[rows]
        found = np.minimum(np.searchsorted(self._places, wanted), self._places.size - 1)
        there = self._places[found] == wanted
        rows, kinds, found = rows[there], kinds[there], found[there]
        matrix = self._rows(rows, self.n_cells + found, weights[rows, kinds], limits.size)
        return matrix, self._wires.limit_a[limits]


def _add_rows(solver: highspy.Highs, rows: coo_array, right: FloatArray) -> None:
    matrix = csr_array(rows)
    starts = matrix.indptr[:-1].astype(np.int32)
    lower = np.full(right.size, -np.inf)
    solver.addRows(right.size, lower, right, matrix.nnz, starts, matrix.indices.astype(np.int32), matrix.data)
