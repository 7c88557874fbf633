"""A race as pictures: how often what came lay below each quantile, and skill by lead time; and its figures as JSON."""

import json
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from benchmarks.forecast.measures import LEAD_HOURS, Figures
from benchmarks.forecast.names import OURS
from benchmarks.forecast.race import Group, Results
from models.arrays import FloatArray, frozen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RELIABILITY_FILE: Final = "reliability.png"
SKILL_FILE: Final = "skill_by_lead.png"
FIGURES_FILE: Final = "figures.json"
BASELINE: Final = "climatology"
LEAST_SKILL: Final = -0.25
"""Worse is cut off: a naive far below would flatten all others."""

CUT_MEANS: Final = f"0 %: as good as {BASELINE};\nbelow −{-100 * LEAST_SKILL:.0f} % lines are cut"

TIES: Final = "what equals quantiles (an idle post)\nis shared out among their levels"

INK: Final = "#1f2a33"
FAINT: Final = "#8a97a1"
OWN: Final = "#c8452d"
OTHERS: Final = ("#6b7885", "#b9c2c9", "#8b6bb1", "#d29a1d", "#2e9a78", "#2272b4", "#a05a7a")
DPI: Final = 150
PANEL_INCH: Final = (3.3, 3.2)


class _Look(NamedTuple):
    """Colour, width and size of the dots of a contender's line."""

    colour: str
    width: float
    dot: float


def write_plots(found: Results, folder: Path) -> None:
    """Write both pictures and the figures behind them into a folder, which is made where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    reliability_figure(found).savefig(folder / RELIABILITY_FILE)
    skill_figure(found).savefig(folder / SKILL_FILE)
    text = json.dumps(figures_of(found), indent=2, allow_nan=False)
    (folder / FIGURES_FILE).write_text(text + "\n", encoding="utf-8")


def figures_of(found: Results) -> list[dict[str, object]]:
    """Return what was measured of every contender and group, as JSON has it."""
    return [_record(group, name, one) for group in found.groups for name, one in found.of(group).items()]


def reliability_figure(found: Results) -> "Figure":
    """Return the reliability diagram: nominal against observed, a panel for each group.

    What equals a quantile, as an idle post does, is shared out among the levels that it equals.
    """
    title = "Reliability: how often the load stayed below each quantile"
    figure, axes = _panels(found, title, "nominal", "observed")
    free = axes[len(_whole(found))]
    free.text(0.0, 0.02, TIES, fontsize=8, color=INK, transform=free.transAxes)
    for one, group in zip(axes, _whole(found), strict=False):
        one.plot((0, 1), (0, 1), color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
        for name, own in found.of(group).items():
            reliability = own.reliability
            _line(one, found, name, (reliability.levels, reliability.observed))
        one.set(xlim=(0, 1), ylim=(0, 1), xticks=np.arange(0, 1.1, 0.25), yticks=np.arange(0, 1.1, 0.25))
        one.set_aspect("equal")
    return figure


def skill_figure(found: Results) -> "Figure":
    """Return skill by lead time: how far below climatology's the loss lies, a panel for each group."""
    from matplotlib.ticker import MaxNLocator

    title = "Skill by lead time: loss below that of climatology"
    figure, axes = _panels(found, title, "lead [h]", "skill", without=BASELINE)
    free = axes[len(_whole(found))]
    free.text(0.0, 0.02, CUT_MEANS, fontsize=8, color=INK, transform=free.transAxes)
    places = frozen(np.arange(len(LEAD_HOURS) - 1))
    for one, group in zip(axes, _whole(found), strict=False):
        own = found.of(group)
        against = own.get(BASELINE)
        if against is None:
            one.text(0.5, 0.5, f"{BASELINE} did not run", transform=one.transAxes, ha="center", color=FAINT)
            continue
        one.axhline(0.0, color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
        least = 0.0
        for name, each in own.items():
            if name == BASELINE:
                continue
            skill = frozen(1.0 - np.array(each.by_lead) / np.array(against.by_lead))
            least = min(least, float(np.min(skill)))
            _line(one, found, name, (places, skill))
        one.set_xticks(places, [f"{first}–{last}" for first, last in pairwise(LEAD_HOURS)])
        one.set_ylim(bottom=max(1.1 * least - 0.02, LEAST_SKILL))
        one.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
        one.yaxis.set_major_formatter(_percent)
        one.grid(axis="y", color="#e6eaed", linewidth=0.8)
    return figure


def _record(group: Group, name: str, one: Figures) -> dict[str, object]:
    levels, reliability = one.reliability.levels.tolist(), one.reliability
    return {
        "group": str(group.kind),
        "forecaster": name,
        "series_x_origins": one.n_series,
        "is_whole_group": group.is_whole,
        "wql": _finite(one.wql),
        "spl": _finite(one.spl),
        "cov80": one.cov80,
        "share_above_q90": one.above_q90,
        "cpu_s_per_1000_forecast": one.cpu_s,
        "cpu_s_per_1000_history": one.learn_s,
        "lead_hours": list(LEAD_HOURS),
        "loss_by_lead": [_finite(loss) for loss in one.by_lead],
        "levels": levels,
        "observed": reliability.observed.tolist(),
        "share_below": reliability.below.tolist(),
        "share_below_or_at": reliability.reached.tolist(),
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _whole(found: Results) -> list[Group]:
    return [group for group in found.groups if group.is_whole]


def _panels(
    found: Results, title: str, across: str, up: str, without: str = ""
) -> "tuple[Figure, list[Axes]]":
    """Return a figure with a panel for each group, titled; the last place has the legend."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    groups = _whole(found)
    n_columns = min(len(groups) + 1, 3)
    n_rows = -(-(len(groups) + 1) // n_columns)
    size = (PANEL_INCH[0] * n_columns + 0.4, PANEL_INCH[1] * n_rows + 0.7)
    figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
    figure.suptitle(title, x=0.015, ha="left", fontsize=13, fontweight="bold", color=INK)
    axes = list(figure.subplots(n_rows, n_columns, squeeze=False).ravel())
    for number, one in enumerate(axes):
        if number >= len(groups):
            one.set_axis_off()
            continue
        n = max(each.n_series for each in found.of(groups[number]).values())
        one.set_title(f"{groups[number].kind}  ({n:,} days)", loc="left", fontsize=10, color=INK)
        one.spines[["top", "right"]].set_visible(False)
        one.tick_params(colors=INK, labelsize=8)
        one.set_xlabel(across, fontsize=8.5, color=INK)
        one.set_ylabel(up, fontsize=8.5, color=INK)
    looks = {name: _look(found, name) for name in found.names if name != without}
    drawn = [
        Line2D([], [], label=name, color=look.colour, linewidth=look.width, marker="o", markersize=look.dot)
        for name, look in looks.items()
    ]
    axes[len(groups)].legend(handles=drawn, loc="center left", frameon=False, fontsize=9.5)
    return figure, axes


def _line(axes: "Axes", found: Results, name: str, points: tuple[FloatArray, FloatArray]) -> None:
    look, front = _look(found, name), 3 if name == OURS else 2
    axes.plot(*points, color=look.colour, linewidth=look.width, marker="o", markersize=look.dot, zorder=front)


def _look(found: Results, name: str) -> _Look:
    if name == OURS:
        return _Look(OWN, 2.4, 4.5)
    others = [other for other in found.names if other != OURS]
    return _Look(OTHERS[others.index(name) % len(OTHERS)], 1.2, 2.8)


def _percent(share: float, _place: float) -> str:
    return f"{100 * share:.3g} %".replace("-", "\u2212")
