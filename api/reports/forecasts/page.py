"""A forecast as a picture, or as a page that needs nothing else: no network, no script."""

import html
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from api.forecasts.request import ForecastAnswer
from api.reports.forecasts.figures import Fan, cleaned_rows, largest
from api.reports.forecasts.plot import forecast_figure
from api.reports.forecasts.tables import figure
from api.reports.page import page, svg, table
from models.errors import ChargingError

_MOST_TABLES: Final = 12


def write_forecast_picture(answer: ForecastAnswer, path: Path) -> None:
    """Write the forecast as PNG, SVG or HTML, as the name of the file says.

    Raises
    ------
    ChargingError
        The file cannot be written.
    """
    try:
        if path.suffix.lower() == ".html":
            path.write_text(forecast_page(answer), encoding="utf-8")
        else:
            forecast_figure(answer).savefig(path, format=path.suffix.lower().removeprefix("."))
    except OSError as error:
        raise ChargingError(f"{path}: {error.strerror or error}") from error


def forecast_page(answer: ForecastAnswer) -> str:
    """Return the forecast as one self-contained HTML document."""
    warnings = "".join(
        f'<li class="note">{html.escape(one.where)}: {html.escape(one.what)}</li>' for one in answer.warnings
    )
    blocks = [svg(forecast_figure(answer)), f"<ul>{warnings}</ul>" if warnings else "", _cleaned(answer)]
    blocks += [_quantiles(answer, fan) for fan in largest(answer, _MOST_TABLES)]
    return page("Forecast", blocks)


def _cleaned(answer: ForecastAnswer) -> str:
    rows = cleaned_rows(answer)
    if not rows:
        return "<h2>Cleaned</h2><p class='facts'>Nothing was wrong with the samples.</p>"
    zone = ZoneInfo(answer.request.calendar.zone)
    cells = (
        (
            row.name,
            row.fault.label,
            f"{row.n_samples:,}",
            f"{row.n_places:,}",
            f"{datetime.fromtimestamp(row.newest_s[0], UTC).astimezone(zone):%Y-%m-%d %H:%M}",
            row.fault.answer,
        )
        for row in rows
    )
    headings = ("series", "fault", "samples", "places", "last at", "what was done")
    return "<h2>Cleaned</h2>" + table(headings, cells, words=("fault", "what was done"))


def _quantiles(answer: ForecastAnswer, fan: Fan) -> str:
    grid, zone = answer.forecast.grid, ZoneInfo(answer.request.calendar.zone)
    headings = ("from", *(f"{100 * level:g} %" for level in answer.forecast.levels))
    rows = (
        (f"{grid.slot_start(slot).astimezone(zone):%a %d %b %H:%M}", *map(figure, fan.quantiles[:, slot]))
        for slot in range(grid.n_slots)
    )
    return f"<h2>{html.escape(fan.name)} [{html.escape(fan.unit)}]</h2>" + table(headings, rows)
