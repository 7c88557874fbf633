"""Reserves that are sold: a band by which the site could draw less, whether it is called or not."""

from collections.abc import Iterator

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen, read_only
from models.flexibility import Direction, ReserveProduct
from optimizer.problem import Problem
from optimizer.reasons import ReasonKind
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.battery import Batteries, BatteryNumbers
from optimizer.scheduling.parts.battery import Member as Battery
from optimizer.scheduling.parts.entries import Entries
from optimizer.scheduling.parts.part import NOTHING, Added, Block, Members, Moment, Part, Sheet
from optimizer.scheduling.sheds import can_wait, most_back_kw, reserved_kw, sold_reserves
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

TERM = "reserves"


def reserve_bounds(m: Model, k: int, t: int) -> tuple[float, float]:
    """No more is sold than is bought: ``0 <= reserve_kw[k, t] <= most_kw[k, t]``."""
    return (0.0, float(m.most_reserve_kw[k][t]))


def backed_reserve(m: Model, t: int) -> Relation:
    """All reserves are backed by cars that can wait and by batteries.

    ``sum_k reserve_kw[k, t] - sum_b shed_kw[b, t] - sum_e can_wait[e, t] power_kw[e, t] <= 0``
    """
    held = [(1.0, m.reserve_kw[k, t]) for k in m.reserves]
    held += [(-1.0, m.shed_kw[b, t]) for b in range(len(m.sheds))]
    held += [(-1.0, m.power_kw[e, t]) for e, waits in enumerate(m.can_wait) if waits[t] and m.is_open[e][t]]
    return summed(held) <= 0.0


def shed_power(m: Model, b: int, t: int) -> Relation:
    """A battery sheds what it draws and what it could give: ``shed_kw + discharge_kw - charge_kw <= most_kw``."""
    a = m.sheds[b]
    flows = [(1.0, m.shed_kw[b, t]), (1.0, m.discharge_kw[a, t]), (-1.0, m.charge_kw[a, t])]
    return summed(flows) <= float(m.battery.discharge_kw[a, t])


def shed_energy(m: Model, b: int, t: int) -> Relation:
    """A battery can shed for a whole slot: ``step_h / eta_out shed_kw[b, t] - stored_kwh[a, t] <= -least_kwh``."""
    a = m.sheds[b]
    shed = (m.step_h / m.batteries[a].discharge_efficiency, m.shed_kw[b, t])
    return summed([shed, (-1.0, m.stored_kwh[a, t])]) <= -float(m.battery.least_kwh[a, t])


def room_to_shed(m: Model, t: int) -> Relation:
    """What is called may not feed back too much, and cars to come may not come.

    ``sum_k reserve_kw[k, t] - import_kw[t] + export_kw[t] + coming_kw[t] <= most_back_kw[t]``
    """
    net = [(-1.0, m.flows.bill[t]), (1.0, m.flows.sold[t]), *m.flows.kept_on.get((m.at_root, t), ())]
    return summed([*((1.0, m.reserve_kw[k, t]) for k in m.reserves), *net]) <= float(m.most_back_kw[t])


class Reserves(Part):
    """The band of every product that is bought, by slot."""

    name = "reserves"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the products that buy and pay, and the batteries that back them."""
        ids = frozenset(reserve.product_id for reserve in sold_reserves(problem))
        return ids | Batteries.members(problem) if ids else NOTHING

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - their own prices
        """State every product above what backs it."""
        products, batteries = _held(problem, _ids(members)), _batteries(members)
        m.reserves, m.step_h = range(len(products)), problem.grid.step_h
        m.sheds = [m.batteries.index(battery) for battery in batteries]
        m.most_reserve_kw = [product.most_kw for product in products]
        m.can_wait = can_wait(problem).tolist()
        m.reserve_kw = pyo.Var(m.reserves, m.slots, bounds=reserve_bounds)
        m.shed_kw = pyo.Var(range(len(batteries)), m.slots, bounds=(0.0, None))
        m.backed_reserve = pyo.Constraint(m.slots, rule=backed_reserve)
        if batteries:
            m.shed_power = pyo.Constraint(range(len(batteries)), m.slots, rule=shed_power)
            m.shed_energy = pyo.Constraint(range(len(batteries)), m.slots, rule=shed_energy)
        if m.flows.bill is not None:
            m.most_back_kw, m.at_root = most_back_kw(problem), problem.topology.root_row
            m.room_to_shed = pyo.Constraint(m.slots, rule=room_to_shed)
        for k, product in enumerate(products):
            pays = product.pays_per_kw_h * problem.open_h
            m.flows.cost += [(-pays[t], m.reserve_kw[k, t]) for t in m.slots]

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._ids, self._batteries = _ids(members), _batteries(members)
        backed = np.broadcast_to(self.rows["backed_reserve"], self.columns["power_kw"].shape)
        self._waits = Entries(backed, self.columns["power_kw"], _coefficients(stated))

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write what is bought and paid, and what batteries and the grid can take."""
        ring = problem.grid.ring
        for k, product in enumerate(_held(problem, self._ids)):
            columns = self.columns["reserve_kw"][k, ring]
            sheet.cost[columns] = -product.pays_per_kw_h * problem.open_h
            sheet.col_upper[columns] = product.most_kw
        if "shed_power" in self.rows:
            numbers = BatteryNumbers.of(problem, self._batteries, moment.weights)
            sheet.row_upper[self.rows["shed_power"][:, ring]] = numbers.discharge_kw
            sheet.row_upper[self.rows["shed_energy"][:, ring]] = -numbers.least_kwh
        if "room_to_shed" in self.rows:
            sheet.row_upper[self.rows["room_to_shed"][ring]] = most_back_kw(problem)

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield cars that can wait now and could not before, or the other way round."""
        yield from self._waits.move(problem.grid.ring, _coefficients(problem), read_only(problem.slot_h > 0))

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:
        """Yield what a kW that can be shed earns, as a cost below 0."""
        per_kw = row_duals[self.rows["backed_reserve"][problem.grid.ring]]
        if "room_to_shed" in self.rows:
            per_kw = per_kw + row_duals[self.rows["room_to_shed"][problem.grid.ring]]
        yield Added("reserves", frozen(np.minimum(per_kw, 0.0)), ReasonKind.FLEXIBILITY)

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
        """Return what the reserves pay that a delivery backs, as a cost below 0."""
        held = zip(sold_reserves(problem), reserved_kw(problem, moment.weights, delivery), strict=True)
        paid = (product.pays_per_kw_h * float(kw @ problem.open_h) for product, kw in held)
        return (ObjectiveTerm(TERM, -sum(paid)),)

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:
        """Return what these reserves pay."""
        return -sum(term.value for term in Reserves.worth(problem, moment, delivery))

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what the reserves pay, as a cost below 0."""
        kw = solution.values[self.columns["reserve_kw"][:, problem.grid.ring]]
        pays = np.array([product.pays_per_kw_h for product in _held(problem, self._ids)])
        return (ObjectiveTerm(TERM, -float(pays @ (kw @ problem.open_h))),)


def _coefficients(problem: Problem) -> FloatArray:
    return frozen(np.where(can_wait(problem), -1.0, 0.0))


def _held(problem: Problem, ids: tuple[str, ...]) -> tuple[ReserveProduct, ...]:
    """Return the products of a program; of those that a problem does not have nothing is bought."""
    known = {product.product_id: product for product in sold_reserves(problem)}
    nothing = frozen(np.zeros(problem.grid.n_slots))
    return tuple(known.get(name) or ReserveProduct(name, Direction.DOWN, nothing, 0.0) for name in ids)


def _ids(members: Members) -> tuple[str, ...]:
    return tuple(sorted(member for member in members if isinstance(member, str)))


def _batteries(members: Members) -> tuple[Battery, ...]:
    return tuple(sorted(member for member in members if isinstance(member, Battery)))
