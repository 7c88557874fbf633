"""Kernels that look at samples one by one, in the order in which they come.

What is kept of a series are two short rows and a ring of its last slots, so that a sample costs the same however
long the history is. Every rule is causal; what a later sample disproves is corrected afterwards.
"""

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel

DAY_S = 86_400

# Of a series' order in time: the newest slot and its stamp, the last accepted value and its slot, a sample that
# waits for a second one, and the run of equal values.
NEWEST, STAMP, LAST, LAST_STEP, HELD, HELD_STEP, HELD_BASE, RUN_FROM, RUN_N, RUN_ZEROS = range(10)
N_ORDER = 10

# Of what a series is like: samples, mean, envelope, mean move between neighbours, share of zeros, neighbours that
# differ, neighbours that are equal, whether it has physical bounds on both sides.
COUNT, MEAN, HIGH, LOW, MOVE, ZEROS, CHANGES, EQUALS, BOUNDED = range(9)
N_LIKENESS = 9

# Of what became of a sample.
(
    OUT_STEP,
    OUT_VALUE,
    OUT_FAULT,
    OUT_PLACED,
    OUT_PASSED,
    OUT_MISSING,
    OUT_HELD,
    OUT_HELD_STEP,
    OUT_FATE,
    OUT_FLAT,
) = range(10)
N_OUT = 10

# Codes of ``findings.Fault``; plain numbers, which a kernel takes as constants.
NONE, GAP, DUPLICATE, CONFLICT, LATE, TOO_LATE = 0, 1, 2, 3, 4, 5
CLOCK, SWAPPED_DATE, SPIKE, FLATLINE, CURTAILED, WAITING = 7, 8, 10, 11, 13, -1
RELEASED, REFUSED = 1, 2

_BACKED = 0.25
_MOVES = 8.0
_MARGIN = 0.5
_BUSY = 0.3
_NEVER_ZERO = 0.005
_KNOWN_CHANGES = 12
_SELDOM = 0.05


@kernel
def swapped_kernel(time_s: int) -> int:
    """A moment [s since the epoch, UTC] with day and month of its date swapped; itself where that is no date.

    References
    ----------
    .. [1] E. G. Richards, "Calendars," in Explanatory Supplement to the Astronomical Almanac, 3rd ed., 2013,
           sec. 15.11.3, algorithms 3 and 4 (Gregorian date and Julian day number).
    """
    julian = time_s // DAY_S + 2_440_588
    f = julian + 1401 + (((4 * julian + 274_277) // 146_097) * 3) // 4 - 38
    e = 4 * f + 3
    h = 5 * ((e % 1461) // 4) + 2
    day = (h % 153) // 5 + 1
    month = (h // 153 + 2) % 12 + 1
    year = e // 1461 - 4716 + (14 - month) // 12
    if day > 12:  # noqa: PLR2004 - there is no month 13
        return time_s
    g = (14 - day) // 12
    y, m = year + 4800 - g, day + 12 * g - 3
    other = month + (153 * m + 2) // 5 + 365 * y + y // 4 - y // 100 + y // 400 - 32_045
    return (other - 2_440_588) * DAY_S + time_s % DAY_S


@kernel
def place_kernel(time_s: int, order: FloatArray, shape: FloatArray) -> tuple[int, int, int]:
    """Slot of a sample, its stamp, and what was wrong with it: nothing, the clock, or a swapped date.

    Parameters
    ----------
    time_s : int
    order : (10,) float64
        Order of its series.
    shape : (8,) float64
        Slot [s], slots that are remembered, and more that this function does not read.
    """
    step_s, memory = int(shape[0]), int(shape[1])
    step, newest = time_s // step_s, int(order[NEWEST])
    if newest < 0:
        return step, time_s, NONE
    slack = step_s // 10
    beside = min(time_s % step_s, step_s - time_s % step_s)
    drift = abs(time_s - int(order[STAMP]) - step_s)
    if abs(step - newest - 1) == 1 and drift <= 2 * slack and beside <= slack:
        return newest + 1, time_s, CLOCK
    if step > newest + DAY_S // step_s or step <= newest - memory:
        other = swapped_kernel(time_s)
        if newest < other // step_s <= newest + 2:
            return other // step_s, other, SWAPPED_DATE
    return step, time_s, NONE


@kernel
def suspect_kernel(likeness: FloatArray, value: float, before: float, warm: float) -> bool:
    """Whether a value is so far from all before that a second one must back it.

    It lies outside the envelope by more than the envelope is wide; or, in a series that is seldom zero, by more
    than half of it, or moves by more than 8 times the mean move from its neighbour ``before`` (NaN where there is
    none). Before ``warm`` samples and some changes are known, nothing is; nor where bounds are known of a series
    that is often zero, since a fast car may come for the first time.

    Of the recorded loads, which have no faults of this kind that are known, 0.000 to 0.01 % were set aside by
    station, and up to 0.035 % by feeder; of 1 % that were multiplied by 8, or raised by 8 standard deviations, 80
    to 99 % were found in totals and feeders, and the higher ones only at single stations, where a car that comes
    looks the same: their installed power is the better bound.
    """
    if likeness[COUNT] < warm or likeness[CHANGES] < _KNOWN_CHANGES:
        return False
    busy = likeness[ZEROS] < _BUSY
    if likeness[BOUNDED] and not busy:
        return False
    width = (likeness[HIGH] - likeness[LOW]) * (_MARGIN if busy else 1.0)
    if value > likeness[HIGH] + width or value < likeness[LOW] - width:
        return True
    return bool(busy and abs(value - before) > _MOVES * likeness[MOVE])


@kernel
def learn_kernel(likeness: FloatArray, value: float, before: float, shape: FloatArray) -> None:
    """Take an accepted value into what a series is like, in place; ``before`` is its neighbour or NaN.

    Means have the memory ``1 / shape[2]`` samples, and the envelope falls back to the mean by ``shape[3]`` of its
    distance with every sample.
    """
    first = likeness[COUNT] == 0
    likeness[COUNT] += 1.0
    rate = max(1.0 / likeness[COUNT], shape[2])
    likeness[MEAN] += rate * (value - likeness[MEAN])
    likeness[ZEROS] += rate * ((1.0 if value == 0.0 else 0.0) - likeness[ZEROS])
    if first:
        likeness[HIGH] = likeness[LOW] = value
    likeness[HIGH] = max(value, likeness[HIGH] + shape[3] * (likeness[MEAN] - likeness[HIGH]))
    likeness[LOW] = min(value, likeness[LOW] + shape[3] * (likeness[MEAN] - likeness[LOW]))
    if not np.isnan(before):
        move = abs(value - before)
        if likeness[CHANGES] >= _KNOWN_CHANGES:
            move = min(move, _MOVES * likeness[MOVE])  # a spike that passed must not make way for the next
        likeness[MOVE] += rate * (move - likeness[MOVE])
        if value != before:
            likeness[CHANGES] += 1.0


@kernel
def flat_kernel(order: FloatArray, likeness: FloatArray, step: int, value: float, shape: FloatArray) -> int:
    """Take a value into the run of equal ones; 0 where it is sound, 1 where the run just got too long, else 2.

    Too long is ``shape[4]`` slots where neighbours are seldom equal, ``shape[5]`` where they often are, and
    ``shape[6]`` for zeros of a series that is never zero; zeros of any other series are idle hours.
    """
    if order[LAST_STEP] == step - 1 and order[LAST] == value:
        order[RUN_N] += 1.0
    else:
        if order[RUN_N] < shape[5]:
            likeness[EQUALS] += max(order[RUN_N] - 1.0, 0.0)
        order[RUN_FROM], order[RUN_N], order[RUN_ZEROS] = step, 1.0, likeness[ZEROS]
    if likeness[CHANGES] < _KNOWN_CHANGES or (value == 0.0 and order[RUN_ZEROS] >= _NEVER_ZERO):
        return 0
    longest = shape[4] if likeness[EQUALS] < _SELDOM * likeness[CHANGES] else shape[5]
    if value == 0.0:
        longest = shape[6]
    if order[RUN_N] < longest:
        return 0
    return 1 if order[RUN_N] == longest else 2


@kernel
def follow_kernel(order: FloatArray, likeness: FloatArray, out: FloatArray, shape: FloatArray) -> None:
    """Judge a sample that is newer than all others, whose slot and value stand in ``out``; all in place.

    A sample that waits is released where this one goes at least a quarter as far the same way, within two slots;
    else it was a spike.
    """
    step, value = int(out[OUT_STEP]), out[OUT_VALUE]
    backed = False
    if order[HELD_STEP] >= 0:
        held, base = order[HELD], order[HELD_BASE]
        backed = step - order[HELD_STEP] <= 2 and (value - base) / (held - base) >= _BACKED  # noqa: PLR2004 - docstring
        out[OUT_HELD], out[OUT_HELD_STEP] = held, order[HELD_STEP]
        out[OUT_FATE] = RELEASED if backed else REFUSED
        if backed:
            flat_kernel(order, likeness, int(order[HELD_STEP]), held, shape)
            learn_kernel(likeness, held, np.nan, shape)
            order[LAST], order[LAST_STEP] = held, order[HELD_STEP]
        order[HELD_STEP] = -1.0
    before = order[LAST] if order[LAST_STEP] == step - 1 else np.nan
    if not backed and suspect_kernel(likeness, value, before, shape[7]):
        order[HELD], order[HELD_STEP] = value, step
        order[HELD_BASE] = before if not np.isnan(before) else likeness[MEAN]
        out[OUT_FAULT], out[OUT_PASSED] = WAITING, 0.0
        return
    flat = flat_kernel(order, likeness, step, value, shape)
    order[LAST], order[LAST_STEP] = value, step
    if flat:
        out[OUT_FAULT], out[OUT_VALUE] = FLATLINE, np.nan
        out[OUT_FLAT] = order[RUN_FROM] + 1 if flat == 1 else -1.0
    else:
        learn_kernel(likeness, value, before, shape)


@kernel
def late_kernel(
    order: FloatArray, likeness: FloatArray, ring: FloatArray, out: FloatArray, shape: FloatArray
) -> None:
    """Judge a sample that is not newer than all others, whose slot and value stand in ``out``; all in place."""
    step, value, memory = int(out[OUT_STEP]), out[OUT_VALUE], int(shape[1])
    if step <= order[NEWEST] - memory:
        out[OUT_FAULT], out[OUT_PASSED] = TOO_LATE, 0.0
        return
    seen = ring[step % memory]
    if not np.isnan(seen) and (np.isnan(value) or value == seen):
        out[OUT_PASSED] = 0.0
        if out[OUT_FAULT] in (NONE, GAP, CURTAILED):
            out[OUT_FAULT] = DUPLICATE
    elif suspect_kernel(likeness, value, np.nan, shape[7]):
        out[OUT_FAULT], out[OUT_PASSED] = SPIKE, 0.0
    else:
        if order[HELD_STEP] == step:
            order[HELD_STEP] = -1.0
        if out[OUT_FAULT] == NONE:
            out[OUT_FAULT] = LATE if np.isnan(seen) else CONFLICT
        ring[step % memory] = value


@kernel
def clean_kernel(
    samples: tuple[IntArray, IntArray, FloatArray, IntArray],
    state: tuple[FloatArray, FloatArray, FloatArray],
    shape: FloatArray,
    out: FloatArray,
) -> None:
    """Judge samples one by one; state and ``out`` are changed in place.

    Parameters
    ----------
    samples : tuple of (n,) arrays
        Time [s since the epoch], row, value, and the fault that is known of it beforehand (0 for none).
    state : tuple of float64 arrays
        Order (n_series, 10), likeness (n_series, 9), and a ring of the last values (n_series, memory).
    shape : (8,) float64
        Slot [s], memory [slots], rates of forgetting of means and of the envelope, longest runs of equal values
        where they are rare, common, and of zeros where there are none [slots], samples to warm up.
    out : (n, 10) float64
        Slot, value, fault, fault of its time, whether it is passed on, slots that were skipped before it, a
        sample that waited, its slot and fate (0 none, 1 released, 2 refused), first slot of a run to take back
        (-1 for none).
    """
    memory = int(shape[1])
    for i in range(samples[0].size):
        row, mark, one = samples[1][i], samples[3][i], out[i]
        order, likeness, ring = state[0][row], state[1][row], state[2][row]
        step, stamp, placed = place_kernel(samples[0][i], order, shape)
        newest = int(order[NEWEST])
        one[OUT_STEP], one[OUT_VALUE], one[OUT_FAULT] = step, samples[2][i], mark
        one[OUT_PLACED], one[OUT_PASSED], one[OUT_FLAT] = placed, 1.0, -1.0
        if mark not in (NONE, CURTAILED):
            one[OUT_VALUE] = np.nan
        if step <= newest:
            late_kernel(order, likeness, ring, one, shape)
            continue
        one[OUT_MISSING] = step - newest - 1 if newest >= 0 else 0.0
        for skipped in range(max(newest + 1, step - memory + 1), step):
            ring[skipped % memory] = np.nan
        order[NEWEST], order[STAMP] = step, stamp
        ring[step % memory] = samples[2][i]
        if mark == NONE:
            follow_kernel(order, likeness, one, shape)
