"""The program of a site, stated in Pyomo.

Data are plain arrays held by the model (not Pyomo parameters): the statement is made once and compiled,
and what moves later moves in the compiled arrays.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyomo.environ as pyo

from models.arrays import frozen
from models.grid.site import N_PHASES
from optimizer.problem import Problem
from optimizer.scheduling import laws
from optimizer.scheduling.objective import (
    N_BANDS,
    Weights,
    band_widths_kwh,
    energy_per_kwh,
    shortfall_per_kwh,
)


@dataclass(frozen=True, slots=True)
class Structure:
    """What a program is made of; two problems of one structure differ in numbers only.

    Parameters
    ----------
    n_slots, step_s, n_seats : int
    kw_nodes : tuple of int
        Nodes with a power limit that can bind.
    phase_nodes : tuple of (int, int)
        (node, phase) pairs with a current limit that can bind.
    has_demand_charge : bool
    """

    n_slots: int
    step_s: int
    n_seats: int
    kw_nodes: tuple[int, ...]
    phase_nodes: tuple[tuple[int, int], ...]
    has_demand_charge: bool

    @classmethod
    def of(cls, problem: Problem) -> "Structure":
        """Return the least structure that can hold a problem: laws that cannot bind are left out."""
        top = problem.topology
        full_kw = top.below @ top.connected_kw
        full_a = (top.below @ (top.on_phase * top.max_a[:, None])).reshape(-1, N_PHASES)
        least_kw = problem.headroom_kw.min(axis=1)
        least_a = problem.headroom_a.min(axis=2)
        pairs = np.argwhere((least_a < full_a) & (full_a > 0))
        return cls(
            n_slots=problem.grid.n_slots,
            step_s=problem.grid.step_s,
            n_seats=problem.n_seats,
            kw_nodes=tuple(int(n) for n in np.nonzero((least_kw < full_kw) & (full_kw > 0))[0]),
            phase_nodes=tuple((int(n), int(p)) for n, p in pairs),
            has_demand_charge=problem.demand_charge_per_kw > 0,
        )

    def holds(self, other: "Structure") -> bool:
        """Return whether a program of this structure can be moved to a problem of ``other``."""
        same_horizon = (self.n_slots, self.step_s) == (other.n_slots, other.step_s)
        return (
            same_horizon
            and self.n_seats >= other.n_seats
            and set(other.kw_nodes) <= set(self.kw_nodes)
            and set(other.phase_nodes) <= set(self.phase_nodes)
            and self.has_demand_charge >= other.has_demand_charge
        )

    def joined(self, other: "Structure") -> "Structure":
        """Return a structure of the other's horizon that holds both, so that laws do not come and go."""
        return replace(
            other,
            n_seats=max(self.n_seats, other.n_seats),
            kw_nodes=tuple(sorted({*self.kw_nodes, *other.kw_nodes})),
            phase_nodes=tuple(sorted({*self.phase_nodes, *other.phase_nodes})),
            has_demand_charge=self.has_demand_charge or other.has_demand_charge,
        )


def state_program(problem: Problem, structure: Structure, weights: Weights, epoch_s: float) -> laws.Model:
    """State the site in Pyomo, only what is plugged in.

    Parameters
    ----------
    problem : Problem
    structure : Structure
        Laws to state; must hold the problem.
    weights : Weights
    epoch_s : float
        Moment that the early preference counts from [s since the Unix epoch].

    Returns
    -------
    pyomo.ConcreteModel
        Minimises ``cost``; ``power_kw[e, t]`` in kW, ``short_kwh[e, q, b]`` in kWh, ``peak_kw`` in kW.
    """
    m = pyo.ConcreteModel()
    _hold_numbers(m, problem, structure)
    m.power_kw = pyo.Var(m.cells, bounds=laws.evse_bounds)
    m.short_kwh = pyo.Var(m.seats, m.bands, bounds=laws.shortfall_bounds)
    m.session_energy = pyo.Constraint(m.seats, rule=laws.session_energy)
    m.node_limit = pyo.Constraint(structure.kw_nodes, m.slots, rule=laws.node_limit)
    m.phase_limit = pyo.Constraint(structure.phase_nodes, m.slots, rule=laws.phase_limit)
    if structure.has_demand_charge:
        m.peak_kw = pyo.Var(bounds=laws.peak_bounds)
        m.demand_peak = pyo.Constraint(m.slots, rule=laws.demand_peak)
    m.cost = pyo.Objective(expr=_cost(m, problem, weights, epoch_s))
    return m


def _hold_numbers(m: laws.Model, problem: Problem, structure: Structure) -> None:
    """Give the model the numbers and the sparse sets that its laws read."""
    m.slots = range(problem.grid.n_slots)
    m.bands = range(2 * N_BANDS)
    slot_h = problem.slot_h
    open_cells = np.argwhere(slot_h > 0)
    m.cells = pyo.Set(initialize=[(int(e), int(t)) for e, t in open_cells], dimen=2)
    sessions = np.argwhere(problem.connected_h.any(axis=2))
    m.seats = pyo.Set(initialize=[(int(e), int(q)) for e, q in sessions], dimen=2)
    m.slots_of = {(int(e), int(q)): _indices(problem.connected_h[e, q]) for e, q in sessions}
    m.evses_in = {t: _indices(slot_h[:, t]) for t in m.slots}
    nodes = {*structure.kw_nodes, *(n for n, _ in structure.phase_nodes)}
    below = problem.topology.below
    m.evses_at = {(n, t): [e for e in m.evses_in[t] if below[n, e]] for n in nodes for t in m.slots}
    m.max_kw = problem.max_kw
    m.width_kwh = band_widths_kwh(problem)
    m.connected_h = problem.connected_h
    m.need_kwh = problem.need_kwh
    m.headroom_kw = problem.headroom_kw
    m.headroom_a = problem.headroom_a
    m.a_per_kw = problem.a_per_kw.tolist()
    m.load_kw = problem.load_kw
    m.billing_peak_kw = problem.billing_peak_kw


def _indices(values: np.ndarray) -> list[int]:
    return [int(i) for i in np.nonzero(values > 0)[0]]


def _cost(m: laws.Model, problem: Problem, weights: Weights, epoch_s: float) -> laws.Relation:
    """Return shortfall, money and early preference as one expression."""
    per_kw = (energy_per_kwh(problem, weights, epoch_s) * problem.slot_h).tolist()
    short_per_kwh = shortfall_per_kwh(problem, weights).tolist()
    terms = [(per_kw[e][t], m.power_kw[e, t]) for e, t in m.cells]
    terms += [(short_per_kwh[e][q][b], m.short_kwh[e, q, b]) for e, q in m.seats for b in m.bands]
    if hasattr(m, "peak_kw"):
        terms.append((problem.demand_charge_per_kw, m.peak_kw))
    return laws.total([price for price, _ in terms], [variable for _, variable in terms])


def widest(problem: Problem, structure: Structure) -> Problem:
    """Return a problem of the same site in which every cell, phase and limit of the structure exists.

    Its program is what is compiled: all columns, rows and coefficients are there, and moving to a real
    problem only changes their numbers.
    """
    top = problem.topology
    n_evses, n_slots = top.n_evses, problem.grid.n_slots
    shape = (n_evses, structure.n_seats)
    n_connected = np.maximum(top.on_phase.sum(axis=1), 1)
    kw_per_a = problem.kw_per_a / np.maximum((problem.a_per_kw > 0).sum(axis=1), 1) * n_connected
    return replace(
        problem,
        session_ids=tuple((None,) * structure.n_seats for _ in range(n_evses)),
        connected_h=frozen(np.full((*shape, n_slots), problem.grid.step_h)),
        need_kwh=frozen(np.ones(shape)),
        minimum_kwh=frozen(np.full(shape, 0.5)),
        priority=frozen(np.ones(shape)),
        max_a=frozen(np.repeat(top.max_a[:, None], n_slots, axis=1)),
        a_per_kw=frozen(top.on_phase / kw_per_a[:, None]),
        kw_per_a=frozen(kw_per_a),
        demand_charge_per_kw=max(problem.demand_charge_per_kw, 1.0 if structure.has_demand_charge else 0.0),
        headroom_kw=frozen(np.ones_like(problem.headroom_kw)),
        headroom_a=frozen(np.ones_like(problem.headroom_a)),
    )
