"""What must not be sent to a station without a second pair of eyes, or at all.

Two kinds of command can take a station away from its operator for good: one that lowers its security profile or
sends it to another central system (A00.FR.005 forbids the first over OCPP; attacks have used the second), and one
that makes it load or hand over files at a stranger's. The first kind needs two different approvers; the second
only goes to places that the operator has named.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias
from urllib.parse import unquote, urlsplit

from api.ocpp.wire import Command, Payload

N_APPROVERS: Final = 2
HIGHEST_PROFILE: Final = 3

_LEAST_KEY_LENGTH: Final = 16
_SOCKET: Final = re.compile(r"wss?\s*:", re.IGNORECASE)
_UNSAFE_IN_URL: Final = re.compile(r"[\x00-\x20\x7f\\]")
"""Blanks, controls and backslashes: parsers disagree on what they end."""

_LOCATIONS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = MappingProxyType(
    {
        "UpdateFirmware": (("location",), ("firmware", "location")),  # 1.6, 2.x
        "SignedUpdateFirmware": (("firmware", "location"),),
        "PublishFirmware": (("location",),),
        "GetDiagnostics": (("location",),),
        "GetLog": (("log", "remoteLocation"),),
    }
)
"""Where a command names a place for files."""

_ROUTES: Final = frozenset({"networkconfigurationpriority", "identity"})
"""Variables of 2.x that send a station elsewhere, or change who it is, without an address."""

_KEYS: Final = frozenset({"authorizationkey", "basicauthpassword"})


@dataclass(frozen=True, slots=True)
class CommandPolicy:
    """What the operator has allowed.

    Parameters
    ----------
    own_urls : tuple of str
        Addresses of this central system: stations may be sent there.
    file_urls : tuple of str
        Where firmware comes from and logs go to; what lies below each is allowed, nothing else.
    """

    own_urls: tuple[str, ...] = ()
    file_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a command is not simply sent; ``can_be_approved`` by two, or never."""

    what: str
    can_be_approved: bool


_Setting: TypeAlias = tuple[str, str]
"""The name of a variable, lower case, and its new value."""


def objections(
    command: Command, policy: CommandPolicy, present_profile: int | None = None
) -> tuple[Objection, ...]:
    """Return what speaks against a command.

    Parameters
    ----------
    command : Command
        Of any version.
    policy : CommandPolicy
    present_profile : int or None
        Security profile that the station uses; None where nobody knows, which counts as the highest.
    """
    present = HIGHEST_PROFILE if present_profile is None else present_profile
    found = [
        *_file_objections(command, policy),
        *_profile_objections(command, present),
        *_key_objections(command),
        *_route_objections(command, policy),
    ]
    return tuple(found)


def may_be_sent(found: Collection[Objection], approvers: Collection[str] = ()) -> bool:
    """Tell whether a command may be sent, given the different API keys that have approved it."""
    if any(not objection.can_be_approved for objection in found):
        return False
    return not found or len(set(approvers)) >= N_APPROVERS


def key_in(command: Command) -> str | None:
    """Return the key that a command gives to its station, if it does: its door must know it before it is used."""
    return next((value for name, value in _settings(command) if name in _KEYS), None)


def is_below(url: str, allowed: str) -> bool:
    """Tell whether a URL lies below an allowed one: same scheme, host and port, and its path or one beneath."""
    if _UNSAFE_IN_URL.search(url):
        return False
    try:
        asked, base = urlsplit(url), urlsplit(allowed)
        same_place = (asked.scheme, asked.hostname, asked.port) == (base.scheme, base.hostname, base.port)
    except ValueError:  # a port or an address that is none
        return False
    path = _plain(asked.path)
    if not same_place or not asked.hostname or "\\" in path or {".", ".."} & set(path.split("/")):
        return False
    root = base.path.rstrip("/")
    return path == root or path.startswith(f"{root}/")


def _plain(path: str) -> str:
    """Return a path without escapes, however often it was escaped."""
    while (plain := unquote(path)) != path:
        path = plain
    return path


def _file_objections(command: Command, policy: CommandPolicy) -> Iterator[Objection]:
    """Files come from and go to allowed places only (A00, firmware and logs)."""
    for way in _LOCATIONS.get(command.action, ()):
        url = _at(command.payload, way)
        if isinstance(url, str) and not any(is_below(url, allowed) for allowed in policy.file_urls):
            shown = url.split("@")[-1]  # without a password
            yield Objection(f"files at {shown!r} are not allowed", can_be_approved=False)


def _profile_objections(command: Command, present: int) -> Iterator[Objection]:
    """The security profile is never lowered over OCPP (A00.FR.005)."""
    asked = [value for name, value in _settings(command) if name == "securityprofile"]
    connection = command.payload.get("connectionData")
    if command.action == "SetNetworkProfile" and isinstance(connection, dict):
        asked.append(str(connection.get("securityProfile")))
    for value in asked:
        if not value.strip().isdecimal() or int(value) < present:
            what = f"the security profile would be lowered from {present} to {value}"
            yield Objection(what, can_be_approved=True)


def _key_objections(command: Command) -> Iterator[Objection]:
    """A key of a station has at least 16 characters (A00.FR.205)."""
    for name, value in _settings(command):
        if name in _KEYS and len(value) < _LEAST_KEY_LENGTH:
            what = f"a station's key has at least {_LEAST_KEY_LENGTH} characters"
            yield Objection(what, can_be_approved=False)


def _route_objections(command: Command, policy: CommandPolicy) -> Iterator[Objection]:
    """A station stays with this central system, whatever the vendor calls the variable."""
    for name, _ in _settings(command):
        if name in _ROUTES:
            yield Objection(f"{name} would send the station elsewhere", can_be_approved=True)
    for text in _texts(command.payload):
        foreign = _SOCKET.search(text) and not any(is_below(text, own) for own in policy.own_urls)
        if foreign:
            yield Objection("the station would be sent to another central system", can_be_approved=True)


def _settings(command: Command) -> Iterator[_Setting]:
    """Yield what a command sets: variables of any version by their name."""
    payload = command.payload
    if command.action == "ChangeConfiguration":
        yield _name(payload.get("key")), str(payload.get("value", ""))
    if command.action == "SetVariables":
        for entry in payload.get("setVariableData", ()):
            name = entry.get("variable", {}).get("name")
            yield _name(name), str(entry.get("attributeValue", ""))


def _name(name: object) -> str:
    """Return a variable's name as names are compared: 1.6 and 2.x take no notice of case."""
    return str(name).strip().lower()


def _at(payload: Payload, way: tuple[str, ...]) -> object:
    """Return the member that a way leads to, or None."""
    value: object = payload
    for name in way:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a payload."""
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for member in value:
                yield from _texts(member)


SafeguardOf: TypeAlias = Callable[[Command], tuple[Objection, ...]]
"""What those hold that send commands: the rules with the operator's policy in them."""
