"""Commands to stations: sent once, with an outcome that tells whether to send them again."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from api.ocpp.charging_profile import ChargingProfile, ProfileSelection
from api.ocpp.dialects import Dialect
from api.ocpp.events import ProfileStatus
from api.ocpp.profiles import simpler_profiles
from api.ocpp.registry import CallOutcome, Link, LinkClosed, Registry
from api.ocpp.session_events import CallAnswered, CallFailed, CallTimedOut
from api.ocpp.wire import Payload


class CommandOutcome(StrEnum):
    """What has become of a command."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NOT_SUPPORTED = "not supported"
    TIMED_OUT = "timed out"
    DISCONNECTED = "disconnected"

    @property
    def should_be_sent_again(self) -> bool:
        """Nobody knows whether the station has acted; a profile can be sent twice, as it replaces itself."""
        return self in (CommandOutcome.TIMED_OUT, CommandOutcome.DISCONNECTED)


Verdict: TypeAlias = tuple[CommandOutcome, str]
"""What has become of a command, and why."""

_BY_STATUS: Final = MappingProxyType(
    {
        ProfileStatus.ACCEPTED: CommandOutcome.ACCEPTED,
        ProfileStatus.REJECTED: CommandOutcome.REJECTED,
        ProfileStatus.NOT_SUPPORTED: CommandOutcome.NOT_SUPPORTED,
    }
)
_NOT_SUPPORTED_CODES: Final = frozenset({"NotSupported", "NotImplemented"})
_SIMPLER_WILL_NOT_HELP: Final = frozenset({"TxNotFound", "UnknownEvse", "RateLimitExceeded", "MissingParam"})
"""Reasons of 2.0.1 that no other stack level and no shorter schedule can cure."""


class StationCommands:
    """Sends commands to the stations of a registry, and notes in it what they accept."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def send_profile(self, station_id: str, profile: ChargingProfile) -> CommandOutcome:
        """Install a profile; if the station refuses it, try what is simpler and allows no more.

        What a station needed simpler is remembered as its capability.

        Raises
        ------
        InvalidInputError
            The profile cannot be written in the version that the station speaks.
        OurProtocolError
            The profile does not fit the schema of that version.
        """
        link = self._registry.link(station_id)
        if link is None:
            return CommandOutcome.DISCONNECTED
        outcome, reason = await self._install(station_id, link, profile)
        if outcome is not CommandOutcome.REJECTED or reason in _SIMPLER_WILL_NOT_HELP:
            return outcome
        for simpler in simpler_profiles(profile, self._registry.capabilities(station_id)):
            outcome, _ = await self._install(station_id, link, simpler)
            if outcome is CommandOutcome.ACCEPTED:
                self._learn_from(station_id, profile, simpler)
            if outcome is not CommandOutcome.REJECTED:
                return outcome
        return outcome

    async def clear_profiles(self, station_id: str, selection: ProfileSelection) -> CommandOutcome:
        """Clear profiles; none to clear is no error."""
        link = self._registry.link(station_id)
        if link is None:
            return CommandOutcome.DISCONNECTED
        answer = await link.call(link.dialect.encode_clear_profiles(selection))
        outcome, _ = _outcome(answer, _accepted)
        if outcome is CommandOutcome.ACCEPTED:
            self._registry.note_cleared(station_id, selection)
        return outcome

    async def _install(self, station_id: str, link: Link, profile: ChargingProfile) -> Verdict:
        """Send one profile, and note what the station says."""
        answer = await link.call(link.dialect.encode_profile(profile))
        outcome, reason = _outcome(answer, partial(_profile_verdict, link.dialect))
        if outcome is CommandOutcome.ACCEPTED:
            self._registry.note_installed(station_id, profile)
        elif not outcome.should_be_sent_again:
            self._registry.note_refused(station_id, reason or outcome.value)
        return outcome, reason

    def _learn_from(self, station_id: str, refused: ChargingProfile, accepted: ChargingProfile) -> None:
        """Note that a station takes less than it has told, until it tells again."""
        learned = self._registry.capabilities(station_id)
        if accepted.stack_level < refused.stack_level:
            learned = replace(learned, max_stack_level=accepted.stack_level)
        if len(accepted.periods) < len(refused.periods):
            learned = replace(learned, max_periods=len(accepted.periods))
        self._registry.learn(station_id, learned)


def _outcome(answer: CallOutcome, read: Callable[[Payload], Verdict]) -> Verdict:
    """Return what has become of a command; ``read`` understands its own answer."""
    match answer:
        case LinkClosed():
            return CommandOutcome.DISCONNECTED, ""
        case CallTimedOut():
            return CommandOutcome.TIMED_OUT, ""
        case CallFailed(code=code, description=description):
            refused = (
                CommandOutcome.NOT_SUPPORTED if code in _NOT_SUPPORTED_CODES else CommandOutcome.REJECTED
            )
            return refused, f"{code}: {description}"
        case CallAnswered(payload=payload):
            return read(payload)


def _accepted(_: Payload) -> Verdict:
    """Whatever is answered to ClearChargingProfile: ``Unknown`` says that there was none (1.6 E3.25)."""
    return CommandOutcome.ACCEPTED, ""


def _profile_verdict(dialect: Dialect, payload: Payload) -> Verdict:
    """Return what a station says to a profile."""
    said = dialect.decode_profile_answer(payload)
    return _BY_STATUS[said.status], said.reason
