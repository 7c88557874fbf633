"""What came of a closed loop: energy against need, peak, cost, exceedances, switches, decision times."""

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from models.arrays import FloatArray, frozen
from models.prices import EnergyTariff
from models.timegrid import TimeGrid

MET_SHARE = 0.99
"""From this share of its need on a session counts as fully met: the last percent is the battery's taper."""


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """What one car needed and got.

    Parameters
    ----------
    session_id, evse_id : str
    arrival, departure : datetime
        When it really came and left.
    need_kwh, delivered_kwh : float
    n_switches : int
        How often its pilot went from 0 to a current or back while it wanted energy, the first start included.
    """

    session_id: str
    evse_id: str
    arrival: datetime
    departure: datetime
    need_kwh: float
    delivered_kwh: float
    n_switches: int


@dataclass(frozen=True, slots=True)
class Exceedance:
    """A node's meter that showed more than a limit of the node.

    Parameters
    ----------
    node_id, quantity : str
        ``quantity`` is ``kW``, ``L1``, ``L2`` or ``L3``.
    seconds : float
        How long in all [s].
    worst : float
        Greatest excess of a metered mean, in kW or A as ``quantity`` says.
    at : datetime
        When that was.
    source : str
        Who set the limit: ``rating`` for the node's own, else the source of a signal.
    longest_s : float
        Longest time without a break [s].
    is_beyond_margin : bool
        Whether it was longer than the node's fuse holds for sure, or than a signal leaves time to follow.
    """

    node_id: str
    quantity: str
    seconds: float
    worst: float
    at: datetime
    source: str = "rating"
    longest_s: float = 0.0
    is_beyond_margin: bool = False


@dataclass(frozen=True, slots=True)
class LoopResult:
    """One policy in one world.

    Parameters
    ----------
    policy : str
    sessions : tuple of SessionOutcome
        In the order of their departures.
    grid : TimeGrid
        From the first arrival to the last departure.
    power_kw : (n_slots,) float64
        Mean power of the site as metered [kW].
    tariff : EnergyTariff
        What the site pays on ``grid``.
    exceedances : tuple of Exceedance
    decision_s : (n_decisions,) float64
        What each decision of the policy took [s].
    fast_s : (n_fast,) float64
        What each decision of the fast clock took of the processor [s]: on a shared one the wall's time says
        more of others; empty without one.
    n_told : int
        How many pilots were sent.
    """

    policy: str
    sessions: tuple[SessionOutcome, ...]
    grid: TimeGrid
    power_kw: FloatArray
    tariff: EnergyTariff
    exceedances: tuple[Exceedance, ...]
    decision_s: FloatArray
    fast_s: FloatArray = field(default_factory=lambda: frozen([]))
    n_told: int = 0

    @property
    def need_kwh(self) -> float:
        """Energy that all cars together needed [kWh]."""
        return sum(session.need_kwh for session in self.sessions)

    @property
    def delivered_kwh(self) -> float:
        """Energy that all cars together got [kWh]."""
        return sum(session.delivered_kwh for session in self.sessions)

    @property
    def met_share(self) -> float:
        """Part of the needed energy that was delivered; 1 where nothing was needed."""
        return self.delivered_kwh / self.need_kwh if self.need_kwh > 0 else 1.0

    @property
    def fully_met_share(self) -> float:
        """Part of the sessions that got what they needed, to :data:`MET_SHARE`; 1 where there are none."""
        met = [session.delivered_kwh >= MET_SHARE * session.need_kwh for session in self.sessions]
        return sum(met) / len(met) if met else 1.0

    @property
    def peak_kw(self) -> float:
        """Greatest mean power of a slot [kW]."""
        return float(self.power_kw.max(initial=0.0))

    @property
    def energy_cost(self) -> float:
        """Cost of the energy, without the demand charge [currency]."""
        return float(self.power_kw @ self.tariff.import_per_kwh) * self.grid.step_h

    @property
    def demand_cost(self) -> float:
        """Demand charge of one billing period [currency]."""
        return self.tariff.demand_charge_per_kw * self.peak_kw

    @property
    def switches_per_session(self) -> float:
        """Mean number of switches of a session."""
        if not self.sessions:
            return 0.0
        return sum(session.n_switches for session in self.sessions) / len(self.sessions)

    def decision_ms(self, level: float) -> float:
        """Return a quantile of the decision times [ms]; 0 where nothing was decided."""
        return 1e3 * float(np.quantile(self.decision_s, level)) if self.decision_s.size else 0.0

    def fast_ms(self, level: float) -> float:
        """Return a quantile of the fast clock's decision times [ms]; 0 where it decided nothing."""
        return 1e3 * float(np.quantile(self.fast_s, level)) if self.fast_s.size else 0.0
