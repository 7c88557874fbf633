"""Cars that are still to come, as a program takes them: energy that arrives, how long it can wait, and power.

All who arrive in a slot stay equally long, so whoever came first leaves first, and one stock of waiting energy says
all: it holds no more than what arrived within the length of a stay.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, FloatBySlot, frozen
from models.state import ExpectedArrivals
from models.timegrid import TimeGrid

NOISE_H = 1e-9
"""Difference of hours that is float noise."""


@dataclass(frozen=True, slots=True)
class Coming:
    """Cars to come over T slots, all arrays (T,).

    Parameters
    ----------
    arriving_kwh : float64
        Energy that arrives in each slot [kWh].
    here_kwh : float64
        Of all that arrived, what can still be given in the slot [kWh].
    stays_kwh : float64
        Part of it that can be given after the slot as well [kWh]; the rest is given by its end, or never.
    most_kw : float64
        Greatest power of all of them together [kW]; 0 in the first slot: what is free now belongs to who is here.
    """

    arriving_kwh: FloatBySlot
    here_kwh: FloatBySlot
    stays_kwh: FloatBySlot
    most_kw: FloatBySlot

    @classmethod
    def of(cls, expected: ExpectedArrivals | None, grid: TimeGrid) -> "Coming":
        """Return the cars that are expected; nobody where none of them can be given anything in the horizon."""
        nothing = frozen(np.zeros(grid.n_slots))
        if expected is None:
            return cls(nothing, nothing, nothing, nothing)
        n_stay = max(int(np.ceil(expected.stay_h / grid.step_h - NOISE_H)), 1)
        arrived_kwh = np.concatenate([np.zeros(n_stay), np.cumsum(expected.energy_kwh)])
        here_kwh = arrived_kwh[n_stay:] - arrived_kwh[:-n_stay]
        stays_kwh = arrived_kwh[n_stay:] - arrived_kwh[1 : here_kwh.size + 1]
        most_kw = np.array(expected.most_kw)
        most_kw[0] = 0.0
        if not ((most_kw > 0) & (here_kwh > 0)).any():
            return cls(nothing, nothing, nothing, nothing)
        return cls(frozen(expected.energy_kwh), frozen(here_kwh), frozen(stays_kwh), frozen(most_kw))

    @property
    def is_anybody(self) -> bool:
        """Whether anybody is expected who can be given anything."""
        return bool(self.most_kw.any())


def served_kw(
    coming: Coming, open_h: FloatArray, left_kw: FloatArray, wished_kw: FloatArray | None = None
) -> FloatArray:
    """Return what cars to come are given beside a schedule, shape (T,) [kW]: as much energy as can be.

    Parameters
    ----------
    coming : Coming
    open_h : (T,) float64
        What is left of each slot [h].
    left_kw : (T,) float64
        Power that nobody else takes [kW].
    wished_kw : (T,) float64 or None
        When it should be given, where that loses nothing; None: as early as can be.

    Notes
    -----
    Given as early as possible, least is lost, as who came first leaves first. What that serves can be moved: the
    energy given by each slot's end stays between what is due by then, and by later slots that are too full, and
    what has arrived.
    """
    most_kwh = np.minimum(coming.most_kw, np.maximum(left_kw, 0.0)) * open_h
    earliest_kwh, missed_kwh = _earliest(coming, most_kwh)
    if wished_kw is None:
        given_kwh = earliest_kwh
    else:
        arrived_kwh = np.cumsum(coming.arriving_kwh) - np.cumsum(missed_kwh)
        due_kwh = arrived_kwh - coming.stays_kwh
        latest_kwh = np.minimum.accumulate(arrived_kwh[::-1])[::-1]
        given_kwh = _between(wished_kw * open_h, most_kwh, due_kwh, latest_kwh)
    hours = np.where(open_h > 0, open_h, np.inf)
    return frozen(given_kwh / hours)


def missed_kwh(coming: Coming, open_h: FloatArray, given_kw: FloatArray) -> float:
    """Return what cars to come do not get before they leave [kWh]."""
    return float(_earliest(coming, np.maximum(given_kw, 0.0) * open_h)[1].sum())


def _earliest(coming: Coming, most_kwh: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what is given as early as possible, and what is missed, by slot, both (T,) [kWh]."""
    given, missed = np.zeros(most_kwh.size), np.zeros(most_kwh.size)
    waiting = 0.0
    for t, (arriving, most, stays) in enumerate(
        zip(coming.arriving_kwh.tolist(), most_kwh.tolist(), coming.stays_kwh.tolist(), strict=True)
    ):
        waiting += arriving
        given[t] = min(waiting, most)
        waiting -= given[t]
        missed[t] = max(waiting - stays, 0.0)
        waiting -= missed[t]
    return given, missed


def _between(
    wished_kwh: FloatArray, most_kwh: FloatArray, due_kwh: FloatArray, latest_kwh: FloatArray
) -> FloatArray:
    """Return what is given by slot, (T,) [kWh], as wished where what is due and what has arrived allow it."""
    least = np.array(due_kwh)
    for t in range(least.size - 2, -1, -1):
        least[t] = max(least[t], least[t + 1] - most_kwh[t + 1])
    given, total = np.zeros(least.size), 0.0
    for t in range(least.size):
        wanted = total + float(wished_kwh[t])
        wanted = min(max(wanted, least[t]), float(latest_kwh[t]), total + float(most_kwh[t]))
        given[t] = max(wanted - total, 0.0)
        total += given[t]
    return given
