"""A plan as a picture, or as a page that needs nothing else: no network, no script."""

import html
import io
from collections.abc import Container, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from api.reports.figures import hour_figures, session_figures, station_parts
from api.reports.plot import plan_figure
from models.errors import ChargingError
from models.state import SiteState
from optimizer.plan import Plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CSS: Final = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #22303c; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .2rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
p.facts { color: #5d6b78; margin: 0 0 1rem; }
svg { width: 100%; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #e6eaee; text-align: right; white-space: nowrap; }
th:first-child, td:first-child, td.text, th.text { text-align: left; white-space: normal; }
th { color: #5d6b78; font-weight: 600; white-space: normal; } .short { color: #b3261e; }
li.note { color: #7a4b00; }
"""


def write_picture(plan: Plan, state: SiteState, path: Path) -> None:
    """Write the plan as PNG, SVG or HTML, as the name of the file says.

    Raises
    ------
    ChargingError
        The file cannot be written.
    """
    try:
        if path.suffix.lower() == ".html":
            path.write_text(plan_page(plan, state), encoding="utf-8")
        else:
            plan_figure(plan, state).savefig(path, format=path.suffix.lower().removeprefix("."))
    except OSError as error:
        raise ChargingError(f"{path}: {error.strerror or error}") from error


def plan_page(plan: Plan, state: SiteState) -> str:
    """Return the plan as one self-contained HTML document."""
    title = f"Charging plan of {plan.site_id}"
    sessions = _sessions(plan, state) if state.sessions else ""
    notes = "".join(f'<li class="note">{html.escape(note)}</li>' for note in plan.notes)
    return page(title, [svg(plan_figure(plan, state)), sessions, _hours(plan, state), f"<ul>{notes}</ul>"])


def page(title: str, blocks: Iterable[str]) -> str:
    """Return a self-contained HTML document; ``blocks`` are markup, ``title`` is text."""
    body = "\n".join(blocks)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_CSS}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def svg(figure: "Figure") -> str:
    """Return a figure as inline SVG."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]], words: Container[str] = ()) -> str:
    """Return a table of texts; columns whose heading is among ``words`` hold sentences, which may be wrapped."""
    classes = [(heading, ' class="text"' if heading in words else "") for heading in headings]
    head = "".join(f"<th{kind}>{html.escape(heading)}</th>" for heading, kind in classes)
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{html.escape(cell)}</td>" for cell, (_, kind) in zip(row, classes, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _sessions(plan: Plan, state: SiteState) -> str:
    headings = ("session", "EVSE", "leaves", "wanted [kWh]", "planned [kWh]", "missing [kWh]", "why")
    rows = (
        (
            session.session_id,
            session.evse_id,
            f"{session.departure:%a %H:%M}",
            f"{session.wanted_kwh:.2f}",
            f"{session.planned_kwh:.2f}",
            f"{session.missing_kwh:.2f}" if session.missing_kwh else "",
            session.why,
        )
        for session in session_figures(plan, state)
    )
    return "<h2>Sessions</h2>" + table(headings, rows, words=("why",))


def _hours(plan: Plan, state: SiteState) -> str:
    parts = station_parts(plan, state)
    headings = (
        "hour",
        "load",
        *(part.name for part in parts),
        "site",
        "limit",
        f"price [{plan.prices.currency}/kWh]",
    )
    rows = (
        (
            f"{hour.start:%a %H:%M}",
            f"{hour.load_kw:.1f}",
            *(f"{power_kw:.1f}" if power_kw > 0 else "" for power_kw in hour.parts_kw),
            f"{hour.total_kw:.1f}",
            f"{hour.limit_kw:.1f}" if hour.limit_kw < float("inf") else "",
            f"{hour.price_per_kwh:.3f}",
        )
        for hour in hour_figures(plan, state, parts)
    )
    return "<h2>Mean power by hour [kW]</h2>" + table(headings, rows)
