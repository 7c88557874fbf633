"""Cars still to come, as a plan keeps room for them: what past days that were alike brought at this time of day.

The mean over all of them is what is expected. One of them at a time, its arrivals as they were, is a scenario:
a day that begins busy tends to stay busy, which a mean of slots does not show.
"""

from datetime import date, datetime

import numpy as np

from models.arrays import FloatArray, frozen
from models.forecasting.day_type import KernelShape
from models.forecasting.features import SiteCalendar
from models.forecasting.stays import LoggedDay, StayLog, Stays
from models.state import ExpectedArrivals
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR


def likeness(
    past: tuple[LoggedDay, ...], day: date, calendar: SiteCalendar, shape: KernelShape
) -> FloatArray:
    """Return the probability that a day to come is like each past day, shape (n_past,)."""
    weight = np.asarray([shape.recency ** (day - logged.day).days for logged in past])
    for number, logged in enumerate(past):
        if calendar.day_type(logged.day) is not calendar.day_type(day):
            weight[number] *= shape.other_type
        elif logged.day.weekday() != day.weekday():
            weight[number] *= shape.other_weekday
    return frozen(weight / weight.sum())


class CarsToCome:
    """Energy and power of cars that are still to come, from the stays of past days.

    Parameters
    ----------
    calendar : SiteCalendar
    stay_h : float
        How long cars are taken to stay [h].
    shape : KernelShape or None
        Likeness of past days to days to come.
    """

    def __init__(self, calendar: SiteCalendar, stay_h: float, shape: KernelShape | None = None) -> None:
        self._calendar = calendar
        self._stay_h = stay_h
        self._shape = shape or KernelShape()
        self._log = StayLog(calendar, self._shape.window_days)

    def record(self, stays: Stays, observed: TimeGrid) -> None:
        """Store all the stays that began on a grid; slots of it without one had no arrival."""
        self._log.record(stays, observed)

    def expected(self, grid: TimeGrid, as_of: datetime) -> ExpectedArrivals | None:
        """Return the mean of what comes after ``as_of``, by slot; None while no whole day was recorded."""
        past = self._log.complete_days(as_of)
        if not past:
            return None
        energy_kwh, power_kw = np.zeros(grid.n_slots), np.zeros(grid.n_slots)
        for day in self._days(grid, as_of):
            share = likeness(past, day, self._calendar, self._shape)
            day_kwh, day_kw = self._moved(past, day, grid, as_of)
            energy_kwh += share @ day_kwh
            power_kw += share @ day_kw
        return ExpectedArrivals(frozen(energy_kwh), self._stay_h, frozen(power_kw))

    def scenarios(
        self, grid: TimeGrid, as_of: datetime, n_scenarios: int, seed: int
    ) -> tuple[ExpectedArrivals, ...]:
        """Return equally likely days to come, each as one past day was; none while no whole day was recorded."""
        past = self._log.complete_days(as_of)
        if not past:
            return ()
        rng = np.random.default_rng(seed)
        energy_kwh = np.zeros((n_scenarios, grid.n_slots))
        power_kw = np.zeros((n_scenarios, grid.n_slots))
        for day in self._days(grid, as_of):
            share = likeness(past, day, self._calendar, self._shape)
            drawn = np.searchsorted(np.cumsum(share), (np.arange(n_scenarios) + rng.random()) / n_scenarios)
            drawn = rng.permutation(np.minimum(drawn, len(past) - 1))
            day_kwh, day_kw = self._moved(past, day, grid, as_of)
            energy_kwh += day_kwh[drawn]
            power_kw += day_kw[drawn]
        rows = zip(energy_kwh, power_kw, strict=True)
        return tuple(ExpectedArrivals(frozen(kwh), self._stay_h, frozen(kw)) for kwh, kw in rows)

    def _days(self, grid: TimeGrid, as_of: datetime) -> tuple[date, ...]:
        """Return the local days of a horizon."""
        first, last = as_of.astimezone(self._log.zone).date(), grid.end.astimezone(self._log.zone).date()
        return tuple(date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1))

    def _moved(
        self, past: tuple[LoggedDay, ...], day: date, grid: TimeGrid, as_of: datetime
    ) -> tuple[FloatArray, FloatArray]:
        """Return energy that arrives and power that is there, both (n_past, T), of past days moved to a day to come."""
        energy_kwh = np.zeros((len(past), grid.n_slots))
        change_kw = np.zeros((len(past), grid.n_slots + 1))
        stay_slots = self._stay_h * SECONDS_PER_HOUR / grid.step_s
        for number, logged in enumerate(past):
            arrival_s = self._log.at_clock(day, logged.clock_s)
            begin = (arrival_s - grid.start.timestamp()) / grid.step_s
            used = (arrival_s >= as_of.timestamp()) & (begin >= 0) & (begin < grid.n_slots)
            slot = begin[used].astype(np.int64)
            until = np.minimum(np.ceil(begin[used] + stay_slots).astype(np.int64), grid.n_slots)
            np.add.at(energy_kwh[number], slot, logged.stays.energy_kwh[used])
            np.add.at(change_kw[number], slot, logged.stays.power_kw[used])
            np.add.at(change_kw[number], until, -logged.stays.power_kw[used])
        power_kw = np.maximum(np.cumsum(change_kw[:, :-1], axis=1), 0.0)
        return frozen(energy_kwh), frozen(power_kw)
