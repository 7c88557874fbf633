"""The answer to GetCompositeSchedule in the words of each version, members in the order of its schema."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from api.ocpp.capabilities import OcppVersion, RateUnit
from api.ocpp.smart.composite import Composite, CompositePeriod, Question, composite_of
from api.ocpp.smart.profiles import Rate
from api.ocpp.smart.rates import towards_zero
from api.ocpp.smart.station import Situation
from api.ocpp.wire import Payload, format_time, given

UNKNOWN_EVSE: Final = "UnknownEvse"
UNSUPPORTED_UNIT: Final = "UnsupportedRateUnit"
_PERIOD_ORDER: Final = (
    "startPeriod",
    "limit",
    "limit_L2",
    "limit_L3",
    "numberPhases",
    "phaseToUse",
    "dischargeLimit",
    "dischargeLimit_L2",
    "dischargeLimit_L3",
    "setpoint",
    "setpoint_L2",
    "setpoint_L3",
    "setpointReactive",
    "setpointReactive_L2",
    "setpointReactive_L3",
    "preconditioningRequest",
    "evseSleep",
    "v2xBaseline",
    "operationMode",
    "v2xFreqWattCurve",
    "v2xSignalWattCurve",
)


def answer_to(
    situation: Situation, evse: int, now_s: int, duration_s: int, unit: RateUnit | None = None
) -> Payload:
    """Return GetCompositeScheduleResponse of the station's version.

    Parameters
    ----------
    situation : Situation
    evse : int
        EVSE or connector, 0 for the station.
    now_s : int
        When it is asked [s since 1970].
    duration_s : int
    unit : RateUnit or None
        None leaves the choice to the station.
    """
    version, units = situation.station.version, situation.station.rate_units
    if duration_s < 0 or (evse and evse not in situation.station.evses):
        return _rejected(version, UNKNOWN_EVSE if duration_s >= 0 else "InvalidValue")
    if unit is not None and unit not in units and version is not OcppVersion.V16:
        return _rejected(version, UNSUPPORTED_UNIT)  # K08.FR.07; a 1.6 station answers in its own unit
    chosen = unit if unit in units and unit is not None else usual_unit(situation)
    question = Question(evse, now_s, duration_s, chosen)
    composite = composite_of(situation, question)
    names_phases = not _is_dc(situation, evse)
    if version is OcppVersion.V16:
        return _answer_16(question, composite, names_phases=names_phases)
    return _answer_2x(question, composite, version, names_phases=names_phases)


def usual_unit(situation: Situation) -> RateUnit:
    """Return the unit that a station answers in where none is asked for: that of its profiles, else ampere."""
    units = situation.station.rate_units
    if len(units) == 1:
        return min(units)
    used = {schedule.unit for profile in situation.profiles for schedule in profile.schedules}
    return RateUnit.POWER if used == {RateUnit.POWER} else RateUnit.CURRENT


def _is_dc(situation: Situation, evse: int) -> bool:
    """Tell whether phases mean nothing where it is asked."""
    evses = situation.station.evses
    asked = [evses[evse]] if evse else list(evses.values())
    return all(one.is_dc for one in asked)


def _rejected(version: OcppVersion, reason: str) -> Payload:
    """Return a refusal; 1.6 has no words for why."""
    if version is OcppVersion.V16:
        return {"status": "Rejected"}
    return {"status": "Rejected", "statusInfo": {"reasonCode": reason}}


def _answer_16(question: Question, composite: Composite, *, names_phases: bool) -> Payload:
    """Return the answer of 1.6: no start of the schedule, but of the answer (E3.57)."""
    rates = [period.least_rate for period in composite if period.least_rate is not None]
    schedule = {
        "duration": question.duration_s,
        "chargingRateUnit": question.unit.value,
        "chargingSchedulePeriod": _periods(composite, is_v21=False, names_phases=names_phases),
        "minChargingRate": towards_zero(max(rates)) if rates else None,
    }
    return {
        "status": "Accepted",
        "connectorId": question.evse,
        "scheduleStart": _time(question.now_s),
        "chargingSchedule": given(schedule),
    }


def _answer_2x(
    question: Question, composite: Composite, version: OcppVersion, *, names_phases: bool
) -> Payload:
    """Return the answer of 2.0.1 and 2.1; each has its members in another order."""
    periods = _periods(composite, is_v21=version is OcppVersion.V21, names_phases=names_phases)
    frame = {
        "evseId": question.evse,
        "duration": question.duration_s,
        "scheduleStart": _time(question.now_s),
        "chargingRateUnit": question.unit.value,
    }
    last = {"chargingSchedulePeriod": periods}
    return {"status": "Accepted", "schedule": frame | last if version is OcppVersion.V21 else last | frame}


def _periods(composite: Sequence[CompositePeriod], *, is_v21: bool, names_phases: bool) -> list[Payload]:
    """Return the periods; setpoints, discharge limits and modes stand in 2.1 only."""
    return [_period(one, is_v21=is_v21, names_phases=names_phases) for one in composite]


def _period(period: CompositePeriod, *, is_v21: bool, names_phases: bool) -> Payload:
    """Return the type ChargingSchedulePeriod."""
    found: Payload = {"startPeriod": period.start_s, "limit": _least(period.limit, period.n_phases)}
    if names_phases:
        found["numberPhases"] = period.n_phases
        found |= given({"phaseToUse": period.phase_to_use})
    if is_v21:
        found |= _by_phase("limit", period.limit, period.n_phases)
        found |= _by_phase("dischargeLimit", period.discharge_limit, period.n_phases)
        found |= _by_phase("setpoint", period.setpoint, period.n_phases)
        found |= given({"operationMode": None if period.mode is None else period.mode.value})
        found |= dict(period.others)
    return {name: found[name] for name in _PERIOD_ORDER if name in found}


def _by_phase(name: str, rate: Rate | None, n_phases: int) -> Payload:
    """Return the members of a rate."""
    if rate is None:
        return {}
    if rate.by_phase is None:
        return {name: rate.value}
    names = (name, f"{name}_L2", f"{name}_L3")[:n_phases]
    return dict(zip(names, rate.by_phase, strict=False))


def _least(rate: Rate, n_phases: int) -> float:
    """Return one number for a limit; before 2.1 no phase has one of its own."""
    return rate.value if rate.by_phase is None else min(rate.by_phase[:n_phases])


def _time(second: float) -> str:
    """Return a time as it is written."""
    return format_time(datetime.fromtimestamp(math.floor(second), UTC))
