"""The command ``gridpilot``; every command imports what it needs when it runs."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from api.cli_stations import stations

app = typer.Typer(
    name="gridpilot",
    help="Grid-aware smart charging: plan sites, replay history, serve stations, measure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
MOMENTS: Final = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M%z",
    "%Y-%m-%dT%H:%M:%S%z",
)
bench = typer.Typer(help="Figures that can be measured again.", no_args_is_help=True)
app.add_typer(bench, name="bench")
ocpp = typer.Typer(
    help="Charging profiles of OCPP 1.6, 2.0.1 and 2.1, without a station.", no_args_is_help=True
)
app.add_typer(ocpp, name="ocpp")
app.add_typer(stations, name="stations")


@app.command()
def plan(
    state: Annotated[Path, typer.Argument(help="A site's state as JSON; see `gridpilot schema`.")],
    out: Annotated[Path | None, typer.Option(help="Write the plan as JSON, as the API answers it.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture: .png, .svg, or a page .html.")] = None,
    why: Annotated[
        str | None, typer.Option(help="Say why a session charges when it does; `all` for every one.")
    ] = None,
    what_if: Annotated[
        str | None, typer.Option(help="Another limit, as NODE=+10 (kW) or NODE=+16A: what would change.")
    ] = None,
) -> None:
    """Plan a site from its state, and show what its stations are told."""
    from api.commands import plan as command

    command.plan(state, out, plot, command.Questions(why, what_if))


@app.command()
def forecast(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    history: Annotated[
        Path | None, typer.Argument(help="Samples of one or many series, .csv or .parquet; wide or long.")
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Forecast the built-in example.")] = False,
    save_example: Annotated[Path | None, typer.Option(help="Write the example's history, and stop.")] = None,
    sessions: Annotated[
        Path | None, typer.Option(help="Recorded sessions; without a departure while a car is there.")
    ] = None,
    known: Annotated[Path | None, typer.Option(help="Weather, price: past, and to come.")] = None,
    horizon: Annotated[float, typer.Option(min=0.01, help="Hours to look ahead.")] = 24.0,
    step: Annotated[int | None, typer.Option(min=1, help="Minutes of a slot; those of the samples.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(help="Nothing from then on is read; the end of the newest sample.", formats=[*MOMENTS]),
    ] = None,
    column: Annotated[list[str] | None, typer.Option(help="One series; again for more; all.")] = None,
    time: Annotated[str | None, typer.Option(help="The column of times; found unless given.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Long form: the column of names.")] = None,
    value: Annotated[str | None, typer.Option(help="Long form: the column of values.")] = None,
    zone: Annotated[str, typer.Option(help="IANA zone of days, and of times without an offset.")] = "UTC",
    country: Annotated[str | None, typer.Option(help="As DE: its holidays are Sundays.")] = None,
    subdivision: Annotated[str | None, typer.Option(help="State or province of it, as BY.")] = None,
    holiday: Annotated[
        list[datetime] | None,
        typer.Option(help="A date like a Sunday; again for more.", formats=[MOMENTS[0]]),
    ] = None,
    charging: Annotated[bool, typer.Option("--charging", help="Charging load: never negative.")] = False,
    installed: Annotated[
        float | None, typer.Option(min=0.001, help="Installed power of each series.")
    ] = None,
    registers: Annotated[
        bool, typer.Option("--registers", help="Samples are energy registers, in kWh.")
    ] = False,
    forecaster: Annotated[
        str | None, typer.Option(help="usual, climatology, seasonal_naive, double_seasonal or ridge.")
    ] = None,
    levels: Annotated[str | None, typer.Option(help="Quantiles, as in 0.1,0.5,0.9.")] = None,
    paths: Annotated[int, typer.Option(min=0, max=10000, help="Scenario paths to write.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same paths.")] = 0,
    total: Annotated[bool, typer.Option("--total", help="Also the sum of all series.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write it: .csv, .parquet or .json.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a fan chart: .png, .svg, or .html.")] = None,
) -> None:
    """Clean the samples of any regular series, and forecast them as quantiles and scenario paths."""
    from api.commands import forecast as command
    from api.forecasts.files.columns import Columns

    if save_example is not None:
        command.save_example(save_example)
        return
    if (history is None) == (not example):
        raise typer.BadParameter("give a file, or --example")
    days = tuple(one.date() for one in holiday or ())
    only = tuple(column or ())
    columns = Columns(time, id_, value, only, zone, charging, installed, country, subdivision, days)
    asked = command.Asked(
        horizon, step, at, levels, paths, seed, total, sessions, registers, forecaster, known
    )
    command.forecast(history, columns, asked, out, plot)


@app.command()
def replay(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    sessions: Annotated[Path, typer.Argument(help="Recorded sessions, .parquet or .csv.")],
    site: Annotated[str, typer.Option(help="A built-in site such as caltech, or a JSON file.")],
    days: Annotated[float, typer.Option(min=0.01, help="Days to replay.")] = 30.0,
    start: Annotated[
        datetime | None, typer.Option(help="First local day; that of the first session.")
    ] = None,
    policy: Annotated[
        list[str] | None, typer.Option(help="One policy; again for more; all unless given.")
    ] = None,
    belief: Annotated[str, typer.Option(help="What is known of cars: actual, stated or median.")] = "actual",
    limit: Annotated[float | None, typer.Option(help="Limit of a built-in site, in kW.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the results as JSON.")] = None,
) -> None:
    """Replay recorded sessions in a closed loop, and compare policies."""
    from api.commands import replay as command

    command.replay(sessions, command.Choice(site, start, days, belief, limit), policy or (), out)


@app.command()
def demo(
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another day.")] = 11,
    seconds: Annotated[float, typer.Option(min=5, max=3600, help="How long the day takes.")] = 70,
    evses: Annotated[int, typer.Option(min=3, max=60, help="EVSEs of the site.")] = 20,
    out: Annotated[Path, typer.Option(help="Where the page of plots goes.")] = Path("gridpilot-demo.html"),
) -> None:
    """Play a day of charging behind a tight limit, with virtual stations that speak real OCPP."""
    from api.commands import demo as command

    command.demo(seed, seconds, evses, out)


@app.command()
def schema(
    of: Annotated[
        str, typer.Argument(help="plan: a site's state; forecast: samples of series; or ocpp-composite.")
    ] = "plan",
) -> None:
    """Print the JSON Schema of the input of a command."""
    from api.commands import schema as command

    command.schema(of)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; this machine only unless given.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the API.")] = None,
    ocpp_port: Annotated[int | None, typer.Option(help="Port of the OCPP gateway.")] = None,
    database: Annotated[str | None, typer.Option(help="SQLAlchemy URL; a SQLite file unless given.")] = None,
) -> None:
    """Serve the API and the OCPP gateway; what is not given comes from GRIDPILOT_* variables."""
    from api.commands import serve as command

    command.serve(host, port, ocpp_port, database)


@stations.command("key")
def stations_key(
    station: Annotated[str, typer.Argument(help="Identity of the station, as in its URL.")],
    key: Annotated[
        str | None,
        typer.Option(help="16 to 40 characters, or 40 hexadecimal digits; a random one is made and printed."),
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="The old key is void at once, not when the new one is used.")
    ] = False,
    minimum_profile: Annotated[
        int | None, typer.Option(min=0, max=3, help="Lowest security profile it may use; sets no key.")
    ] = None,
    certificate_name: Annotated[
        str | None, typer.Option(help="Common name of its certificate, if not its identity; sets no key.")
    ] = None,
) -> None:
    """Give a station a key, or rotate it; say what else it must show."""
    from api.commands import stations as command

    command.key(station, command.DoorChange(key, now, minimum_profile, certificate_name))


@bench.command("list")
def bench_list() -> None:
    """Show every benchmark."""
    from api.commands import bench as command

    command.list_all()


@bench.command("options")
def bench_options(name: Annotated[str, typer.Argument(help="As `gridpilot bench list` shows it.")]) -> None:
    """Show the options that one benchmark has of its own."""
    from api.commands import bench as command

    command.options(name)


@bench.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench_run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="As `gridpilot bench list` shows it.")],
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Small sizes: does it work at all?")] = False,
) -> None:
    """Run one benchmark; what it has of options of its own, `gridpilot bench options NAME` shows."""
    from api.commands import bench as command

    command.run(name, context.args, json, smoke=smoke)


@ocpp.command("composite")
def ocpp_composite(
    case: Annotated[Path, typer.Argument(help="A station at work; see `gridpilot schema ocpp-composite`.")],
) -> None:
    """Answer GetCompositeSchedule as the station would: which limits follow from its charging profiles."""
    from api.commands import ocpp as command

    command.composite(case)


@ocpp.command("check")
def ocpp_check(
    profile: Annotated[
        Path,
        typer.Argument(help="SetChargingProfile alone, or with its station: `gridpilot schema ocpp-check`."),
    ],
    version: Annotated[
        str | None, typer.Option(help="1.6, 2.0.1 or 2.1, where the document does not say.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Name every requirement that a request to set a profile breaks; the exit code is 1 if there is any."""
    from api.commands import ocpp as command

    command.check(profile, version, as_json=json)


@ocpp.command("encode")
def ocpp_encode(
    schedule: Annotated[
        Path, typer.Argument(help="Limits by EVSE and slot; see `gridpilot schema ocpp-encode`.")
    ],
    version: Annotated[
        str | None, typer.Option(help="1.6, 2.0.1 or 2.1; that of the document, unless given.")
    ] = None,
    capabilities: Annotated[
        Path | None,
        typer.Option(help="What the station can do, as JSON; that of the document, unless given."),
    ] = None,
) -> None:
    """Print the requests that tell a station a schedule, in order; they never allow more than it does."""
    from api.commands import ocpp as command

    command.encode(schedule, version, capabilities)


@ocpp.command("example")
def ocpp_example(
    of: Annotated[str, typer.Argument(help="composite, check or encode.")] = "composite",
) -> None:
    """Print a case of one of these commands, to begin with."""
    from api.commands import ocpp as command

    command.example(of)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
