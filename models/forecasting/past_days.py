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
    """Past slots that resemble each target slot; a plain tuple, since kernels read it.

    Parameters
    ----------
    places : (n_targets, n_neighbours) int64
        Places in the ring; -1 where a slot may not be read.
    day : (n_neighbours,) int64
        Days before the target.
    weights : (2, n_targets, n_neighbours) float64
        In the slow and in the fast memory.
    fade : (n_targets,) float64
        How much a squared distance between states takes from a weight, in the exponent.
    """

    places: IntArray
    day: IntArray
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
        Absolute steps, none before the origin.
    """
    per_day, width = SECONDS_PER_DAY // history.step_s, shape.width_s // history.step_s
    day = np.repeat(np.arange(1, shape.window_days + 1), 2 * width + 1)
    offset = np.tile(np.arange(-width, width + 1), shape.window_days)
    first = int(targets.min())
    calendar = history.calendar.features(first, int(targets.max()) + 1 - first, history.step_s)
    slot, _, weekday, kind = calendar.as_rows()[:, targets - first, np.newaxis]
    past, n_places = history.slot_calendar, history.steps.size
    same_second = targets[:, np.newaxis] - day * per_day
    moved = slot - past[0, same_second % n_places]
    same_clock = same_second + (moved + per_day // 2) % per_day - per_day // 2
    same_type = kind == past[3, same_clock % n_places]
    same_weekday = weekday == past[2, same_clock % n_places]
    alike = np.where(same_type, np.where(same_weekday, 1.0, shape.other_weekday), shape.other_type)
    weights = np.stack([alike * shape.slow**day, alike * shape.fast**day])
    lead_h = (targets - before + 0.5) * history.step_s / _HOUR_S
    fade = shape.likeness * np.exp(-lead_h / shape.fading_h)
    places = _readable_places(history, same_clock + offset, before)
    for known in (same_second, same_clock):  # of a slot that may not be read not even the calendar is
        places[_readable_places(history, known, before) < 0] = -1
    return Neighbours(places, day, weights, fade)


def places_before(history: History, before: int, n_slots: int) -> IntArray:
    """Return the places of the slots before a step, oldest first; -1 where one may not be read."""
    return _readable_places(history, np.arange(before - n_slots, before, dtype=np.int64), before)


def _readable_places(history: History, steps: IntArray, before: int) -> IntArray:
    place = steps % history.steps.size
    there = (history.steps[place] == steps) & (steps < before)
    return np.where(there, place, -1)
