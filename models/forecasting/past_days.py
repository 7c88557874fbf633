"""Past slots that resemble those to come: the same local time on the days before, weighted by calendar and age."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, IntArray
from models.forecasting.history import History
from models.units import SECONDS_PER_DAY

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class MemoryShape:
    """How the weight of a past sample falls with its distance from the target slot.

    Parameters
    ----------
    window_days : int
        Older samples are not read.
    width_s : int
        Distance in local time of day up to which slots are neighbours [s].
    block_s : int
        Slots of so long a block share one regression on states, and its samples are sorted once [s].
    slow, fast : float
        Factor per day of age in the slow and in the fast memory.
    other_weekday, other_type : float
        Factor of another weekday of the same day type, and of another day type.
    state_hours : tuple of int
        The state of a moment is the mean load of so many hours before it, each.
    likeness : float
        How much a squared distance of one standard deviation takes from a weight, in the exponent.
    fading_h : float
        Lead time after which the state counts 1/e of that [h].
    penalty : float
        Of the regression on states.
    """

    window_days: int = 63
    width_s: int = 3600
    block_s: int = 7200
    slow: float = 0.97
    fast: float = 0.88
    other_weekday: float = 0.6
    other_type: float = 0.1
    state_hours: tuple[int, ...] = (1, 6, 24, 168)
    likeness: float = 0.3
    fading_h: float = 10.0
    penalty: float = 0.3

    @property
    def reach_days(self) -> int:
        """Days before an origin that are read, those of the states of the oldest day included."""
        return self.window_days + -(-max(self.state_hours) // 24) + 1


class Neighbours(NamedTuple):
    """Past slots that resemble target slots, in columns: a slot of the clock on the days before.

    Targets fall into blocks, and read the columns around them. A plain tuple of it is what kernels read.

    Parameters
    ----------
    places : (n_columns, n_days) int64
        Places in the ring; -1 where a slot may not be read.
    blocks : (n_blocks, 4) int64
        First column and the one behind the last, first target and the one behind the last.
    windows : (n_targets, 2) int64
        First column that a target reads and the one behind the last, counted from the first of its block.
    weights : (2, n_targets + n_blocks, n_days) float64
        In the slow and in the fast memory, of the targets and of the middle of each block.
    fade : (n_targets + n_blocks,) float64
        How much a squared distance between states takes from a weight, in the exponent.
    """

    places: IntArray
    blocks: IntArray
    windows: IntArray
    weights: FloatArray
    fade: FloatArray


def neighbours(history: History, shape: MemoryShape, before: int, targets: IntArray) -> Neighbours:
    """Return the neighbours of target steps among the slots before an origin.

    Parameters
    ----------
    history : History
    shape : MemoryShape
    before : int
        Absolute step of the origin: from it on nothing is read.
    targets : (n_targets,) int64
        Absolute steps, ascending, none before the origin.
    """
    width, length = shape.width_s // history.step_s, max(shape.block_s // history.step_s, 1)
    numbers = np.unique(targets // length)
    around = numbers[:, np.newaxis] * length + np.arange(-width, length + width)
    columns = np.unique(around)
    first = np.searchsorted(columns, around[:, 0])
    of_block = np.searchsorted(targets // length, numbers)
    behind = np.append(of_block[1:], targets.size)
    blocks = np.stack([first, first + length + 2 * width, of_block, behind], axis=1)
    begin = targets % length
    windows = np.stack([begin, begin + 2 * width + 1], axis=1)
    same_clock, alike = _days_before(history, shape, columns, before)
    rows = np.concatenate([targets, numbers * length + length // 2])
    lead_h = (np.maximum(rows - before, 0) + 0.5) * history.step_s / _HOUR_S
    fade = shape.likeness * np.exp(-lead_h / shape.fading_h)
    like = alike[np.searchsorted(columns, rows)]
    day = np.arange(1, shape.window_days + 1)
    return Neighbours(
        same_clock, blocks, windows, np.stack([like * shape.slow**day, like * shape.fast**day]), fade
    )


def _days_before(
    history: History, shape: MemoryShape, columns: IntArray, before: int
) -> tuple[IntArray, FloatArray]:
    """Return the places of the same clock on the days before, and how alike those days are, by column and day."""
    per_day = SECONDS_PER_DAY // history.step_s
    day, first = np.arange(1, shape.window_days + 1), int(columns[0])
    calendar = history.calendar.features(first, int(columns[-1]) + 1 - first, history.step_s)
    slot, _, weekday, kind = calendar.as_rows()[:, columns - first, np.newaxis]
    past, n_places = history.slot_calendar, history.steps.size
    same_second = columns[:, np.newaxis] - day * per_day
    moved = slot - past[0, same_second % n_places]
    same_clock = same_second + (moved + per_day // 2) % per_day - per_day // 2
    same_type = kind == past[3, same_clock % n_places]
    same_weekday = weekday == past[2, same_clock % n_places]
    places = _readable_places(history, same_clock, before)
    places[_readable_places(history, same_second, before) < 0] = -1  # else not even its calendar is known
    return places, np.where(same_type, np.where(same_weekday, 1.0, shape.other_weekday), shape.other_type)


def places_before(history: History, before: int, n_slots: int) -> IntArray:
    """Return the places of the slots before a step, oldest first; -1 where one may not be read."""
    return _readable_places(history, np.arange(before - n_slots, before, dtype=np.int64), before)


def _readable_places(history: History, steps: IntArray, before: int) -> IntArray:
    place = steps % history.steps.size
    there = (history.steps[place] == steps) & (steps < before)
    return np.where(there, place, -1)
