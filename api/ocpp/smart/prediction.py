"""What a station is expected to do with what it is believed to hold, beside what it says that it will do."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final

from api.ocpp.capabilities import RateUnit, StationCapabilities
from api.ocpp.charging_profile import ChargingProfile, ProfileKind, ProfilePurpose
from api.ocpp.smart.composite import Composite, Question, composite_of
from api.ocpp.smart.profiles import MOST_PHASES, Kind, Period, Profile, Purpose, Rate, Schedule
from api.ocpp.smart.reading import Node, period_in, second_of
from api.ocpp.smart.station import (
    EvseFacts,
    RunningTransaction,
    Situation,
    StationFacts,
)
from api.ocpp.wire import Payload
from models.errors import IssueList
from models.grid.site import CurrentType

CLOCKS_S: Final = 15
"""Differences shorter than this are left to clocks that differ [s]."""

_SAME_A: Final = 0.15
"""Limits in ampere that differ by a decimal, once rounded down and once not, are the same."""

_PURPOSES: Final = MappingProxyType(
    {
        ProfilePurpose.TX: Purpose.TX,
        ProfilePurpose.TX_DEFAULT: Purpose.TX_DEFAULT,
        ProfilePurpose.STATION_MAX: Purpose.STATION_MAX,
    }
)


@dataclass(frozen=True, slots=True)
class Held:
    """What a station is believed to be and to hold.

    Parameters
    ----------
    capabilities : StationCapabilities
    installed : tuple of ChargingProfile
    evse_numbers : tuple of int
        All of its EVSEs.
    transactions : mapping of int to RunningTransaction
        By EVSE.
    """

    capabilities: StationCapabilities
    installed: tuple[ChargingProfile, ...]
    evse_numbers: tuple[int, ...]
    transactions: Mapping[int, RunningTransaction]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a station says something else than was expected.

    Parameters
    ----------
    start_s, end_s : int
        After the question [s].
    expected, told : float
        Limits in ``unit``; infinite where none was expected.
    unit : RateUnit
    """

    start_s: int
    end_s: int
    expected: float
    told: float
    unit: RateUnit

    @property
    def allows_more(self) -> bool:
        """Whether the station would draw more than it was told, which the grid may not carry."""
        return self.told > self.expected


def predict(held: Held, evse: int, now: datetime, duration_s: int, unit: RateUnit) -> Composite:
    """Return what a station is expected to be limited to; infinite where it is not limited."""
    situation = _situation(held)
    return composite_of(situation, Question(evse, math.floor(now.timestamp()), duration_s, unit))


def differences(held: Held, evse: int, now: datetime, answer: Payload) -> tuple[Difference, ...]:
    """Compare the answer of a station to GetCompositeSchedule with what is expected of it.

    Parameters
    ----------
    held : Held
    evse : int
    now : datetime
        When it was asked.
    answer : dict
        GetCompositeScheduleResponse of any version, accepted.

    Raises
    ------
    InvalidInputError
        Its periods cannot be read; names every fault.
    """
    schedule = answer.get("schedule") or answer.get("chargingSchedule") or {}
    if not schedule:
        return ()
    unit, start_s = RateUnit(schedule["chargingRateUnit"]), _start_of(answer, schedule, now)
    issues = IssueList()
    nodes = [Node(one, f"period {i}", issues) for i, one in enumerate(schedule["chargingSchedulePeriod"])]
    told = [period_in(node) for node in nodes]
    issues.raise_if_any()
    duration_s = int(schedule.get("duration") or told[-1].start_s + 1)
    expected = composite_of(_situation(held), Question(evse, start_s, duration_s, unit))
    same = _SAME_A if unit is RateUnit.CURRENT else _SAME_A * held.capabilities.voltage_v * MOST_PHASES
    return tuple(_different(_pieces(expected, told, duration_s, unit), same))


def record_of(profile: ChargingProfile) -> Profile:
    """Return a profile of ours as a station holds it."""
    is_dynamic = profile.kind is ProfileKind.DYNAMIC
    start_s = math.floor(profile.start.timestamp())
    names_phases = profile.current_type is CurrentType.AC
    periods = tuple(
        Period(
            start_s=one.start_s,
            limit=Rate(one.limit),
            n_phases=one.n_phases if names_phases else None,
            discharge_limit=None if one.discharge_limit is None else Rate(one.discharge_limit),
            setpoint=None if one.setpoint is None else Rate(one.setpoint),
            mode=one.operation_mode,
        )
        for one in profile.periods
    )
    return Profile(
        profile_id=profile.profile_id,
        evse=profile.evse_number,
        stack_level=profile.stack_level,
        purpose=_PURPOSES[profile.purpose],
        kind=Kind.DYNAMIC if is_dynamic else Kind.ABSOLUTE,
        schedules=(Schedule(profile.profile_id, start_s, profile.duration_s, profile.unit, periods),),
        valid_from_s=_second(profile.valid_from, -math.inf),
        valid_to_s=_second(profile.valid_to, math.inf),
        transaction_id=profile.transaction_id,
        most_offline_s=profile.max_offline_s,
        is_spoilt_by_offline=profile.invalid_after_offline,
        updated_s=start_s if is_dynamic else None,
    )


def _second(moment: datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else math.floor(moment.timestamp())


def _situation(held: Held) -> Situation:
    """Return a station at work, of which only is known what it has told."""
    can = held.capabilities
    n_phases = can.supply_phases or MOST_PHASES
    is_dc = can.supply_phases == 0
    one = EvseFacts(n_phases=n_phases, is_dc=is_dc)
    facts = StationFacts(
        version=can.version,
        evses=MappingProxyType(dict.fromkeys(held.evse_numbers, one)),
        voltage_v=can.voltage_v,
        n_phases=n_phases,
        rate_units=can.rate_units,
    )
    return Situation(facts, tuple(map(record_of, held.installed)), held.transactions)


def _start_of(answer: Payload, schedule: Payload, now: datetime) -> int:
    """Return from when the station counts; from the question where it says nothing readable."""
    text = schedule.get("scheduleStart") or answer.get("scheduleStart")
    try:
        return math.floor(now.timestamp()) if text is None else second_of(text)
    except ValueError:
        return math.floor(now.timestamp())


def _pieces(
    expected: Composite, told: Sequence[Period], duration_s: int, unit: RateUnit
) -> Iterable[Difference]:
    """Return both side by side, from border to border."""
    starts_s = [*(one.start_s for one in expected), *(one.start_s for one in told)]
    borders = sorted({start_s for start_s in starts_s if 0 <= start_s < duration_s} | {0})
    for start_s, end_s in zip(borders, [*borders[1:], duration_s], strict=True):
        ours = [one for one in expected if one.start_s <= start_s][-1].limit
        theirs = [one.limit for one in told if one.start_s <= start_s] or [None]
        wanted = min(ours.by_phase) if ours.by_phase else ours.value
        said = math.inf if theirs[-1] is None else theirs[-1].value
        yield Difference(start_s, end_s, wanted, said, unit)


def _different(pieces: Iterable[Difference], same: float) -> Iterable[Difference]:
    """Return what differs for longer than clocks do, neighbours that say the same as one.

    Where nothing limits the station, its own maximum is what it tells.
    """
    merged: list[Difference] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if last is not None and (last.expected, last.told) == (piece.expected, piece.told):
            merged[-1] = replace(last, end_s=piece.end_s)
        else:
            merged.append(piece)
    for piece in merged:
        differs = math.isfinite(piece.expected) and abs(piece.told - piece.expected) > same
        if differs and piece.end_s - piece.start_s > CLOCKS_S:
            yield piece
