"""What is sent after the search: better pilots, where they pass every check and break no promise.

The search moves cars that only take power, at the price of energy at the margin. What comes of it is judged as a whole:
by the check that shares nothing with it, by the objective, by promises and by the least times of contactors.
"""

import time
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, frozen
from models.state import SiteState
from optimizer.discrete.improve import Start, improved
from optimizer.discrete.least_times import n_hasty
from optimizer.discrete.manner import Manner, only_takes
from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.promises import broken_kwh, promises_of
from optimizer.scheduling.asset_orders import asset_power, told_assets, with_assets
from optimizer.scheduling.check import breaches
from optimizer.scheduling.dispatch import Dispatched
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.giving_back import kept_free
from optimizer.scheduling.taken import as_accepted, sent_as
from optimizer.scheduling.verdict import delivery_of
from optimizer.scheduling.worth import total_of, worth

NOISE = 1e-9
"""Difference of two objectives or energies that is none."""


@dataclass(frozen=True, slots=True)
class Better:
    """Makes what a step is about to send better.

    Parameters
    ----------
    state : SiteState
    problem : Problem
    options : PlanOptions
    manner : Manner
    """

    state: SiteState
    problem: Problem
    options: PlanOptions
    manner: Manner

    def of(self, sent: Dispatched, planned: PlannedPower) -> Dispatched:
        """Return better pilots than those of a schedule that passed its check, or the same.

        Parameters
        ----------
        sent : Dispatched
        planned : PlannedPower
            The optimum that it follows.
        """
        problem, back_kw = self.problem, sent.schedule.back_kw()
        moves = (problem.need_kwh > 0).any(axis=1) & only_takes(back_kw)
        if not moves.any() or time.perf_counter() > self.manner.until_s:
            return sent
        asset_kw = asset_power(sent.schedule)
        left = with_assets(problem, asset_kw, planned.energy_per_kwh) if asset_kw else problem
        start = Start(sent.schedule.pilot_a, moves, self._limit(left, sent, planned))
        pilot_a = improved(left, planned, start, self.manner)
        if np.array_equal(pilot_a, sent.schedule.pilot_a):
            return sent
        found = sent_as(problem, pilot_a)
        found = replace(found, schedule=replace(found.schedule, back=sent.schedule.back))
        found = told_assets(problem, as_accepted(problem, found), asset_kw, self.options)
        return found if self._is_better(found, sent, planned) else sent

    def _limit(self, left: Problem, sent: Dispatched, planned: PlannedPower) -> FloatArray:
        """Return what rows may carry, shape (R, T): room for cars to come is kept, and no bill rises.

        Nothing leans on what is given back but the bill.
        """
        back_kw = sent.schedule.back_kw()
        limit = np.array(left.limits.limit)
        if sent.schedule.back:
            limit -= kept_free(left, frozen(back_kw / left.kw_per_a))
        if planned.coming_kw is not None:
            rows, per_kw = left.topology.rows.tap(left.topology.root, left.topology.voltage_v)
            limit[rows] -= np.multiply.outer(per_kw, planned.coming_kw)
        if planned.site_cap_kw is not None:
            root = left.topology.root_row
            gross_kw, given_kw = left.load_kw + sent.schedule.power_kw.sum(axis=0), back_kw.sum(axis=0)
            limit[root] = np.minimum(limit[root], np.maximum(planned.site_cap_kw + given_kw, gross_kw))
        return limit

    def _is_better(self, found: Dispatched, sent: Dispatched, planned: PlannedPower) -> bool:
        """Return whether other pilots keep every limit, break no more promises, and are calmer or cheaper."""
        if breaches(self.state, found.schedule, self.options.load_quantile):
            return False
        if self._broken_kwh(found) > self._broken_kwh(sent) + NOISE:
            return False
        return self.is_no_worse(found, sent, planned)

    def is_no_worse(self, found: Dispatched, sent: Dispatched, planned: PlannedPower) -> bool:
        """Return whether one schedule spares contactors more than another, or as much and costs no more."""
        hasty, before = self._n_hasty(found), self._n_hasty(sent)
        return hasty < before or (hasty == before and self._cost(found, planned) <= self._cost(sent, planned))

    def _broken_kwh(self, sent: Dispatched) -> float:
        if not self.problem.promised_kwh.any():
            return 0.0
        return broken_kwh(promises_of(self.state, self.problem, sent.schedule, self.options, {}))

    def _n_hasty(self, sent: Dispatched) -> int:
        return n_hasty(self.problem, sent.schedule.pilot_a, self.manner)

    def _cost(self, sent: Dispatched, planned: PlannedPower) -> float:
        delivery = delivery_of(self.problem, sent, planned)
        return total_of(worth(self.problem, self.manner.moment, delivery))
