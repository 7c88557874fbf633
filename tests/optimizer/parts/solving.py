"""A drawn state, solved: the program's values by family, in the order of time."""

from dataclasses import dataclass

import numpy as np

from models.arrays import IntArray
from optimizer.options import PlanOptions
from optimizer.problem import Problem, problem_of
from optimizer.scheduling.bands import shortfall_per_kwh
from optimizer.scheduling.moving import Mover
from optimizer.scheduling.objective import Weights
from optimizer.scheduling.one_way import OneWay, solve_one_way
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.program import Structure, state_program, widest
from optimizer.solver.compiled import compile_program
from optimizer.solver.live import LiveProgram
from optimizer.topology import Topology

OPTIONS = PlanOptions(deadline_s=30.0)


@dataclass(frozen=True)
class Outcome:
    """A problem with its program and what came of it."""

    problem: Problem
    mover: Mover
    moment: Moment
    one_way: OneWay
    columns: dict[str, IntArray]

    def flow(self, family):
        """Values of a family whose last index is the slot; None where the program does not have it."""
        if family not in self.columns:
            return None
        return self.one_way.solution.values[self.columns[family][..., self.problem.grid.ring]]

    def worth_of_parts_of_slots(self):
        """What energy is worth at most that cars could take in slots that they are not there for the whole of."""
        problem = self.problem
        is_part = (problem.slot_h > 0) & (problem.slot_h < problem.open_h - 1e-9)
        kwh = float((problem.max_kw * problem.slot_h)[is_part].sum())
        return kwh * float(shortfall_per_kwh(problem, self.moment.weights).max())

    @property
    def terms(self):
        found = self.mover.terms(self.problem, self.moment, self.one_way.solution)
        return {term.name: term.value for term in found}


def solved(state, options=OPTIONS):
    """Return the outcome of a state's program."""
    problem = problem_of(state, Topology.of(state.site), options)
    structure = Structure.of(problem)
    epoch_s = state.grid.start.timestamp()
    moment = Moment(Weights.of(problem, options), epoch_s, structure.has_bill)
    stated = widest(problem, structure)
    compiled = compile_program(state_program(stated, structure, moment))
    mover = Mover(compiled, structure, stated)
    numbers, coefficients = mover.numbers(problem, moment), mover.coefficients(problem)
    pairs = mover.exclusive(problem)
    one_way = solve_one_way(LiveProgram(compiled), numbers, coefficients, pairs, options.deadline_s)
    return Outcome(problem, mover, moment, one_way, dict(compiled.columns))


def site_draw_kw(outcome):
    """What the site draws in each slot, (T,) [kW]: load, cars, batteries, less what is given."""
    back_kw = outcome.mover.back_kw(outcome.problem, outcome.one_way.solution.values)
    net_kw = outcome.problem.load_kw + (outcome.flow("power_kw") - back_kw).sum(axis=0)
    for family, sign in (
        ("charge_kw", 1.0),
        ("discharge_kw", -1.0),
        ("solar_kw", -1.0),
        ("generator_kw", -1.0),
    ):
        flow = outcome.flow(family)
        net_kw = net_kw if flow is None else net_kw + sign * flow.sum(axis=0)
    return np.asarray(net_kw)


def kept_kw(outcome):
    """What is kept for cars to come in each slot, (T,) [kW]."""
    flow = outcome.flow("coming_kw")
    return np.zeros(outcome.problem.grid.n_slots) if flow is None else flow


def site_plans_kw(outcome):
    """What is billed in each slot, (T,) [kW]: what the site draws, and what is kept for cars to come."""
    return site_draw_kw(outcome) + kept_kw(outcome)
