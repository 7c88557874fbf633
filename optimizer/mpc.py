"""Model predictive control of one site: a state in, a plan out, again and again."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen
from models.grid.site import Site
from models.state import SiteState
from models.validate import validate_state
from optimizer.explain import binding_limits, overload_notes, unmet_energy
from optimizer.lateness import milestone_notes
from optimizer.options import PlanOptions
from optimizer.plan import Plan, PlanBasis
from optimizer.pricing.retail import PricingRules, retail_prices
from optimizer.pricing.scarcity import scarcity_per_kwh
from optimizer.problem import Problem, problem_of, site_limit_kw
from optimizer.scheduling.check import Breach, breaches
from optimizer.scheduling.dispatch import Dispatched, dispatch, dispatch_alone, paused
from optimizer.scheduling.extract import PlannedPower, marginal_per_kwh
from optimizer.scheduling.scheduler import Scheduler, Solved
from optimizer.solver.live import SolverFailedError
from optimizer.solver.outcome import SolveReport, SolveStatus
from optimizer.topology import Topology


@dataclass(slots=True)
class _Attempt:
    """What a step has so far: the optimum if there is one, the pilots, and what went wrong."""

    solved: Solved | None = None
    solver_says: str = "Optimal"
    run_s: float = 0.0
    status: SolveStatus = SolveStatus.FEASIBLE
    notes: list[str] = field(default_factory=list)


class Controller:
    """Plans one site; keeps its program alive between steps. Not thread-safe: one step at a time."""

    def __init__(
        self, site: Site, options: PlanOptions | None = None, rules: PricingRules | None = None
    ) -> None:
        self._site = site
        self._options = options or PlanOptions()
        self._rules = rules or PricingRules()
        self._topology: Topology | None = None
        self._scheduler = Scheduler(self._options)
        self._charging: BoolArray = np.zeros(len(site.evses), dtype=np.bool_)

    def step(self, state: SiteState) -> Plan:
        """Return the plan for ``state``.

        Raises
        ------
        InvalidInputError
            The state cannot be used; names every fault.
        """
        validate_state(state)
        problem = problem_of(state, self._topology_of(state.site), self._options)
        attempt = self._attempt(problem)
        planned = None if attempt.solved is None else attempt.solved.planned
        started = time.perf_counter()
        dispatched = self._checked(state, problem, planned, attempt)
        dispatch_s = time.perf_counter() - started
        self._charging = dispatched.schedule.pilot_a[:, 0] > 0
        return self._plan(state, problem, dispatched, attempt, dispatch_s)

    def _topology_of(self, site: Site) -> Topology:
        """Return the site's arrays; a site that differs from the last one is a new structure."""
        if self._topology is None or (site is not self._site and site != self._site):
            self._topology = Topology.of(site)
            self._charging = np.zeros(len(site.evses), dtype=np.bool_)
        self._site = site
        return self._topology

    def _attempt(self, problem: Problem) -> _Attempt:
        """Solve, or note why not."""
        attempt = _Attempt()
        if problem.topology.n_evses == 0:
            attempt.solver_says = "nothing to plan"
            return attempt
        try:
            attempt.solved = self._scheduler.solve(problem)
            attempt.run_s = attempt.solved.solution.run_s
        except SolverFailedError as error:
            attempt.status = SolveStatus.DISPATCHED
            attempt.solver_says, attempt.run_s = error.solver_says, error.run_s
            attempt.notes.append(f"no optimum ({error.solver_says}): pilots are least laxity first")
        except Exception as error:  # noqa: BLE001 - whatever broke in stating or solving, dispatch answers and says so
            attempt.status = SolveStatus.DISPATCHED
            attempt.solver_says = f"{type(error).__name__}: {error}"
            attempt.notes.append(
                f"the scheduler broke ({attempt.solver_says}): pilots are least laxity first"
            )
        return attempt

    def _checked(
        self, state: SiteState, problem: Problem, planned: PlannedPower | None, attempt: _Attempt
    ) -> Dispatched:
        """Return pilots that passed the check: from the plan, else from dispatch alone, else all paused."""
        if planned is not None:
            dispatched = dispatch(problem, planned, self._charging)
            found = breaches(state, dispatched.schedule, self._options.load_quantile)
            if not found:
                return dispatched
            attempt.status = SolveStatus.DISPATCHED
            attempt.notes.append(
                f"the rounded plan failed its check ({_said(found)}): dispatch answers alone"
            )
        elif problem.topology.n_evses == 0:
            return paused(problem)
        dispatched = dispatch_alone(problem, self._charging)
        found = breaches(state, dispatched.schedule, self._options.load_quantile)
        if not found:
            return dispatched
        attempt.status = SolveStatus.CURTAILED
        attempt.notes.append(f"dispatch failed its check ({_said(found)}): every EVSE pauses")
        return paused(problem)

    def _plan(
        self,
        state: SiteState,
        problem: Problem,
        dispatched: Dispatched,
        attempt: _Attempt,
        dispatch_s: float,
    ) -> Plan:
        planned = None if attempt.solved is None else attempt.solved.planned
        marginal = problem.import_per_kwh if planned is None else marginal_per_kwh(planned, problem)
        return Plan(
            site_id=state.site.site_id,
            made_at=state.now,
            schedule=dispatched.schedule,
            planned_kw=dispatched.schedule.power_kw if planned is None else planned.power_kw,
            load_kw=problem.load_kw,
            limit_kw=site_limit_kw(problem),
            unmet=unmet_energy(state, problem, dispatched.session_kwh, planned),
            binding=() if planned is None else binding_limits(state, problem, planned),
            marginal_per_kwh=marginal,
            prices=retail_prices(state.grid, state.tariff, self._scarcity(problem, planned), self._rules),
            report=self._report(attempt, dispatch_s),
            notes=(
                *overload_notes(state, problem),
                *milestone_notes(state, problem, dispatched.schedule),
                *attempt.notes,
            ),
            session_kwh=_by_session(problem, dispatched),
            basis=_basis(problem, attempt.solved),
        )

    def _scarcity(self, problem: Problem, planned: PlannedPower | None) -> FloatArray:
        if planned is None:
            return frozen(np.zeros(problem.grid.n_slots))
        return scarcity_per_kwh(planned, problem, float(self._rules.max_scarcity_per_kwh))

    def _report(self, attempt: _Attempt, dispatch_s: float) -> SolveReport:
        solved = attempt.solved
        return SolveReport(
            status=attempt.status,
            solver_says=attempt.solver_says,
            objective=None if solved is None else solved.solution.objective,
            terms=() if solved is None else solved.planned.terms,
            gap=None if solved is None else solved.solution.gap,
            n_iterations=0 if solved is None else solved.solution.n_iterations,
            update_s=0.0 if solved is None else solved.update_s,
            run_s=attempt.run_s,
            dispatch_s=dispatch_s,
            rebuild=None if solved is None else solved.rebuild,
            n_rebuilds=self._scheduler.n_rebuilds,
        )


def _basis(problem: Problem, solved: Solved | None) -> PlanBasis | None:
    return None if solved is None else PlanBasis(problem, solved.planned, solved.solution.objective)


def _by_session(problem: Problem, dispatched: Dispatched) -> Mapping[str, float]:
    """Return the energy of each session [kWh]."""
    kwh = dispatched.session_kwh.tolist()
    return MappingProxyType(
        {
            name: kwh[evse][seat]
            for evse, seats in enumerate(problem.session_ids)
            for seat, name in enumerate(seats)
            if name is not None
        }
    )


def _said(found: tuple[Breach, ...]) -> str:
    first = found[0]
    return (
        f"{first.where} {first.quantity} over by {first.excess:.3g} in slot {first.slot}, {len(found)} in all"
    )
