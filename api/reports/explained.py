"""Reasons and answers to what-if as tables for the terminal."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from api.reports.tables import new_table
from optimizer.giving import Giving, giving_sentence
from optimizer.plan import Plan
from optimizer.reasons import Reason
from optimizer.sentences import sentence_of
from optimizer.what_if import WhatIf


def reasons_table(
    reasons: Iterable[Reason], giving: Iterable[Giving], plan: Plan, zone: str
) -> RenderableType:
    """Return why sessions charge when they do, and why they give back."""
    table = new_table("Why")
    for name in ("session", "because of", "so it"):
        table.add_column(name, overflow="fold")
    for reason in reasons:
        sentence = sentence_of(reason, plan.schedule.grid, zone, plan.prices.currency)
        table.add_row(escape(reason.session_id), escape(f"{reason.kind}: {reason.subject}"), escape(sentence))
    for one in giving:
        sentence = giving_sentence(one, plan.schedule.grid, zone, plan.prices.currency)
        table.add_row(escape(one.session_id), "spread of prices", escape(sentence))
    return table


def what_if_table(found: WhatIf) -> RenderableType:
    """Return what another limit would change."""
    change = found.change
    extra = f"{change.extra_kw:+g} kW" if change.extra_kw else f"{change.extra_a:+g} A"
    said = f"What if {change.node_id} had {extra}: {found.energy_kwh:+.2f} kWh"
    if found.objective_change is not None:
        said += f", objective {found.objective_change:+.4g}"
    if found.foretold is not None:
        said += f" (shadow prices foretell {found.foretold:+.4g})"
    if not found.sessions:
        return Text(f"{said}; no session would get another energy")
    table = new_table("Energy by session [kWh]")
    table.add_column("session", overflow="fold")
    for name in ("now", "then", "change"):
        table.add_column(name, justify="right")
    for one in found.sessions:
        change_kwh = one.after_kwh - one.before_kwh
        row = (f"{one.before_kwh:.2f}", f"{one.after_kwh:.2f}", f"{change_kwh:+.2f}")
        table.add_row(escape(one.session_id), *row)
    return Group(Text(said), table)
