"""Loads that have only a history get their quantiles: cleaned, learnt, forecast, and what was found told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

import numpy as np

from api.forecasts.slots import by_slot, in_slots
from api.planning.request import MeteredLoad, PlanRequest
from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.cleaning.findings import Fault, Findings
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Known, QuantileForecast, Samples, Series
from models.load import LoadForecast
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator

_WEEK: Final = 7
_STALE_DAYS: Final = 2
_READ_DAYS: Final = 120
"""Older samples than the forecaster keeps would be cleaned for nothing."""

_MOST_TOGETHER: Final = 100
"""Loads of one forecaster: they lend each other what new ones lack, and bound its memory."""

_MOST_NOTES: Final = 20
_HALF: Final = 0.5
_SAID: Final = (Fault.NONE, Fault.GAP)
"""Findings that the request has said by itself."""


def forecast_loads(request: PlanRequest) -> PlanRequest:
    """Return the request with a forecast in the place of every load that has only a history."""
    if not request.histories:
        return request
    loads, notes = list(request.state.loads), list[str]()
    for histories in _together(request):
        told = _forecast(histories, request)
        for history, quantiles in zip(histories, told.power_kw, strict=True):
            load = loads[history.place]
            loads[history.place] = LoadForecast(
                load.node_id, told.levels, frozen(quantiles), load.phase_share
            )
        notes += told.notes
    state = replace(request.state, loads=tuple(loads))
    return replace(request, state=state, histories=(), notes=(*request.notes, *_bounded(notes)))


@dataclass(frozen=True, slots=True)
class _Told:
    """Quantiles of some loads on the grid of the plan, ``power_kw`` of shape (n_loads, n_levels, n_slots)."""

    levels: FloatArray
    power_kw: FloatArray
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Washed:
    """What can be learnt of a load, in slots of the forecast, and what was found on the way."""

    samples: Samples
    notes: tuple[str, ...]


def forecast_step_s(history_s: int, horizon_s: int) -> int:
    """Return the length of the slots that a load is forecast in [s].

    Those of the plan where intervals fill them, else the intervals of the meter: finer slots would know no more,
    and a history by the hour is not forecast by the minute.
    """
    return horizon_s if horizon_s % history_s == 0 else history_s


def on_grid(power_kw: FloatArray, own: TimeGrid, grid: TimeGrid) -> FloatArray:
    """Return means by slot of a grid from means by slot of another one that covers it, along the last axis [kW]."""
    if own == grid:
        return power_kw
    energy = np.concatenate([np.zeros((*power_kw.shape[:-1], 1)), np.cumsum(power_kw, axis=-1)], axis=-1)
    start_s = grid.start.timestamp() - own.start.timestamp()
    place = (start_s + np.arange(grid.n_slots + 1) * grid.step_s) / own.step_s
    left = np.minimum(place.astype(np.int64), own.n_slots - 1)
    by_then = energy[..., left] + (place - left) * power_kw[..., left]
    return frozen(np.maximum(np.diff(by_then, axis=-1) * own.step_s / grid.step_s, 0.0))


def _together(request: PlanRequest) -> "Iterator[tuple[MeteredLoad, ...]]":
    """Yield histories that one forecaster learns from, those of one length of its slots."""
    by_step: dict[int, list[MeteredLoad]] = {}
    for history in request.histories:
        step_s = forecast_step_s(history.step_s, request.state.grid.step_s)
        by_step.setdefault(step_s, []).append(history)
    for mine in by_step.values():
        for first in range(0, len(mine), _MOST_TOGETHER):
            yield tuple(mine[first : first + _MOST_TOGETHER])


def _forecast(histories: Sequence[MeteredLoad], request: PlanRequest) -> _Told:
    from models.forecasting.usual import usual  # noqa: PLC0415 - compiles kernels

    state = request.state
    step_s = forecast_step_s(histories[0].step_s, state.grid.step_s)
    names = [state.loads[one.place].node_id for one in histories]
    series = tuple(
        Series(f"{row}", "kW", 0.0, one.installed_kw) for row, one in enumerate(histories)
    )  # two loads may hang below one node
    washed = [_washed(one, series[row], step_s, state.now) for row, one in enumerate(histories)]
    forecaster = usual(series, step_s, SiteCalendar.of_site(state.site))
    forecaster.update(_joined([one.samples for one in washed]))
    notes = [f"load at {name}: {what}" for name, one in zip(names, washed, strict=True) for what in one.notes]
    reach_s = state.grid.end.timestamp() - state.grid.start.timestamp() // step_s * step_s
    own = TimeGrid.around(state.grid.start, step_s, int(-(-reach_s // step_s)))
    forecast = forecaster.forecast(own, Known(state.now, columns=in_slots(request.columns, own)))
    notes += [f"known: {one.what}" for one in forecast.warnings if one.where == "columns"]
    values = np.array(forecast.values)
    for row in np.flatnonzero(forecast.basis.n_samples == 0).tolist():
        metered_kw = histories[row].power_kw
        values[row] = np.nanquantile(metered_kw, forecast.levels)[:, np.newaxis]
    for row, name in enumerate(names):
        notes += [f"load at {name}: {what}" for what in _little(forecast, row, state.now)]
    return _Told(forecast.levels, on_grid(frozen(values), own, state.grid), tuple(notes))


def _joined(parts: Sequence[Samples]) -> Samples:
    """Return the samples of one series each as those of its row."""
    time_s, value = (np.concatenate([getattr(one, name) for one in parts]) for name in ("time_s", "value"))
    row = np.repeat(np.arange(len(parts), dtype=np.int64), [one.time_s.size for one in parts])
    return Samples(time_s, row, frozen(value))


def _washed(history: MeteredLoad, series: Series, step_s: int, now: datetime) -> _Washed:
    """Return what passes the cleaner of the intervals that are over, in slots of the forecast.

    Where it would leave less than half of the values, they are believed instead: planned is on the safe side, and a
    load that looks stuck is still a load.
    """
    from models.forecasting.cleaning.cleaner import Cleaner  # noqa: PLC0415 - compiles kernels

    samples = _over(history, now)
    cleaner = Cleaner((series,), history.step_s)
    cleaned = cleaner.clean(samples)
    n_given, n_left = (int(np.count_nonzero(~np.isnan(one.value))) for one in (samples, cleaned.samples))
    if n_left < _HALF * n_given:
        what = f"{n_given - n_left} of {n_given} values look wrong: learnt from as they are"
        return _Washed(by_slot(samples, history.step_s, step_s), (what,))
    notes = [*_found(cleaned.findings)]
    if cleaner.waiting[0]:
        notes.append("its newest value is far from all before: not used until another backs it")
    return _Washed(by_slot(cleaned.samples, history.step_s, step_s), tuple(notes))


def _over(history: MeteredLoad, now: datetime) -> Samples:
    """Return the intervals of the last weeks that are over, each put into the slot that most of it lies in."""
    start_s = int(np.floor(history.start.timestamp() / history.step_s + _HALF)) * history.step_s
    first, now_s = int(history.start.timestamp()), now.timestamp()
    n_over = int(min(max((now_s - first) // history.step_s, 0), history.power_kw.size))
    oldest = max(n_over - _READ_DAYS * SECONDS_PER_DAY // history.step_s, 0)
    places: IntArray = np.arange(oldest, n_over, dtype=np.int64)
    values = history.power_kw[oldest:n_over]
    return Samples(start_s + places * history.step_s, np.zeros(places.size, dtype=np.int64), frozen(values))


def _found(findings: Findings) -> tuple[str, ...]:
    """Say how many intervals have which fault, and what was done about it, as one sentence."""
    counts = findings.counts(1)[0]
    kinds = [fault for fault in Fault if fault not in _SAID and counts[fault]]
    if not kinds:
        return ()
    return ("; ".join(f"{counts[fault]} x {fault.label}, {fault.answer}" for fault in kinds),)


def _little(forecast: QuantileForecast, row: int, now: datetime) -> tuple[str, ...]:
    """Say that a forecast rests on few days, or on old ones."""
    n_samples = int(forecast.basis.n_samples[row])
    if not n_samples:
        return ("its values are too old or too few to forecast from: each slot is like all of them",)
    told, days = [], n_samples * forecast.grid.step_s / SECONDS_PER_DAY
    if days < _WEEK:
        told.append(f"forecast from {days:.1f} days of history; similar days need {_WEEK}")
    age_days = (now.timestamp() - int(forecast.basis.newest_s[row])) / SECONDS_PER_DAY
    if age_days > _STALE_DAYS:
        told.append(f"its newest value is {age_days:.1f} days old")
    return tuple(told)


def _bounded(notes: list[str]) -> tuple[str, ...]:
    """Return as many notes as somebody reads, and how many there are more."""
    if len(notes) <= _MOST_NOTES:
        return tuple(notes)
    return (*notes[: _MOST_NOTES - 1], f"and {len(notes) - _MOST_NOTES + 1} more notes on loads")
