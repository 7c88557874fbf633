"""The figures of a forecast that tables and pictures show."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from api.forecasts.request import TOTAL, ForecastAnswer
from models.arrays import FloatArray, frozen
from models.forecasting.cleaning.findings import Fault
from models.quantiles import at_level
from models.units import SECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Fan:
    """One series as it is drawn.

    Parameters
    ----------
    name, unit : str
    past_s : (n_past,) int64
        Starts of slots before the forecast since the epoch [s].
    past : (n_past,) float64
        What was learnt in these slots, NaN in a gap.
    quantiles : (n_levels, n_slots) float64
    paths : (n_paths, n_slots) float64
    """

    name: str
    unit: str
    past_s: FloatArray
    past: FloatArray
    quantiles: FloatArray
    paths: FloatArray


@dataclass(frozen=True, slots=True)
class CleanedRow:
    """One kind of fault in one series: how many samples, in how many places, and where the last ones are."""

    name: str
    fault: Fault
    n_samples: int
    n_places: int
    newest_s: tuple[int, int]


def fans(answer: ForecastAnswer) -> tuple[Fan, ...]:
    """Return every series with what it was before, the sum of all first where it was asked for.

    The past is three times as long as the forecast, half a day at least and a week at most.
    """
    forecast, grid = answer.forecast, answer.forecast.grid
    past_s = np.clip(3 * grid.n_slots * grid.step_s, SECONDS_PER_DAY / 2, 7 * SECONDS_PER_DAY)
    first = grid.first_step - int(past_s / grid.step_s)
    steps = np.arange(first, grid.first_step, dtype=np.int64)
    past = np.full((len(forecast.series), steps.size), np.nan)
    place = answer.learnt.time_s // grid.step_s - first
    inside = (place >= 0) & (place < steps.size)
    past[answer.learnt.row[inside], place[inside]] = answer.learnt.value[inside]
    starts_s = frozen(steps * grid.step_s)
    none = np.zeros((len(forecast.series), 0, grid.n_slots))
    paths = answer.paths.values if answer.paths is not None else none
    found = [
        Fan(
            one.series_id,
            one.unit,
            starts_s,
            frozen(past[row]),
            frozen(forecast.values[row]),
            frozen(paths[row]),
        )
        for row, one in enumerate(forecast.series)
    ]
    if answer.total is not None:
        unit = forecast.series[0].unit
        summed = Fan(TOTAL, unit, starts_s, frozen(past.sum(axis=0)), answer.total, frozen(paths.sum(axis=0)))
        found.insert(0, summed)
    return tuple(found)


def largest(answer: ForecastAnswer, most: int) -> tuple[Fan, ...]:
    """Return the series with the greatest mean of the 90 % quantile, in their own order; the sum is always there."""
    found = fans(answer)
    size = [np.inf if fan.name == TOTAL else float(level_of(fan, answer, 0.9).mean()) for fan in found]
    kept = sorted(sorted(range(len(found)), key=lambda i: -size[i])[:most])
    return tuple(found[i] for i in kept)


def level_of(fan: Fan, answer: ForecastAnswer, level: float) -> FloatArray:
    """Return one quantile of a fan, interpolated between those it has, shape (n_slots,)."""
    return at_level(answer.forecast.levels, fan.quantiles, level)


def cleaned_rows(answer: ForecastAnswer) -> tuple[CleanedRow, ...]:
    """Return what was found in the samples, by series and kind."""
    rows: dict[tuple[int, Fault], CleanedRow] = {}
    for span in answer.findings.spans():
        name = answer.forecast.series[span.row].series_id
        so_far = rows.get((span.row, span.fault), CleanedRow(name, span.fault, 0, 0, (0, 0)))
        rows[span.row, span.fault] = CleanedRow(
            name,
            span.fault,
            so_far.n_samples + span.n_slots,
            so_far.n_places + 1,
            (span.first_s, span.end_s),
        )
    return tuple(rows.values())


def shown_slots(n_slots: int, most: int) -> Iterable[int]:
    """Return every k-th slot, at most ``most`` of them: a quantile cannot be averaged over slots."""
    return range(0, n_slots, -(-n_slots // most))
