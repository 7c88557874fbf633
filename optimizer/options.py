"""How careful a plan is, and how long it may take."""

from dataclasses import dataclass
from enum import StrEnum


class Fairness(StrEnum):
    """How a shortfall that must be is spread over sessions of one tier and priority."""

    PROPORTIONAL = "proportional"
    """Everybody stays short of the same share of what is still needed."""
    LAXITY = "laxity"
    """Everybody stays short of the same time at full power: the least laxity is as large as it can be."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of the operator that a plan is made with.

    Parameters
    ----------
    load_quantile : float
        Uncontrolled load is planned at this quantile.
    departure_quantile : float
        Energy must be in the car by this quantile of its departure; lower is more careful.
    deadline_s : float
        A call is answered by then [s]: what the solver has not finished is cut short, and dispatch answers
        where it has nothing.
    early_per_kwh : float
        What delivering one day earlier is worth [currency/kWh]; breaks ties, buys nothing.
    calm_per_switch : float
        What it is worth to switch a car off or on once less, beside what the tariff says of it [currency].
    search_s : float
        How long real pilots are made better after rounding, within the deadline [s]; 0: not at all.
    ready_before_h : float
        How long before that departure the energy must be in the car, or halfway to it where that is later [h]:
        care for what no plan knows, the taper of batteries above all.
    promise_quantile : float
        What drivers are promised is in the car by this quantile of its departure.
    hedge_quantiles : tuple of float
        Earlier quantiles of the departure by which minimum and target are wanted too, as the car may be gone then.
    hedge_weight : float
        What target energy is worth by each of them, as a part of its price; 0: only the minimum is hedged.
    floor_share : float
        Where priorities differ, the part of a session's target that no higher priority takes away. Twenty cars of
        priorities 1 and 4 at a limit for 30 % of their energy: without it the low ones got 3 % and the high ones
        91 %, with 0.2 it was 20 and 71 %; at a limit for half of the energy or more it changed nothing.
    fairness : Fairness
    """

    load_quantile: float = 0.9
    departure_quantile: float = 0.5
    deadline_s: float = 2.0
    early_per_kwh: float = 1e-3
    calm_per_switch: float = 5e-3
    search_s: float = 0.5
    ready_before_h: float = 0.0
    promise_quantile: float = 0.1
    hedge_quantiles: tuple[float, ...] = ()
    hedge_weight: float = 0.2
    floor_share: float = 0.2
    fairness: Fairness = Fairness.PROPORTIONAL
