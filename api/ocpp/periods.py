"""Schedule periods: limits with one decimal, merged so that they never exceed what was planned."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

import numpy as np

from models.arrays import FloatArray, IntArray

_FLOAT_NOISE = 1e-9
"""Limits this far below a tenth are that tenth: sums of decimal currents are off by about 1e-14 A."""


class OperationMode(StrEnum):
    """Who decides on the power within a period (OCPP 2.1); the value is what stands on the wire."""

    IDLE = "Idle"
    CHARGING_ONLY = "ChargingOnly"
    CENTRAL_SETPOINT = "CentralSetpoint"
    EXTERNAL_SETPOINT = "ExternalSetpoint"
    EXTERNAL_LIMITS = "ExternalLimits"
    CENTRAL_FREQUENCY = "CentralFrequency"
    LOCAL_FREQUENCY = "LocalFrequency"
    LOCAL_LOAD_BALANCING = "LocalLoadBalancing"


@dataclass(frozen=True, slots=True)
class SchedulePeriod:
    """A limit that holds from ``start_s`` [s after the schedule's start] until the next period starts.

    Parameters
    ----------
    start_s : int
        Start after that of the schedule [s].
    limit : float
        In the unit of the profile: A for each phase, or W in total over ``n_phases`` phases.
    n_phases : int
    setpoint : float or None
        Power to follow [W in total], below 0 gives back; only OCPP 2.1 knows it.
    discharge_limit : float or None
        Most that may be given back [W in total], at most 0; only OCPP 2.1 knows it.
    operation_mode : OperationMode or None
        None, as in the versions before 2.1, is charging only.
    """

    start_s: int
    limit: float
    n_phases: int
    setpoint: float | None = None
    discharge_limit: float | None = None
    operation_mode: OperationMode | None = None

    def says_the_same_as(self, other: "SchedulePeriod") -> bool:
        """Tell whether only the start differs."""
        return _said(self) == _said(other)


def _said(period: SchedulePeriod) -> tuple[object, ...]:
    """Return all of a period but its start."""
    return (
        period.limit,
        period.n_phases,
        period.setpoint,
        period.discharge_limit,
        period.operation_mode,
    )


def floor_to_tenth(value: float) -> float:
    """Return ``value`` rounded down to one decimal, as the float closest to that decimal.

    A value that misses a decimal by float noise only is taken as that decimal: 15.999999999999998 gives 16.0.
    """
    return math.floor((value + _FLOAT_NOISE) * 10) / 10


def merge_equal(periods: Sequence[SchedulePeriod]) -> tuple[SchedulePeriod, ...]:
    """Drop every period that says the same as the one before it."""
    kept: list[SchedulePeriod] = []
    for period in periods:
        if not kept or not period.says_the_same_as(kept[-1]):
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

    Neighbours are merged to the lowest limit among them, and to the setpoint and the discharge limit nearest to
    zero. Which are merged is the choice that loses least energy, found exactly by dynamic programming over the
    last border (Bellman's principle).

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
    """Return one period from the start of the group that asks least of the grid, in both directions."""
    modes = {period.operation_mode for period in group}
    return replace(
        group[0],
        limit=min(period.limit for period in group),
        n_phases=min(period.n_phases for period in group),
        setpoint=_nearest_zero([period.setpoint for period in group]),
        discharge_limit=_nearest_zero([period.discharge_limit for period in group]),
        operation_mode=group[0].operation_mode if len(modes) == 1 else _cautious(modes),
    )


def _nearest_zero(values: Sequence[float | None]) -> float | None:
    """Return what asks least: 0 where signs differ or a value is missing, None where none is given."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    one_sign = len(known) == len(values) and (min(known) > 0 or max(known) < 0)
    return min(known, key=abs) if one_sign else 0.0


def _cautious(modes: set[OperationMode | None]) -> OperationMode:
    """Return one mode for several: following a setpoint, at the worst of 0, or charging only."""
    follows = OperationMode.CENTRAL_SETPOINT in modes
    return OperationMode.CENTRAL_SETPOINT if follows else OperationMode.CHARGING_ONLY


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
