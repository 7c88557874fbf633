"""The protocol under hard conditions: new stations, a load that falls, dirty meters; sums from paths; time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time
from typing import Final

import numpy as np

from benchmarks.forecast.data import HALF_HOUR_S, HOUR_S, Kind, Panel
from benchmarks.forecast.measures import Figures, figures
from benchmarks.forecast.protocol import (
    DAY_S,
    KEPT_DAYS,
    LEAST_DAYS,
    Maker,
    Outcome,
    history,
    judged,
    slot_of,
    weekly_naive_error,
)
from benchmarks.registry import Cell
from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.forecasting.blended import BlendedForecaster, BlendOptions
from models.forecasting.cleaning.cleaner import Cleaner
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples, Series, UpdateReport
from models.forecasting.level_steps import StepShape
from models.forecasting.memory_weights import Rehearsal
from models.forecasting.past_days import MemoryShape
from models.forecasting.usual import usual
from models.timegrid import TimeGrid

COLD_DAYS: Final = (0, 1, 3, 7)
PLATES_KW: Final = (3.7, 7.4, 11.0, 15.0, 22.0, 43.0, 50.0, 100.0, 150.0)
"""What is written on stations [kW]."""

FALLEN_DAYS: Final = (None, 2, 4, 7, 14, 28)
FALL: Final = 0.2
GAP_SHARE: Final = 0.1
GAP_H: Final = 6
SPIKE_SHARE: Final = 0.01
SPIKE: Final = 10.0
N_PATHS: Final = 200
NEVER: Final = 1e12
MOST_KW: Final = 50.0

COLUMNS: Final = ("hardship", "group", "figure", "ours", "beside", "value of it", "ours over it")


def memory_alone(factor: float) -> Maker:
    """Return the maker of a forecaster with one memory, of some factor per day of age."""
    shape = MemoryShape(slow=factor, fast=factor, penalty=NEVER)
    options = BlendOptions(shape, Rehearsal(tail_patience=NEVER), step=StepShape(least_factor=NEVER))

    def make(series: tuple[Series, ...], step_s: int, calendar: SiteCalendar) -> BlendedForecaster:
        return BlendedForecaster(series, step_s, calendar, options)

    return make


def with_plates(panel: Panel) -> Panel:
    """Return a panel whose stations say their installed power: the usual one above all that the file has of them."""
    most_kw = np.nanmax(panel.values, axis=1, initial=0.0)
    plates_kw = (*PLATES_KW, np.inf)
    plate_kw = [plates_kw[int(np.searchsorted(PLATES_KW, one))] for one in most_kw]
    known = tuple(
        Series.charging(series.series_id, kw) for series, kw in zip(panel.series, plate_kw, strict=True)
    )
    return replace(panel, series=known)


class Trials:
    """Forecasts of panels whose past was changed.

    Parameters
    ----------
    panels : sequence of Panel
    n_origins : int
    rng : Generator
    """

    def __init__(self, panels: Sequence[Panel], n_origins: int, rng: np.random.Generator) -> None:
        self._panels = panels
        self._n_origins = n_origins
        self._rng = rng

    def cold(self) -> list[tuple[Cell, ...]]:
        """Half of the stations, then the other half, know their last days only; with a name plate, and without."""
        rows: list[tuple[Cell, ...]] = []
        for plates in (True, False):
            whole = self._cold(None, plates=plates).loss
            for days in COLD_DAYS:
                loss = self._cold(days, plates=plates).loss
                name = f"new stations, {days} days, {'name plates known' if plates else 'powers not known'}"
                rows.append((name, Kind.STATION, "WQL", loss, "whole history", whole, loss / whole))
        return rows

    def fall(self) -> list[tuple[Cell, ...]]:
        """City totals fall to a fifth some days before an origin."""
        shape, rows = MemoryShape(), list[tuple[Cell, ...]]()
        for days in FALLEN_DAYS:
            ours = self._fallen(usual, days)
            name = "no fall" if days is None else f"fallen by 80 %, {days} days ago"
            for beside, factor in (("slow memory alone", shape.slow), ("fast memory alone", shape.fast)):
                other = self._fallen(memory_alone(factor), days)
                rows.append((name, Kind.CITY, "WQL", ours, beside, other, ours / other))
        return rows

    def dirt(self) -> list[tuple[Cell, ...]]:
        """Gaps of 6 hours over a tenth of the past and spikes on a hundredth, straight in and cleaned."""
        rows: list[tuple[Cell, ...]] = []
        for kind in Kind:
            places = list(self._places(kind))
            if not places:
                continue
            clean = figures(kind, [self._told(usual, place) for place in places])
            dirty = [(panel, at, self._dirty(panel, values)) for panel, at, values in places]
            raw = figures(kind, [self._told(usual, place) for place in dirty])
            washed = figures(kind, [self._told(cleaning, place) for place in dirty])
            for name, one in (("gaps and spikes, cleaned", washed), ("gaps and spikes, as they are", raw)):
                rows.append((name, kind, "loss", one.loss, "clean", clean.loss, one.loss / clean.loss))
        return rows

    def sums(self) -> list[tuple[Cell, ...]]:
        """City totals above the 90 % quantile of summed paths, and of summed quantiles."""
        above: list[tuple[BoolArray, BoolArray]] = []
        for panel, first, values in self._places(Kind.STATION):
            rows = judged(panel, panel.grid.slot_start(first))
            forecaster = usual(tuple(panel.series[row] for row in rows), panel.grid.step_s, panel.calendar)
            forecaster.update(history(panel.with_values(values), rows, first, KEPT_DAYS))
            grid = TimeGrid(panel.grid.slot_start(first), panel.grid.step_s, DAY_S // panel.grid.step_s)
            actual = panel.values[rows, first : first + grid.n_slots].sum(axis=0)
            q90 = forecaster.paths(grid, N_PATHS, 1).total_quantiles(frozen([0.9]))[0]
            summed = forecaster.forecast(grid).values[:, 5].sum(axis=0)
            above.append((actual > q90, actual > summed))
        ours, summed_share = (100.0 * float(np.mean([pair[i] for pair in above])) for i in (0, 1))
        return [
            ("sum of stations", Kind.STATION, "above q90 [%]", ours, "summed quantiles", summed_share, None)
        ]

    def _places(self, kind: Kind) -> Iterator[tuple[Panel, int, FloatArray]]:
        for panel in self._panels:
            for origin in panel.origins(self._n_origins) if panel.kind is kind else ():
                first = slot_of(panel, origin)
                per_day = DAY_S // panel.grid.step_s
                inside = LEAST_DAYS * per_day <= first <= panel.grid.n_slots - per_day
                if inside and judged(panel, origin).size:
                    yield panel, first, panel.values

    def _told(
        self, make: Maker, place: tuple[Panel, int, FloatArray], judge: IntArray | None = None
    ) -> Outcome:
        """Return what a forecaster says after a changed past, against what truly came."""
        panel, first, values = place
        origin, step_s = panel.grid.slot_start(first), panel.grid.step_s
        rows = judged(panel, origin)
        told = np.arange(rows.size) if judge is None else judge
        forecaster = make(tuple(panel.series[row] for row in rows), step_s, panel.calendar)
        forecaster.update(history(panel.with_values(values), rows, first, KEPT_DAYS))
        forecast = forecaster.forecast(TimeGrid(origin, step_s, DAY_S // step_s))
        actual = frozen(panel.values[rows[told], first : first + DAY_S // step_s])
        scale = weekly_naive_error(panel, rows[told], first)
        quantiles = frozen(forecast.values[told])
        return Outcome(
            panel.kind, panel.name, origin, actual, quantiles, forecast.levels, scale, step_s, 0.0, 0.0
        )

    def _cold(self, days: int | None, *, plates: bool) -> Figures:
        told = []
        for read, first, values in self._places(Kind.STATION):
            panel = with_plates(read) if plates else read
            rows = judged(panel, panel.grid.slot_start(first))
            for half in (0, 1):
                new, changed = np.flatnonzero(np.arange(rows.size) % 2 == half), np.array(values)
                if days is not None:
                    changed[rows[new], : first - days * DAY_S // panel.grid.step_s] = np.nan
                told.append(self._told(usual, (panel, first, frozen(changed)), new))
        return figures(Kind.STATION, told)

    def _fallen(self, make: Maker, days: int | None) -> float:
        told = []
        for panel, first, values in self._places(Kind.CITY):
            changed = np.array(values)
            if days is not None:
                changed[:, first - days * DAY_S // panel.grid.step_s :] *= FALL
            place = (panel.with_values(changed), first, frozen(changed))
            told.append(self._told(make, place))
        return figures(Kind.CITY, told).loss

    def _dirty(self, panel: Panel, values: FloatArray) -> FloatArray:
        """Return the values with gaps and spikes; a spike is ten times the value and the mean together."""
        changed, length = np.array(values), GAP_H * HOUR_S // panel.grid.step_s
        size = np.nanmean(np.abs(changed), axis=1, keepdims=True)
        spikes = self._rng.random(changed.shape) < SPIKE_SHARE
        changed = np.where(spikes, SPIKE * (np.abs(changed) + size), changed)
        blocks = self._rng.random((changed.shape[0], changed.shape[1] // length + 1)) < GAP_SHARE
        gaps = np.repeat(blocks, length, axis=1)[:, : changed.shape[1]]
        return frozen(np.where(gaps, np.nan, changed))


class _Cleaning(BlendedForecaster):
    """The usual forecaster behind the cleaner."""

    def update(self, samples: Samples) -> UpdateReport:
        """Clean new samples, and learn from what passes."""
        return super().update(Cleaner(self.series, self.step_s).clean(samples).samples)


def cleaning(series: tuple[Series, ...], step_s: int, calendar: SiteCalendar) -> BlendedForecaster:
    """Return the usual forecaster behind a cleaner; it is given all samples at once."""
    return _Cleaning(series, step_s, calendar)


def refresh_rows(n_series: int, seed: int) -> list[tuple[Cell, ...]]:
    """Return the processor time of a forecast of many series, 48 slots and 7 quantiles, after one new slot."""
    rng, rows = np.random.default_rng(seed), list[tuple[Cell, ...]]()
    start = datetime(2024, 1, 1, tzinfo=UTC)
    past = TimeGrid(start, HALF_HOUR_S, KEPT_DAYS * DAY_S // HALF_HOUR_S)
    series = tuple(Series.charging(f"station {i}", MOST_KW) for i in range(n_series))
    for name, share in (("idle nine slots in ten", 0.1), ("never idle", 1.0)):
        load_kw = rng.gamma(2.0, 3.0, (n_series, past.n_slots)) * (
            rng.random((n_series, past.n_slots)) < share
        )
        forecaster = usual(series, HALF_HOUR_S, None)
        forecaster.update(Samples.block(past, frozen(load_kw)))
        forecaster.forecast(TimeGrid(past.end, HALF_HOUR_S, DAY_S // HALF_HOUR_S))
        begun = process_time()
        forecaster.update(Samples.block(TimeGrid(past.end, HALF_HOUR_S, 1), frozen(load_kw[:, :1])))
        forecaster.forecast(TimeGrid(past.end + timedelta(seconds=HALF_HOUR_S), HALF_HOUR_S, 48))
        spent = process_time() - begun
        rows.append((f"{n_series} series, {name}", Kind.STATION, "refresh [CPU s]", spent, None, None, None))
    return rows
