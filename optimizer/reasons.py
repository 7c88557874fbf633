"""Why every car charges when it does: one reason for each session, which a machine can check.

A car that nothing holds back would charge at once, at the greatest power that it and its EVSE can take. Where the
plan gives it less than that, something stands against it in those slots: a limit's shadow price, a dearer
hour, a peak that would be billed. What stands against most of its energy is its reason: take it away and its plan
changes. A car that is not held back has its own power, or its need, as the reason.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from models.arrays import BoolArray, FloatArray, frozen, read_only

if TYPE_CHECKING:  # they bring Pyomo, which takes a second to import
    from optimizer.problem import Problem
    from optimizer.scheduling.extract import PlannedPower

HELD_KWH = 1e-3
"""Energy from which on a car counts as held back [kWh]."""

TIE_PER_KWH = 1e-4
"""Difference of costs that counts as none [currency/kWh]: preferences of time are below it."""

EARLY_PER_KWH = 1e-7
"""What a later slot costs more where nothing else differs [currency/kWh]."""

LIMITS_FIRST = 10.0
"""How many times more a price must move a car than a limit to be its reason."""

ALSO_PER_KWH = 1e-3
"""What a second cause must add to a kWh to be told [currency/kWh]."""

MANY = 3
"""Sessions that are named as going first."""

TO_COME = "cars to come"
"""What cars are called that no session names, where room is kept for them."""


class ReasonKind(StrEnum):
    """What a car's plan follows from."""

    LIMIT = "limit"
    """A limit of a node, station or line: others need it more, or it is cheaper later."""
    PRICE = "price"
    """Energy is cheaper in other slots."""
    PEAK = "peak"
    """A higher peak would be billed."""
    FLEXIBILITY = "flexibility"
    """What was sold, a called reduction or a reserve, would pay less."""
    POWER = "power"
    """Nothing holds it back: its own power, or its EVSE's, decides how long it takes."""
    NEED = "need"
    """Nothing holds it back, and it is done within a slot."""
    PREFERENCE = "preference"
    """It costs the same; the plan only prefers an order."""


class Cause(NamedTuple):
    """Something that stands against a car; words as in :class:`Reason`."""

    kind: ReasonKind
    subject: str


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason of one session.

    Parameters
    ----------
    session_id, evse_id : str
    kind : ReasonKind
    subject : str
        What it is: the node, station or line whose limits hold the car back, the EVSE, or the kind's word.
    slots : tuple of int
        Slots in which it holds the car back.
    per_kwh : float
        What it adds to a kWh there, on average [currency/kWh].
    held_kwh : float
        Energy that the car would otherwise take there [kWh].
    goes_first : tuple of str
        Sessions that charge there instead, below the same limit, most energy first; :data:`TO_COME` among them.
    also : Cause or None
        What else stands against the car in these slots, so that it might wait even without the first.
    """

    session_id: str
    evse_id: str
    kind: ReasonKind
    subject: str
    slots: tuple[int, ...]
    per_kwh: float
    held_kwh: float
    goes_first: tuple[str, ...]
    also: Cause | None = None


class _Candidate(NamedTuple):
    """Something that may stand against a car: its price per kWh by slot, shape (T,)."""

    kind: ReasonKind
    subject: str
    row: int | None
    per_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class _Car:
    """A car that takes prices as they are, all (T,): what it answers them with.

    ``cost_per_kwh`` is everything that a kWh costs it, ``most_kwh`` what fits into a slot, ``planned`` marks
    slots in which it charges; above ``worth_per_kwh`` it rather stays short.
    """

    cost_per_kwh: FloatArray
    most_kwh: FloatArray
    planned: BoolArray
    held_kwh: FloatArray
    need_kwh: float
    worth_per_kwh: float

    @property
    def is_short(self) -> bool:
        """Whether the car stays short of what it needs."""
        return bool(np.isfinite(self.worth_per_kwh))

    def response_kwh(self, cost_per_kwh: FloatArray) -> FloatArray:
        """Return what the car would take at these costs: the cheapest slots first, planned ones among equals."""
        order = np.argsort(cost_per_kwh - TIE_PER_KWH * self.planned, kind="stable")
        most_kwh = np.where(cost_per_kwh <= self.worth_per_kwh, self.most_kwh, 0.0)[order]
        out = np.empty_like(most_kwh)
        out[order] = np.diff(np.minimum(np.cumsum(most_kwh), self.need_kwh), prepend=0.0)
        return frozen(out)


def reasons_of(problem: "Problem", planned: "PlannedPower") -> tuple[Reason, ...]:
    """Return the reason of every session that is planned, in the order of EVSEs and seats."""
    found = []
    for evse, ids in enumerate(problem.session_ids):
        above = list(_above(problem, planned, evse))
        for seat, session_id in enumerate(ids):
            if session_id is not None and problem.need_kwh[evse, seat] > 0:
                found.append(_reason(problem, planned, (evse, seat), above))
    return tuple(found)


def eager_kwh(problem: "Problem", evse: int, seat: int) -> FloatArray:
    """Return what a session would take if nothing held it back, shape (T,) [kWh]."""
    most_kwh = problem.max_kw[evse] * problem.connected_h[evse, seat]
    until = np.minimum(np.cumsum(most_kwh), problem.need_kwh[evse, seat])
    return frozen(np.diff(until, prepend=0.0))


def _reason(
    problem: "Problem", planned: "PlannedPower", place: tuple[int, int], above: list[_Candidate]
) -> Reason:
    evse, seat = place
    session_id, evse_id = problem.session_ids[evse][seat] or "", problem.topology.evse_ids[evse]
    eager = eager_kwh(problem, evse, seat)
    given = planned.power_kw[evse] * problem.connected_h[evse, seat]
    held = np.maximum(eager - given, 0.0)
    held_kwh = float(held.sum())
    if held_kwh <= HELD_KWH:
        fits = float(eager.sum()) >= float(problem.need_kwh[evse, seat]) - HELD_KWH
        is_done = fits and int((eager > HELD_KWH).sum()) <= 1
        kind, subject = (ReasonKind.NEED, "need") if is_done else (ReasonKind.POWER, evse_id)
        slots = tuple(np.nonzero(eager > HELD_KWH)[0].tolist())
        return Reason(session_id, evse_id, kind, subject, slots, 0.0, 0.0, ())
    car = _car_of(problem, planned, place, above)
    # A car that stays short is not held back by the price of energy: missing energy is dearer than any.
    candidates = above if above and car.is_short else [*above, _dearer(problem, given, held)]
    worst = _decisive(candidates, car)
    weight = float(held @ np.maximum(worst.per_kwh, 0.0))
    if weight <= 0.0:
        slots = tuple(np.nonzero(held > HELD_KWH)[0].tolist())
        return Reason(session_id, evse_id, ReasonKind.PREFERENCE, "order", slots, 0.0, held_kwh, ())
    slots = tuple(np.nonzero((held > HELD_KWH) & (worst.per_kwh > 0))[0].tolist())
    first = () if worst.row is None else _others(problem, planned, (evse, seat, worst.row), slots)
    return Reason(
        session_id,
        evse_id,
        worst.kind,
        worst.subject,
        slots,
        weight / held_kwh,
        held_kwh,
        first,
        _second(candidates, worst, held),
    )


def _second(candidates: list[_Candidate], first: _Candidate, held: FloatArray) -> Cause | None:
    """Return what else stands against a car in the slots that it is held back in."""
    held_kwh = float(held.sum())
    rest = [one for one in candidates if one is not first]
    weights = [float(held @ np.maximum(one.per_kwh, 0.0)) / held_kwh for one in rest]
    if max(weights, default=0.0) <= ALSO_PER_KWH:
        return None
    second = rest[int(np.argmax(weights))]
    return Cause(second.kind, second.subject)


def _car_of(
    problem: "Problem", planned: "PlannedPower", place: tuple[int, int], above: list[_Candidate]
) -> _Car:
    evse, seat = place
    hours = problem.connected_h[evse, seat]
    given, eager = planned.power_kw[evse] * hours, eager_kwh(problem, evse, seat)
    added = np.sum([one.per_kwh for one in above], axis=0) if above else np.zeros(hours.size)
    is_short = given.sum() < problem.need_kwh[evse, seat] - HELD_KWH
    worth = float(planned.worth_per_kwh[evse, seat]) + TIE_PER_KWH if is_short else np.inf
    early = EARLY_PER_KWH * np.arange(hours.size)
    return _Car(
        cost_per_kwh=frozen(problem.import_per_kwh + added + early),
        most_kwh=frozen(problem.max_kw[evse] * hours),
        planned=read_only(given > HELD_KWH),
        held_kwh=frozen(np.maximum(eager - given, 0.0)),
        need_kwh=float(problem.need_kwh[evse, seat]),
        worth_per_kwh=worth,
    )


def _decisive(candidates: list[_Candidate], car: _Car) -> _Candidate:
    """Return what would change the car's plan most if it alone were taken away, all other prices as they are."""
    base_kwh = car.response_kwh(car.cost_per_kwh)
    moved = [
        float(np.abs(car.response_kwh(car.cost_per_kwh - one.per_kwh) - base_kwh).sum()) for one in candidates
    ]
    # Limits first: their price is what others would pay for the same room, and moves less when it is given up.
    favoured = [
        LIMITS_FIRST * one if cause.kind is ReasonKind.LIMIT else one
        for one, cause in zip(moved, candidates, strict=True)
    ]
    if max(moved) > HELD_KWH:
        return candidates[int(np.argmax(favoured))]
    return max(candidates, key=lambda one: float(car.held_kwh @ one.per_kwh))


def _above(problem: "Problem", planned: "PlannedPower", evse: int) -> Iterator[_Candidate]:
    """Yield the limits of every place above an EVSE, and what the site as a whole adds.

    The limits of one node go together: where power and phases are nearly full, one takes the other's place.
    """
    prices, step_h = planned.prices, problem.grid.step_h
    names = problem.topology.rows.names
    by_place: dict[str, FloatArray] = {}
    row_at: dict[str, int] = {}
    for pair in np.nonzero(prices.evse == evse)[0].tolist():
        row = int(prices.row[prices.facet[pair]])
        where = names[row].where
        per_kwh = prices.per_kw[pair] * prices.by_facet[prices.facet[pair]] / step_h
        by_place[where] = by_place.get(where, frozen(np.zeros_like(per_kwh))) + per_kwh
        row_at[where] = row
    for where, per_kwh in by_place.items():
        yield _Candidate(ReasonKind.LIMIT, where, row_at[where], per_kwh)
    for added in planned.added:
        # Where drawing earns something in some slots, it costs that in all others.
        more = added.per_kw - min(float(added.per_kw.min(initial=0.0)), 0.0)
        yield _Candidate(added.kind, added.name, None, frozen(more / step_h))


def _dearer(problem: "Problem", given: FloatArray, held: FloatArray) -> _Candidate:
    """Return how much dearer energy is in each slot than where the car takes it instead."""
    instead = given if given.sum() > HELD_KWH else held
    paid = float(instead @ problem.import_per_kwh) / float(instead.sum())
    return _Candidate(ReasonKind.PRICE, "price", None, frozen(problem.import_per_kwh - paid))


def _others(
    problem: "Problem",
    planned: "PlannedPower",
    place: tuple[int, int, int],
    slots: tuple[int, ...],
) -> tuple[str, ...]:
    """Return the sessions that charge in some slots below a row, most energy first."""
    evse, seat, row = place
    below = np.nonzero((problem.topology.rows.of_evse == row).any(axis=1))[0]
    taken = planned.power_kw[below][:, None, list(slots)] * problem.connected_h[below][:, :, list(slots)]
    names = {TO_COME: _kept_kwh(problem, planned, row, slots)}
    for (other, other_seat), total_kwh in np.ndenumerate(taken.sum(axis=2)):
        session_id = problem.session_ids[int(below[other])][other_seat]
        if session_id is not None and (int(below[other]), other_seat) != (evse, seat):
            names[session_id] = float(total_kwh)
    ordered = sorted((name for name, kwh in names.items() if kwh > HELD_KWH), key=lambda name: -names[name])
    return tuple(ordered[:MANY])


def _kept_kwh(problem: "Problem", planned: "PlannedPower", row: int, slots: tuple[int, ...]) -> float:
    """Return the energy that is kept for cars to come in some slots on a row [kWh]."""
    at_root = problem.topology.rows.tap(problem.topology.root, problem.topology.voltage_v)[0]
    if planned.coming_kw is None or row not in at_root:
        return 0.0
    return float(planned.coming_kw[list(slots)] @ problem.open_h[list(slots)])
