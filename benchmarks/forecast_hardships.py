"""The usual forecaster under hard conditions: new stations, a fall of the load, dirty meters, sums; and its time."""

from typing import Final

from benchmarks.forecast import OPTIONS, SMOKE_ORIGINS, panels
from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec

N_SERIES: Final = 1000
FEW_SERIES: Final = 20

NOTES: Final = (
    "the protocol of `forecast`, the past changed as the row says; what came is as it was, but for the fall",
    "new stations: half of each panel's, then the other half, against the same stations with all their history",
    "name plate: the usual power (3.7 to 150 kW) above the greatest half hour that the file has of a station",
    "fall: the city total times 0.2 from some days before the origin on, as if it stayed there",
    "dirt: blocks of 6 h missing with a chance of 10 %, 1 % of samples ten times themselves and the mean together",
    "sum of stations: 200 paths of all stations of a city, summed path by path",
    "refresh: one new slot of every series, then 48 slots at 7 levels, one thread; what it learns once a day apart",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Run every hardship.

    Raises
    ------
    InvalidInputError
        A value of an option cannot be used, or the folder holds no load.
    """
    import numpy as np

    from benchmarks.forecast.hardships import COLUMNS, Trials, refresh_rows
    from benchmarks.forecast.protocol import N_ORIGINS

    n_origins = SMOKE_ORIGINS if context.smoke else N_ORIGINS
    trials = Trials(panels(context), n_origins, np.random.default_rng(context.seed))
    rows = refresh_rows(FEW_SERIES if context.smoke else N_SERIES, context.seed)
    parts = (trials.dirt,) if context.smoke else (trials.cold, trials.fall, trials.dirt, trials.sums)
    for part in parts:
        rows += part()
        context.say(f"{rows[-1][0]}: {rows[-1][3]}")
    return BenchmarkReport("The usual forecaster under hard conditions", COLUMNS, tuple(rows), NOTES)


BENCHMARK: Final = BenchmarkSpec(
    name="forecast_hardships",
    summary="Load forecasts of new stations, after a fall, from dirty meters, of sums; and the time they take.",
    needs_data=True,
    run=measure,
    options=OPTIONS[:2],
)
