"""Which meter values can be true. What cannot is marked and counts for nothing; it is never dropped.

A register of energy can only rise, and by no more than the EVSE can give in the time between. A station's clock may
be wrong by its time zone; by more than that, nobody knows when its values were true. A meter that is believed
wrongly is billed wrongly, so doubt means: not counted.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from api.ocpp.metering import MeterReading

ANY_EVSE_KW: Final = 4_000.0
"""No EVSE gives more: the Megawatt Charging System ends at 3.75 MW."""

_LATEST: Final = timedelta(days=1)
_EARLIEST: Final = timedelta(days=3650)
"""A clock that was never set shows 1970 or the year of its firmware; how long a station was offline has no bound."""

_MORE_THAN_RATED: Final = 1.25
_TWO_MINUTES_H: Final = 1.0 / 30.0
"""Stations stamp registers late, and with whole minutes [h]."""

_LEAST_RISE_KWH: Final = 0.1
_NOISE_KWH: Final = 0.002
"""Registers that are told in Wh by one message and in kWh by another differ by rounding."""

_MOST_POWER: Final = 2.0
_SECONDS_OF_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class MeterBounds:
    """What bounds the values of an EVSE's meter.

    Parameters
    ----------
    now : datetime
        When they came.
    most_kw : float
        Greatest power of the EVSE [kW].
    """

    now: datetime
    most_kw: float = ANY_EVSE_KW


@dataclass(frozen=True, slots=True)
class Register:
    """A register that is believed: its energy, and when it showed that; None where no time was told."""

    kwh: float
    at: datetime | None = None


def plausible(reading: MeterReading, bounds: MeterBounds) -> MeterReading:
    """Return a reading without the values that cannot be true whatever came before; faults say which."""
    if (fault := time_fault(reading.at, bounds.now)) is not None:
        return MeterReading(reading.at, faults=(*reading.faults, _shown(fault, reading)))
    if reading.power_kw is not None and reading.power_kw > _MOST_POWER * bounds.most_kw:
        fault = f"power of {reading.power_kw:g} kW is more than the EVSE can give"
        return replace(reading, power_kw=None, faults=(*reading.faults, fault))
    return reading


def time_fault(at: datetime, now: datetime) -> str | None:
    """Return why a time cannot be true, if so."""
    if at - now > _LATEST:
        return "far in the future"
    if now - at > _EARLIEST:
        return "far in the past"
    return None


def register_fault(before: Register | None, told: Register, most_kw: float) -> str | None:
    """Return why a register cannot be true, given the newest one that is believed.

    One that comes late, for a time before that, may show less but not more.
    """
    if before is None:
        return None
    hours = _hours(before.at, told.at)
    rise_kwh = told.kwh - before.kwh
    if rise_kwh < -_NOISE_KWH:
        is_late = hours < 0.0
        return None if is_late else f"register goes back from {before.kwh:.3f} to {told.kwh:.3f} kWh"
    most_kwh = most_kw * (_MORE_THAN_RATED * max(hours, 0.0) + _TWO_MINUTES_H) + _LEAST_RISE_KWH
    if rise_kwh > most_kwh:
        return f"register jumps from {before.kwh:.3f} to {told.kwh:.3f} kWh, {most_kwh:.3f} at most"
    return None


def _hours(first: datetime | None, second: datetime | None) -> float:
    """Return the time between two moments, 0 where one is unknown [h]."""
    if first is None or second is None:
        return 0.0
    return (second - first).total_seconds() / _SECONDS_OF_HOUR


def _shown(fault: str, reading: MeterReading) -> str:
    """Return a fault with the register that is not believed: whoever looks into it wants to know."""
    return fault if reading.energy_kwh is None else f"{fault}, register {reading.energy_kwh:.3f} kWh"
