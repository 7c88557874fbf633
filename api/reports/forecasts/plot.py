"""A forecast as a fan chart: what was, and bands of what is likely to come."""

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from api.forecasts.request import ForecastAnswer
from api.reports.forecasts.figures import Fan, largest, level_of
from api.reports.plot import FAINT, INK, date_axis, style
from models.arrays import FloatArray, frozen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BANDS: Final = ((0.05, 0.95, "#d6e6ee"), (0.1, 0.9, "#aed0e0"), (0.25, 0.75, "#6fabc6"))
_MEDIAN: Final = "#1b5a7d"
_PATH: Final = "#e07a3f"
_MOST_PANELS: Final = 6
_MOST_PATHS: Final = 6
_WIDTH_INCH: Final = 11.0
_DPI: Final = 150
_TOP_INCH: Final = 0.95
_SINGLE_INCH: Final = 4.6
_PANEL_INCH: Final = 2.1
_BOTTOM_INCH: Final = 0.5
_LINE_INCH: Final = 0.2


def forecast_figure(answer: ForecastAnswer) -> "Figure":
    """Return the picture of a forecast, drawn without any display; the six largest series, the sum first."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - takes a second to import

    drawn = largest(answer, _MOST_PANELS)
    panel = _SINGLE_INCH if len(drawn) == 1 else _PANEL_INCH
    height = _TOP_INCH + panel * len(drawn) + _BOTTOM_INCH
    figure = Figure(figsize=(_WIDTH_INCH, height), dpi=_DPI, facecolor="white")
    axes = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    figure.subplots_adjust(
        left=0.075, right=0.865, top=1 - _TOP_INCH / height, bottom=_BOTTOM_INCH / height, hspace=0.22
    )
    _title(figure, answer, height)
    for fan, one in zip(drawn, axes, strict=True):
        _panel(one, fan, answer, named=len(drawn) > 1)
    _legend(axes[0], answer, _LINE_INCH / (axes[0].get_position().height * height))
    return figure


def _title(figure: "Figure", answer: ForecastAnswer, height: float) -> None:
    forecast, zone = answer.forecast, ZoneInfo(answer.request.calendar.zone)
    n = len(forecast.series)
    name = forecast.series[0].series_id if n == 1 else f"{n} series"
    figure.text(0.075, 1 - 0.36 / height, f"Forecast of {name}", fontsize=15, fontweight="bold", color=INK)
    start = forecast.grid.start.astimezone(zone)
    facts = (
        f"from {start:%A %d %B %Y %H:%M}, {zone.key} time",
        f"{forecast.grid.n_slots * forecast.grid.step_h:g} h by {forecast.grid.step_s / 60:g} min",
        forecast.basis.method,
        *([f"the {_MOST_PANELS} largest are drawn"] if n > _MOST_PANELS else []),
    )
    figure.text(0.075, 1 - 0.64 / height, "   ·   ".join(facts), fontsize=9.5, color=FAINT)


def _panel(axes: "Axes", fan: Fan, answer: ForecastAnswer, *, named: bool) -> None:
    grid = answer.forecast.grid
    style(axes, fan.unit)
    if named:
        axes.set_title(fan.name, loc="left", fontsize=10, color=INK, fontweight="bold", pad=3)
    past_edges = _edges(fan.past_s, grid.step_s)
    edges = _edges(frozen(grid.steps * grid.step_s), grid.step_s)
    for low, high, colour in _bands(answer):
        axes.stairs(
            level_of(fan, answer, high),
            edges,
            baseline=level_of(fan, answer, low),
            fill=True,
            color=colour,
            linewidth=0,
            zorder=2,
        )
    for path in fan.paths[:_MOST_PATHS]:
        axes.stairs(path, edges, baseline=None, color=_PATH, linewidth=0.7, alpha=0.7, zorder=3)
    axes.stairs(fan.past, past_edges, baseline=None, color=INK, linewidth=1.2, zorder=4)
    axes.stairs(level_of(fan, answer, 0.5), edges, baseline=None, color=_MEDIAN, linewidth=1.7, zorder=5)
    axes.axvline(edges[0], color=FAINT, linewidth=0.9, linestyle=(0, (4, 3)), zorder=4)
    lowest = min(float(np.nanmin(fan.past, initial=0.0)), float(fan.quantiles.min()), 0.0)
    axes.set_ylim(bottom=lowest * 1.05)
    date_axis(axes, float(past_edges[0]), float(edges[-1]), ZoneInfo(answer.request.calendar.zone))


def _bands(answer: ForecastAnswer) -> list[tuple[float, float, str]]:
    """Return the bands that the levels of an answer reach."""
    levels = answer.forecast.levels
    return [band for band in _BANDS if levels[0] <= band[0] and band[1] <= levels[-1]]


def _edges(starts_s: FloatArray, step_s: int) -> FloatArray:
    """Return the edges of slots as matplotlib counts time, in days since 1970."""
    return frozen(np.append(starts_s, starts_s[-1] + step_s) / 86_400)


def _legend(axes: "Axes", answer: ForecastAnswer, line: float) -> None:
    """Name what is drawn beside the axes; ``line`` is the height of a line as a part of theirs."""
    bands = [(f"{100 * low:g} to {100 * high:g} %", colour) for low, high, colour in _bands(answer)]
    paths = [("some paths", _PATH)] if answer.paths is not None else []
    for place, (name, colour) in enumerate([("metered", INK), ("median", _MEDIAN), *bands[::-1], *paths]):
        drop = place * line
        axes.text(1.014, 0.99 - drop, "■", transform=axes.transAxes, color=colour, va="top", fontsize=11)
        axes.text(1.036, 0.985 - drop, name, transform=axes.transAxes, color=INK, va="top", fontsize=9)
