"""What recorded sessions, and cars that are plugged in, do to a forecast of charging load."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from api.forecasts.records import believed_of, has_ended, memory_of, stays_of, without_forgotten
from api.forecasts.request import PATHS_OF_A_SUM, ForecastRequest
from models.arrays import FloatArray, frozen
from models.errors import Issue
from models.forecasting.forecaster import (
    Known,
    KnownColumns,
    PluggedIn,
    QuantileForecast,
    ScenarioPaths,
    Series,
)
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

if TYPE_CHECKING:
    from models.forecasting.forecaster import Forecaster
    from models.forecasting.open_sessions import OpenSessionsForecaster

_RECORDED_DAYS: Final = 60
_STALE_DAYS: Final = 7


class CarsAhead:
    """A forecaster of metered load, with what is known of cars before it.

    Series of which sessions are recorded follow their cars for the next hours; where arrivals are not known, the
    load is at least that of the cars that are plugged in; all others follow their samples alone.

    Parameters
    ----------
    base : Forecaster
        Of the same series from their samples; learns while this stands before it.
    request : ForecastRequest
    now : datetime
    columns : KnownColumns or None
        What is known ahead beside the cars.
    """

    def __init__(
        self,
        base: "Forecaster",
        request: ForecastRequest,
        now: datetime,
        columns: KnownColumns | None = None,
    ) -> None:
        self._base = base
        sessions, forgotten = without_forgotten(request.sessions, now)
        request = replace(request, sessions=sessions)
        self._known = Known(now, request.plugged_in, columns)
        self._layered: OpenSessionsForecaster | None = None
        names = {one.series_id for one in request.sessions} | {one.series_id for one in request.plugged_in}
        self._has_cars = np.array([one.series_id in names for one in request.series])
        unused = _unused(request, now)
        self.notes = (*forgotten, *unused)
        if request.sessions and not unused:
            self._layered, believed = _with_sessions(base, request, now)
            self._known = Known(now, (*request.plugged_in, *believed), columns)

    def forecast(self, grid: TimeGrid) -> QuantileForecast:
        """Return quantiles at the forecaster's own levels."""
        plain = self._base.forecast(grid, replace(self._known, plugged_in=()))
        if self._layered is not None:
            found = self._layered.forecast(grid, self._known)
            if not any(one.where == "plugged_in" for one in found.warnings):
                mine = self._has_cars[:, np.newaxis, np.newaxis]
                return replace(found, values=frozen(np.where(mine, found.values, plain.values)))
            self._layered = None
        return at_least(plain, self._known) if self._known.plugged_in else plain

    def paths(self, grid: TimeGrid, n_paths: int, seed: int) -> ScenarioPaths:
        """Return scenario paths; after :meth:`forecast`, which finds out whether arrivals are known."""
        plain = self._base.paths(grid, n_paths, seed, replace(self._known, plugged_in=()))
        if self._layered is not None:
            found = self._layered.paths(grid, n_paths, seed, self._known)
            mine = self._has_cars[:, np.newaxis, np.newaxis]
            return replace(found, values=frozen(np.where(mine, found.values, plain.values)))
        return paths_at_least(plain, self._known, seed) if self._known.plugged_in else plain


def _unused(request: ForecastRequest, now: datetime) -> tuple[Issue, ...]:
    """Say why recorded sessions are not used, where they are too old to tell who comes and who is here."""
    if not request.sessions:
        return ()
    newest = max(min(one.departure or now, now) for one in request.sessions)
    age_days = (now - newest).total_seconds() / SECONDS_PER_DAY
    if age_days <= _STALE_DAYS:
        return ()
    return (Issue("sessions", f"not used: the newest of them is {age_days:.0f} days old"),)


def _with_sessions(
    forecaster: "Forecaster", request: ForecastRequest, now: datetime
) -> "tuple[OpenSessionsForecaster, tuple[PluggedIn, ...]]":
    """Return the session layer, which has learnt all that ended by ``now``, and what is believed of cars here."""
    from models.forecasting.open_sessions import OpenSessionsForecaster  # noqa: PLC0415 - compiles kernels

    layered = OpenSessionsForecaster(forecaster, request.wanted.step_s, request.calendar, PATHS_OF_A_SUM)
    _record(layered, request, now)
    memory = memory_of(request.sessions, request.calendar, now)
    here = [one for one in request.sessions if one.arrival < now and not has_ended(one, now)]
    return layered, tuple(believed_of(memory, one, now) for one in here) if len(memory) else ()


def at_least(forecast: QuantileForecast, known: Known) -> QuantileForecast:
    """Return a forecast that is nowhere below the load of the cars that are plugged in.

    Without a record of arrivals it is not known which part of a load cars bring that are here already; what they
    will draw is still known to come.
    """
    cars = _plugged_in(forecast.series, forecast.grid, known, PATHS_OF_A_SUM, forecast.grid.first_step)
    least = np.quantile(cars, forecast.levels, axis=1).transpose(1, 0, 2)
    upper = np.reshape([one.upper for one in forecast.series], (-1, 1, 1))
    warnings = tuple(one for one in forecast.warnings if one.where != "plugged_in")
    few = Issue(
        "plugged_in", "no sessions to learn arrivals from: the load is at least that of the cars plugged in"
    )
    basis = replace(forecast.basis, method=f"{forecast.basis.method}, at least the cars plugged in")
    values = frozen(np.minimum(np.maximum(forecast.values, least), upper))
    return replace(forecast, values=values, basis=basis, warnings=(*warnings, few))


def paths_at_least(paths: ScenarioPaths, known: Known, seed: int) -> ScenarioPaths:
    """Return paths that are nowhere below the load of the cars that are plugged in."""
    cars = _plugged_in(paths.series, paths.grid, known, paths.values.shape[1], seed)
    upper = np.reshape([one.upper for one in paths.series], (-1, 1, 1))
    return replace(paths, values=frozen(np.minimum(np.maximum(paths.values, cars), upper)))


def _plugged_in(
    series: Sequence[Series], grid: TimeGrid, known: Known, n_paths: int, seed: int
) -> FloatArray:
    """Return the load of the cars that are plugged in, shape (n_series, n_paths, n_slots)."""
    from models.forecasting.sessions_now import plugged_in_paths  # noqa: PLC0415 - compiles kernels

    rng = np.random.default_rng(seed)
    names = [one.series_id for one in series]
    by_name = {name: tuple(car for car in known.plugged_in if car.series_id == name) for name in names}
    issued_at = known.issued_at(grid)
    return frozen([plugged_in_paths(by_name[name], grid, issued_at, n_paths, rng) for name in names])


def _record(layered: "OpenSessionsForecaster", request: ForecastRequest, now: datetime) -> None:
    """Record the stays of the last weeks; days without one had none."""
    rows = {one.series_id: row for row, one in enumerate(request.series)}
    since = now - timedelta(days=_RECORDED_DAYS)
    came = [one for one in request.sessions if since <= one.arrival < now and one.series_id in rows]
    if not came:
        return
    layered.record(*stays_of(came, [rows[one.series_id] for one in came], request.wanted.step_s, now))
