"""The case as a sparse program, stated by hand: only cells in which a car is plugged in."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, vstack

from benchmarks.peers.case import EVSE_KW, Case
from models.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Program:
    r"""Minimise :math:`c^\top p` subject to :math:`l \le A p \le u` and :math:`0 \le p \le` ``EVSE_KW``.

    Parameters
    ----------
    row, slot : (n,) int64
        EVSE and slot of every variable, a power [kW].
    cost : (n,) float64
        Cost of a kW over the slot.
    laws : (m, n) csr_array
        First one row per EVSE, its energy [kWh]; then what can bind of the site and of the panels [kW].
    least, most : (m,) float64
        Bounds of the rows.
    """

    row: IntArray
    slot: IntArray
    cost: FloatArray
    laws: csr_array
    least: FloatArray
    most: FloatArray


def program_of(case: Case) -> Program:
    """State a case."""
    row, slot = np.nonzero(case.is_open)
    energy = coo_array((np.full(row.size, case.step_h), (row, np.arange(row.size))), (case.n_evses, row.size))
    panel_rows, panel_kw = _limits(case.panel[row] * case.n_slots + slot, case.panel_kw.repeat(case.n_slots))
    site_rows, site_kw = _limits(slot, np.full(case.n_slots, case.site_kw))
    free = np.full(panel_kw.size + site_kw.size, -np.inf)
    return Program(
        row=row,
        slot=slot,
        cost=case.price_per_kwh[slot] * case.step_h,
        laws=csr_array(vstack([energy, site_rows, panel_rows])),
        least=np.concatenate([case.need_kwh, free]),
        most=np.concatenate([np.full(case.n_evses, np.inf), site_kw, panel_kw]),
    )


def _limits(place: IntArray, limit_kw: FloatArray) -> tuple[coo_array, FloatArray]:
    """Return one row per place that all its cars together could overload, and its limit [kW]."""
    binds = np.bincount(place, minlength=limit_kw.size) * EVSE_KW > limit_kw
    number = np.cumsum(binds) - 1
    cells = np.nonzero(binds[place])[0]
    shape = (int(binds.sum()), place.size)
    return coo_array((np.ones(cells.size), (number[place[cells]], cells)), shape), limit_kw[binds]
