"""Orders in the words of OCPP 1.6; an EVSE is a connector here."""

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
from api.ocpp.wire import Command, given
from models.errors import InvalidInputError, Issue

_MESSAGES: Final = MappingProxyType(
    {
        Asked.BOOT: "BootNotification",
        Asked.HEARTBEAT: "Heartbeat",
        Asked.STATUS: "StatusNotification",
        Asked.METER: "MeterValues",
        Asked.FIRMWARE: "FirmwareStatusNotification",
    }
)
_EXTENDED: Final = MappingProxyType(
    {Asked.LOG: "LogStatusNotification", Asked.CERTIFICATE: "SignChargePointCertificate"}
)
"""Only the security extension knows these, and asks for them by a message of its own."""


def encode(order: Order) -> tuple[Command, ...]:
    """Return the commands that carry out an order, one after the other.

    Raises
    ------
    InvalidInputError
        OCPP 1.6 cannot say it.
    """
    if isinstance(order, WriteVariables):  # one key a message
        settings = ({"key": name, "value": value} for name, value in order.values)
        return tuple(Command("ChangeConfiguration", setting) for setting in settings)
    return (_ENCODERS[type(order)](order),)


def _start(order: StartOrder) -> Command:
    return Command(
        "RemoteStartTransaction", given({"connectorId": order.evse_number, "idTag": order.id_token})
    )


def _stop(order: StopOrder) -> Command:
    number = order.transaction_id
    if not (number.isascii() and number.removeprefix("-").isdecimal()):
        raise InvalidInputError((Issue("transaction_id", "is no number, as transactions of OCPP 1.6 have"),))
    return Command("RemoteStopTransaction", {"transactionId": int(number)})


def _reset(order: ResetOrder) -> Command:
    if order.evse_number:
        raise InvalidInputError((Issue("evse", "OCPP 1.6 resets the whole station only"),))
    return Command("Reset", {"type": "Hard" if order.kind is ResetKind.AT_ONCE else "Soft"})


def _trigger(order: TriggerOrder) -> Command:
    if order.asked in _MESSAGES:
        asked = {"requestedMessage": _MESSAGES[order.asked], "connectorId": order.evse_number}
        return Command("TriggerMessage", given(asked))
    if order.asked in _EXTENDED:
        asked = {"requestedMessage": _EXTENDED[order.asked], "connectorId": order.evse_number}
        return Command("ExtendedTriggerMessage", given(asked))
    raise InvalidInputError((Issue("message", f"OCPP 1.6 cannot ask for {order.asked.value!r}"),))


def _unlock(order: UnlockOrder) -> Command:
    return Command("UnlockConnector", {"connectorId": order.evse_number})


def _availability(order: AvailabilityOrder) -> Command:
    kind = "Operative" if order.is_operative else "Inoperative"
    return Command("ChangeAvailability", {"connectorId": order.evse_number or 0, "type": kind})


def _composite(order: CompositeOrder) -> Command:
    unit = None if order.unit is None else order.unit.value
    asked = {"connectorId": order.evse_number, "duration": order.duration_s, "chargingRateUnit": unit}
    return Command("GetCompositeSchedule", given(asked))


def _read(order: ReadVariables) -> Command:
    return Command("GetConfiguration", {"key": list(order.names)} if order.names else {})


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
    }
)
