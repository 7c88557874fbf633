"""What light stations of OCPP 1.6 say and are asked."""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

BOOT: Final = MappingProxyType({"chargePointVendor": "Gridpilot", "chargePointModel": "Light"})
N_PERIODS: Final = 24

CAPABILITIES: Final = MappingProxyType(
    {
        "configurationKey": [
            {"key": "ChargeProfileMaxStackLevel", "readonly": True, "value": "5"},
            {"key": "ChargingScheduleMaxPeriods", "readonly": True, "value": str(N_PERIODS)},
            {"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current,Power"},
        ]
    }
)

ANSWERS: Final = MappingProxyType(
    {
        "GetConfiguration": dict(CAPABILITIES),
        "ClearChargingProfile": {"status": "Unknown"},
        "SetChargingProfile": {"status": "Accepted"},
    }
)
"""What is answered to the central system; all else is accepted."""


def now_text() -> str:
    """Return the time as stations write it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def meter_values(number: int, at: str, transaction: int | None) -> dict[str, Any]:
    """Return a MeterValues of four samples, as a single-phase station sends it."""
    samples = [
        {"value": str(1_000_000 + number), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
        {"value": f"{7000 + number % 300}.5", "measurand": "Power.Active.Import", "unit": "W"},
        {"value": f"{30 + number % 2}.4", "measurand": "Current.Import", "phase": "L1", "unit": "A"},
        {"value": f"{229 + number % 3}.1", "measurand": "Voltage", "phase": "L1-N", "unit": "V"},
    ]
    for sample in samples:
        sample |= {"context": "Sample.Periodic", "location": "Outlet"}
    payload = {"connectorId": 1, "meterValue": [{"timestamp": at, "sampledValue": samples}]}
    return payload if transaction is None else payload | {"transactionId": transaction}


def start_transaction(station_id: str, at: str) -> dict[str, Any]:
    """Return a StartTransaction."""
    return {"connectorId": 1, "idTag": station_id[-20:], "meterStart": 1000, "timestamp": at}


def stop_transaction(transaction: int, at: str) -> dict[str, Any]:
    """Return a StopTransaction."""
    return {"transactionId": transaction, "meterStop": 2000, "timestamp": at}
