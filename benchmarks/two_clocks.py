"""Hard days at the Caltech garage: with plans alone, with the fast clock between them, and rivals in both ways.

Recorded sessions (ACN-Data, September 2019) behind a limit that cannot serve them all. Cars ramp, start late,
taper, stay below their pilots, and some sleep; meter values are late and noisy; stations go deaf, greedy or
offline; limits fall without notice (:mod:`benchmarks.hardships`).
"""

from dataclasses import replace
from datetime import datetime, timedelta
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec, Cell
from benchmarks.sites import site_named

if TYPE_CHECKING:
    from benchmarks.policies import PolicyName
    from optimizer.closed_loop import Believe, Exceedance, LoopOptions, LoopResult, World

SESSIONS_FILE: Final = "forecasting/sessions_acn.parquet"
START: Final = datetime(2019, 9, 4, tzinfo=ZoneInfo("America/Los_Angeles"))
METER_S: Final = 10.0
"""Time between meter values, and between decisions of the fast clock [s]."""

N_EVSES: Final = 100
N_TICKS: Final = 2000

COLUMNS: Final = (
    "belief",
    "policy",
    "clocks",
    "energy met [%]",
    "sessions met [%]",
    "over a rating [s]",
    "longest [s]",
    "worst [x]",
    "beyond the fuse",
    "over a signal, longest [s]",
    "beyond 60 s",
    "plan p50 [ms]",
    "plan p99 [ms]",
    "fast p50 [ms]",
    "fast p99 [ms]",
    "pilots sent per session",
    "switches per session",
    "run [s]",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Replay the days with every policy, with one clock and with two."""
    from benchmarks.beliefs import Belief
    from benchmarks.policies import PolicyName

    n_days = 1 if context.smoke else int(context.options["days"][0])
    rows: list[tuple[Cell, ...]] = []
    policies = (PolicyName.OURS, PolicyName.LEAST_LAXITY) if context.smoke else tuple(PolicyName)
    for belief in (Belief(name) for name in context.options["belief"][: 1 if context.smoke else None]):
        for name in policies:
            for n_clocks in (1,) if name is PolicyName.UNCONTROLLED else (1, 2):
                rows.append(_row(context, belief, name, n_clocks, n_days))
                context.say(f"{belief}, {name}, {n_clocks}: {rows[-1][3]} % met in {rows[-1][-1]:.0f} s")
    return BenchmarkReport(
        "Hard days at the Caltech garage: plans alone, and the fast clock between them",
        COLUMNS,
        tuple(rows),
        _notes(context, n_days),
    )


def _row(
    context: BenchmarkContext, belief: str, name: "PolicyName", n_clocks: int, n_days: int
) -> tuple[Cell, ...]:
    from benchmarks.policies import policy_named
    from optimizer.closed_loop import run, run_two_clocks

    world, believe = hard_days(context, belief, n_days)
    options = _loop(context.seed)
    policy = policy_named(name, world.site)
    started = perf_counter()
    result = (run if n_clocks == 1 else run_two_clocks)(policy, world, believe, options)
    run_s = perf_counter() - started
    return (belief, str(name), n_clocks, *_figures(result, world), run_s)


def hard_days(context: BenchmarkContext, belief: str, n_days: int) -> "tuple[World, Believe]":
    """Return the days that every policy meets, and what it is told of them."""
    from benchmarks import hardships
    from benchmarks.beliefs import Belief
    from benchmarks.replay import ReplayOptions, read_sessions, visits_of, world_of

    cap_kw = float(context.options["cap"][0])
    site = hardships.hard_site(site_named("caltech", cap_kw))
    visits = visits_of(read_sessions(context.data_dir / SESSIONS_FILE, "caltech"), site)
    span = (START, START + timedelta(days=n_days))
    world, believe = world_of(visits, site, ReplayOptions(*span, Belief(belief), expected_peak_kw=cap_kw))
    hard = replace(
        world,
        car_of=hardships.quirky_car(context.seed),
        faults=hardships.faults(site, START, n_days, context.seed),
        signals=hardships.signals(site, START, n_days),
    )
    return hard, believe


def _loop(seed: int) -> "LoopOptions":
    from benchmarks.hardships import DELAY
    from optimizer.closed_loop import LoopOptions

    return LoopOptions(meter_s=METER_S, fast_s=METER_S, delay=DELAY, seed=seed)


def _figures(result: "LoopResult", world: "World") -> tuple[Cell, ...]:
    ratings = [found for found in result.exceedances if found.source == "rating"]
    signals = [found for found in result.exceedances if found.source != "rating"]
    n_sessions = max(len(result.sessions), 1)
    return (
        round(100 * result.met_share, 2),
        round(100 * result.fully_met_share, 1),
        max((found.seconds for found in ratings), default=0.0),
        max((found.longest_s for found in ratings), default=0.0),
        max((1.0 + found.worst / _rating(world, found) for found in ratings), default=None),
        sum(found.is_beyond_margin for found in ratings),
        max((found.longest_s for found in signals), default=0.0),
        sum(found.is_beyond_margin for found in signals),
        result.decision_ms(0.5),
        result.decision_ms(0.99),
        result.fast_ms(0.5) if result.fast_s.size else None,
        result.fast_ms(0.99) if result.fast_s.size else None,
        result.n_told / n_sessions,
        result.switches_per_session,
    )


def _rating(world: "World", found: "Exceedance") -> float:
    node = next(node for node in world.site.nodes if node.node_id == found.node_id)
    if found.quantity == "kW":
        return node.limit_kw or 0.0
    return (node.limit_a or (0.0,) * 3)[int(found.quantity[1]) - 1]


def time_to_decide_ms(n_evses: int, n_ticks: int, seed: int) -> tuple[float, float, float]:
    """Return what the fast clock takes to learn from a sample of every EVSE and to decide [ms].

    p50 and p99 by the clock on the wall, and p99 of the processor's time.
    """
    import numpy as np

    from benchmarks.moving_day import MovingDay
    from models.metering import MeterSamples
    from optimizer.fast import Envelope, FastClock
    from optimizer.mpc import Controller

    rng = np.random.default_rng(seed)
    state = MovingDay.drawn(n_evses, 96, 1, seed).state(0)
    clock, now_s = FastClock(state.site), state.now.timestamp()
    for session in state.sessions:
        clock.plugged(session, now_s)
    clock.follow(Envelope.of_plan(state, Controller(state.site).step(state)), state)
    rows, wall_s, processor_s = np.arange(n_evses), [], []
    wants_a = rng.uniform(0.0, 40.0, n_evses)
    for _ in range(n_ticks + 1):
        now_s += METER_S
        wants_a = np.where(rng.random(n_evses) < 0.05, rng.uniform(0.0, 40.0, n_evses), wants_a)  # noqa: PLR2004
        drawn_a = np.minimum(clock.watch.book.pilot_a, wants_a)
        lines_a = np.column_stack((drawn_a, np.zeros((n_evses, 2))))
        samples = MeterSamples(rows, np.full(n_evses, now_s - 1.0), lines_a, 0.23 * drawn_a)
        started, worked = perf_counter(), thread_time()
        clock.meter(samples)
        clock.decide(now_s)
        wall_s.append(perf_counter() - started)
        processor_s.append(thread_time() - worked)
    p50, p99 = np.quantile(wall_s[1:], [0.5, 0.99])  # the first one loads the kernels
    return 1e3 * float(p50), 1e3 * float(p99), 1e3 * float(np.quantile(processor_s[1:], 0.99))


def _notes(context: BenchmarkContext, n_days: int) -> tuple[str, ...]:
    p50, p99, cpu99 = time_to_decide_ms(N_EVSES, 50 if context.smoke else N_TICKS, context.seed)
    return (
        f"arrivals of {n_days} local days from {START:%Y-%m-%d} on, behind {context.options['cap'][0]} kW",
        "one clock: a decision every 5 min, at each plug and each signal; it knows what meters showed by then",
        "two clocks: the same decisions, and the fast clock every 10 s between them",
        "cars ramp at 0.5 to 4 A/s, start 3 to 40 s late, taper over 0.5 to 6 kWh",
        "40 % of the cars stay 3 or 7 % below their pilot, 5 % fall asleep after half an hour of pause",
        "meter values every 10 s, 4 s late on average (exponential), 1 % get lost, noise 0.05 A",
        "a day's stations: three deaf for 1 h, four greedy (25 %) for 2 h, six offline for 1 h",
        "an offline station does what it was told for a minute, then gives its safe share of 6 A",
        "each day the site's limit falls to half for 30 min and to nothing for 10 min, without notice",
        "over a rating: the greatest of all nodes and quantities, metered over spans of 10 s at most",
        "beyond the fuse: quantities that used up what a gG fuse holds for sure; without a fuse all would count",
        "beyond 60 s: signals that were not followed within a minute",
        "fast: time of the processor; plan: time on the wall, which a busy machine makes longer",
        f"{N_EVSES} EVSEs, a sample of each at every tick: p50 {p50:.2f}, p99 {p99:.2f}, processor p99 {cpu99:.2f} ms",
    )


BENCHMARK: Final = BenchmarkSpec(
    name="two_clocks",
    summary="Hard days at a 54-EVSE garage: plans alone, the fast clock between them, rivals; exceedances by the fuse.",
    needs_data=True,
    run=measure,
    options=(
        BenchmarkOption("days", "how many days", ("3",)),
        BenchmarkOption("cap", "limit of the garage [kW]", ("30",)),
        BenchmarkOption("belief", "what is believed of cars: actual, stated or median", ("actual", "stated")),
    ),
)
