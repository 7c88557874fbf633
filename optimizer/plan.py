"""A plan: the schedule, and all that it says about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from models.arrays import FloatArray
from models.flexibility import Sold
from models.prices import PriceSchedule, SlotPrice
from models.schedule import Schedule
from optimizer.giving import Giving, giving_of
from optimizer.promises import Promise
from optimizer.reasons import Reason, reasons_of
from optimizer.solver.outcome import SolveReport

if TYPE_CHECKING:  # both bring Pyomo, which takes a second to import
    from optimizer.problem import Problem
    from optimizer.scheduling.extract import PlannedPower


class UnmetReason(StrEnum):
    """Why a session does not get all of its energy."""

    TIME = "time"
    """At full power it would not fit between now and the departure."""
    LIMIT = "limit"
    """A limit of a circuit node or of the site leaves too little."""
    STEPS = "steps"
    """The plan fits, but pilots of 0 or at least the minimum cannot follow it."""
    HORIZON = "horizon"
    """The car stays beyond the horizon; the rest is planned later."""


@dataclass(frozen=True, slots=True)
class UnmetEnergy:
    """Energy that a session is not going to get by its departure [kWh], and why."""

    session_id: str
    evse_id: str
    minimum_kwh: float
    target_kwh: float
    reason: UnmetReason
    detail: str


@dataclass(frozen=True, slots=True)
class BindingLimit:
    """A limit that costs something: what one more kWh through it would be worth.

    Parameters
    ----------
    node_id, quantity, source : str
        ``quantity`` is ``kW``, ``L1``, ``L2`` or ``L3``; ``source`` who set the limit.
    slots : tuple of int
        Slots of the horizon in which it binds.
    shadow_price_per_kwh : tuple of float
        One per slot [currency/kWh].
    """

    node_id: str
    quantity: str
    source: str
    slots: tuple[int, ...]
    shadow_price_per_kwh: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PlanBasis:
    """What a plan was made from: the problem, its optimum before rounding, and the prices of its objective.

    ``bound`` is the optimum's objective; ``cost_per_kwh`` (E, T) what a kWh costs in it in every cell,
    ``band_widths_kwh`` and ``band_per_kwh`` (E, S, B) how shortfall is priced.
    """

    problem: "Problem"
    planned: "PlannedPower"
    bound: float
    cost_per_kwh: FloatArray
    band_widths_kwh: FloatArray
    band_per_kwh: FloatArray


@dataclass(frozen=True, slots=True)
class SlotReason:
    """Why a slot is as dear as it is.

    Parameters
    ----------
    slot : int
    price : SlotPrice
        What drivers pay, by part.
    marginal_per_kwh : float
        What one more kWh at the site's root would cost [currency/kWh].
    binding : tuple of BindingLimit
    charging : tuple of str
        EVSEs whose pilot is on.
    """

    slot: int
    price: SlotPrice
    marginal_per_kwh: float
    binding: tuple[BindingLimit, ...]
    charging: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine decided for one site.

    Parameters
    ----------
    schedule : Schedule
        Checked against every limit after rounding.
    planned_kw : (n_evses, n_slots) float64
        Power before rounding to pilots [kW].
    load_kw : (n_slots,) float64
        Uncontrolled load that was planned with, whole site [kW].
    limit_kw : (n_slots,) float64
        Greatest power at the site's root, from all sources, kW and amperes; inf where there is none [kW].
    unmet, binding : tuples
    marginal_per_kwh : (n_slots,) float64
        Energy price plus what the site's limits add to it [currency/kWh].
    notes : tuple of str
        What the reader must know: limits below the load, missing forecasts, fall-backs.
    session_kwh : mapping of str to float
        Energy that the schedule gives to each session [kWh].
    promises : tuple of Promise
        Energy that the driver of each car that is plugged in may be shown as guaranteed.
    sold : tuple of Sold
        What of flexibility it sells.
    basis : PlanBasis or None
        What it was made from, for explanations; None where there is no optimum.
    """

    site_id: str
    made_at: datetime
    schedule: Schedule
    planned_kw: FloatArray
    load_kw: FloatArray
    limit_kw: FloatArray
    unmet: tuple[UnmetEnergy, ...]
    binding: tuple[BindingLimit, ...]
    marginal_per_kwh: FloatArray
    prices: PriceSchedule
    report: SolveReport
    notes: tuple[str, ...] = ()
    session_kwh: Mapping[str, float] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    sold: tuple[Sold, ...] = ()
    basis: PlanBasis | None = None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why every session charges when it does; computed when asked for."""
        return () if self.basis is None else reasons_of(self.basis.problem, self.basis.planned)

    @property
    def giving(self) -> tuple[Giving, ...]:
        """Why sessions give back; computed when asked for."""
        basis = self.basis
        return () if basis is None else giving_of(basis.problem, basis.planned, self.schedule)

    def why(self, session_id: str) -> Reason:
        """Return why a session charges when it does.

        Raises
        ------
        KeyError
            The plan knows of no such session, or was made without an optimum.
        """
        for reason in self.reasons:
            if reason.session_id == session_id:
                return reason
        raise KeyError(session_id)

    def why_slot(self, slot: int) -> SlotReason:
        """Return what a kWh costs in a slot, by part, and what binds there.

        Raises
        ------
        IndexError
            There is no such slot.
        """
        if not 0 <= slot < self.schedule.grid.n_slots:
            raise IndexError(slot)
        charging = self.schedule.pilot_a[:, slot] > 0
        return SlotReason(
            slot=slot,
            price=self.prices.slots[slot],
            marginal_per_kwh=float(self.marginal_per_kwh[slot]),
            binding=tuple(limit for limit in self.binding if slot in limit.slots),
            charging=tuple(
                evse_id for evse_id, is_on in zip(self.schedule.evse_ids, charging, strict=True) if is_on
            ),
        )
