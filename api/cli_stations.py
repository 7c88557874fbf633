"""``gridpilot stations``: look at the stations of a running service, and send them commands."""

from pathlib import Path
from typing import Annotated

import typer

stations = typer.Typer(help="The stations that connect to us.", no_args_is_help=True)

Url = Annotated[
    str | None,
    typer.Option("--url", help="Where the service is; from GRIDPILOT_API_HOST and _PORT otherwise."),
]
Json = Annotated[bool, typer.Option("--json", help="Print what the API answers.")]
Station = Annotated[str, typer.Argument(help="Identity of the station.")]


@stations.command("list")
def list_stations(
    online: Annotated[bool | None, typer.Option("--online/--offline", help="Connected, or not.")] = None,
    site: Annotated[str | None, typer.Option(help="Of this site.")] = None,
    status: Annotated[
        str | None, typer.Option(help="With a connector in this state, such as Faulted.")
    ] = None,
    conduct: Annotated[str | None, typer.Option(help="follows, or not_following.")] = None,
    as_json: Json = False,
    url: Url = None,
) -> None:
    """List stations: who is there, what is plugged in, who does not follow."""
    from api.commands import operator as command

    asked = {"online": online, "site": site, "status": status, "conduct": conduct}
    command.list_all(command.service_at(url), asked, as_json)


@stations.command("show")
def show_station(station: Station, as_json: Json = False, url: Url = None) -> None:
    """Show all that is known of a station."""
    from api.commands import operator as command

    command.show(command.service_at(url), station, as_json)


@stations.command("messages")
def show_messages(
    station: Station,
    action: Annotated[str | None, typer.Option(help="Only these, such as BootNotification.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="So many of the newest.")] = 30,
    url: Url = None,
) -> None:
    """Show what a station and we have said to each other, the newest last."""
    from api.commands import operator as command

    command.messages(command.service_at(url), station, action, limit)


@stations.command("send")
def send_command(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    station: Station,
    action: Annotated[
        str | None, typer.Argument(help="A command of the station's version; all are listed without one.")
    ] = None,
    payload: Annotated[str, typer.Argument(help="Its payload as JSON.")] = "{}",
    file: Annotated[Path | None, typer.Option(help="Read the payload from a file.")] = None,
    queue: Annotated[bool, typer.Option("--queue", help="Keep it until the station is there.")] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency key: queued once, however often sent.")] = None,
    approvals: Annotated[str, typer.Option(help="Keys of two approvers, parted by a comma.")] = "",
    url: Url = None,
) -> None:
    """Send a command to a station, and print its answer."""
    from api.commands import operator as command

    service = command.service_at(url)
    if action is None:
        command.list_commands(service, station)
        return
    text = payload if file is None else file.read_text(encoding="utf-8")
    command.send(service, command.Sending(station, action, text, queue, key, approvals))


@stations.command("events")
def follow_events(
    kind: Annotated[list[str] | None, typer.Option(help="Such as transaction. or station.booted.")] = None,
    station: Annotated[str | None, typer.Option(help="Only of this one.")] = None,
    url: Url = None,
) -> None:
    """Follow what happens, until interrupted."""
    from api.commands import operator as command

    command.follow(command.service_at(url), kind or [], station)
