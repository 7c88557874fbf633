"""Messages of a station as events."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from api.ocpp.events import (
    AuthorizeRequested,
    Booted,
    ChargingState,
    ConnectorStatus,
    HeartbeatReceived,
    MeterValuesReceived,
    MonitorsTold,
    StationEvent,
    StatusChanged,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from api.ocpp.metering import MeterReading, Sample, number_from, reading_from_samples
from api.ocpp.notices import Noticed
from api.ocpp.since_v201 import notices
from api.ocpp.wire import Payload, parse_time

_STATES: Final = frozenset({"Available", "Occupied", "Reserved", "Unavailable", "Faulted"})
"""Of the variable AvailabilityState."""


def _booted(payload: Payload) -> Booted:
    station = payload["chargingStation"]
    return Booted(
        vendor=station["vendorName"],
        model=station["model"],
        serial_number=station.get("serialNumber"),
        firmware_version=station.get("firmwareVersion"),
        reason=payload["reason"],
    )


def _status_changed(payload: Payload) -> StatusChanged:
    return StatusChanged(
        evse_number=int(payload["evseId"]),
        connector_number=int(payload["connectorId"]),
        status=ConnectorStatus(payload["connectorStatus"]),
        at=parse_time(payload["timestamp"]),
    )


def _monitors_told(payload: Payload) -> MonitorsTold:
    return MonitorsTold(
        payload, tuple(_availability(told) for told in payload["eventData"] if _is_availability(told))
    )


def _is_availability(told: Payload) -> bool:
    """Tell whether an event is the state of a connector, or of the station itself."""
    component = told["component"]
    is_place = component["name"] == "ChargingStation" or (
        component["name"] == "Connector" and "connectorId" in component.get("evse", {})
    )
    is_state = told["variable"]["name"] == "AvailabilityState" and told["actualValue"] in _STATES
    return is_place and is_state


def _availability(told: Payload) -> StatusChanged:
    evse = told["component"].get("evse", {})
    is_connector = told["component"]["name"] == "Connector"
    return StatusChanged(
        evse_number=int(evse["id"]) if is_connector else 0,
        connector_number=int(evse["connectorId"]) if is_connector else 0,
        status=ConnectorStatus(told["actualValue"]),
        error_code=told.get("techCode"),
        at=parse_time(told["timestamp"]),
    )


def _transaction_event(payload: Payload) -> StationEvent:
    match payload["eventType"]:
        case "Started":
            return _started(payload)
        case "Ended":
            return _ended(payload)
        case _:
            return _updated(payload)


def _started(payload: Payload) -> TransactionStarted:
    evse = payload.get("evse", {})
    readings = _readings(payload.get("meterValue", ()))
    return TransactionStarted(
        evse_number=int(evse.get("id", 0)),
        at=parse_time(payload["timestamp"]),
        transaction_id=payload["transactionInfo"]["transactionId"],
        id_token=_id_token(payload),
        meter_start_kwh=next((r.energy_kwh for r in readings if r.energy_kwh is not None), None),
        connector_number=int(evse["connectorId"]) if "connectorId" in evse else None,
        charging_state=_charging_state(payload),
        offline=payload.get("offline", False),
        readings=readings,
        seq_no=payload["seqNo"],
    )


def _updated(payload: Payload) -> TransactionUpdated:
    return TransactionUpdated(
        transaction_id=payload["transactionInfo"]["transactionId"],
        at=parse_time(payload["timestamp"]),
        evse_number=_evse_number(payload),
        id_token=_id_token(payload),
        charging_state=_charging_state(payload),
        offline=payload.get("offline", False),
        readings=_readings(payload.get("meterValue", ())),
        seq_no=payload["seqNo"],
    )


def _ended(payload: Payload) -> TransactionEnded:
    readings = _readings(payload.get("meterValue", ()))
    return TransactionEnded(
        transaction_id=payload["transactionInfo"]["transactionId"],
        at=parse_time(payload["timestamp"]),
        evse_number=_evse_number(payload),
        id_token=_id_token(payload),
        meter_stop_kwh=next((r.energy_kwh for r in reversed(readings) if r.energy_kwh is not None), None),
        reason=payload["transactionInfo"].get("stoppedReason", "Local"),
        offline=payload.get("offline", False),
        readings=readings,
        seq_no=payload["seqNo"],
    )


def _evse_number(payload: Payload) -> int | None:
    return int(payload["evse"]["id"]) if "evse" in payload else None


def _id_token(payload: Payload) -> str | None:
    token = payload.get("idToken")
    return None if token is None else str(token["idToken"])


def _charging_state(payload: Payload) -> ChargingState | None:
    state = payload["transactionInfo"].get("chargingState")
    return None if state is None else ChargingState(state)


def _readings(meter_values: list[Payload] | tuple[()]) -> tuple[MeterReading, ...]:
    """Return one reading for each time."""
    return tuple(
        reading_from_samples(parse_time(entry["timestamp"]), map(_sample, entry["sampledValue"]))
        for entry in meter_values
    )


def _sample(value: Payload) -> Sample:
    unit = value.get("unitOfMeasure", {})
    return Sample(
        measurand=value.get("measurand", "Energy.Active.Import.Register"),
        value=number_from(value["value"]) * 10.0 ** max(-30, min(30, unit.get("multiplier", 0))),
        unit=unit.get("unit"),
        phase=value.get("phase"),
    )


DECODERS: Final[Mapping[str, Callable[[Payload], StationEvent]]] = MappingProxyType(
    {
        "BootNotification": _booted,
        "Heartbeat": lambda _: HeartbeatReceived(),
        "StatusNotification": _status_changed,
        "NotifyEvent": _monitors_told,
        "Authorize": lambda payload: AuthorizeRequested(payload["idToken"]["idToken"]),
        "TransactionEvent": _transaction_event,
        "MeterValues": lambda payload: MeterValuesReceived(
            int(payload["evseId"]), _readings(payload["meterValue"])
        ),
    }
)
"""Messages about boots, connectors and transactions, by action."""

INCOMING_ACTIONS: Final = frozenset(DECODERS) | frozenset(notices.DECODERS) | notices.NOTED | notices.REPORTS
"""What a station may call in both versions."""


def decode_event(action: str, payload: Payload) -> StationEvent:
    """Return a valid message of a station as an event.

    The action is one of :data:`INCOMING_ACTIONS`.
    """
    decoder = DECODERS.get(action) or notices.DECODERS.get(action)
    if decoder is not None:
        return decoder(payload)
    return notices.report_part(action, payload) if action in notices.REPORTS else Noticed(action, payload)
