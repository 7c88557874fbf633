"""Rows of figures: what came of each algorithm, against what nobody can beat."""

from dataclasses import dataclass
from typing import Final

from benchmarks.peers.acn.bound import Clairvoyant
from benchmarks.peers.acn.money import Money
from benchmarks.peers.acn.options import Batteries, Inputs, Pilots, RivalName
from benchmarks.peers.acn.simulate import Case, Outcome
from benchmarks.registry import Cell

COLUMNS: Final = (
    "cap [kW]",
    "pilots",
    "inputs",
    "batteries",
    "policy",
    "energy met [%]",
    "of the bound [%]",
    "fully met [%]",
    "switches per session",
    "over a limit [A min]",
    "energy cost [USD]",
    "demand cost [USD]",
    "profit [USD]",
    "of the most profit [%]",
    "gap closed [%]",
    "decision p50 [ms]",
    "decision p99 [ms]",
    "run [s]",
)

LEAST_GAP: Final = 1e-4
"""Part of the energy below which there is no gap to close."""

OVER_A_MIN: Final = 1e-3
"""Float noise of the limits [A min]."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The 100 % of a network, its days and its cap.

    Parameters
    ----------
    energy, profit : Outcome
        Runs with perfect knowledge, any currents and ideal batteries, that deliver and that earn most.
    money : Money
    """

    energy: Outcome
    profit: Outcome
    money: Money

    @classmethod
    def of(cls, case: Case, n_days: int) -> "Marks":
        """Return the marks of a case; pilots, inputs and batteries do not matter to them."""
        money, program = Money.of(case, n_days), Clairvoyant(case)
        return cls(program.most_energy(), program.most_profit(money), money)

    @property
    def most_profit(self) -> float:
        """Profit of the run that earns most [USD]."""
        return self.money.profit(self.profit.power_kw)

    def rows(self) -> list[tuple[Cell, ...]]:
        """Return both runs as rows."""
        cap_kw = self.energy.case.network.cap_kw
        return [
            (round(cap_kw, 2), "any", "everything", "ideal", one.policy, *self._figures(one), *(None,) * 4)
            for one in (self.energy, self.profit)
        ]

    def _figures(self, outcome: Outcome) -> tuple[Cell, ...]:
        power_kw = outcome.power_kw
        return (
            round(100 * outcome.met_share, 2),
            round(100 * outcome.met_share / self.energy.met_share, 2),
            round(100 * outcome.fully_met_share, 1),
            round(outcome.switches_per_session, 2),
            round(outcome.over_a_min, 3),
            self.money.energy_cost(power_kw),
            self.money.demand_cost(power_kw),
            self.money.profit(power_kw),
            round(100 * self.money.profit(power_kw) / self.most_profit, 1),
        )

    def row(self, outcome: Outcome, laxity_share: float | None, run_s: float) -> tuple[Cell, ...]:
        """Return an algorithm's row; ``laxity_share`` is the energy met by least laxity, where that was run."""
        case = outcome.case
        return (
            round(case.network.cap_kw, 2),
            str(case.network.pilots),
            str(case.inputs),
            str(case.batteries),
            outcome.policy,
            *self._figures(outcome),
            self._closed(outcome, laxity_share),
            outcome.decision_ms(0.5),
            outcome.decision_ms(0.99),
            round(run_s, 1),
        )

    def _closed(self, outcome: Outcome, laxity_share: float | None) -> Cell:
        """Part of the gap between least laxity and the bound that is closed [%]; who breaks limits closes none."""
        gap = 0.0 if laxity_share is None else self.energy.met_share - laxity_share
        if (
            laxity_share is None
            or gap < LEAST_GAP
            or outcome.over_a_min > self.energy.over_a_min + OVER_A_MIN
        ):
            return None
        return round(100 * (outcome.met_share - laxity_share) / gap, 1)


def laxity_share(outcomes: list[Outcome]) -> float | None:
    """Return the energy met by least laxity, the better of as shipped and mended."""
    names = {str(RivalName.LEAST_LAXITY), str(RivalName.LEAST_LAXITY_MENDED)}
    shares = [outcome.met_share for outcome in outcomes if outcome.policy in names]
    return max(shares, default=None)


def losses(marks: Marks, ours: list[Outcome]) -> tuple[str, ...]:
    """Tell where energy is lost between the bound and what was delivered, step by step, of the steps that were run.

    The horizon: what is not known yet, and how plans are made; rounding: real pilots; forecast: what is declared.
    """
    share = {
        (one.case.network.pilots, one.case.inputs): one.met_share
        for one in ours
        if one.case.batteries is Batteries.IDEAL
    }
    steps = (
        ("horizon", (Pilots.IDEAL, Inputs.TRUE)),
        ("rounding", (Pilots.QUANTISED, Inputs.TRUE)),
        ("forecast", (Pilots.QUANTISED, Inputs.DECLARED)),
    )
    before, names, lost = marks.energy.met_share, [], []
    for name, kind in steps:
        names.append(name)
        if kind in share:
            lost.append(f"{100 * (before - share[kind]):.2f} to {' and '.join(names)}")
            before, names = share[kind], []
    if not lost:
        return ()
    cap_kw = marks.energy.case.network.cap_kw
    return (f"{cap_kw:g} kW, ours, points of energy lost from the bound on: {', '.join(lost)}",)
