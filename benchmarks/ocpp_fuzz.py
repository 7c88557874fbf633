"""Ten million hostile frames: no crash, no leak, nothing stuck."""

import gc
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.registry import (
    BenchmarkContext,
    BenchmarkOption,
    BenchmarkReport,
    BenchmarkSpec,
    Cell,
    Environment,
)

if TYPE_CHECKING:
    from benchmarks.hostile.talk import Outcome

N_SMOKE: Final = 30_000
N_SMOKE_SOCKETS: Final = 3_000
COLUMNS: Final = ("frames", "taken", "passed on at once [%]", "share [%]")
_MB: Final = 1e6
_CHUNKS: Final = 10
_WARM_AFTER: Final = 2
"""Memory is looked at after so many of all chunks, when every schema is compiled, and at the end."""

_SHOWN_FAULTS: Final = 20


@dataclass(slots=True)
class Part:
    """What one process has found.

    Parameters
    ----------
    outcome : Outcome
        Of conversations without sockets.
    wire_frames, wire_heard, connections : int
        Over sockets: sent, heard by the gateway, and on how many connections.
    wire_faults : list of str
    grown_mb : float
        Resident memory at the end, beyond that after the warm-up [MB].
    grown_objects : int
        Live objects, likewise.
    """

    outcome: "Outcome"
    wire_frames: int = 0
    wire_heard: int = 0
    connections: int = 0
    wire_faults: list[str] = field(default_factory=list)
    grown_mb: float = 0.0
    grown_objects: int = 0


def measure_ocpp_fuzz(context: BenchmarkContext) -> BenchmarkReport:
    """Let hostile stations talk, and tell what has come of it."""
    n_frames = N_SMOKE if context.smoke else int(context.options["frames"][0])
    n_sockets = N_SMOKE_SOCKETS if context.smoke else int(context.options["sockets"][0])
    n_processes = 1 if context.smoke else int(context.options["processes"][0])
    started = time.perf_counter()
    parts = []
    for part in _parts(context.seed, n_frames, n_sockets, n_processes):
        parts.append(part)
        context.say(f"{len(parts)} of {n_processes} processes after {time.perf_counter() - started:.0f} s")
    return report_of(parts, time.perf_counter() - started, context.seed)


def report_of(parts: list[Part], took_s: float, seed: int) -> BenchmarkReport:
    """Return the table of what all processes have found."""
    from benchmarks.hostile.frames import Hostility
    from benchmarks.hostile.talk import Outcome

    whole = Outcome()
    for part in parts:
        whole.add(part.outcome)
    n_frames, n_wire = whole.frames.total(), sum(part.wire_heard for part in parts)
    faults = [*whole.crashes, *(fault for part in parts for fault in part.wire_faults)]
    rows = [_row(kind.value, whole.frames[kind], whole.reached[kind], n_frames) for kind in Hostility]
    rows.append(_row("all", n_frames, whole.reached.total(), n_frames))
    return BenchmarkReport(
        title=f"{n_frames + n_wire:,} hostile frames, {n_wire:,} of them over sockets",
        columns=COLUMNS,
        rows=tuple(rows),
        notes=tuple(_notes(parts, whole, faults, took_s)),
        environment=Environment.here(seed),
    )


def _notes(parts: list[Part], whole: "Outcome", faults: list[str], took_s: float) -> Iterator[str]:
    """Yield what stands below the table."""
    n_wire, n_connections = sum(part.wire_heard for part in parts), sum(part.connections for part in parts)
    n_sent = sum(part.wire_frames for part in parts)
    grown_mb = max(part.grown_mb for part in parts)
    grown_objects = max(part.grown_objects for part in parts)
    per_s = (whole.frames.total() + n_wire) / took_s
    yield f"{len(faults)} crashes and faults, {whole.stuck} conversations stuck."
    yield f"memory after the warm-up grew by {grown_mb:.1f} MB, live objects by {grown_objects:,},"
    yield "in the process where it grew most."
    yield f"{whole.conversations:,} conversations, {whole.given_up:,} given up for too many faults in a row;"
    yield f"{whole.answered:,} frames of ours, every one read again."
    yield f"over sockets {n_sent:,} frames were sent on {n_connections:,} connections and {n_wire:,} heard before those"
    yield "ended; afterwards no link, hand-shake or task may be left, and honest stations of every version are served."
    yield f"{per_s:,.0f} frames/s in {len(parts)} process(es), {took_s:.0f} s, with the making of the frames."
    odd = ", ".join(f"{oddity.value} {n:,}" for oddity, n in whole.oddities.most_common())
    yield f"counted: {odd}."
    yield from faults[:_SHOWN_FAULTS]


def part_of(seed: int, n_frames: int, n_sockets: int) -> Part:
    """Return what one process finds in so many frames."""
    from api.ocpp.capabilities import OcppVersion
    from benchmarks.hostile.talk import Outcome, Talk
    from benchmarks.hostile.wire import attack

    versions = tuple(OcppVersion)
    talks = [Talk(version, seed) for version in versions]
    part = Part(Outcome())
    warm = (0.0, 0)
    for chunk in range(_CHUNKS):
        for talk in talks:
            talk.run(n_frames // (_CHUNKS * len(versions)))
        wire = attack(seed + chunk, n_sockets // _CHUNKS)
        part.wire_frames += wire.frames
        part.wire_heard += wire.heard
        part.connections += wire.connections
        part.wire_faults += wire.faults
        if chunk + 1 == _WARM_AFTER:
            warm = _memory()
    for talk in talks:
        part.outcome.add(talk.outcome)
    now = _memory()
    part.grown_mb, part.grown_objects = now[0] - warm[0], now[1] - warm[1]
    return part


def _parts(seed: int, n_frames: int, n_sockets: int, n_processes: int) -> Iterator[Part]:
    shares = (n_frames // n_processes, n_sockets // n_processes)
    if n_processes == 1:
        yield part_of(seed, *shares)
        return
    seeds = [seed + 1_000 * number for number in range(n_processes)]
    with ProcessPoolExecutor(n_processes) as pool:
        yield from pool.map(part_of, seeds, *([share] * n_processes for share in shares))


def _memory() -> tuple[float, int]:
    """Return the resident memory [MB] and the number of live objects, after what can go has gone."""
    gc.collect()
    return _resident_mb(), len(gc.get_objects())


def _resident_mb() -> float:
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # no Linux: the peak has to do
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return pages * resource.getpagesize() / _MB


def _row(name: str, taken: int, reached: int, n_frames: int) -> tuple[Cell, ...]:
    return name, taken, 100.0 * reached / max(taken, 1), 100.0 * taken / max(n_frames, 1)


BENCHMARK: Final = BenchmarkSpec(
    name="ocpp_fuzz",
    summary="Hostile OCPP frames by the million, with and without sockets: no crash, no leak, nothing stuck.",
    needs_data=False,
    run=measure_ocpp_fuzz,
    options=(
        BenchmarkOption("frames", "how many without sockets", ("9900000",)),
        BenchmarkOption("sockets", "how many over sockets", ("200000",)),
        BenchmarkOption("processes", "that share the work", ("2",)),
    ),
)
