"""What a given schedule is worth: the objective of the program, of whatever is sent.

The program is linear and its optimum only a bound for real pilots. Both are measured with one yardstick here,
so that their difference says how much better any schedule could be.
"""

from optimizer.problem import Problem
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import PARTS
from optimizer.scheduling.switching import n_restarts
from optimizer.solver.outcome import ObjectiveTerm, named

LEAST_STAKE = 0.01
"""What is at stake at least [currency]: where nothing is, float noise is no gap."""

CALM = "calm"
"""The term that says how restless a schedule is: a preference, of which the program knows nothing."""


def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
    """Return the objective of a delivery by term; of the program's own solution it is the program's objective."""
    there = (part for part in PARTS if part.members(problem))
    terms = [term for part in there for term in part.worth(problem, moment, delivery)]
    return named([*terms, *_switching(problem, moment, delivery)])


def _switching(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:
    """Return what it costs to switch cars off and on again, by what the tariff says and by preference.

    Power that no pilot gives costs nothing here: the program's bound stays one.
    """
    if delivery.pilot_a is None or moment.charging is None or not moment.per_restart(problem):
        return ()
    n_switches = 2 * int(n_restarts(problem, delivery.pilot_a, moment.charging).sum())
    prices = (("wear of switching", problem.tariff.switch_cost), (CALM, moment.weights.calm_per_switch))
    return tuple(ObjectiveTerm(name, n_switches * price) for name, price in prices if price)


def total_of(terms: tuple[ObjectiveTerm, ...]) -> float:
    """Return the sum of terms."""
    return float(sum(term.value for term in terms))


def judged(terms: tuple[ObjectiveTerm, ...]) -> tuple[ObjectiveTerm, ...]:
    """Return the terms that a gap counts: a proof is not lost to a preference that the program does not know."""
    return tuple(term for term in terms if term.name != CALM)


def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:
    """Return what a gap is measured against: the money and the shortfall that a plan decides about [currency].

    The price of every kWh without its sign, so that earning and paying do not cancel; the demand charge of
    what exceeds the peak so far; and the shortfall that limits cause. What no plan can change (a car that
    leaves before it can be full, the peak so far) and preferences do not count: they would make any gap look
    small.
    """
    there = (part for part in PARTS if part.members(problem))
    return float(sum(part.at_stake(problem, moment, delivery) for part in there))


def gap_of(objective: float, bound: float, stake: float) -> float:
    """Return how much better a schedule could be at most, as a part of what is at stake; 0 when it could not."""
    return max(objective - bound, 0.0) / max(stake, LEAST_STAKE)
