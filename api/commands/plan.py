"""``gridpilot plan``: one plan from a file."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from api.commands.files import faults_told, read_state, write_text
from models.errors import ChargingError

if TYPE_CHECKING:
    from api.planning.service import Decision


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked about a plan: why a session (or all), and what another limit would change."""

    why: str | None = None
    what_if: str | None = None


def plan(state: Path, out: Path | None, plot: Path | None, questions: Questions | None = None) -> None:
    """Plan the state in a file; show it, answer what is asked, and write it where asked."""
    with faults_told(str(state)):
        if plot is not None and plot.suffix.lower() not in (".png", ".html", ".svg"):
            raise ChargingError(f"--plot {plot}: a name that ends in .png, .svg or .html is needed")
        decision = _decide(state)
        _show(decision)
        if questions is not None:
            _explain(decision, questions)
        if out is not None:
            from api.planning.routes import plan_out, with_optimum

            answer = with_optimum(plan_out(decision), decision)
            write_text(out, answer.model_dump_json(indent=2) + "\n")
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
        decision = decide(planner, request)
        return decide(planner, request) if planner.settle() else decision
    finally:
        planner.close()


def _show(decision: "Decision") -> None:
    from api.reports.tables import plan_tables

    Console().print(plan_tables(decision.plan, decision.request.state, decision.request.notes))


def _explain(decision: "Decision", questions: Questions) -> None:
    """Answer questions on the terminal.

    Raises
    ------
    ChargingError
        There is no such session or node, or the change cannot be read.
    """
    from api.reports.explained import reasons_table, what_if_table
    from optimizer.what_if import change_of, what_if

    plan, state = decision.plan, decision.request.state
    if questions.why is not None:
        asked = [one for one in plan.reasons if questions.why in ("all", one.session_id)]
        giving = [one for one in plan.giving if questions.why in ("all", one.session_id)]
        if not asked and not giving:
            known = ", ".join(one.session_id for one in plan.reasons) or "none"
            raise ChargingError(f"--why {questions.why}: no such session is planned; there are: {known}")
        Console().print(reasons_table(asked, giving, plan, state.site.zone))
    if questions.what_if is not None:
        change = change_of(questions.what_if)
        Console().print(what_if_table(what_if(state, change, decision.request.options)))
