"""What is seen while the day passes: a live table in a terminal, a line every few hours elsewhere."""

import math
import time
from datetime import datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from benchmarks.demo.day import ZONE
from benchmarks.demo.world import DemoWorld
from benchmarks.station_words import PlugState

_FRAME_S: Final = 0.25
_LINE_EVERY: Final = timedelta(hours=3)
_BAR_CELLS: Final = 36
_NEAR: Final = 0.97
_STATES: Final = (
    (PlugState.AVAILABLE, "free", "dim"),
    (PlugState.PREPARING, "plugged in", "yellow"),
    (PlugState.CHARGING, "charging", "green"),
    (PlugState.PAUSED_BY_STATION, "waits", "yellow"),
    (PlugState.PAUSED_BY_CAR, "starts", "cyan"),
    (PlugState.FINISHING, "full", "blue"),
)


class Screen(Protocol):
    """Shows a world."""

    def show(self, world: DemoWorld) -> None:
        """Show the world as it is now."""

    def close(self) -> None:
        """Stop showing."""


class LiveScreen:
    """A table that changes in place, four times in a second."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._live.start()
        self._next_s = 0.0

    def show(self, world: DemoWorld) -> None:
        """Show the world, unless the last frame is fresh."""
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + _FRAME_S
            self._live.update(frame(world), refresh=True)

    def close(self) -> None:
        """Take the table away."""
        self._live.stop()


class LineScreen:
    """A line every few simulated hours."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: datetime | None = None

    def show(self, world: DemoWorld) -> None:
        """Print a line if it is time."""
        local = world.now.astimezone(ZoneInfo(ZONE))
        hour = local.replace(minute=0, second=0)
        if hour.hour % (_LINE_EVERY // timedelta(hours=1)) or hour == self._last:
            return
        self._last = hour
        self._console.print(headline(world), highlight=False)

    def close(self) -> None:
        """Nothing is left to do."""


def screen_for(console: Console) -> Screen:
    """Return the screen that suits a console."""
    return LiveScreen(console) if console.is_terminal else LineScreen(console)


def headline(world: DemoWorld) -> str:
    """Return the state of the site in one line."""
    local = world.now.astimezone(ZoneInfo(ZONE))
    over_s = world.cars.meters.over_s
    return (
        f"{local:%a %H:%M}  {len(world.cars.here):2} cars  site {world.cars.meters.now_kw:5.1f} of"
        f" {world.day.limit_kw:.0f} kW  plans {len(world.engine.log.took_s)}"
        f" (p50 {_quantile_ms(world, 0.5):.0f} ms)  {world.engine.n_messages} OCPP messages"
        f"  {'no limit exceeded' if over_s == 0 else f'over a limit for {over_s:.0f} s'}"
    )


def frame(world: DemoWorld) -> RenderableType:
    """Return one frame of the live view."""
    return Group(_top(world), _stations(world), _bottom(world))


def _top(world: DemoWorld) -> Table:
    local = world.now.astimezone(ZoneInfo(ZONE))
    now_kw, limit_kw = world.cars.meters.now_kw, world.day.limit_kw
    colour = "red" if now_kw > limit_kw else "yellow" if now_kw > _NEAR * limit_kw else "green"
    bar = ProgressBar(limit_kw, min(now_kw, limit_kw), width=_BAR_CELLS, complete_style=colour)
    row = Table.grid(padding=(0, 2))
    row.add_row(
        Text(f"{local:%A %H:%M}", style="bold"),
        Text.assemble("site ", (f"{now_kw:5.1f} kW", f"bold {colour}")),
        bar,
        Text(f"limit {limit_kw:.0f} kW"),
    )
    return row


def _stations(world: DemoWorld) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for heading in ("station", "OCPP", "state"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pilot", "power", "energy", "of need"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, width=10)
    table.add_column("leaves", no_wrap=True)
    for row in range(len(world.engine.stations)):
        table.add_row(*_station(world, row))
    return table


def _station(world: DemoWorld, row: int) -> list[RenderableType]:
    station = world.engine.stations[row]
    version = station.words.subprotocol.removeprefix("ocpp")
    state = station.state(1)
    name, style = next((name, style) for known, name, style in _STATES if known is state)
    cells: list[RenderableType] = [station.station_id, Text(version, "dim"), Text(name, style)]
    session = world.cars.here.get(row)
    if session is None:
        return [*cells, *[Text("")] * 6]
    given_kwh = world.cars.given_kwh(row)
    leaves = session.departure.median.astimezone(ZoneInfo(ZONE))
    return [
        *cells,
        f"{world.pilot_a[row]:.0f} A",
        f"{world.power_kw[row]:.1f} kW",
        f"{given_kwh:.1f}",
        f"{session.target_kwh:.1f} kWh",
        ProgressBar(max(session.target_kwh, 1e-9), given_kwh, width=10),
        f"{leaves:%H:%M}",
    ]


def _bottom(world: DemoWorld) -> Text:
    over_s = world.cars.meters.over_s
    return Text.assemble(
        (f"plans {len(world.engine.log.took_s)}", "bold"),
        f", state to schedule p50 {_quantile_ms(world, 0.5):.0f} ms, p95 {_quantile_ms(world, 0.95):.0f} ms   ",
        (f"OCPP messages {world.engine.n_messages}", "bold"),
        "   limits ",
        ("never exceeded", "green") if over_s == 0 else (f"exceeded for {over_s:.0f} s", "bold red"),
    )


def _quantile_ms(world: DemoWorld, level: float) -> float:
    took_s = world.engine.log.took_s
    return 1e3 * float(np.quantile(took_s, level)) if took_s else math.nan
