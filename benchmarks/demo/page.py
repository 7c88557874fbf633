"""The page that the demonstration leaves: the day in three plots and two tables, without network or script."""

import html
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from api.reports.page import page, svg, table
from benchmarks.demo.day import PANELS, ZONE, DemoDay
from benchmarks.demo.outcome import DayOutcome, grid_of
from benchmarks.demo.report import HEADINGS, DemoResult, cells_of, facts_of
from models.arrays import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#22303c"
FAINT: Final = "#8a96a3"
GRID: Final = "#e6eaee"
LIMIT: Final = "#b3261e"
BUILDING: Final = "#c9d1d9"
PANEL_COLOURS: Final = ("#2a6f97", "#2f9e6e", "#e9b44c")
RIVAL_COLOURS: Final = ("#a44a8a", "#6b7785")
PRICE: Final = "#6a5acd"
_SIZE: Final = (11.0, 9.2)
_SMALL: Final = 9
_VISIBLE: Final = 0.01


def demo_page(result: DemoResult) -> str:
    """Return the page as one self-contained HTML document."""
    facts = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts_of(result))
    ways = table(HEADINGS, [cells_of(outcome) for outcome in (result.ours, *result.rivals)])
    verdict = (
        "No limit was exceeded at any meter."
        if result.is_safe
        else f"A limit was exceeded for {result.ours.over_s:.0f} s."
    )
    blocks = (
        "<h1>A day of charging behind a tight limit</h1>",
        f'<p class="facts">{html.escape(verdict)}</p>',
        ways,
        svg(day_figure(result)),
        f"<ul>{facts}</ul>",
        "<h2>The most at every meter</h2>",
        _limits(result),
    )
    return page("Gridpilot: a day of charging", blocks)


def day_figure(result: DemoResult) -> "Figure":
    """Return the picture of the day: power under the limit, prices, and every EVSE."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, facecolor="white")
    power, price, evses = figure.subplots(3, 1, sharex=True, height_ratios=(2.3, 0.7, 2.0))
    power.set_title("the site, mean of each quarter of an hour", loc="left", fontsize=_SMALL, color=INK)
    figure.subplots_adjust(left=0.085, right=0.985, top=0.97, bottom=0.045, hspace=0.16)
    hours = _hours(result.day)
    _draw_power(power, result, hours)
    _draw_price(price, result.day, hours)
    _draw_evses(evses, result, hours)
    evses.set_xlim(hours[0], hours[-1])
    evses.set_xticks(np.arange(np.ceil(hours[0]), hours[-1] + 1e-9, 2.0))
    evses.xaxis.set_major_formatter(lambda hour, _: f"{int(hour) % 24:02d}:00")
    return figure


def _hours(day: DemoDay) -> FloatArray:
    """Edges of the slots as local hours since the first midnight, shape (n_slots + 1,)."""
    grid = grid_of(day)
    local = grid.start.astimezone(ZoneInfo(ZONE))
    return np.asarray(local.hour + grid.step_h * np.arange(grid.n_slots + 1), dtype=np.float64)


def _draw_power(axes: "Axes", result: DemoResult, hours: FloatArray) -> None:
    """Draw what the site drew: the building, the cars by panel, and the rivals as lines."""
    ours = result.ours
    base_kw = ours.building_kw
    axes.stairs(base_kw, hours, fill=True, color=BUILDING, label="building")
    for panel, colour in zip(PANELS, PANEL_COLOURS, strict=True):
        rows = [evse_id.startswith(panel.name) for evse_id in result.day.site.evse_ids]
        top_kw = base_kw + ours.evse_kw[rows].sum(axis=0)
        axes.stairs(top_kw, hours, baseline=base_kw, fill=True, color=colour, label=f"cars, {panel.name}")
        base_kw = top_kw
    for rival, colour in zip(result.rivals, RIVAL_COLOURS, strict=True):
        axes.stairs(rival.site_kw, hours, baseline=None, color=colour, linewidth=1.4, label=rival.name)
    limit_kw = result.day.limit_kw
    axes.axhline(limit_kw, color=LIMIT, linewidth=1.8, label=f"limit {limit_kw:.0f} kW")
    axes.set_ylim(0, 1.18 * max(limit_kw, *(rival.peak_kw for rival in result.rivals), ours.peak_kw))
    axes.legend(ncols=4, loc="upper left", fontsize=_SMALL, frameon=False, labelcolor=INK)
    _style(axes, "site [kW]")


def _draw_price(axes: "Axes", day: DemoDay, hours: FloatArray) -> None:
    price = 100 * day.tariff(grid_of(day)).import_per_kwh
    axes.stairs(price, hours, baseline=None, color=PRICE, linewidth=1.6)
    axes.set_ylim(0, 1.15 * price.max())
    _style(axes, "price [ct/kWh]")


def _draw_evses(axes: "Axes", result: DemoResult, hours: FloatArray) -> None:
    """Draw when a car was there and when it drew power; the deeper the colour, the more."""
    day, ours = result.day, result.ours
    ids = day.site.evse_ids
    rows = {evse_id: row for row, evse_id in enumerate(ids)}
    midnight = day.start.astimezone(ZoneInfo(ZONE)).replace(hour=0, minute=0)
    for session in day.sessions:
        first, last = (
            (moment - midnight).total_seconds() / 3600
            for moment in (session.arrival, session.departure.median)
        )
        axes.barh(rows[session.evse_id], last - first, left=first, height=0.82, color="#eef2f5", linewidth=0)
    most_kw = [evse.max_current_a * len(evse.phases) * day.site.voltage_v / 1000 for evse in day.site.evses]
    share = ours.evse_kw / np.array(most_kw)[:, None]
    _draw_cells(axes, share, hours, ids)
    axes.set_yticks(range(len(ids)), ids, fontsize=7.5)
    axes.set_ylim(len(ids) - 0.4, -0.6)
    axes.set_title(
        "every EVSE: pale while a car is plugged in, deep while it draws power",
        loc="left",
        fontsize=_SMALL,
        color=INK,
    )
    _style(axes, "")
    axes.grid(visible=False)


def _draw_cells(axes: "Axes", share: FloatArray, hours: FloatArray, ids: tuple[str, ...]) -> None:
    from matplotlib.colors import to_rgb

    for row, evse_id in enumerate(ids):
        colour = next(
            c for panel, c in zip(PANELS, PANEL_COLOURS, strict=True) if evse_id.startswith(panel.name)
        )
        for slot in np.flatnonzero(share[row] > _VISIBLE):
            alpha = 0.25 + 0.75 * min(float(share[row, slot]), 1.0)
            width = hours[slot + 1] - hours[slot]
            axes.barh(
                row,
                width,
                left=hours[slot],
                height=0.82,
                align="center",
                color=(*to_rgb(colour), alpha),
                linewidth=0,
            )


def _style(axes: "Axes", label: str) -> None:
    axes.set_ylabel(label, color=INK, fontsize=_SMALL)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=_SMALL, length=3, color=FAINT)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _limits(result: DemoResult) -> str:
    outcomes: tuple[DayOutcome, ...] = (result.ours, *result.rivals)
    rows = []
    for records in zip(*(outcome.records for outcome in outcomes), strict=True):
        unit = "kW" if records[0].quantity == "kW" else "A"
        shown = (
            f"{r.most:.1f} {unit}" + (f" ({r.over_s / 60:.0f} min over)" if r.over_s else "") for r in records
        )
        rows.append((f"{records[0].node_id} {records[0].quantity}", f"{records[0].limit:.0f} {unit}", *shown))
    return table(("meter", "limit", *(outcome.name for outcome in outcomes)), rows)
