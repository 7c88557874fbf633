"""The command ``gridpilot``; every command imports what it needs when it runs."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="gridpilot",
    help="Grid-aware smart charging: plan sites, replay history, serve stations, measure.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench = typer.Typer(help="Figures that can be measured again.", no_args_is_help=True)
app.add_typer(bench, name="bench")


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
def schema() -> None:
    """Print the JSON Schema of the input."""
    from api.commands import schema as command

    command.schema()


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


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
