"""A station of a case as JSON: what it is, what it holds, what runs on it; the same for all commands."""

import math
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.smart.profiles import MOST_PHASES, Profile
from api.ocpp.smart.reading import purpose_named
from api.ocpp.smart.station import (
    Ceiling,
    DefaultRule,
    EvseFacts,
    IdleRule,
    OfflineTime,
    RunningTransaction,
    Situation,
    StationFacts,
)
from api.smart.memory import Memory, messages_in
from api.wire.schemas import Amperes, Moment, WireModel
from models.errors import InvalidInputError, Issue, IssueList
from models.units import NOMINAL_VOLTAGE_V

RawObject: TypeAlias = dict[str, Any]

USUAL_MAX_A: Final = 32.0
"""What an EVSE draws on each phase where nothing is said: the largest common AC outlet [A]."""


def _version_named(word: object) -> object:
    """Accept ``1.6`` and ``ocpp1.6``, with or without the J."""
    if not isinstance(word, str):
        return word
    plain = word.strip().lower().removeprefix("ocpp").removesuffix("j")
    return plain if plain.startswith(("1", "2")) else word


def _zone_named(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone") from error
    return name


VersionWire: TypeAlias = Annotated[Literal["1.6", "2.0.1", "2.1"], BeforeValidator(_version_named)]
Watts: TypeAlias = Annotated[float, Field(ge=0, le=1e9)]
Volts: TypeAlias = Annotated[float, Field(gt=0, le=2000)]
Phases: TypeAlias = Annotated[int, Field(ge=1, le=MOST_PHASES)]
EvseNumber: TypeAlias = Annotated[int, Field(ge=1, le=10_000)]
TransactionName: TypeAlias = Annotated[str | int, Field(description="A number in 1.6, a text in 2.x.")]


class EvseWire(WireModel):
    """What differs at one EVSE from the others of its station."""

    phases: Phases | None = None
    current_type: Literal["AC", "DC"] | None = None
    max_a: Amperes | None = None
    max_w: Watts | None = None
    default_a: Amperes | None = None
    default_w: Watts | None = None


class StationWire(WireModel):
    """A station: every EVSE is like this, unless it is described under ``evses``."""

    voltage_v: Volts = Field(
        NOMINAL_VOLTAGE_V, description="Nominal, line to neutral; A and W convert with it."
    )
    phases: Phases = MOST_PHASES
    current_type: Literal["AC", "DC"] = "AC"
    n_evses: EvseNumber | None = Field(None, description="All that are named anywhere, unless given.")
    max_a: Amperes | None = Field(None, description="Each EVSE can do no more, on each phase.")
    max_w: Watts | None = Field(None, description="Each EVSE can do no more, in total.")
    default_a: Amperes | None = Field(
        None,
        description="Each EVSE draws this where no profile limits it; its maximum, or 32 A, unless given.",
    )
    default_w: Watts | None = None
    total_max_a: Amperes | None = Field(
        None, description="The whole station can draw no more, on each phase."
    )
    total_max_w: Watts | None = None
    evses: dict[str, EvseWire] = Field(default_factory=dict, description="What differs, by number.")
    rate_units: tuple[Literal["A", "W"], ...] = Field(("A", "W"), min_length=1)
    time_zone: Annotated[str, AfterValidator(_zone_named)] | None = Field(
        None, description="IANA zone; schedules with useLocalTime need it."
    )
    idle_evses: Literal["as_if_charging", "draws_nothing"] = Field(
        "as_if_charging", description="EVSEs without a transaction: as if one began now, or not counted."
    )
    ignored_purposes_offline: tuple[str, ...] = Field(
        (),
        description="Purposes that do not count without a connection (IgnoredProfilePurposesOffline, 2.1).",
    )
    tx_default_rule: Literal["specific_first", "by_stack_level"] | None = Field(
        None,
        description="TxDefaultProfiles of an EVSE and of all; specific_first in 1.6, else by_stack_level.",
    )


class TransactionWire(WireModel):
    """A transaction that runs."""

    evse: EvseNumber = Field(validation_alias=AliasChoices("evse", "evseId", "connectorId"))
    id: TransactionName = Field(validation_alias=AliasChoices("id", "transactionId"))
    started_at: Moment | None = Field(
        None, validation_alias=AliasChoices("started_at", "start", "startTime", "timestamp")
    )
    charging_since: Moment | None = Field(
        None, description="Relative schedules count from here; from started_at unless given."
    )
    soc: Annotated[float, Field(ge=0, le=100)] | None = Field(None, description="State of charge [%].")
    priority_charging: bool = False
    schedule_id: int | None = Field(None, description="The schedule that the car has chosen, of several.")


class OfflineWire(WireModel):
    """A time without a connection; without an end it lasts."""

    since: Moment
    until: Moment | None = None


class UpdateWire(WireModel):
    """UpdateDynamicSchedule, and when it came (2.1)."""

    at: Moment
    request: RawObject


class SituationWire(WireModel):
    """A station at work."""

    version: VersionWire
    station: StationWire = Field(default_factory=StationWire)
    profiles: dict[str, RawObject | list[RawObject]] | list[RawObject | list[Any]] = Field(
        default_factory=list,
        description="Installed profiles as raw OCPP JSON: by EVSE or connector number ('0' is the station), or a"
        " list of SetChargingProfile payloads in the order in which they were accepted. Entries of the list may"
        " also be frames [2, id, action, payload] or {action, payload}, as `gridpilot ocpp encode` prints them,"
        " and ClearChargingProfile and UpdateDynamicSchedule among them.",
    )
    transactions: tuple[TransactionWire, ...] = ()
    offline: tuple[OfflineWire, ...] = ()
    updates: tuple[UpdateWire, ...] = ()

    @property
    def ocpp(self) -> OcppVersion:
        """The version."""
        return OcppVersion("ocpp" + self.version)

    def situation(self, now: datetime, evses: set[int]) -> Situation:
        """Return the station at work.

        Parameters
        ----------
        now : datetime
            Transactions that do not tell when they began do so now.
        evses : set of int
            EVSEs that are asked about; they exist, unless the station says how many it has.

        Raises
        ------
        InvalidInputError
            Something cannot be read; names every fault.
        """
        issues = IssueList()
        memory = Memory(self.ocpp, issues, now)
        for where, message in messages_in(self.profiles, issues):
            memory.take(message, where)
        for i, update in enumerate(self.updates):
            memory.update(update.request, update.at, f"updates[{i}].request")
        profiles = _heard_offline(memory.profiles, self.station.ignored_purposes_offline, issues)
        named = evses | {one.evse for one in self.transactions} | memory.evses
        facts = _facts(self, named, issues)
        needs_zone = any(one.use_local_time for profile in profiles for one in profile.schedules)
        issues.require(
            not needs_zone or facts.zone is not None, "station.time_zone", "is missing; a schedule needs it"
        )
        issues.raise_if_any()
        running = {one.evse: _running(one, now) for one in self.transactions}
        return Situation(facts, profiles, MappingProxyType(running), tuple(map(_offline, self.offline)))


def _heard_offline(
    profiles: tuple[Profile, ...], ignored: tuple[str, ...], issues: IssueList
) -> tuple[Profile, ...]:
    """Return the profiles; those of some purposes do not count without a connection."""
    purposes = set()
    for i, name in enumerate(ignored):
        try:
            purposes.add(purpose_named(name))
        except ValueError as error:
            issues.add(f"station.ignored_purposes_offline[{i}]", str(error))
    return tuple(replace(one, most_offline_s=0) if one.purpose in purposes else one for one in profiles)


def _facts(case: SituationWire, named: set[int], issues: IssueList) -> StationFacts:
    """Return the station, with every EVSE that it has."""
    station = case.station
    numbers = {int(key) for key in station.evses if key.isascii() and key.isdecimal() and int(key) > 0}
    for key in station.evses:
        issues.require(
            key.isascii() and key.isdecimal() and int(key) > 0, f"station.evses.{key}", "is no EVSE"
        )
    last = station.n_evses or max(numbers | named | {1})
    beyond = max(numbers, default=0)
    issues.require(beyond <= last, "station.evses", f"number {beyond} is beyond n_evses")
    same = EvseWire()
    evses = {n: _evse(station, station.evses.get(str(n), same)) for n in range(1, last + 1)}
    rule = station.tx_default_rule
    return StationFacts(
        version=case.ocpp,
        evses=MappingProxyType(evses),
        voltage_v=station.voltage_v,
        n_phases=station.phases,
        most=_ceiling(station.total_max_a, station.total_max_w),
        rate_units=frozenset(map(RateUnit, station.rate_units)),
        zone=None if station.time_zone is None else ZoneInfo(station.time_zone),
        idle_rule=IdleRule(station.idle_evses),
        default_rule=None if rule is None else DefaultRule(rule),
    )


def _evse(station: StationWire, own: EvseWire) -> EvseFacts:
    """Return an EVSE: what it says itself counts before what its station says."""
    most = _ceiling(*_own_or_shared((own.max_a, own.max_w), (station.max_a, station.max_w)))
    free = _ceiling(*_own_or_shared((own.default_a, own.default_w), (station.default_a, station.default_w)))
    nothing_said = free == Ceiling() and most == Ceiling()
    return EvseFacts(
        n_phases=own.phases or station.phases,
        is_dc=(own.current_type or station.current_type) == "DC",
        most=most,
        unlimited=Ceiling(USUAL_MAX_A) if nothing_said else (most if free == Ceiling() else free),
    )


def _own_or_shared(
    own: tuple[float | None, float | None], shared: tuple[float | None, float | None]
) -> tuple[float | None, float | None]:
    return shared if own == (None, None) else own


def _ceiling(max_a: float | None, max_w: float | None) -> Ceiling:
    return Ceiling(math.inf if max_a is None else max_a, math.inf if max_w is None else max_w)


def _running(wire: TransactionWire, now: datetime) -> RunningTransaction:
    since = wire.charging_since or wire.started_at or now
    return RunningTransaction(
        evse=wire.evse,
        transaction_id=str(wire.id),
        charging_since_s=math.floor(since.timestamp()),
        soc_percent=wire.soc,
        has_priority=wire.priority_charging,
        schedule_id=wire.schedule_id,
    )


def _offline(wire: OfflineWire) -> OfflineTime:
    end_s = math.inf if wire.until is None else math.floor(wire.until.timestamp())
    return OfflineTime(math.floor(wire.since.timestamp()), end_s)


class QuestionWire(WireModel):
    """GetCompositeSchedule, as it stands in any version."""

    connectorId: Annotated[int, Field(ge=0)] | None = None  # noqa: N815 - as OCPP writes it
    evseId: Annotated[int, Field(ge=0)] | None = None  # noqa: N815 - as OCPP writes it
    duration: int
    chargingRateUnit: Literal["A", "W"] | None = None  # noqa: N815 - as OCPP writes it
    customData: RawObject | None = None  # noqa: N815 - as OCPP writes it

    @property
    def evse(self) -> int | None:
        """The EVSE or connector, whatever it is called."""
        return self.evseId if self.connectorId is None else self.connectorId


class CompositeCaseWire(SituationWire):
    """A question about the composite schedule of a station at work."""

    now: Moment = Field(description="When the question is asked.")
    question: QuestionWire

    def asked(self) -> tuple[Situation, int]:
        """Return the station at work, and the EVSE that is asked about.

        Raises
        ------
        InvalidInputError
            Something cannot be read; names every fault.
        """
        evse = self.question.evse
        if evse is None:
            raise InvalidInputError((Issue("question", "names no evseId or connectorId"),))
        known = self.station.n_evses is not None or bool(self.station.evses)
        return self.situation(self.now, set() if known else {evse}), evse
