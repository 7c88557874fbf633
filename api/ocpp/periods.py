"""Schedule periods: limits with one decimal, merged so that they never exceed what was planned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from models.arrays import FloatArray, IntArray

_FLOAT_NOISE = 1e-9
"""Limits this far below a tenth are that tenth: sums of decimal currents are off by about 1e-14 A."""


@dataclass(frozen=True, slots=True)
class SchedulePeriod:
    """A limit that holds from ``start_s`` [s after the schedule's start] until the next period starts.

    ``limit`` is in the unit of the profile: A for each phase, or W in total over ``n_phases`` phases.
    """

    start_s: int
    limit: float
    n_phases: int


def floor_to_tenth(value: float) -> float:
    """Return ``value`` rounded down to one decimal, as the float closest to that decimal.

    A value that misses a decimal by float noise only is taken as that decimal: 15.999999999999998 gives 16.0.
    """
    return math.floor((value + _FLOAT_NOISE) * 10) / 10


def merge_equal(periods: Sequence[SchedulePeriod]) -> tuple[SchedulePeriod, ...]:
    """Drop every period that says the same as the one before it."""
    kept: list[SchedulePeriod] = []
    for period in periods:
        if not kept or (period.limit, period.n_phases) != (kept[-1].limit, kept[-1].n_phases):
            kept.append(period)
    return tuple(kept)


def borders_apart(
    periods: tuple[SchedulePeriod, ...], duration_s: int | None, apart_s: int
) -> tuple[SchedulePeriod, ...]:
    """Return periods that lower ``apart_s`` seconds earlier and raise as much later.

    At no time do they allow more than the given ones did within ``apart_s`` before or after it, at most a third of
    the shortest period. The first period stays where it is.
    """
    ends_s = [period.start_s for period in periods] + ([] if duration_s is None else [duration_s])
    shift_s = min([apart_s, *((b - a) // 3 for a, b in pairwise(ends_s))])
    return (
        *periods[:1],
        *(
            replace(new, start_s=new.start_s + (shift_s if new.limit > old.limit else -shift_s))
            for old, new in pairwise(periods)
        ),
    )


def fit_periods(
    periods: tuple[SchedulePeriod, ...], duration_s: int, max_periods: int
) -> tuple[SchedulePeriod, ...]:
    """Return at most ``max_periods`` periods that never exceed the given ones.

    Neighbours are merged to the lowest limit among them. Which are merged is the choice that loses least
    energy, found exactly by dynamic programming over the last border (Bellman's principle).

    Parameters
    ----------
    periods : tuple of SchedulePeriod
        In order, the first at 0.
    duration_s : int
        Length of the schedule [s].
    max_periods : int
        At least 1.
    """
    merged = merge_equal(periods)
    if len(merged) <= max_periods:
        return merged
    starts_s = np.array([period.start_s for period in merged] + [duration_s], dtype=np.float64)
    limits = np.array([period.limit for period in merged], dtype=np.float64)
    firsts = _best_group_starts(_merge_losses(limits, starts_s), max_periods)
    lasts = [*firsts[1:], len(merged)]
    return merge_equal([_lowest(merged[first:last]) for first, last in zip(firsts, lasts, strict=True)])


def _lowest(group: tuple[SchedulePeriod, ...]) -> SchedulePeriod:
    """Return one period from the start of the group with its lowest limit and fewest phases."""
    return replace(
        group[0],
        limit=min(period.limit for period in group),
        n_phases=min(period.n_phases for period in group),
    )


def _merge_losses(limits: FloatArray, starts_s: FloatArray) -> FloatArray:
    """Energy lost by merging periods ``i`` to ``j - 1`` at ``[i, j]``, shape (n, n + 1), [unit x s]."""
    n = limits.size
    energy = np.concatenate(([0.0], np.cumsum(limits * np.diff(starts_s))))
    losses = np.full((n, n + 1), np.inf)
    for first in range(n):
        lowest = np.minimum.accumulate(limits[first:])
        kept = lowest * (starts_s[first + 1 :] - starts_s[first])
        losses[first, first + 1 :] = energy[first + 1 :] - energy[first] - kept
    return losses


def _best_group_starts(losses: FloatArray, n_groups: int) -> list[int]:
    """Return the first index of each of ``n_groups`` consecutive groups of least total loss."""
    n = losses.shape[0]
    best = losses[0].copy()
    choices: list[IntArray] = []
    for _ in range(n_groups - 1):
        total = best[:n, np.newaxis] + losses
        choice = total.argmin(axis=0)
        choices.append(choice)
        best = np.take_along_axis(total, choice[np.newaxis, :], axis=0)[0]
    firsts: list[int] = []
    end = n
    for choice in reversed(choices):
        end = int(choice[end])
        firsts.append(end)
    return [0, *reversed(firsts)]
