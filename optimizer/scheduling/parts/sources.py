"""What solar plants and generators have in common: power that is given, up to a greatest one, at a price."""

from abc import abstractmethod
from typing import ClassVar, NamedTuple, cast

import numpy as np
import pyomo.environ as pyo

from models.arrays import FloatArray, frozen
from optimizer.problem import Problem
from optimizer.scheduling.delivery import AssetPower
from optimizer.scheduling.laws import Model
from optimizer.scheduling.parts.part import Members, Moment, Part, Sheet


class Source(NamedTuple):
    """A source in a program: what it is called, and the node that it feeds."""

    asset_id: str
    node: int


class Offer(NamedTuple):
    """What a source can give, shape (T,) [kW], and what a kWh of it costs [currency/kWh]."""

    most_kw: FloatArray
    per_kwh: float


class Sources(Part):
    """Power that sources of one kind give: one variable by source and slot, ``0 <= given_kw <= most_kw``."""

    family: ClassVar[str]

    @staticmethod
    @abstractmethod
    def offers(problem: Problem) -> dict[Source, Offer]:
        """Return what every source of the problem can give."""

    @classmethod
    def state_sources(cls, m: Model, problem: Problem, members: Members) -> None:
        """State the power of every source, what it costs, and what it takes from the rows above it."""
        held = ordered(members)
        most_kw, per_kwh = _numbers(problem, held, cls.offers(problem))
        given_kw = pyo.Var(range(len(held)), m.slots, bounds=lambda _, a, t: (0.0, float(most_kw[a, t])))
        setattr(m, cls.family, given_kw)
        for a, source in enumerate(held):
            rows, per_kw = problem.topology.rows.tap(source.node, problem.topology.voltage_v)
            for t in m.slots:
                m.flows.draw(t, -1.0, given_kw[a, t])
                m.flows.load(rows, per_kw, t, (-1.0, given_kw[a, t]))
                m.flows.cost.append((float(per_kwh[a] * problem.open_h[t]), given_kw[a, t]))

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - offers are the problem's
        """Write prices and what can be given."""
        columns = self.columns[self.family][:, problem.grid.ring]
        most_kw, per_kwh = _numbers(problem, ordered(self.held), self.offers(problem))
        sheet.cost[columns] = np.multiply.outer(per_kwh, problem.open_h)
        sheet.col_upper[columns] = most_kw

    def drawn_kw(self, problem: Problem, values: FloatArray) -> dict[str, FloatArray]:
        """Return what each source draws, by its name, shape (T,) [kW]: less than nothing where it gives."""
        given_kw, there = values[self.columns[self.family][:, problem.grid.ring]], self.offers(problem)
        pairs = zip(ordered(self.held), given_kw, strict=True)
        return {source.asset_id: frozen(-row) for source, row in pairs if source in there}

    @classmethod
    def cost_of(cls, problem: Problem, drawn_kw: AssetPower) -> float:
        """Return what the energy costs that sources give [currency]."""
        kwh = {name: -float(power_kw @ problem.open_h) for name, power_kw in drawn_kw.items()}
        offers = cls.offers(problem).items()
        return float(sum(offer.per_kwh * kwh.get(source.asset_id, 0.0) for source, offer in offers))


def ordered(members: Members) -> tuple[Source, ...]:
    """Return the sources of a program in the order of its columns."""
    return tuple(sorted(cast("frozenset[Source]", members)))


def _numbers(
    problem: Problem, held: tuple[Source, ...], offers: dict[Source, Offer]
) -> tuple[FloatArray, FloatArray]:
    """Return what sources can give, (A, T), and at what price, (A,); those that a problem lacks give nothing."""
    nothing = Offer(frozen(np.zeros(problem.grid.n_slots)), 0.0)
    found = [offers.get(source, nothing) for source in held]
    return frozen([offer.most_kw for offer in found]), frozen([offer.per_kwh for offer in found])
