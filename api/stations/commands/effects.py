"""What somebody's own command means for the profiles that a station is believed to hold."""

from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.charging_profile import ChargingProfile, ProfilePurpose, ProfileSelection
from api.ocpp.periods import SchedulePeriod
from api.ocpp.registry import Registry
from api.ocpp.wire import Payload, parse_time
from api.stations.commands.desk import Answered
from models.errors import InvalidInputError

_PURPOSES: Final = MappingProxyType(
    {
        "TxProfile": ProfilePurpose.TX,
        "TxDefaultProfile": ProfilePurpose.TX_DEFAULT,
        "ChargePointMaxProfile": ProfilePurpose.STATION_MAX,
        "ChargingStationMaxProfile": ProfilePurpose.STATION_MAX,
    }
)


def note_effects(registry: Registry, answered: Answered) -> bool:
    """Note in the registry what a station has taken or cleared; tell whether it holds other profiles now."""
    action, status = answered.command.action, answered.answer.get("status")
    if action == "SetChargingProfile" and status == "Accepted":
        profile = _installed(answered.version, answered.command.payload)
        if profile is not None:
            registry.note_installed(answered.station_id, profile)
        return True
    if action == "ClearChargingProfile" and status == "Accepted":
        registry.note_cleared(answered.station_id, _selection(answered.version, answered.command.payload))
        return True
    return False


def _selection(version: OcppVersion, payload: Payload) -> ProfileSelection:
    """Return which profiles a station has cleared (1.6 E3.25, 2.0.1 K10.FR.02)."""
    if version is OcppVersion.V16:
        number, criteria, evse = payload.get("id"), payload, payload.get("connectorId")
    else:
        criteria = payload.get("chargingProfileCriteria", {})
        number, evse = payload.get("chargingProfileId"), criteria.get("evseId")
    purpose = criteria.get("chargingProfilePurpose")
    return ProfileSelection(
        number, evse, None if purpose is None else _PURPOSES.get(purpose), criteria.get("stackLevel")
    )


def _installed(version: OcppVersion, payload: Payload) -> ChargingProfile | None:
    """Return a profile that a station has taken, None where ours cannot express it (relative, recurring, ...)."""
    is_old = version is OcppVersion.V16
    raw = payload["csChargingProfiles" if is_old else "chargingProfile"]
    schedules = [raw["chargingSchedule"]] if is_old else raw["chargingSchedule"]
    purpose = _PURPOSES.get(raw["chargingProfilePurpose"])
    if purpose is None or raw["chargingProfileKind"] != "Absolute" or len(schedules) != 1:
        return None
    [schedule] = schedules
    try:
        return ChargingProfile(
            profile_id=raw["chargingProfileId" if is_old else "id"],
            purpose=purpose,
            evse_number=payload["connectorId" if is_old else "evseId"],
            stack_level=raw["stackLevel"],
            unit=RateUnit(schedule["chargingRateUnit"]),
            start=parse_time(schedule["startSchedule"]),
            duration_s=schedule.get("duration"),
            periods=tuple(map(_period, schedule["chargingSchedulePeriod"])),
            transaction_id=None if raw.get("transactionId") is None else str(raw["transactionId"]),
            valid_from=_time(raw.get("validFrom")),
            valid_to=_time(raw.get("validTo")),
        )
    except (KeyError, ValueError, InvalidInputError):
        return None


def _period(raw: dict[str, Any]) -> SchedulePeriod:
    return SchedulePeriod(raw["startPeriod"], float(raw["limit"]), raw.get("numberPhases", 3))


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
