"""Are reasons true? Take each one away and see whether the plan changes; hold shadow prices against differences.

For every session of drawn states: its one reason (a limit, a price, a peak, its own power or need) is removed from
the problem, and the problem is solved again. A reason is true where the session's power changes. For limits
that bind: the limit is moved up and down by a little, and the change of the optimum per kW or A is compared with the
shadow price, where both sides agree with each other: elsewhere the program is degenerate, and there is no one price.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.state import SiteState
    from optimizer.problem import Problem
    from optimizer.reasons import Reason
    from optimizer.scheduling.extract import PlannedPower

SIZES: Final = (20, 50)
SMOKE_SIZES: Final = (8,)
N_SEEDS: Final = 4
N_TICKS: Final = 6
N_LIMITS: Final = 12
"""Binding limits that are tried in each state."""

CHANGED_KW: Final = 0.01
MOVE: Final = 1e-4
"""How far a limit is moved [kW or A]."""

SMALL: Final = 1e-6
"""Shadow price that counts as none [currency/kW]."""

AGREE: Final = 0.01
"""Relative difference up to which a shadow price agrees with a difference."""

NOTES: Final = (
    "states of moving days, 96 slots: cars plug in and leave, panels at 60 %, the site at 35 %",
    "in turn with a demand charge, without one, and without one but with three times the need",
    "checked: reasons that can be taken away; a preference among equals cannot",
    "where a reason names a second cause, both are taken away",
    "true: the session's planned power changes by more than 0.01 kW in some slot without its reason",
    "duals: limits that bind, moved by 0.0001 up and down; degenerate where both sides differ by more than 1 %",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Check reasons and shadow prices on drawn states."""
    columns = (
        "EVSEs", "states", "sessions", "limit", "price", "peak", "flexibility", "power", "need", "preference",
        "true without it [%]", "limits moved", "degenerate", "duals agree [%]",
    )  # fmt: skip
    rows = [_row(n_evses, context) for n_evses in (SMOKE_SIZES if context.smoke else SIZES)]
    return BenchmarkReport("Reasons and shadow prices, checked", columns, tuple(rows), NOTES)


def _row(n_evses: int, context: BenchmarkContext) -> tuple[Cell, ...]:
    from optimizer.reasons import ReasonKind, reasons_of

    kinds = dict.fromkeys(ReasonKind, 0)
    n_states = n_true = n_checked = n_moved = n_degenerate = n_agree = 0
    for problem in _problems(n_evses, context):
        n_states += 1
        solver = _Solver(problem)
        for reason in reasons_of(problem, solver.planned):
            kinds[reason.kind] += 1
            if reason.kind is not ReasonKind.PREFERENCE:
                n_checked += 1
                n_true += _changes(solver, reason)
        rng = np.random.default_rng([context.seed, n_states])
        for agrees in _duals(solver, rng):
            n_moved += 1
            n_degenerate += agrees is None
            n_agree += agrees is True
        context.say(f"{n_evses} EVSEs, state {n_states}: {n_true} of {n_checked} reasons true")
    firm = n_moved - n_degenerate
    return (
        n_evses, n_states, sum(kinds.values()), *kinds.values(),
        100 * n_true / max(n_checked, 1), n_moved, n_degenerate, 100 * n_agree / firm if firm else None,
    )  # fmt: skip


def _problems(n_evses: int, context: BenchmarkContext) -> "Iterator[Problem]":
    from benchmarks.moving_day import MovingDay
    from optimizer.options import PlanOptions
    from optimizer.problem import problem_of
    from optimizer.topology import Topology

    n_seeds, n_ticks = (1, 2) if context.smoke else (N_SEEDS, N_TICKS)
    for seed in range(n_seeds):
        day = MovingDay.drawn(n_evses, 96, n_ticks * 6, context.seed + seed)
        for tick in range(0, n_ticks * 6, 6):
            state = _varied(day.state(tick), seed + tick // 6)
            yield problem_of(state, Topology.of(state.site), PlanOptions())


def _varied(state: "SiteState", turn: int) -> "SiteState":
    """Return in turn the state as it is, without a demand charge, and so with needs that do not fit."""
    if turn % 3 == 0:
        return state
    free = replace(state, tariff=replace(state.tariff, demand_charge_per_kw=0.0))
    if turn % 3 == 1:
        return free
    return replace(free, sessions=tuple(replace(s, target_kwh=3.0 * s.target_kwh) for s in free.sessions))


class _Solver:
    """One scheduler for a problem and its variants: where nothing changes, the plan stays to the last digit."""

    def __init__(self, problem: "Problem") -> None:
        from optimizer.options import PlanOptions
        from optimizer.scheduling.scheduler import Scheduler

        self._scheduler = Scheduler(PlanOptions(deadline_s=60.0))
        self.problem = problem
        self.planned, self.objective = self.solve(problem)

    def solve(self, problem: "Problem") -> "tuple[PlannedPower, float]":
        solved = self._scheduler.solve(problem)
        return solved.planned, solved.solution.objective

    def again(self) -> None:
        """Go back to the problem itself, so that every variant starts from its optimum."""
        self.planned, self.objective = self.solve(self.problem)


def _changes(solver: _Solver, reason: "Reason") -> bool:
    """Return whether a session's power is another without its reason."""
    solver.again()
    problem, planned = solver.problem, solver.planned
    row = problem.topology.evse_ids.index(reason.evse_id)
    seat = problem.session_ids[row].index(reason.session_id)
    here = problem.connected_h[row, seat] > 0
    changed = without_reason(problem, reason)
    if reason.also is not None:
        changed = without_reason(changed, replace(reason, kind=reason.also.kind, subject=reason.also.subject))
    without, _ = solver.solve(changed)
    return bool((np.abs(without.power_kw[row] - planned.power_kw[row])[here] > CHANGED_KW).any())


def without_reason(problem: "Problem", reason: "Reason") -> "Problem":
    """Return the problem in which the reason does not exist."""
    from models.arrays import frozen
    from models.flexibility import Flexibility
    from optimizer.reasons import ReasonKind

    row = problem.topology.evse_ids.index(reason.evse_id)
    match reason.kind:
        case ReasonKind.LIMIT:
            limit = np.array(problem.limits.limit)
            limit[[name.where == reason.subject for name in problem.topology.rows.names]] = np.inf
            return replace(problem, limits=replace(problem.limits, limit=frozen(limit)))
        case ReasonKind.PRICE:
            flat = np.full_like(problem.import_per_kwh, problem.import_per_kwh.mean())
            return replace(problem, import_per_kwh=frozen(flat))
        case ReasonKind.PEAK:
            free = replace(problem.tariff, demand_charge_per_kw=0.0, peaks=(), subscription=None)
            return replace(problem, tariff=free, meters=())
        case ReasonKind.FLEXIBILITY:
            return replace(problem, flexibility=Flexibility())
        case ReasonKind.POWER:
            max_a = np.array(problem.max_a)
            max_a[row] *= 2.0
            return replace(problem, max_a=frozen(max_a))
        case _:
            need_kwh = np.array(problem.need_kwh)
            need_kwh[row] *= 2.0
            return replace(problem, need_kwh=frozen(need_kwh))


def _duals(solver: _Solver, rng: np.random.Generator) -> "Iterator[bool | None]":
    """Yield for some binding limits whether the shadow price agrees with differences; None where degenerate."""
    solver.again()
    per_unit = solver.planned.prices.per_unit
    cells = np.argwhere(per_unit > SMALL)
    for row, slot in cells[rng.permutation(len(cells))[:N_LIMITS]].tolist():
        up, down = (
            (_moved(solver, (row, slot), side * MOVE) - solver.objective) / (side * MOVE)
            for side in (1.0, -1.0)
        )
        if abs(up - down) > AGREE * max(abs(up), abs(down), SMALL):
            yield None
        else:
            yield bool(abs(-per_unit[row, slot] - up) <= AGREE * max(abs(up), SMALL))


def _moved(solver: _Solver, cell: tuple[int, int], extra: float) -> float:
    from models.arrays import frozen

    problem = solver.problem
    limit = np.array(problem.limits.limit)
    limit[cell] += extra
    return solver.solve(replace(problem, limits=replace(problem.limits, limit=frozen(limit))))[1]


BENCHMARK: Final = BenchmarkSpec(
    name="reasons",
    summary="Every car's reason taken away, and shadow prices against differences of the optimum.",
    needs_data=False,
    run=measure,
)
