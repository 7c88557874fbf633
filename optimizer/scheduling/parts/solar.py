"""Solar plants that can be told to give less; all others are load, with its sign turned."""

from optimizer.problem import Problem
from optimizer.scheduling.laws import Model
from optimizer.scheduling.parts.part import Members, Moment
from optimizer.scheduling.parts.sources import Offer, Source, Sources
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


class Solar(Sources):
    """Solar power by plant and slot: ``0 <= solar_kw <= available_kw``, at a careful quantile of the forecast."""

    name = "solar"
    family = "solar_kw"

    @staticmethod
    def offers(problem: Problem) -> dict[Source, Offer]:
        """Return what every plant can give, for nothing."""
        nodes = problem.topology.node_ids
        return {
            Source(plant.asset_id, nodes.index(plant.node_id)): Offer(power_kw, 0.0)
            for plant, power_kw in zip(problem.assets.solar, problem.solar_kw, strict=True)
            if plant.can_curtail
        }

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the plants that can be told."""
        return frozenset(Solar.offers(problem))

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - the sun is free
        """State what each plant gives."""
        Solar.state_sources(m, problem, members)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Solar power costs nothing; what it saves shows in what is imported."""
        return ()
