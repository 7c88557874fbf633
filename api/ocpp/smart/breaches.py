"""What is asked of a request that sets a profile, and what may be wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from api.ocpp.capabilities import Feature, StationCapabilities
from api.ocpp.smart.profiles import Kind, Profile, Purpose
from api.ocpp.smart.station import Situation
from api.ocpp.wire import Payload

_ONE_DECIMAL: Final = 10


@dataclass(frozen=True, slots=True)
class Breach:
    """A requirement that is broken.

    Parameters
    ----------
    requirement : str
        Its number, such as ``K01.FR.03``; for 1.6 the line of the checklist, such as ``C2``.
    sentence : str
        What is wrong.
    sources : tuple of str
        Sections and errata of 1.6.
    reason_code : str or None
        What the station writes into ``statusInfo.reasonCode``, where that is prescribed.
    answer : str
        How it answers: its status, or a CALLERROR.
    """

    requirement: str
    sentence: str
    sources: tuple[str, ...] = ()
    reason_code: str | None = None
    answer: str = "Rejected"


Breaches: TypeAlias = Iterator[Breach]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that sets a profile, and the station that it goes to.

    Parameters
    ----------
    evse : int
    raw : dict
        The type ChargingProfile.
    profile : Profile
        The same as a record.
    is_start : bool
        It comes with a remote start.
    situation : Situation
    capabilities : StationCapabilities
    now_s : int
    last_accepted_s : mapping of Purpose to int
        When the last profile of a purpose was accepted, where that is known [s since 1970].
    offline_starts : frozenset of str
        Transactions that were reported afterwards, from a queue.
    """

    evse: int
    raw: Payload
    profile: Profile
    is_start: bool
    situation: Situation
    capabilities: StationCapabilities
    now_s: int
    last_accepted_s: Mapping[Purpose, int] = field(default_factory=lambda: MappingProxyType({}))
    offline_starts: frozenset[str] = frozenset()

    @property
    def schedules(self) -> list[Payload]:
        """The raw schedules."""
        found = self.raw["chargingSchedule"]
        return found if isinstance(found, list) else [found]

    @property
    def periods(self) -> list[Payload]:
        """The raw periods of all schedules."""
        return [period for schedule in self.schedules for period in schedule["chargingSchedulePeriod"]]

    @property
    def others(self) -> list[Profile]:
        """What the station holds under other numbers."""
        return [one for one in self.situation.profiles if one.profile_id != self.profile.profile_id]

    @property
    def is_tx(self) -> bool:
        """Whether it is a TxProfile."""
        return self.profile.purpose is Purpose.TX

    @property
    def needs_start(self) -> bool:
        """Whether its time is absolute."""
        return self.profile.kind in (Kind.ABSOLUTE, Kind.RECURRING)

    @property
    def is_dc(self) -> bool:
        """Whether every EVSE that is meant is a DC one."""
        evses = self.situation.station.evses
        meant = [evses[self.evse]] if self.evse in evses else list(evses.values())
        return all(one.is_dc for one in meant)

    @property
    def evse_exists(self) -> bool:
        """Whether there is such an EVSE."""
        return self.evse == 0 or self.evse in self.situation.station.evses

    def can(self, feature: Feature) -> bool:
        """Tell whether the station has a feature."""
        return feature in self.capabilities.features


def increases(periods: list[Payload]) -> bool:
    """Tell whether every period starts after the one before it."""
    starts = [period["startPeriod"] for period in periods]
    return all(a < b for a, b in pairwise(starts))


def starts_at_zero(periods: list[Payload]) -> bool:
    """Tell whether the first period starts with the schedule."""
    return bool(periods[0]["startPeriod"] == 0)


def has_one_decimal(value: Any) -> bool:  # noqa: ANN401 - any JSON number
    """Tell whether a number has at most one decimal."""
    return bool(round(value * _ONE_DECIMAL) / _ONE_DECIMAL == value)


def changes_3_to_1(periods: list[Payload]) -> bool:
    """Tell whether a schedule goes from three phases to one, or back."""
    phases = {period.get("numberPhases") or 3 for period in periods}
    return {1, 3} <= phases
