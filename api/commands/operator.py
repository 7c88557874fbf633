"""What an operator does on a shell with a running service."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlencode, urlsplit

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.settings import Settings

_PATIENCE_S: Final = 180
_DASH: Final = "-"
_TABLES: Final = ("connectors", "evses", "transactions")
_GROUPS: Final = ("capabilities", "oddities")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    url: str

    def ask(self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Return what a path answers; ends the command with what the service objects to."""
        with self._open(path, body, headers or {}) as answer:
            return json.loads(answer.read() or b"null")

    def lines(self, path: str) -> Iterator[str]:
        """Yield the lines of a stream."""
        with self._open(path, None, {}) as answer:
            for line in answer:
                yield line.decode().rstrip("\n")

    def _open(self, path: str, body: bytes | None, headers: Mapping[str, str]) -> Any:  # noqa: ANN401 - an answer of urllib
        method = "GET" if body is None else "POST"
        request = urllib.request.Request(self.url + path, body, dict(headers), method=method)  # noqa: S310 - checked
        try:
            return urllib.request.urlopen(request, timeout=_PATIENCE_S)  # noqa: S310 - as above
        except urllib.error.HTTPError as error:
            _fail(_problem(error))
        except (urllib.error.URLError, TimeoutError) as error:
            _fail([f"no service answers at {self.url}: {getattr(error, 'reason', error)}"])


@dataclass(frozen=True, slots=True)
class Sending:
    """A command that somebody sends."""

    station: str
    action: str
    payload: str
    is_queued: bool
    key: str | None
    approvals: str


def service_at(url: str | None) -> Service:
    """Return the service at a URL, or the one that this machine's settings name."""
    settings = Settings.from_environment()
    where = url or f"http://{settings.api_host}:{settings.api_port}"
    if urlsplit(where).scheme not in {"http", "https"}:
        _fail([f"{where} is no address that begins with http:// or https://"])
    return Service(where.rstrip("/"))


def list_all(service: Service, asked: Mapping[str, object], as_json: bool) -> None:
    """Print every station that is asked for, page by page."""
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in asked.items()}
    query = {name: value for name, value in given.items() if value is not None}
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = service.ask(f"/v1/stations?{urlencode(query | {'after': after, 'limit': 500})}")
        found += page["stations"]
        after = page["next"]
    if as_json:
        _print_json(found)
        return
    table = Table("station", "site", "online", "version", "model", "connectors", "open", "conduct")
    for one in found:
        connectors = " ".join(f"{c['evse']}:{c['status']}" for c in one["connectors"])
        online = "yes" if one["online"] else "no"
        row = (one["station_id"], one["site_id"], online, one["version"], one["model"], connectors)
        table.add_row(*(_plain(cell) for cell in (*row, one["open_transactions"] or "", one["conduct"])))
    Console().print(table)


def show(service: Service, station: str, as_json: bool) -> None:
    """Print all that is known of a station."""
    known = service.ask(f"/v1/stations/{quote(station, safe='')}")
    if as_json:
        _print_json(known)
        return
    console = Console()
    console.print(_facts(known))
    for name in _TABLES:
        if known[name]:
            table = Table(*known[name][0], title=name)
            for one in known[name]:
                table.add_row(*map(_plain, one.values()))
            console.print(table)


def _facts(known: Mapping[str, Any]) -> Table:
    """Return what is known of a station beside what has a table of its own."""
    table = Table(show_header=False, box=None)
    for name, value in known.items():
        if name in _GROUPS:
            for what, more in (value or {}).items():
                table.add_row(f"{name}: {what}".replace("_", " "), _plain(more))
        elif name not in _TABLES and value not in (None, [], {}):
            shown = len(value) if name == "installed_profiles" else value
            table.add_row(name.replace("_", " "), _plain(shown))
    return table


def messages(service: Service, station: str, action: str | None, limit: int) -> None:
    """Print the newest messages of a station, the newest last."""
    query = {"limit": limit} | ({} if action is None else {"action": action})
    said = service.ask(f"/v1/stations/{quote(station, safe='')}/messages?{urlencode(query)}")
    console = Console()
    for one in reversed(said["messages"]):
        arrow = "->" if one["direction"] == "in" else "<-"
        console.print(Text(f"{one['at']} {arrow} {one['action'] or _DASH} {one['frame']}"), soft_wrap=True)


def list_commands(service: Service, station: str) -> None:
    """Print what can be sent to a station."""
    listed = service.ask(f"/v1/stations/{quote(station, safe='')}/commands")
    Console().print(f"{station} speaks {listed['version']}: {', '.join(listed['commands'])}")


def send(service: Service, sending: Sending) -> None:
    """Send a command, and print what is answered."""
    path = f"/v1/stations/{quote(sending.station, safe='')}/commands/{quote(sending.action, safe='')}"
    headers = {"Content-Type": "application/json"}
    if sending.approvals:
        headers["X-Approvals"] = sending.approvals
    if sending.key is not None:
        headers["Idempotency-Key"] = sending.key
    query = "?queue=true" if sending.is_queued else ""
    _print_json(service.ask(path + query, sending.payload.encode(), headers))


def follow(service: Service, kinds: list[str], station: str | None) -> None:
    """Print events as they happen."""
    query = [("kind", kind) for kind in kinds] + ([] if station is None else [("station", station)])
    for line in service.lines(f"/v1/events?{urlencode(query)}"):
        if line.startswith("data: "):
            event = json.loads(line.removeprefix("data: "))
            where = event.get("station_id") or event.get("site_id") or ""
            data = json.dumps(event.get("data", {}), ensure_ascii=False)
            typer.echo(f"{event.get('at', '')} {event.get('kind', '')} {where} {data}")


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def _plain(value: object) -> Text:
    """Return a cell; what a station has told is text, and no markup."""
    if value is None or value == "":
        return Text(_DASH)
    if isinstance(value, float):
        return Text(f"{value:g}")
    return Text(json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value))


def _problem(error: urllib.error.HTTPError) -> list[str]:
    """Return what the service objects to, a line each."""
    try:
        problem = json.loads(error.read())
    except ValueError:
        return [f"{error.code} {error.reason}"]
    lines = [f"{error.code} {problem.get('detail', error.reason)}"]
    faults = problem.get("errors", ())
    return lines + [f"  {fault['path']}: {fault['detail']}".replace("  : ", "  ") for fault in faults]


def _fail(lines: list[str]) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(1)
