"""What a charging profile may not say before OCPP 2.1: a station would do without it what was not planned."""

from typing import Final

from api.ocpp.charging_profile import ChargingProfile, ProfileKind
from api.ocpp.periods import OperationMode
from models.errors import IssueList

_KNOWN_MODES: Final = (None, OperationMode.CHARGING_ONLY)
_NEW: Final = "is known from OCPP 2.1 on only"


def refuse_what_is_new(profile: ChargingProfile) -> None:
    """Do nothing for a profile that every version can write.

    Raises
    ------
    InvalidInputError
        It says what only 2.1 can; names every such field.
    """
    issues = IssueList()
    issues.require(profile.kind is ProfileKind.ABSOLUTE, "kind", _NEW)
    issues.require(profile.max_offline_s is None, "max_offline_s", _NEW)
    issues.require(not profile.invalid_after_offline, "invalid_after_offline", _NEW)
    for i, period in enumerate(profile.periods):
        issues.require(period.setpoint is None, f"periods[{i}].setpoint", _NEW)
        issues.require(period.discharge_limit is None, f"periods[{i}].discharge_limit", _NEW)
        issues.require(period.operation_mode in _KNOWN_MODES, f"periods[{i}].operation_mode", _NEW)
    issues.raise_if_any()
