"""What columns that are known ahead (weather, price) do to a load: a bent line for each, from weekly differences.

A difference to the same slot a week before holds neither the time of day nor the weekday, so that what is left of a
column is what it says beside the calendar. An effect that a series may as well have by chance is none.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.units import SECONDS_PER_DAY

LEAST_DAYS: Final = 21
"""Days of samples with all columns, a week before them too, that effects are learnt from."""

_WEEK: Final = 7
_KNOTS: Final = (1 / 3, 2 / 3)
"""Quantiles of a column at which its line may bend: heating below one, cooling above the other."""

_PENALTY: Final = 0.01
_PER_DAY: Final = 3.0
"""Independent samples of a day: weather and load of neighbouring hours are much the same."""

_CHANCE: Final = 4.0
"""An effect that explains as much more than chance would is believed by half; less of it, less, down to none."""

_LEAST_SPREAD: Final = 1e-12


@dataclass(frozen=True, slots=True)
class ColumnEffects:
    """Bent lines of columns and differences of a past, from which the effects at any origin follow.

    Parameters
    ----------
    steps : (n_steps,) int64
        Absolute steps of the past, ascending without a gap.
    bends : (n_bends, n_steps) float64
        Bent lines of the columns there, each of about unit spread; NaN where a column is not known.
    change : (n_series, n_steps) float64
        Samples less those of a week before; NaN where either is not known.
    bends_change : (n_bends, n_steps) float64
    step_s : int
        Length of a slot [s].
    """

    steps: IntArray
    bends: FloatArray
    change: FloatArray
    bends_change: FloatArray
    step_s: int

    @classmethod
    def of(cls, steps: IntArray, values: FloatArray, columns: FloatArray, step_s: int) -> "ColumnEffects":
        """Return the differences of samples (n_series, n_steps) and columns (n_columns, n_steps) of a past."""
        bends = bent(columns, columns)
        week = _WEEK * SECONDS_PER_DAY // step_s
        return cls(steps, bends, _change(values, week), _change(bends, week), step_s)

    def only(self, rows: IntArray) -> "ColumnEffects":
        """Return those of some series."""
        return replace(self, change=frozen(self.change[rows]))

    @property
    def enough(self) -> BoolArray:
        """Series that have days enough to learn from, shape (n_series,)."""
        known = ~np.isnan(self.change) & ~np.isnan(self.bends_change).any(axis=0)
        return np.asarray(known.sum(axis=1) * self.step_s >= (LEAST_DAYS - _WEEK) * SECONDS_PER_DAY)

    def at(self, origin: int) -> FloatArray:
        """Return the effect of each bent line, from what came before an origin, shape (n_series, n_bends).

        Notes
        -----
        With ``d`` the differences of a series and ``D`` those of the lines, the effects are
        ``b = (D D' + l n I)^-1 D d``, times ``max(0, 1 - c / F)``, where F is what ``b`` explains over what chance
        would, both by degree of freedom.
        """
        used = (~np.isnan(self.change)) & ~np.isnan(self.bends_change).any(axis=0) & (self.steps < origin)
        lines, n_bends = np.nan_to_num(self.bends_change), self.bends_change.shape[0]
        change, mask = np.where(used, self.change, 0.0), used.astype(np.float64)
        products = (lines[:, np.newaxis] * lines[np.newaxis]).reshape(n_bends * n_bends, -1)
        gram = (mask @ products.T).reshape(-1, n_bends, n_bends)
        moment, n = change @ lines.T, mask.sum(axis=1)
        loaded = gram + (_PENALTY * n + _LEAST_SPREAD)[:, np.newaxis, np.newaxis] * np.eye(n_bends)
        effect = np.linalg.solve(loaded, moment[..., np.newaxis])[..., 0]
        explained = 2.0 * (effect * moment).sum(axis=1) - np.einsum("sp,spq,sq->s", effect, gram, effect)
        left = np.maximum((change * change).sum(axis=1) - explained, 0.0)
        free = np.maximum(n * self.step_s / SECONDS_PER_DAY * _PER_DAY - n_bends, 1.0)
        share = 1.0 - _CHANCE * n_bends * left / np.maximum(explained * free, _LEAST_SPREAD)
        return frozen(effect * np.where(explained > 0.0, np.maximum(share, 0.0), 0.0)[:, np.newaxis])


def bent(columns: FloatArray, like: FloatArray) -> FloatArray:
    """Return the bent lines of columns, in units of the spread that others of the same names have.

    Returns
    -------
    (3 n_columns, n_steps) float64
        Of each column the column itself, and what it is above a third and above two thirds of ``like``, each less
        its mean there; NaN where the column is not known.
    """
    lines = []
    for column, known in zip(columns, like, strict=True):
        past = known[~np.isnan(known)]
        if not past.size:
            lines += [np.full(column.size, np.nan)] * (1 + len(_KNOTS))
            continue
        spread = max(float(past.std()), _LEAST_SPREAD)
        for knot in (-np.inf, *np.quantile(past, _KNOTS)):
            if np.isinf(knot):
                lines.append((column - past.mean()) / spread)
            else:
                above = np.maximum(past - knot, 0.0).mean()
                lines.append((np.maximum(column - knot, 0.0) - above) / spread)
    return frozen(lines)


def _change(values: FloatArray, n_slots: int) -> FloatArray:
    """Return values less those of some slots before, NaN at the beginning."""
    change = np.full(values.shape, np.nan)
    change[:, n_slots:] = values[:, n_slots:] - values[:, :-n_slots]
    return frozen(change)
