"""A plan: the schedule, and all that it says about itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from models.arrays import FloatArray
from models.prices import PriceSchedule
from models.schedule import Schedule
from optimizer.solver.outcome import SolveReport


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
