"""What cars really do with the pilots they are given: ramps, delays, sleep, tapering batteries, full batteries.

Inside a span of time the kernel steps by at most :data:`STEP_S`.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from models.arrays import FloatArray
from models.grid.site import N_PHASES, Evse
from models.jit import kernel
from models.sessions import Acceptance
from models.units import W_PER_KW

STEP_S: Final = 5.0
"""Longest step of the simulation [s]; a car reacts within 5 s to its pilot (IEC 61851-1)."""

FULL_KWH: Final = 1e-6
"""A car with less than this to go is full [kWh]."""


@dataclass(frozen=True, slots=True)
class Car:
    """A car at the plug: what it really needs, and how it takes it.

    Parameters
    ----------
    need_kwh : float
        Energy until the car stops by itself, measured on the supply side [kWh].
    max_current_a, max_power_kw : float
        Limits of the on-board charger: per phase [A] and in total [kW].
    n_phases : int
        Phases that the on-board charger uses.
    taper_kwh : float
        Over the last ``taper_kwh`` the accepted power falls linearly: (1 - threshold state of charge) x
        battery capacity, here 5 % of 60 kWh, an assumption. 0 for a battery that does not taper.
    taper_end_share : float
        Part of the full power that is left at the end of the taper.
    ramp_up_a_per_s, ramp_down_a_per_s : float
        How fast the current follows the pilot [A/s].
    start_delay_s : float
        Time between a pilot that comes (back) from 0 and the first current [s].
    sleeps_after_s : float
        A car that was paused for longer falls asleep [s]: it ignores the next pilot, until that was paused
        once more, shortly.
    follow_share : float
        Part of its pilot that the car draws, in (0, 1]: many stay a little below it.
    """

    need_kwh: float
    max_current_a: float = 32.0
    max_power_kw: float = np.inf
    n_phases: int = N_PHASES
    taper_kwh: float = 3.0
    taper_end_share: float = 0.2
    ramp_up_a_per_s: float = 2.0
    ramp_down_a_per_s: float = 10.0
    start_delay_s: float = 5.0
    sleeps_after_s: float = np.inf
    follow_share: float = 1.0

    def accepting(self, acceptance: Acceptance) -> "Car":
        """Return the same car with this acceptance curve; what was delivered before it came counts as nothing."""
        return replace(
            self,
            need_kwh=acceptance.full_kwh,
            max_power_kw=min(self.max_power_kw, acceptance.full_power_kw),
            taper_kwh=acceptance.full_kwh - acceptance.knee_kwh,
            taper_end_share=acceptance.end_share,
        )


class Physics(NamedTuple):
    """Cars at their EVSEs as arrays (E,); what does not change while they are plugged in.

    ``min_a`` is the least pilot that charges, ``max_a`` the limit of EVSE and car together.
    """

    kw_per_a: FloatArray
    min_a: FloatArray
    max_a: FloatArray
    taper_kwh: FloatArray
    taper_end_share: FloatArray
    up_a_per_s: FloatArray
    down_a_per_s: FloatArray
    delay_s: FloatArray
    sleeps_after_s: FloatArray
    follow_share: FloatArray


class Motion(NamedTuple):
    """What moves, as arrays (E,), changed in place.

    Energy to go, current, time until the car starts, how long its pilot has been below the least one, and
    whether it sleeps (1 or 0).
    """

    left_kwh: FloatArray
    current_a: FloatArray
    wait_s: FloatArray
    paused_s: FloatArray
    asleep: FloatArray


@kernel
def accepted_kernel(
    left_kwh: float, pilot_a: float, limits_a: tuple[float, float], taper_kwh: float, end_share: float
) -> float:
    """Current that a started car settles at [A]; ``limits_a`` is (least pilot, greatest current)."""
    min_a, max_a = limits_a
    if pilot_a < min_a - 1e-9 or left_kwh < FULL_KWH:
        return 0.0
    share = 1.0
    if left_kwh < taper_kwh:
        share = end_share + (1.0 - end_share) * left_kwh / taper_kwh
    return min(pilot_a, max_a * share)


@kernel
def sleep_kernel(evse: int, pilot_a: float, physics: Physics, motion: Motion, step_s: float) -> None:
    """Let a car that is paused for long fall asleep; a short pause wakes it."""
    if pilot_a < physics.min_a[evse] - 1e-9:
        motion.paused_s[evse] += step_s
    elif motion.paused_s[evse] > 0.0:
        motion.asleep[evse] = 1.0 if motion.paused_s[evse] > physics.sleeps_after_s[evse] else 0.0
        motion.paused_s[evse] = 0.0


@kernel
def car_kernel(evse: int, pilot_a: float, physics: Physics, motion: Motion, step_s: float) -> float:
    """Move one car by ``step_s`` seconds; returns the energy drawn [kWh]."""
    sleep_kernel(evse, pilot_a, physics, motion, step_s)
    left_kwh = motion.left_kwh[evse]
    limits_a = (physics.min_a[evse], physics.max_a[evse])
    target_a = accepted_kernel(
        left_kwh, pilot_a, limits_a, physics.taper_kwh[evse], physics.taper_end_share[evse]
    )
    target_a = min(target_a, physics.follow_share[evse] * pilot_a)
    if motion.asleep[evse] > 0.0:
        target_a = 0.0
    before_a = motion.current_a[evse]
    if target_a <= 0.0:
        motion.wait_s[evse] = physics.delay_s[evse]
    elif motion.wait_s[evse] > 0.0:
        motion.wait_s[evse] -= step_s
        target_a = 0.0
    low_a = before_a - physics.down_a_per_s[evse] * step_s
    high_a = before_a + physics.up_a_per_s[evse] * step_s
    after_a = max(min(target_a, high_a), low_a)
    drawn_kwh: float = 0.5 * (before_a + after_a) * physics.kw_per_a[evse] * step_s / 3600.0
    if drawn_kwh >= left_kwh - FULL_KWH:  # full within the step: the car opens its contactor
        drawn_kwh = min(drawn_kwh, left_kwh)
        after_a = 0.0 if left_kwh - drawn_kwh < FULL_KWH else after_a
    motion.current_a[evse] = after_a
    motion.left_kwh[evse] = left_kwh - drawn_kwh
    return drawn_kwh


@kernel
def advance_kernel(
    pilot_a: FloatArray, physics: Physics, motion: Motion, seconds: float, longest_step_s: float
) -> FloatArray:
    """Move all cars by ``seconds``; returns the energy that each EVSE drew, shape (E,) [kWh]."""
    n_steps = max(int(np.ceil(seconds / longest_step_s)), 1)
    step_s = seconds / n_steps
    energy_kwh = np.zeros_like(pilot_a)
    for evse in range(pilot_a.size):
        if motion.left_kwh[evse] <= 0.0 and motion.current_a[evse] <= 0.0:
            continue
        for _ in range(n_steps):
            energy_kwh[evse] += car_kernel(evse, pilot_a[evse], physics, motion, step_s)
    return energy_kwh


def physics_of(evse: Evse, car: Car, voltage_v: float) -> Physics:
    """Return one car's row of the arrays, in the order of the fields."""
    kw_per_a = min(car.n_phases, len(evse.phases)) * voltage_v / W_PER_KW
    max_a = min(car.max_current_a, evse.max_current_a, car.max_power_kw / kw_per_a)
    row = (
        kw_per_a,
        evse.min_current_a,
        max_a,
        car.taper_kwh,
        car.taper_end_share,
        car.ramp_up_a_per_s,
        car.ramp_down_a_per_s,
        car.start_delay_s,
        car.sleeps_after_s,
        car.follow_share,
    )
    return Physics(*(np.float64(value) for value in row))  # type: ignore[arg-type] # one row, assigned by field
