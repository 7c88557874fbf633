"""Charging: what every EVSE draws, and what its sessions stay short of."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, ScalarT, frozen
from optimizer.problem import Problem
from optimizer.scheduling.bands import (
    N_BANDS,
    band_widths_kwh,
    short_by_band_kwh,
    shortfall_per_kwh,
)
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, Variable, total
from optimizer.scheduling.objective import Weights, eagerness, early_per_kwh, hour_of_slots
from optimizer.scheduling.parts.entries import Entries, back_columns
from optimizer.scheduling.parts.part import Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

LEAST_PER_KWH = 0.01
"""A kWh counts at least this much at stake, so that a gap means something where energy is free [currency/kWh]."""


def evse_bounds(m: Model, e: int, t: int) -> tuple[float, float]:
    """An EVSE draws between nothing and what it and its car can take: ``0 <= power_kw <= max_kw``."""
    return (0.0, m.max_kw[e, t])


def shortfall_bounds(m: Model, e: int, q: int, b: int) -> tuple[float, float | None]:
    """A band of shortfall holds at most its width: ``0 <= short_kwh <= width_kwh``."""
    width_kwh = m.width_kwh[e, q, b]
    return (0.0, None if width_kwh == float("inf") else width_kwh)


def session_energy(m: Model, e: int, q: int) -> Relation:
    """What is delivered and what stays short make up the need.

    ``sum_t connected_h[e, q, t] (power_kw[e, t] - per_back[e, t] back_kw[e, t])
    + sum_b short_kwh[e, q, b] == need_kwh[e, q]``
    """
    slots = m.slots_of[e, q]
    hours = m.connected_h[e, q, slots].tolist()
    power_kw = [m.power_kw[e, t] for t in slots]
    short_kwh = [m.short_kwh[e, q, b] for b in m.bands]
    back = back_terms(m, e, m.connected_h[e, q])
    weights = [*hours, *(1.0 for _ in short_kwh), *(weight for weight, _ in back)]
    variables = [*power_kw, *short_kwh, *(variable for _, variable in back)]
    return total(weights, variables) == float(m.need_kwh[e, q])


def back_terms(m: Model, e: int, hours: FloatArray) -> list[tuple[float, Variable]]:
    """Return what a car gives back in some hours (T,), as energy that it must be given again."""
    return [
        (-float(hours[t] * m.car_batteries.per_back[e, t]), m.backs[e, t])
        for t in np.nonzero(hours > 0)[0].tolist()
        if (e, t) in m.backs
    ]


def money_per_kwh(problem: Problem, moment: Moment) -> FloatArray:
    """Return what a kWh costs at each EVSE, shape (E, T) [currency/kWh]: energy, unless billed elsewhere, and time."""
    early = early_per_kwh(problem, moment.weights, moment.epoch_s)
    return early if moment.has_bill else frozen(early + problem.import_per_kwh)


def cost_per_kw(problem: Problem, moment: Moment) -> FloatArray:
    """Return what a kW costs at each EVSE for its part of a slot, shape (E, T) [currency/kW]: energy, and time.

    Where the site's exchange is billed it bills a power for the whole slot: a car that is there for a part
    of it gets the rest back.
    """
    hours = np.where(problem.slot_h > 0, problem.slot_h, problem.grid.step_h)
    billed_h = problem.open_h if moment.has_bill else np.zeros(problem.grid.n_slots)
    early = early_per_kwh(problem, moment.weights, moment.epoch_s)
    return frozen(early * hours + problem.import_per_kwh * (hours - billed_h))


def dearest_per_kwh(problem: Problem, moment: Moment) -> FloatArray:
    """Return the most that a kWh can cost at each EVSE, shape (E, T) [currency/kWh]: imported, or not exported."""
    early = early_per_kwh(problem, moment.weights, moment.epoch_s)
    return frozen(early + np.maximum(problem.import_per_kwh, problem.export_per_kwh))


class Charging(Part):
    """Power of every EVSE by slot, and the shortfall of every session in bands."""

    name = "charging"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the seats."""
        return frozenset(range(problem.n_seats))

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - the problem has seats
        """State power and shortfall in every cell that is open."""
        open_cells = np.argwhere(problem.slot_h > 0)
        m.bands = range(2 * N_BANDS)
        m.max_kw, m.width_kwh = problem.max_kw, band_widths_kwh(problem, moment.weights)
        m.cells = pyo.Set(initialize=[(int(e), int(t)) for e, t in open_cells], dimen=2)
        sessions = np.argwhere(problem.connected_h.any(axis=2))
        m.seats = pyo.Set(initialize=[(int(e), int(q)) for e, q in sessions], dimen=2)
        m.power_kw = pyo.Var(m.cells, bounds=evse_bounds)
        m.short_kwh = pyo.Var(m.seats, m.bands, bounds=shortfall_bounds)
        for e, t in m.cells:
            m.flows.draw(t, 1.0, m.power_kw[e, t])
        per_kw = cost_per_kw(problem, moment).tolist()
        short_per_kwh = shortfall_per_kwh(problem, moment.weights).tolist()
        m.flows.cost += [(per_kw[e][t], m.power_kw[e, t]) for e, t in m.cells]
        m.flows.cost += [(short_per_kwh[e][q][b], m.short_kwh[e, q, b]) for e, q in m.seats for b in m.bands]

    @staticmethod
    def close(m: Model, problem: Problem) -> None:
        """State the energy of each session, after all parts that take from it."""
        m.slots_of = {(e, q): np.nonzero(problem.connected_h[e, q] > 0)[0].tolist() for e, q in m.seats}
        m.connected_h, m.need_kwh = problem.connected_h, problem.need_kwh
        m.session_energy = pyo.Constraint(m.seats, rule=session_energy)

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._connected_h = np.array(stated.connected_h)
        self._back_h = self._back_entries(stated)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write prices, greatest powers, band widths and needs."""
        power = self.columns["power_kw"][:, problem.grid.ring]
        sheet.cost[power] = cost_per_kw(problem, moment)
        sheet.col_upper[power] = problem.max_kw
        short = self.columns["short_kwh"]
        sheet.cost[short] = 0.0
        sheet.cost[short[:, : problem.n_seats]] = shortfall_per_kwh(problem, moment.weights)
        sheet.col_upper[short] = 0.0
        sheet.col_upper[short[:, : problem.n_seats]] = band_widths_kwh(problem, moment.weights)
        energy = self.rows["session_energy"]
        need_kwh = np.zeros(energy.shape)
        open_seats = problem.connected_h.any(axis=2)
        need_kwh[:, : problem.n_seats] = np.where(open_seats, problem.need_kwh, 0.0)
        sheet.row_lower[energy] = need_kwh
        sheet.row_upper[energy] = need_kwh

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield changed hours; a cell in which nobody can charge keeps its old ones, its bound is 0."""
        ring = problem.grid.ring
        missing = self._connected_h.shape[1] - problem.connected_h.shape[1]
        new_h = problem.connected_h
        if missing:
            new_h = np.pad(new_h, ((0, 0), (0, missing), (0, 0)))
        is_open = (problem.slot_h > 0)[:, None, :]
        evse, seat, slot = np.nonzero(is_open & (new_h != self._connected_h[:, :, ring]))
        if evse.size:
            value = new_h[evse, seat, slot]
            self._connected_h[evse, seat, ring[slot]] = value
            columns = self.columns["power_kw"][evse, ring[slot]]
            yield Block(self.rows["session_energy"][evse, seat], columns, frozen(value))
        if self._back_h is not None:
            gives = np.repeat(problem.batteries.gives[:, None, :], new_h.shape[1], axis=1)
            wanted = frozen(-new_h * problem.batteries.per_back[:, None, :])
            yield from self._back_h.move(ring, by_line(wanted), by_line(gives))

    def _back_entries(self, stated: Problem) -> Entries | None:
        """Return the coefficients of what cars give back, by EVSE and seat; None where nobody does."""
        if "back_kw" not in self.columns:
            return None
        shape = stated.connected_h.shape
        columns = back_columns(self.columns, (shape[0], shape[2]))
        gives = stated.batteries.gives[:, None, :]
        hours = np.where(gives, -stated.connected_h * stated.batteries.per_back[:, None, :], 0.0)
        rows = np.repeat(self.rows["session_energy"][:, :, None], shape[2], axis=2)
        return Entries(by_line(rows), by_line(np.repeat(columns[:, None], shape[1], axis=1)), by_line(hours))

    def power_kw(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return planned power in the order of time, shape (E, T) [kW]."""
        power = values[self.columns["power_kw"][:, problem.grid.ring]]
        return frozen(np.where(problem.max_kw > 0, np.clip(power, 0.0, problem.max_kw), 0.0))

    def short_kwh(self, problem: Problem, values: FloatArray) -> FloatArray:
        """Return the shortfall by band, shape (E, S, n_bands) [kWh]."""
        return frozen(np.maximum(values[self.columns["short_kwh"][:, : problem.n_seats]], 0.0))

    def worth_per_kwh(self, problem: Problem, row_duals: FloatArray) -> FloatArray:
        """Return what one kWh more is worth to each session, shape (E, S) [currency/kWh]."""
        return frozen(row_duals[self.rows["session_energy"][:, : problem.n_seats]])

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
        """Return shortfall, energy (unless it is billed elsewhere) and early preference."""
        short_kwh = short_by_band_kwh(problem, moment.weights, delivery.session_kwh)
        return _terms(problem, moment, short_kwh, delivery)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:
        """Return the price of every kWh without its sign, and the shortfall that is not for want of time."""
        fits_kwh = np.einsum("et,eqt->eq", problem.max_kw, problem.connected_h)
        short_kwh = short_by_band_kwh(problem, moment.weights, delivery.session_kwh)
        needless_kwh = np.maximum(short_kwh - short_by_band_kwh(problem, moment.weights, fits_kwh), 0.0)
        short_cost = shortfall_per_kwh(problem, moment.weights) * needless_kwh
        per_kwh = np.maximum(np.abs(problem.import_per_kwh), LEAST_PER_KWH)
        return float(short_cost.sum() + (delivery.energy_kwh @ per_kwh).sum())

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return shortfall, energy (unless it is billed elsewhere) and early preference."""
        delivery = Delivery.of_power(problem, self.power_kw(problem, solution.values))
        return _terms(problem, moment, self.short_kwh(problem, solution.values), delivery)


def _terms(
    problem: Problem, moment: Moment, short_kwh: FloatArray, delivery: Delivery
) -> tuple[ObjectiveTerm, ...]:
    short_cost = (shortfall_per_kwh(problem, moment.weights) * short_kwh).sum(axis=(0, 1))
    hours = hour_of_slots(problem, moment.epoch_s)
    early = moment.weights.early_per_kwh_h * float(eagerness(problem) @ (delivery.energy_kwh @ hours))
    billed_kwh = delivery.power_kw * problem.open_h if moment.has_bill else np.zeros(1)
    money = (delivery.energy_kwh - billed_kwh) @ problem.import_per_kwh
    return (
        *_shortfall_terms(short_cost, moment.weights),
        ObjectiveTerm("energy", float(money.sum())),
        ObjectiveTerm("early over late", early),
    )


def _shortfall_terms(cost: FloatArray, weights: Weights) -> tuple[ObjectiveTerm, ...]:
    """Return what the bands of shortfall cost, by tier; floor and promises only where there are any."""
    target, minimum = cost[:N_BANDS], cost[N_BANDS:]
    terms = []
    if weights.promise_per_kwh:
        terms.append(ObjectiveTerm("promises to drivers that are broken", float(minimum[-1])))
        minimum = minimum[:-1]
    terms.append(ObjectiveTerm("shortfall of promised energy", float(minimum.sum())))
    if weights.floor_per_kwh:
        terms.append(ObjectiveTerm("shortfall of the share that no priority takes", float(target[-1])))
        target = target[:-1]
    return (*terms, ObjectiveTerm("shortfall of target energy", float(target.sum())))


def by_line(values: "np.ndarray[Any, np.dtype[ScalarT]]") -> "np.ndarray[Any, np.dtype[ScalarT]]":
    """Return an array (E, S, T) as lines (E x S, T)."""
    return values.reshape(-1, values.shape[-1])
