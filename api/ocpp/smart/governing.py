"""Which profiles govern an EVSE at a time: stack levels by purpose, and purposes over each other."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from api.ocpp.smart.profiles import Profile, Purpose
from api.ocpp.smart.station import DefaultRule, RunningTransaction, Situation, usual_default_rule
from api.ocpp.smart.timelines import Anchor, Interval, Ruling, Timeline, timeline_of

Choice: TypeAlias = tuple[Ruling | None, ...]
"""What may rule; several only where delays are random. None stands for no profile at all."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Profiles of one purpose, the first that is in force rules."""

    timelines: tuple[Timeline, ...]

    def at(self, at_s: float) -> Choice:
        """Return what may rule at a time."""
        found: list[Ruling] = []
        for timeline in self.timelines:
            said = timeline.at(at_s)
            found += [one for one in said if one is not None]
            if None not in said:
                return tuple(found)
        return (*found, None)


@dataclass(frozen=True, slots=True)
class EvseRule:
    """All that limits one EVSE.

    Parameters
    ----------
    own : tuple of Stack
        Of what its transaction has, the first that rules overrules the others: priority, Tx, default.
    caps : tuple of Stack
        Each of them limits as well.
    generation : Stack
        What local generation adds to the cap of the station (2.1).
    """

    own: tuple[Stack, ...]
    caps: tuple[Stack, ...]
    generation: Stack

    def at(self, at_s: float) -> Choice:
        """Return what may rule the transaction at a time."""
        found: list[Ruling] = []
        for stack in self.own:
            said = stack.at(at_s)
            found += [one for one in said if one is not None]
            if None not in said:
                return tuple(found)
        return (*found, None)

    @property
    def borders_s(self) -> set[float]:
        """Times at which something may change."""
        stacks = (*self.own, *self.caps, self.generation)
        return {s for stack in stacks for timeline in stack.timelines for s in timeline.borders_s}


def rule_of_evse(situation: Situation, evse: int, window: Interval) -> EvseRule:
    """Return all that limits one EVSE within a window of time."""
    transaction = situation.transactions.get(evse)
    find = _Finder(situation, window, _anchor(situation, transaction, window))
    tx = [one for one in find.of(Purpose.TX, (evse,)) if _is_of(one, transaction)]
    has_priority = transaction is not None and transaction.has_priority
    priority = find.of(Purpose.PRIORITY, (evse, 0)) if has_priority else []
    own = (find.stack(priority), find.stack(tx), *_defaults(situation, find, evse))
    external = tuple(find.stack(find.of(Purpose.EXTERNAL, (number,))) for number in (evse, 0))
    station_max = find.stack(find.of(Purpose.STATION_MAX, (0,)))
    generation = find.stack(find.of(Purpose.LOCAL_GENERATION, (0, evse)))
    return EvseRule(own, (station_max, *external), generation)


def rule_of_station(situation: Situation, window: Interval) -> EvseRule:
    """Return what limits the station as a whole, besides what limits its EVSEs."""
    first = min(situation.transactions.values(), key=lambda one: one.charging_since_s, default=None)
    find = _Finder(situation, window, _anchor(situation, first, window))
    caps = [find.stack(find.of(purpose, (0,))) for purpose in (Purpose.STATION_MAX, Purpose.EXTERNAL)]
    return EvseRule((), tuple(caps), find.stack(find.of(Purpose.LOCAL_GENERATION, (0,))))


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds the profiles of a situation, and when they are in force."""

    situation: Situation
    window: Interval
    anchor: Anchor

    def of(self, purpose: Purpose, evses: Sequence[int]) -> list[Profile]:
        """Return the profiles of a purpose on some EVSEs, in the order in which they were installed."""
        return [one for one in self.situation.profiles if one.purpose is purpose and one.evse in evses]

    def stack(self, profiles: Iterable[Profile]) -> Stack:
        """Return profiles by stack level, the highest first; of equal ones that which came last."""
        ordered = sorted(enumerate(profiles), key=lambda one: (-one[1].stack_level, -one[0]))
        offline = self.situation.offline
        return Stack(tuple(timeline_of(one, self.anchor, self.window, offline) for _, one in ordered))


def _defaults(situation: Situation, find: _Finder, evse: int) -> tuple[Stack, ...]:
    """Return the default profiles: one stack of all, or those of the EVSE before those of every EVSE."""
    station = situation.station
    if (station.default_rule or usual_default_rule(station.version)) is DefaultRule.BY_STACK_LEVEL:
        return (find.stack(find.of(Purpose.TX_DEFAULT, (evse, 0))),)
    return tuple(find.stack(find.of(Purpose.TX_DEFAULT, (number,))) for number in (evse, 0))


def _anchor(situation: Situation, transaction: RunningTransaction | None, window: Interval) -> Anchor:
    """Return from where times are counted; where nothing runs, as if a transaction began now."""
    zone = situation.station.zone
    if transaction is None:
        return Anchor(math.floor(window[0]), zone)
    return Anchor(transaction.charging_since_s, zone, transaction.schedule_id, transaction.soc_percent)


def _is_of(profile: Profile, transaction: RunningTransaction | None) -> bool:
    """Tell whether a TxProfile belongs to what runs; one that came with a remote start names no transaction."""
    if transaction is None:
        return False
    return profile.transaction_id in (None, transaction.transaction_id)
