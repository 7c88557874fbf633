"""A plan as a picture: station power stacked under the limit, prices below."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from api.reports.figures import SessionFigures, session_figures, station_parts
from models.arrays import FloatArray, frozen
from models.state import SiteState
from optimizer.plan import Plan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK: Final = "#22303c"
FAINT: Final = "#8a96a3"
_GRID: Final = "#e6eaee"
_LOAD: Final = "#c9d1d9"
_LIMIT: Final = "#b3261e"
_STATIONS: Final = (
    "#2a6f97",
    "#61a5c2",
    "#2f9e6e",
    "#9bc53d",
    "#e9b44c",
    "#e07a3f",
    "#a44a8a",
    "#6a5acd",
    "#5c8001",
    "#4a5568",
)
_PRICE_PARTS: Final = (
    ("energy", "#f0c36d"),
    ("network", "#c8a2c8"),
    ("scarcity", "#e4572e"),
    ("margin", "#7fb7a3"),
    ("guard_rail", "#9aa5b1"),
)
_SIZE_INCH: Final = (11.0, 6.6)
_DPI: Final = 150
_HEADROOM: Final = 1.25
_HEIGHTS: Final = (2.4, 1.0)
_LABEL_GAP: Final = 0.055
_MOST_LABELS: Final = 4


@dataclass(frozen=True, slots=True)
class _Clock:
    """Edges of all slots as matplotlib counts time, shape (n_slots + 1,), and the zone to show them in."""

    edges: FloatArray
    zone: ZoneInfo

    @classmethod
    def of(cls, plan: Plan, zone: str) -> "_Clock":
        from matplotlib import dates  # noqa: PLC0415 - takes a second to import

        grid = plan.schedule.grid
        moments = [grid.slot_start(slot) for slot in range(grid.n_slots + 1)]
        edges = dates.date2num(moments)  # type: ignore[no-untyped-call]  # matplotlib's dates are not annotated
        return cls(frozen(edges), ZoneInfo(zone))

    def place(self, moment: datetime) -> float:
        """Return where a moment stands on the axis; one outside stands on its edge."""
        from matplotlib import dates  # noqa: PLC0415 - as above

        days = dates.date2num(moment)  # type: ignore[no-untyped-call]  # matplotlib's dates are not annotated
        return float(np.clip(days, self.edges[0], self.edges[-1]))


def plan_figure(plan: Plan, state: SiteState) -> "Figure":
    """Return the picture of a plan, drawn without any display."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes a second to import

    clock = _Clock.of(plan, state.site.zone)
    figure = Figure(figsize=_SIZE_INCH, dpi=_DPI, facecolor="white")
    power, price = figure.subplots(2, 1, sharex=True, height_ratios=_HEIGHTS)
    figure.subplots_adjust(left=0.075, right=0.845, top=0.875, bottom=0.085, hspace=0.13)
    _title(figure, plan, state)
    _draw_power(power, plan, state, clock)
    _draw_prices(price, plan, clock)
    date_axis(price, clock.edges[0], clock.edges[-1], clock.zone)
    return figure


def _title(figure: "Figure", plan: Plan, state: SiteState) -> None:
    day = plan.schedule.grid.local_starts(state.site.zone)[0]
    figure.text(0.075, 0.955, f"Charging plan of {plan.site_id}", fontsize=15, fontweight="bold", color=INK)
    energy_kwh = plan.schedule.energy_kwh.sum()
    facts = (
        f"{day:%A %d %B %Y}, {state.site.zone} time",
        f"{len(state.sessions)} sessions, {energy_kwh:.0f} kWh planned",
        plan.report.status.value.replace("_", " "),
    )
    figure.text(0.075, 0.915, "   ·   ".join(facts), fontsize=9.5, color=FAINT)


def _draw_power(axes: "Axes", plan: Plan, state: SiteState, clock: _Clock) -> None:
    style(axes, "power [kW]")
    base_kw = plan.load_kw
    labels = []
    if base_kw.any():
        _area(axes, clock, np.zeros_like(base_kw), base_kw, _LOAD)
        labels.append(("uncontrolled load", _LOAD))
    for part, colour in zip(station_parts(plan, state, len(_STATIONS)), _STATIONS, strict=False):
        _area(axes, clock, base_kw, base_kw + part.power_kw, colour)
        base_kw = frozen(base_kw + part.power_kw)
        labels.append((part.name, colour))
    top_kw = max(float(base_kw.max()), float(plan.limit_kw[np.isfinite(plan.limit_kw)].max(initial=1.0)))
    axes.set_ylim(0, top_kw * _HEADROOM)
    _draw_limit(axes, plan.limit_kw, clock)
    _draw_billing_peak(axes, state, clock)
    _draw_unmet(axes, session_figures(plan, state), clock)
    _legend(axes, labels[::-1])


def _draw_limit(axes: "Axes", limit_kw: FloatArray, clock: _Clock) -> None:
    """Draw the site's limit, labelled on the line itself."""
    there = np.isfinite(limit_kw)
    if not there.any():
        return
    line = np.where(there, limit_kw, np.nan)
    axes.stairs(line, clock.edges, color=_LIMIT, linewidth=1.8, baseline=None, zorder=5)
    last = int(np.flatnonzero(there)[-1])
    axes.annotate(
        f"limit  {line[last]:.0f} kW",
        (clock.edges[last + 1], line[last]),
        xytext=(-4, 5),
        textcoords="offset points",
        ha="right",
        color=_LIMIT,
        fontsize=9,
        fontweight="bold",
    )


def _draw_billing_peak(axes: "Axes", state: SiteState, clock: _Clock) -> None:
    """Draw the peak that is paid for already, which explains why a plan stops there."""
    if not (state.tariff.demand_charge_per_kw and state.billing_peak_kw):
        return
    axes.axhline(state.billing_peak_kw, color=INK, linewidth=0.9, linestyle=(0, (4, 3)), zorder=4)
    axes.annotate(
        f"peak paid so far  {state.billing_peak_kw:.0f} kW",
        (clock.edges[-1], state.billing_peak_kw),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=INK,
        fontsize=8.5,
    )


def _draw_unmet(axes: "Axes", sessions: Sequence[SessionFigures], clock: _Clock) -> None:
    """Mark the largest shortfalls at their departure, the latest one highest so that no label hides a line."""
    largest = sorted((s for s in sessions if s.missing_kwh > 0), key=lambda s: -s.missing_kwh)[:_MOST_LABELS]
    for place, session in enumerate(sorted(largest, key=lambda s: s.departure, reverse=True)):
        at, height = clock.place(session.departure), 0.975 - place * _LABEL_GAP
        axes.axvline(at, ymax=height, color=_LIMIT, linewidth=0.7, linestyle=(0, (2, 3)), zorder=4)
        over = axes.get_xaxis_transform()
        axes.plot([at], [height], marker="v", markersize=6, color=_LIMIT, transform=over, zorder=6)
        left = at < (clock.edges[0] + clock.edges[-1]) / 2
        axes.annotate(
            f"{session.session_id} lacks {session.missing_kwh:.1f} kWh",
            (at, height),
            xycoords=over,
            xytext=(8 if left else -8, 0),
            textcoords="offset points",
            ha="left" if left else "right",
            va="center",
            fontsize=8.5,
            color=_LIMIT,
            zorder=6,
        )


def _draw_prices(axes: "Axes", plan: Plan, clock: _Clock) -> None:
    style(axes, f"price [{plan.prices.currency}/kWh]")
    above = below = np.zeros(plan.schedule.grid.n_slots)
    labels = []
    for name, colour in _PRICE_PARTS:
        part = np.array([float(getattr(slot, f"{name}_per_kwh")) for slot in plan.prices.slots])
        if not part.any():
            continue
        _area(axes, clock, above, above + np.maximum(part, 0), colour)
        _area(axes, clock, below, below + np.minimum(part, 0), colour)
        above, below = above + np.maximum(part, 0), below + np.minimum(part, 0)
        labels.append((name.replace("_", " "), colour))
    total = np.array([float(price) for price in plan.prices.total_per_kwh])
    axes.stairs(total, clock.edges, color=INK, linewidth=1.6, baseline=None, zorder=5)
    axes.set_ylim(min(float(below.min()) * 1.1, 0), max(float(above.max()), float(total.max()), 0.01) * 1.15)
    _legend(axes, [("price shown", INK), *labels[::-1]], _LABEL_GAP * _HEIGHTS[0] / _HEIGHTS[1])


def _area(axes: "Axes", clock: _Clock, low: FloatArray, high: FloatArray, colour: str) -> None:
    if np.array_equal(low, high):
        return
    axes.stairs(high, clock.edges, baseline=low, fill=True, color=colour, linewidth=0, zorder=2)


def _legend(axes: "Axes", labels: Sequence[tuple[str, str]], gap: float = _LABEL_GAP) -> None:
    """Name the areas beside the axes, in the order in which they lie."""
    for place, (name, colour) in enumerate(labels):
        y = 0.98 - place * gap
        axes.text(1.016, y, "■", transform=axes.transAxes, color=colour, va="top", fontsize=11)
        axes.text(1.04, y - 0.004, name, transform=axes.transAxes, color=INK, va="top", fontsize=9)


def style(axes: "Axes", label: str) -> None:
    """Give axes the look of all our pictures, with a label on the left."""
    axes.set_ylabel(label, color=INK, fontsize=9.5)
    axes.grid(axis="y", color=_GRID, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9, length=3, color=FAINT)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def date_axis(axes: "Axes", first: float, last: float, zone: ZoneInfo) -> None:
    """Make the horizontal axis one of local times; its ends as matplotlib counts time."""
    from matplotlib import dates  # noqa: PLC0415 - takes a second to import

    axes.xaxis_date(tz=zone)
    axes.set_xlim(first, last)
    locator = dates.AutoDateLocator(tz=zone, minticks=5, maxticks=13)  # type: ignore[no-untyped-call]  # matplotlib's dates are not annotated
    axes.xaxis.set_major_locator(locator)
    formatter = dates.ConciseDateFormatter(locator, tz=zone, show_offset=False)  # type: ignore[no-untyped-call]  # matplotlib's dates are not annotated
    formatter.zero_formats[3] = "%a %d %b"
    axes.xaxis.set_major_formatter(formatter)
