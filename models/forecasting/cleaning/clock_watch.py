"""Clocks that are wrong by hours, seen by a daily shape that has moved: told only, since nobody else can know."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.cleaning.findings import Fault, Findings
from models.forecasting.features import DayType, SiteCalendar
from models.forecasting.forecaster import Samples
from models.units import SECONDS_PER_DAY

_HOUR_S = 3600
_FARTHEST_H = 6
_KNOWN_DAYS = 10
_RATE = 1.0 / 10
_BETTER = 0.6
_STREAK = 3
_NEW_NORMAL = 10
_WHOLE = 0.8


@dataclass(slots=True)
class _Shape:
    """The day that a series usually has, the one that is going on, and how long it has looked moved."""

    usual: FloatArray
    today: FloatArray
    day: int = -1
    first_step: int = 0
    n_days: int = 0
    shift: int = 0
    streak: int = 0


class ClockWatch:
    """Compares every whole working day of each series with its usual one, moved by up to six hours.

    A day that fits the usual one much better when that is moved, and days after it that fit the same move, mean that
    the clock of the meter was put wrong, or that its zone is another one than was said. After two weeks it is the
    usual day.

    Parameters
    ----------
    n_series : int
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
        Days and hours are local, so that the change of clocks moves nothing.

    Notes
    -----
    Of the recorded loads, whose clocks are right as far as is known, three of 29,000 working days were told.
    """

    def __init__(self, n_series: int, step_s: int, calendar: SiteCalendar) -> None:
        self._step_s, self._calendar = step_s, calendar
        n_slots = max(SECONDS_PER_DAY // step_s, 1)
        self._shapes = [_Shape(np.full(n_slots, np.nan), np.full(n_slots, np.nan)) for _ in range(n_series)]
        most = _FARTHEST_H * _HOUR_S // step_s
        self._shifts = np.arange(-most, most + 1)
        self._moved = (np.arange(n_slots)[:, np.newaxis] - self._shifts) % n_slots

    def watch(self, samples: Samples) -> Findings:
        """Look at clean samples, and return the days whose shape has moved; ``given`` is by how many hours."""
        found: list[tuple[int, int, float]] = []
        if samples.time_s.size:
            steps = samples.time_s // self._step_s
            first = int(steps.min())
            slots = self._calendar.features(first, int(steps.max()) - first + 1, self._step_s)
            works = np.flatnonzero(slots.day_type[steps - first] == DayType.WORKDAY)
            days, row = slots.local_day[steps[works] - first], samples.row[works]
            order = np.lexsort((np.arange(works.size), days, row))
            borders = np.flatnonzero((np.diff(days[order]) != 0) | (np.diff(row[order]) != 0)) + 1
            for group in np.split(works[order], borders):
                if group.size:
                    local = slots.local_slot[steps[group] - first]
                    day = int(slots.local_day[steps[group[0]] - first])
                    found += self._add(
                        int(samples.row[group[0]]), day, steps[group], local, samples.value[group]
                    )
        rows, starts = (np.array([one[i] for one in found], dtype=np.int64) for i in (0, 1))
        fault = np.full(len(found), Fault.CLOCK_SHIFT, dtype=np.int64)
        n_slots = np.full(len(found), len(self._moved), dtype=np.int64)
        return Findings(self._step_s, fault, rows, starts, n_slots, frozen([one[2] for one in found]))

    def _add(
        self, row: int, day: int, steps: IntArray, slots: IntArray, values: FloatArray
    ) -> list[tuple[int, int, float]]:
        """Put samples of one day into it; a day is judged when the next one begins."""
        shape, told = self._shapes[row], []
        if day < shape.day:
            return []
        if day > shape.day:
            if shape.day >= 0 and self._judge(shape):
                told = [(row, shape.first_step, float(self._shifts[shape.shift] * self._step_s / _HOUR_S))]
            shape.day, shape.first_step = day, int(steps.min() - slots[np.argmin(steps)])
            shape.today = np.full(shape.usual.size, np.nan)
        shape.today[slots] = values
        return told

    def _judge(self, shape: _Shape) -> bool:
        """Take a whole day into the usual one, unless it looks moved; returns whether it has for days."""
        there = ~np.isnan(shape.today)
        if there.mean() < _WHOLE:
            return False
        if not shape.n_days:
            shape.usual = np.where(there, shape.today, np.nanmean(shape.today))
        apart = np.abs(shape.today[:, np.newaxis] - shape.usual[self._moved])[there].mean(axis=0)
        best = int(np.argmin(apart))
        moved = shape.n_days >= _KNOWN_DAYS and apart[best] < _BETTER * apart[self._shifts.size // 2]
        shape.streak = shape.streak + 1 if moved and best == shape.shift else int(moved)
        shape.shift = best
        if shape.streak >= _NEW_NORMAL:
            shape.n_days, shape.streak = 0, 0
            return False
        if not moved:
            rate = max(1.0 / (shape.n_days + 1), _RATE)
            shape.usual = np.where(there, shape.usual + rate * (shape.today - shape.usual), shape.usual)
            shape.n_days += 1
        return shape.streak >= _STREAK
