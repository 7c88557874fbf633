"""What the demonstration ends with: three ways to spend the same day, side by side, and every limit."""

from dataclasses import dataclass

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from benchmarks.demo.day import DEMAND_PER_KW, DemoDay
from benchmarks.demo.outcome import DayOutcome

HEADINGS = (
    "",
    "delivered",
    "of need",
    "cars served",
    "energy cost",
    "per kWh",
    "peak",
    "demand charge",
    "over a limit",
)


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The day under the engine and under its rivals, and what the engine took.

    Parameters
    ----------
    day : DemoDay
    ours : DayOutcome
    rivals : tuple of DayOutcome
    plan_s : tuple of float
        Time from state to schedule of every plan [s].
    n_messages, n_profiles : int
        OCPP requests in both directions, and charging profiles among them.
    """

    day: DemoDay
    ours: DayOutcome
    rivals: tuple[DayOutcome, ...]
    plan_s: tuple[float, ...]
    n_messages: int
    n_profiles: int

    @property
    def is_safe(self) -> bool:
        """Whether the meters never showed more than a limit while the engine was in charge."""
        return self.ours.over_s == 0

    def plan_ms(self, level: float) -> float:
        """Return a quantile of the plan times [ms]."""
        return 1e3 * float(np.quantile(self.plan_s, level)) if self.plan_s else 0.0


def cells_of(outcome: DayOutcome) -> tuple[str, ...]:
    """Return the figures of one way as texts, in the order of :data:`HEADINGS`."""
    return (
        outcome.name,
        f"{outcome.delivered_kwh:.0f} kWh",
        f"{outcome.met_percent:.1f} %",
        f"{outcome.n_met} of {outcome.n_sessions}",
        f"{outcome.energy_cost:.2f} EUR",
        f"{100 * outcome.cost_per_kwh:.1f} ct",
        f"{outcome.peak_kw:.1f} kW",
        f"{DEMAND_PER_KW * outcome.peak_kw:.0f} EUR",
        "never" if outcome.over_s == 0 else f"{outcome.over_s / 60:.0f} min",
    )


def facts_of(result: DemoResult) -> tuple[str, ...]:
    """Return in sentences what the table does not say."""
    day = result.day
    site = (
        f"{len(day.site.evses)} EVSEs with {day.connected_kw:.0f} kW behind a limit of {day.limit_kw:.0f} kW,"
        f" {result.ours.n_sessions} cars that need {day.need_kwh:.0f} kWh; seed {day.seed}"
    )
    plans = (
        f"{len(result.plan_s)} plans, from state to schedule p50 {result.plan_ms(0.5):.0f} ms,"
        f" p95 {result.plan_ms(0.95):.0f} ms"
    )
    profiles = f"{result.n_profiles} of them charging profiles"
    return (
        site,
        "arrivals drawn from a model fitted to 18,524 recorded sessions of ACN-Data (models/demand/arrivals.py)",
        plans,
        f"{result.n_messages} OCPP messages, {profiles}; stations speak 1.6, 2.0.1 and 2.1 in turn",
    )


def report_of(result: DemoResult) -> Group:
    """Return the report for a terminal."""
    blocks: list[RenderableType] = [_ways(result), Text(), _limits(result), Text()]
    blocks += [Text(f"{fact}.", style="dim") for fact in facts_of(result)]
    verdict = Text("No limit was exceeded at any meter.", style="bold green")
    if not result.is_safe:
        verdict = Text(f"A limit was exceeded for {result.ours.over_s:.0f} s.", style="bold red")
    return Group(*blocks, verdict)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1))


def _ways(result: DemoResult) -> Table:
    table = _table("The same day, three ways")
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    table.add_row(*cells_of(result.ours), style="bold")
    for rival in result.rivals:
        red = {len(HEADINGS) - 1: "red"} if rival.over_s else {}
        cells = [Text(cell, red.get(i, "")) for i, cell in enumerate(cells_of(rival))]
        table.add_row(*cells)
    return table


def _limits(result: DemoResult) -> Table:
    """Return the most that each meter has shown, with the engine in charge."""
    table = _table("The most at every meter")
    for heading in ("node", "of", "limit", "gridpilot", *(rival.name for rival in result.rivals)):
        table.add_column(heading, justify="left" if heading in ("node", "of") else "right")
    outcomes = (result.ours, *result.rivals)
    for records in zip(*(outcome.records for outcome in outcomes), strict=True):
        first = records[0]
        unit = "kW" if first.quantity == "kW" else "A"
        shown = [Text(f"{r.most:.1f} {unit}", "red" if r.over_s else "") for r in records]
        table.add_row(first.node_id, first.quantity, f"{first.limit:.0f} {unit}", *shown)
    return table
