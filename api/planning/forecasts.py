"""Loads that have only a history get their quantiles."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from api.planning.request import MeteredLoad, PlanRequest
from models.arrays import FloatArray, IntArray, frozen
from models.load import LoadForecast
from models.state import SiteState
from models.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from models.forecasting.forecaster import QuantileForecast

_WEEK: Final = 7


def forecast_loads(request: PlanRequest) -> PlanRequest:
    """Return the request with a forecast in the place of every load that has only a history."""
    loads = list(request.state.loads)
    notes: list[str] = []
    for history in request.histories:
        node_id = loads[history.place].node_id
        forecast = _forecast(history, request.state, node_id)
        loads[history.place] = LoadForecast(
            node_id, forecast.levels, forecast.of(node_id), loads[history.place].phase_share
        )
        notes.extend(f"load at {warning.where}: {warning.what}" for warning in forecast.warnings)
        notes.extend(_short(history, node_id))
    state = replace(request.state, loads=tuple(loads))
    return replace(request, state=state, histories=(), notes=(*request.notes, *notes))


def _short(history: MeteredLoad, node_id: str) -> tuple[str, ...]:
    """Say that a history is too short to hold a day like every day to come."""
    days = np.count_nonzero(~np.isnan(history.power_kw)) * history.step_s / SECONDS_PER_DAY
    if days >= _WEEK:
        return ()
    return (f"load at {node_id}: forecast from {days:.1f} days of history; similar days need {_WEEK}",)


def _forecast(history: MeteredLoad, state: SiteState, node_id: str) -> "QuantileForecast":
    from models.forecasting.day_type import DayTypeForecaster  # noqa: PLC0415 - compiles kernels
    from models.forecasting.features import SiteCalendar  # noqa: PLC0415 - as above
    from models.forecasting.forecaster import Known, Samples, Series  # noqa: PLC0415 - as above

    series = (Series(node_id, "kW", lower=0.0),)
    forecaster = DayTypeForecaster(series, state.grid.step_s, SiteCalendar(state.site.zone))
    time_s, value = by_horizon_slot(history, state.grid.step_s)
    forecaster.update(Samples(time_s, np.zeros(time_s.size, dtype=np.int64), value))
    return forecaster.forecast(state.grid, Known(as_of=state.now))


def by_horizon_slot(history: MeteredLoad, step_s: int) -> tuple[IntArray, FloatArray]:
    """Return the mean power of every slot of ``step_s`` seconds that a history covers.

    A shorter interval counts in the slot that it starts in, a longer one in every slot that starts in it;
    a slot without any value is a gap.

    Returns
    -------
    time_s : (n,) int64
        Starts of slots since the epoch [s].
    value : (n,) float64
        Mean power [kW]; NaN in a gap.
    """
    start_s = int(history.start.timestamp())
    parts = max(history.step_s // step_s, 1)
    offsets_s = np.arange(history.power_kw.size * parts, dtype=np.int64) * (history.step_s // parts)
    steps = (start_s + offsets_s) // step_s
    value = np.repeat(history.power_kw, parts)
    there = ~np.isnan(value)
    slots = np.arange(int(steps[0]), int(steps[-1]) + 1, dtype=np.int64)
    count = np.bincount(steps[there] - slots[0], minlength=slots.size)
    total = np.bincount(steps[there] - slots[0], weights=value[there], minlength=slots.size)
    mean = np.divide(total, count, out=np.full(slots.size, np.nan), where=count > 0)
    return slots * step_s, frozen(mean)
