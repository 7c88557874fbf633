"""Conversions between the units of the engine (kW, kWh, A, V, h) and nominal values."""

from typing import Final

NOMINAL_VOLTAGE_V: Final = 230.0
"""Line-to-neutral voltage of a public low-voltage grid in Europe (EN 50160)."""

MIN_AC_CURRENT_A: Final = 6.0
"""Least current that the control pilot of IEC 61851-1 can offer; below it the car pauses."""

W_PER_KW: Final = 1000.0
SECONDS_PER_HOUR: Final = 3600.0
SECONDS_PER_DAY: Final = 86_400

TOLERANCE_KW: Final = 1e-6
"""Slack of every limit check: far below a meter's resolution, far above float noise."""

TOLERANCE_A: Final = 1e-6


def power_kw(current_a: float, n_phases: int, voltage_v: float = NOMINAL_VOLTAGE_V) -> float:
    """Power [kW] of ``current_a`` [A] on each of ``n_phases`` wye-connected phases at unity power factor."""
    return current_a * n_phases * voltage_v / W_PER_KW


def current_a(power: float, n_phases: int, voltage_v: float = NOMINAL_VOLTAGE_V) -> float:
    """Current [A] on each of ``n_phases`` phases that carries ``power`` [kW] at unity power factor."""
    return power * W_PER_KW / (n_phases * voltage_v)
