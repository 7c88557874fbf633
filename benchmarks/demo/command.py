"""The command itself: set up, play, compare, report."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.demo.day import DEFAULT_SEED, DemoDay, day_of
from benchmarks.demo.report import DemoResult, report_of

DEFAULT_SECONDS: Final = 70.0
DEFAULT_EVSES: Final = 20
_LINE_WIDTH: Final = 120
DEFAULT_OUT: Final = Path("gridpilot-demo.html")


def main(
    seed: int = DEFAULT_SEED,
    seconds: float = DEFAULT_SECONDS,
    evses: int = DEFAULT_EVSES,
    out: Path = DEFAULT_OUT,
    hours: tuple[int, int] | None = None,
) -> int:
    """Play the demonstration, and return what the process should exit with: 1 where a limit was exceeded.

    Parameters
    ----------
    seed : int
        Of the day: arrivals, cars and building.
    seconds : float
        How long the day takes, after set-up [s].
    evses : int
        EVSEs of the site, at least 3.
    out : pathlib.Path
        The page with the plots.
    hours : (int, int) or None
        Local hours that are cut out of the day.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_LINE_WIDTH)
    _write(out, "")  # a page that cannot be written is found out now, not after the day
    console.print("setting up: database, gateway, planner, stations ...", style="dim")
    result = play(day_of(seed, evses, hours), seconds, console)
    console.print("drawing the plots ...", style="dim")
    write_page(result, out)
    console.print(report_of(result))
    console.print(f"Plots: {out.resolve()}", highlight=False, soft_wrap=True)
    return 0 if result.is_safe else 1


def play(day: DemoDay, seconds: float, console: Console) -> DemoResult:
    """Play a day in so many seconds, and return what came of it."""
    from benchmarks.demo.rivals import rivals_of

    logging.getLogger("websockets").setLevel(logging.ERROR)
    result = asyncio.run(_played(day, seconds, console))
    console.print("the same day without the engine ...", style="dim")
    return replace(result, rivals=rivals_of(day))


async def _played(day: DemoDay, seconds: float, console: Console) -> DemoResult:
    from benchmarks.demo.engine import SteppedClock, running_engine
    from benchmarks.demo.screen import screen_for
    from benchmarks.demo.world import DemoWorld, Pace

    pace, clock = Pace.of(day, seconds), SteppedClock(day.start)
    async with running_engine(day, clock, pace.speed) as engine:
        screen = screen_for(console)
        try:
            outcome = await DemoWorld(day, engine, clock, pace).play(screen.show)
        finally:
            screen.close()
        n_profiles = sum(station.n_profiles for station in engine.stations)
        return DemoResult(day, outcome, (), tuple(engine.log.took_s), engine.n_messages, n_profiles)


def write_page(result: DemoResult, path: Path) -> None:
    """Write the plots as one page that needs nothing else.

    Raises
    ------
    ChargingError
        The file cannot be written.
    """
    from benchmarks.demo.page import demo_page

    _write(path, demo_page(result))


def _write(path: Path, text: str) -> None:
    from models.errors import ChargingError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ChargingError(f"{path}: {error.strerror or error}") from error
