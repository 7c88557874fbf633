"""Commands to stations: sent once, with an outcome that tells whether to send them again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final, TypeAlias

from api.ocpp.capabilities import QuirkKind
from api.ocpp.charging_profile import ChargingProfile, ProfileSelection
from api.ocpp.dialects import Dialect
from api.ocpp.events import ProfileStatus
from api.ocpp.orders.encode import commands_of
from api.ocpp.orders.records import CompositeOrder
from api.ocpp.profiles import simpler_profiles
from api.ocpp.registry import CallOutcome, Link, LinkClosed, Registry
from api.ocpp.session_events import CallAnswered, CallFailed, CallTimedOut
from api.ocpp.smart.prediction import Difference, Held, differences
from api.ocpp.smart.station import RunningTransaction
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


@dataclass(frozen=True, slots=True)
class Place:
    """The EVSEs of a station, and what runs on them."""

    evse_numbers: tuple[int, ...]
    transactions: Mapping[int, RunningTransaction]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the composite schedule of a station differs from what is expected; nothing says that it does not."""

    outcome: CommandOutcome
    differences: tuple[Difference, ...] = ()
    reason: str = ""

    @property
    def is_as_expected(self) -> bool:
        """Whether the station has answered, and as it was told."""
        return self.outcome is CommandOutcome.ACCEPTED and not self.differences

    @property
    def allows_more(self) -> bool:
        """Whether the station would draw more than it was told."""
        return any(one.allows_more for one in self.differences)


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
        was_paused = self._loses_next_limit(station_id, profile)
        outcome, reason = await self._install(station_id, link, profile)
        if was_paused and outcome is CommandOutcome.ACCEPTED:
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

    async def compare_schedule(
        self, station_id: str, evse_number: int, duration_s: int, place: Place
    ) -> Comparison:
        """Ask a station for its composite schedule, and compare it with what it is believed to hold.

        Parameters
        ----------
        station_id : str
        evse_number : int
            0 asks for the whole station.
        duration_s : int
            How far to look ahead [s].
        place : Place
            The EVSEs and transactions of the station.

        Raises
        ------
        InvalidInputError
            The answer cannot be read.
        """
        link, record = self._registry.link(station_id), self._registry.record(station_id)
        if link is None or record is None:
            return Comparison(CommandOutcome.DISCONNECTED)
        now = self._registry.now()
        order = CompositeOrder(evse_number, duration_s, min(record.capabilities.rate_units))
        (command,) = commands_of(order, link.dialect.VERSION)
        answer = await link.call(command)
        outcome, reason = _outcome(answer, _composite_verdict)
        if outcome is not CommandOutcome.ACCEPTED or not isinstance(answer, CallAnswered):
            return Comparison(outcome, reason=reason)
        held = Held(record.capabilities, record.installed, place.evse_numbers, place.transactions)
        return Comparison(outcome, differences(held, evse_number, now, answer.payload))

    async def _install(self, station_id: str, link: Link, profile: ChargingProfile) -> Verdict:
        """Send one profile, and note what the station says."""
        answer = await link.call(link.dialect.encode_profile(profile))
        outcome, reason = _outcome(answer, partial(_profile_verdict, link.dialect))
        if outcome is CommandOutcome.ACCEPTED:
            self._registry.note_installed(station_id, profile)
        elif not outcome.should_be_sent_again:
            self._registry.note_refused(station_id, reason or outcome.value)
        return outcome, reason

    def _loses_next_limit(self, station_id: str, profile: ChargingProfile) -> bool:
        """Tell whether this model ignores the first limit after the pause that it holds."""
        record = self._registry.record(station_id)
        if record is None or not record.capabilities.has(QuirkKind.LIMIT_LOST_AFTER_PAUSE):
            return False
        same = [one for one in record.installed if one.evse_number == profile.evse_number]
        return any(period.limit == 0 for one in same for period in one.periods)

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


def _composite_verdict(payload: Payload) -> Verdict:
    """Return what a station says to GetCompositeSchedule."""
    is_told = payload["status"] == "Accepted"
    reason = str(payload.get("statusInfo", {}).get("reasonCode", ""))
    return (CommandOutcome.ACCEPTED if is_told else CommandOutcome.REJECTED), reason


def _profile_verdict(dialect: Dialect, payload: Payload) -> Verdict:
    """Return what a station says to a profile."""
    said = dialect.decode_profile_answer(payload)
    return _BY_STATUS[said.status], said.reason
