"""One small case for each command of smart charging, to begin with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_START: Final = "2026-03-02T18:00:00Z"

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "composite": {
            "version": "1.6",
            "now": "2026-03-02T18:10:00Z",
            "question": {"connectorId": 1, "duration": 3600, "chargingRateUnit": "A"},
            "station": {"voltage_v": 230, "phases": 3, "n_evses": 2, "max_a": 32},
            "transactions": [{"evse": 1, "id": 7, "charging_since": _START}],
            "profiles": [
                {
                    "connectorId": 0,
                    "csChargingProfiles": {
                        "chargingProfileId": 1,
                        "stackLevel": 0,
                        "chargingProfilePurpose": "ChargePointMaxProfile",
                        "chargingProfileKind": "Absolute",
                        "chargingSchedule": {
                            "startSchedule": _START,
                            "chargingRateUnit": "W",
                            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 11040}],
                        },
                    },
                },
                {
                    "connectorId": 1,
                    "csChargingProfiles": {
                        "chargingProfileId": 2,
                        "transactionId": 7,
                        "stackLevel": 1,
                        "chargingProfilePurpose": "TxProfile",
                        "chargingProfileKind": "Relative",
                        "chargingSchedule": {
                            "duration": 2700,
                            "chargingRateUnit": "A",
                            "chargingSchedulePeriod": [
                                {"startPeriod": 0, "limit": 10},
                                {"startPeriod": 1800, "limit": 20},
                            ],
                        },
                    },
                },
            ],
        },
        "check": {
            "version": "2.0.1",
            "now": _START,
            "station": {"n_evses": 1, "phases": 3},
            "capabilities": {"RateUnit": "A", "ProfileStackLevel": "3", "PeriodsPerSchedule": "24"},
            "transactions": [{"evse": 1, "id": "tx-1"}],
            "request": {
                "evseId": 1,
                "chargingProfile": {
                    "id": 5,
                    "stackLevel": 4,
                    "chargingProfilePurpose": "TxProfile",
                    "chargingProfileKind": "Absolute",
                    "transactionId": "tx-2",
                    "chargingSchedule": [
                        {
                            "id": 1,
                            "chargingRateUnit": "W",
                            "chargingSchedulePeriod": [{"startPeriod": 60, "limit": 7000}],
                        }
                    ],
                },
            },
        },
        "encode": {
            "version": "2.1",
            "start": _START,
            "step_s": 900,
            "evses": [
                {"evse": 1, "transaction": "tx-1", "limit_kw": [11.0, 7.4, 0.0]},
                {
                    "evse": 2,
                    "transaction": "tx-2",
                    "limit_kw": [11.0, 11.0, 11.0],
                    "setpoint_kw": [7.0, -5.0, -5.0],
                    "discharge_limit_kw": [0.0, -11.0, -11.0],
                },
            ],
            "floor": {"share_a": 6, "station_max_a": 32},
            "capabilities": {
                "rate_units": ["A", "W"],
                "max_stack_level": 3,
                "max_periods": 24,
                "max_profiles": 10,
                "bidirectional": True,
            },
        },
    }
)
"""By the name of the command."""
