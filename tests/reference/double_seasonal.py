"""Naive twin of ``models/forecasting/double_seasonal_kernels.py``: one series, whole lists, nothing in place."""

import numpy as np


def smooth(samples, slots, per_day, leads, gains):
    """State after all samples of one series.

    Parameters
    ----------
    samples : list of float
        NaN is a gap.
    slots : list of (int, int)
        Local slot and weekday of each.
    per_day : int
    leads : list of int
    gains : (float, float, float, float)

    Returns
    -------
    dict
        Level and rest after every sample, the seasons by slot, and errors by lead and sample.
    """
    alpha, delta, omega, phi = gains
    level: list[float] = []
    rest: list[float] = []
    day: dict[int, list[float]] = {}
    week: dict[tuple[int, int], list[float]] = {}
    errors = np.full((len(leads), len(samples)), np.nan)
    for t, (value, (slot, weekday)) in enumerate(zip(samples, slots, strict=True)):
        of_day, of_week = day.setdefault(slot, []), week.setdefault((weekday, slot), [])
        season = sum(of_day) + sum(of_week)
        for i, lead in enumerate(leads):
            if t >= lead:
                errors[i, t] = value - level[t - lead] - season - phi**lead * rest[t - lead]
        n = sum(not np.isnan(one) for one in samples[:t])
        if np.isnan(value) or n == 0:
            level.append(value if n == 0 else level[-1])
            rest.append(rest[-1] * phi if n else np.nan if np.isnan(value) else 0.0)
            continue
        left = value - level[-1] - season
        new = left - phi * rest[-1]
        of_day.append(max(delta, 1.0 / (len(of_day) + 2)) * new)
        of_week.append(max(omega, 1.0 / (len(of_week) + 3)) * new)
        level.append(level[-1] + max(alpha, 1.0 / (n + 1)) * new)
        rest.append(left)
    seasons = (np.zeros(per_day), np.zeros(7 * per_day))
    for slot, moves in day.items():
        seasons[0][slot] = sum(moves)
    for (weekday, slot), moves in week.items():
        seasons[1][weekday * per_day + slot] = sum(moves)
    return {"level": level, "rest": rest, "day": seasons[0], "week": seasons[1], "error": errors}
