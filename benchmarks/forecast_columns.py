"""What weather that is known ahead is worth to the usual forecaster, what it costs, and what is left when it stops."""

from typing import Final

from benchmarks.registry import BenchmarkContext, BenchmarkReport, BenchmarkSpec, Cell

COLUMNS: Final = ("load", "columns", "WQL without", "with", "ratio", "stopped", "its ratio")
N_SERIES: Final = 8
N_ORIGINS: Final = 30
FEW: Final = 2

NOTES: Final = (
    "24 h ahead at 30 min from the last 110 days; 30 origins, or as many as there are, at midnight and noon by turns",
    "origins 5 days apart, of openstef 2",
    "WQL: twice the mean pinball loss at 10, 50 and 90 % over mean |load|, pooled over origins and loads",
    "stopped: the feed of the columns ends 6 h ahead; ratios: over the WQL without columns",
    "made: eight loads of a seed, about 17 kW, that add 0.6, 0.1 or 0 kW for each degree below 15 °C",
    "recorded, where GRIDPILOT_DATA has them: feeders beside the weather that came; a forecast of it is worse",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Forecast every load without columns, with them, and with a feed that stops."""
    import numpy as np

    from benchmarks.forecast.columns import FOLLOWS, PER_DAY, STOPS_AFTER, losses, made, recorded

    n_series, n_origins = (FEW, FEW) if context.smoke else (N_SERIES, N_ORIGINS)
    cases = [
        (f"made, follows {name}", made(kw, n_series, np.random.default_rng(context.seed)))
        for name, kw in FOLLOWS
    ]
    if not context.smoke:
        cases += recorded(context.data_dir / "forecasting")
    rows: list[tuple[Cell, ...]] = []
    for name, fed in cases:
        without, known, stopped = losses(fed, n_origins, (0, PER_DAY, STOPS_AFTER))
        names = ", ".join(fed.names)
        rows.append((name, names, without, known, known / without, stopped, stopped / without))
        context.say(f"{name}: {known / without:.3f}")
    return BenchmarkReport("Columns that are known ahead", COLUMNS, tuple(rows), NOTES)


BENCHMARK: Final = BenchmarkSpec(
    name="forecast_columns",
    summary="Load forecasts with weather that is known ahead, without it, and when its feed stops.",
    needs_data=False,
    run=measure,
)
