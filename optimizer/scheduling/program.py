"""The program of a site, stated in Pyomo: the parts that it needs, one after the other.

Data are plain arrays held by the model (not Pyomo parameters): the statement is made once and compiled,
and what moves later moves in the compiled arrays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import pyomo.environ as pyo

from models.arrays import frozen, read_only
from optimizer.lines_used import kw_per_a_of
from optimizer.problem import Problem
from optimizer.scheduling.laws import Model, summed
from optimizer.scheduling.parts.acceptance import AcceptedPower
from optimizer.scheduling.parts.arrivals import Arrivals
from optimizer.scheduling.parts.battery import Batteries
from optimizer.scheduling.parts.calls import Calls
from optimizer.scheduling.parts.charging import Charging
from optimizer.scheduling.parts.discharge import GivingBack
from optimizer.scheduling.parts.exchange import Exchange
from optimizer.scheduling.parts.fixed import FixedCost
from optimizer.scheduling.parts.generator import Generators
from optimizer.scheduling.parts.given import EnergyGiven
from optimizer.scheduling.parts.limits import Limits
from optimizer.scheduling.parts.milestones import Milestones
from optimizer.scheduling.parts.part import NOTHING, Flows, Members, Moment, Part
from optimizer.scheduling.parts.peaks import Peaks
from optimizer.scheduling.parts.reserves import Reserves
from optimizer.scheduling.parts.solar import Solar
from optimizer.scheduling.parts.subscription import SubscribedPower

PARTS: Final[tuple[type[Part], ...]] = (
    Charging,
    GivingBack,
    EnergyGiven,
    AcceptedPower,
    Milestones,
    Batteries,
    Solar,
    Generators,
    Arrivals,
    Exchange,
    Limits,
    Peaks,
    SubscribedPower,
    Calls,
    Reserves,
    FixedCost,
)
"""Every part, in the order in which they are stated: what draws power before what limits or bills it."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What a program is made of; two problems of one structure differ in numbers only.

    Parameters
    ----------
    n_slots, step_s : int
    members : mapping of str to frozenset
        By the name of a part, what of it is there; parts of which nothing is there are left out.
    """

    n_slots: int
    step_s: int
    members: Mapping[str, Members]

    @classmethod
    def of(cls, problem: Problem) -> "Structure":
        """Return the least structure that can hold a problem: laws that cannot bind are left out."""
        found = {part.name: part.members(problem) for part in PARTS}
        there = {name: members for name, members in found.items() if members}
        return cls(problem.grid.n_slots, problem.grid.step_s, MappingProxyType(there))

    @property
    def has_bill(self) -> bool:
        """Whether energy is billed on what the site exchanges with the grid, and not on each EVSE."""
        return Exchange.name in self.members

    def holds(self, other: "Structure") -> bool:
        """Return whether a program of this structure can be moved to a problem of ``other``."""
        same_horizon = (self.n_slots, self.step_s) == (other.n_slots, other.step_s)
        return same_horizon and all(
            members <= self.members.get(name, NOTHING) for name, members in other.members.items()
        )

    def joined(self, other: "Structure") -> "Structure":
        """Return a structure of the other's horizon that holds both, so that laws do not come and go."""
        names = {*self.members, *other.members}
        both = {name: self.members.get(name, NOTHING) | other.members.get(name, NOTHING) for name in names}
        return replace(other, members=MappingProxyType(both))


def state_program(problem: Problem, structure: Structure, moment: Moment) -> Model:
    """State the site in Pyomo, only what is plugged in.

    Parameters
    ----------
    problem : Problem
    structure : Structure
        Parts to state; must hold the problem.
    moment : Moment

    Returns
    -------
    pyomo.ConcreteModel
        Minimises ``cost``; ``power_kw[e, t]`` in kW, ``short_kwh[e, q, b]`` in kWh.
    """
    m = pyo.ConcreteModel()
    m.slots = range(problem.grid.n_slots)
    m.is_open = (problem.slot_h > 0).tolist()
    m.flows = Flows()
    m.backs, m.car_batteries = {}, problem.batteries
    for part in PARTS:
        if part.name in structure.members:
            part.state(m, problem, structure.members[part.name], moment)
    Charging.close(m, problem)
    m.cost = pyo.Objective(expr=summed(m.flows.cost) + m.flows.constant)
    return m


def widest(problem: Problem, structure: Structure) -> Problem:
    """Return a problem of the same site in which every cell, phase and limit of the structure exists.

    Its program is what is compiled: all columns, rows and coefficients are there, and moving to a real
    problem only changes their numbers.
    """
    top = problem.topology
    n_seats = len(structure.members.get(Charging.name, NOTHING))
    shape = (top.n_evses, n_seats)
    n_lines = read_only(np.zeros((top.n_evses, problem.grid.n_slots), dtype=np.int64))
    wide = replace(
        problem,
        session_ids=tuple((None,) * n_seats for _ in range(top.n_evses)),
        connected_h=frozen(np.full((*shape, problem.grid.n_slots), problem.grid.step_h)),
        need_kwh=frozen(np.ones(shape)),
        minimum_kwh=frozen(np.full(shape, 0.5)),
        priority=frozen(np.ones(shape)),
        promised_kwh=frozen(np.zeros(shape)),
        floor_kwh=frozen(np.zeros(shape)),
        max_a=frozen(np.repeat(top.max_a[:, None], problem.grid.n_slots, axis=1)),
        n_lines=n_lines,
        kw_per_a=kw_per_a_of(n_lines, top),
    )
    for part in PARTS:
        if part.name in structure.members:
            wide = part.widen(wide, structure.members[part.name])
    return wide
