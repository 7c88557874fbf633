"""Electricity tariffs: one after a public price sheet, one made up."""

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from models.arrays import frozen
from models.prices import EnergyTariff
from models.timegrid import TimeGrid

Tariff: TypeAlias = Callable[[TimeGrid, str], EnergyTariff]
"""Takes a horizon and a time zone."""

SUMMER_MONTHS: Final = (6, 7, 8, 9)
SATURDAY: Final = 5
DEMAND_PER_KW: Final = 15.51
OFF_PEAK, MID_PEAK, PEAK = 0, 1, 2
PERIOD_BY_HOUR: Final = (OFF_PEAK,) * 8 + (MID_PEAK,) * 4 + (PEAK,) * 6 + (MID_PEAK,) * 5 + (OFF_PEAK,)
SUMMER_PER_KWH: Final = (0.05623, 0.0925, 0.26668)
WINTER_PER_KWH: Final = (0.06087, 0.07492, 0.0869)


def sce_tou_ev_4(grid: TimeGrid, zone: str) -> EnergyTariff:
    """Return schedule TOU-EV-4 of Southern California Edison, as of March 2019 [USD].

    Workdays: peak from 12 to 18 h, mid-peak from 8 to 12 h and 18 to 23 h, off-peak otherwise; weekends
    off-peak; the demand charge is 15.51 USD/kW and month. (Sheet CE 141-12; the figures are those that ACN-Sim
    uses: Lee, Johansson and Low 2019, doi:10.1109/SmartGridComm.2019.8909765. Holidays count as workdays.)
    """
    prices = []
    for start in grid.local_starts(zone):
        table = SUMMER_PER_KWH if start.month in SUMMER_MONTHS else WINTER_PER_KWH
        period = OFF_PEAK if start.weekday() >= SATURDAY else PERIOD_BY_HOUR[start.hour]
        prices.append(table[period])
    return EnergyTariff(frozen(prices), frozen(np.zeros(grid.n_slots)), DEMAND_PER_KW, "USD")


VALLEY_HOURS: Final = range(11, 15)
VALLEY_PER_KWH, OTHER_PER_KWH = 0.08, 0.25


def noon_valley(grid: TimeGrid, zone: str) -> EnergyTariff:
    """Return a made-up tariff for much sun: cheap from 11 to 15 h, dear otherwise, the same demand charge [USD]."""
    hours = [start.hour for start in grid.local_starts(zone)]
    prices = [VALLEY_PER_KWH if hour in VALLEY_HOURS else OTHER_PER_KWH for hour in hours]
    return EnergyTariff(frozen(prices), frozen(np.zeros(grid.n_slots)), DEMAND_PER_KW, "USD")
