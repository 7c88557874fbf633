"""``gridpilot replay``: recorded sessions on a site, in the closed loop, policy by policy."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from api.commands.files import faults_told, read_bytes, write_text
from models.errors import ChargingError, InvalidInputError, Issue

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.policies import PolicyName
    from benchmarks.replay import ReplayOptions
    from models.grid.site import Site
    from optimizer.closed_loop import LoopResult

Name = TypeVar("Name", bound=StrEnum)

COLUMNS: Final = (
    "policy",
    "met %",
    "cars met %",
    "kWh",
    "peak kW",
    "cost",
    "over min",
    "switches",
    "ms p95",
    "x real time",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a user has chosen to replay; None for the default."""

    site: str
    start: datetime | None
    days: float
    belief: str
    limit_kw: float | None


def replay(sessions: Path, choice: Choice, policies: Sequence[str], out: Path | None) -> None:
    """Replay recorded sessions under every policy that is named, and show them side by side."""
    with faults_told(str(sessions)):
        from benchmarks.policies import PolicyName

        site = site_of(choice.site, choice.limit_kw)
        frame = _frame(sessions, choice.site)
        options = _options(frame, site, choice)
        names = [_member(PolicyName, name, "--policy") for name in policies] or list(PolicyName)
        results = _run_all(frame, site, names, options)
        _show(results, sessions, choice)
        if out is not None:
            write_text(out, json.dumps([_document(result) for result, _ in results], indent=2) + "\n")


def site_of(name: str, limit_kw: float | None) -> "Site":
    """Return a built-in site by its name, or the site in a JSON file: alone, or within a state.

    Raises
    ------
    ChargingError
        The file cannot be read.
    InvalidInputError
        It is no site that can be run; names every fault.
    """
    from benchmarks.sites import site_named

    if not name.endswith(".json"):
        return site_named(name, limit_kw)
    from api.sites.schemas import SiteWire
    from api.wire.schemas import parsed
    from models.errors import IssueList
    from models.grid.validate import check_site

    if limit_kw is not None:
        raise ChargingError("--limit is for built-in sites; a site in a file has its own limits")
    body = read_bytes(Path(name))
    document = json.loads(body) if body.lstrip().startswith(b"{") else None
    if isinstance(document, dict) and "site" in document:
        body = json.dumps(document["site"]).encode()
    site = parsed(SiteWire, body).to_domain()
    issues = IssueList()
    check_site(site, issues)
    issues.raise_if_any()
    return site


def _member(kind: type[Name], name: str, option: str) -> Name:
    """Return a member by its value, or tell which ones there are."""
    values = [member.value for member in kind]
    if name not in values:
        raise InvalidInputError((Issue(option, f"{name!r} is none of {', '.join(values)}"),))
    return kind(name)


def _frame(sessions: Path, site: str) -> "pd.DataFrame":
    from benchmarks.replay import read_sessions

    if not sessions.is_file():
        raise ChargingError(f"{sessions} is no file")
    try:
        return read_sessions(sessions, site)
    except ImportError as error:
        raise ChargingError(f"{sessions}: {error}; `pip install gridpilot[bench]` brings it") from error
    except (OSError, ValueError) as error:
        raise ChargingError(f"{sessions} cannot be read: {error}") from error


def _options(frame: "pd.DataFrame", site: "Site", choice: Choice) -> "ReplayOptions":
    """Return the span to replay, from a local midnight on."""
    from benchmarks.beliefs import Belief
    from benchmarks.replay import ReplayOptions

    zone = ZoneInfo(site.zone)
    first: datetime = choice.start or frame["arrival"].iloc[0].to_pydatetime().astimezone(zone)
    start = datetime(first.year, first.month, first.day, tzinfo=zone)
    return ReplayOptions(
        start, start + timedelta(days=choice.days), _member(Belief, choice.belief, "--belief")
    )


def _run_all(
    frame: "pd.DataFrame", site: "Site", names: Sequence["PolicyName"], options: "ReplayOptions"
) -> list[tuple["LoopResult", float]]:
    from benchmarks.replay import replay as run

    results = []
    columns = (TextColumn("{task.description:>18}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as bars:
        for name in names:
            bar = bars.add_task(str(name), total=1.0)
            started = perf_counter()
            result = run(frame, site, name, options, lambda share, bar=bar: bars.update(bar, completed=share))  # type: ignore[misc]  # mypy cannot type a default of a lambda
            bars.update(bar, completed=1.0)
            results.append((result, perf_counter() - started))
    return results


def _show(results: Sequence[tuple["LoopResult", float]], sessions: Path, choice: Choice) -> None:
    from benchmarks.terminal import Column, tables_within

    first = results[0][0]
    begin = first.grid.slot_start(0)
    need = f"{len(first.sessions)} sessions that need {first.need_kwh:,.0f} kWh"
    title = f"{sessions.name} on {choice.site}: {choice.days:g} days from {begin:%Y-%m-%d}, {need}"
    rows = [_figures(result, took_s) for result, took_s in results]
    columns = [
        Column(heading, cells, is_text=heading == "policy")
        for heading, cells in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    ]
    console = Console()
    console.print(Text(title, style="bold"))
    for table in tables_within(columns, console.width):
        console.print(table, "")
    console.print(f"cost of energy in {first.tariff.currency}; over: longest time above one limit")


def _figures(result: "LoopResult", took_s: float) -> tuple[str, ...]:
    """Return one row of the table: a cell for each of ``COLUMNS``."""
    over_min = max((found.seconds for found in result.exceedances), default=0.0) / 60
    span_s = result.grid.n_slots * result.grid.step_s
    return (
        result.policy,
        f"{100 * result.met_share:.2f}",
        f"{100 * result.fully_met_share:.1f}",
        f"{result.delivered_kwh:,.0f}",
        f"{result.peak_kw:.1f}",
        f"{result.energy_cost:,.2f}",
        f"{over_min:.0f}",
        f"{result.switches_per_session:.1f}",
        f"{result.decision_ms(0.95):.1f}",
        f"{span_s / took_s:,.0f}",
    )


def _document(result: "LoopResult") -> dict[str, Any]:
    return {
        "policy": result.policy,
        "start": result.grid.start.isoformat(),
        "step_s": result.grid.step_s,
        "need_kwh": result.need_kwh,
        "delivered_kwh": result.delivered_kwh,
        "peak_kw": result.peak_kw,
        "energy_cost": result.energy_cost,
        "demand_cost": result.demand_cost,
        "currency": result.tariff.currency,
        "power_kw": result.power_kw.tolist(),
        "exceedances": [asdict(found) | {"at": found.at.isoformat()} for found in result.exceedances],
        "sessions": [
            asdict(one) | {"arrival": one.arrival.isoformat(), "departure": one.departure.isoformat()}
            for one in result.sessions
        ],
    }
