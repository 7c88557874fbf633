"""The desk that sends commands: checks all that can be known before, sends, and notes what follows."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from api.ocpp.capabilities import OcppVersion
from api.ocpp.catalogue import Catalogue
from api.ocpp.command_faults import CommandChecker
from api.ocpp.ordering import in_order_of_schema
from api.ocpp.registry import Link, LinkClosed, Registry
from api.ocpp.safeguards import CommandPolicy, key_in, may_be_sent, objections
from api.ocpp.session_events import CallAnswered, CallFailed, CallTimedOut
from api.ocpp.session_state import OurProtocolError
from api.ocpp.wire import Command, Payload
from api.stations.commands.errors import (
    ForbiddenCommandError,
    NoAnswerError,
    StationAwayError,
    StationRefusedError,
    UnknownCommandError,
    UnknownStationError,
)
from models.errors import InvalidInputError, Issue

LONGEST_S: Final = 120.0
"""A command waits so long for those before it and for its own answer [s]."""


_TAKEN: Final = frozenset({"Accepted", "RebootRequired"})


@dataclass(frozen=True, slots=True)
class Answered:
    """What a station has answered, and after how long [s]."""

    station_id: str
    version: OcppVersion
    command: Command
    answer: Payload
    took_s: float


Followed: TypeAlias = Callable[[Answered], None]
"""Is told every answer of a station to a command of somebody."""


class KeysTold(Protocol):
    """Who must know the keys of stations."""

    async def expect_key(self, station_id: str, key: str, *, is_accepted: bool) -> None:
        """Take a key before it is sent, and once the station has accepted it."""


class CommandDesk:
    """Sends commands of people to the stations of this process.

    Parameters
    ----------
    registry : Registry
    catalogue : Catalogue
    policy : CommandPolicy
        Where stations may be sent, and where files may come from.
    followed : callable
    """

    def __init__(
        self, registry: Registry, catalogue: Catalogue, policy: CommandPolicy, followed: Followed
    ) -> None:
        self._registry, self._catalogue, self._policy = registry, catalogue, policy
        self._followed = followed
        self._checker = CommandChecker()
        self._keys: KeysTold | None = None

    def tell_keys_to(self, keys: "KeysTold") -> None:
        """Tell somebody the keys that commands give to stations: a door must know them before they are used."""
        self._keys = keys

    def version(self, station_id: str) -> OcppVersion:
        """Return what a station speaks.

        Raises
        ------
        UnknownStationError
            It was never here.
        """
        record = self._registry.record(station_id)
        if record is None:
            raise UnknownStationError(station_id)
        return record.capabilities.version

    def commands(self, version: OcppVersion) -> frozenset[str]:
        """Return what can be sent to stations of a version."""
        return self._catalogue.commands(version)

    def check(self, station_id: str, command: Command, approvers: Collection[str] = ()) -> OcppVersion:
        """Check a command before it is sent, or queued; return the version that it is written in.

        Raises
        ------
        UnknownStationError, UnknownCommandError
            There is no such station, or its version has no such command.
        InvalidInputError
            The payload does not fit its schema; names every fault.
        ForbiddenCommandError
            It could take the station away.
        """
        version = self.version(station_id)
        if command.action not in self._catalogue.commands(version):
            known = ", ".join(sorted(self._catalogue.commands(version)))
            raise UnknownCommandError(
                f"{version.value} has no command {command.action!r} of the central system; it has {known}"
            )
        issues = self._checker.faults(version, command)
        if issues:
            raise InvalidInputError(issues)
        found = objections(command, self._policy, self._profile(station_id))
        if not may_be_sent(found, approvers):
            raise ForbiddenCommandError(found)
        return version

    async def send(self, station_id: str, command: Command) -> Answered:
        """Send a command that was checked, and return the answer.

        Raises
        ------
        StationAwayError, NoAnswerError, StationRefusedError
            There is no answer.
        InvalidInputError
            It is not valid after all; nothing was sent.
        """
        link = self._registry.link(station_id)
        if link is None:
            raise StationAwayError(f"station {station_id!r} is not connected")
        await self._tell_key(station_id, command, is_accepted=False)
        answered = await self._ask(link, station_id, command)
        if _is_accepted(answered.answer):
            await self._tell_key(station_id, command, is_accepted=True)
        return answered

    async def _ask(self, link: Link, station_id: str, command: Command) -> Answered:
        """Call a station, and tell what it has answered."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(LONGEST_S):
                outcome = await link.call(in_order_of_schema(command, self.version(station_id)))
        except TimeoutError as error:
            raise NoAnswerError(f"{station_id!r} is busy with other commands") from error
        except OurProtocolError as error:
            raise InvalidInputError((Issue("", str(error)),)) from error
        match outcome:
            case CallAnswered(payload=payload):
                version = self.version(station_id)
                answered = Answered(station_id, version, command, payload, loop.time() - began)
                self._followed(answered)
                return answered
            case CallFailed(code=code, description=description):
                raise StationRefusedError(command.action, code, description)
            case CallTimedOut():
                raise NoAnswerError(f"{station_id!r} did not answer {command.action} in time")
            case LinkClosed():
                raise StationAwayError(f"{station_id!r} went away before it answered {command.action}")

    async def _tell_key(self, station_id: str, command: Command, *, is_accepted: bool) -> None:
        key = key_in(command)
        if key is not None and self._keys is not None:
            await self._keys.expect_key(station_id, key, is_accepted=is_accepted)

    def _profile(self, station_id: str) -> int | None:
        """Return the security profile that a station uses; None where nobody knows."""
        record = self._registry.record(station_id)
        return None if record is None else record.security_profile


def _is_accepted(answer: Payload) -> bool:
    """Tell whether a station has taken what it was to set."""
    told = [answer.get("status"), *(one["attributeStatus"] for one in answer.get("setVariableResult", ()))]
    return any(status in _TAKEN for status in told)
