"""Better pilots than rounding finds: everybody replies to all others, then small groups choose again.

Replies begin at the prices of energy and of the limits together, where nobody takes room that others would pay more
for, and end at those of energy alone, where whatever room is left is used. Rounding is the start, and the answer
where nothing better comes of it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from optimizer.discrete.manner import Manner, before_a, cars_of, contactors_of, planned_cost, rent_per_kwh
from optimizer.discrete.reply import (
    Cars,
    Grid,
    Told,
    carry_kernel,
    prices_kernel,
    put_kernel,
    rechoice_kernel,
    replies_kernel,
)
from optimizer.discrete.runs import NOISE_COST, NOISE_KWH
from optimizer.problem import Problem
from optimizer.scheduling.dispatch import unloaded, wires_of
from optimizer.scheduling.extract import PlannedPower

RENT_SHARES = (1.0, 1.0, 0.5, 0.0)
"""Parts of the limits' prices that replies see, pass by pass.

On the synthetic site with 100 EVSEs x 96 slots pilots cost 0.047 and 0.057 % more than the bound after four
passes without limits' prices (two draws), 0.035 and 0.014 % after these.
"""

AGAIN_SHARES = (0.0,)
"""The same where pilots of before lead: they were found with all of them."""

GROUP = 3
"""EVSEs that choose again together; groups of six found less in the same time."""

GROUPS_PER_EVSE = 4
MOST_GROUPS = 400
"""How many groups choose again where there is time."""

MOST_GROUPS_AGAIN = 100
"""The same where pilots of before lead.

With this and :data:`AGAIN_SHARES` a step after new needs of 1 % of 54, 100 and 1,000 cars took 61, 63 and 497 ms
instead of 98, 119 and 682. Pilots cost 0.338, 0.176 and 0.239 % more than the bound instead of 0.333, 0.163 and
0.212 %.
"""

PATIENCE = 10
MUCH = 0.01
"""So many times more groups choose again, within the time, while pilots cost more than this part above the optimum."""

CHUNK = 8
"""Replies or groups between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a search begins.

    Parameters
    ----------
    pilot_a : (E, T) float64
        Pilots that keep every limit [A].
    moves : (E,) bool
        Whose pilots may change: those of :func:`optimizer.discrete.manner.only_takes`.
    limit : (R, T) float64
        What rows may carry.
    """

    pilot_a: FloatArray
    moves: BoolArray
    limit: FloatArray


def improved(problem: Problem, planned: PlannedPower, start: Start, manner: Manner) -> FloatArray:
    """Return pilots that cost no more than those of a start, or that contactors can follow where those cannot.

    Parameters
    ----------
    problem : Problem
    planned : PlannedPower
        The optimum of the program: its prices lead the search.
    start : Start
    manner : Manner

    Returns
    -------
    (E, T) float64
        Pilots [A]; those of the start where nothing better was found in time.
    """
    search = _Search(problem, planned, start, manner)
    begun = search.begun()
    if manner.before is not None:
        again = search.moved(
            search.carried(before_a(problem, manner.before)), AGAIN_SHARES, MOST_GROUPS_AGAIN
        )
        if again.cost.sum() < begun.cost.sum() - NOISE_COST:
            return frozen(again.pilot_a)
    found = search.moved(begun, RENT_SHARES, MOST_GROUPS)
    return frozen(found.pilot_a if found.cost.sum() < begun.cost.sum() - NOISE_COST else start.pilot_a)


@dataclass(slots=True)
class _Found:
    """Pilots (E, T) [A], what rows carry with them (T, R, 2), what the pilots of each EVSE cost (E,) [currency]."""

    pilot_a: FloatArray
    total: FloatArray
    cost: FloatArray

    @property
    def told(self) -> Told:
        """The same for kernels, which change it in place."""
        return Told(self.pilot_a, self.cost)


class _Search:
    """Moves the pilots of EVSEs that may; those that a plan values most reply first."""

    def __init__(self, problem: Problem, planned: PlannedPower, start: Start, manner: Manner) -> None:
        self._problem, self._start = problem, start
        self._rent_per_kwh = rent_per_kwh(problem, planned)
        self._cars = cars_of(problem, planned, manner.moment)
        self._least_cost = planned_cost(problem, planned, manner.moment, self._cars)
        self._contactors = contactors_of(problem, self._rent_per_kwh, manner)
        self._wires = wires_of(problem)
        self._limit, self._n_lines = np.ascontiguousarray(start.limit.T), problem.n_lines.T.copy(order="C")
        self._until_s = manner.until_s
        wants = problem.need_kwh > NOISE_KWH
        worth = np.where(wants, planned.worth_per_kwh, -np.inf).max(axis=1, initial=-np.inf)
        order = np.argsort(-worth, kind="stable")
        self._evses: IntArray = order[start.moves[order]]

    def begun(self) -> _Found:
        """Return where the search begins."""
        found = self._laid(self._start.pilot_a)
        self._price(found)
        return found

    def carried(self, pilot_a: FloatArray) -> _Found:
        """Return pilots of before as far as there is room for them now; who charges comes first.

        EVSEs that may not move keep those of the start.
        """
        held = ~self._start.moves
        found = self._laid(np.where(held[:, None], self._start.pilot_a, 0.0))
        order = np.argsort(~self._contactors.charging, kind="stable")
        carry_kernel(order[~held[order]], pilot_a, self._grid(found), found.told)
        self._price(found)
        return found

    def _laid(self, pilot_a: FloatArray) -> _Found:
        """Return pilots that are put on the rows, without a price yet."""
        found = _Found(np.array(pilot_a), unloaded(self._problem), np.zeros(len(pilot_a)))
        for evse in range(len(pilot_a)):
            put_kernel(evse, 1.0, self._grid(found), found.told)
        return found

    def moved(self, begun: _Found, rent_shares: tuple[float, ...], most_groups: int) -> _Found:
        """Return what replies and groups make of a start."""
        found = self._held(begun)
        for share in rent_shares:
            self._reply_once(found, share)
        self._choose_again(found, most_groups)
        return found

    def _held(self, begun: _Found) -> _Found:
        """Return the same with new pilots where contactors have least times; the old ones count as infinitely dear."""
        found = _Found(begun.pilot_a.copy(), begun.total.copy(), begun.cost.copy())
        is_held = (self._contactors.least_run > 1) | (self._contactors.least_pause > 1)
        for evse in self._evses[is_held[self._evses]]:
            if self._is_late():
                break
            put_kernel(evse, -1.0, self._grid(found), found.told)
            found.pilot_a[evse] = 0.0
            begun.cost[evse] = np.inf
            self._reply(np.array([evse]), found, self._cars)
        return found

    def _reply_once(self, found: _Found, share: float) -> None:
        """Let everybody reply once, at the prices of energy and a share of the rent for room."""
        price = self._cars.price_per_kwh + share * self._rent_per_kwh
        cars = self._cars._replace(price_per_kwh=frozen(price))
        for first in range(0, self._evses.size, CHUNK):
            if self._is_late():
                break
            self._reply(self._evses[first : first + CHUNK], found, cars)

    def _choose_again(self, found: _Found, most_groups: int) -> None:
        """Price what was found, and let drawn groups that meet in some slot choose again."""
        self._price(found)
        for group in self._groups(most_groups, found):
            if self._is_late():
                break
            rechoice_kernel(group, self._cars, self._contactors, self._grid(found), found.told)

    def _groups(self, most: int, found: _Found) -> Iterator[IntArray]:
        """Yield drawn groups of EVSEs with cars in the same slot.

        Every other one begins with an EVSE that is drawn by how much its pilots cost more than in the optimum, which is
        most where a car is late or short. Where that is much in all, such groups go on.
        """
        rng, evses = np.random.default_rng(self._evses.size), self._evses
        there = self._problem.max_a[evses] > 0
        is_shared = there.sum(axis=0) > 1
        if not is_shared.any():
            return
        slots, can_meet = np.nonzero(is_shared)[0], (there & is_shared).any(axis=1)
        n_usual = min(GROUPS_PER_EVSE * evses.size, most)
        for number in range(PATIENCE * n_usual):
            above = (found.cost - self._least_cost)[evses]
            if number >= n_usual and above.sum() <= MUCH * np.abs(self._least_cost).sum():
                return
            regret = np.maximum(above, 0.0) * can_meet
            is_led = regret.any() and (number % 2 == 1 or number >= n_usual)
            first = rng.choice(evses.size, p=regret / regret.sum()) if is_led else None
            slot = rng.choice(slots if first is None else np.nonzero(there[first] & is_shared)[0])
            others = rng.permutation(evses[there[:, slot]])
            if first is not None:
                others = np.append(evses[first], others[others != evses[first]])
            yield others[:GROUP]

    def _price(self, found: _Found) -> None:
        prices_kernel(self._evses, self._cars, self._contactors, self._grid(found), found.told)

    def _reply(self, evses: IntArray, found: _Found, cars: Cars) -> None:
        replies_kernel(evses, cars, self._contactors, self._grid(found), found.told)

    def _grid(self, found: _Found) -> Grid:
        return Grid(self._wires, found.total, self._limit, self._n_lines)

    def _is_late(self) -> bool:
        return time.perf_counter() > self._until_s
