"""What a car means to draw, beside what it was allowed (K15.FR.09 to .11, K17)."""

from datetime import timedelta
from typing import Final

from api.ocpp.capabilities import RateUnit
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose
from api.ocpp.notices import CarScheduleTold, ExternalPeriod
from api.ocpp.profiles import limits_from_profile
from models.grid.site import N_PHASES

_TOLERANCE: Final = 1.01
"""A car may round: what it draws beyond this is more than it was given."""

_FURTHEST_S: Final = 400 * 86_400


def keeps_to(told: CarScheduleTold, installed: tuple[ChargingProfile, ...], voltage_v: float) -> bool:
    """Tell whether a car's schedule stays within the profile that its EVSE holds for its transaction.

    It is looked at where it changes; a car at an EVSE that holds no such profile keeps to everything.
    """
    given = [
        profile
        for profile in installed
        if profile.purpose is ProfilePurpose.TX and profile.evse_number == told.evse_number
    ]
    if not given:
        return True
    begin = told.schedule.start or told.time_base
    periods = [one for one in told.schedule.periods if 0 <= one.start_s <= _FURTHEST_S]
    times = [begin + timedelta(seconds=period.start_s) for period in periods]
    allowed_a = limits_from_profile(given[-1], times, voltage_v)
    return all(
        _amperes(period, told.schedule.unit, voltage_v) <= allowed * _TOLERANCE
        for period, allowed in zip(periods, allowed_a, strict=True)
    )


def _amperes(period: ExternalPeriod, unit: RateUnit, voltage_v: float) -> float:
    """Return what a period draws on each phase [A]; nothing where it names no limit."""
    limit = period.limit or 0.0
    if unit is RateUnit.CURRENT:
        return limit
    return limit / (voltage_v * min(max(period.n_phases or N_PHASES, 1), N_PHASES))
