"""The usual forecaster: three memories of past days, weighted by how well each has forecast, tails corrected.

The slow memory reaches back nine weeks, the fast one a fortnight, the third moves past samples by what the present
state differs from theirs. Days whose state was like the present one count more, the more so the nearer the slot.
Everything is a function of a ring of samples: nothing is fitted, and nothing depends on when a forecast is asked for.
"""

from dataclasses import dataclass, field

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.day_kernels import day_states_kernel, days_kernel
from models.forecasting.features import SiteCalendar
from models.forecasting.forecaster import (
    DEFAULT_LEVELS,
    Basis,
    Samples,
    Series,
    Snapshot,
    UpdateReport,
    within_bounds,
)
from models.forecasting.history import History, require_step
from models.forecasting.idle_tails import IdleTails
from models.forecasting.level_steps import StepShape, level_steps, levelled
from models.forecasting.lone_spikes import without_lone_spikes
from models.forecasting.memory_kernels import memories_kernel
from models.forecasting.memory_weights import MemoryWeights, Rehearsal, Standing, mix
from models.forecasting.past_days import MemoryShape, neighbours, places_before
from models.forecasting.paths import path_levels
from models.forecasting.peers import N_PARTS, KnownLoad, Parts, PeerShape, peers_of
from models.forecasting.ring_forecaster import RingForecaster
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_DAY

_RECENT_DAYS = 28
_SPARE_DAYS = 4
"""Days that samples may be newer than the origin of a forecast before the oldest it reads are overwritten."""

_BUSY_SHARE = 0.5
"""Share of slots with load from which a series is moved by its state: a post that idles would be moved off zero."""


@dataclass(frozen=True, slots=True)
class BlendOptions:
    """Shape of the memories, how they are weighed, and what new stations borrow."""

    shape: MemoryShape = field(default_factory=MemoryShape)
    rehearsal: Rehearsal = field(default_factory=Rehearsal)
    peers: PeerShape = field(default_factory=PeerShape)
    step: StepShape = field(default_factory=StepShape)
    tails: IdleTails = field(default_factory=IdleTails)


class BlendedForecaster(RingForecaster):
    """Slow, fast and state-moved memories of past days; see the module's docstring.

    Parameters
    ----------
    series : tuple of Series
    step_s : int
        Length of a slot [s].
    calendar : SiteCalendar
        Zone and holidays that give the day type.
    options : BlendOptions
    levels : tuple of float
        Probabilities of the quantiles, ascending.
    """

    method = "blended memories"

    def __init__(
        self,
        series: tuple[Series, ...],
        step_s: int,
        calendar: SiteCalendar | None = None,
        options: BlendOptions | None = None,
        levels: tuple[float, ...] = DEFAULT_LEVELS,
    ) -> None:
        self._options = options if options is not None else BlendOptions()
        shape, rehearsal = self._options.shape, self._options.rehearsal
        days = shape.reach_days + rehearsal.reach_days + _SPARE_DAYS
        super().__init__(series, History(len(series), step_s, days, calendar or SiteCalendar()), levels)
        self._weights = MemoryWeights(rehearsal, step_s, self._levels)

    def update(self, samples: Samples) -> UpdateReport:
        """Store new samples, and forget what older ones made believe."""
        report = super().update(samples)
        if samples.time_s.size:
            self._weights.forget_from(int(samples.time_s.min()) // self.step_s)
        return report

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state; what its samples teach is worked out again."""
        super().restore(snapshot)
        self._weights.forget_from(0)

    def _quantiles(self, grid: TimeGrid, levels: FloatArray, before: int, basis: Basis) -> FloatArray:
        require_step(grid, self.step_s)
        standing = self._weights.standing(before, self._rehearsed)
        memories = self._memories(before, grid.steps, levels)
        values = self._blended(memories, grid.steps - before, standing, levels)
        days = frozen(basis.n_samples * (self.step_s / SECONDS_PER_DAY))
        values = self._borrowed(values, grid, levels, before, days)
        if levels is self._levels:  # paths need the distribution as it is: their sums tell of ties
            values = self._options.tails.read(values, levels, self._idle(before))
        return within_bounds(self._series, self._filled(values, levels, before))

    def _borrowed(
        self, values: FloatArray, grid: TimeGrid, levels: FloatArray, before: int, days: FloatArray
    ) -> FloatArray:
        """Quantiles of all series, those with few days of samples mixed with what their peers lend."""
        shape = self._options.peers
        peers = peers_of(self._series, days, shape)
        if not peers.young.size:
            return values
        parts, known = [], []
        for rows in (peers.young, peers.lending):
            parts.append(self._memories(before, grid.steps, path_levels(N_PARTS), rows)[:, 0])
            installed_kw = frozen([self._series[row].upper for row in rows])
            known.append(KnownLoad(rows, installed_kw, self._recent_means(rows, before), frozen(days[rows])))
        mixed = Parts(parts[0], parts[1]).mixed(shape, (known[0], known[1]), levels)
        values = np.array(values)
        values[peers.young] = np.where(np.isnan(mixed), values[peers.young], mixed)
        return frozen(values)

    def _idle(self, before: int) -> FloatArray:
        """Share of slots without load of charging loads of late, 0 for others, shape (n_series,)."""
        per_day = SECONDS_PER_DAY // self.step_s
        back = places_before(self._history, before, _RECENT_DAYS * per_day)
        loaded = days_kernel(self._history.values, back, per_day)[1]
        charging = [series.unit == "kW" and series.lower == 0.0 for series in self._series]
        return frozen(np.where(charging, 1.0 - loaded, 0.0))

    def _recent_means(self, rows: IntArray, before: int) -> FloatArray:
        """Mean load of the last four weeks, 0 where nothing is known, shape (n_rows,)."""
        back = places_before(self._history, before, _RECENT_DAYS * SECONDS_PER_DAY // self.step_s)
        recent = self._history.values[np.ix_(rows, back[back >= 0])]
        return frozen(np.nansum(recent, axis=1) / np.maximum((~np.isnan(recent)).sum(axis=1), 1))

    def _blended(
        self, memories: FloatArray, lead_slots: IntArray, standing: Standing, levels: FloatArray
    ) -> FloatArray:
        """One quantile function a slot from those of the memories, its tails moved."""
        plan = self._options.rehearsal
        weights = standing.weights[..., self._weights.buckets(lead_slots, plan.weight_borders_h)]
        moves = standing.moves[..., self._weights.buckets(lead_slots, plan.tail_borders_h)]
        mixed = mix(memories, weights)
        outer = [int(np.argmin(np.abs(levels - level))) for level in (self._levels[0], self._levels[-1])]
        width = (mixed[:, outer[1]] - mixed[:, outer[0]])[:, np.newaxis]
        return frozen(np.maximum.accumulate(mixed + width * moves_at(levels, self._levels, moves), axis=1))

    def _memories(
        self, before: int, targets: IntArray, levels: FloatArray, rows: IntArray | None = None
    ) -> FloatArray:
        """Quantiles of every memory for target steps, shape (n_series or n_rows, 3, n_levels, n_targets)."""
        values = self._history.values if rows is None else self._history.values[rows]
        return self._remembered(values, before, targets, levels)

    def _remembered(
        self, values: FloatArray, before: int, targets: IntArray, levels: FloatArray
    ) -> FloatArray:
        """Quantiles of every memory of some values by place of the ring, (n_rows, 3, n_levels, n_targets)."""
        shape, history = self._options.shape, self._history
        per_day = SECONDS_PER_DAY // self.step_s
        found = neighbours(history, shape, before, targets)
        back = places_before(history, before, shape.reach_days * per_day)
        lengths = np.asarray([max(h * 3600 // self.step_s, 1) for h in shape.state_hours], dtype=np.int64)
        days, loaded = days_kernel(values, back, per_day)
        busy = (loaded > _BUSY_SHARE).astype(np.int64)
        values = without_lone_spikes(values, back, per_day, days[1:], busy)
        values = levelled(values, back, per_day, level_steps(days[0], busy, self._options.step))
        states = day_states_kernel(values, back, per_day, lengths)
        read = (found.places, found.blocks, found.windows, found.weights, found.fade)
        return memories_kernel(values, read, states, busy, shape.penalty, levels).transpose(0, 1, 3, 2)

    def _rehearsed(self, origin: int, targets: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return what every memory would have said from an origin, and what came."""
        places = self._history.steps[targets % self._history.steps.size] == targets
        actual = np.where(places, self._history.values[:, targets % self._history.steps.size], np.nan)
        return self._memories(origin, targets, self._levels), frozen(actual)


def moves_at(levels: FloatArray, own: FloatArray, moves: FloatArray) -> FloatArray:
    """Return moves of any levels from those of a forecaster's own, linear between them and level outside."""
    if levels is own:
        return moves
    right = np.clip(np.searchsorted(own, levels), 1, max(own.size - 1, 1))
    left = np.maximum(right - 1, 0)
    right = np.minimum(right, own.size - 1)
    gap = np.where(right > left, own[right] - own[left], 1.0)
    part = np.clip((levels - own[left]) / gap, 0.0, 1.0)[:, np.newaxis]
    return moves[:, left] * (1.0 - part) + moves[:, right] * part
