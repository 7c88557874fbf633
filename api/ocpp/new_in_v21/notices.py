"""What a station tells or asks in OCPP 2.1, as events."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from api.ocpp.events import StationEvent
from api.ocpp.notices import (
    ChainLink,
    ChainStatusAsked,
    DynamicUpdateAsked,
    EventStreamOpened,
    Notice,
    Noticed,
    VatNumberAsked,
)
from api.ocpp.since_v201 import messages
from api.ocpp.since_v201.notices import certificate_hash, report_part
from api.ocpp.wire import Payload

SENT_ACTIONS: Final = frozenset({"NotifyPeriodicEventStream"})
"""What a station may send without waiting for an answer."""

_NOTED: Final = frozenset(
    {
        "BatterySwap",
        "ClosePeriodicEventStream",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyPriorityCharging",
        "NotifySettlement",
        "NotifyWebPaymentStarted",
    }
)
"""Messages that are acknowledged and kept as they came."""

_REPORTS: Final = frozenset({"ReportDERControl"})


def decode_event(action: str, payload: Payload) -> StationEvent:
    """Return a valid message of a station as an event.

    The action is one of :data:`INCOMING_ACTIONS` or :data:`SENT_ACTIONS`.
    """
    if action in messages.INCOMING_ACTIONS:
        return messages.decode_event(action, payload)
    if action in _REPORTS:
        return report_part(action, payload)
    decoder = _DECODERS.get(action)
    return Noticed(action, payload) if decoder is None else decoder(payload)


def _chain_status(payload: Payload) -> ChainStatusAsked:
    links = (
        ChainLink(certificate_hash(link["certificateHashData"]), link["source"], tuple(link["urls"]))
        for link in payload["certificateStatusRequests"]
    )
    return ChainStatusAsked(tuple(links))


def _vat_number(payload: Payload) -> VatNumberAsked:
    evse_number = payload.get("evseId")
    return VatNumberAsked(payload["vatNumber"], None if evse_number is None else int(evse_number))


def _stream_opened(payload: Payload) -> EventStreamOpened:
    stream = payload["constantStreamData"]
    params = stream["params"]
    interval_s, values = params.get("interval"), params.get("values")
    return EventStreamOpened(
        stream_id=int(stream["id"]),
        monitoring_id=int(stream["variableMonitoringId"]),
        interval_s=None if interval_s is None else int(interval_s),
        values=None if values is None else int(values),
    )


_DECODERS: Final[Mapping[str, Callable[[Payload], Notice]]] = MappingProxyType(
    {
        "GetCertificateChainStatus": _chain_status,
        "OpenPeriodicEventStream": _stream_opened,
        "PullDynamicScheduleUpdate": lambda payload: DynamicUpdateAsked(int(payload["chargingProfileId"])),
        "VatNumberValidation": _vat_number,
    }
)

INCOMING_ACTIONS: Final = messages.INCOMING_ACTIONS | frozenset(_DECODERS) | _NOTED | _REPORTS
"""What a station may call."""
