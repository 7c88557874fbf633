"""Energy registers as mean power: differences of readings, with resets and roll-overs found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray, frozen
from models.forecasting.cleaning.findings import Findings
from models.forecasting.cleaning.readings import Readings
from models.forecasting.forecaster import Samples
from models.jit import kernel

# Codes of ``findings.Fault``; plain numbers, which a kernel takes as constants.
_TOO_LATE, _RESET, _ROLLOVER = 5, 14, 15
_SLACK = 10


@kernel
def register_kernel(
    samples: tuple[IntArray, IntArray, FloatArray], last: FloatArray, step_s: int, out: FloatArray
) -> None:
    """Turn readings of energy registers into mean power, in the order in which they come; in place.

    A reading closes the interval since the one before. Where that is no single slot its energy is known and its
    course is not: it stays a gap. A register that falls was reset, which makes a gap too; unless it was within the
    last tenth below a power of ten and is within the first tenth now: then it rolled over, and counts on.

    Parameters
    ----------
    samples : tuple of (n,) arrays
        Time [s since the epoch], row, and reading [kWh]; NaN where there is none.
    last : (n_series, 2) float64
        Time and reading of the newest sample of each series, NaN where there is none; changed.
    step_s : int
        Length of a slot [s].
    out : (n, 3) float64
        Slot, mean power [kW] (NaN where it is not known), and fault; changed.
    """
    for i in range(samples[0].size):
        time_s, row, reading = samples[0][i], samples[1][i], samples[2][i]
        before_s, before = last[row, 0], last[row, 1]
        out[i, 0], out[i, 1], out[i, 2] = time_s // step_s, np.nan, 0.0
        if np.isnan(reading):
            continue
        if time_s <= before_s:
            out[i, 2] = _TOO_LATE
            continue
        last[row, 0], last[row, 1] = time_s, reading
        if np.isnan(before):
            continue
        out[i, 0] = (before_s + step_s // _SLACK) // step_s
        taken = reading - before
        if taken < 0.0:
            out[i, 2] = _RESET
            top = 10.0 ** np.ceil(np.log10(max(before, 1.0)))
            if before < 0.9 * top or reading > 0.1 * top:
                continue
            taken += top
            out[i, 2] = _ROLLOVER
        if abs(time_s - before_s - step_s) <= step_s // _SLACK:
            out[i, 1] = taken / (time_s - before_s) * 3600.0


@dataclass(frozen=True, slots=True)
class Metered:
    """Readings of registers as mean power, and what was wrong with them."""

    readings: Readings
    findings: Findings


class Registers:
    """Energy registers of several series; what is remembered is their last reading.

    Parameters
    ----------
    n_series : int
    step_s : int
        Time between readings [s].
    """

    def __init__(self, n_series: int, step_s: int) -> None:
        self._step_s = step_s
        self._last = np.full((n_series, 2), np.nan)

    def metered(self, readings: Readings) -> Metered:
        """Return the mean power between readings [kW], in the slots in which the intervals begin.

        What is known of a reading beside its value holds for the interval that it closes.
        """
        samples = readings.samples
        out = np.zeros((samples.time_s.size, 3))
        register_kernel((samples.time_s, samples.row, samples.value), self._last, self._step_s, out)
        step, fault = out[:, 0].astype(np.int64), out[:, 2].astype(np.int64)
        told = np.flatnonzero(fault)
        findings = Findings(
            self._step_s,
            fault[told],
            samples.row[told],
            step[told],
            np.ones(told.size, dtype=np.int64),
            frozen(samples.value[told]),
        )
        return Metered(_with_power(readings, step * self._step_s, out[:, 1]), findings)


def _with_power(readings: Readings, time_s: IntArray, power_kw: FloatArray) -> Readings:
    known: Sequence[int] | IntArray = np.flatnonzero(~np.isnan(power_kw))
    kept = readings.at(np.asarray(known, dtype=np.int64))
    samples = Samples(time_s[known], kept.samples.row, frozen(power_kw[known]), kept.samples.curtailed)
    return Readings(samples, kept.online, kept.limit)
