"""Charges on peaks: the greatest mean import of a window in the billing period."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import pyomo.environ as pyo

from models.arrays import BoolArray, FloatArray, frozen, read_only
from optimizer.peak_meters import DEMAND, PeakMeter
from optimizer.problem import Problem
from optimizer.reasons import ReasonKind
from optimizer.scheduling.delivery import Delivery
from optimizer.scheduling.laws import Model, Relation, summed
from optimizer.scheduling.parts.chain import Links, from_now, link
from optimizer.scheduling.parts.entries import Entries
from optimizer.scheduling.parts.part import Added, Block, Members, Moment, Part, Sheet
from optimizer.solver.compiled import Compiled
from optimizer.solver.live import Solution
from optimizer.solver.outcome import ObjectiveTerm


class Member(NamedTuple):
    """A charge in a program: its number in the tariff, and whether its windows are made of several slots."""

    number: int
    is_joined: bool

    @property
    def name(self) -> str:
        """What it is called among the terms of the objective."""
        return "demand charge" if self.number == DEMAND else f"peak charge {self.number + 1}"


def peak_bounds(m: Model, p: int) -> tuple[float, None]:
    """A peak that was reached is billed: ``peak_kw[p] >= max(so far, expected)``."""
    return (m.meters[p].floor_kw, None)


def slot_peak(m: Model, p: int, t: int) -> Relation:
    """A peak covers every slot that is billed: ``part[t] import_kw[t] + given_kw[t] <= peak_kw[p]``.

    Where the site cannot export, its import is the load and all that it draws beside it.
    """
    meter = m.meters[p]
    if m.flows.bill is None:
        drawn = m.flows.at_site.get(t, [])
        return summed([*drawn, (-1.0, m.peak_kw[p])]) <= -float(m.load_kw[t])
    if not meter.counts[t]:
        return pyo.Constraint.Skip
    terms = [(float(meter.part[t]), m.flows.bill[t]), (-1.0, m.peak_kw[p])]
    return summed(terms) <= -float(meter.given_kw[t])


def window_mean(m: Model, p: int, t: int) -> Relation:
    """The mean of a window grows slot by slot.

    ``window_kw[p, t] - window_kw[p, t - 1] - part[t] import_kw[t] == given_kw[t]``; where a window begins,
    without ``t - 1``.
    """
    meter = m.meters[p]
    terms = link(m.window_kw, p, t, len(m.slots), goes_on=bool(meter.goes_on[t]))
    return summed([*terms, (-float(meter.part[t]), m.flows.bill[t])]) == float(meter.given_kw[t])


def window_peak(m: Model, p: int, t: int) -> Relation:
    """A peak covers every window that is billed: ``window_kw[p, t] <= peak_kw[p]``."""
    if not m.meters[p].counts[t]:
        return pyo.Constraint.Skip
    return summed([(1.0, m.window_kw[p, t]), (-1.0, m.peak_kw[p])]) <= 0.0


class Peaks(Part):
    """One peak for every charge, above all its windows."""

    name = "peaks"

    @staticmethod
    def members(problem: Problem) -> Members:
        """Return the charges."""
        return frozenset(Member(meter.number, meter.is_joined) for meter in problem.meters)

    @staticmethod
    def widen(problem: Problem, members: Members) -> Problem:
        """Return the problem with all charges of a program, whose slots are all alike."""
        n_slots = problem.grid.n_slots
        ones, nothing = frozen(np.ones(n_slots)), frozen(np.zeros(n_slots))
        every = read_only(np.ones(n_slots, dtype=np.bool_))
        goes_on = from_now(1, n_slots)[0]
        meters = tuple(
            PeakMeter(member.number, 1.0, 0.0, member.is_joined, ones, goes_on, nothing, every)
            for member in _ordered(members)
        )
        return replace(problem, meters=meters)

    @staticmethod
    def state(m: Model, problem: Problem, members: Members, moment: Moment) -> None:  # noqa: ARG004 - the tariff's prices
        """State every peak above its windows."""
        held = _ordered(members)
        m.load_kw, m.meters = problem.load_kw, _meters(problem, held)
        m.peak_kw = pyo.Var(range(len(held)), bounds=peak_bounds)
        single = [p for p, member in enumerate(held) if not member.is_joined]
        joined = [p for p, member in enumerate(held) if member.is_joined]
        if single:
            m.slot_peak = pyo.Constraint(single, m.slots, rule=slot_peak)
        if joined:
            m.window_kw = pyo.Var(joined, m.slots, bounds=(0.0, None))
            m.window_mean = pyo.Constraint(joined, m.slots, rule=window_mean)
            m.window_peak = pyo.Constraint(joined, m.slots, rule=window_peak)
        m.flows.cost += [(meter.per_kw, m.peak_kw[p]) for p, meter in enumerate(m.meters)]

    def __init__(self, compiled: Compiled, members: Members, stated: Problem) -> None:
        super().__init__(compiled, members, stated)
        self._held = _ordered(members)
        is_joined = np.array([member.is_joined for member in self._held])
        self._single, self._joined = np.nonzero(~is_joined)[0], np.nonzero(is_joined)[0]
        n_slots = stated.grid.n_slots
        self._coefficients: list[tuple[Entries, int, float]] = []
        if "import_kw" in self.columns:
            imports = self.columns["import_kw"][None, :]
            for family, places, sign in (
                ("slot_peak", self._single, 1.0),
                ("window_mean", self._joined, -1.0),
            ):
                for p in places.tolist():
                    entries = Entries(self.rows[family][[p]], imports, np.full((1, n_slots), sign))
                    self._coefficients.append((entries, p, sign))
        if self._joined.size:
            chain = self.rows["window_mean"][self._joined], self.columns["window_kw"][self._joined]
            self._links = Links(*chain, from_now(self._joined.size, n_slots))

    def move(self, problem: Problem, moment: Moment, sheet: Sheet) -> None:
        """Write prices, peaks so far, and what windows have already."""
        ring, meters = problem.grid.ring, _meters(problem, self._held)
        peaks = self.columns["peak_kw"]
        sheet.cost[peaks] = [meter.per_kw for meter in meters]
        sheet.col_lower[peaks] = [meter.floor_kw for meter in meters]
        for p in self._single.tolist():
            given_kw = meters[p].given_kw if moment.has_bill else problem.load_kw
            sheet.row_upper[self.rows["slot_peak"][p, ring]] = np.where(meters[p].counts, -given_kw, np.inf)
        for p in self._joined.tolist():
            means = self.rows["window_mean"][p, ring]
            sheet.row_lower[means], sheet.row_upper[means] = meters[p].given_kw, meters[p].given_kw
            sheet.row_upper[self.rows["window_peak"][p, ring]] = np.where(meters[p].counts, 0.0, np.inf)

    def coefficients(self, problem: Problem) -> Iterator[Block]:
        """Yield parts of windows, and windows that begin elsewhere."""
        ring, meters = problem.grid.ring, _meters(problem, self._held)
        every = np.ones((1, ring.size), dtype=np.bool_)
        for entries, p, sign in self._coefficients:
            yield from entries.move(ring, frozen(sign * meters[p].part[None, :]), every)
        if self._joined.size:
            goes_on: BoolArray = np.array([meters[p].goes_on for p in self._joined.tolist()])
            yield from self._links.move(ring, goes_on)

    def site_cap_kw(self, problem: Problem, values: FloatArray) -> FloatArray | None:
        """Return the power of the site in each slot that keeps to the planned peaks, shape (T,) [kW], if any is billed.

        What a window has left below its peak is shared by its slots.
        """
        if not problem.meters:
            return None
        cap_kw = np.full(problem.grid.n_slots, np.inf)
        for p, meter in enumerate(_meters(problem, self._held)):
            if meter.per_kw > 0.0:
                own_kw = self._cap_kw(problem, meter, values, float(values[self.columns["peak_kw"][p]]))
                cap_kw = np.minimum(cap_kw, np.where(meter.counts, own_kw, np.inf))
        return frozen(cap_kw)

    def _cap_kw(self, problem: Problem, meter: PeakMeter, values: FloatArray, peak_kw: float) -> FloatArray:
        per_kw = np.divide(1.0, meter.part, out=np.full_like(meter.part, np.inf), where=meter.part > 0)
        if not meter.is_joined:
            return frozen(np.maximum(peak_kw - meter.given_kw, 0.0) * per_kw)
        import_kw = values[self.columns["import_kw"][problem.grid.ring]]
        window = np.cumsum(~meter.goes_on) - 1
        last = np.append(~meter.goes_on[1:], True)
        left_kw = np.maximum(peak_kw - meter.mean_kw(import_kw)[last], 0.0) / np.bincount(window)
        return frozen(import_kw + left_kw[window] * per_kw)

    def adds(self, problem: Problem, row_duals: FloatArray) -> Iterator[Added]:
        """Yield what a kW costs in slots whose windows make a peak."""
        ring = problem.grid.ring
        for p, (member, meter) in enumerate(zip(self._held, _meters(problem, self._held), strict=True)):
            if member.is_joined:
                per_kw = row_duals[self.rows["window_mean"][p, ring]]
            else:
                per_kw = -row_duals[self.rows["slot_peak"][p, ring]]
            yield Added(member.name, frozen(np.maximum(per_kw, 0.0) * meter.part), ReasonKind.PEAK)

    @staticmethod
    def worth(problem: Problem, moment: Moment, delivery: Delivery) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG004
        """Return what the peaks cost that a delivery reaches."""
        site_kw = delivery.site_kw(problem)
        return tuple(
            ObjectiveTerm(
                Member(meter.number, meter.is_joined).name, meter.per_kw * meter.reached_kw(site_kw)
            )
            for meter in problem.meters
        )

    @staticmethod
    def at_stake(problem: Problem, moment: Moment, delivery: Delivery) -> float:  # noqa: ARG004 - the tariff's prices
        """Return the charges on what exceeds the peaks so far, and those of the load alone."""
        site_kw = delivery.site_kw(problem)
        more = (
            meter.per_kw * max(meter.reached_kw(site_kw) - meter.reached_kw(problem.load_kw), 0.0)
            for meter in problem.meters
        )
        return float(sum(more))

    def terms(self, problem: Problem, moment: Moment, solution: Solution) -> tuple[ObjectiveTerm, ...]:  # noqa: ARG002
        """Return what the peaks cost."""
        peaks_kw = solution.values[self.columns["peak_kw"]].tolist()
        held = zip(self._held, _meters(problem, self._held), peaks_kw, strict=True)
        return tuple(ObjectiveTerm(member.name, meter.per_kw * peak_kw) for member, meter, peak_kw in held)


def _ordered(members: Members) -> tuple[Member, ...]:
    return tuple(sorted(cast("frozenset[Member]", members)))


def _meters(problem: Problem, held: tuple[Member, ...]) -> tuple[PeakMeter, ...]:
    """Return the meters of a program's charges; those that a problem does not have bill nothing."""
    known = {Member(meter.number, meter.is_joined): meter for meter in problem.meters}
    n_slots = problem.grid.n_slots
    nothing, never = frozen(np.zeros(n_slots)), read_only(np.zeros(n_slots, dtype=np.bool_))
    return tuple(
        known.get(one) or PeakMeter(one.number, 0.0, 0.0, one.is_joined, nothing, never, nothing, never)
        for one in held
    )
