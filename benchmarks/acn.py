"""Our controller inside ACN-Sim, on its networks, beside its own algorithms and what nobody can beat."""

from dataclasses import replace
from itertools import product
from time import perf_counter
from typing import TYPE_CHECKING, Final

from benchmarks.peers.acn.options import OPTIONS, OURS, OURS_ALL
from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell
from models.errors import InvalidInputError, Issue

if TYPE_CHECKING:
    from benchmarks.peers.acn.choice import Choice
    from benchmarks.peers.acn.options import Batteries, Inputs, Pilots
    from benchmarks.peers.acn.portal import Foreign
    from benchmarks.peers.acn.simulate import Case, Outcome
    from benchmarks.peers.acn.table import Marks
    from models.demand.arrivals import Visit

SMOKE_RIVALS: Final = ("uncontrolled", "least_laxity")
SESSIONS_FILE: Final = "forecasting/sessions_acn.parquet"


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Run every algorithm on the same days behind every cap.

    Raises
    ------
    InvalidInputError
        A value of an option cannot be used, or no session lies in the days.
    PortalMissingError
        acnportal is not installed.
    """
    from benchmarks.peers.acn.choice import Choice
    from benchmarks.peers.acn.table import COLUMNS

    choice = Choice.of(context.options)
    if context.smoke:
        choice = replace(choice, n_days=1, policies=(OURS, *SMOKE_RIVALS))
    run = _Run(choice, context)
    rows = [row for share in choice.cap_shares for row in run.rows(share)]
    title = f"{choice.network} in ACN-Sim, {choice.n_days} days from {choice.start:%Y-%m-%d}"
    return BenchmarkReport(title, COLUMNS, tuple(rows), (*run.losses, *NOTES))


class _Run:
    """The days that were chosen, and what is said of them in the end."""

    def __init__(self, choice: "Choice", context: BenchmarkContext) -> None:
        self._choice = choice
        self._say = context.say
        self._visits = _visits(choice, context)
        self.losses: tuple[str, ...] = ()

    def rows(self, cap_share: float) -> list[tuple[Cell, ...]]:
        """Return the rows of one cap: the bounds, then each kind of pilots, inputs and batteries."""
        from benchmarks.peers.acn.options import Batteries, Inputs
        from benchmarks.peers.acn.table import Marks, losses

        choice = self._choice
        first = self._case(cap_share, choice.pilots[0], Inputs.TRUE, Batteries.IDEAL)
        marks = Marks.of(first, choice.n_days)
        self._say(f"{first.network.cap_kw:g} kW: bound {100 * marks.energy.met_share:.2f} %")
        rows, ours = marks.rows(), []
        kinds = product(choice.pilots, choice.inputs, choice.batteries)
        for case in (self._case(cap_share, *kind) for kind in kinds):
            more, outcomes = self._algorithms(case, marks)
            rows += more
            ours += [outcome for outcome in outcomes if outcome.policy == OURS]
        self.losses += losses(marks, ours)
        return rows

    def _case(self, cap_share: float, pilots: "Pilots", inputs: "Inputs", batteries: "Batteries") -> "Case":
        from benchmarks.peers.acn.sessions import stays_of
        from benchmarks.peers.acn.simulate import Case

        choice = self._choice
        stays = stays_of(self._visits, choice.start, choice.end)
        if not stays:
            raise InvalidInputError((Issue("--start", "no session arrives in these days"),))
        return Case(choice.network_at(cap_share, pilots), stays, choice.start, inputs, batteries)

    def _algorithms(self, case: "Case", marks: "Marks") -> "tuple[list[tuple[Cell, ...]], list[Outcome]]":
        from benchmarks.peers.acn.simulate import simulate
        from benchmarks.peers.acn.table import laxity_share

        outcomes, seconds = [], []
        for policy in self._choice.policies:
            started = perf_counter()
            outcome = simulate(case, policy, self._algorithm(policy, case))
            seconds.append(perf_counter() - started)
            outcomes.append(outcome)
            said = f"{case.network.cap_kw:g} kW, {case.network.pilots}, {case.inputs}, {case.batteries}, {policy}"
            self._say(f"{said}: {100 * outcome.met_share:.2f} % in {seconds[-1]:.0f} s")
        laxity = laxity_share(outcomes)
        return [marks.row(one, laxity, s) for one, s in zip(outcomes, seconds, strict=True)], outcomes

    def _algorithm(self, policy: str, case: "Case") -> "Foreign":
        from benchmarks.peers.acn.options import RivalName
        from benchmarks.peers.acn.ours import ours
        from benchmarks.peers.acn.rivals import rival

        if policy not in OURS_ALL:
            return rival(RivalName(policy))
        past = [visit for visit in self._visits if visit.session.departure.median < case.start]
        return ours(case, tuple(past), policy)


def _visits(choice: "Choice", context: BenchmarkContext) -> "tuple[Visit, ...]":
    from benchmarks.replay import read_sessions, visits_of

    frame = read_sessions(choice.sessions or context.data_dir / SESSIONS_FILE, choice.network)
    return visits_of(frame, choice.network_at(1.0, choice.pilots[0]).site)


NOTES: Final = (
    "energy met: of what cars really took; fully met: short of less than 0.1 kWh, as acnportal counts",
    "bound: a linear program that knows the days, any current, ideal batteries, every limit |sum of phasors| <= L",
    "profit: 0.30 USD/kWh, less energy at SCE TOU-EV-4 (March 2019), less its demand charge for days / 30 of a month",
    "switches: a pilot on or off while its car was not fully met, the first start included",
    "over a limit: exact phasor sums of pilots and of currents, the worse, over all limits",
    "gap closed: of that between the better least laxity (as shipped, mended) and the bound",
    "mended: acnportal looks up what its estimator learnt under the wrong key; handed over under the right one",
    "ours with declared inputs plans on what similar sessions before the first day did, never on the declaration",
    "ours_analogues: on the sixty most similar ones, as they were; ours_stated: on the declaration",
    "with true inputs the three of ours are one",
)

BENCHMARK: Final = BenchmarkSpec(
    name="acn",
    summary="Inside ACN-Sim, on its Caltech or JPL network: ours beside its own algorithms and the clairvoyant.",
    needs_data=True,
    run=measure,
    options=OPTIONS,
)
