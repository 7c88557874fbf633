"""The load of garages in the next hours: from history alone, with open sessions, and with all known of these."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.cars.recorded import Recorded
from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.forecasting.believed import Progress, believed
from models.forecasting.forecaster import EnergyNeed, Forecaster, Known, PluggedIn, Samples, Series
from models.forecasting.kin import Kin
from models.forecasting.open_sessions import OpenSessionsForecaster
from models.forecasting.session_memory import SessionMemory
from models.forecasting.stays import Stays
from models.forecasting.usual import usual
from models.sessions import ChargingSession, Departure
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR

if TYPE_CHECKING:
    import pandas as pd

STEP_S: Final = 3600
N_SLOTS: Final = 24
HISTORY_DAYS: Final = 56
RECORDED_AFTER: Final = timedelta(days=2)
"""By then most sessions of a day have ended; they are recorded once, with what they have taken by then."""

BANDS_H: Final = ((0, 1), (1, 3), (3, 6), (6, 24))
"""Lead times that are judged together [h]."""

METHODS: Final = ("history only", "with open sessions", "open sessions known perfectly")


@dataclass(frozen=True, slots=True)
class Garages:
    """Sessions and metered load of the garages that have at least four weeks of history.

    Parameters
    ----------
    sessions : Recorded
    names : tuple of str
    load : pandas.DataFrame
        Mean power by hour, a column for each garage [kW].
    row : (n_sessions,) int64
        Garage of a session; -1 where it is none of these.
    """

    sessions: Recorded
    names: tuple[str, ...]
    load: "pd.DataFrame"
    row: IntArray

    @classmethod
    def read(cls, folder: Path, sessions: Recorded, start: datetime) -> "Garages":
        """Read the loads; a garage needs 4 weeks of history at ``start``, and some load in the 2 weeks before."""
        import pandas as pd

        load = pd.read_parquet(folder / "forecasting/load30_norway.parquet").resample("60min").mean()
        past = load.loc[: start - timedelta(hours=1)]
        seen = past.notna().sum() >= 24 * 28
        lately = past.iloc[-24 * 14 :].sum() > 0.0
        names = tuple(name for name in load.columns if seen[name] and lately[name])
        places = {name: number for number, name in enumerate(names)}
        row = [places.get(car.evse.split("/")[0], -1) for car in sessions.arrivals]
        return cls(sessions, names, load[list(names)], np.array(row, dtype=np.int64))

    def samples(self, begin: datetime, end: datetime) -> Samples:
        """Return the metered load of a time."""
        grid = hours(begin, end)
        return Samples.block(grid, self.actual(grid))

    def actual(self, grid: TimeGrid) -> FloatArray:
        """Return the metered load on a grid, shape (n_garages, n_slots) [kW]."""
        rows = self.load.loc[grid.start : grid.end - timedelta(seconds=grid.step_s)]
        return frozen(np.maximum(rows.to_numpy().T, 0.0))


def hours(begin: datetime, end: datetime) -> TimeGrid:
    """Return the hours of a time."""
    return TimeGrid(begin, STEP_S, int((end - begin).total_seconds()) // STEP_S)


@dataclass(slots=True)
class Walk:
    """Goes through time from origin to origin, and lets nobody see what lies ahead.

    Parameters
    ----------
    garages : Garages
    start : datetime
        First origin, on the hour.
    """

    garages: Garages
    start: datetime
    busy_s: float = 0.0
    n_cars: int = 0
    _kin: dict[int, Kin] = field(default_factory=dict)
    _n_learnt: int = 0
    _memory: SessionMemory = field(init=False)
    _history: Forecaster = field(init=False)
    _open: OpenSessionsForecaster = field(init=False)
    _arrival_s: FloatArray = field(init=False)
    _end_s: FloatArray = field(init=False)
    _order: IntArray = field(init=False)
    _now: datetime = field(init=False)

    def __post_init__(self) -> None:
        sessions, calendar = self.garages.sessions, self.garages.sessions.calendar
        series = tuple(Series.charging(name) for name in self.garages.names)
        self._memory = sessions.memory()
        self._history = usual(series, STEP_S, calendar)
        self._open = OpenSessionsForecaster(usual(series, STEP_S, calendar), STEP_S, calendar)
        self._arrival_s = np.array([car.time.timestamp() for car in sessions.arrivals])
        self._end_s = np.array([end.departure.timestamp() for end in sessions.ended])
        self._order = sessions.by_departure
        self._now = self.start - timedelta(days=HISTORY_DAYS + 1)
        self._move(self.start)

    @property
    def levels(self) -> FloatArray:
        """Probabilities of the quantiles."""
        return self._history.levels

    def origins(self, n_origins: int, every: timedelta) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield what came and the quantiles of each method, shape (n_methods, n_garages, n_levels, n_slots)."""
        for _ in range(n_origins):
            grid = TimeGrid(self._now, STEP_S, N_SLOTS)
            now_open = np.flatnonzero(self._is_open()).tolist()
            started = process_time()
            cars = tuple(self._believed(car) for car in now_open)
            self.busy_s += process_time() - started
            self.n_cars += len(cars)
            truth = tuple(self._truth(car) for car in now_open)
            forecasts = (
                self._history.forecast(grid),
                self._open.forecast(grid, Known(plugged_in=cars)),
                self._open.forecast(grid, Known(plugged_in=truth)),
            )
            yield self.garages.actual(grid), np.stack([one.values for one in forecasts])  # noqa: PD011 - not a frame
            self._move(self._now + every)

    def _move(self, until: datetime) -> None:
        """Learn all that was metered and all that ended until a moment."""
        begin, ends = self._now, self._end_s[self._order]
        samples, sessions = self.garages.samples(begin, until), self.garages.sessions
        self._history.update(samples)
        self._open.update(samples)
        self._now = until
        since, before = begin - RECORDED_AFTER, until - RECORDED_AFTER
        came = (self._arrival_s >= since.timestamp()) & (self._arrival_s < before.timestamp())
        self._open.record(self._stays(came & (self.garages.row >= 0)), hours(since, before))
        while self._n_learnt < len(sessions) and ends[self._n_learnt] <= until.timestamp():
            place = int(self._order[self._n_learnt])
            self._memory.learn(sessions.arrivals[place], sessions.ended[place])
            self._kin.pop(place, None)
            self._n_learnt += 1

    def _stays(self, chosen: BoolArray) -> Stays:
        """Return sessions as stays, with what they have taken by now."""
        places = np.flatnonzero(chosen)
        return Stays(
            self.garages.row[places],
            self._arrival_s[places].astype(np.int64),
            frozen([self._taken_kwh(place)[0] for place in places.tolist()]),
            frozen([self.garages.sessions.ended[place].power_kw for place in places]),
        )

    def _is_open(self) -> BoolArray:
        now_s = self._now.timestamp()
        return (self._arrival_s < now_s) & (self._end_s > now_s) & (self.garages.row >= 0)

    def _taken_kwh(self, car: int) -> tuple[float, float]:
        """Return what a car has taken by now [kWh], and what it draws [kW], as the load was made from sessions."""
        ended = self.garages.sessions.ended[car]
        elapsed_h = (self._now.timestamp() - self._arrival_s[car]) / SECONDS_PER_HOUR
        taken_kwh = min(ended.power_kw * elapsed_h, ended.energy_kwh)
        return taken_kwh, ended.power_kw if taken_kwh < ended.energy_kwh else 0.0

    def _believed(self, car: int) -> PluggedIn:
        arrival = self.garages.sessions.arrivals[car]
        if car not in self._kin:
            self._kin[car] = self._memory.kin(arrival)
        progress = Progress(self._now, *self._taken_kwh(car))
        return believed(self.garages.names[self.garages.row[car]], arrival, self._kin[car], progress)

    def _truth(self, car: int) -> PluggedIn:
        arrival, ended = self.garages.sessions.arrivals[car], self.garages.sessions.ended[car]
        taken_kwh, _ = self._taken_kwh(car)
        leaves = Departure.at(ended.departure)
        session = ChargingSession(str(car), arrival.evse, arrival.time, leaves, ended.energy_kwh)
        need = EnergyNeed.exactly(ended.energy_kwh - taken_kwh)
        return PluggedIn(self.garages.names[self.garages.row[car]], session, ended.power_kw, need)


@dataclass(frozen=True, slots=True)
class Soon:
    """What was measured.

    Parameters
    ----------
    rmse_kw : (n_methods, n_bands) float64
        Of the mean of the quantiles, over all garages and origins [kW].
    cover : (n_methods, n_bands) float64
        Part of the hours within the 80 % interval.
    us_per_car : float
        CPU time of what is believed of a car that is plugged in, at an origin [us].
    """

    rmse_kw: FloatArray
    cover: FloatArray
    us_per_car: float


def measured(walk: Walk, n_origins: int, every: timedelta) -> Soon:
    """Walk through time, and compare every method with what came."""
    actual, quantiles = (np.stack(part) for part in zip(*walk.origins(n_origins, every), strict=True))
    levels = walk.levels
    share = np.diff(np.concatenate(([0.0], 0.5 * (levels[1:] + levels[:-1]), [1.0])))
    error = np.einsum("omglt,l->omgt", quantiles, share) - actual[:, None]
    low, high = (quantiles[:, :, :, int(np.argmin(np.abs(levels - level)))] for level in (0.1, 0.9))
    inside = np.where(np.isnan(actual)[:, None], np.nan, (low <= actual[:, None]) & (actual[:, None] <= high))
    rmse = [np.sqrt(np.nanmean(error[..., a:b] ** 2, axis=(0, 2, 3))) for a, b in BANDS_H]
    cover = [np.nanmean(inside[..., a:b], axis=(0, 2, 3)) for a, b in BANDS_H]
    return Soon(np.stack(rmse, axis=1), np.stack(cover, axis=1), 1e6 * walk.busy_s / max(walk.n_cars, 1))
