"""What a station can do with a charging profile, as its variables say."""

from typing import Final

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.wire import Command, Payload, count_from

_SMART_CHARGING: Final = "SmartChargingCtrlr"
_STACK_VARIABLE: Final = "ProfileStackLevel"
_UNIT_VARIABLE: Final = "RateUnit"
_PERIODS_VARIABLE: Final = "PeriodsPerSchedule"
_ENTRIES_VARIABLE: Final = "Entries"
_ENTRIES_INSTANCE: Final = "ChargingProfiles"


def encode_capability_query() -> Command:
    """Return GetVariables for the variables that bound a charging profile."""
    plain = [{"name": name} for name in (_STACK_VARIABLE, _UNIT_VARIABLE, _PERIODS_VARIABLE)]
    variables = [*plain, {"name": _ENTRIES_VARIABLE, "instance": _ENTRIES_INSTANCE}]
    data = [{"component": {"name": _SMART_CHARGING}, "variable": variable} for variable in variables]
    return Command("GetVariables", {"getVariableData": data})


def capabilities_in(payload: Payload, version: OcppVersion, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    values = {
        entry["variable"]["name"]: entry.get("attributeValue", "")
        for entry in payload["getVariableResult"]
        if entry["attributeStatus"] == "Accepted" and entry["component"]["name"] == _SMART_CHARGING
    }
    cautious = StationCapabilities(version, voltage_v=voltage_v)
    words = [word.strip() for word in values.get(_UNIT_VARIABLE, "").split(",")]
    units = frozenset(unit for unit in RateUnit if unit.value in words)
    return StationCapabilities(
        version=version,
        rate_units=units or cautious.rate_units,
        max_stack_level=count_from(values, _STACK_VARIABLE, 0, cautious.max_stack_level),
        max_periods=count_from(values, _PERIODS_VARIABLE, 1, cautious.max_periods),
        max_profiles=count_from(values, _ENTRIES_VARIABLE, 1, cautious.max_profiles),
        voltage_v=voltage_v,
    )
