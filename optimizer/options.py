"""How careful a plan is, and how long it may take."""

from dataclasses import dataclass


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
        The solver is stopped after this time and dispatch answers [s].
    early_per_kwh : float
        What delivering one day earlier is worth [currency/kWh]; breaks ties, buys nothing.
    ready_before_h : float
        How long before that departure the energy must be in the car, or halfway to it where that is later [h]:
        care for what no plan knows, the taper of batteries above all.
    """

    load_quantile: float = 0.9
    departure_quantile: float = 0.5
    deadline_s: float = 5.0
    early_per_kwh: float = 1e-3
    ready_before_h: float = 0.0
