"""Cars that are plugged in now: when they leave and what they take, foreseen as they plug in."""

from typing import TYPE_CHECKING, Final

from benchmarks.boosting import lightgbm_lacks
from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from benchmarks.cars.just_here import Judged

FILES: Final = ("acn", "norway", "dundee", "perth_kinross", "boulder")
SMOKE_SESSIONS: Final = 600
COLUMNS: Final = (
    "sessions",
    "method",
    "cars judged",
    "departure MAE [min]",
    "energy MAE [kWh]",
    "departure in 80 % interval [%]",
    "energy in 80 % interval [%]",
    "CPU as it plugs in [us]",
    "CPU at a later look [us]",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Judge the last fifth of every file."""
    from benchmarks.cars.just_here import judged_rows
    from benchmarks.cars.recorded import recorded

    rows: list[tuple[Cell, ...]] = []
    for name in context.options["file"]:
        sessions = recorded(context.data_dir, name)
        context.say(f"{name}: {len(sessions)} sessions")
        rows += [
            _cells(row) for row in judged_rows(sessions.only(SMOKE_SESSIONS) if context.smoke else sessions)
        ]
    lacks = lightgbm_lacks()
    missing = (f"LightGBM, {lacks}: its rows are left out",) if lacks else ()
    return BenchmarkReport("Cars that have just plugged in", COLUMNS, tuple(rows), (*NOTES, *missing))


def _cells(row: "Judged") -> tuple[Cell, ...]:
    """Return a row with parts as percentages, and nothing where there is no figure."""
    parts = (100.0 * row.departure_cover, 100.0 * row.energy_cover, row.us_per_car, row.us_again)
    return (*row[:5], *(None if part != part else part for part in parts))  # noqa: PLR0124 - NaN


NOTES: Final = (
    "the first 80 % of a file, in the order of plugging in, are learnt from; the last 20 % are judged",
    "ours sees every session that has ended by the time the judged car plugs in, and nothing else",
    "LightGBM and arrival-hour quantiles: trained once on the first 80 %; LightGBM with the same traits as ours",
    "scales of likeness were searched for on sessions from 40 to 80 % of acn, norway, dundee and boulder only",
    "CPU: finding its kin and reading quantiles of departure and energy; later only the quantiles are read again",
    "known users: a session of the same user has ended before",
)

BENCHMARK: Final = BenchmarkSpec(
    name="sessions",
    summary="Cars that have just plugged in: when they leave, what they take; ours beside what was stated.",
    needs_data=True,
    run=measure,
    options=(
        BenchmarkOption("file", "a file of sessions: acn, norway, dundee, perth_kinross or boulder", FILES),
    ),
)
