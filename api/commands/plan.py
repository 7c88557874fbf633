"""``gridpilot plan``: one plan from a file."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from api.commands.files import faults_told, read_state, write_text
from models.errors import ChargingError

if TYPE_CHECKING:
    from api.planning.service import Decision


def plan(state: Path, out: Path | None, plot: Path | None) -> None:
    """Plan the state in a file; show it, and write it where asked."""
    with faults_told(str(state)):
        if plot is not None and plot.suffix.lower() not in (".png", ".html", ".svg"):
            raise ChargingError(f"--plot {plot}: a name that ends in .png, .svg or .html is needed")
        decision = _decide(state)
        _show(decision)
        if out is not None:
            from api.planning.routes import plan_out

            write_text(out, plan_out(decision).model_dump_json(indent=2) + "\n")
        if plot is not None:
            from api.reports.page import write_picture

            told = replace(decision.plan, notes=(*decision.request.notes, *decision.plan.notes))
            write_picture(told, decision.request.state, plot)


def _decide(state: Path) -> "Decision":
    request = read_state(state).to_domain()
    from api.planning.planner import Planner
    from api.planning.service import decide

    planner = Planner(max_live=1, n_threads=1)
    try:
        return decide(planner, request)
    finally:
        planner.close()


def _show(decision: "Decision") -> None:
    from api.reports.tables import plan_tables

    Console().print(plan_tables(decision.plan, decision.request.state, decision.request.notes))
