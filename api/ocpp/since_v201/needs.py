"""What a car asks for by ISO 15118, as NotifyEVChargingNeeds tells it.

Powers and energies are in W and Wh there; ISO 15118-2 has them for AC and for DC, ISO 15118-20 (2.1 only) for
both directions. What is negative or too great for any car is taken as not told.
"""

import math
from types import MappingProxyType
from typing import Final

from api.ocpp.capabilities import V201_MAX_PERIODS
from api.ocpp.notices import ChargingNeedsTold
from api.ocpp.wire import Payload, parse_time
from models.grid.site import N_PHASES

_PER_KILO: Final = 1000.0
_PHASES: Final = MappingProxyType({"AC_single_phase": 1, "AC_two_phase": 2, "AC_three_phase": N_PHASES})
_MOST_KW: Final = 10_000.0
_MOST_KWH: Final = 10_000.0
_MOST_A: Final = 10_000.0


def charging_needs(payload: Payload) -> ChargingNeedsTold:
    """Return the needs of a car."""
    needs = payload["chargingNeeds"]
    periods = payload.get("maxScheduleTuples")
    transfer = needs["requestedEnergyTransfer"]
    ac = needs.get("acChargingParameters", {})
    return ChargingNeedsTold(
        evse_number=int(payload["evseId"]),
        transfer=transfer,
        departure=parse_time(needs["departureTime"]) if "departureTime" in needs else None,
        energy_kwh=_energy_kwh(needs),
        max_power_kw=_max_power_kw(needs),
        min_current_a=_plausible(ac.get("evMinCurrent"), 1.0, _MOST_A),
        max_current_a=_plausible(ac.get("evMaxCurrent"), 1.0, _MOST_A),
        max_discharge_kw=_both_ways_kw(needs, "maxDischargePower"),
        n_phases=_PHASES.get(transfer),
        soc_percent=needs.get("dcChargingParameters", {}).get("stateOfCharge"),
        most_periods=None if periods is None or periods < 1 else min(int(periods), V201_MAX_PERIODS),
    )


def _energy_kwh(needs: Payload) -> float | None:
    """Return the energy that is still wanted: as told, or what the state of charge lacks."""
    ac, dc = needs.get("acChargingParameters", {}), needs.get("dcChargingParameters", {})
    told = (
        needs.get("v2xChargingParameters", {}).get("evTargetEnergyRequest"),
        ac.get("energyAmount"),
        dc.get("energyAmount"),
    )
    known = [energy for wh in told if (energy := _plausible(wh, _PER_KILO, _MOST_KWH)) is not None]
    return known[0] if known else _lacking_kwh(dc)


def _lacking_kwh(dc: Payload) -> float | None:
    """Return what a battery lacks of being as full as it may be."""
    capacity_kwh = _plausible(dc.get("evEnergyCapacity"), _PER_KILO, _MOST_KWH)
    if capacity_kwh is None or "stateOfCharge" not in dc:
        return None
    lacking_percent: float = max(dc.get("fullSoC", 100) - dc["stateOfCharge"], 0)
    return capacity_kwh * lacking_percent / 100.0


def _max_power_kw(needs: Payload) -> float | None:
    """Return the most power that a car takes, where it tells power: AC cars tell current."""
    dc = needs.get("dcChargingParameters", {})
    both_ways = _both_ways_kw(needs, "maxChargePower")
    told = both_ways if both_ways is not None else _plausible(dc.get("evMaxPower"), _PER_KILO, _MOST_KW)
    if told is not None or not dc:
        return told
    return _plausible(float(dc["evMaxCurrent"]) * float(dc["evMaxVoltage"]), _PER_KILO, _MOST_KW)


def _both_ways_kw(needs: Payload, name: str) -> float | None:
    """Return a power of ISO 15118-20: of all phases where each has its own."""
    told = needs.get("v2xChargingParameters", {})
    phases = [_plausible(told.get(key), _PER_KILO, _MOST_KW) for key in (name, f"{name}_L2", f"{name}_L3")]
    known = [power_kw for power_kw in phases if power_kw is not None]
    return sum(known) if known else None


def _plausible(value: float | None, divisor: float, most: float) -> float | None:
    """Return a value in another unit; None for what no car can mean."""
    if value is None or not math.isfinite(value):
        return None
    return value / divisor if 0 < value <= most * divisor else None
