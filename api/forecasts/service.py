"""From samples as they came to a forecast: clean, learn, forecast, tell."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from api.forecasts.cars import CarsAhead
from api.forecasts.request import PATHS_OF_A_SUM, ForecastAnswer, ForecastRequest, SampleKind
from api.forecasts.slots import by_slot, in_slots
from models.arrays import FloatArray, IntArray, frozen
from models.errors import Issue
from models.forecasting.cleaning.findings import Fault, Findings
from models.forecasting.cleaning.readings import Cleaned, Readings
from models.forecasting.forecaster import QuantileForecast, Samples
from models.quantiles import at_level
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from models.forecasting.cleaning.cleaner import Cleaner
    from models.forecasting.forecaster import Forecaster

_STALE_S: Final = 2 * SECONDS_PER_DAY
_SHORT_DAYS: Final = 7
_MOST_ALONE: Final = 3
_WATCHED_DAYS: Final = 45
_ALONE_S: Final = 7 * SECONDS_PER_DAY


def forecast_of(request: ForecastRequest) -> ForecastAnswer:
    """Return the forecast that is asked for."""
    cleaned, cleaner = _clean(request)
    cleaned = replace(cleaned, findings=cleaned.findings.and_then(_moved_days(request, cleaned)))
    now = request.now or datetime.fromtimestamp(_now_s(request), UTC)
    learnt = by_slot(cleaned.samples, request.sample_s, request.wanted.step_s)
    wanted, grid = request.wanted, grid_from(now, request.wanted.step_s, request.wanted.n_slots)
    base = _chosen(request)
    base.update(learnt)
    asked = CarsAhead(base, request, now, in_slots(request.columns, grid))
    forecast = at_levels(asked.forecast(grid), frozen(wanted.levels))
    paths = asked.paths(grid, wanted.n_paths, wanted.seed) if wanted.n_paths else None
    total = None
    if wanted.total:
        many = paths if wanted.n_paths >= PATHS_OF_A_SUM else None
        many = many or asked.paths(grid, PATHS_OF_A_SUM, wanted.seed)
        total = many.total_quantiles(forecast.levels)
    warnings = (*request.notes, *asked.notes, *forecast.warnings, *_told(request, forecast, cleaner, now))
    return ForecastAnswer(request, forecast, paths, total, learnt, cleaned.findings, warnings)


def grid_from(now: datetime, step_s: int, n_slots: int) -> TimeGrid:
    """Return the slots of a forecast: from the first that begins at ``now`` or later."""
    first = -int(-now.timestamp() // step_s)
    return TimeGrid(datetime.fromtimestamp(first * step_s, UTC), step_s, n_slots)


def at_levels(forecast: QuantileForecast, levels: FloatArray) -> QuantileForecast:
    """Return a forecast at other levels, interpolated between its own; outside them the outermost one holds."""
    if np.array_equal(levels, forecast.levels):
        return forecast
    values = [[at_level(forecast.levels, rows, level) for level in levels] for rows in forecast.values]
    return replace(forecast, levels=levels, values=frozen(values))


def _chosen(request: ForecastRequest) -> "Forecaster":
    """Return the forecaster that is wanted, with nothing learnt yet."""
    from models.forecasting.by_name import forecaster_of  # noqa: PLC0415 - compiles kernels

    wanted = request.wanted
    return forecaster_of(wanted.forecaster, request.series, wanted.step_s, request.calendar)


def _clean(request: ForecastRequest) -> "tuple[Cleaned, Cleaner]":
    """Clean the samples in the order in which they came; where that loses some, in the order of time.

    A date with day and month swapped shows in the order in which samples came only, and a file whose parts stand
    in no order in none. What is later than the moment of the forecast is not looked at.
    """
    from models.forecasting.cleaning.cleaner import Cleaner  # noqa: PLC0415 - compiles kernels

    readings, now_s = request.readings, _now_s(request)
    if request.now is not None:
        readings = readings.at(np.flatnonzero(readings.samples.time_s < now_s))
    if request.kind is SampleKind.ENERGY_REGISTER:
        return _clean_registers(request, readings, now_s)
    cleaner = Cleaner(request.series, request.sample_s)
    cleaned = cleaner.clean(readings, now_s)
    counts = cleaner.counts.sum(axis=0)
    if not counts[Fault.TOO_LATE] or counts[Fault.SWAPPED_DATE]:
        return cleaned, cleaner
    order = np.argsort(readings.samples.time_s, kind="stable")
    cleaner = Cleaner(request.series, request.sample_s)
    return cleaner.clean(readings.at(order), now_s), cleaner


def _moved_days(request: ForecastRequest, cleaned: Cleaned) -> Findings:
    """Return the days of the last weeks whose shape has moved, as that of a meter whose clock is wrong has."""
    from models.forecasting.cleaning.clock_watch import ClockWatch  # noqa: PLC0415 - used here only

    samples = cleaned.samples
    recent = np.flatnonzero(samples.time_s >= samples.time_s.max(initial=0) - _WATCHED_DAYS * SECONDS_PER_DAY)
    watch = ClockWatch(len(request.series), request.sample_s, request.calendar)
    return watch.watch(Samples(samples.time_s[recent], samples.row[recent], samples.value[recent]))


def _clean_registers(request: ForecastRequest, readings: Readings, now_s: int) -> "tuple[Cleaned, Cleaner]":
    """Clean readings of energy registers, in the order of time, as the mean power between them."""
    from models.forecasting.cleaning.cleaner import Cleaner  # noqa: PLC0415 - compiles kernels
    from models.forecasting.cleaning.registers import Registers  # noqa: PLC0415 - as above

    order = np.argsort(readings.samples.time_s, kind="stable")
    metered = Registers(len(request.series), request.sample_s).metered(readings.at(order))
    cleaner = Cleaner(request.series, request.sample_s)
    cleaned = cleaner.clean(metered.readings, now_s)
    return replace(cleaned, findings=metered.findings.and_then(cleaned.findings)), cleaner


def _now_s(request: ForecastRequest) -> int:
    """Return the moment of the forecast [s since the epoch]: the end of the newest sample where none is given.

    A few samples alone, days after all others, are of a clock that was wrong, and do not count.
    """
    if request.now is not None:
        return int(request.now.timestamp())
    times = np.unique(request.readings.samples.time_s)
    for n_alone in range(min(_MOST_ALONE, times.size - 1), 0, -1):
        if times[-n_alone] - times[-n_alone - 1] > _ALONE_S:
            times = times[:-n_alone]
            break
    newest_s = int(times.max(initial=0))
    open_slots = 0 if request.kind is SampleKind.ENERGY_REGISTER else 1
    return (newest_s // request.sample_s + open_slots) * request.sample_s


def _told(
    request: ForecastRequest, forecast: QuantileForecast, cleaner: "Cleaner", now: datetime
) -> tuple[Issue, ...]:
    """Say where a forecast rests on little, on old samples, or leaves out the newest one."""
    told = []
    if request.sample_s > request.wanted.step_s:
        apart, slot = request.sample_s / 60, request.wanted.step_s / 60
        what = f"are {apart:g} min apart: each slot of {slot:g} min has the value of the one that covers it"
        told.append(Issue("samples", what))
    basis, per_day = forecast.basis, SECONDS_PER_DAY / request.wanted.step_s
    age_s: IntArray = int(now.timestamp()) - basis.newest_s
    for row, series in enumerate(request.series):
        n_samples = int(basis.n_samples[row])
        if not n_samples:
            continue
        if n_samples < _SHORT_DAYS * per_day:
            what = f"rests on {n_samples / per_day:.1f} days of samples; similar days need {_SHORT_DAYS}"
            told.append(Issue(series.series_id, what))
        if age_s[row] > _STALE_S:
            told.append(
                Issue(series.series_id, f"its newest sample is {age_s[row] / SECONDS_PER_DAY:.1f} days old")
            )
        if cleaner.waiting[row]:
            what = "its newest sample is far from all before: not used until another backs it"
            told.append(Issue(series.series_id, what))
    return tuple(told)
