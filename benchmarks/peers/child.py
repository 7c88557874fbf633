"""One scheduler in a process of its own: its time, its memory, its answer.

Needs numpy alone: the environments of rival packages run it too.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from benchmarks.peers.case import Case
from models.arrays import FloatArray

BASE_FILE: Final = "base.npz"
CHANGED_FILE: Final = "changed.npz"
ANSWER_FILE: Final = "answer.npz"
REPORT_FILE: Final = "report.json"
KB_PER_MB: Final = 1000.0 / 1.024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a scheduler says.

    Parameters
    ----------
    power_kw, energy_kwh : (E, T) float64
        Power that the limits must carry, and the energy that it expects the cars to take.
    said : str
        Its own word for the outcome.
    gap : float or None
        Relative gap to its own bound, where it has one.
    changed : bool
        Whether it answers the case with changed needs.
    """

    power_kw: FloatArray
    energy_kwh: FloatArray
    said: str
    gap: float | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """How a scheduler ran: seconds of every run by the clock and of the processor, its peak memory, its packages."""

    times_s: tuple[float, ...]
    cpu_s: tuple[float, ...]
    peak_mb: float
    said: str
    gap: float | None
    changed: bool
    packages: dict[str, str]


Run: TypeAlias = Callable[[], Answer]
Rival: TypeAlias = Callable[[Case, Case], Run]
"""Takes a case and the same with changed needs, makes ready (not timed), and returns what is timed."""


def main(rivals: Mapping[str, Rival], packages: tuple[str, ...]) -> None:
    """Measure the scheduler that the command line names on the cases of a folder, and write what came of it there.

    Parameters
    ----------
    rivals : mapping of str to Rival
    packages : tuple of str
        Packages whose versions are worth telling.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=sorted(rivals))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument(
        "--budget-s", type=float, required=True, help="no further run is begun after this time"
    )
    given = parser.parse_args()
    base, changed = Case.read(given.folder / BASE_FILE), Case.read(given.folder / CHANGED_FILE)
    spent, answer = _timed(rivals[given.name], (base, changed), given.runs, given.budget_s)
    np.savez(given.folder / ANSWER_FILE, power_kw=answer.power_kw, energy_kwh=answer.energy_kwh)
    versions = {name: version(name) for name in packages}
    times_s, cpu_s = zip(*spent, strict=True)
    report = Report(times_s, cpu_s, peak_mb(), answer.said, answer.gap, answer.changed, versions)
    (given.folder / REPORT_FILE).write_text(json.dumps(asdict(report)), encoding="utf-8")


def peak_mb() -> float:
    """Return the greatest memory that this process has held [MB]; NaN where the system does not tell.

    From ``/proc``, since ``getrusage`` counts the parent's memory at the moment of the fork as well.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return float("nan")
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return float(lines[0].split()[1]) / KB_PER_MB if lines else float("nan")


def _timed(
    rival: Rival, cases: tuple[Case, Case], n_runs: int, budget_s: float
) -> tuple[list[tuple[float, float]], Answer]:
    """Return the seconds of every run, by the clock and of the processor, and the last answer."""
    spent: list[tuple[float, float]] = []
    began = time.perf_counter()
    while True:
        run = rival(*cases)
        gc.collect()
        started, cpu_started = time.perf_counter(), time.process_time()
        answer = run()
        spent.append((time.perf_counter() - started, time.process_time() - cpu_started))
        if len(spent) == n_runs or time.perf_counter() - began > budget_s:
            return spent, answer
