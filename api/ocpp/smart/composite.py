"""What a station will do with the profiles that it holds: its composite schedule.

At every instant, of each purpose the highest stack level that is in force rules; a TxProfile overrules the
default, priority charging overrules both; the station's maximum and external constraints limit all of them
(1.6 3.13, K01). Where nothing rules, the station charges as if it held no profile (1.6 E3.43).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Final, TypeAlias

from api.ocpp.capabilities import RateUnit
from api.ocpp.periods import OperationMode
from api.ocpp.smart.governing import EvseRule, rule_of_evse, rule_of_station
from api.ocpp.smart.profiles import Purpose, Rate
from api.ocpp.smart.rates import Scale, rounded
from api.ocpp.smart.station import IdleRule, Situation
from api.ocpp.smart.timelines import Ruling

NOTHING: Final = Rate(0.0)


@dataclass(frozen=True, slots=True)
class Question:
    """GetCompositeSchedule: which EVSE, for how long, in which unit, asked when.

    Parameters
    ----------
    evse : int
        0 asks for the whole station.
    now_s : int
        [s since 1970].
    duration_s : int
    unit : RateUnit
    """

    evse: int
    now_s: int
    duration_s: int
    unit: RateUnit


@dataclass(frozen=True, slots=True)
class CompositePeriod:
    """What holds from ``start_s`` [s after the question] until the next period starts.

    Parameters
    ----------
    start_s : int
    limit : Rate
        In the unit of the question.
    n_phases : int
    phase_to_use : int or None
    discharge_limit, setpoint : Rate or None
    mode : OperationMode or None
    others : tuple of (str, any JSON)
        Members of the ruling period that bound nothing.
    least_rate : float or None
        The highest hint of those that rule, in the unit of the question.
    """

    start_s: int
    limit: Rate
    n_phases: int
    phase_to_use: int | None = None
    discharge_limit: Rate | None = None
    setpoint: Rate | None = None
    mode: OperationMode | None = None
    others: tuple[tuple[str, Any], ...] = ()
    least_rate: float | None = None


Composite: TypeAlias = tuple[CompositePeriod, ...]


def composite_of(situation: Situation, question: Question) -> Composite:
    """Return what an EVSE, or the whole station, is limited to within the time that is asked for.

    Parameters
    ----------
    situation : Situation
    question : Question
        Of an EVSE that exists, or 0.

    Returns
    -------
    tuple of CompositePeriod
        The first at 0; neighbours differ; limits have one decimal, rounded towards zero.
    """
    window = (question.now_s, question.now_s + max(question.duration_s, 1))
    if question.evse:
        evaluate: _Evaluator = _EvseEvaluator(situation, question.unit, question.evse, window)
    else:
        evaluate = _StationEvaluator(situation, question.unit, window)
    inside = {int(s) for s in evaluate.borders_s if window[0] < s < window[1]}
    periods = [
        replace(_told(evaluate.at(at_s)), start_s=at_s - question.now_s)
        for at_s in sorted({question.now_s, *inside})
    ]
    return _merged(periods)


def _told(period: CompositePeriod) -> CompositePeriod:
    """Return a period as it is told: one decimal, rounded towards zero."""
    discharge, setpoint = period.discharge_limit, period.setpoint
    return replace(
        period,
        limit=rounded(period.limit),
        discharge_limit=None if discharge is None else rounded(discharge),
        setpoint=None if setpoint is None else rounded(setpoint),
    )


def _merged(periods: Sequence[CompositePeriod]) -> Composite:
    """Drop every period that says the same as the one before it."""
    later = [new for old, new in pairwise(periods) if replace(new, start_s=old.start_s) != old]
    return (periods[0], *later)


@dataclass(frozen=True, slots=True)
class _Bound:
    """A cap in the unit of the question."""

    limit: Rate | None
    discharge_limit: Rate | None


class _Evaluator:
    """Says what holds at a time."""

    borders_s: set[float]

    def at(self, at_s: int) -> CompositePeriod:
        """Return what holds at a time, unrounded."""
        raise NotImplementedError


class _EvseEvaluator(_Evaluator):
    """One EVSE."""

    def __init__(self, situation: Situation, unit: RateUnit, evse: int, window: tuple[int, int]) -> None:
        self._situation, self._unit = situation, unit
        self._facts = situation.station.evses[evse]
        self._rule = rule_of_evse(situation, evse, window)
        self._is_idle = (
            situation.station.idle_rule is IdleRule.DRAWS_NOTHING and evse not in situation.transactions
        )
        self.borders_s = self._rule.borders_s

    def at(self, at_s: int) -> CompositePeriod:
        if self._is_idle:
            return CompositePeriod(0, NOTHING, self._facts.n_phases)
        found = [self._with(ruling, at_s) for ruling in self._rule.at(at_s)]
        most = max(found, key=self._size)
        alike = [one.limit for one in found if one.n_phases == most.n_phases]
        scale = Scale(self._unit, most.n_phases, self._situation.station.voltage_v)
        return replace(most, limit=scale.highest(alike))  # of each phase, where options tell phases apart

    def _size(self, period: CompositePeriod) -> tuple[float, float, int]:
        """Return how much a period allows, in tenths: on its greatest phase, on all; and on how many."""
        n, rate = period.n_phases, period.limit
        is_power = self._unit is RateUnit.POWER
        share = rate.value / n if is_power else rate.value
        phases = (share,) * n if rate.by_phase is None else rate.by_phase[:n]
        total = round(sum(phases), 1)
        return total if is_power else round(max(phases), 1), total, n

    def _with(self, ruling: Ruling | None, at_s: int) -> CompositePeriod:
        """Return what holds where this rules the transaction."""
        caps = [_least(stack.at(at_s)) for stack in self._rule.caps]
        rulings = [one for one in (ruling, *caps) if one is not None]
        n_phases = min([self._facts.n_phases, *(one.period.n_phases or 3 for one in rulings)])
        scale = Scale(self._unit, n_phases, self._situation.station.voltage_v)
        added = _generation(self._rule, at_s, scale)
        bounds = [_bound(one, scale, added) for one in caps if one is not None]
        own = CompositePeriod(0, self._own_limit(ruling, scale), n_phases)
        if ruling is not None:
            own = _with_own(own, ruling, scale)
        ceiling = Rate(self._facts.most.in_unit(self._unit, n_phases, scale.voltage_v))
        return _capped(own, [*bounds, _Bound(ceiling, None)], scale)

    def _own_limit(self, ruling: Ruling | None, scale: Scale) -> Rate:
        """Return the limit of what rules; where it has none, what the EVSE draws without a profile."""
        period = None if ruling is None else ruling.period
        if period is not None and (period.is_asleep or period.mode is OperationMode.IDLE):
            return NOTHING
        if ruling is None or period is None or period.limit is None:
            free = self._facts.unlimited.in_unit(self._unit, scale.n_phases, scale.voltage_v)
            return Rate(free)
        return scale.of(period.limit, ruling.schedule.unit)


class _StationEvaluator(_Evaluator):
    """The whole station: what its EVSEs may draw together, within what it may."""

    def __init__(self, situation: Situation, unit: RateUnit, window: tuple[int, int]) -> None:
        self._station, self._unit = situation.station, unit
        self._evses = [_EvseEvaluator(situation, unit, evse, window) for evse in situation.station.evses]
        self._rule = rule_of_station(situation, window)
        self.borders_s = self._rule.borders_s.union(*(one.borders_s for one in self._evses))

    def at(self, at_s: int) -> CompositePeriod:
        parts = [one.at(at_s) for one in self._evses]
        n_phases = max(part.n_phases for part in parts)
        scale = Scale(self._unit, n_phases, self._station.voltage_v)
        total = CompositePeriod(0, scale.total([part.limit for part in parts]), n_phases)
        discharge = [part.discharge_limit for part in parts if part.discharge_limit is not None]
        if discharge:
            total = replace(total, discharge_limit=scale.total(discharge))
        own = Scale(self._unit, self._station.n_phases, self._station.voltage_v)
        added = _generation(self._rule, at_s, own)
        caps = [_least(stack.at(at_s)) for stack in self._rule.caps]
        bounds = [_bound(one, _scale_of(one, own), added) for one in caps if one is not None]
        ceiling = Rate(self._station.most.in_unit(self._unit, own.n_phases, own.voltage_v))
        return _capped(total, [*bounds, _Bound(ceiling, None)], scale)


def _scale_of(ruling: Ruling, scale: Scale) -> Scale:
    """Return the scale with the phases that a cap names, at most those of the station."""
    return replace(scale, n_phases=min(scale.n_phases, ruling.period.n_phases or scale.n_phases))


def _least(choice: Sequence[Ruling | None]) -> Ruling | None:
    """Return the cap that is in force; caps have no random delays (K01.FR.95), so that there is one."""
    return choice[0]


def _bound(ruling: Ruling, scale: Scale, added: Rate | None) -> _Bound:
    """Return a cap in the unit of the question; local generation adds to the station's maximum."""
    period, unit = ruling.period, ruling.schedule.unit
    limit = None if period.limit is None else scale.of(period.limit, unit)
    if limit is not None and added is not None and ruling.profile.purpose is Purpose.STATION_MAX:
        limit = scale.total([limit, added])
    discharge = None if period.discharge_limit is None else scale.of(period.discharge_limit, unit)
    return _Bound(limit, discharge)


def _generation(rule: EvseRule, at_s: float, scale: Scale) -> Rate | None:
    """Return what local generation adds at a time."""
    ruling = rule.generation.at(at_s)[0]
    if ruling is None or ruling.period.limit is None:
        return None
    return _scale_of(ruling, scale).of(ruling.period.limit, ruling.schedule.unit)


def _with_own(period: CompositePeriod, ruling: Ruling, scale: Scale) -> CompositePeriod:
    """Return the period with all else that the ruling one says."""
    said, unit = ruling.period, ruling.schedule.unit
    least_rate = ruling.schedule.least_rate
    return replace(
        period,
        phase_to_use=said.phase_to_use if period.n_phases == 1 else None,
        discharge_limit=None if said.discharge_limit is None else scale.of(said.discharge_limit, unit),
        setpoint=None if said.setpoint is None else scale.of(said.setpoint, unit),
        mode=said.mode,
        others=said.others,
        least_rate=None if least_rate is None else scale.of(Rate(least_rate), unit).value,
    )


def _capped(period: CompositePeriod, bounds: Sequence[_Bound], scale: Scale) -> CompositePeriod:
    """Return the period within every cap; a setpoint stays within the limits as well."""
    limits = [period.limit, *(one.limit for one in bounds if one.limit is not None)]
    limit = scale.lowest(limits)
    known = [period.discharge_limit, *(one.discharge_limit for one in bounds)]
    discharges = [one for one in known if one is not None]
    discharge = scale.highest(discharges) if discharges and _may_discharge(period) else None
    setpoint = period.setpoint
    if setpoint is not None:
        setpoint = scale.lowest([setpoint, limit])
        setpoint = setpoint if discharge is None else scale.highest([setpoint, discharge])
    return replace(period, limit=limit, discharge_limit=discharge, setpoint=setpoint)


def _may_discharge(period: CompositePeriod) -> bool:
    """Tell whether discharging is possible at all, so that its limit matters."""
    return period.discharge_limit is not None or period.setpoint is not None
