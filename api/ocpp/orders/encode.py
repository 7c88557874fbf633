"""From an order to commands of the version that a station speaks, and back from its answers to one word."""

from dataclasses import dataclass, field
from typing import Any, Final

from api.ocpp.capabilities import OcppVersion
from api.ocpp.dialects import DIALECTS
from api.ocpp.orders import v2x, v16
from api.ocpp.orders.records import ClearProfilesOrder, Order, ReadVariables, WriteVariables
from api.ocpp.wire import Command, Payload

_GOOD: Final = frozenset({"Accepted", "Scheduled", "Unlocked", "RebootRequired"})
_NOTHING_TO_DO: Final = frozenset({"Unknown"})
"""Answer to a clearing that found nothing, which is no fault (1.6 E3.25, 2.0.1 K10)."""


def commands_of(order: Order, version: OcppVersion) -> tuple[Command, ...]:
    """Return the commands that carry out an order, one after the other.

    Raises
    ------
    InvalidInputError
        The version cannot say it.
    """
    if isinstance(order, ClearProfilesOrder):
        return (DIALECTS[version].encode_clear_profiles(order.selection),)
    return v16.encode(order) if version is OcppVersion.V16 else v2x.encode(order)


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What a station says to an order.

    Parameters
    ----------
    is_accepted : bool
    status : str
        Its own word; of several the first that is not good.
    reason : str or None
        Its reason, which only 2.x gives.
    values : mapping of str to str or None
        Variables that were read.
    schedule : dict or None
        The composite schedule, as it came.
    """

    is_accepted: bool
    status: str
    reason: str | None = None
    values: dict[str, str | None] = field(default_factory=dict)
    schedule: Payload | None = None


def answer_of(order: Order, answers: tuple[Payload, ...]) -> OrderAnswer:
    """Return what the answers of a station come to."""
    if isinstance(order, ReadVariables):
        return _read(answers[0])
    if isinstance(order, WriteVariables):
        results = [result for answer in answers for result in answer.get("setVariableResult", (answer,))]
        words = [result.get("attributeStatus") or result.get("status") for result in results]
    else:
        results, words = list(answers), [answer.get("status") for answer in answers]
    status = next((str(word) for word in words if word not in _GOOD), str(words[0] if words else ""))
    good = _GOOD | _NOTHING_TO_DO if isinstance(order, ClearProfilesOrder) else _GOOD
    schedule = next((a.get("schedule") or a.get("chargingSchedule") for a in answers), None)
    return OrderAnswer(status in good, status, _reason(results), schedule=schedule)


def _read(answer: Payload) -> OrderAnswer:
    """Return the variables that were read, of either form."""
    values: dict[str, str | None] = {}
    for entry in answer.get("configurationKey", ()):
        values[entry["key"]] = entry.get("value")
    results = answer.get("getVariableResult", ())
    for result in results:
        values[_name_of(result)] = result.get("attributeValue")
    missing = [str(key) for key in answer.get("unknownKey", ())]
    refused = [r["attributeStatus"] for r in results if r["attributeStatus"] != "Accepted"]
    status = "UnknownKey" if missing else (refused[0] if refused else "Accepted")
    reason = f"unknown: {', '.join(missing)}" if missing else None
    return OrderAnswer(status == "Accepted", status, reason, values)


def _name_of(result: Payload) -> str:
    component = result["component"]
    evse: dict[str, Any] = component.get("evse", {})
    places = [str(evse[name]) for name in ("id", "connectorId") if name in evse]
    return f"{'/'.join([component['name'], *places])}.{result['variable']['name']}"


def _reason(answers: list[Payload]) -> str | None:
    """Return the first reason that a station of 2.x gives."""
    for answer in answers:
        info = answer.get("statusInfo") or answer.get("attributeStatusInfo")
        if info:
            more = f": {info['additionalInfo']}" if "additionalInfo" in info else ""
            return f"{info['reasonCode']}{more}"
    return None
