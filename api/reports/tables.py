"""A plan as tables for the terminal."""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import numpy as np
from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.reports.figures import Part, energy_cost, hour_figures, session_figures, station_parts
from models.state import SiteState
from models.timegrid import TimeGrid
from optimizer.plan import BindingLimit, Plan
from optimizer.solver.outcome import SolveStatus

_STATUS_STYLE: Final = MappingProxyType(
    {
        SolveStatus.PROVED: "green",
        SolveStatus.FEASIBLE: "green",
        SolveStatus.DISPATCHED: "yellow",
        SolveStatus.CURTAILED: "red",
    }
)
_MAX_COLUMNS = 6


def plan_tables(plan: Plan, state: SiteState, notes: tuple[str, ...] = ()) -> Group:
    """Return the whole plan: headline, hours, sessions, binding limits and notes, the given ones first."""
    parts = station_parts(plan, state, _MAX_COLUMNS)
    blocks: list[RenderableType] = [_headline(plan, state), _hours(plan, state, parts)]
    if state.sessions:
        blocks.append(_sessions(plan, state))
    if plan.binding:
        blocks.append(_binding(plan.binding, plan.schedule.grid, state.site.zone))
    blocks.extend(Text.assemble(("! ", "yellow"), note) for note in (*notes, *plan.notes))
    return Group(*_spaced(blocks))


def _headline(plan: Plan, state: SiteState) -> Text:
    report, currency = plan.report, plan.prices.currency
    total_kw = plan.load_kw + plan.schedule.power_kw.sum(axis=0)
    took_ms = (report.update_s + report.run_s + report.dispatch_s) * 1e3
    return Text.assemble(
        (plan.site_id, "bold"),
        f"  {len(state.site.evses)} EVSEs, {len(state.sessions)} sessions, times in {state.site.zone}\n",
        ("status ", "dim"),
        (report.status.value, _STATUS_STYLE[report.status]),
        (f"  gap {report.gap:.1e}" if report.gap else ""),
        ("  in ", "dim"),
        f"{took_ms:.1f} ms",
        ("  energy ", "dim"),
        f"{plan.schedule.energy_kwh.sum():.1f} kWh",
        ("  costs ", "dim"),
        f"{energy_cost(plan, state):.2f} {currency}",
        ("  peak ", "dim"),
        f"{total_kw.max():.1f} kW",
    )


def _hours(plan: Plan, state: SiteState, parts: tuple[Part, ...]) -> Table:
    title = f"Mean power by hour [kW], price [{plan.prices.currency}/kWh]"
    table = new_table(title)
    table.add_column("hour", justify="right", no_wrap=True)
    for name in ("load", *(part.name for part in parts)):
        table.add_column(escape(name), justify="right", overflow="fold")
    table.add_column("site", justify="right", style="bold")
    table.add_column("limit", justify="right")
    table.add_column("price", justify="right", style="cyan")
    last_day = None
    for hour in hour_figures(plan, state, parts):
        label = f"{hour.start:%H:%M}" if hour.start.date() == last_day else f"{hour.start:%a %H:%M}"
        last_day = hour.start.date()
        table.add_row(
            label,
            f"{hour.load_kw:.1f}",
            *(f"{power_kw:.1f}" if power_kw > 0 else "·" for power_kw in hour.parts_kw),
            f"{hour.total_kw:.1f}",
            f"{hour.limit_kw:.1f}" if np.isfinite(hour.limit_kw) else "–",
            f"{hour.price_per_kwh:.3f}",
        )
    return table


def _sessions(plan: Plan, state: SiteState) -> Table:
    table = new_table("Sessions, energy [kWh]")
    for name, justify in (("session", "left"), ("EVSE", "left"), ("leaves", "left")):
        table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]  # rich names the words it takes
    for name in ("wanted", "planned", "missing"):
        table.add_column(name, justify="right")
    table.add_column("why")
    for session in session_figures(plan, state):
        short = session.missing_kwh > 0
        table.add_row(
            escape(session.session_id),
            escape(session.evse_id),
            f"{session.departure:%a %H:%M}",
            f"{session.wanted_kwh:.2f}",
            f"{session.planned_kwh:.2f}",
            f"[red]{session.missing_kwh:.2f}[/red]" if short else "·",
            escape(session.why),
        )
    return table


def _binding(limits: Iterable[BindingLimit], grid: TimeGrid, zone: str) -> Table:
    table = new_table("Binding limits")
    for name in ("node", "of", "set by", "when"):
        table.add_column(name, overflow="fold")
    table.add_column("worth/kWh", justify="right")
    starts = (*grid.local_starts(zone), None)
    for limit in limits:
        first = starts[min(limit.slots)]
        when = (
            f"{first:%H:%M} and {len(limit.slots) - 1} more slots"
            if len(limit.slots) > 1
            else f"{first:%H:%M}"
        )
        worth = max(limit.shadow_price_per_kwh, key=abs)
        table.add_row(escape(limit.node_id), limit.quantity, escape(limit.source), when, f"{worth:.3f}")
    return table


def new_table(title: str) -> Table:
    """Return an empty table that is narrow enough for a terminal of 80 columns."""
    return Table(
        title=escape(title),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
        collapse_padding=True,
        pad_edge=False,
    )


def _spaced(blocks: list[RenderableType]) -> list[RenderableType]:
    spaced: list[RenderableType] = []
    for block in blocks:
        spaced.extend((block, Text()) if isinstance(block, Table) else (block,))
    return spaced
