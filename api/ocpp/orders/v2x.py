"""Orders in the words that OCPP 2.0.1 and 2.1 share."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from api.ocpp.orders.records import (
    Asked,
    AvailabilityOrder,
    CompositeOrder,
    Order,
    ReadVariables,
    ResetKind,
    ResetOrder,
    StartOrder,
    StopOrder,
    TriggerOrder,
    UnlockOrder,
    WriteVariables,
)
from api.ocpp.wire import Command, Payload, given
from models.errors import InvalidInputError, Issue

_MESSAGES: Final = MappingProxyType(
    {
        Asked.BOOT: "BootNotification",
        Asked.HEARTBEAT: "Heartbeat",
        Asked.STATUS: "StatusNotification",
        Asked.METER: "MeterValues",
        Asked.TRANSACTION: "TransactionEvent",
        Asked.FIRMWARE: "FirmwareStatusNotification",
        Asked.LOG: "LogStatusNotification",
        Asked.CERTIFICATE: "SignChargingStationCertificate",
    }
)


def encode(order: Order) -> tuple[Command, ...]:
    """Return the command that carries out an order.

    Raises
    ------
    InvalidInputError
        A variable's name is none.
    """
    return (_ENCODERS[type(order)](order),)


def _start(order: StartOrder) -> Command:
    start = {
        "evseId": order.evse_number,
        "idToken": {"idToken": order.id_token, "type": order.token_type},
        "remoteStartId": order.remote_start_id,
    }
    return Command("RequestStartTransaction", given(start))


def _stop(order: StopOrder) -> Command:
    return Command("RequestStopTransaction", {"transactionId": order.transaction_id})


def _reset(order: ResetOrder) -> Command:
    kind = "Immediate" if order.kind is ResetKind.AT_ONCE else "OnIdle"
    return Command("Reset", given({"type": kind, "evseId": order.evse_number}))


def _unlock(order: UnlockOrder) -> Command:
    return Command("UnlockConnector", {"evseId": order.evse_number, "connectorId": order.connector_number})


def _trigger(order: TriggerOrder) -> Command:
    asked = {"evse": _evse(order.evse_number), "requestedMessage": _MESSAGES[order.asked]}
    return Command("TriggerMessage", given(asked))


def _composite(order: CompositeOrder) -> Command:
    unit = None if order.unit is None else order.unit.value
    asked = {"duration": order.duration_s, "chargingRateUnit": unit, "evseId": order.evse_number}
    return Command("GetCompositeSchedule", given(asked))


def _read(order: ReadVariables) -> Command:
    if not order.names:
        raise InvalidInputError((Issue("read", "OCPP 2.x tells all variables in a report only"),))
    return Command("GetVariables", {"getVariableData": [_variable(name) for name in order.names]})


def _write(order: WriteVariables) -> Command:
    data = [{"attributeValue": value} | _variable(name) for name, value in order.values]
    return Command("SetVariables", {"setVariableData": data})


def _availability(order: AvailabilityOrder) -> Command:
    kind = "Operative" if order.is_operative else "Inoperative"
    evse = _evse(order.evse_number, order.connector_number)
    return Command("ChangeAvailability", given({"evse": evse, "operationalStatus": kind}))


def _evse(number: int | None, connector: int | None = None) -> Payload | None:
    return None if not number else given({"id": number, "connectorId": connector})


def _variable(name: str) -> Payload:
    """Return component and variable of a name such as ``EVSE/1.Power``."""
    component, dot, variable = name.partition(".")
    kind, *places = component.split("/")
    if not (dot and kind and variable and len(places) <= 2) or not all(p.isdecimal() for p in places):  # noqa: PLR2004 - EVSE and connector
        what = f"{name!r} is not `Component.Variable`, `Component/evse.Variable` or `Component/evse/connector.Variable`"
        raise InvalidInputError((Issue("name", what),))
    evse = _evse(*map(int, places)) if places else None
    return {"component": given({"evse": evse, "name": kind}), "variable": {"name": variable}}


_ENCODERS: Final[Mapping[type, Callable[[Any], Command]]] = MappingProxyType(
    {
        StartOrder: _start,
        StopOrder: _stop,
        ResetOrder: _reset,
        UnlockOrder: _unlock,
        AvailabilityOrder: _availability,
        TriggerOrder: _trigger,
        CompositeOrder: _composite,
        ReadVariables: _read,
        WriteVariables: _write,
    }
)
