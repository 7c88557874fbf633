"""How peaks are metered: the mean import of windows that begin at whole multiples of their length."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolBySlot, FloatArray, FloatBySlot, frozen, read_only
from models.prices import PeakCharge
from models.state import SiteState
from models.timegrid import TimeGrid
from models.units import SECONDS_PER_HOUR

DEMAND = -1
"""Number of the charge on the greatest mean power of a slot; the others are numbered as in the tariff."""


@dataclass(frozen=True, slots=True)
class PeakMeter:
    """One charge on peaks over T slots.

    Parameters
    ----------
    number : int
        Place among the tariff's charges, or :data:`DEMAND`.
    per_kw : float
        Price of the peak [currency/kW].
    floor_kw : float
        Peak that is billed, or expected to be, anyway [kW].
    is_joined : bool
        Whether a window is made of several slots.
    part : (T,) float64
        What a kW of import in the slot adds to the mean of its window.
    goes_on : (T,) bool
        Whether the slot belongs to the window of the slot before.
    given_kw : (T,) float64
        What a window that begins has imported already, as a part of its mean [kW].
    counts : (T,) bool
        Whether the window of the slot is billed.
    """

    number: int
    per_kw: float
    floor_kw: float
    is_joined: bool
    part: FloatBySlot
    goes_on: BoolBySlot
    given_kw: FloatBySlot
    counts: BoolBySlot

    def mean_kw(self, import_kw: FloatArray) -> FloatArray:
        """Return the mean of each window up to every slot, shape (T,) [kW]; at its last slot that of the window."""
        out, mean = np.empty_like(import_kw), 0.0
        for t, added in enumerate((self.given_kw + self.part * import_kw).tolist()):
            mean = added + (mean if self.goes_on[t] else 0.0)
            out[t] = mean
        return frozen(out)

    def reached_kw(self, site_kw: FloatArray) -> float:
        """Return the peak that is billed if the site draws ``site_kw``, shape (T,) [kW]."""
        mean_kw = self.mean_kw(np.maximum(site_kw, 0.0))
        return max(float(mean_kw.max(initial=0.0, where=self.counts)), self.floor_kw)


def peak_meters(state: SiteState) -> tuple[PeakMeter, ...]:
    """Return the meters of all charges on peaks that cost anything."""
    grid, tariff = state.grid, state.tariff
    left_h = grid.overlap_h(state.now, grid.end)
    found = [
        _meter(number, charge, grid, left_h)
        for number, charge in enumerate(tariff.peaks)
        if charge.per_kw > 0
    ]
    if tariff.demand_charge_per_kw > 0:
        by_slot = PeakCharge(tariff.demand_charge_per_kw, grid.step_s, state.billing_peak_kw)
        found.append(_meter(DEMAND, by_slot, grid, left_h))
    return tuple(found)


def _meter(number: int, charge: PeakCharge, grid: TimeGrid, left_h: FloatArray) -> PeakMeter:
    """Return the meter of one charge.

    A window that reaches beyond the horizon, or of which nobody knows what it has imported so far, counts with
    the mean of what is planned of it.
    """
    window_s = max(charge.window_s, grid.step_s)  # within a slot power is constant
    window = grid.steps * grid.step_s // window_s
    here_h = np.bincount(window - window[0], left_h)[window - window[0]]
    given_kw = np.zeros(grid.n_slots)
    if charge.window_kwh > 0 and window_s == charge.window_s:
        is_first = window == window[0]
        passed_h = (grid.first_step * grid.step_s % window_s) / SECONDS_PER_HOUR + grid.step_h - left_h[0]
        here_h = here_h + np.where(is_first, passed_h, 0.0)
        given_kw[0] = charge.window_kwh / here_h[0]
    goes_on = np.append(False, window[1:] == window[:-1])
    counts = np.ones(grid.n_slots, dtype=np.bool_)
    if charge.applies is not None:
        counts = np.bincount(window - window[0], charge.applies)[window - window[0]] > 0
    return PeakMeter(
        number=number,
        per_kw=charge.per_kw,
        floor_kw=max(charge.so_far_kw, charge.expected_kw),
        is_joined=window_s > grid.step_s,
        part=frozen(np.divide(left_h, here_h, out=np.zeros(grid.n_slots), where=here_h > 0)),
        goes_on=read_only(goes_on),
        given_kw=frozen(given_kw),
        counts=read_only(counts),
    )
