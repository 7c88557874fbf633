"""Can a tariff be planned with? Every fault is collected, with its path in the input."""

import numpy as np

from models.checks import (
    MAX_CARBON_KG_PER_KWH,
    require_none_negative,
    require_price,
    require_prices,
    require_row,
    require_shape,
)
from models.errors import IssueList
from models.prices import EnergyTariff, PeakCharge
from models.timegrid import TimeGrid

PEAK_WINDOWS_S = (900, 1800, 3600)
"""Over which network operators take the mean that they bill [s]."""


def check_tariff(tariff: EnergyTariff, grid: TimeGrid, issues: IssueList) -> None:
    """Note every fault of what the site pays."""
    for name in ("energy_per_kwh", "network_per_kwh", "export_per_kwh"):
        prices = getattr(tariff, name)
        if prices is not None:
            require_prices(prices, grid.n_slots, f"tariff.{name}", issues)
    if tariff.carbon_kg_per_kwh is not None:
        where = "tariff.carbon_kg_per_kwh"
        require_row(tariff.carbon_kg_per_kwh, grid.n_slots, where, issues)
        sane = not bool((tariff.carbon_kg_per_kwh > MAX_CARBON_KG_PER_KWH).any())
        issues.require(sane, where, f"has a value above {MAX_CARBON_KG_PER_KWH:g} kg/kWh")
    require_none_negative(tariff, ("demand_charge_per_kw", "carbon_per_kg", "switch_cost"), "tariff", issues)
    require_price(tariff.fixed_cost, "tariff.fixed_cost", issues)
    if tariff.subscription is not None:
        names = ("subscribed_kw", "excess_per_kwh")
        require_none_negative(tariff.subscription, names, "tariff.subscription", issues)
    for place, peak in enumerate(tariff.peaks):
        _check_peak(peak, grid, f"tariff.peaks[{place}]", issues)


def _check_peak(peak: PeakCharge, grid: TimeGrid, where: str, issues: IssueList) -> None:
    names = ("per_kw", "so_far_kw", "expected_kw", "window_kwh")
    require_none_negative(peak, names, where, issues)
    if issues.require(
        peak.window_s in PEAK_WINDOWS_S, f"{where}.window_s", f"is none of {PEAK_WINDOWS_S} seconds"
    ):
        nested = peak.window_s % grid.step_s == 0 or grid.step_s % peak.window_s == 0
        issues.require(
            nested,
            f"{where}.window_s",
            f"windows of {peak.window_s} s and slots of {grid.step_s} s do not fit into each other",
        )
    if peak.applies is not None:
        require_shape(peak.applies, (grid.n_slots,), f"{where}.applies", issues)
        flags = bool(np.isin(peak.applies, (0.0, 1.0)).all())
        issues.require(flags, f"{where}.applies", "has a value that is neither 0 nor 1")
