"""Load forecasts on recorded loads: rolling origins, 24 h ahead, quantiles; ours beside baselines and rivals."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.forecast.names import NAMES, USUAL_NAMES
from benchmarks.registry import BenchmarkContext, BenchmarkOption, BenchmarkReport, BenchmarkSpec
from models.errors import IssueList

if TYPE_CHECKING:
    from benchmarks.forecast.data import Panel

FOLDER: Final = "forecasting"
SMOKE_FILES: Final = ("norway", "mascot")
SMOKE_ORIGINS: Final = 2

OPTIONS: Final = (
    BenchmarkOption(
        "data",
        "folder with load30_*.parquet, feeder*.parquet, stations_*.csv; unless given, GRIDPILOT_DATA's",
        names_data=True,
    ),
    BenchmarkOption("cut", "NAME=DATE: first day of a file that nobody may know; its end unless given"),
    BenchmarkOption("contenders", f"some of {', '.join(NAMES)}", USUAL_NAMES),
    BenchmarkOption(
        "plots", "folder that reliability and skill by lead are drawn in, with their figures as JSON"
    ),
)

NOTES: Final = (
    "7 origins, 5 days apart (openstef 66 h), from 6 days before the cut backwards, midnight and noon UTC in turn",
    "24 h ahead at 30 min, garages at 60 min; 4 weeks of history and load in the last 14 days; nothing later is read",
    "WQL: twice the mean pinball loss at 10, 50 and 90 % over mean |load|, pooled; feeders: mean over series",
    "SPL: mean pinball loss over the error of the weekly naive in the last 56 days, mean over series",
    "feeders are judged by SPL, all others by WQL, by lead time too",
    "sites: of two stations or more; 56 days are given, and to ours, ridge and lightgbm 140: what they keep or pool",
    "published: least loss in the table of rivals of benchmarks/forecast/published.py",
    "of the best run here: of the others in this run",
    "lightgbm: a model for each quantile, on the features of the ridge, trained at each origin on what lies before it",
    "mstl: statsforecast's, day and week, with its own intervals; of large groups an even sample, ours beside it",
    "history: learning, of lightgbm training, in a contender's first group compiling too; mstl learns in each forecast",
)


def measure(context: BenchmarkContext) -> BenchmarkReport:
    """Run the protocol.

    Raises
    ------
    InvalidInputError
        A value of an option cannot be used, or the folder holds no load.
    """
    from benchmarks.forecast.contenders import contenders
    from benchmarks.forecast.race import COLUMNS, Race, geometric_means, rows

    runners = contenders(context)
    race = Race(panels(context), SMOKE_ORIGINS) if context.smoke else Race(panels(context))
    found = race.run(runners, context.say)
    if context.options.get("plots"):
        from benchmarks.forecast.plots import write_plots

        write_plots(found, Path(" ".join(context.options["plots"])))
    title = "Load forecasts 24 h ahead, by group"
    return BenchmarkReport(title, COLUMNS, tuple(rows(found)), (*geometric_means(found), *NOTES))


def panels(context: BenchmarkContext) -> "tuple[Panel, ...]":
    """Return the panels that the options name; a few of them in the small size."""
    from benchmarks.forecast.data import read_panels

    given = context.options.get("data", ())
    folder = Path(" ".join(given)) if given else context.data_dir / FOLDER
    found = read_panels(folder, cuts(context.options.get("cut", ())))
    few = tuple(panel for panel in found if panel.name in SMOKE_FILES)
    return few if context.smoke and few else found


def cuts(words: Sequence[str]) -> dict[str, datetime]:
    """Return the cut of each file that is named as ``NAME=DATE``.

    Raises
    ------
    InvalidInputError
        Names every word of another form.
    """
    found, issues = {}, IssueList()
    for word in words:
        name, _, date = word.partition("=")
        try:
            found[name] = datetime.fromisoformat(date).replace(tzinfo=UTC)
        except ValueError:
            issues.add(f"--cut {word}", "is not NAME=YYYY-MM-DD")
    issues.raise_if_any()
    return found


BENCHMARK: Final = BenchmarkSpec(
    name="forecast",
    summary="Load forecasts 24 h ahead on recorded loads, as quantiles: ours beside rivals, by group.",
    needs_data=True,
    run=measure,
    options=OPTIONS,
)
