"""Stationary batteries: what flows in and out, what is stored, and what may be."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import numpy as np
import pyomo.environ as pyo

from models.arrays import BoolArray, FloatArray, IntArray, frozen, read_only
from models.assets import Battery
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.objective import TIER_FACTOR, Weights
from optimizer.scheduling.parts.chain import Links, from_now, link
from optimizer.scheduling.parts.part import Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

ABSENT = Battery("", "", 0.0, 0.0, 0.0, 0.0, 0.0)
"""A battery that a program holds and a problem does not have."""


class Member(NamedTuple):
    """What of a battery is in the matrix; all else are numbers that move."""

    asset_id: str
    node: int
    charge_efficiency: float
    discharge_efficiency: float


def charge_bounds(m: Model, a: int, t: int) -> tuple[float, float]:
    """A battery takes at most its power, and nothing while it is too full: ``0 <= charge_kw <= most_charge_kw``."""
    return (0.0, float(m.battery.charge_kw[a, t]))


def discharge_bounds(m: Model, a: int, t: int) -> tuple[float, float]:
    """A battery gives at most its power, and nothing while it is too empty: ``0 <= discharge_kw <= most``."""
    return (0.0, float(m.battery.discharge_kw[a, t]))


def stored_bounds(m: Model, a: int, t: int) -> tuple[float, float]:
    """What is stored stays between its limits, or where it is outside of them: ``least <= stored_kwh <= most``.

    The last slot ends with at least the end energy.
    """
    return (float(m.battery.least_kwh[a, t]), float(m.battery.most_kwh[a, t]))


def lacking_bounds(m: Model, a: int, t: int) -> tuple[float, float]:
    """Only the end energy may be missed: ``lacking_kwh == 0`` before the last slot, ``<= most_lacking_kwh`` in it."""
    return (0.0, 0.0 if t < len(m.slots) - 1 else float(m.battery.most_lacking_kwh[a]))


def battery_energy(m: Model, a: int, t: int) -> Relation:
    """What is stored follows from what was, and from what flows in and out.

    ``stored_kwh[a, t] - stored_kwh[a, t - 1] - h[t] eta_in charge_kw[a, t] + h[t] / eta_out discharge_kw[a, t]
    - lacking_kwh[a, t] == 0``; in the first slot without ``t - 1``, and equal to what is stored now.
    """
    member, hours = m.batteries[a], float(m.open_h[t])
    terms = link(m.stored_kwh, a, t, len(m.slots), goes_on=t > 0)
    terms.append((-hours * member.charge_efficiency, m.charge_kw[a, t]))
    terms.append((hours / member.discharge_efficiency, m.discharge_kw[a, t]))
    terms.append((-1.0, m.lacking_kwh[a, t]))
    return summed(terms) == (0.0 if t > 0 else float(m.battery.stored_kwh[a]))


class Batteries(Part):
    """Charge, discharge and stored energy of every battery by slot."""

    name = "battery"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the batteries."""
        return frozenset(_member(problem, battery) for battery in problem.assets.batteries)

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:
        """State every battery, and what it draws and gives on the rows above it."""
        m.batteries, m.open_h = ordered(members), problem.open_h
        m.battery = BatteryNumbers.of(problem, m.batteries, moment.weights)
        places = range(len(m.batteries))
        m.charge_kw = pyo.Var(places, m.slots, bounds=charge_bounds)
        m.discharge_kw = pyo.Var(places, m.slots, bounds=discharge_bounds)
        m.stored_kwh = pyo.Var(places, m.slots, bounds=stored_bounds)
        m.lacking_kwh = pyo.Var(places, m.slots, bounds=lacking_bounds)
        m.battery_energy = pyo.Constraint(places, m.slots, rule=battery_energy)
        for a, member in enumerate(m.batteries):
            rows, per_kw = problem.topology.rows.tap(member.node, problem.topology.voltage_v)
            for t in m.slots:
                for sign, variable in ((1.0, m.charge_kw[a, t]), (-1.0, m.discharge_kw[a, t])):
                    m.flows.draw(t, sign, variable)
                    m.flows.load(rows, per_kw, t, (sign, variable))
                m.flows.cost.append((m.battery.wear_per_kwh[a] * problem.open_h[t], m.discharge_kw[a, t]))
                m.flows.cost.append((m.battery.lacking_per_kwh, m.lacking_kwh[a, t]))

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._held = ordered(members)
        n_slots = stated.grid.n_slots
        goes_on = from_now(len(self._held), n_slots)
        self._links = Links(self.rows["battery_energy"], self.columns["stored_kwh"], goes_on)
        self._open_h = np.array(stated.open_h)

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write prices, bounds and what is stored now."""
        ring, numbers = problem.grid.ring, BatteryNumbers.of(problem, self._held, moment.weights)
        charge, discharge, stored = (self.columns[name][:, ring] for name in FLOWS)
        lacking, energy = self.columns["lacking_kwh"][:, ring], self.rows["battery_energy"][:, ring]
        sheet.cost[discharge] = np.multiply.outer(numbers.wear_per_kwh, problem.open_h)
        sheet.cost[lacking] = numbers.lacking_per_kwh
        sheet.col_upper[charge], sheet.col_upper[discharge] = numbers.charge_kw, numbers.discharge_kw
        sheet.col_lower[stored], sheet.col_upper[stored] = numbers.least_kwh, numbers.most_kwh
        sheet.col_upper[lacking[:, :-1]] = 0.0
        sheet.col_upper[lacking[:, -1]] = numbers.most_lacking_kwh
        sheet.row_lower[energy], sheet.row_upper[energy] = 0.0, 0.0
        sheet.row_lower[energy[:, 0]] = sheet.row_upper[energy[:, 0]] = numbers.stored_kwh

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield links that were cut or joined, and slots of which another part is left."""
        ring = problem.grid.ring
        yield from self._links.move(ring, from_now(len(self._held), ring.size))
        for t in np.nonzero(problem.open_h != self._open_h[ring])[0].tolist():
            place, hours = ring[t], float(problem.open_h[t])
            self._open_h[place] = hours
            rows = self.rows["battery_energy"][:, place]
            into = frozen([-hours * member.charge_efficiency for member in self._held])
            out = frozen([hours / member.discharge_efficiency for member in self._held])
            yield Block(rows, self.columns["charge_kw"][:, place], into)
            yield Block(rows, self.columns["discharge_kw"][:, place], out)

    def exclusive(self, problem: Problem) -> tuple[tuple[IntArray, IntArray], ...]:  # noqa: ARG002 - always the same
        """A battery is charged or discharged, never both."""
        return ((self.columns["charge_kw"].reshape(-1), self.columns["discharge_kw"].reshape(-1)),)

    def drawn_kw(self, problem: Problem, values: FloatArray) -> dict[str, FloatArray]:
        """Return what each battery of the problem draws, by its name, shape (T,) [kW]."""
        ring = problem.grid.ring
        drawn = values[self.columns["charge_kw"][:, ring]] - values[self.columns["discharge_kw"][:, ring]]
        pairs, there = zip(self._held, drawn, strict=True), self.members(problem)
        return {member.asset_id: frozen(row) for member, row in pairs if member in there}

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
        """Return wear, and what is lacking at the end."""
        held = ordered(Batteries.members(problem))
        idle = frozen(np.zeros(problem.grid.n_slots))
        drawn = frozen([delivery.asset_kw.get(member.asset_id, idle) for member in held])
        return _terms(problem, held, drawn, moment)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return wear, and what is lacking at the end."""
        ring, numbers = problem.grid.ring, BatteryNumbers.of(problem, self._held, moment.weights)
        out_kwh = solution.values[self.columns["discharge_kw"][:, ring]] @ problem.open_h
        lacking_kwh = float(solution.values[self.columns["lacking_kwh"]].sum())
        return _named(float(numbers.wear_per_kwh @ out_kwh), numbers.lacking_per_kwh * lacking_kwh)


FLOWS = ("charge_kw", "discharge_kw", "stored_kwh")


class BatteryNumbers(NamedTuple):
    """Numbers of A batteries over T slots, in the order of time.

    ``charge_kw``, ``discharge_kw``, ``least_kwh`` and ``most_kwh`` are (A, T) bounds, ``stored_kwh`` (A,) what
    is in them now, ``most_lacking_kwh`` (A,) how far below the end energy they can be, ``wear_per_kwh`` (A,) and
    ``lacking_per_kwh`` are prices [currency/kWh].
    """

    charge_kw: FloatArray
    discharge_kw: FloatArray
    least_kwh: FloatArray
    most_kwh: FloatArray
    stored_kwh: FloatArray
    most_lacking_kwh: FloatArray
    wear_per_kwh: FloatArray
    lacking_per_kwh: float

    @classmethod
    def of(cls, problem: Problem, members: tuple[Member, ...], weights: Weights) -> "BatteryNumbers":
        """Return the numbers of the batteries of a program; those that the problem does not have do nothing."""
        known = {_member(problem, battery): battery for battery in problem.assets.batteries}
        found = [known.get(member, ABSENT) for member in members]
        shape = (len(found), problem.grid.n_slots)
        charge_kw, discharge_kw = np.zeros(shape), np.zeros(shape)
        least_kwh, most_kwh = np.zeros(shape), np.zeros(shape)
        for a, battery in enumerate(found):
            charge_kw[a] = np.where(too_full(battery, problem.open_h), 0.0, battery.charge_kw)
            discharge_kw[a] = np.where(too_empty(battery, problem.open_h), 0.0, battery.discharge_kw)
            least_kwh[a] = min(battery.min_kwh, battery.stored_kwh)
            most_kwh[a] = max(battery.max_kwh, battery.stored_kwh)
            least_kwh[a, -1] = end_kwh(battery)
        return cls(
            charge_kw=frozen(charge_kw),
            discharge_kw=frozen(discharge_kw),
            least_kwh=frozen(least_kwh),
            most_kwh=frozen(most_kwh),
            stored_kwh=frozen([battery.stored_kwh for battery in found]),
            most_lacking_kwh=frozen(np.maximum(least_kwh[:, -1] - _holds_kwh(found), 0.0)),
            wear_per_kwh=frozen([battery.wear_per_kwh for battery in found]),
            lacking_per_kwh=weights.target_per_kwh / TIER_FACTOR,
        )


def _holds_kwh(batteries: list[Battery]) -> FloatArray:
    """Return the least that each battery holds whatever is done with it, shape (A,) [kWh]."""
    return frozen([min(battery.min_kwh, battery.stored_kwh) for battery in batteries])


def _named(wear: float, lacking: float) -> tuple[ObjectiveTerm, ...]:
    return (
        ObjectiveTerm("battery wear", wear),
        ObjectiveTerm("battery below its end energy", lacking),
    )


def _terms(
    problem: Problem, held: tuple[Member, ...], drawn_kw: FloatArray, moment: Moment
) -> tuple[ObjectiveTerm, ...]:
    numbers = BatteryNumbers.of(problem, held, moment.weights)
    out_kwh = np.maximum(-drawn_kw, 0.0) @ problem.open_h
    ends_kwh = stored_kwh(problem, held, drawn_kw)[:, -1]
    lacking_kwh = float(np.maximum(numbers.least_kwh[:, -1] - ends_kwh, 0.0).sum())
    return _named(float(numbers.wear_per_kwh @ out_kwh), numbers.lacking_per_kwh * lacking_kwh)


def stored_kwh(problem: Problem, held: tuple[Member, ...], drawn_kw: FloatArray) -> FloatArray:
    """Return what batteries hold after every slot of what they draw and give, both (A, T) [kWh] and [kW]."""
    known = {battery.asset_id: battery.stored_kwh for battery in problem.assets.batteries}
    into = np.array([member.charge_efficiency for member in held])[:, None]
    out = np.array([member.discharge_efficiency for member in held])[:, None]
    gained = np.where(drawn_kw > 0, drawn_kw * into, drawn_kw / out) * problem.open_h
    now = np.array([known.get(member.asset_id, 0.0) for member in held])
    return frozen(now[:, None] + np.cumsum(gained, axis=1))


def end_kwh(battery: Battery) -> float:
    """Return the least energy at the end of the horizon [kWh]: as asked, else what is stored now, within the band."""
    if battery.end_kwh is not None:
        return max(battery.end_kwh, min(battery.min_kwh, battery.stored_kwh))
    return min(max(battery.stored_kwh, battery.min_kwh), battery.max_kwh)


def too_full(battery: Battery, open_h: FloatArray) -> BoolArray:
    """Return the slots in which a battery can be above its limit at best, shape (T,) bool.

    It holds more than it should at the start of a slot even if it was discharged at full power until then.
    """
    before_h = np.cumsum(open_h) - open_h
    out_kwh = before_h * (battery.discharge_kw / battery.discharge_efficiency)
    return read_only(np.asarray(battery.stored_kwh - out_kwh > battery.max_kwh))


def too_empty(battery: Battery, open_h: FloatArray) -> BoolArray:
    """Return the slots in which a battery is below its limit at best, shape (T,) bool."""
    before_h = np.cumsum(open_h) - open_h
    in_kwh = before_h * (battery.charge_kw * battery.charge_efficiency)
    return read_only(np.asarray(battery.stored_kwh + in_kwh < battery.min_kwh))


def _member(problem: Problem, battery: Battery) -> Member:
    node = problem.topology.node_ids.index(battery.node_id)
    return Member(battery.asset_id, node, battery.charge_efficiency, battery.discharge_efficiency)


def ordered(members: Members) -> tuple[Member, ...]:
    """Return batteries in the order of their places."""
    return tuple(sorted(cast("frozenset[Member]", members)))
