"""Retail prices by slot: energy + network + scarcity + margin, inside guard rails, every part visible."""

from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

import numpy as np

from models.arrays import FloatArray, frozen
from models.prices import EnergyTariff, PriceSchedule, SlotPrice
from models.timegrid import TimeGrid

QUANTUM = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class PricingRules:
    """Choices of the pricing team.

    Parameters
    ----------
    margin_per_kwh : Decimal
        Added to every slot [currency/kWh].
    max_scarcity_per_kwh : Decimal
        Most that scarcity may add in a slot [currency/kWh]; shadow prices explain, they are never posted
        as they are.
    smoothing_h : float
        Width over which scarcity is averaged, so that a price does not jump with one slot [h].
    floor_per_kwh, ceiling_per_kwh : Decimal
        Guard rails of the shown price [currency/kWh].

    Raises
    ------
    ValueError
        The floor is above the ceiling.
    """

    margin_per_kwh: Decimal = Decimal("0.0500")
    max_scarcity_per_kwh: Decimal = Decimal("0.2000")
    smoothing_h: float = 1.0
    floor_per_kwh: Decimal = Decimal("0.0000")
    ceiling_per_kwh: Decimal = Decimal("0.9900")

    def __post_init__(self) -> None:
        if self.floor_per_kwh > self.ceiling_per_kwh:
            raise ValueError(f"the floor {self.floor_per_kwh} is above the ceiling {self.ceiling_per_kwh}")


def retail_prices(
    grid: TimeGrid, tariff: EnergyTariff, shadow_per_kwh: FloatArray, rules: PricingRules
) -> PriceSchedule:
    """Return the price of every slot.

    Parameters
    ----------
    shadow_per_kwh : (n_slots,) float64
        What the plan's binding limits add to the worth of one more kWh [currency/kWh].
    """
    scarcity = smoothed_scarcity(shadow_per_kwh, grid, rules)
    slots = tuple(
        _slot_price(tariff.energy_per_kwh[t], tariff.network_per_kwh[t], scarcity[t], rules)
        for t in range(grid.n_slots)
    )
    return PriceSchedule(grid, tariff.currency, slots)


def smoothed_scarcity(shadow_per_kwh: FloatArray, grid: TimeGrid, rules: PricingRules) -> FloatArray:
    """Return capped shadow prices averaged over ``smoothing_h``, shape (n_slots,), within [0, cap].

    Near the ends the average is over the slots that exist.
    """
    capped = np.clip(shadow_per_kwh, 0.0, float(rules.max_scarcity_per_kwh))
    width = min(max(round(rules.smoothing_h / grid.step_h), 1), grid.n_slots)
    window = np.ones(width)
    return frozen(np.convolve(capped, window, "same") / np.convolve(np.ones_like(capped), window, "same"))


def _slot_price(energy: float, network: float, scarcity: float, rules: PricingRules) -> SlotPrice:
    free = SlotPrice(
        energy_per_kwh=_money(energy),
        network_per_kwh=_money(network),
        scarcity_per_kwh=_money(scarcity),
        margin_per_kwh=rules.margin_per_kwh.quantize(QUANTUM),
        guard_rail_per_kwh=Decimal(0),
    )
    floor = rules.floor_per_kwh.quantize(QUANTUM, ROUND_CEILING)
    ceiling = rules.ceiling_per_kwh.quantize(QUANTUM, ROUND_FLOOR)
    shown = min(max(free.total_per_kwh, floor), ceiling)
    return replace(free, guard_rail_per_kwh=shown - free.total_per_kwh)


def _money(value: float) -> Decimal:
    # The sum with 0 takes the sign from a zero.
    return Decimal(repr(float(value))).quantize(QUANTUM, ROUND_HALF_EVEN) + Decimal(0)
