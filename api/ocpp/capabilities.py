"""What a charging station can do with a charging profile, as far as it has told us."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from models.units import NOMINAL_VOLTAGE_V

_VOLT_TOLERANCE = 1e-9


class OcppVersion(StrEnum):
    """A protocol version; the value is its websocket subprotocol."""

    V16 = "ocpp1.6"
    V201 = "ocpp2.0.1"
    V21 = "ocpp2.1"


class RateUnit(StrEnum):
    """Unit of a profile's limits; the value is what stands on the wire."""

    CURRENT = "A"
    POWER = "W"


class Feature(StrEnum):
    """What a station may be able to do besides; the value is the variable that tells (2.1, the schedules 2.0.1 too)."""

    LOCAL_TIME = "SupportsUseLocalTime"
    RANDOM_DELAY = "SupportsRandomizedDelay"
    LIMIT_AT_SOC = "SupportsLimitAtSoC"
    EVSE_SLEEP = "SupportsEvseSleep"
    DC_INPUT_PHASES = "DCInputPhaseControl"
    SEVERAL_SCHEDULES = "ISO15118Ctrlr.Enabled"
    PRIORITY_CHARGING = "SupportedAdditionalPurposes: PriorityCharging"
    LOCAL_GENERATION = "SupportedAdditionalPurposes: LocalGeneration"
    BOTH_WAYS = "V2XChargingCtrlr.Enabled"
    """Follows setpoints, and gives energy back where they ask for it."""


class QuirkKind(StrEnum):
    """How some models differ from what they tell, or from what OCPP says; see :mod:`api.ocpp.quirks`."""

    NO_STATION_MAX = "refuses a profile for the whole station"
    ONLY_WATTS = "takes limits in watt only"
    NO_PHASE_SWITCH = "does not switch phases, whatever it tells"
    LIMIT_LOST_AFTER_PAUSE = "charges without a limit once it resumes after 0 A, until it is told again"
    ZERO_ENDS_CHARGING = "ends transactions at 0 A, also those that begin later"
    IGNORES_LIMITS = "accepts limits and does not follow"


@dataclass(frozen=True, slots=True)
class StationCapabilities:
    """What a profile for this station may contain.

    The defaults are what is safe to assume of a station that tells nothing: limits in ampere, one
    profile for each purpose at stack level 0, and few periods.

    Parameters
    ----------
    version : OcppVersion
    rate_units : frozenset of RateUnit
        Units that the station takes; at least one.
    max_stack_level : int
        Greatest stack level, 0 or more.
    max_periods : int
        Greatest number of periods of one schedule, 1 or more.
    max_profiles : int
        Greatest number of profiles installed at the same time, 1 or more.
    voltage_v : float
        Nominal line-to-neutral voltage that the station converts with [V]; a set value of the area with at
        most one decimal, so that 6 A in watt has one decimal as well.
    is_smart : bool
        Takes charging profiles at all; a station that says nothing of it is tried.
    supply_phases : int or None
        Phases that the station is connected to, 0 for DC; None where it does not tell.
    switches_phases : bool
        May load one phase instead of three within a transaction.
    chooses_phase : bool
        Can be told which one (2.x, K01.FR.20).
    limit_change_percent : float or None
        Changes of an external limit below this are not told (2.x).
    tells_external_schedules : bool
        An external limit comes with its schedule (2.x).
    obeys_external_signals : bool
        Somebody else can limit the station, and it tells (2.x).
    takes_dynamic : bool
        Takes profiles that are updated step by step (2.1, K01.FR.121).
    features : frozenset of Feature
    quirks : frozenset of QuirkKind
    update_pause_s : int
        Least time between two profiles of one purpose [s] (``ChargingProfileUpdateRateLimit``, 2.1).
    max_external_id : int or None
        Numbers up to this belong to external systems (``MaxExternalConstraintsId``, 2.1).

    Raises
    ------
    ValueError
        One of these does not hold.
    """

    version: OcppVersion
    rate_units: frozenset[RateUnit] = frozenset({RateUnit.CURRENT})
    max_stack_level: int = 0
    max_periods: int = 6
    max_profiles: int = 3
    voltage_v: float = NOMINAL_VOLTAGE_V
    is_smart: bool = True
    supply_phases: int | None = None
    switches_phases: bool = False
    chooses_phase: bool = False
    limit_change_percent: float | None = None
    tells_external_schedules: bool = False
    obeys_external_signals: bool = False
    takes_dynamic: bool = False
    features: frozenset[Feature] = frozenset()
    quirks: frozenset[QuirkKind] = frozenset()
    update_pause_s: int = 0
    max_external_id: int | None = None

    def __post_init__(self) -> None:
        if not self.rate_units:
            raise ValueError("a station takes at least one rate unit")
        if self.max_stack_level < 0 or self.max_periods < 1 or self.max_profiles < 1:
            raise ValueError("stack levels start at 0, periods and profiles at 1")
        tenths = self.voltage_v * 10
        if not self.voltage_v > 0 or abs(tenths - round(tenths)) > _VOLT_TOLERANCE:
            raise ValueError(f"{self.voltage_v} V is no nominal voltage")

    def has(self, quirk: QuirkKind) -> bool:
        """Tell whether the model is known for a quirk."""
        return quirk in self.quirks


V201_MAX_PERIODS: Final = 1024
"""The schemas of 2.0.1 and 2.1 take no more periods, whatever the station claims."""
