"""Requests to set a profile that break one requirement each, and those that break none."""

import copy
from typing import Any

PERIOD: dict[str, Any] = {"startPeriod": 0, "limit": 16.0, "numberPhases": 3}
OLD_PROFILE: dict[str, Any] = {
    "chargingProfileId": 5,
    "transactionId": 7,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {
        "duration": 3600,
        "startSchedule": "2024-05-01T12:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [PERIOD, {"startPeriod": 900, "limit": 10.0}],
    },
}
NEW_PROFILE: dict[str, Any] = {
    "id": 5,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Absolute",
    "transactionId": "tx-7",
    "chargingSchedule": [{"id": 1} | OLD_PROFILE["chargingSchedule"]],
}
CAN: dict[str, Any] = {
    "rate_units": ["A", "W"],
    "max_stack_level": 3,
    "max_periods": 4,
    "max_profiles": 5,
    "phases_3_to_1": True,
    "ac_phase_switching": True,
    "dynamic_profiles": True,
    "use_local_time": True,
    "randomized_delay": True,
    "limit_at_soc": True,
    "evse_sleep": True,
    "additional_purposes": ["PriorityCharging", "LocalGeneration"],
    "update_rate_limit_s": 10,
    "max_external_constraints_id": 0,
}
SUN = {"chargingProfilePurpose": "LocalGeneration", "transactionId": None}
PRIORITY = {"chargingProfilePurpose": "PriorityCharging", "transactionId": None}
DEFAULT = {"chargingProfilePurpose": "TxDefaultProfile", "transactionId": None}
OLD_MAX = {"chargingProfilePurpose": "ChargePointMaxProfile", "transactionId": None}
NEW_MAX = {"chargingProfilePurpose": "ChargingStationMaxProfile", "transactionId": None}
OUTSIDE = {"chargingProfilePurpose": "ChargingStationExternalConstraints", "transactionId": None}
FREQUENCY: dict[str, Any] = {
    "operationMode": "LocalFrequency",
    "numberPhases": 3,
    "v2xBaseline": 0,
    "v2xFreqWattCurve": [{"frequency": 49.8, "power": -100}, {"frequency": 50.2, "power": 100}],
}


def case_of(version):
    """A request that every station of this case takes."""
    is_16 = version == "1.6"
    request = (
        {"connectorId": 1, "csChargingProfiles": OLD_PROFILE}
        if is_16
        else {"evseId": 1, "chargingProfile": NEW_PROFILE}
    )
    return copy.deepcopy(
        {
            "version": version,
            "now": "2024-05-01T12:00:00Z",
            "request": request,
            "station": {"n_evses": 2},
            "capabilities": CAN,
            "transactions": [{"evse": 1, "id": 7 if is_16 else "tx-7"}],
            "profiles": [],
        }
    )


def broken(case, profile=(), schedule=(), periods=None, evse=None, **more):
    """Change a case: members of the profile, of its schedule, its periods, its EVSE, of the case itself."""
    request = case["request"]
    inner = request.get("csChargingProfiles") or request["chargingProfile"]
    inner |= dict(profile)
    one = (
        inner["chargingSchedule"][0]
        if isinstance(inner["chargingSchedule"], list)
        else inner["chargingSchedule"]
    )
    one |= dict(schedule)
    if periods is not None:
        one["chargingSchedulePeriod"] = periods
    for part in (inner, one):
        for name in [name for name, value in part.items() if value is None]:
            del part[name]
    if evse is not None:
        request["connectorId" if "connectorId" in request else "evseId"] = evse
    return case | more


def held(version, evse, **profile):
    """An installed profile under another number."""
    base = copy.deepcopy(OLD_PROFILE if version == "1.6" else NEW_PROFILE)
    base |= {"chargingProfileId" if version == "1.6" else "id": 9} | profile
    base = {name: value for name, value in base.items() if value is not None}
    name = "csChargingProfiles" if version == "1.6" else "chargingProfile"
    return {"connectorId" if version == "1.6" else "evseId": evse, name: base}


def start_request(case, **profile):
    """The same profile with a remote start."""
    inner = case["request"].get("csChargingProfiles") or case["request"]["chargingProfile"]
    inner |= profile
    inner = {name: value for name, value in inner.items() if value is not None}
    if case["version"] == "1.6":
        return {"connectorId": 1, "idTag": "A", "chargingProfile": inner}
    token = {"idToken": "A", "type": "Central"}
    return {"evseId": 1, "remoteStartId": 3, "idToken": token, "chargingProfile": inner}


RELATIVE = {"chargingProfileKind": "Relative"}
RECURRING = {"chargingProfileKind": "Recurring"}
THREE = [PERIOD, PERIOD | {"startPeriod": 60}, PERIOD | {"startPeriod": 120}]
IN_OLD: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({"evse": 0}, {"C2"}),
    ({"profile": OLD_MAX}, {"C2"}),
    ({"transactions": []}, {"C2"}),
    ({"profile": {"transactionId": None}}, {"C3"}),
    ({"profile": {"transactionId": 8}}, {"C3"}),
    ({"profile": {"chargingProfilePurpose": "TxDefaultProfile"}}, {"C3"}),
    ({"offline_starts": [7]}, {"C4"}),
    ({"schedule": {"startSchedule": None}}, {"C5"}),
    ({"profile": RELATIVE}, {"C5"}),
    ({"profile": RECURRING}, {"C5"}),
    ({"profile": {"recurrencyKind": "Daily"}}, {"C5"}),
    ({"periods": [PERIOD | {"startPeriod": 1}]}, {"C6"}),
    ({"periods": [PERIOD, PERIOD]}, {"C6"}),
    ({"periods": [PERIOD | {"limit": 7.25}]}, {"C7"}),
    ({"schedule": {"minChargingRate": 6.01}}, {"C7"}),
    ({"schedule": {"chargingRateUnit": "W"}, "capabilities": CAN | {"rate_units": ["A"]}}, {"C8"}),
    ({"periods": [PERIOD | {"numberPhases": 4}]}, {"C9"}),
    (
        {
            "periods": [PERIOD, PERIOD | {"startPeriod": 9, "numberPhases": 1}],
            "capabilities": CAN | {"phases_3_to_1": False},
        },
        {"C9"},
    ),
    ({"profile": {"validFrom": "2024-05-02T00:00:00Z", "validTo": "2024-05-02T00:00:00Z"}}, {"C10"}),
    ({"profile": {"stackLevel": 4}}, {"C11"}),
    ({"profile": {"stackLevel": -1}}, {"C11"}),
    ({"periods": THREE, "capabilities": CAN | {"max_periods": 2}}, {"C11"}),
    ({"profiles": [held("1.6", 2)], "capabilities": CAN | {"max_profiles": 1}}, {"C11"}),
    ({"evse": 3}, {"C2", "C23"}),
    ({"capabilities": CAN | {"smart_charging": False}}, {"C23"}),
    ({"profile": {"chargingProfilePurpose": "Wrong"}}, {"C23"}),
    ({"profile": {"unknown": 1}}, {"schema"}),
)
IN_BOTH: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({"profile": {"transactionId": None}}, {"K01.FR.03"}),
    ({"profile": {"chargingProfilePurpose": "TxDefaultProfile"}}, {"K01.FR.03"}),
    ({"profiles": [held("2", 0, **OUTSIDE, id=5)]}, {"K01.FR.05"}),
    ({"profile": DEFAULT, "profiles": [held("2", 1, **DEFAULT)]}, {"K01.FR.06"}),
    ({"profile": NEW_MAX, "evse": 0, "profiles": [held("2", 0, **NEW_MAX)]}, {"K01.FR.06"}),
    ({"transactions": []}, {"K01.FR.09"}),
    ({"profile": {"transactionId": "tx-8"}}, {"K01.FR.33"}),
    ({"evse": 0}, {"K01.FR.16"}),
    ({"periods": [PERIOD | {"phaseToUse": 1}]}, {"K01.FR.19", "K01.FR.48"}),
    (
        {
            "periods": [PERIOD | {"numberPhases": 1, "phaseToUse": 1}],
            "capabilities": CAN | {"ac_phase_switching": False},
        },
        {"K01.FR.20", "K01.FR.48"},
    ),
    ({"profile": OUTSIDE, "evse": 0}, {"K01.FR.22"}),
    ({"profile": NEW_MAX}, {"K01.FR.27", "K04.FR.03"}),
    ({"evse": 3}, {"K01.FR.28", "K01.FR.09"}),
    ({"capabilities": CAN | {"smart_charging": False}}, {"K01.FR.29"}),
    ({"periods": [PERIOD | {"startPeriod": 1}]}, {"K01.FR.31"}),
    ({"periods": [PERIOD, PERIOD]}, {"K01.FR.35"}),
    (
        {"profile": NEW_MAX | RELATIVE, "evse": 0, "schedule": {"startSchedule": None}},
        {"K01.FR.38"},
    ),
    ({"profiles": [held("2", 1)]}, {"K01.FR.39"}),
    ({"schedule": {"startSchedule": None}}, {"K01.FR.40"}),
    (
        {"profile": RECURRING | {"recurrencyKind": "Daily"}, "schedule": {"startSchedule": None}},
        {"K01.FR.40"},
    ),
    ({"profile": RELATIVE}, {"K01.FR.41"}),
    ({"station": {"n_evses": 2, "current_type": "DC"}}, {"K01.FR.44"}),
    ({"station": {"n_evses": 2, "phases": 1}}, {"K01.FR.45"}),
    ({"capabilities": CAN | {"ChargingStation.SupplyPhases": "1"}}, {"K01.FR.45"}),
    ({"capabilities": CAN | {"SupplyPhases": 0}}, {"K01.FR.44"}),
    ({"profile": DEFAULT, "evse": 0, "profiles": [held("2", 1, **DEFAULT)]}, {"K01.FR.52"}),
    ({"profile": DEFAULT, "profiles": [held("2", 0, **DEFAULT)]}, {"K01.FR.53"}),
    ({"profile": {"stackLevel": 4}}, {"C11"}),
    ({"profile": {"recurrencyKind": "Daily"}}, {"C5"}),
    ({"profile": {"validFrom": "2024-05-02T00:00:00Z", "validTo": "2024-05-01T00:00:00Z"}}, {"C10"}),
    ({"periods": [PERIOD | {"limit": 7.25}]}, {"C7"}),
)
IN_NEW: tuple[tuple[dict[str, Any], set[str]], ...] = (
    ({"profile": SUN, "capabilities": CAN | {"additional_purposes": []}}, {"K01.FR.120"}),
    (
        {
            "profile": {"chargingProfileKind": "Dynamic"},
            "periods": [PERIOD],
            "capabilities": CAN | {"dynamic_profiles": False},
        },
        {"K01.FR.121"},
    ),
    ({"profile": {"dynUpdateInterval": 60}}, {"K01.FR.122"}),
    ({"profile": {"dynUpdateTime": "2024-05-01T12:00:00Z"}}, {"K01.FR.122"}),
    ({"profile": {"chargingProfileKind": "Dynamic"}}, {"K28.FR.02"}),
    (
        {
            "schedule": {"useLocalTime": True},
            "capabilities": CAN | {"use_local_time": False},
        },
        {"K01.FR.123"},
    ),
    (
        {"schedule": {"randomizedDelay": 60}, "capabilities": CAN | {"randomized_delay": False}},
        {"K01.FR.124"},
    ),
    (
        {
            "schedule": {"limitAtSoC": {"soc": 80, "limit": 6}},
            "capabilities": CAN | {"limit_at_soc": False},
        },
        {"K01.FR.125"},
    ),
    (
        {"periods": [PERIOD | {"evseSleep": True}], "capabilities": CAN | {"evse_sleep": False}},
        {"K01.FR.126"},
    ),
    (
        {"schedule": {"chargingRateUnit": "W"}, "capabilities": CAN | {"rate_units": ["A"]}},
        {"K01.FR.26", "K01.FR.54"},
    ),
    ({"last_accepted": [{"purpose": "TxProfile", "at": "2024-05-01T11:59:55Z"}]}, {"K01.FR.56"}),
    ({"profile": PRIORITY}, {"K01.FR.70"}),
    (
        {
            "profile": PRIORITY,
            "schedule": {"duration": None},
            "periods": [{"startPeriod": 0, "operationMode": "Idle"}],
        },
        {"K01.FR.71"},
    ),
    ({"profile": {"id": 0}}, {"K01.FR.81"}),
    ({"profile": NEW_MAX, "evse": 0, "schedule": {"randomizedDelay": 5}}, {"K01.FR.95"}),
    ({"periods": [{"startPeriod": 0, "numberPhases": 3}]}, {"K01.FR.110"}),
    ({"periods": [PERIOD | {"setpoint": 5}]}, {"K01.FR.110"}),
    (
        {
            "profile": NEW_MAX,
            "evse": 0,
            "periods": [{"startPeriod": 0, "operationMode": "LocalLoadBalancing"}],
        },
        {"K01.FR.110"},
    ),
    (
        {
            "schedule": {"chargingRateUnit": "W"},
            "periods": [
                {"startPeriod": 0} | FREQUENCY | {"v2xFreqWattCurve": FREQUENCY["v2xFreqWattCurve"][:1]}
            ],
        },
        {"Q08.FR.02"},
    ),
    (
        {"schedule": {"chargingRateUnit": "W"}, "periods": [{"startPeriod": 0} | FREQUENCY | {"limit": 10}]},
        {"Q08.FR.04"},
    ),
    ({"periods": [{"startPeriod": 0} | FREQUENCY]}, {"Q08.FR.05"}),
    (
        {
            "periods": [
                {
                    "startPeriod": 0,
                    "operationMode": "CentralSetpoint",
                    "setpoint": 5,
                    "setpoint_L2": -5,
                    "setpoint_L3": 5,
                }
            ]
        },
        {"Q10.FR.01", "Q10.FR.02"},
    ),
    ({"profile": {"maxOfflineDuration": -1}}, {"Q11"}),
    ({"profile": {"invalidAfterOfflineDuration": True}}, {"Q12"}),
)
REASONS: dict[str, set[str | None]] = {
    "K01.FR.03": {"MissingParam", None},
    "K01.FR.05": {"InvalidProfileId"},
    "K01.FR.06": {"DuplicateProfile"},
    "K01.FR.09": {"TxNotFound"},
    "K01.FR.33": {"TxNotFound"},
    "K01.FR.19": {"InvalidSchedule"},
    "K01.FR.20": {"InvalidSchedule"},
    "K01.FR.48": {"InvalidSchedule"},
    "K01.FR.26": {"UnsupportedRateUnit"},
    "K01.FR.31": {"InvalidSchedule"},
    "K01.FR.35": {"InvalidSchedule"},
    "K01.FR.39": {"InvalidStackLevel"},
    "K01.FR.40": {"InvalidSchedule"},
    "K01.FR.41": {"InvalidSchedule"},
    "K01.FR.44": {"NoPhaseForDC"},
    "K01.FR.52": {"DuplicateProfile"},
    "K01.FR.53": {"DuplicateProfile"},
    "K01.FR.56": {"RateLimitExceeded"},
}
TABLE = (
    *(("1.6", change, numbers) for change, numbers in IN_OLD),
    *((version, change, numbers) for change, numbers in IN_BOTH for version in ("2.0.1", "2.1")),
    *(("2.1", change, numbers) for change, numbers in IN_NEW),
)
