"""The peak that a billing period is expected to need: what no plan of one day can save, and should not try to.

A demand charge is billed once a month, a plan sees a day. A plan that shaves today's peak below what
next week needs anyway saves nothing and makes cars late. So the days that are still to come are taken to be like
those of four weeks ago, and the least peak is found with which all their energy can be given in time.
"""

import heapq
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from models.arrays import FloatArray, IntArray, read_only
from models.grid.site import Site
from models.prices import EnergyTariff
from models.sessions import ChargingSession
from models.timegrid import TimeGrid
from models.units import W_PER_KW
from optimizer.rows import evse_phasors

PRECISION_KW: Final = 0.05
"""How closely the peak is found [kW]."""

SERVED: Final = 1.0 - 1e-6
"""Part of the energy that can be given at all from which on a peak is enough."""


class Stays(NamedTuple):
    """N stays of cars over the slots of a period: ``begin`` and ``end`` (half-open), energy, and what they can take.

    ``need_kwh`` and ``most_kwh`` (by slot) are (N,) [kWh].
    """

    begin: IntArray
    end: IntArray
    need_kwh: FloatArray
    most_kwh: FloatArray


def stays_of(sessions: Sequence[ChargingSession], site: Site, grid: TimeGrid) -> Stays:
    """Return the stays of sessions that lie in a period, each with all of its energy.

    Parameters
    ----------
    sessions : sequence of ChargingSession
        With what they really took, or are expected to.
    site : Site
    grid : TimeGrid
        The period in slots.
    """
    evses = {evse.evse_id: evse for evse in site.evses}
    found = []
    for session in sessions:
        begin = grid.slot_at(session.arrival)
        end = grid.slot_at(session.departure.median)
        if begin >= 0 and end <= grid.n_slots and session.remaining_kwh > 0:
            evse = evses[session.evse_id]
            full_a = min(evse.levels_a[-1], session.max_current_a or np.inf)
            phasors = evse_phasors(evse, session.n_phases)
            full_kw = full_a * float(phasors.real.sum()) * site.voltage_v / W_PER_KW
            full_kw = min(full_kw, session.max_power_kw or np.inf)
            found.append((begin, max(end, begin + 1), session.remaining_kwh, full_kw * grid.step_h))
    table = np.array(found).reshape(-1, 4)
    order = np.argsort(table[:, 0], kind="stable")
    begin, end, need_kwh, most_kwh = table[order].T
    return Stays(
        begin.astype(np.int64), end.astype(np.int64), read_only(need_kwh.copy()), read_only(most_kwh.copy())
    )


def least_peak_kw(stays: Stays, load_kw: FloatArray, step_h: float) -> float:
    """Return the least site power with which as much of all energy is given as can be [kW].

    Earliest departure first, which is best while cars take any power; so it errs a little upwards.

    Parameters
    ----------
    stays : Stays
    load_kw : (T,) float64
        What the site draws beside cars in the slots of the period [kW].
    step_h : float
        Length of a slot [h].
    """
    low_kw = float(load_kw.max(initial=0.0))
    if not stays.begin.size:
        return low_kw
    most_kw = low_kw + float(stays.most_kwh.sum()) / step_h
    enough_kwh = SERVED * _served_kwh(stays, load_kw, step_h, most_kw)
    if _served_kwh(stays, load_kw, step_h, low_kw) >= enough_kwh:
        return low_kw
    while most_kw - low_kw > PRECISION_KW:
        middle_kw = (low_kw + most_kw) / 2.0
        if _served_kwh(stays, load_kw, step_h, middle_kw) >= enough_kwh:
            most_kw = middle_kw
        else:
            low_kw = middle_kw
    return most_kw


def with_expected_peak(tariff: EnergyTariff, peak_kw: float) -> EnergyTariff:
    """Return a tariff whose charges on peaks expect at least a peak [kW]."""
    peaks = tuple(replace(charge, expected_kw=max(charge.expected_kw, peak_kw)) for charge in tariff.peaks)
    return replace(tariff, peaks=peaks)


def _served_kwh(stays: Stays, load_kw: FloatArray, step_h: float, peak_kw: float) -> float:
    """Return the energy that is given in time below a peak, earliest departure first [kWh]."""
    room_kwh = np.maximum(peak_kw - load_kw, 0.0) * step_h
    left_kwh = stays.need_kwh.tolist()
    ends, most_kwh = stays.end.tolist(), stays.most_kwh.tolist()
    first = np.searchsorted(stays.begin, np.arange(load_kw.size + 1)).tolist()
    here: list[tuple[int, int]] = []
    for t, slot_kwh in enumerate(room_kwh.tolist()):
        free_kwh = slot_kwh
        for stay in range(first[t], first[t + 1]):
            heapq.heappush(here, (ends[stay], stay))
        while here and here[0][0] <= t:
            heapq.heappop(here)
        waiting = []
        while here and free_kwh > 0.0:
            end, stay = heapq.heappop(here)
            given_kwh = min(left_kwh[stay], most_kwh[stay], free_kwh)
            left_kwh[stay] -= given_kwh
            free_kwh -= given_kwh
            if left_kwh[stay] > 0.0:
                waiting.append((end, stay))
        for one in waiting:
            heapq.heappush(here, one)
    return float(stays.need_kwh.sum() - sum(left_kwh))
