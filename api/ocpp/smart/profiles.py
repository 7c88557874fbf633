"""A charging profile as a station holds it, whichever version of OCPP it was written in.

Times are whole seconds since 1970-01-01 UTC: profiles have no finer ones, and so borders meet exactly.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

from api.ocpp.capabilities import RateUnit
from api.ocpp.periods import OperationMode

PhaseValues: TypeAlias = tuple[float, float, float]
"""A value for each phase."""

MOST_PHASES: Final = 3


class Purpose(StrEnum):
    """What a profile governs; the value is the word of OCPP 2.x."""

    EXTERNAL = "ChargingStationExternalConstraints"
    STATION_MAX = "ChargingStationMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"
    PRIORITY = "PriorityCharging"
    LOCAL_GENERATION = "LocalGeneration"


class Kind(StrEnum):
    """From when the time of a schedule is counted."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


class Recurrence(StrEnum):
    """How often a recurring schedule begins again: every 24 hours, or every 7 days (1.6 E3.79)."""

    DAILY = "Daily"
    WEEKLY = "Weekly"

    @property
    def seconds(self) -> int:
        """Time between two beginnings [s]."""
        return 86_400 if self is Recurrence.DAILY else 7 * 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit or a setpoint of one period, in the unit of its schedule.

    Parameters
    ----------
    value : float
        A for each phase, or W in total.
    by_phase : (3,) tuple of float, or None
        Where each phase has a value of its own [A or W] (OCPP 2.1); ``value`` is that of the first then.
    """

    value: float
    by_phase: PhaseValues | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """One charging schedule period.

    Parameters
    ----------
    start_s : int
        Start after that of the schedule [s].
    limit : Rate or None
        None where the operation mode needs none (OCPP 2.1).
    n_phases : int or None
        None where the message names none, which means 3 for AC.
    phase_to_use : int or None
    discharge_limit, setpoint : Rate or None
        At most 0; of either sign.
    mode : OperationMode or None
        None, as in all messages before 2.1, is charging only.
    is_asleep : bool
        The EVSE is switched off (``evseSleep``).
    others : dict
        Members that are passed on as they are, such as ``v2xBaseline``.
    """

    start_s: int
    limit: Rate | None
    n_phases: int | None = None
    phase_to_use: int | None = None
    discharge_limit: Rate | None = None
    setpoint: Rate | None = None
    mode: OperationMode | None = None
    is_asleep: bool = False
    others: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SocLimit:
    """A limit that counts from a state of charge on (``limitAtSoC``)."""

    soc_percent: float
    limit: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """One charging schedule.

    Parameters
    ----------
    schedule_id : int or None
        OCPP 1.6 has none.
    start_s : int or None
        When it starts [s since 1970]; with ``use_local_time`` the time on the station's wall, as if that were UTC.
    duration_s : int or None
        None lasts.
    unit : RateUnit
    periods : tuple of Period
    least_rate : float or None
        The hint ``minChargingRate``.
    use_local_time : bool
    most_delay_s : int
        Every period starts up to so much later, by chance (``randomizedDelay``) [s].
    soc_limit : SocLimit or None
    """

    schedule_id: int | None
    start_s: int | None
    duration_s: int | None
    unit: RateUnit
    periods: tuple[Period, ...]
    least_rate: float | None = None
    use_local_time: bool = False
    most_delay_s: int = 0
    soc_limit: SocLimit | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile on one EVSE, or on the whole station.

    Parameters
    ----------
    profile_id : int
    evse : int
        0 for the station; a connector in OCPP 1.6.
    stack_level : int
    purpose : Purpose
    kind : Kind
    schedules : tuple of Schedule
        More than one only where the car chooses (ISO 15118).
    recurrence : Recurrence or None
    valid_from_s, valid_to_s : float
        It counts within ``[valid_from_s, valid_to_s)`` [s since 1970].
    transaction_id : str or None
    most_offline_s : int or None
        It does not count after so much time without a connection [s]; None counts on.
    is_spoilt_by_offline : bool
        Nor does it afterwards (``invalidAfterOfflineDuration``).
    updated_s : int or None
        When the values of a dynamic profile were set [s since 1970].
    """

    profile_id: int
    evse: int
    stack_level: int
    purpose: Purpose
    kind: Kind
    schedules: tuple[Schedule, ...]
    recurrence: Recurrence | None = None
    valid_from_s: float = -math.inf
    valid_to_s: float = math.inf
    transaction_id: str | None = None
    most_offline_s: int | None = None
    is_spoilt_by_offline: bool = False
    updated_s: int | None = None
