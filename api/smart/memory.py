"""What a station holds after some messages: profiles set, cleared and updated, in the order of the document."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from api.ocpp.capabilities import OcppVersion
from api.ocpp.smart.profiles import Profile, Purpose
from api.ocpp.smart.reading import profile_in, purpose_named
from api.ocpp.smart.station import with_profile
from api.ocpp.smart.updates import with_update
from api.ocpp.wire import Payload, parse_time
from models.errors import IssueList

Profiles: TypeAlias = dict[str, Payload | list[Payload]] | list[Payload | list[Any]]
"""Raw profiles by EVSE, or messages in order."""

_FRAME: Final = 4
_SET: Final = "SetChargingProfile"
_CLEAR: Final = "ClearChargingProfile"
_UPDATE: Final = "UpdateDynamicSchedule"


@dataclass(frozen=True, slots=True)
class Message:
    """A request to the station; ``evse`` is known where the document is sorted by EVSE."""

    action: str
    payload: Payload
    evse: int | None = None
    at: datetime | None = None


@dataclass(slots=True)
class Memory:
    """The profiles of a station, message by message.

    Parameters
    ----------
    version : OcppVersion
    issues : IssueList
        Takes the faults.
    now : datetime
        Messages that are sent later have not come yet.
    """

    version: OcppVersion
    issues: IssueList
    now: datetime
    profiles: tuple[Profile, ...] = ()
    evses: set[int] = field(default_factory=set)

    def take(self, message: Message, where: str) -> None:
        """Take one message."""
        if message.at is not None and message.at > self.now:
            return
        match message.action:
            case "SetChargingProfile" | "ReportChargingProfiles":
                self._set(message, where)
            case "ClearChargingProfile":
                self._clear(message.payload, where)
            case "UpdateDynamicSchedule":
                self.update(message.payload, message.at or self.now, where)
            case _:
                self.issues.add(where, f"{message.action} changes no profiles")

    def update(self, request: Payload, at: datetime, where: str) -> None:
        """Take UpdateDynamicSchedule."""
        self.profiles = with_update(self.profiles, request, at, where, self.issues)

    def _set(self, message: Message, where: str) -> None:
        """Take the profiles of one message."""
        for place, evse, raw in _unwrapped(message.payload, message.evse, where, self.issues):
            self.evses.add(evse)
            profile = profile_in(raw, evse, place, self.issues)
            if profile is not None:
                self.profiles = with_profile(self.profiles, profile, self.version)

    def _clear(self, request: Payload, where: str) -> None:
        """Forget profiles: by number alone, or by all else that is given; external ones stay (E3.25, K10)."""
        number = request.get("id", request.get("chargingProfileId"))
        wanted = request.get("chargingProfileCriteria", request)
        word = wanted.get("chargingProfilePurpose")
        try:
            purpose = None if word is None else purpose_named(word)
        except ValueError as error:
            self.issues.add(f"{where}.chargingProfilePurpose", str(error))
            return
        evse = wanted.get("connectorId", wanted.get("evseId"))
        level = wanted.get("stackLevel")
        self.profiles = tuple(
            one
            for one in self.profiles
            if one.purpose is Purpose.EXTERNAL
            or not (one.profile_id == number if number is not None else _fits(one, evse, purpose, level))
        )


def messages_in(profiles: Profiles, issues: IssueList) -> Iterator[tuple[str, Message]]:
    """Return every message with its place in the document; profiles that stand by EVSE are such that set them."""
    if isinstance(profiles, dict):
        yield from _by_evse(profiles, issues)
        return
    for i, entry in enumerate(profiles):
        where = f"profiles[{i}]"
        message = _framed(entry) if isinstance(entry, list) else _named(entry, where, issues)
        if message is None:
            issues.add(where, "is no SetChargingProfile")
        else:
            yield where, message


def _by_evse(
    profiles: dict[str, Payload | list[Payload]], issues: IssueList
) -> Iterator[tuple[str, Message]]:
    for key, value in profiles.items():
        if not (key.isascii() and key.isdecimal()):
            issues.add(f"profiles.{key}", "is no number of an EVSE")
            continue
        for i, raw in enumerate(value if isinstance(value, list) else [value]):
            where = f"profiles.{key}[{i}]" if isinstance(value, list) else f"profiles.{key}"
            yield where, Message(_SET, raw, int(key))


def _framed(entry: list[Any]) -> Message | None:
    """Return the message of a CALL frame."""
    if len(entry) != _FRAME or not isinstance(entry[2], str) or not isinstance(entry[3], dict):
        return None
    return Message(entry[2], entry[3])


def _named(entry: Payload, where: str, issues: IssueList) -> Message:
    """Return a message with its action, or a payload that tells by itself what it is."""
    action, payload = entry.get("action"), entry.get("payload")
    if isinstance(action, str) and isinstance(payload, dict):
        try:
            at = parse_time(entry["send_at"]) if "send_at" in entry else None
        except (ValueError, TypeError):
            issues.add(f"{where}.send_at", "is no time")
            at = None
        return Message(action, payload, at=at)
    if "scheduleUpdate" in entry:
        return Message(_UPDATE, entry)
    if "chargingProfileCriteria" in entry:
        return Message(_CLEAR, entry)
    return Message(_SET, entry)


def _fits(profile: Profile, evse: int | None, purpose: Purpose | None, level: int | None) -> bool:
    """Tell whether all criteria that are given fit."""
    return (
        evse in (None, profile.evse)
        and purpose in (None, profile.purpose)
        and level in (None, profile.stack_level)
    )


def _unwrapped(
    raw: Payload, evse: int | None, where: str, issues: IssueList
) -> Iterator[tuple[str, int, Payload]]:
    """Return the profiles in a SetChargingProfile or ReportChargingProfiles; a bare one where its EVSE is known."""
    name = next((one for one in ("csChargingProfiles", "chargingProfile") if one in raw), None)
    inner = raw if name is None else raw[name]
    said = raw.get("connectorId", raw.get("evseId", evse))
    if isinstance(said, bool) or not isinstance(said, int) or said < 0:
        issues.add(where, "names no EVSE or connector")
        return
    many = inner if isinstance(inner, list) else [inner]
    for i, one in enumerate(many):
        place = where if name is None else f"{where}.{name}" + (f"[{i}]" if isinstance(inner, list) else "")
        if isinstance(one, dict):
            yield place, said, one
        else:
            issues.add(place, "is no charging profile")
