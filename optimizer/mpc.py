"""Model predictive control of one site: a state in, a plan out, again and again."""

import time
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np

from models.arrays import FloatArray, frozen
from models.grid.site import Site
from models.state import SiteState
from models.validate import validate_state
from optimizer.discrete.better import Better
from optimizer.discrete.manner import Manner
from optimizer.discrete.standing import Standing
from optimizer.explain import binding_limits, coming_notes, overload_notes, unmet_energy
from optimizer.lateness import milestone_notes
from optimizer.options import PlanOptions
from optimizer.plan import Plan, PlanBasis
from optimizer.pricing.retail import PricingRules, retail_prices
from optimizer.pricing.scarcity import scarcity_per_kwh
from optimizer.problem import Problem, problem_of, site_limit_kw
from optimizer.promises import broken_kwh, promise_notes, promises_of
from optimizer.scheduling.asset_orders import can_shift
from optimizer.scheduling.bands import band_widths_kwh, shortfall_per_kwh
from optimizer.scheduling.dispatch import Dispatched
from optimizer.scheduling.extract import PlannedPower, marginal_per_kwh
from optimizer.scheduling.following import Following, Passed
from optimizer.scheduling.keeping import Told
from optimizer.scheduling.parts.charging import money_per_kwh
from optimizer.scheduling.parts.part import Moment
from optimizer.scheduling.scheduler import Parked, Scheduler, Solved
from optimizer.scheduling.sold import sold_of, unsold_notes
from optimizer.scheduling.taken import energy_by_session
from optimizer.scheduling.verdict import Verdict, delivery_of, is_within_program, nothing_to_plan, verdict_of
from optimizer.scheduling.worth import total_of, worth
from optimizer.solver.live import SolverFailedError
from optimizer.solver.outcome import SolveReport, SolverOutcome, SolveStatus
from optimizer.topology import Topology

TAIL_CELL_S: Final = 3e-6
"""What follows the solver takes for an (EVSE, slot) before it was measured [s]: pilots, their check, the reasons."""

MOST_TAIL: Final = 0.5
"""Most of the deadline that is kept for it: one slow step, in which kernels compile, must not starve the solver."""

ALONE: Final = "least laxity first"


@dataclass(slots=True)
class _Attempt:
    """What a step has so far: what the solver left, if anything, and what went wrong.

    ``follows`` says whether the pilots are made from it, ``failed`` that no pilots passed the check.
    """

    solved: Solved | None = None
    outcome: SolverOutcome = SolverOutcome.OPTIMAL
    solver_says: str = "Optimal"
    run_s: float = 0.0
    follows: bool = False
    failed: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def optimum(self) -> PlannedPower | None:
        """The optimum: what prices and reasons may be read from."""
        is_optimal = self.solved is not None and self.solved.solution.is_optimal
        return self.solved.planned if self.solved is not None and is_optimal else None


@dataclass(frozen=True, slots=True)
class _Known:
    """A site that was found sound, and its arrays: one record, so that no thread sees half of a change."""

    site: Site
    topology: Topology


class Controller:
    """Plans one site; keeps its program alive between steps. Not thread-safe: one step at a time."""

    def __init__(
        self,
        site: Site,
        options: PlanOptions | None = None,
        rules: PricingRules | None = None,
        parked: Parked | None = None,
    ) -> None:
        self._options = options or PlanOptions()
        self._rules = rules or PricingRules()
        self._known_site: _Known | None = None
        self._prepared_site: _Known | None = None
        self._scheduler = Scheduler(self._options, parked)
        self._standing = Standing.unknown(len(site.evses))
        self._tail_cell_s = TAIL_CELL_S
        self._told: Told | None = None

    def step(self, state: SiteState) -> Plan:
        """Return the plan for ``state``, by the deadline of the options.

        Where there is no time to state the program, or the solver is late, dispatch answers.

        Raises
        ------
        InvalidInputError
            The state cannot be used; names every fault.
        """
        started = time.perf_counter()
        known = self._known_of(state)
        if self._known_site is None or known.topology is not self._known_site.topology:
            self._standing, self._told = Standing.unknown(len(state.site.evses)), None
        self._known_site = known
        problem = problem_of(state, known.topology, self._options)
        n_cells = problem.topology.n_evses * problem.grid.n_slots
        tail_s = min(n_cells * self._tail_cell_s, MOST_TAIL * self._options.deadline_s)
        until_s = started + self._options.deadline_s
        attempt = self._attempt(problem, until_s - tail_s - time.perf_counter())
        solved_at = time.perf_counter()
        following = Following(state, problem, self._options, self._standing.charging, until_s)
        dispatched = self._kept(following, self._checked(following, attempt), attempt)
        searched_at = time.perf_counter()
        dispatched = self._searched(following, dispatched, attempt, until_s - tail_s)
        search_s = time.perf_counter() - searched_at
        verdict = self._verdict(problem, dispatched, attempt)
        dispatch_s = time.perf_counter() - solved_at
        self._standing = self._standing.told(dispatched.schedule.pilot_a[:, 0], state.now)
        self._told = Told(dispatched.schedule, problem.session_ids)
        plan = self._plan(state, problem, dispatched, attempt, self._report(attempt, verdict, dispatch_s))
        self._tail_cell_s = (time.perf_counter() - solved_at - search_s) / max(n_cells, 1)
        return plan

    def prepare(self, state: SiteState) -> bool:
        """State the program that ``state`` needs, without a deadline, so that the next step finds it.

        May run on a thread beside :meth:`step`. Returns whether there was anything to state.

        Raises
        ------
        InvalidInputError
            The state cannot be used; names every fault.
        """
        self._prepared_site = self._known_of(state)
        problem = problem_of(state, self._prepared_site.topology, self._options)
        return problem.topology.n_evses > 0 and self._scheduler.prepare(problem)

    def parked(self) -> Parked | None:
        """Return what a later controller of the same site needs to begin warm; None before the first program."""
        return self._scheduler.parked()

    def _known_of(self, state: SiteState) -> _Known:
        """Return the site of a sound state with its arrays; one that neither step nor prepare has seen is a new one.

        Changes nothing: what :meth:`prepare` looks at is never what a step that runs beside it rests on.
        """
        site, seen = state.site, (self._known_site, self._prepared_site)
        same = next((one for one in seen if one is not None and site == one.site), None)
        validate_state(state, checked=None if same is None else same.site)
        if same is None:
            return _Known(site, Topology.of(site))
        return same if site is same.site else _Known(site, same.topology)

    def _attempt(self, problem: Problem, left_s: float) -> _Attempt:
        """Solve, or note why not."""
        attempt = _Attempt()
        if problem.topology.n_evses == 0:
            attempt.outcome, attempt.solver_says = SolverOutcome.NOT_NEEDED, "nothing to plan"
            return attempt
        try:
            attempt.solved = self._scheduler.solve(problem, left_s)
            attempt.run_s = attempt.solved.solution.run_s
            attempt.outcome = attempt.solved.solution.outcome
        except SolverFailedError as error:
            attempt.outcome, attempt.run_s = error.outcome, error.run_s
            attempt.solver_says = error.solver_says
            attempt.notes.append(f"no optimum ({error.solver_says}): pilots are {ALONE}")
        except Exception as error:  # noqa: BLE001 - whatever broke in stating or solving, dispatch answers and says so
            attempt.outcome = SolverOutcome.BROKEN
            attempt.solver_says = f"{type(error).__name__}: {error}"
            attempt.notes.append(f"the scheduler broke ({attempt.solver_says}): pilots are {ALONE}")
        return attempt

    def _checked(self, following: Following, attempt: _Attempt) -> Dispatched:
        """Return pilots that passed the check: from the plan, else from dispatch alone, else all paused."""
        if following.problem.topology.n_evses == 0:
            return following.nobody()
        planned = self._planned(following, attempt)
        if planned is not None and attempt.outcome is SolverOutcome.OPTIMAL:
            return planned
        alone = _noted(following.alone(), attempt)
        if planned is not None and attempt.solved is not None:
            costs = partial(self._costs, following.problem, planned=attempt.solved.planned)
            attempt.follows = alone is None or costs(planned) <= costs(alone)
            told = "follow what it had found" if attempt.follows else f"are {ALONE}"
            attempt.solver_says = "Time limit reached"
            attempt.notes.append(f"the solver was late: pilots {told}")
            return planned if attempt.follows or alone is None else alone
        if alone is not None:
            return alone
        attempt.failed = True
        attempt.notes.append("no pilots passed the check: every EVSE pauses")
        return following.nobody()

    def _planned(self, following: Following, attempt: _Attempt) -> Dispatched | None:
        """Return pilots that follow what the solver left, None where there is nothing or they fail their check."""
        if attempt.solved is None:
            return None
        wish = attempt.solved.planned
        sent = _noted(following.plan(wish, partial(self._costs, planned=wish)), attempt)
        attempt.follows = sent is not None
        if sent is None:
            attempt.notes.append("the rounded plan failed its check: dispatch answers alone")
        return sent

    def _searched(
        self, following: Following, sent: Dispatched, attempt: _Attempt, until_s: float
    ) -> Dispatched:
        """Return better pilots where the prices of an optimum lead the search for them, beside assets planned again.

        With the assets planned again for them, those that were rounded may be the better ones after all.
        """
        state, problem = following.state, following.problem
        if attempt.optimum is None or not attempt.follows:
            return sent
        search_until_s = min(until_s, time.perf_counter() + self._options.search_s)
        moment, now_s = self._moment_of(problem), state.now.timestamp()
        manner = Manner(moment, self._standing, now_s, self._told, search_until_s)
        better = Better(state, problem, self._options, manner)
        found = better.of(sent, attempt.optimum)
        ends = self._assets_again(following, found, attempt, until_s)
        if found is sent or not can_shift(problem):
            return ends
        other = self._assets_again(following, sent, attempt, until_s)
        return ends if better.is_no_worse(ends, other, attempt.optimum) else other

    def _assets_again(
        self, following: Following, sent: Dispatched, attempt: _Attempt, until_s: float
    ) -> Dispatched:
        """Return the same pilots beside assets that are planned for them: rounded, cars draw otherwise than planned."""
        problem = following.problem
        if attempt.solved is None or attempt.optimum is None or not attempt.follows or not can_shift(problem):
            return sent
        try:
            if not is_within_program(problem, sent):  # no assets make up for that there
                return sent
            cars, left_s = delivery_of(problem, sent), until_s - time.perf_counter()
            asset_kw = self._scheduler.assets_beside(problem, attempt.solved, cars, left_s)
            other = None if asset_kw is None else following.with_assets_again(sent, asset_kw)
            costs = partial(self._costs, problem, planned=attempt.optimum)
            return other if other is not None and costs(other) < costs(sent) else sent
        except Exception as error:  # noqa: BLE001 - there are pilots already, and assets that are told what fits them
            attempt.notes.append(f"assets do what was planned: {type(error).__name__}: {error}")
            return sent

    def _moment_of(self, problem: Problem) -> Moment:
        """Return what the objective depends on beside the problem, with who charges now."""
        return replace(self._scheduler.moment_of(problem), charging=self._standing.charging_of(problem))

    def _costs(self, problem: Problem, sent: Dispatched, planned: PlannedPower | None = None) -> float:
        return total_of(worth(problem, self._moment_of(problem), delivery_of(problem, sent, planned)))

    def _verdict(self, problem: Problem, sent: Dispatched, attempt: _Attempt) -> Verdict:
        moment = self._moment_of(problem)
        if attempt.outcome is SolverOutcome.NOT_NEEDED:
            return nothing_to_plan(problem, moment, sent)
        verdict = verdict_of(problem, moment, sent, attempt.solved, follows=attempt.follows)
        return replace(verdict, status=SolveStatus.CURTAILED) if attempt.failed else verdict

    def _kept(self, following: Following, dispatched: Dispatched, attempt: _Attempt) -> Dispatched:
        """Return the pilots, or others that break promises by less: those that were told, where they still hold."""
        state, problem, told = following.state, following.problem, self._told
        if not attempt.follows or attempt.solved is None or told is None or not problem.promised_kwh.any():
            return dispatched
        lost_kwh = self._broken_kwh(state, problem, dispatched)
        if lost_kwh <= 0.0:
            return dispatched
        other = following.keeping(attempt.solved.planned, dispatched, told)
        is_better = other is not None and self._broken_kwh(state, problem, other) < lost_kwh
        return other if other is not None and is_better else dispatched

    def _broken_kwh(self, state: SiteState, problem: Problem, dispatched: Dispatched) -> float:
        return broken_kwh(promises_of(state, problem, dispatched.schedule, self._options, {}))

    def _plan(
        self,
        state: SiteState,
        problem: Problem,
        dispatched: Dispatched,
        attempt: _Attempt,
        report: SolveReport,
    ) -> Plan:
        planned = attempt.optimum
        marginal = problem.import_per_kwh if planned is None else marginal_per_kwh(planned, problem)
        unmet = unmet_energy(state, problem, dispatched.session_kwh, planned)
        why = {one.session_id: one.detail for one in unmet}
        promises = promises_of(state, problem, dispatched.schedule, self._options, why)
        return Plan(
            site_id=state.site.site_id,
            made_at=state.now,
            schedule=dispatched.schedule,
            planned_kw=dispatched.schedule.power_kw if planned is None else planned.power_kw,
            load_kw=problem.load_kw,
            limit_kw=site_limit_kw(problem),
            unmet=unmet,
            binding=() if planned is None else binding_limits(state, problem, planned),
            marginal_per_kwh=marginal,
            prices=retail_prices(state.grid, state.tariff, self._scarcity(problem, planned), self._rules),
            report=report,
            notes=(
                *overload_notes(state, problem),
                *coming_notes(problem, planned),
                *milestone_notes(state, problem, dispatched.schedule),
                *promise_notes(promises, state.site.zone),
                *unsold_notes(problem),
                *attempt.notes,
            ),
            session_kwh=energy_by_session(problem, dispatched),
            promises=promises,
            sold=sold_of(
                problem, self._scheduler.moment_of(problem).weights, delivery_of(problem, dispatched)
            ),
            basis=_basis(problem, attempt),
        )

    def _scarcity(self, problem: Problem, planned: PlannedPower | None) -> FloatArray:
        if planned is None:
            return frozen(np.zeros(problem.grid.n_slots))
        return scarcity_per_kwh(planned, problem, float(self._rules.max_scarcity_per_kwh))

    def _report(self, attempt: _Attempt, verdict: Verdict, dispatch_s: float) -> SolveReport:
        solved, health = attempt.solved, self._scheduler.health
        return SolveReport(
            status=verdict.status,
            outcome=attempt.outcome,
            solver_says=attempt.solver_says,
            objective=verdict.objective,
            terms=verdict.terms,
            bound=verdict.bound,
            gap=verdict.gap,
            n_iterations=0 if solved is None else solved.solution.n_iterations,
            update_s=0.0 if solved is None else solved.update_s,
            run_s=attempt.run_s,
            dispatch_s=dispatch_s,
            rebuild=None if solved is None else solved.rebuild,
            n_rebuilds=health.n_rebuilds,
            ranges=() if solved is None else solved.ranges,
            counts=health.counts(),
        )


def _basis(problem: Problem, attempt: _Attempt) -> PlanBasis | None:
    solved, optimum = attempt.solved, attempt.optimum
    if solved is None or optimum is None:
        return None
    return PlanBasis(
        problem=problem,
        planned=optimum,
        bound=solved.solution.objective,
        cost_per_kwh=money_per_kwh(problem, solved.moment),
        band_widths_kwh=band_widths_kwh(problem, solved.moment.weights),
        band_per_kwh=shortfall_per_kwh(problem, solved.moment.weights),
    )


def _noted(passed: Passed, attempt: _Attempt) -> Dispatched | None:
    if passed.note is not None:
        attempt.notes.append(passed.note)
    return passed.sent
