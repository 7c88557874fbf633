"""One run of ACN-Sim: an algorithm, a network, the cars; and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from benchmarks.peers.acn.networks import Network
from benchmarks.peers.acn.options import Batteries, Inputs
from benchmarks.peers.acn.portal import Foreign, portal, quiet
from benchmarks.peers.acn.sessions import PERIOD_H, PERIOD_MIN, Stay, events_of
from models.arrays import FloatArray, frozen

MET_KWH: Final = 0.1
"""A session short of less than this is fully met, as acnportal counts it [kWh]."""


@dataclass(frozen=True, slots=True)
class Case:
    """What every algorithm is given.

    Parameters
    ----------
    network : Network
    stays : tuple of Stay
    start : datetime
        Of the first period, in the site's own time zone.
    inputs : Inputs
    batteries : Batteries
    """

    network: Network
    stays: tuple[Stay, ...]
    start: datetime
    inputs: Inputs
    batteries: Batteries

    @property
    def n_periods(self) -> int:
        """Periods until the last car has left."""
        return max((stay.departure for stay in self.stays), default=0)

    @property
    def need_kwh(self) -> float:
        """Energy that all cars together really need [kWh]."""
        return sum(stay.need_kwh for stay in self.stays)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an algorithm did; E EVSEs, T periods.

    Parameters
    ----------
    case : Case
    policy : str
    pilot_a, current_a : (E, T) float64
        What EVSEs were told, and what cars drew [A].
    decision_s : (n_decisions,) float64
        Time of each decision in which a car was there [s].
    """

    case: Case
    policy: str
    pilot_a: FloatArray
    current_a: FloatArray
    decision_s: FloatArray

    @property
    def delivered_kwh(self) -> FloatArray:
        """Energy of each session in the order of the case, shape (n_stays,) [kWh]."""
        return frozen([taken_kwh[-1] if taken_kwh.size else 0.0 for taken_kwh in self._taken_kwh()])

    @property
    def met_share(self) -> float:
        """Part of the energy really needed that was delivered."""
        return float(self.delivered_kwh.sum()) / max(self.case.need_kwh, 1e-9)

    @property
    def fully_met_share(self) -> float:
        """Part of the sessions that are short of less than :data:`MET_KWH`."""
        needs_kwh = np.array([stay.need_kwh for stay in self.case.stays])
        return float(np.mean(self.delivered_kwh > needs_kwh - MET_KWH)) if needs_kwh.size else 1.0

    @property
    def switches_per_session(self) -> float:
        """How often a pilot went on or off while its car was not fully met, the first start included, on average."""
        counts = []
        for stay, taken_kwh in zip(self.case.stays, self._taken_kwh(), strict=True):
            before_kwh = np.concatenate([[0.0], taken_kwh[:-1]])
            n_wanting = int(np.searchsorted(before_kwh, stay.need_kwh - MET_KWH))
            told = self._row(self.pilot_a, stay)[: max(n_wanting, 1)] > 0
            counts.append(np.count_nonzero(np.diff(told, prepend=False)))
        return float(np.mean(counts)) if counts else 0.0

    @property
    def power_kw(self) -> FloatArray:
        """Power of all cars together, shape (T,) [kW]."""
        return frozen(self.current_a.sum(axis=0) * self.case.network.wires.kw_per_a)

    @property
    def over_a_min(self) -> float:
        """How much and how long limits were exceeded, by what was told or drawn, whichever is worse [A min]."""
        wires = self.case.network.wires
        told, drawn = (wires.excess_a(amperes).sum() for amperes in (self.pilot_a, self.current_a))
        return float(max(told, drawn)) * PERIOD_MIN

    def decision_ms(self, level: float) -> float:
        """Return a quantile of the decision times [ms]; 0 where nothing was decided."""
        return 1e3 * float(np.quantile(self.decision_s, level)) if self.decision_s.size else 0.0

    def _taken_kwh(self) -> list[FloatArray]:
        """Energy of each session by the end of each of its periods [kWh]."""
        kwh_per_a = self.case.network.wires.kw_per_a * PERIOD_H
        return [np.cumsum(self._row(self.current_a, stay)) * kwh_per_a for stay in self.case.stays]

    def _row(self, amperes: FloatArray, stay: Stay) -> FloatArray:
        row = self.case.network.wires.station_ids.index(stay.station_id)
        return np.asarray(amperes[row, stay.arrival : stay.departure], dtype=np.float64)


def simulate(case: Case, policy: str, algorithm: Foreign) -> Outcome:
    """Run ACN-Sim to the end of the last session; a decision every 5 minutes."""
    acnsim = portal().acnsim
    events = events_of(case.stays, case.start, case.inputs, case.batteries)
    with quiet():
        simulator = acnsim.Simulator(
            case.network.build(), algorithm, events, case.start, PERIOD_MIN, verbose=False
        )
        simulator.run()
    n_periods = case.n_periods
    return Outcome(
        case,
        policy,
        _first(simulator.pilot_signals, n_periods),
        _first(simulator.charging_rates, n_periods),
        frozen([one["solve_time"] for one in algorithm.solve_stats if one["active_sessions"]]),
    )


def _first(amperes: FloatArray, n_periods: int) -> FloatArray:
    """Return the first columns, without the pilots of EVSEs that are told nothing any more."""
    return frozen(np.asarray(amperes, dtype=np.float64)[:, :n_periods])
