"""Compiled loops of the double-seasonal forecaster; their naive twins are in ``tests/reference/double_seasonal.py``."""

from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray, IntArray
from models.jit import kernel

_NO_STEP = -1


class Smoothed(NamedTuple):
    """What is known of every series after its newest step; a plain tuple, since kernels change it in place.

    Parameters
    ----------
    until : (n_series,) int64
        First absolute step that was not read yet.
    day, week : (n_series, n_slots_of_a_day) and (n_series, n_slots_of_a_week) float64
        Seasons, by local slot.
    day_seen, week_seen : as ``day`` and ``week``, int64
        Samples behind each of their members.
    seen : (n_series,) int64
        Samples behind the level.
    level, rest : (n_series, n_kept) float64
        Level, and what it and the seasons left of the newest sample, after step ``s`` at ``s mod n_kept``;
        NaN before the first sample.
    error : (n_series, n_leads, n_places) float64
        Sample less what was forecast of it so many slots before, by place of the ring; NaN where there is none.
    """

    until: IntArray
    day: FloatArray
    week: FloatArray
    day_seen: IntArray
    week_seen: IntArray
    seen: IntArray
    level: FloatArray
    rest: FloatArray
    error: FloatArray

    @classmethod
    def empty(cls, n_series: int, per_day: int, leads: IntArray, n_places: int) -> "Smoothed":
        """Return the state before the first sample."""
        kept = (n_series, int(leads.max()) + 1)
        return cls(
            np.full(n_series, _NO_STEP, dtype=np.int64),
            np.zeros((n_series, per_day)),
            np.zeros((n_series, 7 * per_day)),
            np.zeros((n_series, per_day), dtype=np.int64),
            np.zeros((n_series, 7 * per_day), dtype=np.int64),
            np.zeros(n_series, dtype=np.int64),
            np.full(kept, np.nan),
            np.full(kept, np.nan),
            np.full((n_series, leads.size, n_places), np.nan),
        )

    def forget(self, rows: IntArray) -> None:
        """Put some series back to before their first sample."""
        self.until[rows] = _NO_STEP
        for zeros in (self.day, self.week, self.day_seen, self.week_seen, self.seen):
            zeros[rows] = 0
        for unknown in (self.level, self.rest, self.error):
            unknown[rows] = np.nan


@kernel
def smooth_kernel(
    values: FloatArray,
    calendar: IntArray,
    span: tuple[int, int],
    leads: IntArray,
    gains: FloatArray,
    state: Smoothed,
) -> None:
    r"""Take every series on to a step, sample by sample; ``state`` is changed.

    A sample's innovation :math:`\varepsilon` is what is left of it after level, both seasons and the damped rest of
    the sample before, :math:`\varepsilon_t = y_t - l - d - w - \phi r`; it moves :math:`l`, :math:`d` and :math:`w`
    by its gains. A gain is never less than one over the samples that its member has seen.

    Parameters
    ----------
    values : (n_series, n_places) float64
        Ring of samples; NaN is a gap.
    calendar : (4, n_places) int64
        Local slot, local day, weekday and day type of every place.
    span : (int, int)
        Absolute step that a series begins at which was not read yet, and the first that is not read.
    leads : (n_leads,) int64
        Leads at which errors are kept, at least 1 slot.
    gains : (4,) float64
        Of level, day and week, and the damping of the rest by slot.

    References
    ----------
    .. [1] J. W. Taylor, "Short-term electricity demand forecasting using double seasonal exponential smoothing,"
           J. Operational Research Society, vol. 54, 2003, doi:10.1057/palgrave.jors.2601589.
    """
    per_day, n_places, n_kept = state.day.shape[1], values.shape[1], state.level.shape[1]
    for s in range(values.shape[0]):
        for step in range(max(state.until[s], span[0]), span[1]):
            place, here, before = step % n_places, step % n_kept, (step - 1) % n_kept
            slot, of_week = calendar[0, place], calendar[2, place] * per_day + calendar[0, place]
            value, season = values[s, place], state.day[s, slot] + state.week[s, of_week]
            for i in range(leads.size):
                then = (step - leads[i]) % n_kept
                rest = state.rest[s, then] * gains[3] ** leads[i]
                state.error[s, i, place] = value - (state.level[s, then] + season + rest)
            if np.isnan(value) or state.seen[s] == 0:
                known = not np.isnan(value)
                state.level[s, here] = value if known else state.level[s, before]
                state.rest[s, here] = 0.0 if known else state.rest[s, before] * gains[3]
                state.seen[s] += 1 if known else 0
                continue
            left = value - state.level[s, before] - season
            new = left - gains[3] * state.rest[s, before]
            state.seen[s] += 1
            state.day_seen[s, slot] += 1
            state.week_seen[s, of_week] += 1
            state.level[s, here] = state.level[s, before] + max(gains[0], 1.0 / state.seen[s]) * new
            state.rest[s, here] = left
            state.day[s, slot] += max(gains[1], 1.0 / (state.day_seen[s, slot] + 1)) * new
            state.week[s, of_week] += max(gains[2], 1.0 / (state.week_seen[s, of_week] + 2)) * new
        state.until[s] = max(state.until[s], span[1])
