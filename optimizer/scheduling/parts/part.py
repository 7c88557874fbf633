"""What a part of the program is: one thing that a site may have, with its laws.

A part is stated once in Pyomo, over the slots of a ring: place ``k`` of ``T`` holds the slot whose absolute
number is ``k`` modulo ``T``. Later problems of the same structure only move its numbers. A part is in a program
only where some problem needed it: its *members* say what of it (nodes, assets, EVSEs), and a program holds every
problem that needs no more.
"""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from optimizer.problem import Problem
from optimizer.reasons import ReasonKind
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Variable
from optimizer.scheduling.objective import Weights
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm

Members: TypeAlias = frozenset[Hashable]
"""What of a part a problem needs; empty where it needs none of it."""

NOTHING: Members = frozenset()


@dataclass(frozen=True, slots=True)
class Block:
    """Coefficients of the matrix: ``value[i]`` stands in ``row[i]`` and ``column[i]``."""

    row: IntArray
    column: IntArray
    value: FloatArray


@dataclass(slots=True)
class Flows:
    """Who draws power in the program: what parts that draw tell to parts that limit or bill.

    Parameters
    ----------
    at_site : dict of int to list
        For each place of the ring (sign, variable [kW]) pairs, whose sum is what the site draws beside the load.
    on_row : dict of (int, int) to list
        The same by (row, place), with the real weight of a kW on the row; EVSEs are not in it.
    kept_on : dict of (int, int) to list
        The same of power that room is kept for and that may not come: it never makes room for what flows back.
    back_on_row : dict of (int, int, int) to list
        By (row, facet, place) what a kW that cars give back adds there; where it would help it does not count.
    bill : list of variable or None
        What is imported in each place, where the site can also export; None: ``at_site`` plus the load.
    sold : list of variable or None
        What is exported in each place; None as ``bill``.
    cost : list of (float, variable)
        The objective, term by term.
    constant : float
        What the objective begins with.
    """

    at_site: dict[int, list[tuple[float, Variable]]] = field(default_factory=dict)
    on_row: dict[tuple[int, int], list[tuple[float, Variable]]] = field(default_factory=dict)
    kept_on: dict[tuple[int, int], list[tuple[float, Variable]]] = field(default_factory=dict)
    back_on_row: dict[tuple[int, int, int], list[tuple[float, Variable]]] = field(default_factory=dict)
    bill: list[Variable] | None = None
    sold: list[Variable] | None = None
    cost: list[tuple[float, Variable]] = field(default_factory=list)
    constant: float = 0.0

    def draw(self, place: int, sign: float, variable: Variable) -> None:
        """Count a variable [kW] as drawn by the site (sign 1) or given to it (-1)."""
        self.at_site.setdefault(place, []).append((sign, variable))

    def load(self, rows: IntArray, weights: FloatArray, place: int, term: tuple[float, Variable]) -> None:
        """Count a (sign, variable [kW]) that is drawn below some rows."""
        sign, variable = term
        for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
            if weight != 0.0:
                self.on_row.setdefault((row, place), []).append((sign * weight, variable))

    def keep(self, rows: IntArray, weights: FloatArray, place: int, variable: Variable) -> None:
        """Count a variable [kW] that may be drawn below some rows."""
        for row, weight in zip(rows.tolist(), weights.tolist(), strict=True):
            if weight > 0.0:
                self.kept_on.setdefault((row, place), []).append((weight, variable))


@dataclass(frozen=True, slots=True)
class Moment:
    """What numbers depend on beside the problem.

    Parameters
    ----------
    weights : Weights
    epoch_s : float
        Moment that the early preference counts from [s since the Unix epoch].
    has_bill : bool
        Whether energy is billed on the import of the site, and not on each EVSE.
    charging : (E,) bool or None
        Who charges the car that is there now; None where switching costs nothing.
    """

    weights: Weights
    epoch_s: float
    has_bill: bool
    charging: BoolArray | None = None

    def per_restart(self, problem: Problem) -> float:
        """Return what it costs to switch a car off and on again, wear and preference together [currency]."""
        return 2.0 * (problem.tariff.switch_cost + self.weights.calm_per_switch)


@dataclass(frozen=True, slots=True)
class Added:
    """What a law adds to a kW that the site draws in each slot, shape (T,) [currency/kW], for the slot's length.

    ``kind`` is what it is to a car that it keeps waiting.
    """

    name: str
    per_kw: FloatArray
    kind: ReasonKind


@dataclass(slots=True)
class Sheet:
    """The numbers of a program while a problem is written into them; arrays are changed in place."""

    cost: FloatArray
    col_lower: FloatArray
    col_upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    constant: float = 0.0

    @classmethod
    def of(cls, compiled: Compiled) -> "Sheet":
        """Return a sheet with the numbers that were compiled."""
        return cls(
            cost=np.array(compiled.cost),
            col_lower=np.array(compiled.col_lower),
            col_upper=np.array(compiled.col_upper),
            row_lower=np.array(compiled.row_lower),
            row_upper=np.array(compiled.row_upper),
        )


class Part(ABC):
    """One part of a compiled program; the class says how it is stated, an instance moves its numbers."""

    name: ClassVar[str]

    @staticmethod
    @abstractmethod
    def members(problem: Problem) -> Members:
        """Return what a problem needs of this part."""

    @staticmethod
    def widen(problem: Problem, members: Members) -> Problem:  # noqa: ARG004 - most parts find all in the site
        """Return the problem with everything there that the members name; see :func:`program.widest`."""
        return problem

    @staticmethod
    @abstractmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:
        """State variables and laws, and count what they cost."""

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        self.rows, self.columns = compiled.rows, compiled.columns
        self.held = members
        self.stated = stated

    @abstractmethod
    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write the numbers of a problem at the ring places of its slots."""

    def coefficients(self, problem: Problem) -> Iterator[Block]:  # noqa: ARG002 - most parts have none
        """Yield coefficients that may have changed since the last problem."""
        yield from ()

    def exclusive(self, problem: Problem) -> tuple[tuple[IntArray, IntArray], ...]:  # noqa: ARG002 - as above
        """Return pairs of columns of which at most one may be above 0: flows against each other."""
        return ()

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:  # noqa: ARG002 - as above
        """Yield what the part adds to the price of power at the whole site."""
        yield from ()

    def site_cap_kw(self, problem: Problem, values: FloatArray) -> FloatArray | None:  # noqa: ARG002 - as above
        """Return the power of the site above which the part costs more than planned, shape (T,) [kW], if any."""
        return None

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004 - as above
        """Return the part's share of the objective of a given delivery, whoever made it: named as in ``terms``."""
        return ()

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - as above
        """Return what of that share a plan decides about, without signs [currency]."""
        return 0.0

    @abstractmethod
    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:
        """Return the part's share of the objective."""
