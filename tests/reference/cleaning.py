"""Naive twin of the kernels in ``models/forecasting/cleaning/kernels.py``: whole lists instead of running numbers.

A watch remembers everything that it ever accepted, and works out from it what the kernels carry along.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

NAN = math.nan
GAP, DUPLICATE, CONFLICT, LATE, TOO_LATE = 1, 2, 3, 4, 5
CLOCK, SWAPPED_DATE, SPIKE, FLATLINE, CURTAILED = 7, 8, 10, 11, 13


def swapped(time_s):
    """Day and month swapped by the calendar of the standard library."""
    moment = datetime.fromtimestamp(time_s, UTC)
    if moment.day > 12:
        return time_s
    return int(moment.replace(day=moment.month, month=moment.day).timestamp())


@dataclass
class Shape:
    step_s: int
    memory: int
    forget: float
    sink: float
    flat_rare: float
    flat_common: float
    flat_zeros: float
    warm: float


@dataclass
class Watch:
    """One series."""

    shape: Shape
    newest: Any = None
    stamp: int = 0
    seen: dict[int, float] = field(default_factory=dict)
    learnt: list[tuple[float, float]] = field(default_factory=list)  # (value, neighbour or NaN)
    last: tuple[float, int | None] = (NAN, None)  # value, step
    held: tuple[float, int, float] | None = None  # value, step, base
    run: list[int] = field(default_factory=list)  # steps of equal values
    run_value: float = NAN
    run_zeros: float = 0.0
    equals: int = 0

    def weighted(self, values):
        """Mean whose weights fall by max(1/i, forget), from the explicit product of the weights."""
        total, left = 0.0, 1.0
        for i in range(len(values), 0, -1):
            rate = max(1.0 / i, self.shape.forget)
            total += values[i - 1] * rate * left
            left *= 1.0 - rate
        return total

    @property
    def mean(self):
        return self.weighted([value for value, _ in self.learnt])

    @property
    def zeros(self):
        return self.weighted([float(value == 0) for value, _ in self.learnt])

    @property
    def changes(self):
        return sum(not math.isnan(before) and value != before for value, before in self.learnt)

    @property
    def envelope(self):
        """Highest and lowest value, each sinking to the mean of its time."""
        high = low = self.learnt[0][0]
        for n in range(1, len(self.learnt) + 1):
            value, mean = self.learnt[n - 1][0], self.weighted([v for v, _ in self.learnt[:n]])
            high = max(value, high + self.shape.sink * (mean - high))
            low = min(value, low + self.shape.sink * (mean - low))
        return high, low

    @property
    def move(self):
        move, changes = 0.0, 0
        for i, (value, before) in enumerate(self.learnt, 1):
            if math.isnan(before):
                continue
            jump = abs(value - before)
            if changes >= 12:
                jump = min(jump, 8 * move)
            move += max(1.0 / i, self.shape.forget) * (jump - move)
            changes += value != before
        return move

    def place(self, time_s):
        step_s = self.shape.step_s
        step = time_s // step_s
        if self.newest is None:
            return step, time_s, 0
        expected = self.newest + 1
        nearest = round(time_s / step_s) * step_s
        near_border = abs(time_s - nearest) <= step_s // 10
        in_rhythm = abs(time_s - self.stamp - step_s) <= 2 * (step_s // 10)
        if step in (expected - 1, expected + 1) and near_border and in_rhythm:
            return expected, time_s, CLOCK
        far = step > self.newest + 86_400 // step_s or step <= self.newest - self.shape.memory
        other = swapped(time_s)
        if far and other // step_s in (expected, expected + 1):
            return other // step_s, other, SWAPPED_DATE
        return step, time_s, 0

    def suspect(self, value, before):
        if len(self.learnt) < self.shape.warm or self.changes < 12:
            return False
        high, low = self.envelope
        busy = self.zeros < 0.3
        beyond = max(value - high, low - value)
        return beyond > (0.5 if busy else 1.0) * (high - low) or (
            busy and not math.isnan(before) and abs(value - before) > 8 * self.move
        )

    def learn(self, value, before):
        self.learnt.append((value, before))

    def flat(self, step, value):
        """How many equal values stand in a row too many; 0 where the run is sound."""
        if self.last == (value, step - 1):
            self.run.append(step)
        else:
            if len(self.run) < self.shape.flat_common:
                self.equals += max(len(self.run) - 1, 0)
            self.run, self.run_zeros = [step], self.zeros if self.learnt else 0.0
        if self.changes < 12 or (value == 0 and self.run_zeros >= 0.005):
            return 0
        rare = self.equals < 0.05 * self.changes
        longest = (
            self.shape.flat_zeros if value == 0 else self.shape.flat_rare if rare else self.shape.flat_common
        )
        return max(len(self.run) - longest + 1, 0)

    def follow(self, step, value, out):
        backed = False
        if self.held:
            held, at, base = self.held
            backed = step - at <= 2 and (value - base) / (held - base) >= 0.25
            out |= {"held": held, "held_step": at, "fate": 1 if backed else 2}
            self.held = None
            if backed:
                self.flat(at, held)
                self.learn(held, NAN)
                self.last = (held, at)
        before = self.last[0] if self.last[1] == step - 1 else NAN
        if not backed and self.suspect(value, before):
            self.held = (value, step, self.mean if math.isnan(before) else before)
            return out | {"fault": -1, "passed": 0}
        too_many = self.flat(step, value)
        self.last = (value, step)
        if too_many:
            return out | {"fault": FLATLINE, "value": NAN, "flat": self.run[1] if too_many == 1 else -1}
        self.learn(value, before)
        return out

    def late(self, step, value, out):
        if step <= self.newest - self.shape.memory:
            return out | {"fault": TOO_LATE, "passed": 0}
        seen = self.seen.get(step, NAN)
        if not math.isnan(seen) and (math.isnan(value) or value == seen):
            fault = DUPLICATE if out["fault"] in (0, GAP, CURTAILED) else out["fault"]
            return out | {"fault": fault, "passed": 0}
        if not math.isnan(value) and self.suspect(value, NAN):
            return out | {"fault": SPIKE, "passed": 0}
        if self.held and self.held[1] == step:
            self.held = None
        self.seen[step] = value
        return out | {"fault": out["fault"] or (LATE if math.isnan(seen) else CONFLICT)}

    def clean(self, time_s, value, mark):
        """What becomes of one sample, as a dict."""
        step, stamp, placed = self.place(time_s)
        out = {"step": step, "value": value if mark in (0, CURTAILED) else NAN, "fault": mark}
        out |= {"placed": placed, "passed": 1, "missing": 0, "held": 0, "held_step": 0, "fate": 0, "flat": -1}
        if self.newest is not None and step <= self.newest:
            return self.late(step, out["value"], out)
        if self.newest is not None:
            out["missing"] = step - self.newest - 1
        self.newest, self.stamp, self.seen[step] = step, stamp, value
        return self.follow(step, value, out) if mark == 0 else out


def register(readings, step_s):
    """Mean power between the readings of one register, ``(time_s, kwh)`` in any order; by looking at pairs.

    Returns a list of ``(slot, power or NaN, fault)``, one for every reading.
    """
    told = []
    for i, (time_s, kwh) in enumerate(readings):
        earlier = [one for one in readings[:i] if not math.isnan(one[1])]
        newest = max(earlier, default=None, key=lambda one: one[0])
        if math.isnan(kwh) or newest is None:
            told.append((time_s // step_s, NAN, 0))
        elif time_s <= newest[0]:
            told.append((time_s // step_s, NAN, TOO_LATE))
        else:
            told.append(_between(newest, (time_s, kwh), step_s))
    return told


def _between(before, now, step_s):
    seconds, taken, fault = now[0] - before[0], now[1] - before[1], 0
    if taken < 0:
        digits = len(str(math.ceil(max(before[1], 1.0)) - 1)) if before[1] > 1.0 else 0
        top = 10**digits
        rolled = before[1] >= 0.9 * top and now[1] <= 0.1 * top
        taken, fault = (taken + top, 15) if rolled else (NAN, 14)
    single = abs(seconds - step_s) <= step_s // 10
    slot = (before[0] + step_s // 10) // step_s
    return slot, taken / seconds * 3600 if single else NAN, fault
