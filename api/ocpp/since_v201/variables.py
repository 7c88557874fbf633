"""What a station can do with a charging profile, as its variables say."""

import math
from collections.abc import Mapping
from typing import Final

from api.ocpp.capabilities import OcppVersion, RateUnit, StationCapabilities
from api.ocpp.metering import number_from
from api.ocpp.wire import Command, Payload, count_from
from models.grid.site import N_PHASES

_SMART_CHARGING: Final = "SmartChargingCtrlr"
_STATION: Final = "ChargingStation"
_STACK: Final = "ProfileStackLevel"
_UNIT: Final = "RateUnit"
_PERIODS: Final = "PeriodsPerSchedule"
_ENTRIES: Final = "Entries"
_ENTRIES_INSTANCE: Final = "ChargingProfiles"
_SUPPLY: Final = "SupplyPhases"
_DYNAMIC: Final = "SupportsDynamicProfiles"
_LEAST: Final = (_STACK, _UNIT, _PERIODS)
_MORE: Final = (
    "Available",
    "Enabled",
    "Phases3to1",
    "ACPhaseSwitchingSupported",
    "LimitChangeSignificance",
    "NotifyChargingLimitWithSchedules",
    "ExternalControlSignalsEnabled",
)


def encode_capability_queries() -> tuple[Command, ...]:
    """Return GetVariables in the order of trying: for all that is of use, then for what bounds a profile.

    A station may take fewer variables in one message than we ask for, and refuses it then.
    """
    return queries_for(_MORE)


def queries_for(more: tuple[str, ...]) -> tuple[Command, ...]:
    """Return the questions for what bounds a profile, the first with more of the controller's variables."""
    least = [_asked(_SMART_CHARGING, {"name": name}) for name in _LEAST]
    least.append(_asked(_SMART_CHARGING, {"name": _ENTRIES, "instance": _ENTRIES_INSTANCE}))
    further = [_asked(_SMART_CHARGING, {"name": name}) for name in more]
    supply = _asked(_STATION, {"name": _SUPPLY})
    return (
        Command("GetVariables", {"getVariableData": [*least, *further, supply]}),
        Command("GetVariables", {"getVariableData": least}),
    )


def queries_of_v21() -> tuple[Command, ...]:
    """Return the questions with what only OCPP 2.1 has."""
    return queries_for((*_MORE, _DYNAMIC))


def capabilities_in(payload: Payload, version: OcppVersion, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    values = _values(payload, _SMART_CHARGING)
    cautious = StationCapabilities(version, voltage_v=voltage_v)
    words = [word.strip() for word in values.get(_UNIT, "").split(",")]
    units = frozenset(unit for unit in RateUnit if unit.value in words)
    return StationCapabilities(
        version=version,
        rate_units=units or cautious.rate_units,
        max_stack_level=count_from(values, _STACK, 0, cautious.max_stack_level),
        max_periods=count_from(values, _PERIODS, 1, cautious.max_periods),
        max_profiles=count_from(values, _ENTRIES, 1, cautious.max_profiles),
        voltage_v=voltage_v,
        is_smart=not (_says(values, "Available", "false") or _says(values, "Enabled", "false")),
        supply_phases=_supply_phases(_values(payload, _STATION)),
        switches_phases=_says(values, "Phases3to1", "true"),
        chooses_phase=_says(values, "ACPhaseSwitchingSupported", "true"),
        limit_change_percent=_percent(values),
        tells_external_schedules=_says(values, "NotifyChargingLimitWithSchedules", "true"),
        obeys_external_signals=_says(values, "ExternalControlSignalsEnabled", "true"),
        takes_dynamic=_says(values, _DYNAMIC, "true"),
    )


def _asked(component: str, variable: Payload) -> Payload:
    return {"component": {"name": component}, "variable": variable}


def _values(payload: Payload, component: str) -> dict[str, str]:
    """Return the variables of a component of the station itself that it has told."""
    return {
        entry["variable"]["name"]: entry.get("attributeValue", "")
        for entry in payload["getVariableResult"]
        if entry["attributeStatus"] == "Accepted" and entry["component"]["name"] == component
    }


def _says(values: Mapping[str, str], name: str, word: str) -> bool:
    """Tell whether a variable has a value, however it is written."""
    return values.get(name, "").strip().lower() == word


def _percent(values: Mapping[str, str]) -> float | None:
    percent = number_from(values.get("LimitChangeSignificance", ""))
    return percent if math.isfinite(percent) and percent >= 0 else None


def _supply_phases(values: Mapping[str, str]) -> int | None:
    """Return the phases of the station's connection, 0 for DC."""
    told = count_from(values, _SUPPLY, 0, -1)
    return told if 0 <= told <= N_PHASES else None
