"""What the horizon costs anyway: no plan changes it, but a bill that leaves it out does not add up."""

from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model
from optimizer.scheduling.parts.part import NOTHING, Members, Moment, Part, Sheet
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


class FixedCost(Part):
    """A constant of the objective."""

    name = "fixed"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return one member where something is paid anyway."""
        return frozenset({"fixed"}) if problem.tariff.fixed_cost else NOTHING

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - one number
        """Count it."""
        m.flows.constant += problem.tariff.fixed_cost

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:  # noqa: ARG002 - as above
        """Write it."""
        sheet.constant += problem.tariff.fixed_cost

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return it."""
        return (ObjectiveTerm("fixed cost", problem.tariff.fixed_cost),)

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return it."""
        return (ObjectiveTerm("fixed cost", problem.tariff.fixed_cost),)
