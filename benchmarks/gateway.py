"""The gateway under ten thousand stations, beside the central system of the ``ocpp`` package.

One machine, the server in a process of its own, the stations in another (:mod:`benchmarks.crowd`): connections
and memory, a storm of boots, meter values, profiles for everybody, answers meanwhile, and a server that is killed.
"""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from benchmarks.crowd.trial import Figures, Size

COLUMNS: Final = ("", "wanted", "gateway alone", "whole service", "ocpp package", "theirs / ours")
SMOKE_STATIONS: Final = 50
SMOKE_TALKING: Final = 10


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Measure our gateway alone, the whole service, and the package's loop, one after the other."""
    from benchmarks.crowd.trial import KINDS, Trial

    size = _size(context)
    wanted = set(context.options["server"])
    figures: dict[str, Figures] = {}
    for kind in KINDS:
        if kind in wanted:
            with tempfile.TemporaryDirectory() as folder:
                figures[kind] = Trial(kind, size, context.seed, Path(folder), context.say).run()
    rows = tuple(_row(name, wish, field, figures) for name, wish, field in _LINES)
    return BenchmarkReport(
        f"One process and {size.n_stations:,} stations of OCPP 1.6", COLUMNS, rows, _notes(size)
    )


_LINES: Final = (
    ("connections held", "10,000", "n_connected"),
    ("resident memory [MB]", "<= 400", "rss_mb"),
    ("CPU of a validated MeterValues at full speed [us]", "<= 35, 8 times less", "rush_us"),
    ("MeterValues at full speed [1/s]", "", "rush_per_s"),
    ("CPU of a validated MeterValues at the rate [us]", "", "meter_us"),
    ("boot storm: until all have booted [s]", "<= 15", "boot_s"),
    ("boot storm: lost", "0", "n_boots_lost"),
    ("profiles of 24 periods to all: CPU [s]", "<= 5", "profiles_cpu_s"),
    ("profiles of 24 periods to all: time [s]", "", "profiles_s"),
    ("profiles accepted", "", "n_profiles"),
    ("p99 of answers, meter values [ms]", "<= 100", "meter_p99_ms"),
    ("p99 of answers, boot storm [ms]", "<= 100", "boot_p99_ms"),
    ("p99 of answers, profiles [ms]", "<= 100", "profiles_p99_ms"),
    ("messages refused", "0", "n_refused"),
    ("killed: until it listens again [s]", "", "down_s"),
    ("killed: then until the last station is back [s]", "", "back_s"),
    ("killed: stations that did not come back", "0", "n_not_back"),
    ("killed: transactions that stations know", "", "n_transactions"),
    ("killed: of them lost, doubled or wrong", "0", "n_lost"),
)
_RATIOS: Final = ("rss_mb", "rush_us", "meter_us", "boot_s", "profiles_cpu_s")


def _row(name: str, wanted: str, field: str, figures: "dict[str, Figures]") -> tuple[Cell, ...]:
    cells = {kind: getattr(found, field) for kind, found in figures.items()}
    ours, theirs = cells.get("alone"), cells.get("theirs")
    ratio = float(theirs / ours) if field in _RATIOS and ours and theirs else None
    return (name, wanted, cells.get("alone"), cells.get("service"), theirs, ratio)


def _size(context: BenchmarkContext) -> "Size":
    from benchmarks.crowd.trial import Size

    if context.smoke:
        return Size(SMOKE_STATIONS, SMOKE_TALKING, rate=100.0, seconds=0.5, at_once=50, retry_s=0.5)
    options = {name: float(values[0]) for name, values in context.options.items() if name != "server"}
    n_stations = int(options["stations"])
    return Size(
        n_stations,
        n_talking=min(500, n_stations),
        rate=options["rate"],
        seconds=options["seconds"],
        at_once=int(options["at-once"]),
        retry_s=options["retry"],
    )


def _notes(size: "Size") -> tuple[str, ...]:
    from importlib.metadata import version

    from benchmarks.crowd.trial import AT_ONCE

    packages = ("websockets", "uvloop", "ocpp", "msgspec", "jsonschema_rs", "sqlalchemy")
    rate, talking, n_storm = (
        f"{size.rate:,.0f}",
        f"{size.n_talking:,}",
        f"{size.n_stations - size.n_talking:,}",
    )
    return (
        "gateway alone: validated, turned into events, a listener that counts; no storage.",
        "whole service: the network of `gridpilot serve` on SQLite, no site; all is stored before it is answered.",
        "ocpp package: its ChargePoint with handlers that answer at once, on `websockets` without compression.",
        "all three on uvloop, in a process of its own; stations in others, on the same machine.",
        f"at full speed: {AT_ONCE} stations at a time, as fast as they are answered, all stations in turn.",
        f"otherwise {rate} MeterValues of four samples a second; beside boots and profiles from {talking} others",
        "in a process of their own, where answers are timed.",
        "CPU: of the whole process with its kernel time; at a rate, less what it takes while all are silent.",
        f"boot storm: {n_storm} stations, {size.at_once:,} connecting at once; ours asks each what it can do.",
        "killed: SIGKILL while half of the stations charge, an eighth stops and as many start.",
        f"who lost the connection comes back within {size.retry_s:g} s, and tries again as often.",
        "; ".join(f"{package} {version(package)}" for package in packages),
    )


BENCHMARK: Final = BenchmarkSpec(
    name="gateway",
    summary="Ten thousand stations on one process, beside the ocpp package: memory, CPU, boots, profiles, a kill.",
    needs_data=False,
    run=measure,
    options=(
        BenchmarkOption("stations", "how many", ("10000",)),
        BenchmarkOption("rate", "meter values of all stations [1/s]", ("1000",)),
        BenchmarkOption("seconds", "how long meter values are counted [s]", ("20",)),
        BenchmarkOption("at-once", "stations that connect at the same time", ("1000",)),
        BenchmarkOption("retry", "stations come back within this time [s]", ("30",)),
        BenchmarkOption("server", "alone, service or theirs", ("alone", "service", "theirs")),
    ),
)
