"""Generators: power for fuel, and for what its emissions cost."""

import numpy as np

from models.arrays import frozen
from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model
from optimizer.scheduling.parts.part import Members, Moment
from optimizer.scheduling.parts.sources import Offer, Source, Sources
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


class Generators(Sources):
    """Power by generator and slot: ``0 <= generator_kw <= max_kw``, at the price of fuel and emissions."""

    name = "generator"
    family = "generator_kw"

    @staticmethod
    def offers(problem: Problem) -> dict[Source, Offer]:
        """Return what every generator can give, and what that costs."""
        nodes = problem.topology.node_ids
        return {
            Source(one.asset_id, nodes.index(one.node_id)): Offer(
                frozen(np.full(problem.grid.n_slots, one.max_kw)),
                one.cost_per_kwh + one.carbon_kg_per_kwh * problem.tariff.carbon_per_kg,
            )
            for one in problem.assets.generators
        }

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the generators."""
        return frozenset(Generators.offers(problem))

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - fuel is money
        """State what each generator gives."""
        Generators.state_sources(m, problem, members)

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return fuel and emissions of what is given."""
        return (ObjectiveTerm("generator", Generators.cost_of(problem, delivery.asset_kw)),)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return fuel and emissions."""
        return (ObjectiveTerm("generator", self.cost_of(problem, self.drawn_kw(problem, solution.values))),)
