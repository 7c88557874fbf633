"""The usual forecaster with columns that are known ahead: memories of what they do not explain, beside the others.

Past samples are freed of what the columns did to them, remembered as ever, and given what the columns do to the
slots to come. Weights learnt online decide how much of that counts. Where no column is known, or a series does not
follow any, the forecast is the one without them, number by number.
"""

from dataclasses import dataclass, replace
from datetime import UTC

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen
from models.errors import Issue
from models.forecasting.blended import BlendedForecaster
from models.forecasting.column_effects import LEAST_DAYS, ColumnEffects, bent
from models.forecasting.day_kernels import days_kernel
from models.forecasting.forecaster import (
    NOTHING_KNOWN,
    Known,
    KnownColumns,
    QuantileForecast,
    ScenarioPaths,
    within_bounds,
)
from models.forecasting.history import step_before
from models.forecasting.memory_weights import MemoryWeights
from models.forecasting.past_days import places_before
from models.forecasting.paths import path_levels, shuffled
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_BUSY_SHARE = 0.5
"""Share of slots with load from which a series is explained: a line would move a post that idles off zero."""

_WHERE = "columns"


@dataclass(frozen=True, slots=True)
class _Told:
    """Quantiles, the series that follow a column, and what the reader should know."""

    values: FloatArray
    follow: BoolArray
    warnings: tuple[Issue, ...]


class ExplainedForecaster(BlendedForecaster):
    """Blended memories that read :attr:`models.forecasting.forecaster.Known.columns`; see the module's docstring."""

    def forecast(self, grid: TimeGrid, known: Known = NOTHING_KNOWN) -> QuantileForecast:
        """Return quantiles on a grid; see :class:`models.forecasting.forecaster.Forecaster`."""
        plain = super().forecast(grid, replace(known, columns=None))
        if known.columns is None:
            return plain
        told = self._explained(grid, known, self._levels, plain.values)
        names = ", ".join(known.columns.names)
        method = f"{plain.basis.method}, with {names}" if told.follow.any() else plain.basis.method
        basis = replace(plain.basis, method=method)
        return replace(plain, values=told.values, basis=basis, warnings=(*plain.warnings, *told.warnings))

    def paths(self, grid: TimeGrid, n_paths: int, seed: int, known: Known = NOTHING_KNOWN) -> ScenarioPaths:
        """Return scenario paths; see :class:`models.forecasting.forecaster.Forecaster`."""
        if known.columns is None:
            return super().paths(grid, n_paths, seed, known)
        issued_at, levels = known.issued_at(grid), path_levels(n_paths)
        before = step_before(grid, issued_at.timestamp())
        plain = self._quantiles(grid, levels, before, self._history.basis(self.method, before))
        marginal = self._explained(grid, known, levels, plain).values
        values = shuffled(marginal, self._history, grid, before, np.random.default_rng(seed))
        return ScenarioPaths(grid, self._series, values, issued_at)

    def _explained(self, grid: TimeGrid, known: Known, levels: FloatArray, plain: FloatArray) -> _Told:
        """Return quantiles in which slots with known columns follow them; ``plain`` knows none."""
        assert known.columns is not None  # noqa: S101 - both callers look
        columns, values = known.columns, np.array(plain)
        before = step_before(grid, known.issued_at(grid).timestamp())
        follow, learnt = np.zeros(len(self._series), dtype=bool), False
        there = ~np.isnan(columns.at(grid.steps, grid))
        for pattern in np.unique(there, axis=1).T:
            if not pattern.any():
                continue
            part = self._part(_Feed(columns, np.flatnonzero(pattern), grid), before)
            learnt |= part.is_learnt
            if not part.rows.size:
                continue
            follow[part.rows] = True
            slots = np.flatnonzero((there == pattern[:, np.newaxis]).all(axis=0))
            with_columns = self._quantiles_of(part, grid.steps[slots], before, levels)
            place = np.ix_(part.rows, np.arange(levels.size), slots)
            values[place] = np.where(np.isnan(with_columns), values[place], with_columns)
        warnings = (*_stopped(columns, there, grid), *_idle(columns, follow, learnt=learnt))
        return _Told(within_bounds(self._series, frozen(values)), follow, warnings)

    def _part(self, feed: "_Feed", before: int) -> "_Part":
        """Return what some columns do to the series, from samples before a step."""
        history, per_day = self._history, SECONDS_PER_DAY // self.step_s
        steps = np.arange(before - history.steps.size, before, dtype=np.int64)
        place = steps % history.steps.size
        values = np.where(history.steps[place] == steps, history.values[:, place], np.nan)
        like = feed.at(steps)
        effects = ColumnEffects.of(steps, frozen(values), like, self.step_s)
        back = places_before(history, before, self._options.shape.reach_days * per_day)
        busy = days_kernel(history.values, back, per_day)[1] > _BUSY_SHARE
        follows = effects.enough & busy & (effects.at(before) != 0.0).any(axis=1)
        rows = np.flatnonzero(follows)
        ring = bent(feed.at(history.steps), like)
        return _Part(feed, like, effects.only(rows), rows, ring, bool(effects.enough.any()))

    def _quantiles_of(self, part: "_Part", targets: IntArray, before: int, levels: FloatArray) -> FloatArray:
        """Quantiles of the series that follow some columns, (n_rows, n_levels, n_targets)."""

        def say(origin: int, steps: IntArray) -> tuple[FloatArray, FloatArray]:
            place = steps % self._history.steps.size
            came = np.where(self._history.steps[place] == steps, self._history.values[:, place], np.nan)
            return self._with_columns(part, origin, steps, self._levels), frozen(came[part.rows])

        weights = MemoryWeights(self._options.rehearsal, self.step_s, self._levels)
        standing = weights.standing(before, say)
        memories = self._with_columns(part, before, targets, levels)
        return self._blended(memories, targets - before, standing, levels)

    def _with_columns(self, part: "_Part", origin: int, targets: IntArray, levels: FloatArray) -> FloatArray:
        """Quantiles of every memory, and again of what columns do not explain, (n_rows, 6, n_levels, n_targets)."""
        effect = part.effects.at(origin)
        plain = self._memories(origin, targets, levels, part.rows)
        free = (
            self._history.values[part.rows] - effect @ part.ring
        )  # not frozen: kernels are compiled for that
        given = effect @ bent(part.feed.at(targets), part.like)
        other = self._remembered(free, origin, targets, levels) + given[:, np.newaxis, np.newaxis]
        return frozen(np.concatenate([plain, np.where(np.isnan(other), plain, other)], axis=1))


@dataclass(frozen=True, slots=True)
class _Feed:
    """Some of the columns that are known."""

    columns: KnownColumns
    which: IntArray
    otherwise: TimeGrid

    def at(self, steps: IntArray) -> FloatArray:
        """Return their values at absolute steps, (n_which, n_steps)."""
        return frozen(self.columns.at(steps, self.otherwise)[self.which])


@dataclass(frozen=True, slots=True)
class _Part:
    """What some columns do to the series that follow them.

    Parameters
    ----------
    feed : _Feed
    like : (n_which, n_steps) float64
        The columns of the past, whose spread is the unit.
    effects : ColumnEffects
        Of the series that follow.
    rows : (n_rows,) int64
        Series that follow.
    ring : (n_bends, n_places) float64
        Bent lines by place of the ring.
    is_learnt : bool
        Whether any series has days enough with the columns.
    """

    feed: _Feed
    like: FloatArray
    effects: ColumnEffects
    rows: IntArray
    ring: FloatArray
    is_learnt: bool


def _stopped(columns: KnownColumns, there: BoolArray, grid: TimeGrid) -> tuple[Issue, ...]:
    """Say which columns are not known in some of the slots to come."""
    told = []
    for name, known in zip(columns.names, there, strict=True):
        missing = np.flatnonzero(~known)
        if missing.size:
            since = grid.slot_start(int(missing[0])).astimezone(UTC)
            what = f"{name} is not known in {missing.size} of {grid.n_slots} slots, from {since:%Y-%m-%d %H:%M} UTC on"
            told.append(Issue(_WHERE, f"{what}: forecast without it there"))
    return tuple(told)


def _idle(columns: KnownColumns, follow: BoolArray, *, learnt: bool) -> tuple[Issue, ...]:
    """Say that no series follows the columns, or that too little of their past is known to find out."""
    if follow.any():
        return ()
    names = ", ".join(columns.names)
    if not learnt:
        what = f"{names} not used: {LEAST_DAYS} days of its past beside those of a series are needed"
        return (Issue(_WHERE, what),)
    return (Issue(_WHERE, f"no series follows {names}: not used"),)
