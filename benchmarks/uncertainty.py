"""What is lost to not knowing: the same days with more and less told to the plan, inside ACN-Sim."""

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from benchmarks.peers.acn.choice import Choice
    from benchmarks.peers.acn.money import Money
    from benchmarks.peers.acn.simulate import Case, Outcome
    from benchmarks.tariffs import Tariff
    from benchmarks.uncertain.ways import Way
    from models.demand.arrivals import Visit

SESSIONS_FILE: Final = "forecasting/sessions_acn.parquet"
LEAST_COST: Final = 1e-9

COLUMNS: Final = (
    "network",
    "cap [kW]",
    "tariff",
    "way",
    "energy met [%]",
    "of everybody known [%]",
    "energy cost [USD]",
    "cost of a kWh, against everybody known [%]",
    "switches per session",
    "over a limit [A min]",
    "decision p50 [ms]",
    "decision p99 [ms]",
    "run [s]",
)


class _Group(NamedTuple):
    """Days at one network under one tariff: outcomes by way, and seconds of each."""

    case: "Case"
    tariff: str
    money: "Money"
    bound: "Outcome"
    outcomes: "dict[Way, Outcome]"
    run_s: "dict[Way, float]"


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Run every way on the same days.

    Raises
    ------
    InvalidInputError
        A value of an option cannot be used, or no session lies in the days.
    PortalMissingError
        acnportal is not installed.
    """
    rows: list[tuple[Cell, ...]] = []
    notes: list[str] = []
    for group in _groups(context):
        rows += _rows(group)
        notes.append(_losses(group))
    title = "Days in ACN-Sim, with more and less known of them"
    return BenchmarkReport(title, COLUMNS, tuple(rows), (*notes, *NOTES))


def _groups(context: BenchmarkContext) -> "Iterator[_Group]":
    """Yield every network under every tariff."""
    from benchmarks.peers.acn.bound import Clairvoyant
    from benchmarks.peers.acn.choice import Choice
    from benchmarks.peers.acn.money import Money
    from benchmarks.tariffs import noon_valley, sce_tou_ev_4

    tariffs = {"sce_tou_ev_4": sce_tou_ev_4, "noon_valley": noon_valley}
    words = context.options
    n_days = 1 if context.smoke else int(words["days"][0])
    for place in words["network"][: 1 if context.smoke else None]:
        network, cap_kw = place.split(":")
        given = {"network": (network,), "cap": (cap_kw,), "pilots": ("quantised",), "start": words["start"]}
        choice = Choice.of(given | {"days": (str(n_days),), "inputs": ("true",)})
        visits = _visits(choice, context)
        bound = Clairvoyant(_case(choice, visits)).most_energy()
        before: _Group | None = None
        for name in words["tariff"][: 1 if context.smoke else None]:
            money = Money.of(bound.case, n_days, tariffs[name])
            group = _Group(bound.case, name, money, bound, {}, {})
            _run(context, group, _Days(choice, visits, tariffs[name]), before)
            before = group
            yield group


class _Days(NamedTuple):
    """What was chosen, all that was recorded, and the tariff."""

    choice: "Choice"
    visits: "tuple[Visit, ...]"
    tariff: "Tariff"


def _run(context: BenchmarkContext, group: _Group, days: _Days, before: _Group | None) -> None:
    """Run every way and keep what came of it; what does not look at prices is taken from the tariff before."""
    from dataclasses import replace

    from benchmarks.peers.acn.simulate import simulate
    from benchmarks.uncertain.ways import Planner, Way

    for way in tuple(Way)[: 3 if context.smoke else None]:
        if before is not None and not way.sees_prices:
            group.outcomes[way], group.run_s[way] = before.outcomes[way], before.run_s[way]
            continue
        case = replace(_case(days.choice, days.visits), inputs=way.inputs)
        algorithm = Planner(case, days.visits, days.tariff).algorithm(way)
        started = perf_counter()
        group.outcomes[way] = simulate(case, str(way), algorithm)
        group.run_s[way] = perf_counter() - started
        met = 100 * group.outcomes[way].met_share
        context.say(f"{case.network.name}, {group.tariff}, {way}: {met:.2f} % in {group.run_s[way]:.0f} s")


def _rows(group: _Group) -> list[tuple[Cell, ...]]:
    """Return the bound and every way as rows."""
    from benchmarks.uncertain.ways import Way

    known = group.outcomes.get(Way.CLAIRVOYANT, group.bound)
    named: list[tuple[str, Outcome, float | None]] = [
        ("bound: everything known, any current", group.bound, None)
    ]
    named += [(str(way), outcome, group.run_s[way]) for way, outcome in group.outcomes.items()]
    return [_row(group, name, outcome, known, run_s) for name, outcome, run_s in named]


def _row(
    group: _Group, name: str, outcome: "Outcome", known: "Outcome", run_s: float | None
) -> tuple[Cell, ...]:
    per_kwh, known_per_kwh = (_per_kwh(group.money, one) for one in (outcome, known))
    network = group.case.network
    return (
        str(network.name),
        round(network.cap_kw, 2),
        group.tariff,
        name,
        round(100 * outcome.met_share, 2),
        round(100 * outcome.met_share / known.met_share, 2),
        round(group.money.energy_cost(outcome.power_kw), 2),
        round(100 * (per_kwh / max(known_per_kwh, LEAST_COST) - 1), 2),
        round(outcome.switches_per_session, 2),
        round(outcome.over_a_min, 3),
        *((outcome.decision_ms(0.5), outcome.decision_ms(0.99)) if run_s is not None else (None, None)),
        None if run_s is None else round(run_s, 1),
    )


def _per_kwh(money: "Money", outcome: "Outcome") -> float:
    return money.energy_cost(outcome.power_kw) / max(float(outcome.delivered_kwh.sum()), LEAST_COST)


def _losses(group: _Group) -> str:
    """Tell where energy is lost between the bound and what is delivered with forecasts, of the steps that were run."""
    from benchmarks.uncertain.ways import Way

    before, lost = group.bound.met_share, []
    steps = (("rounding", Way.CLAIRVOYANT), ("horizon", Way.EXPECTING), ("forecast", Way.FORECAST))
    for name, way in steps:
        if way in group.outcomes:
            share = group.outcomes[way].met_share
            lost.append(f"{100 * (before - share):.2f} to {name}")
            before = share
    where = f"{group.case.network.name}, {group.case.network.cap_kw:g} kW, {group.tariff}"
    return f"{where}: points of energy lost from the bound on: {', '.join(lost)}"


def _case(choice: "Choice", visits: "tuple[Visit, ...]") -> "Case":
    from benchmarks.peers.acn.options import Batteries, Inputs
    from benchmarks.peers.acn.sessions import stays_of
    from benchmarks.peers.acn.simulate import Case
    from models.errors import InvalidInputError, Issue

    stays = stays_of(visits, choice.start, choice.end)
    if not stays:
        raise InvalidInputError((Issue("--start", "no session arrives in these days"),))
    network = choice.network_at(choice.cap_shares[0], choice.pilots[0])
    return Case(network, stays, choice.start, Inputs.TRUE, Batteries.IDEAL)


def _visits(choice: "Choice", context: BenchmarkContext) -> "tuple[Visit, ...]":
    from pathlib import Path

    from benchmarks.replay import read_sessions, visits_of

    words = context.options["sessions"]
    path = Path(" ".join(words)) if words else context.data_dir / SESSIONS_FILE
    return visits_of(read_sessions(path, choice.network), choice.network_at(1.0, choice.pilots[0]).site)


OPTIONS: Final = (
    BenchmarkOption(
        "sessions",
        "recorded sessions, .parquet or .csv; unless given, those of GRIDPILOT_DATA",
        names_data=True,
    ),
    BenchmarkOption(
        "network", "caltech:KW or jpl:KW, what the transformers may carry", ("caltech:30", "jpl:60")
    ),
    BenchmarkOption("tariff", "sce_tou_ev_4, noon_valley", ("sce_tou_ev_4", "noon_valley")),
    BenchmarkOption("start", "first local day", ("2019-06-03",)),
    BenchmarkOption("days", "how many", ("1",)),
)

NOTES: Final = (
    "energy met: of what cars really took; real pilots, ideal batteries, a decision every 5 minutes, plans of 16 h",
    "known: true departure and need of who is here; forecast: what similar sessions before the first day did",
    "expected: mean of past days that were alike, by the time of day; scenarios: 6 such days, each as it was",
    "lost to rounding: everybody is known; to the horizon: others are expected; to the forecast: present ones too",
    "sce_tou_ev_4: dear in the afternoon; noon_valley: made up, 0.08 USD/kWh from 11 to 15 h, 0.25 otherwise",
)

BENCHMARK: Final = BenchmarkSpec(
    name="uncertainty",
    summary="What is lost to not knowing cars: present ones forecast, others expected, as scenarios, or known.",
    needs_data=True,
    run=measure,
    options=OPTIONS,
)
