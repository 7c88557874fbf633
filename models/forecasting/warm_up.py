"""Compiling the forecasters' kernels before the first forecast is asked for."""

from datetime import UTC, datetime, timedelta

import numpy as np

from models.forecasting.cleaning.cleaner import Cleaner
from models.forecasting.day_type import DayTypeForecaster
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import Samples, Series
from models.forecasting.kernels import superpose_kernel
from models.forecasting.kin import Arrival
from models.forecasting.peers import PeerShape
from models.forecasting.session_memory import Ended, SessionMemory
from models.forecasting.usual import usual
from models.timegrid import TimeGrid


def warm_up() -> None:
    """Run every kernel once on a tiny input; a process calls this at its start, off its event loop."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    grid = TimeGrid(start, 3600, 24 * int(PeerShape().lending_days))
    ahead = TimeGrid(grid.end, 3600, 1)
    series = (Series.charging("old"), Series.charging("new"))
    past = Samples.block(grid, np.stack([np.ones(grid.n_slots), np.full(grid.n_slots, np.nan)]))
    for make in (DayTypeForecaster, usual):
        forecaster = make(series, 3600)
        forecaster.update(Cleaner(series, 3600).clean(past).samples)
        forecaster.forecast(ahead)
        forecaster.paths(ahead, 1, seed=0)
    _sessions(start)
    nothing = np.zeros(0)
    superpose_kernel(np.zeros(0, dtype=np.int64), nothing, nothing, nothing, np.zeros((1, 1)))


def _sessions(start: datetime) -> None:
    """Learn two sessions and ask for the kin of a third, of a driver whose power is not known."""
    memory = SessionMemory.of_known_users(SiteCalendar())
    for hours in range(2):
        arrival = Arrival(start + timedelta(hours=hours), "warm-up", "evse")
        memory.learn(arrival, Ended(arrival.time + timedelta(hours=1), 1.0, 1.0))
    memory.kin(Arrival(start, "warm-up", "evse")).stay_h.quantiles(np.array([0.5]), 0.0, 1.0)
