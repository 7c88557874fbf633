"""Pilots beside assets: made from a plan, with what assets can really do of theirs, and checked as a whole.

Assets and pilots lean on each other. A battery that was to give 5 kW gives 2 where cars that are nearly full draw
less and the rest may not flow back, yet a pilot allows a car its full current all the same. So pilots are made again
beside what assets can do, until all of it passes the check. Each round assets do less than in the last, so it ends.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np

from models.arrays import BoolArray
from models.state import SiteState
from optimizer.options import PlanOptions
from optimizer.problem import Problem
from optimizer.scheduling.asset_orders import asset_power, told_assets, with_assets
from optimizer.scheduling.check import breaches
from optimizer.scheduling.check_lines import Breach
from optimizer.scheduling.delivery import NO_ASSETS, AssetPower
from optimizer.scheduling.dispatch import Dispatched, dispatch, dispatch_alone, paused
from optimizer.scheduling.extract import PlannedPower
from optimizer.scheduling.giving_back import dispatch_both_ways
from optimizer.scheduling.keeping import Told, dispatch_keeping
from optimizer.scheduling.taken import as_accepted, paused_in

ROUNDS: Final = 8
"""How often pilots are made again beside what assets can do.

Of 3,000 drawn sites with cars that give back, 38 needed it, and none more than twice.
"""

Make: TypeAlias = Callable[[Problem, PlannedPower], Dispatched]


@dataclass(frozen=True, slots=True)
class Passed:
    """Pilots that passed the check, None where none did, and what is to be said of it."""

    sent: Dispatched | None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Tried:
    """Pilots as they would be sent, what assets were to do beside them, and what they exceed."""

    sent: Dispatched
    asset_kw: AssetPower
    found: tuple[Breach, ...]

    @property
    def sound(self) -> Dispatched | None:
        """The pilots, None where they exceed anything."""
        return None if self.found else self.sent


@dataclass(frozen=True, slots=True)
class Following:
    """Makes the pilots of one step.

    Parameters
    ----------
    state : SiteState
    problem : Problem
    options : PlanOptions
    charging : (E,) bool
        Which EVSEs charge now.
    until_s : float
        When nothing is made again, by ``time.perf_counter`` [s].
    """

    state: SiteState
    problem: Problem
    options: PlanOptions
    charging: BoolArray
    until_s: float = math.inf

    def plan(self, planned: PlannedPower, costs: Callable[[Problem, Dispatched], float]) -> Passed:
        """Return pilots that follow what a solver left, paused in the slots in which they fail their check.

        Nobody gives back where that is what fails it.
        """
        tried = self._tried(planned, partial(dispatch_both_ways, make=self._one_way, costs=costs))
        if tried.found and tried.sent.schedule.back:
            tried = self._tried(planned, self._one_way)
        return self._passed(tried)

    def alone(self) -> Passed:
        """Return pilots without a plan, beside assets that do nothing."""
        return self._passed(self._told(dispatch_alone(self.problem, self.charging), NO_ASSETS))

    def keeping(self, planned: PlannedPower, beside: Dispatched, told: Told) -> Dispatched | None:
        """Return pilots that keep those told before where a promise is open; None where they fail their check.

        Assets do what they do in ``beside``.
        """
        asset_kw = asset_power(beside.schedule)
        left = self._left(planned, asset_kw)
        return self._told(dispatch_keeping(left, planned, self.charging, told), asset_kw).sound

    def with_assets_again(self, sent: Dispatched, asset_kw: AssetPower) -> Dispatched | None:
        """Return the same pilots beside assets that do otherwise; None where that fails the check."""
        return self._told(sent, asset_kw).sound

    def nobody(self) -> Dispatched:
        """Return the schedule in which everybody pauses and assets do nothing."""
        return told_assets(self.problem, paused(self.problem), NO_ASSETS, self.options)

    def _one_way(self, problem: Problem, planned: PlannedPower) -> Dispatched:
        return dispatch(problem, planned, self.charging)

    def _tried(self, planned: PlannedPower, make: Make) -> _Tried:
        asset_kw = planned.asset_kw
        tried = self._told(make(self._left(planned, asset_kw), planned), asset_kw)
        for _ in range(ROUNDS):
            can_kw = asset_power(tried.sent.schedule)
            if not tried.found or _is_same(can_kw, asset_kw) or time.perf_counter() > self.until_s:
                break
            asset_kw = can_kw
            tried = self._told(make(self._left(planned, asset_kw), planned), asset_kw)
        return tried

    def _left(self, planned: PlannedPower, asset_kw: AssetPower) -> Problem:
        """Return the problem that is left for pilots while assets do as said."""
        return with_assets(self.problem, asset_kw, planned.energy_per_kwh) if asset_kw else self.problem

    def _told(self, sent: Dispatched, asset_kw: AssetPower) -> _Tried:
        sent = told_assets(self.problem, as_accepted(self.problem, sent), asset_kw, self.options)
        return _Tried(sent, asset_kw, breaches(self.state, sent.schedule, self.options.load_quantile))

    def _passed(self, tried: _Tried) -> Passed:
        if not tried.found:
            return Passed(tried.sent)
        slots = sorted({breach.slot for breach in tried.found})
        paused_there = self._told(paused_in(self.problem, tried.sent, slots), tried.asset_kw)
        if paused_there.found:
            return Passed(None)
        note = f"pilots failed their check ({_said(tried.found)}): all pause in {len(slots)} slot(s)"
        return Passed(paused_there.sent, note)


def _is_same(one: AssetPower, other: AssetPower) -> bool:
    return all(name in other and np.array_equal(power_kw, other[name]) for name, power_kw in one.items())


def _said(found: tuple[Breach, ...]) -> str:
    first = found[0]
    return (
        f"{first.where} {first.quantity} over by {first.excess:.3g} in slot {first.slot}, {len(found)} in all"
    )
