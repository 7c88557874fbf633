"""The program that a plan was made from, and its optimum before rounding."""

from typing import Annotated

import numpy as np
from pydantic import Field

from api.wire.schemas import WireModel, or_null
from models.arrays import FloatArray
from optimizer.plan import Plan, PlanBasis
from optimizer.problem import Problem

DIGITS = 9


class CellsOut(WireModel):
    """One EVSE by slot."""

    evse_id: str
    planned_kw: Annotated[tuple[float, ...], Field(description="power before rounding to pilots")]
    most_kw: Annotated[tuple[float, ...], Field(description="what EVSE and car can take")]
    hours: Annotated[tuple[float, ...], Field(description="how long somebody can charge in the slot")]
    cost_per_kwh: Annotated[
        tuple[float, ...],
        Field(description="in the objective: money, where it is not billed on the import, and time"),
    ]


class BandOut(WireModel):
    """A part of what a session may stay short of, and its price; null: any width."""

    width_kwh: float | None
    per_kwh: float
    short_kwh: Annotated[float, Field(description="what the optimum stays short of in it")]


class SessionOptimumOut(WireModel):
    """One session."""

    session_id: str
    evse_id: str
    need_kwh: float
    planned_kwh: float
    scheduled_kwh: Annotated[float, Field(description="by the pilots that are sent")]
    worth_per_kwh: Annotated[float, Field(description="dual of its energy: what one more kWh is worth")]
    bands: tuple[BandOut, ...]


class RowOut(WireModel):
    """A limit and its dual by slot; only rows that cost something."""

    where: str
    quantity: str
    limit: tuple[float | None, ...]
    per_unit: Annotated[
        tuple[float, ...], Field(description="what one more kW or A is worth, for the slot's length")
    ]


class OptimumOut(WireModel):
    """All of the program that is not in the input, and its optimum."""

    bound: float
    cells: tuple[CellsOut, ...]
    sessions: tuple[SessionOptimumOut, ...]
    rows: tuple[RowOut, ...]
    site_adds: Annotated[
        dict[str, tuple[float, ...]],
        Field(description="what laws of the whole site add to a kW in each slot, by name: billed peaks"),
    ]

    @classmethod
    def from_domain(cls, plan: Plan) -> "OptimumOut | None":
        """Return the optimum of a plan; nothing where there was none."""
        basis = plan.basis
        if basis is None:
            return None
        return cls(
            bound=basis.bound,
            cells=_cells(basis),
            sessions=_sessions(plan, basis),
            rows=_rows(basis),
            site_adds={added.name: _row(added.per_kw) for added in basis.planned.added},
        )


def _row(values: FloatArray) -> tuple[float, ...]:
    return tuple(np.round(values, DIGITS).tolist())


def _cells(basis: PlanBasis) -> tuple[CellsOut, ...]:
    problem = basis.problem
    max_kw, hours, cost = problem.max_kw, problem.slot_h, basis.cost_per_kwh
    return tuple(
        CellsOut(
            evse_id=evse_id,
            planned_kw=_row(basis.planned.power_kw[row]),
            most_kw=_row(max_kw[row]),
            hours=_row(hours[row]),
            cost_per_kwh=_row(cost[row]),
        )
        for row, evse_id in enumerate(problem.topology.evse_ids)
    )


def _sessions(plan: Plan, basis: PlanBasis) -> tuple[SessionOptimumOut, ...]:
    problem, planned = basis.problem, basis.planned
    found = []
    for evse, seat in np.argwhere(problem.connected_h.any(axis=2)).tolist():
        session_id = problem.session_ids[evse][seat]
        if session_id is None:
            continue
        found.append(
            SessionOptimumOut(
                session_id=session_id,
                evse_id=problem.topology.evse_ids[evse],
                need_kwh=float(problem.need_kwh[evse, seat]),
                planned_kwh=float(planned.power_kw[evse] @ problem.connected_h[evse, seat]),
                scheduled_kwh=plan.session_kwh.get(session_id, 0.0),
                worth_per_kwh=float(planned.worth_per_kwh[evse, seat]),
                bands=_bands(basis, evse, seat),
            )
        )
    return tuple(found)


def _bands(basis: PlanBasis, evse: int, seat: int) -> tuple[BandOut, ...]:
    widths, prices = basis.band_widths_kwh[evse, seat], basis.band_per_kwh[evse, seat]
    short_kwh = basis.planned.short_kwh[evse, seat]
    rows = zip(widths.tolist(), prices.tolist(), short_kwh.tolist(), strict=True)
    return tuple(
        BandOut(width_kwh=width if np.isfinite(width) else None, per_kwh=price, short_kwh=short)
        for width, price, short in rows
    )


def _rows(basis: PlanBasis) -> tuple[RowOut, ...]:
    problem: Problem = basis.problem
    per_unit = basis.planned.prices.per_unit
    return tuple(
        RowOut(
            where=problem.topology.rows.names[row].where,
            quantity=problem.topology.rows.names[row].quantity,
            limit=or_null(problem.limits.limit[row]),
            per_unit=_row(per_unit[row]),
        )
        for row in np.nonzero((per_unit > 0).any(axis=1))[0].tolist()
    )
