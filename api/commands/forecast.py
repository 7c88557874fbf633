"""``gridpilot forecast``: quantiles and paths of any regular series in a file."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Console

from api.commands.files import faults_told, write_text
from api.forecasts.files.columns import Columns
from api.forecasts.files.history import History, history_in
from api.forecasts.files.table import read_table, write_table
from models.errors import ChargingError, Issue, IssueList

if TYPE_CHECKING:
    from api.forecasts.request import Column, ForecastAnswer, ForecastRequest, SessionRecord, Wanted
    from models.forecasting.names import ForecasterName

_PICTURES: Final = (".png", ".svg", ".html")
_TABLES: Final = (".csv", ".parquet", ".json")
_MOST_SLOTS: Final = 10_000
_HOUR_S: Final = 3600
_LOWEST: Final = 0.05
_POWER_OF: Final = MappingProxyType({"Wh": "W", "kWh": "kW", "MWh": "MW"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a forecast on the command line; None for the default."""

    hours: float
    step_minutes: int | None
    at: datetime | None
    levels: str | None
    n_paths: int
    seed: int
    total: bool
    sessions: Path | None = None
    registers: bool = False
    forecaster: str | None = None
    known: Path | None = None


def forecast(
    history: Path | None, columns: Columns, asked: Asked, out: Path | None, plot: Path | None
) -> None:
    """Forecast the series in a file, or those of the example; show it, and write it where asked."""
    with faults_told(str(history or "example")):
        _check_names(out, plot)
        found = _example(columns) if history is None else history_in(read_table(history), columns)
        from api.forecasts.service import forecast_of

        answer = forecast_of(_request(found, columns, asked))
        from api.reports.forecasts.tables import forecast_tables

        Console().print(forecast_tables(answer))
        if out is not None:
            _write(answer, out)
        if plot is not None:
            from api.reports.forecasts.page import write_forecast_picture

            write_forecast_picture(answer, plot)


def save_example(path: Path) -> None:
    """Write the example's history, so that a user can see what a file may look like."""
    with faults_told("--save-example"):
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise ChargingError(f"--save-example {path}: a name that ends in .csv or .parquet is needed")
        import pandas as pd

        from api.examples.history import example_history

        example = example_history()
        times = pd.to_datetime(example.time_s, unit="s", utc=True)
        columns = {f"{name}_kw": row for name, row in zip(example.names, example.values, strict=True)}
        write_table(pd.DataFrame({"time": times, **columns}), path)


def _check_names(out: Path | None, plot: Path | None) -> None:
    issues = IssueList()
    for option, path, endings in (("--out", out, _TABLES), ("--plot", plot, _PICTURES)):
        named = path is None or path.suffix.lower() in endings
        issues.require(named, f"{option} {path}", f"a name that ends in {', '.join(endings)} is needed")
    issues.raise_if_any()


def _example(columns: Columns) -> History:
    import pandas as pd

    from api.examples.history import example_history

    example = example_history()
    table = pd.DataFrame(dict(zip(example.names, example.values, strict=True)))
    table.insert(0, "time", pd.to_datetime(example.time_s, unit="s", utc=True))
    return history_in(table, columns)


def _request(found: History, columns: Columns, asked: Asked) -> "ForecastRequest":
    """Return the request of a command.

    Raises
    ------
    InvalidInputError
        Options do not fit; names all that do not.
    """
    from api.forecasts.request import ForecastRequest, SampleKind
    from models.public_holidays import check_region

    issues = IssueList()
    wanted = _wanted(found, asked, issues)
    series, kind = found.series, SampleKind.MEAN_POWER
    if asked.registers:
        kind = SampleKind.ENERGY_REGISTER
        series = tuple(replace(one, unit=_POWER_OF.get(one.unit, one.unit)) for one in series)
    others = sorted({one.unit for one in series} - {"kW"})
    no_cars = f"cars count in kW, the history has series in {', '.join(others)}"
    issues.require(asked.sessions is None or not others, "--sessions", no_cars)
    check_region(columns.country, columns.subdivision, ("--country", "--subdivision"), issues)
    issues.raise_if_any()
    at = asked.at
    if at is not None:
        at = at.replace(tzinfo=ZoneInfo(columns.zone)) if at.tzinfo is None else at.astimezone(UTC)
    sessions: tuple[SessionRecord, ...] = ()
    notes: tuple[Issue, ...] = ()
    if asked.sessions is not None:
        from api.forecasts.files.sessions import sessions_in

        sessions, notes = sessions_in(read_table(asked.sessions), found.series, columns.zone)
    ahead: tuple[Column, ...] = ()
    if asked.known is not None:
        from api.forecasts.files.known import known_in

        ahead, told = known_in(read_table(asked.known), columns)
        notes = (*notes, *told)
    return ForecastRequest(
        series,
        found.sample_s,
        found.readings,
        wanted,
        at,
        columns.calendar,
        sessions=sessions,
        columns=ahead,
        kind=kind,
        notes=(*found.notes, *notes),
    )


def _wanted(found: History, asked: Asked, issues: IssueList) -> "Wanted":
    from api.forecasts.request import Wanted

    step_s = asked.step_minutes * 60 if asked.step_minutes is not None else min(found.sample_s, _HOUR_S)
    units = {one.unit for one in found.series}
    issues.require(
        not asked.total or len(units) == 1, "--total", f"series in {', '.join(sorted(units))} have no sum"
    )
    divides = issues.require(_HOUR_S % step_s == 0, "--step", f"{step_s / 60:g} min does not divide an hour")
    longer, shorter = max(step_s, found.sample_s), min(step_s, found.sample_s)
    if divides and longer % shorter:
        issues.add("--step", f"{step_s / 60:g} min does not fit samples of every {found.sample_s / 60:g} min")
    is_finite = issues.require(bool(np.isfinite(asked.hours)), "--horizon", "must be a number of hours")
    n_slots = int(np.ceil(asked.hours * _HOUR_S / step_s)) if is_finite else 1
    issues.require(
        n_slots <= _MOST_SLOTS, "--horizon", f"{n_slots} slots; at most {_MOST_SLOTS} can be forecast"
    )
    chosen, levels = _chosen(asked.forecaster, issues), _levels(asked.levels, issues)
    return Wanted(step_s, n_slots, levels, asked.n_paths, asked.seed, asked.total, chosen)


def _chosen(text: str | None, issues: IssueList) -> "ForecasterName":
    from models.forecasting.names import ForecasterName

    names = [name.value for name in ForecasterName]
    known = text is None or issues.require(
        text in names, "--forecaster", f"no forecaster is called {text!r}; there are: {', '.join(names)}"
    )
    return ForecasterName(text) if known and text is not None else ForecasterName.USUAL


def _levels(text: str | None, issues: IssueList) -> tuple[float, ...]:
    from models.forecasting.forecaster import DEFAULT_LEVELS

    if text is None:
        return DEFAULT_LEVELS
    try:
        levels = tuple(sorted({float(one) for one in text.split(",")}))
    except ValueError:
        levels = ()
    sound = bool(levels) and all(_LOWEST <= one <= 1 - _LOWEST for one in levels)
    issues.require(
        sound, "--levels", f"{text!r} is no list of probabilities from 0.05 to 0.95, as in 0.1,0.5,0.9"
    )
    return levels


def _write(answer: "ForecastAnswer", out: Path) -> None:
    """Write quantiles and paths as CSV, parquet or, as the API answers, JSON."""
    if out.suffix.lower() == ".json":
        from api.forecasts.answer.schemas import ForecastOut

        write_text(out, ForecastOut.from_domain(answer).model_dump_json(indent=2) + "\n")
        return
    from api.forecasts.export import forecast_table

    write_table(forecast_table(answer), out)
