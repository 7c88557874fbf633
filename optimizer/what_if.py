"""What if a limit were another: the plan made again, beside what shadow prices foretell."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from models.errors import InvalidInputError, Issue
from models.grid.limits import NodeLimit
from models.grid.site import CircuitNode
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.plan import Plan

if TYPE_CHECKING:
    from optimizer.mpc import Controller

MOVED_KWH = 0.01
"""Energy of a session that counts as changed [kWh]."""


@dataclass(frozen=True, slots=True)
class LimitChange:
    """More (or less) room at a node, in every slot and from every source of its limits.

    Parameters
    ----------
    node_id : str
    extra_kw, extra_a : float
        What is added to its power limit [kW] and to the current of each phase [A].
    """

    node_id: str
    extra_kw: float = 0.0
    extra_a: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionChange:
    """A session whose energy would be another [kWh]."""

    session_id: str
    before_kwh: float
    after_kwh: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a change of a limit would do.

    Parameters
    ----------
    change : LimitChange
    objective_change : float or None
        Change of the objective's bound [currency], shortfall at its weight; None without an optimum.
    foretold : float or None
        The same by shadow prices: exact for small changes, never too pessimistic for a larger limit.
    energy_kwh : float
        Energy that all sessions together would get more [kWh].
    sessions : tuple of SessionChange
        Those whose energy would change.
    plan : Plan
        The plan that would be made.
    """

    change: LimitChange
    objective_change: float | None
    foretold: float | None
    energy_kwh: float
    sessions: tuple[SessionChange, ...]
    plan: Plan


_CHANGE: Final = re.compile(r"(?P<node>.+)=(?P<extra>[+-]?\d+(\.\d+)?)\s*(?P<unit>kW|A)?")


def change_of(text: str) -> LimitChange:
    """Return a change that is written ``NODE=+10`` (kW) or ``NODE=+16A``.

    Raises
    ------
    InvalidInputError
        It is written otherwise.
    """
    found = _CHANGE.fullmatch(text.strip())
    if found is None:
        raise InvalidInputError((Issue("what-if", f"{text!r} is not like NODE=+10 or NODE=+16A"),))
    extra = float(found["extra"])
    in_a = found["unit"] == "A"
    return LimitChange(found["node"], 0.0 if in_a else extra, extra if in_a else 0.0)


def what_if(state: SiteState, change: LimitChange, options: PlanOptions | None = None) -> WhatIf:
    """Plan a state again with another limit at a node, and compare.

    Raises
    ------
    InvalidInputError
        The state cannot be used, or has no such node.
    """
    from optimizer.mpc import Controller  # noqa: PLC0415 - Pyomo and HiGHS take a second to import

    if all(node.node_id != change.node_id for node in state.site.nodes):
        raise InvalidInputError((Issue("change.node_id", f"no node is called {change.node_id!r}"),))
    other = changed(state, change)
    before, after = (_planned(Controller(one.site, options), one) for one in (state, other))
    old, new = _energies(before), _energies(after)
    moved = tuple(
        SessionChange(name, old.get(name, 0.0), new.get(name, 0.0))
        for name in sorted({*old, *new})
        if abs(old.get(name, 0.0) - new.get(name, 0.0)) > MOVED_KWH
    )
    bounds = (_bound(before), _bound(after))
    return WhatIf(
        change=change,
        objective_change=None if None in bounds else (bounds[1] or 0.0) - (bounds[0] or 0.0),
        foretold=_foretold(before, change),
        energy_kwh=float(after.schedule.energy_kwh.sum() - before.schedule.energy_kwh.sum()),
        sessions=moved,
        plan=after,
    )


def _planned(controller: "Controller", state: SiteState) -> Plan:
    """Return a plan; whoever compares waits until the program is stated."""
    controller.prepare(state)
    return controller.step(state)


def changed(state: SiteState, change: LimitChange) -> SiteState:
    """Return the state with another limit at a node; a limit never falls below 0."""
    nodes = tuple(
        _node(node, change) if node.node_id == change.node_id else node for node in state.site.nodes
    )
    limits = tuple(
        _limit(limit, change) if limit.node_id == change.node_id else limit for limit in state.limits
    )
    return replace(state, site=replace(state.site, nodes=nodes), limits=limits)


def _node(node: CircuitNode, change: LimitChange) -> CircuitNode:
    limit_kw, limit_a = node.limit_kw, node.limit_a
    if limit_kw is not None:
        limit_kw = max(limit_kw + change.extra_kw, 0.0)
    if limit_a is not None:
        first, second, third = (max(amperes + change.extra_a, 0.0) for amperes in limit_a)
        limit_a = (first, second, third)
    return replace(node, limit_kw=limit_kw, limit_a=limit_a)


def _limit(limit: NodeLimit, change: LimitChange) -> NodeLimit:
    limit_kw = None if limit.limit_kw is None else np.maximum(limit.limit_kw + change.extra_kw, 0.0)
    limit_a = None if limit.limit_a is None else np.maximum(limit.limit_a + change.extra_a, 0.0)
    return replace(limit, limit_kw=limit_kw, limit_a=limit_a)


def _energies(plan: Plan) -> dict[str, float]:
    """Return the energy of every session in the schedule [kWh]."""
    return {name: kwh for name, kwh in plan.session_kwh.items() if name}


def _bound(plan: Plan) -> float | None:
    return None if plan.basis is None else plan.basis.bound


def _foretold(plan: Plan, change: LimitChange) -> float | None:
    if plan.basis is None:
        return None
    rows = plan.basis.problem.topology.rows
    worth = 0.0
    for row, name in enumerate(rows.names):
        if name.where == change.node_id and name.quantity in ("kW", "L1", "L2", "L3"):
            extra = change.extra_kw if name.quantity == "kW" else change.extra_a
            worth += extra * float(plan.basis.planned.prices.per_unit[row].sum())
    return -worth
