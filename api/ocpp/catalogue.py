"""Which messages each version of OCPP has, and which of them the central system sends.

The lists come from the schemas that the ``ocpp`` package ships: what the package learns, we can send. Only who
may call what is written here, since no schema says it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from api.ocpp.capabilities import OcppVersion

_FOLDERS: Final = MappingProxyType({OcppVersion.V16: "v16", OcppVersion.V201: "v201", OcppVersion.V21: "v21"})
_BY_BOTH: Final = frozenset({"DataTransfer", "NotifyWebPaymentStarted"})
"""Data go both ways; of the second peers disagree who tells whom, so it is sent and heard."""

_BY_STATION: Final = frozenset(
    {
        "Authorize",
        "BatterySwap",
        "BootNotification",
        "ClearedChargingLimit",
        "ClosePeriodicEventStream",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateChainStatus",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyPriorityCharging",
        "NotifyReport",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "PublishFirmwareStatusNotification",
        "PullDynamicScheduleUpdate",
        "ReportChargingProfiles",
        "ReportDERControl",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "SignedFirmwareStatusNotification",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
        "VatNumberValidation",
    }
)
"""What only a station calls, in any version."""

_SENT_UNANSWERED: Final = frozenset({"NotifyPeriodicEventStream"})
_REQUEST: Final = "Request"
_RESPONSE: Final = "Response"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The messages of every version.

    Parameters
    ----------
    calls : mapping of OcppVersion to frozenset of str
        Every call, whoever makes it.
    """

    calls: Mapping[OcppVersion, frozenset[str]]

    @classmethod
    def read(cls) -> "Catalogue":
        """Return the catalogue of the schemas that are installed."""
        return cls(MappingProxyType({version: _calls(version) for version in OcppVersion}))

    def commands(self, version: OcppVersion) -> frozenset[str]:
        """Return what the central system may ask of a station."""
        return self.calls[version] - _BY_STATION

    def by_station(self, version: OcppVersion) -> frozenset[str]:
        """Return what a station may ask of the central system."""
        return self.calls[version] & (_BY_STATION | _BY_BOTH)

    @property
    def actions(self) -> frozenset[str]:
        """Every message of any version, also the one that gets no answer."""
        return _SENT_UNANSWERED.union(*self.calls.values())


def _calls(version: OcppVersion) -> frozenset[str]:
    """Return the calls of a version: what has a schema of its answer."""
    folder = resources.files("ocpp").joinpath(_FOLDERS[version], "schemas")
    names = {file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json")}
    answered = {name.removesuffix(_RESPONSE) for name in names if name.endswith(_RESPONSE)}
    return frozenset(answer for answer in answered if answer in names or answer + _REQUEST in names)


def request_schema(version: OcppVersion, action: str) -> dict[str, Any]:
    """Return the schema of a call; the action is one of the catalogue."""
    folder = resources.files("ocpp").joinpath(_FOLDERS[version], "schemas")
    files = (folder.joinpath(f"{action}{suffix}.json") for suffix in ("", _REQUEST))
    file = next(file for file in files if file.is_file())
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8-sig"))
    return schema
