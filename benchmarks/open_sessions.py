"""The load of the next hours: from its history alone, and with the cars that are plugged in."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec, Cell

if TYPE_CHECKING:
    from benchmarks.cars.soon import Soon

START: Final = "2019-10-19"
DAYS: Final = "42"
EVERY: Final = timedelta(hours=7)
SMOKE_ORIGINS: Final = 4
COLUMNS: Final = (
    "method",
    "lead [h]",
    "RMSE [kW]",
    "against history only [%]",
    "in 80 % interval [%]",
    "CPU of a plugged-in car [us]",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Forecast the Norwegian garages at every seventh hour."""
    from benchmarks.cars.recorded import recorded
    from benchmarks.cars.soon import Garages, Walk, measured

    start = datetime.fromisoformat(context.options["start"][0]).replace(tzinfo=UTC)
    n_origins = int(timedelta(days=int(context.options["days"][0])) / EVERY)
    garages = Garages.read(context.data_dir, recorded(context.data_dir, "norway"), start)
    context.say(f"{len(garages.names)} garages: {', '.join(garages.names)}")
    soon = measured(Walk(garages, start), SMOKE_ORIGINS if context.smoke else n_origins, EVERY)
    title = f"Load of {len(garages.names)} Norwegian garages from {start:%Y-%m-%d}, by the hour"
    return BenchmarkReport(title, COLUMNS, tuple(_rows(soon)), NOTES)


def _rows(soon: "Soon") -> list[tuple[Cell, ...]]:
    from benchmarks.cars.soon import BANDS_H, METHODS

    rows: list[tuple[Cell, ...]] = []
    for band, (begin, end) in enumerate(BANDS_H):
        for number, method in enumerate(METHODS):
            rmse_kw = float(soon.rmse_kw[number, band])
            change = 100.0 * (rmse_kw / float(soon.rmse_kw[0, band]) - 1.0) if number else None
            cover = 100.0 * float(soon.cover[number, band])
            cost = soon.us_per_car if number == 1 and band == 0 else None
            rows.append((method, f"{begin}-{end}", rmse_kw, change, cover, cost))
    return rows


NOTES: Final = (
    "an origin every 7 hours; garages with 4 weeks of history at the start and some load in the 2 weeks before",
    "history only: the product's usual forecaster; with open sessions: the same, blended with the sum of cars",
    "RMSE of the mean of the quantiles, pooled over garages, origins and the hours of the lead",
    "of an open session are known: when it began, whose it is, what it has taken, what it draws now",
    "known perfectly: also what it will take and when it leaves; cars to come are forecast as before",
    "loads are made from sessions: each draws its power from plug-in until it has its energy",
    "the blend by lead time was chosen on September to 10 October 2019, before what is judged",
)

BENCHMARK: Final = BenchmarkSpec(
    name="open_sessions",
    summary="The load of the next hours with the cars that are plugged in, and without them.",
    needs_data=True,
    run=measure,
    options=(
        BenchmarkOption("start", "first origin, a date", (START,)),
        BenchmarkOption("days", "how long", (DAYS,)),
    ),
)
