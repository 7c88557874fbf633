"""Samples and columns of any step, in the slots of a forecast."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from api.forecasts.request import Column
from models.arrays import frozen
from models.forecasting.forecaster import KnownColumns, Samples
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_LEAST_SHARE: Final = 0.5
_READ_DAYS: Final = 130
"""Older values than a forecaster keeps samples are not read."""


def by_slot(samples: Samples, sample_s: int, step_s: int) -> Samples:
    """Return the mean of each slot of ``step_s`` seconds from samples of every ``sample_s`` seconds.

    A slot needs half of its samples, and is curtailed where one of them is; a sample that is longer than a slot
    counts in each slot that it covers.
    """
    if sample_s == step_s:
        return samples
    parts = max(sample_s // step_s, 1)
    time_s = (samples.time_s[:, np.newaxis] + np.arange(parts) * (sample_s // parts)).ravel()
    row, value = np.repeat(samples.row, parts), np.repeat(samples.value, parts)
    keys, slot = np.unique(np.stack((row, time_s // step_s)), axis=1, return_inverse=True)
    there = ~np.isnan(value)
    count = np.bincount(slot[there], minlength=keys.shape[1])
    total = np.bincount(slot[there], weights=value[there], minlength=keys.shape[1])
    enough = count >= max(_LEAST_SHARE * step_s / sample_s, 1)
    mean = np.divide(total, count, out=np.full(count.size, np.nan), where=enough)
    curtailed = None
    if samples.curtailed is not None:
        curtailed = np.bincount(slot, np.repeat(samples.curtailed, parts), minlength=keys.shape[1]) > 0
    return Samples(keys[1] * step_s, keys[0], frozen(mean), curtailed)


def in_slots(columns: Sequence[Column], grid: TimeGrid) -> KnownColumns | None:
    """Return columns in the slots of a forecast and those of the months before it; None where none is given."""
    if not columns:
        return None
    n_past = _READ_DAYS * SECONDS_PER_DAY // grid.step_s
    first, n_slots = grid.first_step - n_past, n_past + grid.n_slots
    values = np.full((len(columns), n_slots), np.nan)
    for row, column in enumerate(columns):
        time_s, last = np.unique(column.time_s[::-1], return_index=True)
        given = Samples(time_s, np.zeros(time_s.size, dtype=np.int64), frozen(column.value[::-1][last]))
        samples = by_slot(given, column.sample_s, grid.step_s)
        place = samples.time_s // grid.step_s - first
        inside = (place >= 0) & (place < n_slots)
        values[row, place[inside]] = samples.value[inside]
    start = datetime.fromtimestamp(first * grid.step_s, UTC)
    names = tuple(column.name for column in columns)
    return KnownColumns(names, frozen(values), TimeGrid(start, grid.step_s, n_slots))
