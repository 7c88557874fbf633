"""What a station can do with a charging profile, as its variables say."""

import math
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from api.ocpp.capabilities import Feature, OcppVersion, RateUnit, StationCapabilities
from api.ocpp.metering import number_from
from api.ocpp.wire import Command, Payload, count_from
from models.grid.site import N_PHASES

Asked: TypeAlias = tuple[str, str]
"""A component and a variable of it."""

_SMART: Final = "SmartChargingCtrlr"
_STATION: Final = "ChargingStation"
_ISO15118: Final = "ISO15118Ctrlr"
_V2X: Final = "V2XChargingCtrlr"
_ENTRIES: Final = "Entries"
_ENTRIES_INSTANCE: Final = "ChargingProfiles"
_PURPOSES: Final = "SupportedAdditionalPurposes"
_RATE_LIMIT: Final = "ChargingProfileUpdateRateLimit"
_EXTERNAL_ID: Final = "MaxExternalConstraintsId"
_DYNAMIC: Final = "SupportsDynamicProfiles"
_LEAST: Final = ("ProfileStackLevel", "RateUnit", "PeriodsPerSchedule")
_MORE: Final = (
    (_SMART, "Available"),
    (_SMART, "Enabled"),
    (_SMART, "Phases3to1"),
    (_SMART, "ACPhaseSwitchingSupported"),
    (_SMART, "LimitChangeSignificance"),
    (_SMART, "NotifyChargingLimitWithSchedules"),
    (_SMART, "ExternalControlSignalsEnabled"),
    (_STATION, "SupplyPhases"),
    (_ISO15118, "Enabled"),
)
_ONLY_V21: Final = (
    (_SMART, _DYNAMIC),
    (_SMART, Feature.LOCAL_TIME.value),
    (_SMART, Feature.RANDOM_DELAY.value),
    (_SMART, Feature.LIMIT_AT_SOC.value),
    (_SMART, Feature.EVSE_SLEEP.value),
    (_SMART, Feature.DC_INPUT_PHASES.value),
    (_SMART, _PURPOSES),
    (_SMART, _RATE_LIMIT),
    (_SMART, _EXTERNAL_ID),
    (_V2X, "Enabled"),
)
_OF_EVSES: Final = frozenset({_ISO15118, _V2X})
"""Components that stand at each EVSE; the first one is asked for all."""


def encode_capability_queries() -> tuple[Command, ...]:
    """Return GetVariables in the order of trying: for all that is of use, then for what bounds a profile.

    A station may take fewer variables in one message than we ask for, and refuses it then.
    """
    return _queries(_MORE)


def queries_of_v21() -> tuple[Command, ...]:
    """Return :func:`encode_capability_queries` with what only OCPP 2.1 has."""
    return _queries((*_MORE, *_ONLY_V21))


def capabilities_in(payload: Payload, version: OcppVersion, voltage_v: float) -> StationCapabilities:
    """Return what a station can do; what it does not tell, or tells unreadably, is assumed cautiously."""
    told = {
        (entry["component"]["name"], entry["variable"]["name"]): entry.get("attributeValue", "").strip()
        for entry in payload["getVariableResult"]
        if entry["attributeStatus"] == "Accepted"
    }
    smart = {name: value for (component, name), value in told.items() if component == _SMART}
    cautious = StationCapabilities(version, voltage_v=voltage_v)
    units = frozenset(unit for unit in RateUnit if unit.value in _words(smart.get("RateUnit", "")))
    return StationCapabilities(
        version=version,
        rate_units=units or cautious.rate_units,
        max_stack_level=count_from(smart, "ProfileStackLevel", 0, cautious.max_stack_level),
        max_periods=count_from(smart, "PeriodsPerSchedule", 1, cautious.max_periods),
        max_profiles=count_from(smart, _ENTRIES, 1, cautious.max_profiles),
        voltage_v=voltage_v,
        is_smart=not ({"false"} & {smart.get(name, "").lower() for name in ("Available", "Enabled")}),
        supply_phases=_supply_phases(told.get((_STATION, "SupplyPhases"), "")),
        switches_phases=_is_true(smart, "Phases3to1"),
        chooses_phase=_is_true(smart, "ACPhaseSwitchingSupported"),
        limit_change_percent=_percent(smart),
        tells_external_schedules=_is_true(smart, "NotifyChargingLimitWithSchedules"),
        obeys_external_signals=_is_true(smart, "ExternalControlSignalsEnabled"),
        takes_dynamic=_is_true(smart, _DYNAMIC),
        features=frozenset(_features(told, smart)),
        update_pause_s=count_from(smart, _RATE_LIMIT, 0, cautious.update_pause_s),
        max_external_id=_external_id(smart),
    )


def _queries(more: Iterable[Asked]) -> tuple[Command, ...]:
    """Return the question for what bounds a profile, and before it the one for more."""
    least = [_asked(_SMART, {"name": name}) for name in _LEAST]
    least.append(_asked(_SMART, {"name": _ENTRIES, "instance": _ENTRIES_INSTANCE}))
    further = [_asked(component, {"name": name}) for component, name in more]
    return (
        Command("GetVariables", {"getVariableData": [*least, *further]}),
        Command("GetVariables", {"getVariableData": least}),
    )


def _asked(component: str, variable: Payload) -> Payload:
    place = {"evse": {"id": 1}} if component in _OF_EVSES else {}
    return {"component": place | {"name": component}, "variable": variable}


def _features(told: Mapping[Asked, str], smart: Mapping[str, str]) -> Iterable[Feature]:
    """Return what a station can do besides."""
    purposes = _words(smart.get(_PURPOSES, ""))
    for feature in Feature:
        component, _, variable = feature.value.rpartition(".")
        list_of, _, purpose = feature.value.partition(": ")
        if list_of == _PURPOSES:
            is_told = purpose in purposes
        else:
            is_told = told.get((component or _SMART, variable), "").lower() == "true"
        if is_told:
            yield feature


def _words(text: str) -> frozenset[str]:
    """Return the words of a list."""
    return frozenset(word.strip() for word in text.split(","))


def _is_true(values: Mapping[str, str], name: str) -> bool:
    return values.get(name, "").lower() == "true"


def _percent(values: Mapping[str, str]) -> float | None:
    percent = number_from(values.get("LimitChangeSignificance", ""))
    return percent if math.isfinite(percent) and percent >= 0 else None


def _supply_phases(text: str) -> int | None:
    """Return the phases of the station's connection, 0 for DC."""
    told = count_from({"": text}, "", 0, -1)
    return told if 0 <= told <= N_PHASES else None


def _external_id(values: Mapping[str, str]) -> int | None:
    told = count_from(values, _EXTERNAL_ID, 0, -1)
    return None if told < 0 else told
