"""A forecast as tables for the terminal."""

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.forecasts.request import ForecastAnswer
from api.reports.forecasts.figures import Fan, cleaned_rows, fans, largest, level_of, shown_slots
from api.reports.tables import new_table

_MOST_ROWS: Final = 24
_MOST_SERIES: Final = 30
_MOST_WARNINGS: Final = 12
_MOST_CLEANED: Final = 20


def forecast_tables(answer: ForecastAnswer) -> Group:
    """Return the whole answer: headline, what was cleaned, the forecast, and what the reader should know."""
    drawn = fans(answer)
    blocks: list[RenderableType] = [_headline(answer)]
    if answer.findings.fault.size:
        blocks += [_cleaned(answer), Text()]
    blocks += [_slots(answer, largest(answer, 1)[0]), Text()]
    if len(drawn) > 1:
        blocks += [_series(answer, drawn), Text()]
    blocks += [
        Text.assemble(("! ", "yellow"), f"{one.where}: {one.what}")
        for one in answer.warnings[:_MOST_WARNINGS]
    ]
    more = len(answer.warnings) - _MOST_WARNINGS
    if more > 0:
        blocks.append(Text.assemble(("! ", "yellow"), f"and {more} more"))
    return Group(*blocks)


def _headline(answer: ForecastAnswer) -> Text:
    forecast, grid, zone = answer.forecast, answer.forecast.grid, _zone(answer)
    n = len(forecast.series)
    name = forecast.series[0].series_id if n == 1 else f"{n} series"
    hours = grid.n_slots * grid.step_h
    return Text.assemble(
        (name, "bold"),
        f"  the next {hours:g} h by {grid.step_s / 60:g} min from {grid.start.astimezone(zone):%a %d %b %Y %H:%M}, ",
        f"times in {zone.key}\n",
        ("forecaster ", "dim"),
        forecast.basis.method,
        ("  rests on ", "dim"),
        f"{int(forecast.basis.n_samples.sum()):,} slots",
        ("  paths ", "dim"),
        f"{answer.paths.values.shape[1] if answer.paths is not None else 0}\n",
    )


def _zone(answer: ForecastAnswer) -> ZoneInfo:
    return ZoneInfo(answer.request.calendar.zone)


def _cleaned(answer: ForecastAnswer) -> Table:
    rows = cleaned_rows(answer)
    total = sum(row.n_samples for row in rows)
    given = answer.request.readings.samples.time_s.size
    table = new_table(f"Cleaned: {total:,} of {given:,} samples had something")
    for name in ("series", "fault"):
        table.add_column(name, no_wrap=True)
    table.add_column("samples", justify="right")
    table.add_column("places", justify="right")
    table.add_column("last at", no_wrap=True)
    table.add_column("what was done")
    for row in rows[:_MOST_CLEANED]:
        begin = datetime.fromtimestamp(row.newest_s[0], UTC).astimezone(_zone(answer))
        cells = (f"{row.n_samples:,}", f"{row.n_places:,}", f"{begin:%Y-%m-%d %H:%M}", row.fault.answer)
        table.add_row(escape(row.name), row.fault.label, *cells)
    if len(rows) > _MOST_CLEANED:
        table.add_row("...", f"{len(rows) - _MOST_CLEANED} more", "", "", "", "--out FILE.json has all")
    return table


def _slots(answer: ForecastAnswer, fan: Fan) -> Table:
    grid, levels = answer.forecast.grid, answer.forecast.levels
    table = new_table(f"Quantiles of {fan.name} [{fan.unit}]")
    table.add_column("from", justify="right", no_wrap=True)
    for level in levels:
        table.add_column(f"{100 * level:g} %", justify="right", style="bold" if level == 0.5 else "")  # noqa: PLR2004 - the median
    last_day = None
    for slot in shown_slots(grid.n_slots, _MOST_ROWS):
        start = grid.slot_start(slot).astimezone(_zone(answer))
        label = f"{start:%H:%M}" if start.date() == last_day else f"{start:%a %H:%M}"
        last_day = start.date()
        table.add_row(label, *(figure(value) for value in fan.quantiles[:, slot]))
    return table


def _series(answer: ForecastAnswer, drawn: tuple[Fan, ...]) -> Table:
    grid = answer.forecast.grid
    table = new_table("By series")
    table.add_column("series", overflow="fold")
    table.add_column("mean of medians", justify="right")
    table.add_column("highest median", justify="right")
    table.add_column("highest 90 %", justify="right")
    table.add_column("at", no_wrap=True)
    for fan in drawn[:_MOST_SERIES]:
        middle, high = level_of(fan, answer, 0.5), level_of(fan, answer, 0.9)
        at = grid.slot_start(int(np.argmax(high))).astimezone(_zone(answer))
        peak = (figure(float(middle.mean())), figure(float(middle.max())), figure(float(high.max())))
        table.add_row(escape(f"{fan.name} [{fan.unit}]"), *peak, f"{at:%a %H:%M}")
    if len(drawn) > _MOST_SERIES:
        table.add_row(f"... {len(drawn) - _MOST_SERIES} more", "", "", "", "")
    return table


def figure(value: float) -> str:
    """Return a value with as many decimals as its size deserves."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"  # noqa: PLR2004 - sizes
