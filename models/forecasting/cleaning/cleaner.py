"""The cleaner that stands before a forecaster: samples go in as they come, and what can be learnt from comes out."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray, frozen, read_only
from models.errors import InvalidInputError, Issue
from models.forecasting.cleaning import kernels as k
from models.forecasting.cleaning.findings import Fault, Findings
from models.forecasting.cleaning.readings import Cleaned, Readings
from models.forecasting.forecaster import Samples, Series, Snapshot

_METHOD = "cleaner"
_VERSION = 1
_HOUR_S = 3600
_NEAR_LIMIT = 0.98
_SLACK = 0.05


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the cleaner waits and remembers.

    Parameters
    ----------
    memory_h : float
        A sample that is older than the newest by more is set aside [h].
    mean_days, envelope_days : float
        Memory of means, and of the highest and lowest value [days].
    flat_rare_h, flat_common_h, zeros_h : float
        Equal values for as long are a flatline: where neighbours are seldom equal, where they often are, and for
        zeros of a series that is never zero [h].
    warm_h : float
        No spike is looked for before [h].
    """

    memory_h: float = 48.0
    mean_days: float = 7.0
    envelope_days: float = 60.0
    flat_rare_h: float = 6.0
    flat_common_h: float = 36.0
    zeros_h: float = 2.0
    warm_h: float = 24.0

    def as_array(self, step_s: int) -> FloatArray:
        """Return it in slots, in the order that the kernels read."""
        per_hour = _HOUR_S / step_s
        runs = (self.flat_rare_h, self.flat_common_h, self.zeros_h)
        longest = [max(np.ceil(hours * per_hour), 4) for hours in runs]
        rates = [1.0 / (days * 24 * per_hour) for days in (self.mean_days, self.envelope_days)]
        return frozen([step_s, np.ceil(self.memory_h * per_hour), *rates, *longest, self.warm_h * per_hour])


class Cleaner:
    """Finds faults in samples of many series at a cost that grows with their number only.

    The same samples in the same order give the same findings and, with the later of two values of a slot, the
    same samples, whether they come at once or one by one. Nothing is made up: a value is passed on as it came, or
    as NaN, or not at all; only its slot may be mended.

    Parameters
    ----------
    series : tuple of Series
        Their bounds are physical: what lies outside by more than 5 % of their range is no measurement.
    step_s : int
        Length of a slot [s].
    patience : Patience
    """

    def __init__(self, series: tuple[Series, ...], step_s: int, patience: Patience | None = None) -> None:
        self._series = series
        self._step_s = step_s
        self._shape = (patience or Patience()).as_array(step_s)
        self._order = np.full((len(series), k.N_ORDER), -1.0)
        self._order[:, [k.LAST, k.HELD, k.HELD_BASE]] = np.nan
        self._order[:, [k.RUN_N, k.RUN_ZEROS]] = 0.0
        self._likeness = np.zeros((len(series), k.N_LIKENESS))
        self._ring = np.full((len(series), int(self._shape[1])), np.nan)
        self._counts = np.zeros((len(series), len(Fault)), dtype=np.int64)
        lower, upper = (np.array([getattr(one, side) for one in series]) for side in ("lower", "upper"))
        slack = np.where(np.isfinite(upper - lower), _SLACK * (upper - lower), 1e-6)
        self._likeness[:, k.BOUNDED] = np.isfinite(upper - lower)
        self._lower, self._upper = lower - slack, upper + slack

    @property
    def counts(self) -> IntArray:
        """Slots with each fault so far, shape (n_series, n_faults); the columns are :class:`Fault`."""
        return read_only(self._counts.copy())

    @property
    def waiting(self) -> BoolArray:
        """Whether the newest sample of each series is so odd that it waits for the next, shape (n_series,)."""
        return read_only(self._order[:, k.HELD_STEP] >= 0)

    def clean(self, readings: Readings | Samples, now_s: int | None = None) -> Cleaned:
        """Return what can be learnt from new samples, and what was wrong with them.

        Parameters
        ----------
        readings : Readings or Samples
            In the order in which they came.
        now_s : int, optional
            Samples that begin later are set aside [s since the epoch].

        Raises
        ------
        InvalidInputError
            A row is not that of a series, or a time lies before the epoch.
        """
        readings = readings if isinstance(readings, Readings) else Readings(readings)
        samples = readings.samples
        self._check(samples)
        ahead = samples.time_s > (now_s if now_s is not None else np.iinfo(np.int64).max)
        told_ahead = self._ahead(samples, ahead)
        if ahead.any():
            readings = readings.at(np.flatnonzero(~ahead))
            samples = readings.samples
        out = np.zeros((samples.time_s.size, k.N_OUT))
        given = (samples.time_s, samples.row, samples.value, self._marks(readings))
        k.clean_kernel(given, (self._order, self._likeness, self._ring), self._shape, out)
        findings = told_ahead.and_then(_findings(out, samples, self._step_s))
        self._counts += findings.counts(len(self._series))
        return Cleaned(_passed_on(out, samples.row, self._step_s), findings)

    def snapshot(self) -> Snapshot:
        """Return all that is remembered."""
        arrays = {
            name: frozen(getattr(self, f"_{name}"))
            for name in ("order", "likeness", "ring", "counts", "shape")
        }
        return Snapshot(_METHOD, _VERSION, arrays)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a stored state.

        Raises
        ------
        InvalidInputError
            It is of another method, version, shape or step.
        """
        names = ("order", "likeness", "ring", "counts")
        fits = (snapshot.method, snapshot.version) == (_METHOD, _VERSION) and all(
            snapshot.arrays[name].shape == getattr(self, f"_{name}").shape for name in names
        )
        if not fits or not np.array_equal(snapshot.arrays["shape"], self._shape):
            raise InvalidInputError((Issue("snapshot", "is not of this cleaner"),))
        for name in names:
            getattr(self, f"_{name}")[:] = snapshot.arrays[name]

    def _check(self, samples: Samples) -> None:
        issues = []
        if samples.row.size and not 0 <= samples.row.min() <= samples.row.max() < len(self._series):
            issues.append(Issue("samples.row", f"outside 0 to {len(self._series) - 1}"))
        if samples.time_s.size and samples.time_s.min() < 0:
            issues.append(Issue("samples.time_s", "before 1970"))
        if issues:
            raise InvalidInputError(tuple(issues))

    def _ahead(self, samples: Samples, ahead: BoolArray) -> Findings:
        fault = np.full(int(ahead.sum()), Fault.AHEAD, dtype=np.int64)
        step = samples.time_s[ahead] // self._step_s
        return Findings(
            self._step_s, fault, samples.row[ahead], step, np.ones_like(step), frozen(samples.value[ahead])
        )

    def _marks(self, readings: Readings) -> IntArray:
        """Return the fault of each sample that can be told without its neighbours, shape (n_samples,)."""
        samples, value = readings.samples, readings.samples.value
        held = np.zeros(value.size, dtype=bool) if samples.curtailed is None else samples.curtailed
        upper = self._upper[samples.row]
        if readings.limit is not None:
            bites = readings.limit < _NEAR_LIMIT * upper / (1 + _SLACK)
            held = held | (bites & (value >= _NEAR_LIMIT * readings.limit) & (value > 0))
        marks = np.where(held, Fault.CURTAILED, Fault.NONE)
        outside = (value < self._lower[samples.row]) | (value > upper) | np.isinf(value)
        marks[outside] = Fault.OUT_OF_BOUNDS
        marks[np.isnan(value)] = Fault.GAP
        if readings.online is not None:
            marks[~readings.online] = Fault.OFFLINE
        return marks.astype(np.int64)


def _findings(out: FloatArray, samples: Samples, step_s: int) -> Findings:
    """Return every fault in the order of samples; of one sample, what concerns older slots first."""
    columns = (k.OUT_STEP, k.OUT_MISSING, k.OUT_FLAT, k.OUT_FATE, k.OUT_HELD_STEP, k.OUT_PLACED, k.OUT_FAULT)
    step, skipped, run, fate, held, placed, fault = out[:, columns].astype(np.int64).T
    one, given = np.ones_like(step), samples.value
    blocks = (
        (skipped > 0, Fault.GAP * one, step - skipped, skipped, np.full(len(out), np.nan)),
        (fate == k.REFUSED, Fault.SPIKE * one, held, one, out[:, k.OUT_HELD]),
        (run >= 0, Fault.FLATLINE * one, run, step - run, given),
        (placed > 0, placed, step, one, given),
        (fault > 0, fault, step, one, given),
    )
    place = np.concatenate([np.flatnonzero(block[0]) for block in blocks])
    order = np.argsort(place, kind="stable")
    kinds, first, n_slots, values = (
        np.concatenate([block[c][block[0]] for block in blocks])[order] for c in (1, 2, 3, 4)
    )
    return Findings(step_s, kinds, samples.row[place[order]], first, n_slots, frozen(values))


def _passed_on(out: FloatArray, row: IntArray, step_s: int) -> Samples:
    """Return the samples that leave the cleaner, the last of each series and slot only."""
    passed = np.flatnonzero(out[:, k.OUT_PASSED] > 0)
    settled = np.flatnonzero(out[:, k.OUT_FATE] > 0)
    taken_back = np.flatnonzero(out[:, k.OUT_FLAT] >= 0)
    runs = [np.arange(int(out[i, k.OUT_FLAT]), int(out[i, k.OUT_STEP])) for i in taken_back]
    released = out[settled, k.OUT_FATE] == k.RELEASED
    of = np.concatenate([settled, np.repeat(taken_back, [run.size for run in runs]).astype(np.int64), passed])
    step = np.concatenate([out[settled, k.OUT_HELD_STEP], *runs, out[passed, k.OUT_STEP]]).astype(np.int64)
    held = np.where(released, out[settled, k.OUT_HELD], np.nan)
    n_back = sum(run.size for run in runs)
    value = np.concatenate([held, np.full(n_back, np.nan), out[passed, k.OUT_VALUE]])
    curtailed = np.zeros(of.size, dtype=bool)
    curtailed[of.size - passed.size :] = out[passed, k.OUT_FAULT] == k.CURTAILED
    order = np.argsort(of, kind="stable")
    _, last = np.unique(np.stack((row[of], step))[:, order][:, ::-1], axis=1, return_index=True)
    keep = np.sort(order[order.size - 1 - last]) if order.size else order
    keep = keep[np.argsort(of[keep], kind="stable")]
    marks = curtailed[keep] if curtailed[keep].any() else None
    return Samples(step[keep] * step_s, row[of[keep]], frozen(value[keep]), marks)
