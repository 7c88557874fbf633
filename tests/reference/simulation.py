"""Naive twins of the kernels in models/simulation/cars.py: one car, plain Python, another way round."""

import math


def accepted(left_kwh, pilot_a, limits_a, taper_kwh, end_share):
    """Current that a started car settles at, by interpolation."""
    if pilot_a + 1e-9 < limits_a[0] or left_kwh < 1e-6:
        return 0.0
    progress = 1.0 if taper_kwh <= 0 else min(left_kwh / taper_kwh, 1.0)
    return min(pilot_a, limits_a[1] * (end_share * (1 - progress) + progress))


def sleep(row, pilot_a, physics, motion, step_s):
    """Count a pause, or end it: whether it was long says whether the car sleeps."""
    fixed, moving = physics[row], motion[row]
    was_paused_s = moving["paused_s"]
    is_paused = pilot_a + 1e-9 < fixed["min_a"]
    moving["paused_s"] = was_paused_s + step_s if is_paused else 0.0
    if was_paused_s and not is_paused:
        moving["asleep"] = float(was_paused_s > fixed["sleeps_after_s"])


def car(row, pilot_a, physics, motion, step_s):
    """Move one car of a list of dicts; returns its energy."""
    fixed, moving = physics[row], motion[row]
    sleep(row, pilot_a, physics, motion, step_s)
    limits_a = (fixed["min_a"], fixed["max_a"])
    goal_a = accepted(moving["left_kwh"], pilot_a, limits_a, fixed["taper_kwh"], fixed["taper_end_share"])
    goal_a = 0.0 if moving["asleep"] else min(goal_a, pilot_a * fixed["follow_share"])
    if goal_a > 0 and moving["wait_s"] > 0:
        goal_a = 0.0
        moving["wait_s"] -= step_s
    elif goal_a == 0:
        moving["wait_s"] = fixed["delay_s"]
    start_a = moving["current_a"]
    reach_a = fixed["up_a_per_s"] * step_s if goal_a > start_a else fixed["down_a_per_s"] * step_s
    end_a = start_a + math.copysign(min(abs(goal_a - start_a), reach_a), goal_a - start_a)
    wanted_kwh = (start_a + end_a) / 2 * fixed["kw_per_a"] * step_s / 3600
    drawn_kwh = min(wanted_kwh, moving["left_kwh"])
    moving["left_kwh"] -= drawn_kwh
    moving["current_a"] = end_a
    if wanted_kwh > 0 and moving["left_kwh"] < 1e-6:
        moving["current_a"] = 0.0
    return drawn_kwh


def advance(pilots_a, physics, motion, seconds, longest_step_s):
    """Move all cars; returns their energies."""
    n_steps = max(math.ceil(seconds / longest_step_s), 1)
    return [
        sum(car(row, pilot_a, physics, motion, seconds / n_steps) for _ in range(n_steps))
        for row, pilot_a in enumerate(pilots_a)
    ]
