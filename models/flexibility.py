"""Flexibility that is sold: a band kept in reserve, or a reduction that was called."""

from dataclasses import dataclass
from enum import StrEnum

from models.arrays import FloatArray, FloatBySlot


class Direction(StrEnum):
    """Which way the site's power must be able to move."""

    DOWN = "down"
    """Draw less, or feed back more."""
    UP = "up"
    """Draw more."""


@dataclass(frozen=True, slots=True)
class ReserveProduct:
    """A band that is kept free and paid for by the kW and hour.

    Parameters
    ----------
    product_id : str
    direction : Direction
        Bands upwards are taken as input, but no plan sells them.
    most_kw : (n_slots,) float64
        Greatest band that is bought in each slot [kW]; 0 where none is.
    pays_per_kw_h : float
        Payment [currency/(kW h)].
    """

    product_id: str
    direction: Direction
    most_kw: FloatBySlot
    pays_per_kw_h: float


@dataclass(frozen=True, slots=True)
class CalledReduction:
    """A reduction that was called: below a baseline, each kWh is paid, up to what was called.

    What the site draws above ``baseline_kw - called_kw`` is missing, above the baseline too: of that the payment is
    lost and the penalty is due.

    Parameters
    ----------
    product_id : str
    baseline_kw : (n_slots,) float64
        Site power without the call [kW].
    called_kw : (n_slots,) float64
        Called reduction [kW]; 0 where none was.
    pays_per_kwh : float
        Payment for what is delivered [currency/kWh].
    penalty_per_kwh : float
        Price of what is missing [currency/kWh].
    """

    product_id: str
    baseline_kw: FloatBySlot
    called_kw: FloatBySlot
    pays_per_kwh: float
    penalty_per_kwh: float = 0.0


@dataclass(frozen=True, slots=True)
class Flexibility:
    """All that a site sells in a horizon."""

    reserves: tuple[ReserveProduct, ...] = ()
    calls: tuple[CalledReduction, ...] = ()


@dataclass(frozen=True, slots=True)
class Sold:
    """What a plan sells of one product.

    Parameters
    ----------
    product_id : str
    power_kw : (n_slots,) float64
        Band that is kept free, or reduction below the baseline that is delivered of a call [kW].
    """

    product_id: str
    power_kw: FloatArray
