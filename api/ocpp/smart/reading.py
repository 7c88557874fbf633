"""Raw charging profiles of OCPP 1.6, 2.0.1 and 2.1, read as records; every fault is named with its place.

What is read here counts as installed: a station has taken it. So only what cannot be understood is a fault;
whether it should have been taken is asked by :mod:`api.ocpp.smart.checking`.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from api.ocpp.capabilities import RateUnit
from api.ocpp.periods import OperationMode
from api.ocpp.smart.profiles import (
    Kind,
    Period,
    Profile,
    Purpose,
    Rate,
    Recurrence,
    Schedule,
    SocLimit,
)
from api.ocpp.wire import Payload, parse_time
from models.errors import IssueList

Value = TypeVar("Value")

_OLD_PURPOSES: Final = MappingProxyType({"ChargePointMaxProfile": Purpose.STATION_MAX})
"""Words of OCPP 1.6 that 2.x has others for."""

PASSED_ON: Final = (
    "setpointReactive",
    "setpointReactive_L2",
    "setpointReactive_L3",
    "preconditioningRequest",
    "evseSleep",
    "v2xBaseline",
    "v2xFreqWattCurve",
    "v2xSignalWattCurve",
)
"""Members of a period that bound nothing, and stand in a composite schedule as they are."""


@dataclass(frozen=True, slots=True)
class Node:
    """One JSON object, its place, and where faults of its members are noted."""

    members: Payload
    where: str
    issues: IssueList

    def place(self, name: str) -> str:
        """Return where a member stands."""
        return f"{self.where}.{name}" if self.where else name

    def optional(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        """Return a member, None where it is missing; what cannot be read is a fault, and None too."""
        value = self.members.get(name)
        if value is None:
            return None
        try:
            return read(value)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            self.issues.add(self.place(name), f"cannot be read: {error}")
            return None

    def needed(self, name: str, read: Callable[[Any], Value]) -> Value | None:
        """Return a member; it is a fault where it is missing."""
        if self.members.get(name) is None:
            self.issues.add(self.place(name), "is missing")
        return self.optional(name, read)

    def child(self, name: str) -> "Node":
        """Return an object below this one; an empty one where it is none."""
        value = self.members.get(name)
        if isinstance(value, dict):
            return Node(value, self.place(name), self.issues)
        self.issues.add(self.place(name), "is missing" if value is None else "is no object")
        return Node({}, self.place(name), IssueList())

    def children(self, name: str) -> "list[Node]":
        """Return the objects of a list; a single object counts as a list of one."""
        value = self.members.get(name)
        found = [value] if isinstance(value, dict) else value
        if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
            self.issues.add(self.place(name), "is missing" if value is None else "is no list of objects")
            return []
        return [Node(one, f"{self.place(name)}[{i}]", self.issues) for i, one in enumerate(found)]


def profile_in(raw: Payload, evse: int, where: str, issues: IssueList) -> Profile | None:
    """Return the profile that a raw ChargingProfile is; None where a fault was noted.

    Parameters
    ----------
    raw : dict
        The type ChargingProfile of any version.
    evse : int
        The EVSE or connector on which it is installed, 0 for the station.
    where : str
        Its place in the input.
    issues : IssueList
        Takes the faults.
    """
    node, n_before = Node(raw, where, issues), len(issues.issues)
    id_name = "chargingProfileId" if "chargingProfileId" in raw else "id"
    profile_id = node.needed(id_name, whole_number)
    stack_level = node.needed("stackLevel", whole_number)
    purpose = node.needed("chargingProfilePurpose", purpose_named)
    kind = node.needed("chargingProfileKind", Kind)
    schedules = tuple(_schedule(child) for child in node.children("chargingSchedule"))
    recurrence = node.optional("recurrencyKind", Recurrence)
    times = {name: node.optional(name, second_of) for name in ("validFrom", "validTo", "dynUpdateTime")}
    offline_s = node.optional("maxOfflineDuration", whole_number)
    is_complete = len(issues.issues) == n_before
    if profile_id is None or stack_level is None or purpose is None or kind is None or not is_complete:
        return None
    return Profile(
        profile_id=profile_id,
        evse=evse,
        stack_level=stack_level,
        purpose=purpose,
        kind=kind,
        schedules=tuple(one for one in schedules if one is not None),
        recurrence=recurrence,
        valid_from_s=-math.inf if times["validFrom"] is None else times["validFrom"],
        valid_to_s=math.inf if times["validTo"] is None else times["validTo"],
        transaction_id=node.optional("transactionId", str),
        most_offline_s=offline_s,
        is_spoilt_by_offline=raw.get("invalidAfterOfflineDuration") is True,
        updated_s=times["dynUpdateTime"],
    )


def second_of(text: str) -> int:
    """Return the whole second since 1970 of a time; one without a zone is UTC.

    Raises
    ------
    ValueError
        It is no time.
    """
    return math.floor(parse_time(text).timestamp())


def wall_second_of(text: str) -> int:
    """Return the second of what a clock on the wall shows, whatever zone the text names (``useLocalTime``)."""
    return math.floor(parse_time(text[:19]).timestamp())


def whole_number(value: Any) -> int:  # noqa: ANN401 - any JSON
    """Return a whole number.

    Raises
    ------
    ValueError
        It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def finite_number(value: Any) -> float:  # noqa: ANN401 - any JSON
    """Return a number.

    Raises
    ------
    ValueError
        It is none, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)


def purpose_named(word: str) -> Purpose:
    """Return a purpose by its word in any version.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    return _OLD_PURPOSES[word] if word in _OLD_PURPOSES else Purpose(word)


def _schedule(node: Node) -> Schedule | None:
    """Return one schedule; None where a fault was noted."""
    unit = node.needed("chargingRateUnit", RateUnit)
    periods = [period_in(child) for child in node.children("chargingSchedulePeriod")]
    is_local = node.members.get("useLocalTime") is True
    start_s = node.optional("startSchedule", wall_second_of if is_local else second_of)
    duration_s = node.optional("duration", whole_number)
    least_rate = node.optional("minChargingRate", finite_number)
    delay_s = node.optional("randomizedDelay", whole_number)
    soc_limit = node.optional("limitAtSoC", _soc_limit)
    if unit is None:
        return None
    return Schedule(
        schedule_id=node.optional("id", whole_number),
        start_s=start_s,
        duration_s=duration_s,
        unit=unit,
        periods=tuple(sorted(periods, key=lambda period: period.start_s)),
        least_rate=least_rate,
        use_local_time=is_local,
        most_delay_s=max(delay_s or 0, 0),
        soc_limit=soc_limit,
    )


def _soc_limit(value: Any) -> SocLimit:  # noqa: ANN401 - any JSON
    """Return a limit at a state of charge."""
    if not isinstance(value, dict) or not {"soc", "limit"} <= value.keys():
        raise ValueError("needs soc and limit")
    return SocLimit(finite_number(value["soc"]), finite_number(value["limit"]))


def period_in(node: Node) -> Period:
    """Return the type ChargingSchedulePeriod."""
    n_phases = node.optional("numberPhases", whole_number)
    return Period(
        start_s=node.needed("startPeriod", whole_number) or 0,
        limit=_rate(node, "limit"),
        n_phases=n_phases or None,
        phase_to_use=node.optional("phaseToUse", whole_number) or None,
        discharge_limit=_rate(node, "dischargeLimit"),
        setpoint=_rate(node, "setpoint"),
        mode=node.optional("operationMode", OperationMode),
        is_asleep=node.members.get("evseSleep") is True,
        others=tuple(
            (name, value)
            for name in PASSED_ON
            if name in node.members and (value := node.optional(name, _json_value)) is not None
        ),
    )


def _json_value(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a value that JSON can say.

    Raises
    ------
    ValueError
        A number in it is not finite.
    """
    json.dumps(value, allow_nan=False)
    return value


def _rate(node: Node, name: str) -> Rate | None:
    """Return a limit or setpoint; where one phase has a value of its own, those without have that of the first."""
    first = node.optional(name, finite_number)
    second, third = (node.optional(f"{name}_L{phase}", finite_number) for phase in (2, 3))
    if first is None or (second is None and third is None):
        return None if first is None else Rate(first)
    return Rate(first, (first, first if second is None else second, first if third is None else third))
