"""Meter values in the engine's units: kWh, kW, A and V, with what is implausible marked, never dropped."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

PhaseValues: TypeAlias = tuple[float | None, float | None, float | None]
"""Values of L1, L2 and L3; None where nothing was metered."""

_SCALE: Final = MappingProxyType(
    {"Wh": 1e-3, "kWh": 1.0, "W": 1e-3, "kW": 1.0, "A": 1.0, "V": 1.0, "Percent": 1.0}
)
_UNIT: Final = MappingProxyType(
    {
        "Energy.Active.Import.Register": "Wh",
        "Power.Active.Import": "W",
        "Current.Import": "A",
        "Current.Offered": "A",
        "Voltage": "V",
        "SoC": "Percent",
    }
)
_GREATEST: Final = 1e12
"""No meter shows more, in any unit; the sum of greater ones could be infinite."""

_PHASE: Final = MappingProxyType({"L1": 0, "L2": 1, "L3": 2, "L1-N": 0, "L2-N": 1, "L3-N": 2})


class Sample(NamedTuple):
    """One sampled value as it was sent: NaN where the text was no number, no unit for the default one.

    A tuple, since thousands come each second: a frozen dataclass takes three times as long to make.
    """

    measurand: str
    value: float
    unit: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class MeterReading:
    """All values that a station metered at one time.

    Parameters
    ----------
    at : datetime
        UTC.
    energy_kwh : float or None
        Register of imported active energy [kWh].
    power_kw : float or None
        Imported active power, all phases [kW].
    current_a : PhaseValues
        Imported current [A]; one that names no phase stands at L1.
    voltage_v : PhaseValues
        Line-to-neutral voltage [V].
    offered_a : float or None
        Greatest current that the station offers the car [A].
    soc_percent : float or None
        State of charge of the car.
    faults : tuple of str
        Why values of this reading cannot be trusted; such values are None.
    """

    at: datetime
    energy_kwh: float | None = None
    power_kw: float | None = None
    current_a: PhaseValues = (None, None, None)
    voltage_v: PhaseValues = (None, None, None)
    offered_a: float | None = None
    soc_percent: float | None = None
    faults: tuple[str, ...] = ()


def number_from(text: object) -> float:
    """Return a metered value as a number; NaN where it is none."""
    try:
        return float(text)  # type: ignore[arg-type]  # whatever it is: that is found out here
    except (ValueError, OverflowError, TypeError):
        return math.nan


def reading_from_samples(at: datetime, samples: Iterable[Sample]) -> MeterReading:
    """Return one reading; of equal samples the last counts, a total counts before its phases."""
    totals: dict[str, float] = {}
    phases: dict[str, list[float | None]] = {}
    faults: list[str] = []
    for sample in samples:
        measurand, value, unit, phase = sample
        usual = _UNIT.get(measurand)
        if usual is None:
            continue
        scale = _SCALE.get(unit or usual)
        if scale is None or not 0.0 <= value <= _GREATEST:
            faults.append(_fault(sample))
        elif phase is None:
            totals[measurand] = value * scale
        elif phase in _PHASE:
            phases.setdefault(measurand, [None, None, None])[_PHASE[phase]] = value * scale
    return MeterReading(
        at=at,
        energy_kwh=_total("Energy.Active.Import.Register", totals, phases),
        power_kw=_total("Power.Active.Import", totals, phases),
        current_a=_by_phase("Current.Import", totals, phases),
        voltage_v=_by_phase("Voltage", totals, phases),
        offered_a=_largest("Current.Offered", totals, phases),
        soc_percent=totals.get("SoC"),
        faults=tuple(faults),
    )


def _fault(sample: Sample) -> str:
    """Return why a sample cannot be used."""
    if not math.isfinite(sample.value):
        return f"{sample.measurand} is not a number"
    if sample.value > _GREATEST:
        return f"{sample.measurand} is {sample.value:g}"
    if sample.value < 0:
        return f"{sample.measurand} is negative"
    return f"{sample.measurand} has the unknown unit {sample.unit!r}"


def _total(measurand: str, totals: dict[str, float], phases: dict[str, list[float | None]]) -> float | None:
    """Return the total, or the sum of the phases."""
    if measurand in totals or measurand not in phases:
        return totals.get(measurand)
    metered = [value for value in phases[measurand] if value is not None]
    return sum(metered) if metered else None


def _by_phase(measurand: str, totals: dict[str, float], phases: dict[str, list[float | None]]) -> PhaseValues:
    """Return the phases, or the value without a phase at L1."""
    if measurand in phases:
        l1, l2, l3 = phases[measurand]
        return (l1, l2, l3)
    return (totals.get(measurand), None, None)


def _largest(measurand: str, totals: dict[str, float], phases: dict[str, list[float | None]]) -> float | None:
    """Return the greatest value of all."""
    if measurand not in phases:
        return totals.get(measurand)
    metered = [value for value in (totals.get(measurand), *phases[measurand]) if value is not None]
    return max(metered, default=None)
