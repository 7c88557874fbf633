"""What a virtual station has to say, whatever version of OCPP it says it in."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

from benchmarks.station_profiles import HeldProfile, MemoryLimits, Period, Purpose

Payload: TypeAlias = dict[str, Any]

_WH_PER_KWH: Final = 1000.0
_PHASES: Final = ("L1", "L2", "L3")
_PURPOSES: Final = MappingProxyType(
    {
        "TxProfile": Purpose.TX,
        "TxDefaultProfile": Purpose.TX_DEFAULT,
        "ChargePointMaxProfile": Purpose.STATION_MAX,
        "ChargingStationMaxProfile": Purpose.STATION_MAX,
    }
)


class PlugState(StrEnum):
    """State of an EVSE; the value is the word of OCPP 1.6."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    PAUSED_BY_STATION = "SuspendedEVSE"
    PAUSED_BY_CAR = "SuspendedEV"
    FINISHING = "Finishing"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the meter of an EVSE shows, and what the car is offered.

    Parameters
    ----------
    energy_kwh : float
        Register since the meter was made [kWh].
    power_kw : float
    current_a : tuple of 3 floats
        On the EVSE's own L1, L2, L3 [A].
    is_full : bool
        The car takes no more.
    """

    energy_kwh: float = 0.0
    power_kw: float = 0.0
    current_a: tuple[float, float, float] = (0.0, 0.0, 0.0)
    is_full: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """An EVSE at one time: what every message about its transaction needs.

    Parameters
    ----------
    at : datetime
    evse_number : int
    transaction_id : str
        Empty until it is known (1.6).
    token : str
        What the driver has shown.
    sequence : int
        Number of this message within its transaction (2.0.1).
    state : PlugState
    reading : Reading
    offered_a : float
        Greatest current that the car is allowed [A].
    """

    at: datetime
    evse_number: int
    transaction_id: str
    token: str
    sequence: int
    state: PlugState
    reading: Reading
    offered_a: float


@dataclass(frozen=True, slots=True)
class Saying:
    """A request of the station."""

    action: str
    payload: Payload


class Words(Protocol):
    """One version of OCPP from the station's side."""

    subprotocol: str

    def boot(self, station_id: str) -> Saying:
        """Say what the station is."""

    def authorize(self, token: str) -> Saying:
        """Ask whether a driver may charge."""

    def is_accepted(self, answer: Payload) -> bool:
        """Tell whether the driver may."""

    def status(self, at: datetime, evse_number: int, state: PlugState) -> Saying:
        """Say that an EVSE has a new state."""

    def start(self, moment: Moment) -> Saying:
        """Begin a transaction."""

    def transaction_of(self, moment: Moment, answer: Payload) -> str:
        """Return the identity of the transaction that was begun."""

    def meter(self, moment: Moment) -> Saying:
        """Tell what was metered."""

    def state_changed(self, moment: Moment) -> Saying:
        """Tell that the car charges, or pauses."""

    def stop(self, moment: Moment, *, by_car: bool) -> Saying:
        """End a transaction, since the car is full (``by_car``) or gone."""

    def profile_in(self, payload: Payload) -> HeldProfile:
        """Read SetChargingProfile."""

    def profile_answer(self, reason: str | None) -> Payload:
        """Answer to SetChargingProfile: accepted, or refused for a reason."""

    def selection_in(self, payload: Payload) -> Callable[[HeldProfile], bool]:
        """Read ClearChargingProfile."""

    def capabilities(self, action: str, payload: Payload, limits: MemoryLimits) -> Payload | None:
        """Answer the question for what the station can keep; None if that is not what was asked."""


def time_text(moment: datetime) -> str:
    """Return a time as it stands on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def register_wh(moment: Moment) -> int:
    """Return the register as whole watt-hours, which the transactions of OCPP 1.6 want."""
    return round(moment.reading.energy_kwh * _WH_PER_KWH)


def samples_of(moment: Moment) -> list[tuple[str, str, str, str | None]]:
    """Return measurand, value, unit and phase of all that is metered."""
    reading = moment.reading
    energy_wh, power_w = reading.energy_kwh * _WH_PER_KWH, reading.power_kw * _WH_PER_KWH
    currents = zip(_PHASES, reading.current_a, strict=True)
    return [
        ("Energy.Active.Import.Register", f"{energy_wh:.1f}", "Wh", None),
        ("Power.Active.Import", f"{power_w:.1f}", "W", None),
        *(("Current.Import", f"{current_a:.2f}", "A", phase) for phase, current_a in currents),
        ("Current.Offered", f"{moment.offered_a:.1f}", "A", None),
    ]


def held_profile(evse_number: int, profile_id: int, profile: Payload, schedule: Payload) -> HeldProfile:
    """Return a profile as it is kept; both versions name most of it alike."""
    transaction = profile.get("transactionId")
    return HeldProfile(
        profile_id=profile_id,
        evse_number=evse_number,
        stack_level=profile["stackLevel"],
        purpose=_PURPOSES[profile["chargingProfilePurpose"]],
        in_watt=schedule["chargingRateUnit"] == "W",
        start=datetime.fromisoformat(schedule["startSchedule"]),
        duration_s=schedule.get("duration", math.inf),
        periods=tuple(
            Period(period["startPeriod"], period["limit"], period.get("numberPhases", len(_PHASES)))
            for period in schedule["chargingSchedulePeriod"]
        ),
        transaction_id=None if transaction is None else str(transaction),
        valid_from=_time_in(profile, "validFrom"),
        valid_to=_time_in(profile, "validTo"),
    )


def _time_in(payload: Payload, name: str) -> datetime | None:
    return datetime.fromisoformat(payload[name]) if name in payload else None


def selection(
    profile_id: int | None, evse_number: int | None, purpose: str | None, stack_level: int | None
) -> Callable[[HeldProfile], bool]:
    """Return the rule for what is cleared: a number counts alone, all else together (C21)."""

    def is_meant(profile: HeldProfile) -> bool:
        if profile_id is not None:
            return profile.profile_id == profile_id
        return (
            evse_number in (None, profile.evse_number)
            and (purpose is None or _PURPOSES[purpose] is profile.purpose)
            and stack_level in (None, profile.stack_level)
        )

    return is_meant
